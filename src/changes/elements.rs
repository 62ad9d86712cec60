//! Which item of a list before is which one now.
//!
//! Items that hold the same are one, wherever they stand. Of the others those belong together that share the most,
//! above all their name; what shares nothing pairs in order, and what is left over is new or gone.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use serde_json::Value;

use super::{Change, ChangeKind, Side};

/// Lists in lists: what a path names below is compared as it stands. JSON is not that deep, but a name may hold `[1]`.
const MOST_LISTS: usize = 128;

/// A fact that so many pairs of items share says nothing about which of them are one.
const MOST_SHARED: usize = 256;

/// What one fact counts that a single pair of items shares.
const UNIQUE: usize = MOST_SHARED * MOST_SHARED;

/// A name says more than all else together, mostly.
const NAME: usize = 16;

/// A setting at a place below an item.
struct Row<'a> {
    below: &'a str,
    side: Side<'a>,
}

/// The changes between two lists of settings, in no order.
pub(super) fn compare<'a>(old: impl Iterator<Item = Side<'a>>, new: impl Iterator<Item = Side<'a>>) -> Vec<Change> {
    let rows = |side: Side<'a>| Row { below: side.path, side };
    let mut changes = Vec::new();
    compare_rows(old.map(rows).collect(), new.map(rows).collect(), 0, &mut changes);
    changes
}

/// Compares what stands below one item, or the policy, on both sides.
fn compare_rows<'a>(old: Vec<Row<'a>>, new: Vec<Row<'a>>, lists_above: usize, changes: &mut Vec<Change>) {
    let mut settings: BTreeMap<&str, [Option<Side<'a>>; 2]> = BTreeMap::new();
    let mut lists: BTreeMap<&str, [Items<'a>; 2]> = BTreeMap::new();
    for (which, row) in old.into_iter().map(|row| (0, row)).chain(new.into_iter().map(|row| (1, row))) {
        match split(row.below).filter(|_| lists_above < MOST_LISTS) {
            Some((list, number, below)) => {
                let row = Row { below, side: row.side };
                lists.entry(list).or_default()[which].entry(number).or_default().push(row);
            }
            None => settings.entry(row.below).or_default()[which] = Some(row.side),
        }
    }
    for (list, sides) in &mut lists {
        // a setting that stands several times has a number from the second on
        let repeats =
            |(number, rows): (&usize, &Vec<Row<'_>>)| *number > 1 && rows.iter().all(|row| row.below.is_empty());
        if sides.iter().flatten().all(repeats)
            && let Some(first) = settings.remove(list)
        {
            for (items, side) in sides.iter_mut().zip(first) {
                items.entry(1).or_default().extend(side.map(|side| Row { below: "", side }));
            }
        }
    }
    for [old, new] in settings.into_values() {
        changes.extend(compare_sides(old, new));
    }
    for [old, new] in lists.into_values() {
        compare_items(old.into_values().collect(), new.into_values().collect(), lists_above + 1, changes);
    }
}

/// The rows of a list's items, by the number of each.
type Items<'a> = BTreeMap<usize, Vec<Row<'a>>>;

fn compare_sides(old: Option<Side<'_>>, new: Option<Side<'_>>) -> Option<Change> {
    let kind = match (&old, &new) {
        (Some(old), Some(new)) if told(old) == told(new) => return None,
        (Some(_), Some(_)) => ChangeKind::Changed,
        (Some(_), None) => ChangeKind::Removed,
        (None, _) => ChangeKind::Added,
    };
    let shown = new.or(old)?;
    let value = |side: Option<Side<'_>>| side.and_then(|side| side.value).map(str::to_owned);
    Some(Change { kind, path: shown.path.to_owned(), name: shown.name.to_owned(), old: value(old), new: value(new) })
}

fn compare_items<'a>(old: Vec<Vec<Row<'a>>>, new: Vec<Vec<Row<'a>>>, lists: usize, changes: &mut Vec<Change>) {
    let partners = partners(&facts_of(&old), &facts_of(&new));
    let mut new: Vec<Option<Vec<Row<'a>>>> = new.into_iter().map(Some).collect();
    for (old, partner) in old.into_iter().zip(partners) {
        // items of the same facts may differ in their lists still: of which item a fact is, it does not say
        let new = partner.and_then(|at| new[at].take()).unwrap_or_default();
        compare_rows(old, new, lists, changes);
    }
    new.into_iter().flatten().for_each(|new| compare_rows(Vec::new(), new, lists, changes));
}

/// What one row says of its item: where, without numbers, and what.
type Fact<'a> = (Cow<'a, str>, (bool, Cow<'a, str>));

fn facts_of<'a>(items: &[Vec<Row<'a>>]) -> Vec<Vec<Fact<'a>>> {
    let facts = |rows: &Vec<Row<'a>>| {
        let mut facts: Vec<_> = rows.iter().map(|row| (without_indexes(row.below), told(&row.side))).collect();
        facts.sort_unstable();
        facts
    };
    items.iter().map(facts).collect()
}

