//! What `inspect` reads: rows of the tables joined to their policies.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{policies, policy_assignments, setting_changes, settings};

/// What is asked for; empty lists and `None` are no limit.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Tenants, by id.
    pub tenants: Vec<String>,
    /// Kinds, by slug.
    pub kinds: Vec<String>,
    /// One policy, by id or by name, whatever its case.
    pub policy: Option<String>,
    /// Text in the policy's name, the setting's name or its value.
    pub search: Option<String>,
    /// Nothing before this time, UTC.
    pub since: Option<NaiveDateTime>,
    /// At most so many rows.
    pub limit: Option<i64>,
    /// Also what is left out otherwise: deleted policies, settings that say they are not configured.
    pub all: bool,
}

/// A policy.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policies)]
#[expect(missing_docs, reason = "the columns of design and README")]
pub struct PolicyRow {
    pub tenant_id: String,
    pub graph_policy_id: String,
    pub policy_type: String,
    pub policy_name: String,
    pub description: Option<String>,
    pub platform: Option<String>,
    pub technologies: Option<String>,
    pub graph_type: Option<String>,
    pub template_family: Option<String>,
    pub template_name: Option<String>,
    pub scope_tag_ids: Option<String>,
    pub assigned: Option<bool>,
    pub setting_count: i64,
    pub complete: bool,
    pub content_hash: String,
    pub graph_created_at: Option<NaiveDateTime>,
    pub graph_modified_at: Option<NaiveDateTime>,
    pub first_seen_at: NaiveDateTime,
    pub last_synced_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
}

/// A setting with its policy.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = settings)]
#[expect(missing_docs, reason = "the columns of the view `policy_settings`")]
pub struct SettingRow {
    #[diesel(select_expression = policies::tenant_id)]
    pub tenant_id: String,
    #[diesel(select_expression = policies::graph_policy_id)]
    pub graph_policy_id: String,
    #[diesel(select_expression = policies::policy_name)]
    pub policy_name: String,
    #[diesel(select_expression = policies::policy_type)]
    pub policy_type: String,
    pub setting_name: String,
    pub setting_value: Option<String>,
    pub setting_path: String,
    pub definition_id: Option<String>,
    pub category: Option<String>,
    pub configured: Option<bool>,
    pub raw_value: Option<String>,
    #[diesel(select_expression = policies::last_synced_at)]
    pub last_synced_at: NaiveDateTime,
}

/// An assignment with its policy.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policy_assignments)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct AssignmentRow {
    #[diesel(select_expression = policies::tenant_id)]
    pub tenant_id: String,
    #[diesel(select_expression = policies::graph_policy_id)]
    pub graph_policy_id: String,
    #[diesel(select_expression = policies::policy_name)]
    pub policy_name: String,
    #[diesel(select_expression = policies::policy_type)]
    pub policy_type: String,
    pub intent: String,
    pub target_type: String,
    pub target_id: Option<String>,
    pub target_name: Option<String>,
    pub filter_id: Option<String>,
    pub filter_name: Option<String>,
    pub filter_mode: Option<String>,
}

/// A change of a setting.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = setting_changes)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct ChangeRow {
    pub run_id: String,
    pub tenant_id: String,
    pub graph_policy_id: String,
    pub policy_name: String,
    pub policy_type: String,
    pub setting_path: String,
    pub setting_name: String,
    pub change: String,
    pub old_value: Option<String>,
    pub new_value: Option<String>,
    pub changed_at: NaiveDateTime,
}
