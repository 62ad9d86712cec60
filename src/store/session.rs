//! Opening a database, and what can be asked of it, whichever of the two it is.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use diesel_migrations::MigrationHarness as _;

use super::{
    AssignmentRow, Batch, ChangeRow, DatabaseUrl, DefinitionTotals, Filter, Known, PolicyRow, Run, RunKindRow, RunRow,
    Seen, SettingRow, StoreError, TenantRow, Written,
    error::first_line,
    postgres, sqlite,
    state::{MIGRATIONS_TABLE, State, state, versions},
};
use crate::{changes::Tally, definitions::Definition, policy::TenantId};

/// How often a lock that another process holds is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(200);

/// How long one start waits for another's migration.
const MIGRATION_WAIT: Duration = Duration::from_mins(2);

/// A database that can be opened as often as is needed.
#[derive(Debug, Clone)]
pub struct Store {
    url: DatabaseUrl,
    schema: Option<String>,
}

/// One connection. Dropping it gives its lock back.
pub struct Session(Backend);

enum Backend {
    Postgres(Box<postgres::Conn>),
    Sqlite { conn: Box<sqlite::Conn>, lock: Option<sqlite::Lock>, path: std::path::PathBuf },
}

/// Calls the same function of both backends' queries.
macro_rules! ask {
    ($session:expr, $module:ident::$function:ident($($argument:expr),*)) => {
        match &mut $session.0 {
            Backend::Postgres(conn) => postgres::queries::$module::$function(conn, $($argument),*),
            Backend::Sqlite { conn, .. } => sqlite::queries::$module::$function(conn, $($argument),*),
        }
    };
}

impl Store {
    /// A database by its address; `schema` is the PostgreSQL schema, where it is not the server's default.
    pub fn new(url: DatabaseUrl, schema: Option<&str>) -> Result<Self, StoreError> {
        if let Some(schema) = schema {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let starts = schema.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !starts || schema.len() > 63 || !schema.chars().all(plain) {
                return Err(StoreError::SchemaName { schema: schema.to_owned() });
            }
        }
        // unquoted names are lower-case on the server
        Ok(Self { url, schema: schema.map(str::to_ascii_lowercase) })
    }

    /// The address, for messages.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Opens for writing, and migrates; safe when many start at once.
    pub fn open(&self) -> Result<Session, StoreError> {
        let mut session = self.connect(false)?;
        let state = self.judge(&mut session)?;
        if let Backend::Sqlite { conn, path, .. } = &mut session.0 {
            sqlite::settle(conn, path)?;
        }
        if state == State::Current {
            return Ok(session);
        }
        let until = Instant::now() + MIGRATION_WAIT;
        let mut migrating = self.connect(false)?;
        while !migrating.try_lock("migration")? {
            if Instant::now() > until {
                return Err(self.migrate_failed("another process has been migrating it for too long"));
            }
            thread::sleep(LOCK_PAUSE / 4);
        }
        if let (Backend::Postgres(conn), Some(schema)) = (&mut migrating.0, &self.schema) {
            postgres::create_schema(conn, schema).map_err(|error| self.migrate_failed(&error))?;
        }
        if self.judge(&mut migrating)? == State::Pending {
            match &mut migrating.0 {
                Backend::Postgres(conn) => conn.run_pending_migrations(postgres::MIGRATIONS).map(drop),
                Backend::Sqlite { conn, .. } => conn.run_pending_migrations(sqlite::MIGRATIONS).map(drop),
            }
            .map_err(|error| self.migrate_failed(&error))?;
        }
        Ok(session)
    }

    /// Opens for reading: neither makes nor migrates anything.
    pub fn open_read_only(&self) -> Result<Session, StoreError> {
        let mut session = self.connect(true)?;
        match self.judge(&mut session)? {
            State::Current => Ok(session),
            _ => Err(StoreError::NotMigrated { database: self.url.to_string() }),
        }
    }

    fn connect(&self, read_only: bool) -> Result<Session, StoreError> {
        Ok(Session(match &self.url {
            DatabaseUrl::Postgres(address) => {
                Backend::Postgres(Box::new(postgres::open(&self.url, address, self.schema.as_deref())?))
            }
            DatabaseUrl::Sqlite(path) => {
                let conn = if read_only { sqlite::open_read_only(path)? } else { sqlite::open(path)? };
                Backend::Sqlite { conn: Box::new(conn), lock: None, path: path.clone() }
            }
        }))
    }

