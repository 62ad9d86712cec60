//! Everything without a shape of its own: every scalar of the tree is a row, metadata aside.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    humanize, is_annotation, oma, payload,
    rows::{Leaf, Rows},
    secret,
};

/// Properties of a policy that are columns, or of no interest to anybody.
const POLICY_METADATA: [&str; 23] = [
    "id",
    "displayName",
    "name",
    "description",
    "createdDateTime",
    "lastModifiedDateTime",
    "version",
    "roleScopeTagIds",
    "roleScopeTags",
    "supportsScopeTags",
    "assignments",
    "isAssigned",
    "settingCount",
    "settingsCount",
    "templateReference",
    "templateId",
    "platforms",
    "technologies",
    "priorityMetaData",
    "creationSource",
    "isMigratingToConfigurationPolicy",
    "isGlobalScript",
    "deployedAppCount",
];

/// Properties whose text an administrator typed: shown as typed, not as the words of an option.
const TYPED: [&str; 12] = [
    "appConfigKey",
    "appConfigKeyValue",
    "connectionName",
    "description",
    "displayName",
    "domainName",
    "key",
    "name",
    "networkName",
    "ssid",
    "userName",
    "value",
];

/// Properties that no object sets.
const METADATA: [&str; 6] =
    ["id", "createdDateTime", "lastModifiedDateTime", "modifiedDateTime", "deletedDateTime", "version"];

/// The rows of a whole policy.
pub(super) fn policy(body: &Map<String, Value>, rows: &mut Rows<'_>) {
    for (key, value) in body {
        let metadata = POLICY_METADATA.contains(&key.as_str()) || key.starts_with("deviceManagementApplicabilityRule");
        if !metadata {
            property(key, value, rows);
        }
    }
}

/// The rows of one property of an object.
pub(super) fn property(key: &str, value: &Value, rows: &mut Rows<'_>) {
    if is_annotation(key) || METADATA.contains(&key) {
        return;
    }
    kept_property(key, value, rows);
}

/// As [`property`], where nothing is metadata.
fn kept_property(key: &str, value: &Value, rows: &mut Rows<'_>) {
    if key == "omaSettings" {
        return rows.within(key, "", |rows| oma::settings(value, rows));
    }
    rows.in_property(key, |rows| {
        if secret::is_secret(key) {
            withheld(value, rows);
        } else if let Some(payload) = payload::of_property(key, value) {
            payload.leaf(None, value, rows);
        } else if TYPED.contains(&key) && value.is_string() {
            literal(value, rows);
        } else {
            self::value(value, rows);
        }
    });
}

/// The rows of a value whose place is known.
pub(super) fn value(value: &Value, rows: &mut Rows<'_>) {
    match value {
        Value::Object(object) => self::object(object, rows, property),
        Value::Array(items) => list(items, rows, property),
        scalar => self::scalar(scalar, rows),
    }
}

/// As [`value`], of a value that is data alone: no key in it is metadata.
pub(super) fn data(value: &Value, rows: &mut Rows<'_>) {
    let keep: Property = |key, value, rows| {
        if !is_annotation(key) {
            kept_property(key, value, rows);
        }
    };
    match value {
        Value::Object(object) => self::object(object, rows, keep),
        Value::Array(items) => list(items, rows, keep),
        scalar => self::scalar(scalar, rows),
    }
}

type Property = fn(&str, &Value, &mut Rows<'_>);

fn object(object: &Map<String, Value>, rows: &mut Rows<'_>, property: Property) {
    let holds_secret = secret::is_secret_value(object);
    for (key, value) in object {
        if holds_secret && key == "value" {
            rows.in_property(key, |rows| withheld(value, rows));
        } else {
            property(key, value, rows);
        }
    }
}

/// A text that an administrator typed, as a person may read it, and whether a secret in it was withheld.
pub(super) fn typed(value: &Value) -> (String, bool) {
    match (payload::of_text(value), value) {
        (Some(payload), _) => (payload.text, payload.holds_secret),
        (None, Value::String(text)) => (text.clone(), false),
        (None, other) => (readable(other), false),
    }
}

/// The row of a value that an administrator typed: no word of it is an enumeration's.
pub(super) fn literal(value: &Value, rows: &mut Rows<'_>) {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        scalar => std::slice::from_ref(scalar),
    };
    if items.iter().any(|item| item.is_object() || item.is_array()) {
        return data(value, rows);
    }
    let (words, secrets): (Vec<_>, Vec<_>) = items.iter().filter(|item| is_set(item)).map(typed).unzip();
    if !words.is_empty() {
        let raw = Some(value).filter(|_| !secrets.contains(&true));
        rows.leaf(Leaf { value: Some(words.join("; ")), raw, configured: Some(true), ..Leaf::default() });
    }
}

/// A list of scalars is one row, a list of anything else rows per item.
fn list(items: &[Value], rows: &mut Rows<'_>, property: Property) {
    if items.iter().all(|item| !item.is_object() && !item.is_array()) {
        if items.iter().any(is_set) {
            let words: Vec<_> = items.iter().filter(|item| is_set(item)).map(readable).collect();
            let raw = Value::Array(items.to_vec());
            let value = Some(words.join("; "));
            rows.leaf(Leaf { value, raw: Some(&raw), configured: Some(true), ..Leaf::default() });
        }
        return;
    }
    let mut labels: HashMap<&str, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        // items of one name are told apart where they stand, not property by property
        let label = label(item).map(|label| {
            let times = labels.entry(label).or_default();
            *times += 1;
            if *times > 1 { format!("{label} [{times}]") } else { label.to_owned() }
        });
        rows.in_element(index, label.as_deref(), |rows| match item {
            Value::Object(item) => object(item, rows, property),
            Value::Array(items) => list(items, rows, property),
            scalar => self::scalar(scalar, rows),
        });
    }
}

/// What an item of a list calls itself.
fn label(item: &Value) -> Option<&str> {
    let own = |key| item.get(key).and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    own("displayName").or_else(|| own("name")).filter(|name| name.len() <= 128)
}

fn scalar(value: &Value, rows: &mut Rows<'_>) {
    if is_set(value) {
        let leaf =
            Leaf { value: Some(readable(value)), raw: Some(value), configured: configured(value), ..Leaf::default() };
        rows.leaf(leaf);
    }
}

/// A secret, whatever JSON it is wrapped in.
fn withheld(value: &Value, rows: &mut Rows<'_>) {
    let holds_any = match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
        scalar => is_set(scalar),
    };
    if holds_any {
        rows.secret(None);
    }
}

/// null and "" say "not set".
fn is_set(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// `false` and `0` are what a legacy type holds where nobody has set anything.
fn configured(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(false) => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::String(word) => Some(!is_unset_word(word)),
        _ => Some(true),
    }
}

/// Members of enumerations that leave the choice to the device or its user.
pub(super) fn is_unset_word(word: &str) -> bool {
    ["notConfigured", "userDefined", "deviceDefault"].iter().any(|unset| word.eq_ignore_ascii_case(unset))
}

/// What a person reads for a scalar.
pub(super) fn readable(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => humanize::value_words(text),
        other => other.to_string(),
    }
}
