//! `inspect settings`.

use serde::Serialize;
use serde_json::value::RawValue;
use tenantpilot::{report::rfc3339_text, store::SettingRow};

use super::text;
use crate::commands::inspect::output::Record;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Setting {
    tenant_id: String,
    graph_policy_id: String,
    policy_name: String,
    policy_type: String,
    setting_name: String,
    setting_value: Option<String>,
    setting_path: String,
    definition_id: Option<String>,
    category: Option<String>,
    configured: Option<bool>,
    raw_value: Option<Box<RawValue>>,
    last_synced_at: String,
}

impl From<SettingRow> for Setting {
    fn from(row: SettingRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_name: row.policy_name,
            policy_type: row.policy_type,
            setting_name: row.setting_name,
            setting_value: row.setting_value,
            setting_path: row.setting_path,
            definition_id: row.definition_id,
            category: row.category,
            configured: row.configured,
            // another program may have written what is no JSON: shown as none
            raw_value: row.raw_value.and_then(|raw| RawValue::from_string(raw).ok()),
            last_synced_at: rfc3339_text(row.last_synced_at),
        }
    }
}

/// A line of CSV holds the raw value as text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'s> {
    tenant_id: &'s str,
    graph_policy_id: &'s str,
    policy_name: &'s str,
    policy_type: &'s str,
    setting_name: &'s str,
    setting_value: Option<&'s str>,
    setting_path: &'s str,
    definition_id: Option<&'s str>,
    category: Option<&'s str>,
    configured: Option<bool>,
    raw_value: Option<&'s str>,
    last_synced_at: &'s str,
}

impl Record for Setting {
    const TITLES: &'static [&'static str] = &["TENANT", "KIND", "POLICY", "SETTING", "VALUE"];
    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        lines.serialize(Line {
            tenant_id: &self.tenant_id,
            graph_policy_id: &self.graph_policy_id,
            policy_name: &self.policy_name,
            policy_type: &self.policy_type,
            setting_name: &self.setting_name,
            setting_value: self.setting_value.as_deref(),
            setting_path: &self.setting_path,
            definition_id: self.definition_id.as_deref(),
            category: self.category.as_deref(),
            configured: self.configured,
            raw_value: self.raw_value.as_ref().map(|raw| raw.get()),
            last_synced_at: &self.last_synced_at,
        })
    }

    fn cells(&self) -> Vec<Vec<String>> {
        vec![vec![
            self.tenant_id.clone(),
            self.policy_type.clone(),
            self.policy_name.clone(),
            self.setting_name.clone(),
            text(self.setting_value.as_ref()),
        ]]
    }
}
