//! What items of lists are called: by themselves where they have a name, else by their number.

use std::collections::{HashMap, hash_map::Entry};

use serde_json::{Map, Value};
use smol_str::{SmolStr, format_smolstr};

use super::{payload, property, rows::Rows, secret};

/// Walks the items of a list, each called by its label or numbered.
pub(super) fn each(
    items: &[Value],
    rows: &mut Rows<'_>,
    label: impl Fn(&Value, &Rows<'_>) -> Option<SmolStr>,
    walk: impl Fn(&Value, &mut Rows<'_>),
) {
    let mut labels = Labels::default();
    for (index, item) in items.iter().enumerate() {
        let label = label(item, rows).map(|label| labels.unique(label));
        rows.in_element(index, label.as_deref(), |rows| walk(item, rows));
    }
}

/// The labels of a list's items, each with how often it was given: items of one name are told apart by a number on the
/// label, not on each of their properties.
#[derive(Default)]
struct Labels(HashMap<SmolStr, usize, foldhash::fast::RandomState>);

impl Labels {
    fn unique(&mut self, label: SmolStr) -> SmolStr {
        let mut times = match self.0.entry(label.clone()) {
            Entry::Vacant(free) => {
                free.insert(1);
                return label;
            }
            Entry::Occupied(taken) => *taken.get(),
        };
        let numbered = loop {
            times += 1;
            let numbered = format_smolstr!("{label} [{times}]");
            if !self.0.contains_key(&numbered) {
                break numbered;
            }
        };
        self.0.insert(label, times);
        self.0.insert(numbered.clone(), 1);
        numbered
    }
}

/// What an item of a list calls itself: its name, an app's identifier, or the action that it is. One that is, or holds,
/// a secret is called by nothing.
pub(super) fn label(item: &Value, rows: &Rows<'_>) -> Option<SmolStr> {
    let item = item.as_object().filter(|item| !secret::is_secret_setting_value(item))?;
    let app = || {
        let app = property(item, "mobileAppIdentifier").map_or(Some(item), Value::as_object);
        app.and_then(|app| named(app, &APP_IDENTIFIERS)).map(SmolStr::new)
    };
    let action = || property(item, "actionType").and_then(name).map(|action| rows.value_words(action));
    named(item, &LABELS).map(SmolStr::new).or_else(app).or_else(action)
}

/// The name in the first of `keys` that hold one, found in one walk.
fn named<'v>(object: &'v Map<String, Value>, keys: &[&str]) -> Option<&'v str> {
    let mut best = None;
    let mut better = keys;
    for (key, value) in object {
        if let Some(rank) = better.iter().position(|known| known == key)
            && let Some(name) = name(value)
        {
            best = Some(name);
            better = &keys[..rank];
        }
    }
    best
}

/// A text that may be a name.
fn name(value: &Value) -> Option<&str> {
    let text = value.as_str().map(str::trim).filter(|text| (1..=LONGEST_LABEL).contains(&text.len()))?;
    let holds_secret = payload::of_text(value).is_some_and(|payload| payload.holds_secret);
    (!holds_secret).then_some(text)
}

/// Properties by which an item of a list is called, best first.
const LABELS: [&str; 14] = [
    "displayName",
    "name",
    "appName",
    "appDisplayName",
    "profileName",
    "folderName",
    "appConfigKey",
    "settingName",
    "SettingName",
    "key",
    "permission",
    "serverPath",
    "groupName",
    "userName",
];

/// Identifiers of an app on Android, Apple's and Windows.
const APP_IDENTIFIERS: [&str; 6] = ["packageId", "bundleId", "windowsAppId", "bundleID", "package", "identifier"];

/// What is longer is no name.
const LONGEST_LABEL: usize = 128;
