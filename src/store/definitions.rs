//! What the database knows of official names.

use chrono::NaiveDateTime;

use super::models::DefinitionRow;
use crate::definitions::Definition;

/// What `definitions status` tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefinitionTotals {
    /// Definitions with a name.
    pub definitions: u64,
    /// Those that name options.
    pub with_options: u64,
    /// Those that have a category.
    pub with_category: u64,
    /// Ids that Graph was asked for and does not know.
    pub unknown: u64,
    /// When the oldest named one was read, UTC.
    pub oldest: Option<NaiveDateTime>,
    /// When the newest named one was read, UTC.
    pub newest: Option<NaiveDateTime>,
    /// Definition ids of settings that are stored, of kinds that have official names.
    pub used: u64,
    /// Those of them that have no name here.
    pub used_without_name: u64,
}

pub(super) fn row(id: &str, definition: &Definition, fetched_at: NaiveDateTime) -> DefinitionRow {
    DefinitionRow {
        definition_id: id.to_owned(),
        display_name: definition.display_name.clone(),
        description: definition.description.clone(),
        category: definition.category.clone(),
        // a map of texts is always JSON
        options: (!definition.options.is_empty())
            .then(|| serde_json::to_string(&definition.options).unwrap_or_default()),
        fetched_at,
    }
}

impl From<DefinitionRow> for Definition {
    fn from(row: DefinitionRow) -> Self {
        Self {
            display_name: row.display_name,
            description: row.description,
            category: row.category,
            options: row.options.and_then(|options| serde_json::from_str(&options).ok()).unwrap_or_default(),
        }
    }
}
