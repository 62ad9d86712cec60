//! Legacy endpoint security and baselines: `settings[].definitionId` with its value as JSON text.

use serde_json::Value;

use super::{
    bag::{self, Place, Tree},
    property::Holds,
    rows::Rows,
};
use crate::json::Document;

/// The rows of one element of `settings` or `settingsDelta`.
pub(super) fn setting(setting: &Value, rows: &mut Rows<'_>) {
    let Some(id) = setting.get("definitionId").and_then(Value::as_str) else {
        return rows.within("settings", "Setting", |rows| bag::value(setting, rows));
    };
    // collections and complex values stand in `valueJson` alone
    let [json, plain] = ["valueJson", "value"].map(|key| setting.get(key).filter(|value| !value.is_null()));
    let parsed = json.and_then(Value::as_str).and_then(|json| Document::parse(json.as_bytes()).ok());
    let inner = parsed.as_ref().map(|parsed| &parsed.value).filter(|value| !value.is_null());
    let Some(value) = inner.or(json.filter(|_| parsed.is_none())).or(plain) else { return };
    let key = id.rsplit('_').next().unwrap_or(id);
    rows.in_definition(id, |rows, definition| {
        let holds = match rows.property(key).holds {
            _ if definition.is_secret => Holds::NamedSecret,
            // a template's own settings are typed as the administrative templates that they are
            Holds::Anything if id.starts_with("admx--") => Holds::Text,
            holds => holds,
        };
        let first = rows.settings.len();
        bag::held(value, Place { key, holds, tree: Tree::Data }, rows);
        for row in &mut rows.settings[first..] {
            row.definition_id = Some(definition.id.clone());
            // what was repaired in the inner JSON, the outer one does not know of
            if let Some(parsed) = &parsed {
                parsed.clean(row);
            }
        }
        rows.say_officially(definition, value, first);
    });
}
