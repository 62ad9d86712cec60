//! The last step: paths and names that are unique inside the policy, whatever order the settings came in.

use std::collections::{HashMap, HashSet};

use smol_str::{SmolStr, format_smolstr};

use super::rows::Rows;
use crate::{
    json::Document,
    policy::{MAX_KEY_CHARS, NO_SETTINGS, NO_SETTINGS_PATH, Setting, bounded, bounded_with},
};

/// The rows of a policy in order of path, clean, bounded and unique in name and path.
pub(super) fn finished(rows: Rows<'_>, document: &Document) -> Vec<Setting> {
    let Rows { scopes, mut settings, holds_nul, .. } = rows;
    if settings.is_empty() {
        return vec![Setting { name: NO_SETTINGS.into(), path: NO_SETTINGS_PATH.into(), ..Setting::default() }];
    }
    if holds_nul || document.is_repaired() {
        for setting in &mut settings {
            document.clean(setting);
        }
    }
    settings.iter_mut().for_each(bound);
    sort(&mut settings);
    if number_equal_paths(&mut settings) {
        settings.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    }
    if !any_name_clashes(&settings) {
        return settings;
    }
    tell_apart(&mut settings, |setting| scope(setting, &scopes));
    tell_apart(&mut settings, |setting| setting.definition_id.as_ref().map(|id| format_smolstr!("[{id}]")));
    number_equal_names(&mut settings);
    settings
}

/// Sorts by path, and by contents where paths are the same. Paths are long and begin alike: what comes after that is
/// compared as a number first, and rows, which are large, are moved once.
fn sort(settings: &mut Vec<Setting>) {
    let order = |a: &Setting, b: &Setting| a.path.cmp(&b.path).then_with(|| contents(a).cmp(&contents(b)));
    if settings.is_sorted_by(|a, b| order(a, b).is_le()) {
        return;
    }
    let first = settings[0].path.as_bytes();
    let alike = |path: &str| first.iter().zip(path.as_bytes()).take_while(|(a, b)| a == b).count();
    let alike = settings.iter().map(|setting| alike(&setting.path)).min().unwrap_or_default();
    let number = |path: &str| {
        path.as_bytes()[alike..].iter().chain(&[0; 8]).take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    let mut places: Vec<_> = settings.iter().map(|setting| number(&setting.path)).zip(0..).collect();
    places.sort_unstable_by(|(a, at), (b, other)| a.cmp(b).then_with(|| order(&settings[*at], &settings[*other])));
    *settings = places.into_iter().map(|(_, at): (u64, usize)| std::mem::take(&mut settings[at])).collect();
}

/// What tells settings of one path apart.
fn contents(setting: &Setting) -> [Option<&str>; 5] {
    let Setting { raw_value, value, name, definition_id, category, .. } = setting;
    [raw_value.as_deref(), value.as_deref(), Some(name), definition_id.as_deref(), category.as_deref()]
}

/// What a setting is called of whose place nothing can be read.
const NAMELESS: &str = "(no name)";

fn bound(setting: &mut Setting) {
    if let Some(id) = &mut setting.definition_id
        && id.len() > MAX_KEY_CHARS
    {
        *id = bounded(id).into();
    }
    if setting.name.len() > MAX_KEY_CHARS {
        setting.name = bounded_with(&setting.name, &setting.path).into();
    }
    if is_blank(&setting.name) {
        setting.name = if is_blank(&setting.path) { NAMELESS.into() } else { bounded(&setting.path).into() };
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Settings that stand twice in a policy share a path: the later ones, by value, are numbered. A number that an
/// element of a list has is passed over.
fn number_equal_paths(settings: &mut [Setting]) -> bool {
    if settings.windows(2).all(|pair| pair[0].path != pair[1].path) {
        return false;
    }
    let mut taken: HashSet<SmolStr> = settings.iter().map(|setting| setting.path.clone()).collect();
    let (mut shared, mut number) = (settings[0].path.clone(), 1);
    for setting in &mut settings[1..] {
        if setting.path != shared {
            (shared, number) = (setting.path.clone(), 1);
            continue;
        }
        setting.path = loop {
            number += 1;
            let numbered = format_smolstr!("{shared}[{number}]");
            if taken.insert(numbered.clone()) {
                break numbered;
            }
        };
    }
    true
}

/// Adds a mark to all rows that clash in name.
fn tell_apart(settings: &mut [Setting], mark: impl Fn(&Setting) -> Option<SmolStr>) {
    for index in clashing(settings).into_iter().flatten() {
        let setting = &mut settings[index];
        if let Some(mark) = mark(setting)
            && !setting.name.ends_with(mark.as_str())
        {
            let marked = format!("{} {mark}", setting.name);
            setting.name = bounded_with(&marked, &setting.path).into();
        }
    }
}

/// `[2]`, `[3]`, … in order of path for the names that clash still; a number that another name has is passed over.
fn number_equal_names(settings: &mut [Setting]) {
    let groups = clashing(settings);
    if groups.is_empty() {
        return;
    }
    let mut taken: HashSet<SmolStr> = settings.iter().map(|setting| setting.name.clone()).collect();
    for group in groups {
        let mut number = 2;
        for &index in &group[1..] {
            let setting = &mut settings[index];
            setting.name = loop {
                let numbered = format!("{} [{number}]", setting.name);
                let numbered = SmolStr::from(bounded_with(&numbered, &format!("{}#{number}", setting.path)));
                number += 1;
                if taken.insert(numbered.clone()) {
                    break numbered;
                }
            };
        }
    }
}

fn any_name_clashes(settings: &[Setting]) -> bool {
    let hasher = foldhash::fast::RandomState::default();
    let mut names = std::collections::HashSet::with_capacity_and_hasher(settings.len(), hasher);
    !settings.iter().all(|setting| names.insert(setting.name.as_str()))
}

/// The rows that share a name, group by group, in order of path.
fn clashing(settings: &[Setting]) -> Vec<Vec<usize>> {
    let mut by_name: HashMap<&str, usize> = HashMap::with_capacity(settings.len());
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, setting) in settings.iter().enumerate() {
        if let Some(first) = by_name.insert(&setting.name, index) {
            let group = groups.entry(&setting.name).or_default();
            if group.is_empty() {
                group.push(first);
            }
            group.push(index);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_unstable();
    groups
}

/// Whom a definition is for: its id says so, or the administrative template's class.
fn scope(setting: &Setting, scopes: &HashMap<SmolStr, &'static str>) -> Option<SmolStr> {
    let id = setting.definition_id.as_deref()?;
    let starts = |prefix: &str| id.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let scope = match scopes.get(id) {
        Some(scope) => scope,
        None if starts("user_") => "(User)",
        None if starts("device_") => "(Device)",
        None => return None,
    };
    Some(SmolStr::new_static(scope))
}