/// Which item now each item before is; `None` for one that is gone.
fn partners(old: &[Vec<Fact<'_>>], new: &[Vec<Fact<'_>>]) -> Vec<Option<usize>> {
    let mut partners = vec![None; old.len()];
    let mut is_free = vec![true; new.len()];
    let mut wholes: HashMap<&[Fact<'_>], Vec<usize>> = HashMap::new();
    for (at, facts) in new.iter().enumerate().rev() {
        wholes.entry(facts).or_default().push(at);
    }
    for (partner, facts) in partners.iter_mut().zip(old) {
        *partner = wholes.get_mut(facts.as_slice()).and_then(Vec::pop);
        if let Some(at) = *partner {
            is_free[at] = false;
        }
    }
    for (before, now) in most_alike(old, new, |at| partners[at].is_none(), |at| is_free[at]) {
        if partners[before].is_none() && is_free[now] {
            partners[before] = Some(now);
            is_free[now] = false;
        }
    }
    let left = partners.iter_mut().filter(|partner| partner.is_none());
    for (partner, now) in left.zip((0..new.len()).filter(|now| is_free[*now])) {
        *partner = Some(now);
    }
    partners
}

/// Pairs of items that share facts, those first that share the most.
fn most_alike(
    old: &[Vec<Fact<'_>>],
    new: &[Vec<Fact<'_>>],
    is_alone: impl Fn(usize) -> bool,
    is_free: impl Fn(usize) -> bool,
) -> Vec<(usize, usize)> {
    let mut holders: HashMap<&Fact<'_>, [Vec<usize>; 2]> = HashMap::new();
    for at in (0..old.len()).filter(|at| is_alone(*at)) {
        old[at].iter().for_each(|fact| holders.entry(fact).or_default()[0].push(at));
    }
    for at in (0..new.len()).filter(|at| is_free(*at)) {
        new[at].iter().for_each(|fact| {
            holders.entry(fact).and_modify(|holders| holders[1].push(at));
        });
    }
    let mut shared: HashMap<(usize, usize), usize> = HashMap::new();
    for ((place, _), [before, now]) in &holders {
        let pairs = before.len() * now.len();
        if (1..=MOST_SHARED).contains(&pairs) {
            let weight = UNIQUE / pairs * if is_name(place) { NAME } else { 1 };
            let pairs = before.iter().flat_map(|before| now.iter().map(|now| (*before, *now)));
            pairs.for_each(|pair| *shared.entry(pair).or_default() += weight);
        }
    }
    let mut pairs: Vec<_> = shared.into_iter().collect();
    pairs.sort_unstable_by_key(|&((before, now), weight)| (Reverse(weight), before.abs_diff(now), before, now));
    pairs.into_iter().map(|(pair, _)| pair).collect()
}

/// Whether what stands at this place names the item, rather than describing it: `/displayName`, `/appConfigKey`,
/// `/vendor_msft_firewall_mdmstore_firewallrules_{firewallrulename}_name`.
fn is_name(place: &str) -> bool {
    const NAMES: [&str; 5] = ["name", "key", "id", "identifier", "actiontype"];
    let last = place.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    NAMES.iter().any(|name| last.ends_with(name))
}

/// What a setting says, to compare by. A raw value that is withheld says nothing: the text around the secret does. Nor has
/// a type one, whose words may come to be written otherwise.
fn told<'a>(side: &Side<'a>) -> (bool, Cow<'a, str>) {
    let value = side.value.unwrap_or_default();
    match side.raw {
        Some(raw) => (true, canonical(raw)),
        None if side.path.ends_with("@odata.type") => {
            let letters = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
            (false, letters.collect())
        }
        None => (false, value.into()),
    }
}

/// A raw value, the items of a list of scalars in order of their text: their own says nothing.
fn canonical(raw: &str) -> Cow<'_, str> {
    if raw.starts_with('[')
        && let Ok(Value::Array(items)) = serde_json::from_str(raw)
    {
        let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
        items.sort_unstable();
        return format!("[{}]", items.join(",")).into();
    }
    raw.into()
}

/// A path at its first number: the list, the number of the item, and what stands below it.
fn split(path: &str) -> Option<(&str, usize, &str)> {
    let numbered = |(at, _): (usize, _)| {
        let behind = &path[at + 1..];
        let below = behind.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &behind[..behind.len() - below.len()];
        let number = number.parse().ok().filter(|_| !number.starts_with('0'))?;
        Some((&path[..at], number, below.strip_prefix(']')?))
    };
    path.match_indices('[').find_map(numbered)
}

/// A path without its `[1]`, `[2]`, …
pub(super) fn without_indexes(path: &str) -> Cow<'_, str> {
    let Some((list, _, mut rest)) = split(path) else { return path.into() };
    let mut kept = list.to_owned();
    while let Some((list, _, below)) = split(rest) {
        kept.push_str(list);
        rest = below;
    }
    (kept + rest).into()
}
