//! Everything without a shape of its own: every scalar of the tree is a row, metadata aside.

use std::borrow::Cow;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{
    body::Body,
    humanize, is_annotation, labels, oma, payload,
    property::{Holds, Property},
    rows::{Leaf, Raw, Rows},
    secret,
};

/// Whether the objects of a tree are Graph's, or data alone, in which no key is metadata.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    Graph,
    Data,
}

/// What a value's place says of it: its property's name, and what that holds.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) key: &'p str,
    pub(super) holds: Holds,
    pub(super) tree: Tree,
}

/// A place that says nothing.
const NAMELESS: Place<'static> = Place { key: "", holds: Holds::Anything, tree: Tree::Graph };

/// A place of data whose texts were typed.
const TYPED: Place<'static> = Place { key: "", holds: Holds::Text, tree: Tree::Data };

/// The rows of a whole policy.
pub(super) fn policy(body: &Body<'_>, rows: &mut Rows<'_>) {
    // Windows Hello for Business of a whole tenant holds its other settings even so
    rows.is_off = body.get("state").is_some_and(|state| state == "notConfigured");
    let mut kind = None;
    for (key, value) in body.object {
        kind = kind.or_else(|| graph_type(key, value));
        top(key, value, rows);
    }
    if let Some(kind) = kind.filter(|kind| kind.ends_with(JOINS)) {
        row_of_type(kind, rows);
    }
}

/// The rows of one property at the top of a policy.
pub(super) fn top(key: &str, value: &Value, rows: &mut Rows<'_>) {
    if is_nothing(value) {
        return;
    }
    let known = rows.property(key);
    if !known.is_policy_metadata {
        known_property(Tree::Graph, key, known, value, rows);
    }
}

/// The rows of one property of an object.
pub(super) fn property(key: &str, value: &Value, rows: &mut Rows<'_>) {
    property_of(Tree::Graph, key, value, rows);
}

fn property_of(tree: Tree, key: &str, value: &Value, rows: &mut Rows<'_>) {
    if is_nothing(value) {
        return;
    }
    known_property(tree, key, rows.property(key), value, rows);
}

fn known_property<'w>(tree: Tree, key: &str, known: Cow<'w, Property>, value: &Value, rows: &mut Rows<'w>) {
    match known.holds {
        Holds::Annotation => {}
        Holds::Metadata if tree == Tree::Graph => {}
        Holds::OmaSettings if tree == Tree::Graph => rows.within(key, "", |rows| oma::settings(value, rows)),
        holds => rows.in_property(known, |rows| held(value, Place { key, holds, tree }, rows)),
    }
}

/// The rows of a value whose place in the policy is walked to already.
pub(super) fn value(value: &Value, rows: &mut Rows<'_>) {
    held(value, NAMELESS, rows);
}

/// The rows of a value that an administrator typed: no word of it is an enumeration's.
pub(super) fn literal(value: &Value, rows: &mut Rows<'_>) {
    held(value, TYPED, rows);
}

/// As [`value`], with what its place says of it.
pub(super) fn held(value: &Value, place: Place<'_>, rows: &mut Rows<'_>) {
    match value {
        Value::Object(object) => self::object(object, place, rows),
        Value::Array(items) => list(value, items, place, rows),
        scalar if !is_set(scalar) => {}
        scalar if is_withheld(scalar, place) => rows.secret(&Leaf::default()),
        scalar => {
            let (words, holds_secret) = reading(scalar, place, rows);
            let raw = Some(Raw::Value(scalar)).filter(|_| !holds_secret);
            let configured = configured(scalar, place, rows);
            rows.leaf(Leaf { value: Some(words), raw, configured, ..Leaf::default() });
        }
    }
}

fn object(object: &Map<String, Value>, place: Place<'_>, rows: &mut Rows<'_>) {
    if let Some(id) = reference(object).filter(|_| place.tree == Tree::Graph && !place.holds.is_secret()) {
        let leaf =
            Leaf { value: Some(readable(id)), raw: Some(Raw::Value(id)), configured: Some(true), ..Leaf::default() };
        return rows.within("id", "ID", |rows| rows.leaf(leaf));
    }
    let first = rows.settings.len();
    let of_secret = secret::is_secret_setting_value(object);
    let named = secret::named_by_pair(object);
    let mut kind = None;
    for (key, value) in object {
        kind = kind.or_else(|| graph_type(key, value));
        let is_secret = of_secret && (key == "value" || is_scalar(value) && key != "valueState")
            || named.is_some_and(|name| secret::is_of_pair(name, key, value));
        let holds = if is_secret { Holds::Secret } else { place.holds };
        if holds.is_secret() && !is_annotation(key) {
            let place = Place { key, holds, tree: place.tree };
            rows.in_property(rows.property(key), |rows| held(value, place, rows));
        } else {
            property_of(place.tree, key, value, rows);
        }
    }
    // the type that a property always has tells nothing: `rolloutSettings` of `windowsUpdateRolloutSettings`, all null
    let is_usual = |kind: &str| {
        let names_property = !place.key.is_empty() && secret::ends_with(kind, place.key);
        names_property && object.keys().any(|key| !is_annotation(key))
    };
    let is_chosen = |kind: &str| rows.settings.len() == first && !is_usual(kind);
    let tells = |kind: &&str| is_chosen(kind) || TELLING.iter().any(|end| kind.ends_with(end));
    if let Some(kind) = kind.filter(|_| place.tree == Tree::Graph && !place.holds.is_secret()).filter(tells) {
        row_of_type(kind, rows);
    }
}

