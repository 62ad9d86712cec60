//! Settings catalog: `settings[].settingInstance`, a tree of instances of eight types.
//!
//! The property that holds the value decides, not `@odata.type`: Graph leaves the type out wherever it is
//! the base type, and newer types keep the property names.

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{
    bag::{self, Place, Tree},
    elements, is_annotation,
    named::Named,
    property,
    property::Holds,
    rows::{Leaf, Raw, Rows},
    secret,
};

/// Properties of an instance that say nothing about its value.
const INSTANCE_PLUMBING: [&str; 4] =
    ["settingDefinitionId", "settingInstanceTemplateReference", "auditRuleInformation", "settingDefinitions"];

/// Properties of a value that say nothing of it, whatever it is.
const VALUE_PLUMBING: [&str; 2] = ["valueState", "settingValueTemplateReference"];

/// Properties of a setting beside its instance.
const SETTING_PLUMBING: [&str; 3] = ["id", "settingInstance", "settingDefinitions"];

/// The rows of one element of `settings`.
pub(super) fn setting(setting: &Value, rows: &mut Rows<'_>) {
    let object = setting.as_object();
    match object.and_then(|object| Some((object, property(object, "settingInstance")?))) {
        Some((object, Value::Object(found))) => {
            instance(found, None, rows);
            // what no setting of today has
            for (key, value) in object.iter().filter(|(key, _)| !SETTING_PLUMBING.contains(&key.as_str())) {
                rows.within("settings", "Setting", |rows| bag::property(key, value, rows));
            }
        }
        _ => rows.within("settings", "Setting", |rows| bag::value(setting, rows)),
    }
}

/// The rows of a policy that is one instance by itself: a reusable group. Here the ids of definitions are properties as
/// the others are.
pub(super) fn reusable(body: &Map<String, Value>, rows: &mut Rows<'_>) {
    rows.tells_plumbing = true;
    for (key, value) in body {
        match (key.as_str(), value) {
            ("settingInstance", Value::Object(found)) => instance(found, None, rows),
            _ => bag::top(key, value, rows),
        }
    }
}

/// The rows of an instance; `pair` is the name of a secret that stands beside it or what it is a child of.
fn instance(instance: &Map<String, Value>, pair: Option<&str>, rows: &mut Rows<'_>) {
    let id = id_of(instance).unwrap_or("(no definition)");
    rows.in_definition(id, |rows, named| {
        let definition = Definition { named, pair };
        for (property, value) in instance {
            match (property.as_str(), value) {
                (_, Value::Null) => {}
                ("choiceSettingValue", Value::Object(value)) => node(definition, value, Kind::Choice, rows),
                ("simpleSettingValue", Value::Object(value)) => node(definition, value, Kind::Simple, rows),
                ("groupSettingValue", Value::Object(value)) => node(definition, value, Kind::Group, rows),
                ("choiceSettingCollectionValue", Value::Array(_) | Value::Object(_)) => {
                    collection(definition, value, Kind::Choice, rows);
                }
                ("simpleSettingCollectionValue", Value::Array(_) | Value::Object(_)) => {
                    collection(definition, value, Kind::Simple, rows);
                }
                ("groupSettingCollectionValue", Value::Array(_) | Value::Object(_)) => {
                    for (index, element) in elements(value).enumerate() {
                        rows.in_element(index, None, |rows| match element {
                            Value::Object(element) => node(definition, element, Kind::Group, rows),
                            other => bag::value(other, rows),
                        });
                    }
                }
                // a type that does not exist yet: whatever it holds is a bag of properties
                (property, value)
                    if (rows.tells_plumbing || !INSTANCE_PLUMBING.contains(&property)) && !is_annotation(property) =>
                {
                    bag::property(property, value, rows);
                }
                _ => {}
            }
        }
    });
}

fn id_of(instance: &Map<String, Value>) -> Option<&str> {
    property(instance, "settingDefinitionId").and_then(Value::as_str)
}

/// What is known of an instance's values beside themselves.
#[derive(Clone, Copy)]
struct Definition<'d> {
    named: &'d Named,
    /// The name of a secret that stands beside it.
    pair: Option<&'d str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Choice,
    Simple,
    Group,
}

/// What stands in a value, by the names that values of today have.
#[derive(Default)]
struct Node<'v> {
    value: Option<&'v Value>,
    children: Option<&'v Value>,
    is_secret: bool,
    /// Properties that no value of today has.
    more: Vec<(&'v str, &'v Value)>,
}

