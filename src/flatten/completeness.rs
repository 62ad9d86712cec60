//! Whether all came that a policy sets. What an export left out, or put something else in place of, is no empty list.

use serde_json::Value;

use super::{SettingsShape, body::Body, elements};
use crate::policy::Completeness;

pub(super) fn of(shape: SettingsShape, body: &Body<'_>) -> Completeness {
    let lists: &[&str] = match shape {
        // a reusable setting is one
        SettingsShape::Catalog if body.get("settingInstance").is_some() => &[],
        SettingsShape::Catalog | SettingsShape::Intent => &["settings", "settingsDelta"],
        SettingsShape::AdministrativeTemplate => &["definitionValues"],
        SettingsShape::Bag | SettingsShape::Legacy => &[],
    };
    let counted = body.get("settingCount").or_else(|| body.get("settingsCount")).and_then(Value::as_u64);
    let listed = body.get("settings").map(|settings| elements(settings).count() as u64);
    let is_there = |list: &&str| body.get(list).is_some_and(is_list);
    let are_missing = !lists.is_empty() && !lists.iter().any(is_there) && counted != Some(0);
    if are_missing || lists.iter().any(|list| body.goes_on(list)) {
        Completeness::Cut
    } else if counted.is_some_and(|counted| listed.unwrap_or_default() < counted)
        || body.get("assignments").is_some_and(|listed| !listed.is_null() && !is_list(listed))
        || !body.going_on.is_empty()
    {
        Completeness::Short
    } else {
        Completeness::Whole
    }
}

/// A list of objects, or the one item of it, in place of which an export that has failed may hold anything else.
pub(super) fn is_list(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(Value::is_object),
        Value::Object(object) => !object.contains_key("error") && !object.contains_key("statusCode"),
        _ => false,
    }
}