/// The type of an object that this annotation tells, without its namespace.
fn graph_type<'v>(key: &str, value: &'v Value) -> Option<&'v str> {
    let kind = value.as_str().filter(|_| key == ODATA_TYPE)?.rsplit(['.', '#']).next()?;
    let is_name = |kind: &&str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(kind).filter(is_name)
}

/// The row of an object that sets nothing but which type it is, `{"@odata.type": "#microsoft.graph.windowsKioskAutologon"}`,
/// or whose other properties do not tell. An annotation is no raw value.
fn row_of_type(kind: &str, rows: &mut Rows<'_>) {
    let words = rows.value_words(kind.strip_suffix("PolicySetItem").unwrap_or(kind));
    rows.within(ODATA_TYPE, "Type", |rows| {
        rows.leaf(Leaf { value: Some(words), configured: Some(true), ..Leaf::default() });
    });
}

/// The id of an object that holds nothing else, and so says which one is meant: `"authenticationStrength": {"id": …}`.
fn reference(object: &Map<String, Value>) -> Option<&Value> {
    let id = super::property(object, "id").filter(|id| id.as_str().is_some_and(|id| !id.is_empty()))?;
    object.iter().all(|(key, value)| key == "id" || value.is_null() || is_annotation(key)).then_some(id)
}

/// Whether nothing of a scalar may be told.
fn is_withheld(scalar: &Value, place: Place<'_>) -> bool {
    match (place.holds, scalar) {
        (Holds::Secret, Value::String(text)) => !text.is_empty(),
        (Holds::Secret, Value::Number(_)) => true,
        // a small number, a flag or a word of a policy about secrets is none, nor is a format's place for one
        (Holds::NamedSecret, Value::String(text)) => {
            let is_format = place.key.ends_with("FormatString") && secret::is_placeholder(text);
            !(text.is_empty() || secret::is_plain_word(text) || is_format)
        }
        (Holds::NamedSecret, Value::Number(number)) => !secret::is_small(number.as_str()),
        _ => false,
    }
}

/// What a person reads for a scalar, and whether a secret in it was withheld.
fn reading(value: &Value, place: Place<'_>, rows: &Rows<'_>) -> (SmolStr, bool) {
    let Value::String(text) = value else { return (readable(value), false) };
    if place.holds == Holds::Anything
        && let Some(words) = rows.known_words(text)
        && !payload::is_property(place.key)
        && place.key != COMBINATIONS
    {
        return (words.clone(), false);
    }
    match payload::of_property(place.key, value) {
        Some(payload) => (payload.text.into(), payload.holds_secret),
        None => (words(text, place, rows), false),
    }
}

fn words(text: &str, place: Place<'_>, rows: &Rows<'_>) -> SmolStr {
    match place.holds {
        // `notConfigured` is no name that anybody gave
        Holds::Text if !is_unset_word(text) => text.into(),
        Holds::Objects if OBJECTS_OF_ALL.contains(&text) => {
            rows.value_words(&(text[..1].to_ascii_lowercase() + &text[1..]))
        }
        Holds::Objects => text.into(),
        // all of these are asked for
        _ if place.key == COMBINATIONS => rows.value_words(text).replace(", ", " + ").into(),
        _ => rows.value_words(text),
    }
}

/// A text that an administrator typed, as a person may read it, and whether a secret in it was withheld.
pub(super) fn typed(value: &Value, rows: &Rows<'_>) -> (SmolStr, bool) {
    reading(value, TYPED, rows)
}

