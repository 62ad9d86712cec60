//! `inspect policies`.

use serde::Serialize;
use tenantpilot::{report::rfc3339_text, store::PolicyRow};

use super::{minute, text};
use crate::commands::inspect::output::Record;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Policy {
    tenant_id: String,
    graph_policy_id: String,
    policy_type: String,
    policy_name: String,
    description: Option<String>,
    platform: Option<String>,
    technologies: Option<String>,
    graph_type: Option<String>,
    template_family: Option<String>,
    template_name: Option<String>,
    scope_tag_ids: Option<String>,
    assigned: Option<bool>,
    setting_count: i64,
    settings: i64,
    complete: bool,
    content_hash: String,
    graph_created_at: Option<String>,
    graph_modified_at: Option<String>,
    first_seen_at: String,
    last_synced_at: String,
    deleted_at: Option<String>,
}

impl From<PolicyRow> for Policy {
    fn from(row: PolicyRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_type: row.policy_type,
            policy_name: row.policy_name,
            description: row.description,
            platform: row.platform,
            technologies: row.technologies,
            graph_type: row.graph_type,
            template_family: row.template_family,
            template_name: row.template_name,
            scope_tag_ids: row.scope_tag_ids,
            assigned: row.assigned,
            setting_count: row.setting_count,
            settings: row.setting_count,
            complete: row.complete,
            content_hash: row.content_hash,
            graph_created_at: row.graph_created_at.map(rfc3339_text),
            graph_modified_at: row.graph_modified_at.map(rfc3339_text),
            first_seen_at: rfc3339_text(row.first_seen_at),
            last_synced_at: rfc3339_text(row.last_synced_at),
            deleted_at: row.deleted_at.map(rfc3339_text),
        }
    }
}

impl Record for Policy {
    const TITLES: &'static [&'static str] =
        &["TENANT", "KIND", "POLICY", "PLATFORM", "SETTINGS", "ASSIGNED", "MODIFIED (UTC)"];
    fn cells(&self) -> Vec<Vec<String>> {
        let mut name = self.policy_name.clone();
        if !self.complete {
            name.push_str(" (incomplete)");
        }
        if self.deleted_at.is_some() {
            name.push_str(" (deleted)");
        }
        vec![vec![
            self.tenant_id.clone(),
            self.policy_type.clone(),
            name,
            text(self.platform.as_ref()),
            self.settings.to_string(),
            self.assigned.map_or("", |assigned| if assigned { "yes" } else { "no" }).to_owned(),
            self.graph_modified_at.as_deref().map(minute).unwrap_or_default(),
        ]]
    }
}
