//! Administrative templates: `definitionValues[]`, each with whether it is enabled and the values of its
//! presentations.

use serde_json::Value;
use smol_str::SmolStr;

use super::{
    bag, labels,
    rows::{Leaf, Raw, Rows},
    secret,
};

/// Properties of an element beside its presentations.
const PLUMBING: [&str; 7] = [
    "id",
    "enabled",
    "configurationType",
    "createdDateTime",
    "lastModifiedDateTime",
    "definition",
    "presentationValues",
];

/// Properties of a presentation's value beside the value itself.
const PRESENTATION_PLUMBING: [&str; 7] =
    ["id", "createdDateTime", "lastModifiedDateTime", "presentation", "definitionValue", "value", "values"];

/// The rows of `definitionValues`.
pub(super) fn values(values: &Value, rows: &mut Rows<'_>) {
    match values {
        Value::Array(items) => items.iter().for_each(|item| value(item, rows)),
        item => value(item, rows),
    }
}

/// The rows of one element of `definitionValues`.
fn value(value: &Value, rows: &mut Rows<'_>) {
    let Value::Object(object) = value else {
        return rows.within("definitionValues", "Definition Value", |rows| bag::literal(value, rows));
    };
    // names: expanded by Graph, else written down by IntuneManagement
    let text = |own: &str, noted: &str| {
        value
            .get("definition")
            .and_then(|definition| definition.get(own))
            .or_else(|| value.get(noted))
            .and_then(trimmed)
    };
    let guid = text("id", "#Definition_Id").or_else(|| bound(value, "definition@odata.bind"));
    let id = SmolStr::new(guid.unwrap_or("(no definition)"));
    // Graph begins the path with a backslash and parts it by them
    let category = text("categoryPath", "#Definition_categoryPath")
        .map(|path| SmolStr::from(path.trim_matches('\\').replace('\\', " > ")));
    rows.holds_nul |= category.as_ref().is_some_and(|category| category.contains('\0'));
    let walk = |rows: &mut Rows<'_>| {
        if let Some(enabled) = value.get("enabled").filter(|enabled| !enabled.is_null() && *enabled != "") {
            let words = match enabled {
                Value::Bool(true) => SmolStr::new_static("Enabled"),
                Value::Bool(false) => SmolStr::new_static("Disabled"),
                Value::String(flag) if flag.eq_ignore_ascii_case("true") => SmolStr::new_static("Enabled"),
                Value::String(flag) if flag.eq_ignore_ascii_case("false") => SmolStr::new_static("Disabled"),
                other => bag::readable(other),
            };
            rows.leaf(Leaf {
                definition_id: Some(&id),
                value: Some(words),
                raw: Some(Raw::Value(enabled)),
                configured: Some(true),
                category: category.as_ref(),
            });
        }
        let first = rows.settings.len();
        match value.get("presentationValues") {
            Some(Value::Array(items)) => items.iter().for_each(|shown| presentation(shown, rows)),
            Some(shown) => presentation(shown, rows),
            None => {}
        }
        // what no element of today has
        for (key, value) in object.iter().filter(|(key, _)| !PLUMBING.contains(&key.as_str())) {
            bag::property(key, value, rows);
        }
        for row in &mut rows.settings[first..] {
            row.definition_id = Some(id.clone());
            row.category.clone_from(&category);
        }
    };
    match text("displayName", "#Definition_displayName") {
        Some(name) => rows.within(&id, name, walk),
        // an export that names definitions by their GUIDs alone: a GUID has no words in it
        None => rows.within(&id, format!("Group Policy Setting {}", guid.unwrap_or_default()).trim_end(), walk),
    }
    // the same definition exists for users and for devices: told apart where their names clash
    let scope = match text("classType", "#Definition_classType") {
        Some("user") => "(User)",
        Some("machine") => "(Device)",
        _ => return,
    };
    rows.scopes.insert(id, scope);
}

fn presentation(shown: &Value, rows: &mut Rows<'_>) {
    let Value::Object(object) = shown else {
        return rows.within("presentation", "Value", |rows| bag::literal(shown, rows));
    };
    let text = |own: &str, noted: &str| {
        shown
            .get("presentation")
            .and_then(|presentation| presentation.get(own))
            .or_else(|| shown.get(noted))
            .and_then(trimmed)
    };
    let id =
        text("id", "#Presentation_Id").or_else(|| bound(shown, "presentation@odata.bind")).unwrap_or("presentation");
    let label = text("label", "#Presentation_Label").map_or("Value", |label| label.trim_end_matches(':').trim());
    // `Enrollment token`, for which Graph has no type of its own
    let named_secret = secret::is_secret_label(label);
    rows.within(id, label, |rows| {
        for value in [shown.get("value"), shown.get("values")].into_iter().flatten() {
            match value {
                Value::String(text) if named_secret && !text.is_empty() && secret::may_be_secret(label, text) => {
                    rows.secret(&Leaf::default());
                }
                Value::String(_) | Value::Number(_) if let Some(words) = item_words(shown, value) => {
                    let raw = Some(Raw::Value(value));
                    rows.leaf(Leaf { value: Some(words), raw, configured: Some(true), ..Leaf::default() });
                }
                Value::Array(items) if items.iter().any(Value::is_object) => {
                    let label =
                        |item: &Value, rows: &Rows<'_>| labels::label(item, rows).filter(|_| alone(item).is_none());
                    labels::each(items, rows, label, |item, rows| bag::literal(alone(item).unwrap_or(item), rows));
                }
                value => bag::literal(value, rows),
            }
        }
        for (key, value) in object.iter().filter(|(key, _)| !PRESENTATION_PLUMBING.contains(&key.as_str())) {
            bag::property(key, value, rows);
        }
    });
}

/// What the portal shows for the item of a drop-down list that was chosen.
fn item_words(shown: &Value, chosen: &Value) -> Option<SmolStr> {
    if chosen == "" {
        return None;
    }
    let items = shown.get("presentation")?.get("items")?.as_array()?;
    let item =
        items.iter().find(|item| item.get("value").is_some_and(|value| bag::readable(value) == bag::readable(chosen)));
    item?.get("displayName").and_then(trimmed).map(SmolStr::new)
}

/// The name in an item of a list presentation that has no value beside it.
fn alone(item: &Value) -> Option<&Value> {
    let pair = item.as_object()?;
    pair.get("name").filter(|name| name.is_string() && pair.iter().all(|(key, value)| key == "name" || value.is_null()))
}

fn trimmed(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The id in a binding: `…/groupPolicyDefinitions('<id>')`.
fn bound<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    let (_, id) = trimmed(value.get(key)?)?.rsplit_once("('")?;
    id.split('\'').next()
}
