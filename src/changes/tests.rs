//! That changes tell what happened.

use std::collections::BTreeMap;

use proptest::{collection::btree_map, prelude::*};

use super::{ChangeKind, Side, compare, elements::without_indexes};

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

/// What a person reads of the changes.
fn told(before: &[(&'static str, &'static str)], now: &[(&'static str, &'static str)]) -> Vec<String> {
    let sides =
        |rows: &[(&'static str, &'static str)]| -> Vec<_> { rows.iter().map(|(path, raw)| side(path, raw)).collect() };
    let value = |value: Option<String>| value.unwrap_or_default();
    let changes = compare(sides(before), sides(now)).into_iter();
    changes.map(|c| format!("{} {} -> {}", c.path, value(c.old), value(c.new))).collect()
}

#[test]
fn what_the_service_counts_is_no_change_of_anybodys() {
    let before =
        [("newUpdates", "0"), ("inventorySyncStatus/lastSuccessfulSyncDateTime", "a"), ("approvalType", "manual")];
    let now =
        [("newUpdates", "3"), ("inventorySyncStatus/lastSuccessfulSyncDateTime", "b"), ("approvalType", "automatic")];
    assert_eq!(told(&before, &now), ["approvalType manual -> automatic"]);
    assert_eq!(told(&before[2..], &before), Vec::<String>::new());
    assert_eq!(told(&[], &before[..1]), ["newUpdates  -> 0"]);
}

#[test]
fn a_change_is_told_of_the_item_that_changed() {
    let before = [
        ("rules[1]/displayName", "ssh"),
        ("rules[1]/allow", "false"),
        ("rules[2]/displayName", "web"),
        ("rules[2]/allow", "true"),
    ];
    let mut now = before;
    now[1].1 = "true";
    assert_eq!(told(&before, &now), ["rules[1]/allow false -> true"]);
    now[3].1 = "false";
    assert_eq!(told(&before, &now), ["rules[1]/allow false -> true", "rules[2]/allow true -> false"]);
    let gone = [("rules[1]/displayName", "web"), ("rules[1]/allow", "true")];
    assert_eq!(told(&before, &gone), ["rules[1]/allow false -> ", "rules[1]/displayName ssh -> "]);
    assert_eq!(told(&gone, &before), ["rules[1]/allow  -> false", "rules[1]/displayName  -> ssh"]);
}

#[test]
fn an_item_with_another_name_is_the_same_item() {
    let before = [("rules[1]/name", "a"), ("rules[1]/port", "22"), ("rules[2]/name", "b"), ("rules[2]/port", "80")];
    let now = [("rules[1]/name", "b"), ("rules[1]/port", "80"), ("rules[2]/name", "c"), ("rules[2]/port", "22")];
    assert_eq!(told(&before, &now), ["rules[2]/name a -> c"]);
}

#[test]
fn items_of_lists_in_lists_are_told_apart() {
    let before = [
        ("kiosks[1]/name", "hall"),
        ("kiosks[1]/apps[1]/id", "x"),
        ("kiosks[1]/apps[2]/id", "y"),
        ("kiosks[2]/name", "shop"),
        ("kiosks[2]/apps[1]/id", "x"),
    ];
    let now = [
        ("kiosks[1]/name", "shop"),
        ("kiosks[1]/apps[1]/id", "x"),
        ("kiosks[1]/apps[2]/id", "z"),
        ("kiosks[2]/name", "hall"),
        ("kiosks[2]/apps[1]/id", "y"),
    ];
    assert_eq!(told(&before, &now), ["kiosks[1]/apps[1]/id x -> ", "kiosks[1]/apps[2]/id  -> z"]);
}

