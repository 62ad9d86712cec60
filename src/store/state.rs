//! Whether a database is empty, ours, newer than us, or somebody else's; and its migration.

use diesel::{backend::Backend, migration::MigrationSource};
use diesel_migrations::EmbeddedMigrations;

/// Diesel's own list of the migrations that were run.
pub(super) const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";

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

/// The versions that these migrations lead through.
pub(super) fn versions<DB: Backend>(migrations: &EmbeddedMigrations) -> Result<Vec<String>, String> {
    let migrations = MigrationSource::<DB>::migrations(migrations).map_err(|error| error.to_string())?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Judges a database by its tables, by the versions that it was migrated to and by those that are known. A SQLite
/// file belongs to one program; a PostgreSQL schema may hold other tables as long as their names are not ours.
pub(super) fn state(tables: &[String], applied: &[String], known: &[String], own_file: bool) -> State {
    let is_ours = applied.iter().any(|version| known.contains(version));
    if !is_ours {
        let other =
            tables.iter().find(|table| TABLES.contains(&table.as_str()) || (own_file && *table != MIGRATIONS_TABLE));
        return match other {
            Some(table) => State::Foreign(format!("it has a table `{table}` that tenantpilot did not make")),
            None => State::Pending,
        };
    }
    if let Some(unknown) = applied.iter().filter(|version| !known.contains(version)).max()
        && known.iter().all(|version| version < unknown)
    {
        return State::Newer(unknown.clone());
    }
    if known.iter().all(|version| applied.contains(version)) { State::Current } else { State::Pending }
}
