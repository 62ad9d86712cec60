//! `inspect changes`.

use serde::Serialize;
use tenantpilot::{report::rfc3339_text, store::ChangeRow};

use super::{minute, text};
use crate::commands::inspect::{output::Record, shorten::without_beginning};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Change {
    run_id: String,
    tenant_id: String,
    graph_policy_id: String,
    policy_name: String,
    policy_type: String,
    setting_path: String,
    setting_name: String,
    change: String,
    old_value: Option<String>,
    new_value: Option<String>,
    changed_at: String,
}

impl From<ChangeRow> for Change {
    fn from(row: ChangeRow) -> Self {
        Self {
            run_id: row.run_id,
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_name: row.policy_name,
            policy_type: row.policy_type,
            setting_path: row.setting_path,
            setting_name: row.setting_name,
            change: row.change,
            old_value: row.old_value,
            new_value: row.new_value,
            changed_at: rfc3339_text(row.changed_at),
        }
    }
}

impl Record for Change {
    const TITLES: &'static [&'static str] =
        &["CHANGED (UTC)", "TENANT", "POLICY", "SETTING", "CHANGE", "BEFORE", "NOW"];
    fn cells(&self) -> Vec<Vec<String>> {
        let values = [&self.old_value, &self.new_value].map(|value| text(value.as_ref()));
        let (before, now) = without_beginning(&values[0], &values[1]);
        vec![vec![
            minute(&self.changed_at),
            self.tenant_id.clone(),
            self.policy_name.clone(),
            self.setting_name.clone(),
            self.change.clone(),
            before.into_owned(),
            now.into_owned(),
        ]]
    }
}
