//! OMA-URI: one row per item of `omaSettings`.

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{
    bag, humanize, payload,
    rows::{Leaf, Raw, Rows},
    secret::{self, starts_with},
};

/// Properties of an item beside its value.
const PLUMBING: [&str; 10] = [
    "displayName",
    "description",
    "omaUri",
    "isEncrypted",
    "secretReferenceValueId",
    "value",
    "fileName",
    "isReadOnly",
    "id",
    "version",
];

/// The rows of `omaSettings`.
pub(super) fn settings(value: &Value, rows: &mut Rows<'_>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| setting(item, rows)),
        item => setting(item, rows),
    }
}

fn setting(item: &Value, rows: &mut Rows<'_>) {
    let object = match item {
        Value::Object(object) if object.contains_key("omaUri") || object.contains_key("value") => object,
        Value::Array(_) | Value::Object(_) => return bag::value(item, rows),
        scalar => return bag::literal(scalar, rows),
    };
    let text = |key| item.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let uri = text("omaUri");
    let name = text("displayName").map_or_else(
        || humanize::property_words(uri.and_then(|uri| uri.rsplit('/').next()).unwrap_or("OMA-URI")),
        str::to_owned,
    );
    let id = uri.map(SmolStr::new);
    rows.within(uri.unwrap_or("(no OMA-URI)"), &name, |rows| {
        value(item, object, id.as_ref(), rows);
        // what no type of today has
        for (key, value) in object.iter().filter(|(key, _)| !PLUMBING.contains(&key.as_str())) {
            bag::property(key, value, rows);
        }
    });
}

fn value(item: &Value, object: &Map<String, Value>, uri: Option<&SmolStr>, rows: &mut Rows<'_>) {
    let value = object.get("value").unwrap_or(&Value::Null);
    let flagged = |flag: &Value| *flag == true || flag.as_str().is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let has_secret =
        object.get("secretReferenceValueId").is_some_and(|id| id.as_str().is_some_and(|id| !id.is_empty()));
    let encrypted =
        object.get("isEncrypted").is_some_and(flagged) || has_secret || secret::is_secret_setting_value(object);
    if encrypted || is_masked(value) || is_plain_text_answer(value) || is_password(uri, value) {
        return rows.secret(&Leaf { definition_id: uri, ..Leaf::default() });
    }
    if value.is_array() || value.is_object() {
        return bag::literal(value, rows);
    }
    let (text, holds_secret) = match payload::of_oma(item, value) {
        Some(payload) => (payload.text.into(), payload.holds_secret),
        // data of the administrator's: its text is no enumeration
        None => (bag::readable(value), false),
    };
    let is_set = !value.is_null();
    rows.leaf(Leaf {
        definition_id: uri,
        value: is_set.then_some(text),
        raw: (is_set && !holds_secret).then_some(Raw::Value(value)),
        configured: Some(is_set),
        category: None,
    });
}

/// What Graph shows of a value that only `getOmaSettingPlainTextValue` gives, which is never asked for: `****`.
fn is_masked(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() > 3 && text.bytes().all(|byte| byte == b'*'))
}

/// What IntuneCD writes of a value that Graph keeps encrypted: the answer of `getOmaSettingPlainTextValue`.
fn is_plain_text_answer(value: &Value) -> bool {
    value.as_object().is_some_and(|answer| {
        answer.get("value").is_some_and(Value::is_string)
            && answer.keys().all(|key| key == "value" || key.contains('@'))
    })
}

/// `./Device/Vendor/MSFT/Accounts/Users/…/Password`: an export may hold what Graph masks. The XML that sets a policy
/// about passwords is none, and who may create a token is no token: `./Device/Vendor/MSFT/Policy/Config/UserRights/CreateToken`.
fn is_password(uri: Option<&SmolStr>, value: &Value) -> bool {
    let text = match value {
        Value::String(text) => text.trim(),
        Value::Number(number) => number.as_str(),
        _ => return false,
    };
    if text.is_empty() || ["<enabled", "<disabled"].iter().any(|start| starts_with(text, start)) {
        return false;
    }
    let is_right = |uri: &str| uri.to_ascii_lowercase().contains("/userrights/");
    uri.is_some_and(|uri| secret::is_secret_name(uri) && secret::may_be_secret(uri, text) && !is_right(uri))
}