#[test]
fn items_of_the_same_facts_may_differ_in_their_lists() {
    let before = [
        ("kiosks[1]/apps[1]/id", "x"),
        ("kiosks[1]/apps[1]/role", "a"),
        ("kiosks[1]/apps[2]/id", "y"),
        ("kiosks[1]/apps[2]/role", "b"),
    ];
    let mut now = before;
    (now[1].1, now[3].1) = ("b", "a");
    assert_eq!(told(&before, &now), ["kiosks[1]/apps[1]/role a -> b", "kiosks[1]/apps[2]/role b -> a"]);
}

#[test]
fn an_item_that_may_be_two_is_the_same_one_each_time() {
    let before = [("r[2]/k", "A"), ("r[2]/z", "1")];
    let now = [("r[1]/k", "A"), ("r[1]/z", "2"), ("r[3]/k", "A"), ("r[3]/z", "3")];
    let first = told(&before, &now);
    assert!((0..50).all(|_| told(&before, &now) == first));
}

#[test]
fn new_words_for_a_type_are_no_change() {
    let kind = |words: &'static str| Side { path: "a/@odata.type", name: "A", value: Some(words), raw: None };
    assert_eq!(compare([kind("Kiosk local group")], [kind("Kiosk Local group")]), []);
    assert_eq!(compare([kind("Kiosk local group")], [kind("Kiosk local user")]).len(), 1);
}

#[test]
fn a_setting_that_stands_twice_is_one_of_a_list() {
    assert_eq!(told(&[("wifi", "1"), ("wifi[2]", "2")], &[("wifi", "2")]), ["wifi 1 -> "]);
    assert_eq!(told(&[("wifi", "2")], &[("wifi", "1"), ("wifi[2]", "2")]), ["wifi  -> 1"]);
}

#[test]
fn a_key_that_ends_in_a_number_is_told_of() {
    let before = [("p", "a"), ("p[1]", "b")];
    assert_eq!(told(&before, &[("p", "a"), ("p[1]", "c")]), ["p[1] b -> c"]);
    assert_eq!(told(&before, &[("p", "x"), ("p[1]", "b")]), ["p a -> x"]);
}

#[test]
fn a_list_of_one_is_no_scalar() {
    assert_eq!(told(&[("x", "\"a\"")], &[("x", "[\"a\"]")]), ["x \"a\" -> [\"a\"]"]);
}

#[test]
fn numbers_that_are_none_stay_in_the_path() {
    assert_eq!(told(&[("a[x]", "1"), ("b[", "1"), ("[]", "1")], &[]), ["[] 1 -> ", "a[x] 1 -> ", "b[ 1 -> "]);
}

/// The settings of a policy by path, in lists and lists in lists.
fn settings() -> impl Strategy<Value = BTreeMap<String, String>> {
    let number = || 0_u8..5;
    let place = (number(), number(), 0_usize..4).prop_map(|(item, inner, field)| {
        let field = ["name", "port", "apps", "x"][field];
        match (item, inner) {
            (0, _) => field.to_owned(),
            (_, 0) => format!("rules[{item}]/{field}"),
            _ => format!("rules[{item}]/list[{inner}]/{field}"),
        }
    });
    btree_map(place, "[abc]", 0..24)
}

proptest! {
    #[test]
    fn changes_lead_from_what_was_to_what_is(before in settings(), now in settings()) {
        let changes = compare(
            before.iter().map(|(path, raw)| side(path, raw)),
            now.iter().map(|(path, raw)| side(path, raw)),
        );
        let mut count: BTreeMap<(String, String), i32> = BTreeMap::new();
        let mut add = |path: &str, value: &str, by| {
            *count.entry((without_indexes(path).into_owned(), value.to_owned())).or_default() += by;
        };
        for (path, raw) in &before {
            add(path, raw, 1);
        }
        for (path, raw) in &now {
            add(path, raw, -1);
        }
        for change in &changes {
            change.old.iter().for_each(|old| add(&change.path, old, -1));
            change.new.iter().for_each(|new| add(&change.path, new, 1));
        }
        prop_assert!(count.values().all(|count| *count == 0), "{changes:?}");
    }
}
