//! What differs between the settings that are stored and those just read: pure.
//!
//! Settings are held against each other by their path without the element numbers, as multisets of raw
//! values, so that neither new wording nor another order of items is a change.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::policy::{Assignment, Policy};

/// The hash of what flattening gave: where it is the stored one, nothing of the policy is written.
pub fn content_hash(policy: &Policy) -> String {
    let mut hasher = blake3::Hasher::new();
    // every text with its length before it, so that no two policies spell the same bytes
    let mut text = |text: Option<&str>| match text {
        Some(text) => {
            hasher.update(&(text.len() as u64 + 1).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        None => {
            hasher.update(&0_u64.to_le_bytes());
        }
    };
    let flag = |flag: Option<bool>| flag.map(|flag| if flag { "true" } else { "false" });
    let time = |time: Option<chrono::NaiveDateTime>| time.map(|time| time.to_string());
    text(Some(policy.kind));
    text(Some(&policy.name));
    for column in [
        &policy.description,
        &policy.platform,
        &policy.technologies,
        &policy.graph_type,
        &policy.template_family,
        &policy.template_name,
        &policy.scope_tag_ids,
        &time(policy.created_at),
        &time(policy.modified_at),
    ] {
        text(column.as_deref());
    }
    text(flag(policy.assigned));
    text(flag(Some(policy.complete)));
    for assignment in policy.assignments.iter().flatten() {
        assignment_texts(assignment).into_iter().for_each(&mut text);
    }
    text(policy.assignments.is_some().then_some("assignments"));
    for setting in &policy.settings {
        text(Some(&setting.path));
        text(Some(&setting.name));
        text(setting.value.as_deref());
        text(setting.raw_value.as_deref());
        text(setting.definition_id.as_deref());
        text(setting.category.as_deref());
        text(flag(setting.configured));
    }
    hasher.finalize().to_hex().to_string()
}

fn assignment_texts(assignment: &Assignment) -> [Option<&str>; 7] {
    [
        Some(assignment.intent.as_str()),
        Some(assignment.target_type.as_str()),
        assignment.target_id.as_deref(),
        assignment.target_name.as_deref(),
        assignment.filter_id.as_deref(),
        assignment.filter_name.as_deref(),
        assignment.filter_mode.as_deref(),
    ]
}

/// One side of the comparison: what both a stored and a new setting have.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The technical address.
    pub path: &'a str,
    /// What a person reads.
    pub name: &'a str,
    /// What a person reads as the value.
    pub value: Option<&'a str>,
    /// The JSON text that Graph sent.
    pub raw: Option<&'a str>,
}

/// How a setting changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// Its value is another one.
    Changed,
    /// It is gone.
    Removed,
}

impl ChangeKind {
    /// The word that the database holds.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// How many settings a sync added, changed, removed and left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Not there before.
    pub added: u64,
    /// With another value.
    pub changed: u64,
    /// No longer there.
    pub removed: u64,
    /// As before.
    pub unchanged: u64,
}

impl Tally {
    /// The tally of these changes among `settings` settings that there are now.
    pub fn of(changes: &[Change], settings: usize) -> Self {
        let count = |kind| changes.iter().filter(|change| change.kind == kind).count() as u64;
        let (added, changed) = (count(ChangeKind::Added), count(ChangeKind::Changed));
        Self {
            added,
            changed,
            removed: count(ChangeKind::Removed),
            unchanged: (settings as u64).saturating_sub(added + changed),
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.removed += other.removed;
        self.unchanged += other.unchanged;
    }
}

/// One change of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub kind: ChangeKind,
    /// The setting's path, the new one where it has one.
    pub path: String,
    /// The setting's name, the new one where it has one.
    pub name: String,
    /// The readable value before.
    pub old: Option<String>,
    /// The readable value now.
    pub new: Option<String>,
}

