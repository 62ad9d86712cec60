//! SQLite: a bundled library, one file, one writer at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use diesel::{connection::SimpleConnection as _, prelude::*, upsert::excluded};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::{
    Rows,
    error::{StoreError, first_line},
    models::NewSetting,
    schema::settings,
};

#[path = "queries/mod.rs"]
pub(super) mod queries;

pub(super) type Conn = SqliteConnection;
type Db = diesel::sqlite::Sqlite;

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Rows in one statement: measured, 500 write faster than fewer or more.
const ROWS_PER_STATEMENT: usize = 500;

/// How long a statement waits for another process's write. Writes are short; there may be many.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);

/// What a connection that writes is set to. The index over definitions is written all over: with the usual
/// cache of 2 MB most of its pages are read and written again for every batch, and with the usual thousand
/// pages of log every batch is a checkpoint. The cache is in KiB, the log in pages of 4 KiB. A statement of many
/// rows notes every page as it was, to be able to fail alone: in memory instead of in a file.
const WRITER_PRAGMAS: &str = "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; \
    PRAGMA cache_size = -24576; PRAGMA wal_autocheckpoint = 16384; PRAGMA temp_store = MEMORY;";

diesel::table! {
    sqlite_master (name) {
        name -> Text,
        #[sql_name = "type"]
        kind -> Text,
    }
}

/// Opens a file for writing, and makes it where there is none.
pub(super) fn open(path: &Path) -> Result<Conn, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| failed(path, &error))?;
    }
    let mut conn = establish(path, "")?;
    prepare(&mut conn, WRITER_PRAGMAS).map_err(|error| failed(path, &error))?;
    Ok(conn)
}

/// Switches to the write-ahead log, which the file remembers: only of a file that is known to be ours.
pub(super) fn settle(conn: &mut Conn, path: &Path) -> Result<(), StoreError> {
    prepare(conn, "PRAGMA journal_mode = WAL;").map_err(|error| failed(path, &error))
}

/// Opens a file for reading; never makes one.
pub(super) fn open_read_only(path: &Path) -> Result<Conn, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { database: shown(path) });
    }
    let read = |mode| {
        let mut conn = establish(path, mode)?;
        prepare(&mut conn, "PRAGMA query_only = ON; SELECT name FROM sqlite_master LIMIT 1;")
            .map_err(|error| failed(path, &error))?;
        Ok(conn)
    };
    // a folder that may not be written to has no place for the log's index; nobody writes there either
    read("?mode=ro").or_else(|error| read("?immutable=1").map_err(|_: StoreError| error))
}

fn establish(path: &Path, mode: &str) -> Result<Conn, StoreError> {
    let encoded: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            '%' => "%25".to_owned(),
            other => other.to_string(),
        })
        .collect();
    // two slashes would begin the name of a host
    let encoded = if encoded.starts_with("//") { format!("//{encoded}") } else { encoded };
    let mut conn =
        SqliteConnection::establish(&format!("file:{encoded}{mode}")).map_err(|error| failed(path, &error))?;
    let timeout = format!("PRAGMA busy_timeout = {};", BUSY_TIMEOUT.as_millis());
    conn.batch_execute(&timeout).map_err(|error| failed(path, &error))?;
    Ok(conn)
}

/// Switching to the write-ahead log does not wait by itself when many start at once.
fn prepare(conn: &mut Conn, pragmas: &str) -> QueryResult<()> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match conn.batch_execute(pragmas) {
            Err(error) if error.to_string().contains("locked") && Instant::now() < until => {
                thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

/// Names of the tables and views in the file.
pub(super) fn tables(conn: &mut Conn) -> QueryResult<Vec<String>> {
    sqlite_master::table
        .filter(sqlite_master::kind.eq_any(["table", "view"]))
        .filter(sqlite_master::name.not_like("sqlite!_%").escape('!'))
        .select(sqlite_master::name)
        .load(conn)
}

/// A lock that dies with its process: a file beside the database. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // while it is still held: who takes it next makes a file of its own
        if cfg!(unix) && is_at(&self.file, &self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Takes a lock, or tells that another process holds it.
pub(super) fn try_lock(database: &Path, what: &str) -> Result<Option<Lock>, StoreError> {
    let path = lock_file(database, what);
    let failed =
        |error: std::io::Error| StoreError::LockFile { path: path.display().to_string(), reason: error.to_string() };
    loop {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            // the file may have been taken away between opening and locking it: that lock holds off nobody
            Ok(()) if !is_at(&file, &path) => {}
            Ok(()) => return Ok(Some(Lock { file, path })),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}

/// Whether the open file is the one that stands at the path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), path.metadata()) {
        (Ok(open), Ok(there)) => open.ino() == there.ino() && open.dev() == there.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// One file for each tenant; its name may hold anything, a file's name may not.
fn lock_file(database: &Path, what: &str) -> PathBuf {
    // one file, whatever links lead to it
    let mut name = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
    name.push(format!("-{}.lock", &blake3::hash(what.as_bytes()).to_hex()[..16]));
    PathBuf::from(name)
}

pub(super) fn write_transaction<T, E: From<diesel::result::Error>>(
    conn: &mut Conn,
    write: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    // takes the write lock at once: one that reads first and writes then fails when another came between
    conn.immediate_transaction(write)
}

pub(super) fn insert_settings(conn: &mut Conn, rows: &[NewSetting<'_>], what: Rows) -> QueryResult<()> {
    for chunk in rows.chunks(ROWS_PER_STATEMENT) {
        let insert = diesel::insert_into(settings::table).values(chunk);
        match what {
            Rows::New => insert.execute(conn)?,
            Rows::PerhapsStored => super::upsert_settings!(insert).execute(conn)?,
        };
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn failed(path: &Path, error: &impl std::fmt::Display) -> StoreError {
    StoreError::Connect { database: shown(path), reason: first_line(error) }
}