    /// The state of the database; one that must not be touched is an error.
    fn judge(&self, session: &mut Session) -> Result<State, StoreError> {
        let tables = match &mut session.0 {
            Backend::Postgres(conn) => postgres::tables(conn, self.schema.as_deref()),
            Backend::Sqlite { conn, .. } => sqlite::tables(conn),
        }
        .map_err(StoreError::query("list its tables"))?;
        let applied = if tables.iter().any(|table| table == MIGRATIONS_TABLE) {
            ask!(session, migrations::applied()).map_err(StoreError::query("read which migrations were run"))?
        } else {
            Vec::new()
        };
        let known = match &session.0 {
            Backend::Postgres(_) => versions::<diesel::pg::Pg>(&postgres::MIGRATIONS),
            Backend::Sqlite { .. } => versions::<diesel::sqlite::Sqlite>(&sqlite::MIGRATIONS),
        }
        .map_err(|error| self.migrate_failed(&error))?;
        let database = self.url.to_string();
        match state(&tables, &applied, &known, self.url.file().is_some()) {
            State::Newer(version) => Err(StoreError::Newer { database, version }),
            State::Foreign(found) => {
                Err(StoreError::Foreign { database, found, schema_helps: self.url.file().is_none() })
            }
            usable => Ok(usable),
        }
    }

    fn migrate_failed(&self, error: &(impl std::fmt::Display + ?Sized)) -> StoreError {
        StoreError::Migrate { database: self.url.to_string(), reason: first_line(&error.to_string()) }
    }
}

impl Session {
    /// Makes this session the only one that syncs the tenant, for as long as it lives. While another one
    /// is, `wait` is asked whether to wait on.
    pub fn lock(&mut self, tenant: &TenantId, mut wait: impl FnMut() -> bool) -> Result<(), StoreError> {
        while !self.try_lock(&format!("tenant/{tenant}"))? {
            if !wait() {
                return Err(StoreError::Locked { tenant: tenant.to_string() });
            }
            thread::sleep(LOCK_PAUSE);
        }
        Ok(())
    }

    fn try_lock(&mut self, what: &str) -> Result<bool, StoreError> {
        match &mut self.0 {
            Backend::Postgres(conn) => postgres::try_lock(conn, what).map_err(StoreError::query("take a lock")),
            Backend::Sqlite { lock, path, .. } => {
                *lock = sqlite::try_lock(path, what)?;
                Ok(lock.is_some())
            }
        }
    }

    /// Opens a run, and closes those of the tenant that were left open. The tenant must be locked.
    pub fn begin(&mut self, run: &RunRow, domain: Option<&str>) -> Result<(), StoreError> {
        ask!(self, runs::begin(run, domain))
    }

    /// Closes a run with its summary, and gives the tenant's lock back: a server sees the end of a connection only some
    /// time after it, and the next sync may begin at once.
    pub fn finish(mut self, run: &RunRow, kinds: &[RunKindRow]) -> Result<(), StoreError> {
        ask!(self, runs::finish(run, kinds))?;
        match &mut self.0 {
            Backend::Postgres(conn) => postgres::unlock(conn).map_err(StoreError::query("give a lock back")),
            Backend::Sqlite { .. } => Ok(()),
        }
    }

    /// Kinds of a tenant of which a listing was completed before.
    pub fn recorded_kinds(&mut self, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
        ask!(self, runs::recorded_kinds(tenant.as_str()))
    }

    /// What is stored of a tenant's policies.
    pub fn known(&mut self, tenant: &TenantId) -> Result<Known, StoreError> {
        ask!(self, runs::known(tenant.as_str()))
    }

    /// Whether any definition is stored, for whatever tenant.
    pub fn has_definitions(&mut self) -> Result<bool, StoreError> {
        ask!(self, definitions::any())
    }

    /// The stored ones of these definitions, by lower-case id, with when they were read.
    pub fn definitions(
        &mut self,
        ids: &[&str],
    ) -> Result<Vec<(String, Definition, chrono::NaiveDateTime)>, StoreError> {
        ask!(self, definitions::find(ids))
    }

