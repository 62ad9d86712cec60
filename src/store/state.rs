//! Whether a database is empty, ours, newer than us, or somebody else's; and its migration.

use diesel::{
    migration::{Migration, MigrationSource},
    prelude::*,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

/// Diesel's own list of the migrations that were run.
const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";

/// Every table and view that this program makes.
const TABLES: [&str; 9] = [
    "policy_settings",
    "policies",
    "settings",
    "tenants",
    "policy_assignments",
    "setting_changes",
    "sync_runs",
    "sync_run_kinds",
    "setting_definitions",
];

/// What a database is to this version of the program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Migrated to this version.
    Current,
    /// Empty, or of an older version.
    Pending,
    /// Holds a migration that this version does not know.
    Newer(String),
    /// Holds tables of another program.
    Foreign(String),
}

/// Judges a database by its tables. A SQLite file belongs to one program; a PostgreSQL schema may hold other
/// tables as long as their names are not ours.
pub(super) fn state<C>(
    conn: &mut C,
    tables: &[String],
    migrations: &EmbeddedMigrations,
    own_file: bool,
) -> Result<State, String>
where
    C: MigrationHarness<C::Backend> + Connection,
    C::Backend: diesel::backend::Backend + 'static,
    EmbeddedMigrations: MigrationSource<C::Backend>,
{
    let own: Vec<Box<dyn Migration<C::Backend>>> = migrations.migrations().map_err(|error| error.to_string())?;
    let known: Vec<String> = own.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied: Vec<String> = if tables.iter().any(|table| table == MIGRATIONS_TABLE) {
        let applied = conn.applied_migrations().map_err(|error| error.to_string())?;
        applied.iter().map(ToString::to_string).collect()
    } else {
        Vec::new()
    };
    let is_ours = applied.iter().any(|version| known.contains(version));
    if !is_ours {
        let other =
            tables.iter().find(|table| TABLES.contains(&table.as_str()) || (own_file && *table != MIGRATIONS_TABLE));
        return Ok(match other {
            Some(table) => State::Foreign(format!("it has a table `{table}` that tenantpilot did not make")),
            None => State::Pending,
        });
    }
    if let Some(unknown) = applied.iter().filter(|version| !known.contains(version)).max()
        && known.iter().all(|version| version < unknown)
    {
        return Ok(State::Newer(unknown.clone()));
    }
    Ok(if known.iter().all(|version| applied.contains(version)) { State::Current } else { State::Pending })
}
