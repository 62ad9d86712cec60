//! The last step: paths and names that are unique inside the policy, whatever order the settings came in.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use smol_str::SmolStr;

use super::rows::{Gathered, push_number};
use crate::{
    json::Document,
    policy::{MAX_KEY_CHARS, NO_SETTINGS, NO_SETTINGS_PATH, Setting, bounded, bounded_with},
};

/// The row of a policy that sets nothing.
pub(super) fn no_settings() -> Setting {
    Setting { name: NO_SETTINGS.into(), path: NO_SETTINGS_PATH.into(), ..Setting::default() }
}

/// The rows of a policy in order of path, clean, bounded and unique in name and path.
pub(super) fn finished(rows: Gathered, document: &Document) -> Vec<Setting> {
    let Gathered { scopes, mut settings, holds_nul } = rows;
    if settings.is_empty() {
        return settings;
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
    if tell_apart(&mut settings, |setting| scope(setting, &scopes))
        && tell_apart(&mut settings, |setting| setting.definition_id.as_ref().map(|id| ["[", id, "]"].concat().into()))
    {
        number_equal_names(&mut settings);
    }
    settings
}

/// Sorts by path, and by contents where paths are the same. Paths are long and begin alike: what comes after that is
/// compared as a number first, and rows, which are large, are moved once.
fn sort(settings: &mut [Setting]) {
    let order = |a: &Setting, b: &Setting| a.path.cmp(&b.path).then_with(|| contents(a).cmp(&contents(b)));
    if settings.is_sorted_by(|a, b| order(a, b).is_le()) {
        return;
    }
    let mut alike = settings[0].path.as_bytes();
    for path in settings.iter().map(|setting| setting.path.as_bytes()) {
        // mostly as much as of the paths before
        if !path.starts_with(alike) {
            alike = &alike[..alike.iter().zip(path).take_while(|(a, b)| a == b).count()];
        }
    }
    let alike = alike.len();
    let number = |path: &str| {
        let rest = &path.as_bytes()[alike..];
        let padded = || rest.iter().chain(&[0; 8]).take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        rest.first_chunk().map_or_else(padded, |eight| u64::from_be_bytes(*eight))
    };
    let mut places: Vec<(u64, usize)> = settings.iter().map(|setting| number(&setting.path)).zip(0..).collect();
    // most policies consist of runs that are in order already, which this sort joins
    places.sort_by(|(a, at), (b, other)| a.cmp(b).then_with(|| order(&settings[*at], &settings[*other])));
    reorder(settings, &mut places);
}

/// Moves what stands at the second number of each place there, along the cycles that these moves make.
fn reorder(settings: &mut [Setting], places: &mut [(u64, usize)]) {
    for start in 0..places.len() {
        let mut at = start;
        while places[at].1 != start {
            let from = std::mem::replace(&mut places[at].1, at);
            settings.swap(at, from);
            at = from;
        }
        places[at].1 = at;
    }
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
            let mut numbered = shared.to_string();
            push_number(&mut numbered, number);
            let numbered = SmolStr::from(numbered);
            if taken.insert(numbered.clone()) {
                break numbered;
            }
        };
    }
    true
}

/// Adds a mark to all rows that clash in name, if there are any.
fn tell_apart(settings: &mut [Setting], mark: impl Fn(&Setting) -> Option<SmolStr>) -> bool {
    let groups = clashing(settings);
    let any = !groups.is_empty();
    let mut is_marked = vec![false; settings.len()];
    for index in groups.into_iter().flatten() {
        let Some(mark) = mark(&settings[index]) else { continue };
        if !is_marked[index] && !settings[index].name.ends_with(mark.as_str()) {
            mark_below(settings, index, &mark, &mut is_marked);
            let setting = &mut settings[index];
            setting.name = joined(&[&setting.name, " ", &mark], &setting.path);
        }
    }
    any
}

/// What stands below a setting that is marked, as a part of the same definition, is marked as well: of two policies
/// `Home page` only that for users may have an address.
fn mark_below(settings: &mut [Setting], index: usize, mark: &str, is_marked: &mut [bool]) {
    let [setting, rest @ ..] = &mut settings[index..] else { return };
    let behind = rest.iter_mut().zip(&mut is_marked[index + 1..]);
    for (row, is_marked) in behind.take_while(|(row, _)| row.path.starts_with(setting.path.as_str())) {
        let is_part = row.path[setting.path.len()..].starts_with('/') && row.definition_id == setting.definition_id;
        let below = row.name.strip_prefix(setting.name.as_str()).filter(|below| below.starts_with(" > "));
        if let Some(below) = below.filter(|_| is_part) {
            row.name = joined(&[&setting.name, " ", mark, below], &row.path);
            *is_marked = true;
        }
    }
}

/// A name of these parts, bounded. Formatting takes many times as long.
fn joined(parts: &[&str], path: &str) -> SmolStr {
    let name = parts.concat();
    if name.len() <= MAX_KEY_CHARS { name.into() } else { bounded_with(&name, path).into() }
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

/// The rows that share a name, group by group, in order of path.
fn clashing(settings: &[Setting]) -> Vec<Vec<usize>> {
    let mut first = Names::with_capacity_and_hasher(settings.len(), foldhash::fast::RandomState::default());
    let mut others: Names<'_, Vec<usize>> = Names::default();
    for (index, setting) in settings.iter().enumerate() {
        match first.entry(setting.name.as_str()) {
            Entry::Vacant(free) => {
                free.insert(index);
            }
            Entry::Occupied(taken) => others.entry(&setting.name).or_insert_with(|| vec![*taken.get()]).push(index),
        }
    }
    let mut groups: Vec<_> = others.into_values().collect();
    groups.sort_unstable();
    groups
}

type Names<'s, T> = HashMap<&'s str, T, foldhash::fast::RandomState>;

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
