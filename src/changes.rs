//! What differs between the settings that are stored and those just read: pure.
//!
//! Settings are held against each other by path and raw value, items of lists by what they hold and not by their
//! number, so that neither new wording nor another order of items is a change.

mod elements;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

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
    text(flag(Some(policy.is_complete())));
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

/// What the service counts and notes on a profile of driver updates: it differs every day, and nobody has changed it.
const STATE: [&str; 3] = ["deviceReporting", "inventorySyncStatus/", "newUpdates"];

fn is_state(path: &str) -> bool {
    STATE.iter().any(|state| path == *state || state.ends_with('/') && path.starts_with(state))
}

/// Compares the settings of a policy; changes come in order of path.
pub fn compare<'a>(stored: impl IntoIterator<Item = Side<'a>>, new: impl IntoIterator<Item = Side<'a>>) -> Vec<Change> {
    let mut stored = stored.into_iter().peekable();
    let is_new = stored.peek().is_none();
    let mut changes = elements::compare(stored, new.into_iter());
    changes.retain(|change| is_new || change.kind == ChangeKind::Removed || !is_state(&change.path));
    changes.sort_by_cached_key(|change| {
        (elements::without_indexes(&change.path).into_owned(), change.path.clone(), Reverse(change.kind))
    });
    changes
}
