//! Which rows of a policy have to be written: pure.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::models::{StoredAssignment, StoredSetting};
use crate::{
    changes::{self, Change, Side},
    policy::{Assignment, Setting},
    search::folded,
};

/// What the table needs to hold a policy's new settings.
pub(super) struct Plan<'a> {
    /// Ids of rows whose names the policy no longer has.
    pub(super) vanished: Vec<i64>,
    /// Rows that are new or differ, with the time their path was first seen.
    pub(super) rows: Vec<(&'a Setting, Option<NaiveDateTime>)>,
}

/// Holds the stored rows against the new settings, by name as the table's key does.
pub(super) fn plan<'a>(stored: &[StoredSetting], new: &'a [Setting]) -> Plan<'a> {
    if stored.is_empty() {
        return Plan { vanished: Vec::new(), rows: new.iter().map(|setting| (setting, None)).collect() };
    }
    let created: HashMap<&str, NaiveDateTime> =
        stored.iter().map(|row| (row.setting_path.as_str(), row.created_at)).collect();
    let mut left: HashMap<&str, &StoredSetting> = stored.iter().map(|row| (row.setting_name.as_str(), row)).collect();
    let mut rows = Vec::new();
    for setting in new {
        let before = left.remove(setting.name.as_str());
        if !before.is_some_and(|before| is_same(before, setting)) {
            rows.push((setting, created.get(setting.path.as_str()).copied()));
        }
    }
    Plan { vanished: left.values().map(|row| row.id).collect(), rows }
}

fn is_same(stored: &StoredSetting, new: &Setting) -> bool {
    stored.setting_path == new.path
        && stored.setting_value.as_deref() == new.value.as_deref()
        && stored.raw_value.as_deref() == new.raw_value.as_deref()
        && stored.definition_id.as_deref() == new.definition_id.as_deref()
        && stored.category.as_deref() == new.category.as_deref()
        && stored.configured == new.configured
}

/// What a search looks through.
pub(super) fn search_text(setting: &Setting) -> String {
    let mut text = folded(&setting.name);
    if let Some(value) = &setting.value {
        text.push('\n');
        text.push_str(&folded(value));
    }
    text
}

pub(super) fn stored_side(row: &StoredSetting) -> Side<'_> {
    Side {
        path: &row.setting_path,
        name: &row.setting_name,
        value: row.setting_value.as_deref(),
        raw: row.raw_value.as_deref(),
    }
}

pub(super) fn new_side(setting: &Setting) -> Side<'_> {
    Side {
        path: &setting.path,
        name: &setting.name,
        value: setting.value.as_deref(),
        raw: setting.raw_value.as_deref(),
    }
}

/// Whether the stored assignments are not those of the source; names count, which are no change.
pub(super) fn assignments_differ(stored: &[StoredAssignment], new: Option<&[Assignment]>) -> bool {
    let mut old: Vec<_> = stored.iter().map(owned).collect();
    old.sort_unstable();
    new.is_some_and(|new| old != new)
}

/// Changes of a policy's assignments, under `#assignments/…`; none where the source does not tell them.
pub(super) fn assignments(stored: &[StoredAssignment], new: Option<&[Assignment]>) -> Vec<Change> {
    let Some(new) = new else { return Vec::new() };
    let old = numbered(stored.iter().map(|row| shown(&owned(row))));
    let new = numbered(new.iter().map(shown));
    changes::compare(old.iter().map(Shown::side), new.iter().map(Shown::side))
}

/// A target that stands several times, with filters or without, has a number from the second on, as a setting has.
fn numbered(assignments: impl Iterator<Item = Shown>) -> Vec<Shown> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let number = |shown: Shown| {
        let times = times.entry(shown.path.clone()).and_modify(|times| *times += 1).or_insert(1);
        let path = if *times == 1 { shown.path } else { format!("{}[{times}]", shown.path) };
        Shown { path, ..shown }
    };
    assignments.map(number).collect()
}

/// All of a policy's assignments, gone.
pub(super) fn assignments_removed(stored: &[StoredAssignment]) -> Vec<Change> {
    assignments(stored, Some(&[]))
}

/// An assignment as a setting of its own.
struct Shown {
    path: String,
    name: String,
    value: String,
}

impl Shown {
    fn side(&self) -> Side<'_> {
        Side { path: &self.path, name: &self.name, value: Some(&self.value), raw: Some(&self.value) }
    }
}

fn shown(assignment: &Assignment) -> Shown {
    // an export may have names alone
    let target = assignment.target_id.as_deref().or(assignment.target_name.as_deref());
    let who = match (assignment.target_type.as_str(), target) {
        ("allUsers", _) => "All users".to_owned(),
        ("allDevices", _) => "All devices".to_owned(),
        ("group", Some(id)) => format!("Group {}", assignment.target_name.as_deref().unwrap_or(id)),
        (other, Some(id)) => format!("{other} {id}"),
        (other, None) => other.to_owned(),
    };
    let mut value = assignment.intent.clone();
    let filter = assignment.filter_id.as_ref().or(assignment.filter_name.as_ref());
    if let (Some(mode), Some(filter)) = (&assignment.filter_mode, filter) {
        value = format!("{value}, filter {mode} {filter}");
    }
    Shown {
        path: match target {
            Some(id) => format!("#assignments/{}/{id}", assignment.target_type),
            None => format!("#assignments/{}", assignment.target_type),
        },
        name: format!("Assignment: {who}"),
        value,
    }
}

fn owned(row: &StoredAssignment) -> Assignment {
    Assignment {
        intent: row.intent.clone(),
        target_type: row.target_type.clone(),
        target_id: row.target_id.clone(),
        target_name: row.target_name.clone(),
        filter_id: row.filter_id.clone(),
        filter_name: row.filter_name.clone(),
        filter_mode: row.filter_mode.clone(),
    }
}