impl<'v> Node<'v> {
    fn of(object: &'v Map<String, Value>, rows: &Rows<'_>) -> Self {
        let mut node = Self::default();
        for (property, value) in object {
            // most properties hold nothing, and need no look at their names; this one says something even so
            if is_empty(value) && property.len() != "valueState".len() {
                continue;
            }
            node.is_secret |= property == "valueState";
            match property.as_str() {
                "value" => node.value = Some(value),
                "children" if value.is_array() || value.is_object() => node.children = Some(value),
                "@odata.type" => node.is_secret |= secret::is_secret_type(value),
                property if VALUE_PLUMBING.contains(&property) && !rows.tells_plumbing => {}
                property if is_annotation(property) => {}
                property => node.more.push((property, value)),
            }
        }
        node
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// One value with what hangs below it.
fn node(definition: Definition<'_>, object: &Map<String, Value>, kind: Kind, rows: &mut Rows<'_>) {
    let node = Node::of(object, rows);
    match node.value {
        _ if node.is_secret => rows.secret(&Leaf::of(definition.named)),
        Some(value) if is_password(definition, value, kind) => rows.secret(&Leaf::of(definition.named)),
        Some(value) => scalar(definition, value, kind, rows),
        None => {}
    }
    below(&node, definition.pair, rows);
}

/// A key or password that a template, written by hand, holds as a plain text, or that a pair of a list calls so.
fn is_password(definition: Definition<'_>, value: &Value, kind: Kind) -> bool {
    let Definition { named, pair } = definition;
    let by_pair = || pair.is_some_and(|name| secret::is_of_pair(name, last_word(&named.id), value));
    let may_be_secret = |text: &str| !text.is_empty() && secret::may_be_secret(&named.id, text);
    kind == Kind::Simple && (named.is_secret && value.as_str().is_some_and(may_be_secret) || by_pair())
}

/// What one of the children of an element calls the value of another: `…_list_key` beside `…_list_value`, as lists of
/// administrative templates and of extensions have them.
fn name_of_pair<'v>(children: &'v Value) -> Option<&'v str> {
    let name = |child: &'v Value| {
        let child = child.as_object()?;
        let value = property(child, "simpleSettingValue")?.as_object()?;
        // most children are no names, which their ids tell sooner than their values do
        id_of(child).map(last_word).filter(|word| secret::names_its_neighbour(word) || *word == "keytobereplaced")?;
        property(value, "value")?.as_str()
    };
    elements(children).find_map(name)
}

fn last_word(id: &str) -> &str {
    id.rsplit('_').next().unwrap_or_default()
}

/// Children and properties that newer values may have.
fn below(node: &Node<'_>, pair: Option<&str>, rows: &mut Rows<'_>) {
    let pair = match node.children.and_then(name_of_pair) {
        Some(name) => Some(name).filter(|name| secret::is_secret_name(name)),
        None => pair,
    };
    for child in node.children.into_iter().flat_map(elements) {
        match child {
            Value::Object(child) => instance(child, pair, rows),
            other => bag::value(other, rows),
        }
    }
    for &(key, value) in &node.more {
        if node.is_secret && !VALUE_PLUMBING.contains(&key) {
            let place = Place { key, holds: Holds::Secret, tree: Tree::Graph };
            rows.in_property(rows.property(key), |rows| bag::held(value, place, rows));
        } else {
            bag::property(key, value, rows);
        }
    }
}

fn scalar(definition: Definition<'_>, value: &Value, kind: Kind, rows: &mut Rows<'_>) {
    match value {
        Value::Null => {}
        Value::Array(_) | Value::Object(_) => bag::literal(value, rows),
        value => {
            let (words, holds_secret) = readable(definition, value, kind, rows);
            let raw = Some(Raw::Value(value)).filter(|_| !holds_secret);
            let configured = Some(is_configured(value));
            rows.leaf(Leaf { value: Some(words), raw, configured, ..Leaf::of(definition.named) });
        }
    }
}

/// What a person reads, and whether a secret inside was withheld.
fn readable(definition: Definition<'_>, value: &Value, kind: Kind, rows: &Rows<'_>) -> (SmolStr, bool) {
    match value {
        Value::String(choice) if kind == Kind::Choice => (rows.option(definition.named, choice), false),
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
fn collection(definition: Definition<'_>, values: &Value, kind: Kind, rows: &mut Rows<'_>) {
    let mut plain = Vec::new();
    let mut nodes = Vec::new();
    for (index, element) in elements(values).enumerate() {
        let Value::Object(object) = element else {
            plain.push(element);
            continue;
        };
        let node = Node::of(object, rows);
        match node.value {
            _ if node.is_secret => rows.secret(&Leaf::of(definition.named)),
            Some(value) if is_password(definition, value, kind) => rows.secret(&Leaf::of(definition.named)),
            value => plain.extend(value.filter(|value| !value.is_null())),
        }
        nodes.push((index, node));
    }
    if plain.iter().any(|value| value.is_array() || value.is_object()) {
        for (index, value) in plain.iter().enumerate() {
            rows.in_element(index, None, |rows| scalar(definition, value, kind, rows));
        }
    } else if !plain.is_empty() || elements(values).next().is_none() {
        let mut words = Vec::with_capacity(plain.len());
        let mut hold_secret = false;
        for value in &plain {
            let (text, holds_secret) = readable(definition, value, kind, rows);
            words.push(text);
            hold_secret |= holds_secret;
        }
        let raw = Some(Raw::List(&plain)).filter(|_| !hold_secret);
        let value = Some(bag::listed(words, hold_secret));
        rows.leaf(Leaf { value, raw, configured: Some(true), ..Leaf::of(definition.named) });
    }
    for (index, node) in &nodes {
        rows.in_element(*index, None, |rows| below(node, definition.pair, rows));
    }
}
