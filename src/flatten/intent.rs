//! Legacy endpoint security and baselines: `settings[].definitionId` with its value as JSON text.

use serde_json::Value;

use super::{
    bag, payload,
    rows::{Leaf, Rows},
    secret,
};
use crate::json::Document;

/// The rows of one element of `settings` or `settingsDelta`.
pub(super) fn setting(setting: &Value, rows: &mut Rows<'_>) {
    let Some(id) = setting.get("definitionId").and_then(Value::as_str) else {
        return rows.within("settings", "Setting", |rows| bag::value(setting, rows));
    };
    // collections and complex values stand in `valueJson` alone
    let json = setting.get("valueJson").filter(|json| json.is_string());
    let parsed = json.and_then(Value::as_str).and_then(|json| Document::parse(json.as_bytes()).ok());
    let inner = parsed.as_ref().map(|parsed| &parsed.value);
    let Some(value) = inner.or(json).or_else(|| setting.get("value")) else { return };
    let property = id.rsplit('_').next().unwrap_or(id);
    rows.in_definition(id, |rows| {
        if secret::is_secret(property) && !value.is_null() && value.as_str() != Some("") {
            rows.secret(Some(id));
            return;
        }
        let first = rows.settings.len();
        match (payload::of_text(value), value) {
            (Some(payload), _) => payload.leaf(Some(id), value, rows),
            (None, Value::String(text)) if !text.is_empty() => rows.leaf(Leaf {
                definition_id: Some(id),
                value: Some(bag::readable(value)),
                raw: Some(value),
                configured: Some(!bag::is_unset_word(text)),
                category: None,
            }),
            (None, value) => bag::data(value, rows),
        }
        for row in &mut rows.settings[first..] {
            row.definition_id = Some(id.to_owned());
            // what was repaired in the inner JSON, the outer one does not know of
            if let Some(parsed) = &parsed {
                parsed.clean(row);
            }
        }
    });
}
