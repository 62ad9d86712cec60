//! A database of either kind, empty, for one test.

use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _};
use tempfile::TempDir;

use super::{cli::Program, postgres};

/// Makes two tests of each function that takes a [`Database`]: one for SQLite, one for PostgreSQL.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $test() {
                super::$test(&$crate::support::database::Database::sqlite());
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $test() {
                super::$test(&$crate::support::database::Database::postgres());
            })+
        }
    };
}
pub(crate) use on_both;

/// An empty database, gone with the test.
#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres(postgres::Database),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    line: Option<String>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        Self::Postgres(postgres::Database::new())
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// As `DATABASE_URL` holds it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite:{}", self.file().display()),
            Self::Postgres(database) => database.url(),
        }
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("test.db"),
            Self::Postgres(_) => panic!("no file"),
        }
    }

    /// The program, with this as its database.
    pub(crate) fn program(&self) -> Program {
        Program::new().env("DATABASE_URL", &self.url())
    }

    /// The column `line` of what a query answers; NULL is `∅`.
    pub(crate) fn lines(&self, sql: &str) -> Vec<String> {
        let lines = match self {
            Self::Sqlite(_) => {
                let lines: Vec<Line> = diesel::sql_query(sql).load(&mut self.connection()).unwrap();
                lines.into_iter().map(|line| line.line).collect()
            }
            Self::Postgres(database) => database.query(sql),
        };
        lines.into_iter().map(|line| line.unwrap_or_else(|| "∅".to_owned())).collect()
    }

    /// The only line of an answer.
    pub(crate) fn line(&self, sql: &str) -> String {
        let mut lines = self.lines(sql);
        assert_eq!(lines.len(), 1, "{sql}: {lines:?}");
        lines.remove(0)
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &str) -> usize {
        self.line(&format!("SELECT CAST(COUNT(*) AS text) AS line FROM {table}")).parse().unwrap()
    }

    /// Runs statements.
    pub(crate) fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => self.connection().batch_execute(sql).unwrap(),
            Self::Postgres(database) => drop(database.query(sql)),
        }
    }

    fn connection(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(&self.file().to_string_lossy()).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 30000").unwrap();
        connection
    }
}
