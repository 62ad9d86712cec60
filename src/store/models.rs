//! The rows of the tables, as they are written and read.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::{
    policies, policy_assignments, setting_changes, setting_definitions, settings, sync_run_kinds, sync_runs, tenants,
};

/// A tenant's row.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tenants)]
pub struct TenantRow {
    /// Key.
    pub tenant_id: String,
    /// The verified domain it was asked for by.
    pub domain: Option<String>,
    /// Its name.
    pub display_name: Option<String>,
    /// When it was first synced.
    pub first_seen_at: NaiveDateTime,
}

#[derive(Insertable)]
#[diesel(table_name = tenants)]
pub(super) struct NewTenant<'a> {
    pub(super) tenant_id: &'a str,
    pub(super) domain: Option<&'a str>,
    pub(super) first_seen_at: NaiveDateTime,
}

#[derive(Insertable)]
#[diesel(table_name = policies, treat_none_as_default_value = false)]
pub(super) struct NewPolicy<'a> {
    pub(super) tenant_id: &'a str,
    pub(super) graph_policy_id: &'a str,
    pub(super) policy_type: &'a str,
    pub(super) policy_name: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) platform: Option<&'a str>,
    pub(super) technologies: Option<&'a str>,
    pub(super) graph_type: Option<&'a str>,
    pub(super) template_family: Option<&'a str>,
    pub(super) template_name: Option<&'a str>,
    pub(super) scope_tag_ids: Option<&'a str>,
    pub(super) assigned: Option<bool>,
    pub(super) setting_count: i64,
    pub(super) complete: bool,
    pub(super) content_hash: &'a str,
    pub(super) source_hash: &'a str,
    pub(super) search_text: String,
    pub(super) graph_created_at: Option<NaiveDateTime>,
    pub(super) graph_modified_at: Option<NaiveDateTime>,
    pub(super) first_seen_at: NaiveDateTime,
    pub(super) last_synced_at: NaiveDateTime,
    pub(super) deleted_at: Option<NaiveDateTime>,
}

/// What a write needs to know of a policy that is stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policies)]
pub(super) struct StoredPolicy {
    pub(super) id: i64,
    pub(super) graph_policy_id: String,
    pub(super) policy_type: String,
    pub(super) content_hash: String,
    pub(super) complete: bool,
    pub(super) deleted_at: Option<NaiveDateTime>,
}

#[derive(Insertable)]
#[diesel(table_name = settings, treat_none_as_default_value = false)]
pub(super) struct NewSetting<'a> {
    pub(super) policy_id: i64,
    pub(super) setting_name: &'a str,
    pub(super) setting_value: Option<&'a str>,
    pub(super) setting_path: &'a str,
    pub(super) definition_id: Option<&'a str>,
    pub(super) category: Option<&'a str>,
    pub(super) configured: Option<bool>,
    pub(super) raw_value: Option<&'a str>,
    pub(super) search_text: String,
    pub(super) created_at: NaiveDateTime,
    pub(super) updated_at: NaiveDateTime,
}

/// A setting that is stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = settings)]
pub(super) struct StoredSetting {
    pub(super) id: i64,
    pub(super) policy_id: i64,
    pub(super) setting_name: String,
    pub(super) setting_value: Option<String>,
    pub(super) setting_path: String,
    pub(super) definition_id: Option<String>,
    pub(super) category: Option<String>,
    pub(super) configured: Option<bool>,
    pub(super) raw_value: Option<String>,
    pub(super) created_at: NaiveDateTime,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = policy_assignments)]
pub(super) struct StoredAssignment {
    pub(super) policy_id: i64,
    pub(super) intent: String,
    pub(super) target_type: String,
    pub(super) target_id: Option<String>,
    pub(super) target_name: Option<String>,
    pub(super) filter_id: Option<String>,
    pub(super) filter_name: Option<String>,
    pub(super) filter_mode: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = policy_assignments, treat_none_as_default_value = false)]
pub(super) struct NewAssignment<'a> {
    pub(super) policy_id: i64,
    pub(super) intent: &'a str,
    pub(super) target_type: &'a str,
    pub(super) target_id: Option<&'a str>,
    pub(super) target_name: Option<&'a str>,
    pub(super) filter_id: Option<&'a str>,
    pub(super) filter_name: Option<&'a str>,
    pub(super) filter_mode: Option<&'a str>,
}

