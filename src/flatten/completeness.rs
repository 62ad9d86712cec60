//! Whether all came that a policy sets. What an export left out, or put something else in place of, is no empty list.

use serde_json::{Map, Value};

use super::{SettingsShape, body::Body, elements, property};
use crate::{json::is_of_error, policy::Completeness};

/// Properties of an assignment, or of its target where that stands alone, that say whom it is for.
const OF_TARGETS: [&str; 4] = ["target", "targetGroupId", "groupId", "@odata.type"];

/// What came of a policy, of which the assignments are told or not.
pub(super) fn of(shape: SettingsShape, body: &Body<'_>, tells_assignments: bool) -> Completeness {
    let names: &[&str] = match shape {
        // a reusable setting is one
        SettingsShape::Catalog if body.get("settingInstance").is_some_and(is_item) => &[],
        SettingsShape::Catalog | SettingsShape::Intent => &["settings", "settingsDelta"],
        SettingsShape::AdministrativeTemplate => &["definitionValues"],
        SettingsShape::Bag | SettingsShape::Legacy => &[],
    };
    let counted = body.get("settingCount").or_else(|| body.get("settingsCount")).and_then(Value::as_u64);
    let listed = body.get("settings").map(|settings| elements(settings).count() as u64);
    let lists = || names.iter().filter_map(|name| body.get(name));
    let is_there = names.is_empty() || counted == Some(0) || lists().any(|list| is_list_of(list, is_item));
    if !is_there && !lists().flat_map(elements).any(is_item) {
        Completeness::Absent
    } else if !is_there || body.going_on.iter().any(|list| *list != "assignments") {
        Completeness::Cut
    } else if counted.is_some_and(|counted| listed.unwrap_or_default() < counted) {
        Completeness::Short
    } else if !body.going_on.is_empty()
        || !tells_assignments && body.get("assignments").is_some_and(|listed| !listed.is_null())
    {
        Completeness::PartlyAssigned
    } else {
        Completeness::Whole
    }
}

/// Whether these are a policy's assignments, and nothing that stands in their place.
pub(super) fn are_assignments(value: &Value) -> bool {
    let says_whom = |item: &Map<String, Value>| OF_TARGETS.iter().any(|name| property(item, name).is_some());
    is_list_of(value, |item| item.as_object().is_some_and(says_whom))
}

/// A list, or its only item, as PowerShell writes it.
fn is_list_of(value: &Value, is_item: impl Fn(&Value) -> bool) -> bool {
    (value.is_array() || value.is_object()) && elements(value).all(is_item)
}

/// Whether it is a setting, of whatever type, and no error in place of one.
pub(super) fn is_item(value: &Value) -> bool {
    let says_nothing = |key: &String| key == "value" || is_of_error(key);
    value.as_object().is_some_and(|item| !item.keys().all(says_nothing))
}