/// Compares the settings of a policy; changes come in order of path.
pub fn compare<'a>(stored: impl IntoIterator<Item = Side<'a>>, new: impl IntoIterator<Item = Side<'a>>) -> Vec<Change> {
    let mut places: BTreeMap<String, (Vec<Side<'a>>, Vec<Side<'a>>)> = BTreeMap::new();
    for side in stored {
        places.entry(without_indexes(side.path)).or_default().0.push(side);
    }
    for side in new {
        places.entry(without_indexes(side.path)).or_default().1.push(side);
    }
    let mut changes = Vec::new();
    for (mut old, mut new) in places.into_values() {
        old.sort_by(|a, b| a.path.cmp(b.path));
        new.sort_by(|a, b| a.path.cmp(b.path));
        cancel_equal(&mut old, &mut new);
        let pairs = old.len().min(new.len());
        let text = |value: Option<&str>| value.map(str::to_owned);
        for (before, now) in old[..pairs].iter().zip(&new[..pairs]) {
            changes.push(change(ChangeKind::Changed, now, text(before.value), text(now.value)));
        }
        changes.extend(old[pairs..].iter().map(|side| change(ChangeKind::Removed, side, text(side.value), None)));
        changes.extend(new[pairs..].iter().map(|side| change(ChangeKind::Added, side, None, text(side.value))));
    }
    changes
}

fn change(kind: ChangeKind, side: &Side<'_>, old: Option<String>, new: Option<String>) -> Change {
    Change { kind, path: side.path.to_owned(), name: side.name.to_owned(), old, new }
}

/// Takes the raw values that stand on both sides out of both.
fn cancel_equal(old: &mut Vec<Side<'_>>, new: &mut Vec<Side<'_>>) {
    // a raw value that is withheld says nothing: the text around the secret does
    let told = |side: &Side<'_>| match side.raw {
        Some(raw) => (true, canonical(raw)),
        None => (false, side.value.unwrap_or_default().to_owned()),
    };
    let mut held: Vec<(bool, String)> = new.iter().map(told).collect();
    old.retain(|side| {
        let raw = told(side);
        match held.iter().position(|other| *other == raw) {
            Some(at) => {
                held.remove(at);
                new.remove(at);
                false
            }
            None => true,
        }
    });
}

/// A raw value to compare by: the order inside a list of scalars says nothing.
fn canonical(raw: &str) -> String {
    if raw.starts_with('[')
        && let Ok(Value::Array(items)) = serde_json::from_str(raw)
    {
        let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
        items.sort_unstable();
        return items.join("\u{1f}");
    }
    raw.to_owned()
}

/// A path without its `[1]`, `[2]`, …
fn without_indexes(path: &str) -> String {
    let mut kept = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        kept.push_str(before);
        match after.split_once(']') {
            Some((index, behind)) if !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
                rest = behind;
            }
            _ => {
                kept.push('[');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::{ChangeKind, Side, compare};

    fn side<'a>(path: &'a str, raw: &'a str) -> Side<'a> {
        Side { path, name: path, value: Some(raw), raw: Some(raw) }
    }

    #[test]
    fn the_order_of_elements_is_no_change() {
        let before = [side("rules[1]/port", "1"), side("rules[2]/port", "2"), side("list", r#"["a","b"]"#)];
        let now = [side("rules[1]/port", "2"), side("rules[2]/port", "1"), side("list", r#"["b","a"]"#)];
        assert_eq!(compare(before, now), []);
    }

    #[test]
    fn equal_values_cancel_and_the_rest_pairs_in_order() {
        let before = [side("rules[1]/port", "1"), side("rules[2]/port", "2"), side("gone", "7")];
        let now = [side("rules[1]/port", "2"), side("rules[2]/port", "3"), side("rules[3]/port", "4")];
        let kinds: Vec<_> = compare(before, now).into_iter().map(|c| (c.kind, c.path, c.old, c.new)).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            kinds,
            [
                (ChangeKind::Removed, "gone".to_owned(), text("7"), None),
                (ChangeKind::Changed, "rules[2]/port".to_owned(), text("1"), text("3")),
                (ChangeKind::Added, "rules[3]/port".to_owned(), None, text("4")),
            ]
        );
    }
}
