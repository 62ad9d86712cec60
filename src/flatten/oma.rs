//! OMA-URI: one row per item of `omaSettings`.

use serde_json::Value;

use super::{
    bag, elements, humanize, payload,
    rows::{Leaf, Rows},
};

/// What Graph shows of a value that only `getOmaSettingPlainTextValue` gives; it is never asked for.
const MASKED: &str = "****";

/// The rows of `omaSettings`.
pub(super) fn settings(value: &Value, rows: &mut Rows<'_>) {
    for item in elements(value) {
        setting(item, rows);
    }
}

fn setting(item: &Value, rows: &mut Rows<'_>) {
    let text = |key| item.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let uri = text("omaUri");
    let name = text("displayName").map_or_else(
        || humanize::property_words(uri.and_then(|uri| uri.rsplit('/').next()).unwrap_or("OMA-URI")),
        str::to_owned,
    );
    rows.within(uri.unwrap_or("(no OMA-URI)"), &name, |rows| {
        let value = item.get("value").unwrap_or(&Value::Null);
        let encrypted = item.get("isEncrypted").is_some_and(|flag| flag == true || flag == "true");
        if encrypted || value == MASKED {
            return rows.secret(uri);
        }
        if value.is_array() || value.is_object() {
            return bag::value(value, rows);
        }
        let mut leaf = Leaf {
            definition_id: uri,
            value: (!value.is_null()).then(|| plain(value)),
            raw: Some(value).filter(|value| !value.is_null()),
            configured: Some(!value.is_null()),
            category: None,
        };
        if let Some(payload) = payload::of_oma(item, value) {
            if payload.holds_secret {
                leaf.raw = None;
            }
            leaf.value = Some(payload.text);
        }
        rows.leaf(leaf);
    });
}

/// An OMA value is data of the administrator's: its text is no enumeration.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| bag::readable(value), str::to_owned)
}
