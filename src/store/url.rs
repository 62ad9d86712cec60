//! Where the database is: `postgres://…`, `sqlite:PATH` or a path.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A database's address. Its `Display` and `Debug` hold no password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A `postgres://` or `postgresql://` URL, the password in it.
    Postgres(String),
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// An address that names no database.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseUrlError {
    /// An empty text.
    #[error("the database address is empty")]
    Empty,
    /// PostgreSQL's address in another spelling.
    #[error("the database address is no URL: use `postgres://USER@HOST/DATABASE`")]
    NoUrl,
    /// A database that ends with its connection.
    #[error("a SQLite database in memory would be gone with the sync: name a file")]
    InMemory,
    /// Another database's scheme.
    #[error("`{scheme}:` is no database that is supported: use `postgres://…`, `sqlite:PATH` or a path")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
}

impl DatabaseUrl {
    /// Reads an address as `DATABASE_URL` holds it.
    pub fn parse(address: &str) -> Result<Self, DatabaseUrlError> {
        let address = address.trim();
        if address.is_empty() {
            return Err(DatabaseUrlError::Empty);
        }
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Ok(Self::Postgres(address.to_owned()));
        }
        // what PostgreSQL's own tools take as well, and no file is called
        let keywords = ["host=", "hostaddr=", "dbname=", "user=", "password="];
        if address.starts_with("postgres:")
            || address.starts_with("postgresql:")
            || keywords.iter().any(|keyword| address.starts_with(keyword))
        {
            return Err(DatabaseUrlError::NoUrl);
        }
        if let Some(path) = address.strip_prefix("sqlite:") {
            // `sqlite:///abs`, `sqlite://rel` and `sqlite:PATH`, as other tools write it
            let path = path.strip_prefix("//").unwrap_or(path);
            if path == ":memory:" {
                return Err(DatabaseUrlError::InMemory);
            }
            return if path.is_empty() { Err(DatabaseUrlError::Empty) } else { Ok(Self::Sqlite(path.into())) };
        }
        match address.split_once("://") {
            Some((scheme, _)) => Err(DatabaseUrlError::Scheme { scheme: scheme.to_owned() }),
            None => Ok(Self::Sqlite(address.into())),
        }
    }

    /// The SQLite file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(address) => match url::Url::parse(address) {
                // a password may also stand in the query, so that only host and path are shown
                // a password with a `/` in it, not written as `%2F`, would be taken for a path
                Ok(url) if !url.username().is_empty() || !address.contains('@') => {
                    let user = if url.username().is_empty() { String::new() } else { format!("{}@", url.username()) };
                    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                    write!(f, "postgres://{user}{}{port}{}", url.host_str().unwrap_or_default(), url.path())
                }
                _ => f.write_str("postgres://…"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