/// A definition, as it is written and read.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = setting_definitions, treat_none_as_default_value = false)]
pub(super) struct DefinitionRow {
    pub(super) definition_id: String,
    pub(super) display_name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) category: Option<String>,
    pub(super) options: Option<String>,
    pub(super) fetched_at: NaiveDateTime,
}

#[derive(Insertable)]
#[diesel(table_name = setting_changes, treat_none_as_default_value = false)]
pub(super) struct NewChange<'a> {
    pub(super) run_id: &'a str,
    pub(super) tenant_id: &'a str,
    pub(super) graph_policy_id: String,
    pub(super) policy_name: String,
    pub(super) policy_type: String,
    pub(super) setting_path: String,
    pub(super) setting_name: String,
    pub(super) change: &'static str,
    pub(super) old_value: Option<String>,
    pub(super) new_value: Option<String>,
    pub(super) changed_at: NaiveDateTime,
}

impl From<NewChange<'_>> for super::rows::ChangeRow {
    fn from(new: NewChange<'_>) -> Self {
        Self {
            run_id: new.run_id.to_owned(),
            tenant_id: new.tenant_id.to_owned(),
            graph_policy_id: new.graph_policy_id,
            policy_name: new.policy_name,
            policy_type: new.policy_type,
            setting_path: new.setting_path,
            setting_name: new.setting_name,
            change: new.change.to_owned(),
            old_value: new.old_value,
            new_value: new.new_value,
            changed_at: new.changed_at,
        }
    }
}

/// A run's row, written and read.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sync_runs, treat_none_as_default_value = false)]
pub struct RunRow {
    /// UUIDv7.
    pub run_id: String,
    /// The tenant.
    pub tenant_id: String,
    /// `cli` or `worker`.
    pub trigger: String,
    /// The queue's job.
    pub job_id: Option<String>,
    /// `running`, `succeeded`, `partial`, `failed`, `interrupted`.
    pub status: String,
    /// UTC.
    pub started_at: NaiveDateTime,
    /// UTC.
    pub finished_at: Option<NaiveDateTime>,
    /// Milliseconds.
    pub duration_ms: Option<i64>,
    /// Policies the tenant has.
    pub policies: i64,
    /// Settings the tenant has.
    pub settings: i64,
    /// Settings added.
    pub added: i64,
    /// Settings changed.
    pub changed: i64,
    /// Settings removed.
    pub removed: i64,
    /// Settings unchanged.
    pub unchanged: i64,
    /// Policies stored with fewer settings than Graph counts.
    pub incomplete: i64,
    /// Requests to Graph.
    pub requests: i64,
    /// Requests that Graph throttled.
    pub throttled: i64,
    /// Milliseconds waited for Graph.
    pub waited_ms: i64,
    /// What failed, as in the summary.
    pub error_code: Option<String>,
    /// What failed, in words.
    pub error_message: Option<String>,
}

/// One kind of a run, written and read.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sync_run_kinds, treat_none_as_default_value = false)]
pub struct RunKindRow {
    /// The run.
    pub run_id: String,
    /// Slug of the kind.
    pub policy_type: String,
    /// `succeeded`, `partial`, `failed`, `skipped`.
    pub status: String,
    /// The kind's list was read to its end.
    pub listed: bool,
    /// Milliseconds.
    pub duration_ms: i64,
    /// Policies the tenant has.
    pub policies: i64,
    /// Settings the tenant has.
    pub settings: i64,
    /// Settings added.
    pub added: i64,
    /// Settings changed.
    pub changed: i64,
    /// Settings removed.
    pub removed: i64,
    /// Settings unchanged.
    pub unchanged: i64,
    /// Policies stored with fewer settings than Graph counts.
    pub incomplete: i64,
    /// Policies that were not taken.
    pub skipped: i64,
    /// Requests to Graph.
    pub requests: i64,
    /// Requests that Graph throttled.
    pub throttled: i64,
    /// Milliseconds waited for Graph.
    pub waited_ms: i64,
    /// What failed, as in the summary.
    pub error_code: Option<String>,
    /// What failed, in words.
    pub error_message: Option<String>,
    /// What to do.
    pub error_hint: Option<String>,
    /// Graph's id of the request that failed.
    pub error_request_id: Option<String>,
}