    /// Writes definitions by lower-case id, and gives them as they are stored: what a new one does not say stays as
    /// it was. One that says nothing remembers that there is none.
    pub fn keep_definitions(
        &mut self,
        definitions: Vec<(String, Definition)>,
        read_at: chrono::NaiveDateTime,
    ) -> Result<Vec<(String, Definition)>, StoreError> {
        ask!(self, definitions::keep(definitions, read_at))
    }

    /// Counts definitions, and ids of the stored settings of these kinds that have none.
    pub fn definition_totals(&mut self, kinds: &[&str]) -> Result<DefinitionTotals, StoreError> {
        ask!(self, definitions::totals(kinds))
    }

    /// Ids of the groups in a tenant's stored assignments.
    pub fn assigned_ids(&mut self, tenant: &TenantId) -> Result<Vec<String>, StoreError> {
        ask!(self, runs::assigned_ids(tenant.as_str()))
    }

    /// Writes a batch in one transaction, and tells what it changed.
    pub fn write(&mut self, run: &Run, batch: &Batch) -> Result<Written, StoreError> {
        ask!(self, writes::write(run, batch))
    }

    /// Ids and types of stored policies of a kind that were not seen.
    pub fn vanished(
        &mut self,
        tenant: &TenantId,
        kind: &str,
        seen: &Seen,
    ) -> Result<Vec<(String, Option<String>)>, StoreError> {
        ask!(self, runs::vanished(tenant.as_str(), kind, seen))
    }

    /// Marks policies as deleted, and takes their rows away; of a dry run, tells the changes.
    pub fn remove(&mut self, run: &Run, ids: &[String]) -> Result<(Tally, Vec<ChangeRow>), StoreError> {
        ask!(self, runs::remove(run, ids))
    }

    /// Kind and number of settings of each policy that a tenant has now.
    pub fn totals(&mut self, tenant: &TenantId) -> Result<Vec<(String, i64)>, StoreError> {
        ask!(self, runs::totals(tenant.as_str()))
    }

    /// Streams tenants.
    pub fn tenants(
        &mut self,
        filter: &Filter,
        sink: &mut dyn FnMut(TenantRow) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        ask!(self, reads::tenants(filter, sink))
    }

    /// Streams tenant, kind, number of settings and time of the last sync of each policy.
    pub fn overview(
        &mut self,
        filter: &Filter,
        sink: &mut dyn FnMut((String, String, i64, chrono::NaiveDateTime)) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        ask!(self, reads::overview(filter, sink))
    }

    /// Streams policies.
    pub fn policies(
        &mut self,
        filter: &Filter,
        sink: &mut dyn FnMut(PolicyRow) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        ask!(self, reads::policies(filter, sink))
    }

    /// Streams settings with their policies.
    pub fn settings(
        &mut self,
        filter: &Filter,
        sink: &mut dyn FnMut(SettingRow) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        ask!(self, reads::settings(filter, sink))
    }

    /// Streams assignments with their policies.
    pub fn assignments(
        &mut self,
        filter: &Filter,
        sink: &mut dyn FnMut(AssignmentRow) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        ask!(self, reads::assignments(filter, sink))
    }

    /// Streams changes, the latest first.
    pub fn changes(
        &mut self,
        filter: &Filter,
        sink: &mut dyn FnMut(ChangeRow) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        ask!(self, reads::changes(filter, sink))
    }

    /// Streams runs, the latest first.
    pub fn runs(&mut self, filter: &Filter, sink: &mut dyn FnMut(RunRow) -> io::Result<()>) -> Result<(), StoreError> {
        ask!(self, reads::runs(filter, sink))
    }

    /// The kinds of one run.
    pub fn run_kinds(&mut self, run_id: &str) -> Result<Vec<RunKindRow>, StoreError> {
        ask!(self, reads::run_kinds(run_id))
    }

    /// Streams tenant, kind, status and time of every reading of a kind, the latest last.
    pub fn last_read(
        &mut self,
        filter: &Filter,
        sink: &mut dyn FnMut((String, String, String, chrono::NaiveDateTime)) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        ask!(self, reads::last_read(filter, sink))
    }
}
