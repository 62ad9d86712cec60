//! Policies in SQL: the same tables, the same queries, on SQLite and on PostgreSQL.
//!
//! Everything here blocks; callers run it on blocking threads of a tokio runtime.

mod batch;
mod definitions;
mod diff;
mod error;
mod models;
mod postgres;
mod rows;
mod schema;
mod session;
mod sqlite;
mod state;
mod tls;
mod url;

pub use batch::{Batch, Known, Read, Run, Seen, Stored, Tallies, Written};
pub use definitions::DefinitionTotals;
pub use error::StoreError;
pub use models::{RunKindRow, RunRow, TenantRow};
pub use rows::{AssignmentRow, ChangeRow, Filter, PolicyRow, SettingRow};
pub use session::{Session, Store};
pub use url::{DatabaseUrl, DatabaseUrlError};

/// What happens to a row whose name the policy has already: the one text for both databases, whose inserts
/// have different types.
macro_rules! upsert_settings {
    ($insert:expr) => {
        $insert.on_conflict((settings::policy_id, settings::setting_name)).do_update().set((
            settings::setting_value.eq(excluded(settings::setting_value)),
            settings::setting_path.eq(excluded(settings::setting_path)),
            settings::definition_id.eq(excluded(settings::definition_id)),
            settings::category.eq(excluded(settings::category)),
            settings::configured.eq(excluded(settings::configured)),
            settings::raw_value.eq(excluded(settings::raw_value)),
            settings::search_text.eq(excluded(settings::search_text)),
            settings::created_at.eq(excluded(settings::created_at)),
            settings::updated_at.eq(excluded(settings::updated_at)),
        ))
    };
}
use upsert_settings;

/// What is known of rows of `settings` that are to be written.
#[derive(Debug, Clone, Copy)]
enum Rows {
    /// Their policy has none yet.
    New,
    /// Some may be there, with other values.
    PerhapsStored,
}