/// A list of scalars is one row, a list of anything else rows per item. A list of secrets is one row that tells of them.
fn list(whole: &Value, items: &[Value], place: Place<'_>, rows: &mut Rows<'_>) {
    if items.iter().all(is_scalar) {
        if items.iter().any(|item| is_withheld(item, place)) {
            return rows.secret(&Leaf::default());
        }
        let mut words = Vec::with_capacity(items.len());
        let mut hold_secret = false;
        for item in items.iter().filter(|item| is_set(item)) {
            let (text, holds_secret) = reading(item, place, rows);
            words.push(text);
            hold_secret |= holds_secret;
        }
        if !words.is_empty() {
            let raw = Some(Raw::Value(whole)).filter(|_| !hold_secret);
            rows.leaf(Leaf { value: Some(listed(words, hold_secret)), raw, configured: Some(true), ..Leaf::default() });
        }
        return;
    }
    // what a secret calls itself may be the secret
    let label = |item: &Value, rows: &Rows<'_>| labels::label(item, rows).filter(|_| !place.holds.is_secret());
    labels::each(items, rows, label, |item, rows| held(item, place, rows));
}

/// What stands in conditional access where ids of objects do (the conditional access resource types of Microsoft Graph).
const OBJECTS_OF_ALL: [&str; 8] = [
    "All",
    "AllAgentIdResources",
    "AllTrusted",
    "GuestsOrExternalUsers",
    "MicrosoftAdminPortals",
    "None",
    "Office365",
    "ServicePrincipalsInMyTenant",
];

/// Ways to sign in of conditional access, those that are needed together with commas between.
const COMBINATIONS: &str = "allowedCombinations";

/// The annotation that tells an object's type.
const ODATA_TYPE: &str = "@odata.type";

/// Ends of types that other types share their properties with: who may use a kiosk, what signs in to apps, when a
/// script runs, and what a policy set holds (the derived types of Microsoft Graph's `windowsKioskUser`,
/// `singleSignOnExtension`, `deviceHealthScriptRunSchedule` and `policySetItem`).
const TELLING: [&str; 9] = [
    "KioskActiveDirectoryGroup",
    "KioskAzureADGroup",
    "KioskAzureADUser",
    "KioskLocalGroup",
    "KioskLocalUser",
    "PolicySetItem",
    "SingleSignOnExtension",
    "ScriptDailySchedule",
    "ScriptHourlySchedule",
];

/// The end of the types of policies that differ in which directory a device joins, and in no property.
const JOINS: &str = "WindowsAutopilotDeploymentProfile";

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// Whether a value gives no row wherever it stands, so that its property's name need not be looked up.
fn is_nothing(value: &Value) -> bool {
    !is_set(value) || value.as_array().is_some_and(Vec::is_empty)
}

/// null and "" say "not set".
fn is_set(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

/// Properties whose `0` somebody chose: an action of compliance at once.
const CHOSEN: [&str; 1] = ["gracePeriodHours"];

/// Members of enumerations that stand where nothing is asked for: the level of a threat is `unavailable`.
const NOTHING: [&str; 2] = ["none", "unavailable"];

/// `false`, `0` and the like are what a legacy type holds where nobody has set anything.
fn configured(value: &Value, place: Place<'_>, rows: &Rows<'_>) -> Option<bool> {
    match value {
        _ if CHOSEN.contains(&place.key) => Some(true),
        Value::Bool(false) => rows.default_configured(),
        Value::Number(number) if number.as_f64() == Some(0.0) => rows.default_configured(),
        Value::String(word) if is_unset_word(word) => Some(false),
        Value::String(word) if place.holds != Holds::Text && NOTHING.contains(&word.as_str()) => {
            rows.default_configured()
        }
        // of any type: `executionFrequency` is `PT0S` where a script runs once
        Value::String(word) if humanize::is_no_moment(word) => None,
        _ => Some(true),
    }
}

/// Members of enumerations that leave the choice to the device or its user, the id of nothing and the day of none.
pub(super) fn is_unset_word(word: &str) -> bool {
    const UNSET: [&str; 7] = [
        "notConfigured",
        "notSet",
        "userDefined",
        "deviceDefault",
        "browserDefault",
        "00000000-0000-0000-0000-000000000000",
        "0000-00-00",
    ];
    UNSET.iter().any(|unset| word.eq_ignore_ascii_case(unset))
}

/// What a person reads for a list of values. Where a secret is withheld from it there is no raw value to tell that only
/// its order has changed.
pub(super) fn listed(mut words: Vec<SmolStr>, hold_secret: bool) -> SmolStr {
    if hold_secret {
        words.sort_unstable();
    }
    joined(&words)
}

fn joined(words: &[SmolStr]) -> SmolStr {
    match words {
        [one] => one.clone(),
        words => words.join("; ").into(),
    }
}

/// What a person reads for a scalar without further words.
pub(super) fn readable(value: &Value) -> SmolStr {
    match value {
        Value::Null => SmolStr::default(),
        Value::Bool(true) => SmolStr::new_static("True"),
        Value::Bool(false) => SmolStr::new_static("False"),
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}
