//! Settings catalog: `settings[].settingInstance`, a tree of instances of eight types.
//!
//! The property that holds the value decides, not `@odata.type`: Graph leaves the type out wherever it is
//! the base type, and newer types keep the property names.

use serde_json::{Map, Value};

use super::{
    bag::{self, Place, Tree},
    elements, is_annotation,
    property::Holds,
    rows::{Leaf, Rows},
    secret,
};

/// Properties of an instance that say nothing about its value.
const INSTANCE_PLUMBING: [&str; 4] =
    ["settingDefinitionId", "settingInstanceTemplateReference", "auditRuleInformation", "settingDefinitions"];

/// Properties of a value that are walked by name, or say nothing.
const VALUE_PLUMBING: [&str; 4] = ["value", "children", "settingValueTemplateReference", "valueState"];

/// Properties of a setting beside its instance.
const SETTING_PLUMBING: [&str; 3] = ["id", "settingInstance", "settingDefinitions"];

/// The rows of one element of `settings`.
pub(super) fn setting(setting: &Value, rows: &mut Rows<'_>) {
    match (setting.get("settingInstance"), setting) {
        (Some(Value::Object(found)), Value::Object(setting)) => {
            instance(found, rows);
            // what no setting of today has
            for (property, value) in setting.iter().filter(|(key, _)| !SETTING_PLUMBING.contains(&key.as_str())) {
                rows.within("settings", "Setting", |rows| bag::property(property, value, rows));
            }
        }
        _ => rows.within("settings", "Setting", |rows| bag::value(setting, rows)),
    }
}

fn instance(instance: &Map<String, Value>, rows: &mut Rows<'_>) {
    let id = instance.get("settingDefinitionId").and_then(Value::as_str).unwrap_or("(no definition)");
    rows.in_definition(id, |rows| {
        for (property, value) in instance {
            match (property.as_str(), value) {
                ("choiceSettingValue", Value::Object(value)) => node(id, value, Kind::Choice, rows),
                ("simpleSettingValue", Value::Object(value)) => node(id, value, Kind::Simple, rows),
                ("groupSettingValue", Value::Object(value)) => node(id, value, Kind::Group, rows),
                ("choiceSettingCollectionValue", Value::Array(_) | Value::Object(_)) => {
                    collection(id, value, Kind::Choice, rows);
                }
                ("simpleSettingCollectionValue", Value::Array(_) | Value::Object(_)) => {
                    collection(id, value, Kind::Simple, rows);
                }
                ("groupSettingCollectionValue", Value::Array(_) | Value::Object(_)) => {
                    for (index, element) in elements(value).enumerate() {
                        rows.in_element(index, None, |rows| match element {
                            Value::Object(element) => node(id, element, Kind::Group, rows),
                            other => bag::value(other, rows),
                        });
                    }
                }
                // a type that does not exist yet: whatever it holds is a bag of properties
                (property, value) if !INSTANCE_PLUMBING.contains(&property) && !is_annotation(property) => {
                    bag::property(property, value, rows);
                }
                _ => {}
            }
        }
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Choice,
    Simple,
    Group,
}

/// One value with what hangs below it.
fn node(id: &str, node: &Map<String, Value>, kind: Kind, rows: &mut Rows<'_>) {
    match node.get("value") {
        _ if secret::is_secret_value(node) => rows.secret(Some(id)),
        Some(value) if is_password(id, value, kind) => rows.secret(Some(id)),
        Some(value) => scalar(id, value, kind, rows),
        None => {}
    }
    below(node, rows);
}

/// A key or password that a template, written by hand, holds as a plain text.
fn is_password(id: &str, value: &Value, kind: Kind) -> bool {
    kind == Kind::Simple && value.is_string() && secret::is_secret_tail(id) && !secret::is_plain_word(value)
}

/// Children and properties that newer values may have.
fn below(node: &Map<String, Value>, rows: &mut Rows<'_>) {
    for child in node.get("children").into_iter().flat_map(elements) {
        match child {
            Value::Object(child) => instance(child, rows),
            other => bag::value(other, rows),
        }
    }
    for (property, value) in node.iter().filter(|(key, _)| !VALUE_PLUMBING.contains(&key.as_str())) {
        if secret::is_secret_value(node) && !is_annotation(property) {
            let place = Place { key: property, holds: Holds::Secret, tree: Tree::Graph };
            rows.in_property(property, |rows| bag::held(value, place, rows));
        } else {
            bag::property(property, value, rows);
        }
    }
}

fn scalar(id: &str, value: &Value, kind: Kind, rows: &mut Rows<'_>) {
    match value {
        Value::Null => {}
        Value::Array(_) | Value::Object(_) => bag::literal(value, rows),
        value => {
            let (words, holds_secret) = readable(id, value, kind, rows);
            let leaf = Leaf {
                definition_id: Some(id),
                value: Some(words),
                raw: Some(value).filter(|_| !holds_secret),
                configured: Some(is_configured(value)),
                category: None,
            };
            rows.leaf(leaf);
        }
    }
}

/// What a person reads, and whether a secret inside was withheld.
fn readable(id: &str, value: &Value, kind: Kind, rows: &Rows<'_>) -> (String, bool) {
    match value {
        Value::String(choice) if kind == Kind::Choice => (rows.option(id, choice), false),
        // what an administrator has typed is no member of an enumeration
        value => bag::typed(value, rows),
    }
}

/// The suffix of a choice may say that the setting is left to the device.
fn is_configured(value: &Value) -> bool {
    let suffix = value.as_str().and_then(|choice| choice.rsplit('_').next()).unwrap_or_default();
    !bag::is_unset_word(suffix)
}

/// A collection of scalars is one row; whatever hangs below its elements has rows of its own.
fn collection(id: &str, values: &Value, kind: Kind, rows: &mut Rows<'_>) {
    let mut plain = Vec::new();
    for element in elements(values) {
        match element.as_object() {
            Some(node) if secret::is_secret_value(node) => rows.secret(Some(id)),
            Some(node) if node.get("value").is_some_and(|value| is_password(id, value, kind)) => rows.secret(Some(id)),
            Some(node) => plain.extend(node.get("value").filter(|value| !value.is_null())),
            None => plain.push(element),
        }
    }
    if plain.iter().any(|value| value.is_array() || value.is_object()) {
        for (index, value) in plain.iter().enumerate() {
            rows.in_element(index, None, |rows| scalar(id, value, kind, rows));
        }
    } else if !plain.is_empty() || elements(values).next().is_none() {
        let (words, secrets): (Vec<_>, Vec<_>) = plain.iter().map(|value| readable(id, value, kind, rows)).unzip();
        let raw = Value::Array(plain.into_iter().cloned().collect());
        rows.leaf(Leaf {
            definition_id: Some(id),
            value: Some(words.join("; ")),
            raw: Some(&raw).filter(|_| !secrets.contains(&true)),
            configured: Some(true),
            category: None,
        });
    }
    for (index, element) in elements(values).enumerate() {
        if let Value::Object(node) = element {
            rows.in_element(index, None, |rows| below(node, rows));
        }
    }
}
