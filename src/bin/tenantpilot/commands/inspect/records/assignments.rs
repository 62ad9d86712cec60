//! `inspect assignments`.

use serde::Serialize;
use tenantpilot::store::AssignmentRow;

use super::text;
use crate::commands::inspect::output::Record;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Assignment {
    tenant_id: String,
    graph_policy_id: String,
    policy_name: String,
    policy_type: String,
    intent: String,
    target_type: String,
    target_id: Option<String>,
    target_name: Option<String>,
    filter_id: Option<String>,
    filter_name: Option<String>,
    filter_mode: Option<String>,
}

impl From<AssignmentRow> for Assignment {
    fn from(row: AssignmentRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_name: row.policy_name,
            policy_type: row.policy_type,
            intent: row.intent,
            target_type: row.target_type,
            target_id: row.target_id,
            target_name: row.target_name,
            filter_id: row.filter_id,
            filter_name: row.filter_name,
            filter_mode: row.filter_mode,
        }
    }
}

impl Record for Assignment {
    const TITLES: &'static [&'static str] = &["TENANT", "KIND", "POLICY", "INTENT", "TARGET", "FILTER"];
    fn cells(&self) -> Vec<Vec<String>> {
        let who = self.target_name.as_ref().or(self.target_id.as_ref());
        let filter = self.filter_name.as_ref().or(self.filter_id.as_ref());
        vec![vec![
            self.tenant_id.clone(),
            self.policy_type.clone(),
            self.policy_name.clone(),
            self.intent.clone(),
            who.map_or_else(|| self.target_type.clone(), |who| format!("{} {who}", self.target_type)),
            filter.map_or_else(String::new, |filter| format!("{} {filter}", text(self.filter_mode.as_ref()))),
        ]]
    }
}
