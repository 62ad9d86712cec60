//! What can go wrong with a database, told without its password.

use std::fmt;

use diesel::result::{DatabaseErrorKind as Kind, Error};

/// Why the database did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No connection: unreachable, refused, wrong password, unknown database.
    #[error("failed to connect to the database {database}: {reason}")]
    Connect {
        /// The address, without its password.
        database: String,
        /// What the server or the system said.
        reason: String,
    },
    /// `inspect` of a SQLite file that is not there.
    #[error("there is no database {database}")]
    Missing {
        /// The address.
        database: String,
    },
    /// A file or schema that another program made.
    #[error("the database {database} belongs to another program: {found}")]
    Foreign {
        /// The address.
        database: String,
        /// What was found in it.
        found: String,
        /// Another schema of the same database would be free.
        schema_helps: bool,
    },
    /// Made by a newer version of this program.
    #[error("the database {database} has a newer schema than this version of tenantpilot knows: {version}")]
    Newer {
        /// The address.
        database: String,
        /// The migration that is unknown here.
        version: String,
    },
    /// Not migrated to this version, and the command may not migrate.
    #[error("the database {database} holds no tables of this version of tenantpilot yet")]
    NotMigrated {
        /// The address.
        database: String,
    },
    /// The tables could not be made.
    #[error("failed to migrate the database {database}: {reason}")]
    Migrate {
        /// The address.
        database: String,
        /// Why.
        reason: String,
    },
    /// Another sync of this tenant is running.
    #[error("another sync of tenant `{tenant}` is running")]
    Locked {
        /// The tenant.
        tenant: String,
    },
    /// The lock file beside a SQLite database cannot be used.
    #[error("failed to lock `{path}`: {reason}")]
    LockFile {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A schema name that would need quoting.
    #[error("`{schema}` is no name for a schema: use letters, digits and underscores, not longer than 63")]
    SchemaName {
        /// What was given.
        schema: String,
    },
    /// The server has frozen, or somebody has locked a table.
    #[error("the database did not answer in the time of the sync, {}", humantime::format_duration(*.longest))]
    NoAnswer {
        /// What the sync was allowed.
        longest: std::time::Duration,
    },
    /// A statement failed.
    #[error("the database failed to {doing}: {source}")]
    Query {
        /// What it was asked for.
        doing: &'static str,
        /// Why.
        source: Error,
    },
    /// Rows could not be handed on.
    #[error("failed to write a row: {0}")]
    Sink(#[source] std::io::Error),
}

impl StoreError {
    /// For `map_err`: a statement that failed at `doing`.
    pub(super) fn query(doing: &'static str) -> impl Fn(Error) -> Self {
        move |source| Self::Query { doing, source }
    }

    /// Whether the data, not the database, is at fault, so that the next policy may fare better.
    pub fn is_about_data(&self) -> bool {
        /// What PostgreSQL and SQLite say of data that they do not take; neither gives a code through Diesel.
        const REFUSALS: [&str; 8] = [
            "invalid byte sequence",
            "index row",
            "out of range",
            "value too long",
            "a second time",
            "invalid memory alloc",
            "too big",
            "out of memory",
        ];
        match self {
            Self::Query { source: Error::DatabaseError(kind, information), .. } => match kind {
                Kind::UniqueViolation | Kind::NotNullViolation | Kind::CheckViolation => true,
                _ => REFUSALS.iter().any(|refusal| information.message().contains(refusal)),
            },
            Self::Query { source: Error::SerializationError(_), .. } => true,
            _ => false,
        }
    }

    /// Whether the connection is gone. PostgreSQL ends it with an error of its own, where it has the time.
    pub fn is_lost(&self) -> bool {
        /// What the client and the server say of it.
        const ENDS: [&str; 4] = [
            "connection closed",
            "closed the connection",
            "terminating connection",
            "error communicating with the server",
        ];
        self.says_one_of(&ENDS)
    }

    /// Whether it would meet any sync, whatever the tenant: the database is not there, or takes nothing.
    pub fn is_about_database(&self) -> bool {
        /// What PostgreSQL and SQLite say when they take nothing: read-only, full or forbidden.
        const REFUSALS: [&str; 6] = [
            "readonly database",
            "could not extend file",
            "No space left on device",
            "disk is full",
            "disk I/O error",
            "permission denied",
        ];
        match self {
            Self::Query { source: Error::DatabaseError(Kind::ReadOnlyTransaction, _), .. }
            | Self::Connect { .. }
            | Self::Migrate { .. }
            | Self::Missing { .. }
            | Self::NotMigrated { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. } => true,
            _ => self.is_lost() || self.says_one_of(&REFUSALS),
        }
    }

    /// By their words, since codes of PostgreSQL and SQLite do not get through Diesel.
    fn says_one_of(&self, words: &[&str]) -> bool {
        let Self::Query { source, .. } = self else { return false };
        let said = source.to_string();
        words.iter().any(|words| said.contains(words))
    }
}

/// The first line of an error's text: servers add detail that may hold data.
pub(super) fn first_line(error: &impl fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};

    use super::StoreError;

    #[test]
    fn a_database_that_takes_nothing_is_told_from_data_that_it_does_not_take() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("CREATE TABLE t (n integer UNIQUE); INSERT INTO t VALUES (1)").unwrap();
        let mut failed = |sql| StoreError::query("write")(conn.batch_execute(sql).unwrap_err());
        assert!(!failed("INSERT INTO t VALUES (1)").is_about_database());
        let full = failed("PRAGMA max_page_count = 3; INSERT INTO t VALUES (zeroblob(100000))");
        assert!(full.is_about_database() && !full.is_about_data(), "{full}");
        let read_only = failed("PRAGMA query_only = ON; INSERT INTO t VALUES (2)");
        assert!(read_only.is_about_database() && !read_only.is_about_data(), "{read_only}");
    }
}
