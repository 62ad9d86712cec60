//! From a policy's JSON to its rows: every value is there, and neither order nor odd input changes that.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use bytes::Bytes;
use serde_json::{Value, json};
use tenantpilot::{
    fixtures::{Folder, Found},
    flatten::{self, Flattener},
    json::{JsonError, MAX_DEPTH},
    policy::{MAX_KEY_CHARS, NO_SETTINGS, Policy, PolicyDocument, PolicyId, Setting},
    registry::{self, PolicyKind},
};

use crate::support::{
    export::{catalog, device_configuration, text},
    leaves::Leaves,
};

/// Every policy of the project's own fixtures.
fn fixtures() -> Vec<(String, &'static PolicyKind, PolicyDocument)> {
    let folder = Folder::open(Path::new("fixtures")).unwrap();
    let found = folder.files().iter().flat_map(|file| folder.read(file).into_iter().map(move |found| (file, found)));
    found
        .filter_map(|(file, found)| match found {
            Found::Policy(kind, document) => Some((file.display().to_string(), kind, document)),
            _ => None,
        })
        .collect()
}

pub(crate) fn flattened(slug: &str, json: impl Into<Bytes>) -> Result<Policy, JsonError> {
    let document = PolicyDocument { id: PolicyId::new("some-id"), name: None, file: None, json: json.into() };
    flatten::flatten(&registry::by_slug(slug).unwrap().shape, &document, &Flattener::default())
}

pub(crate) fn rows(slug: &str, json: &Value) -> Vec<Setting> {
    flattened(slug, json.to_string()).unwrap().settings
}

/// Names and readable values.
pub(crate) fn pairs(rows: &[Setting]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row.name.as_str(), row.value.as_deref().unwrap_or("∅"))).collect()
}

pub(crate) fn names(rows: &[Setting]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

/// A setting that brings its official name along.
pub(crate) fn named(instance: &Value, name: &str) -> Value {
    let id = instance["settingDefinitionId"].clone();
    json!({"settingInstance": instance, "settingDefinitions": [{"id": id, "displayName": name}]})
}

/// A policy as a page of text: what a reviewer of a new fixture reads.
fn page(kind: &PolicyKind, policy: &Policy) -> String {
    let text = |text: Option<&str>| text.unwrap_or("∅").to_owned();
    let one_line = |text: &str| text.replace('\r', "\\r").replace('\n', "\\n").replace('\t', "\\t");
    let mut page = format!("{} ({})\n", policy.name, kind.slug());
    for (name, value) in [
        ("description", text(policy.description.as_deref())),
        ("platform", text(policy.platform.as_deref())),
        ("technologies", text(policy.technologies.as_deref())),
        ("type", text(policy.graph_type.as_deref())),
        ("template", format!("{} {}", text(policy.template_family.as_deref()), text(policy.template_name.as_deref()))),
        ("scope tags", text(policy.scope_tag_ids.as_deref())),
        ("assigned", format!("{:?}", policy.assigned)),
        ("complete", policy.is_complete().to_string()),
        ("created, modified", format!("{:?} {:?}", policy.created_at, policy.modified_at)),
    ] {
        writeln!(page, "  {name}: {}", one_line(&value)).unwrap();
    }
    for assignment in policy.assignments.iter().flatten() {
        let texts = [&assignment.target_id, &assignment.filter_mode, &assignment.filter_id]
            .map(|id| text(id.as_deref()))
            .join(" ");
        writeln!(page, "  {} {} {texts}", assignment.intent, assignment.target_type).unwrap();
    }
    for row in &policy.settings {
        let configured = match row.configured {
            Some(true) => "",
            Some(false) => " (not configured)",
            None => " (perhaps configured)",
        };
        writeln!(page, "\n{} | {}{configured}", one_line(&row.name), one_line(&text(row.value.as_deref()))).unwrap();
        writeln!(page, "  {} | {}", one_line(&row.path), text(row.raw_value.as_deref())).unwrap();
        if row.definition_id.is_some() || row.category.is_some() {
            writeln!(page, "  {} | {}", text(row.definition_id.as_deref()), text(row.category.as_deref())).unwrap();
        }
    }
    page
}

#[test]
fn each_fixture_has_these_rows() {
    insta::glob!("../../fixtures", "{kinds,contoso}/*/*.json", |path| {
        let root = path.ancestors().find(|folder| folder.ends_with("fixtures")).unwrap();
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        let found = Folder::open(root).unwrap().read(file);
        let [Found::Policy(kind, document)] = found.as_slice() else { panic!("{found:?}") };
        let policy = flatten::flatten(&kind.shape, document, &Flattener::default()).unwrap();
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!("rows", page(kind, &policy));
        });
    });
}

#[test]
fn every_value_of_every_fixture_stands_in_a_row_and_no_secret_does() {
    let mut secrets = 0;
    for (file, kind, document) in fixtures() {
        let policy = flatten::flatten(&kind.shape, &document, &Flattener::default()).unwrap();
        let leaves = Leaves::of(&serde_json::from_slice(&document.json).unwrap());
        secrets += leaves.secrets.len();
        assert_eq!(leaves.faults(&policy.settings), Vec::<String>::new(), "{file}");
    }
    assert!(secrets > 5, "the fixtures hold secrets to look for");
}

#[test]
fn names_and_paths_are_unique_in_every_fixture() {
    for (file, kind, document) in fixtures() {
        let policy = flatten::flatten(&kind.shape, &document, &Flattener::default()).unwrap();
        assert_unique(&policy.settings, &file);
    }
}

pub(crate) fn assert_unique(rows: &[Setting], context: &str) {
    let names: BTreeSet<_> = rows.iter().map(|row| &row.name).collect();
    let paths: BTreeSet<_> = rows.iter().map(|row| &row.path).collect();
    assert_eq!((names.len(), paths.len()), (rows.len(), rows.len()), "{context}: {rows:#?}");
    assert!(rows.is_sorted_by(|a, b| a.path < b.path), "{context}");
    let texts = |row: &Setting| {
        let Setting { name, path, value, definition_id, category, raw_value, .. } = row.clone();
        [Some(name), Some(path), value, definition_id, category, raw_value]
    };
    assert!(rows.iter().flat_map(texts).flatten().all(|text| !text.contains('\0')), "{context}: {rows:#?}");
    assert!(rows.iter().all(|row| !row.name.is_empty() && row.name.chars().count() <= MAX_KEY_CHARS), "{context}");
}

/// JSON with the keys of every object, and the lists whose order says nothing, the other way round.
fn backwards(value: &Value, key: &str) -> String {
    match value {
        Value::Object(object) => {
            let inner: Vec<_> =
                object.iter().rev().map(|(key, value)| format!("{}:{}", json!(key), backwards(value, key))).collect();
            format!("{{{}}}", inner.join(","))
        }
        Value::Array(items) => {
            let mut inner: Vec<_> = items.iter().map(|item| backwards(item, "")).collect();
            // the settings of an app configuration are a list of objects as any other: its order numbers them
            let unordered = ["definitionValues", "presentationValues", "children", "assignments"].contains(&key)
                || items.iter().any(|item| item.get("settingInstance").is_some() || item.get("definitionId").is_some());
            if unordered {
                inner.reverse();
            }
            format!("[{}]", inner.join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[test]
fn neither_the_order_of_settings_nor_that_of_keys_says_anything() {
    for (file, kind, document) in fixtures() {
        let json: Value = serde_json::from_slice(&document.json).unwrap();
        let turned = PolicyDocument { json: backwards(&json, "").into(), ..document.clone() };
        assert_ne!(turned.json, document.json);
        let [before, after] =
            [document, turned].map(|document| flatten::flatten(&kind.shape, &document, &Flattener::default()).unwrap());
        assert_eq!(before, after, "{file}");
    }
}

#[test]
fn a_policy_that_sets_nothing_has_one_row() {
    for (slug, policy) in [
        ("settings-catalog", json!({"id": "1", "name": "Empty", "settings": []})),
        ("administrative-template", json!({"id": "1", "displayName": "Empty", "definitionValues": []})),
        ("intent", json!({"id": "1", "displayName": "Empty", "settings": []})),
        ("device-configuration", json!({"id": "1", "displayName": "Empty", "a": null, "b": "", "c": [], "d": {}})),
    ] {
        let rows = rows(slug, &policy);
        assert_eq!(names(&rows), [NO_SETTINGS], "{slug}");
        assert_eq!((rows[0].raw_value.as_deref(), rows[0].configured), (None, None), "{slug}");
    }
}

#[test]
fn an_unknown_instance_type_is_a_bag_of_properties() {
    let policy = catalog(
        "1",
        "Future",
        [json!({
            "@odata.type": "#microsoft.graph.deviceManagementConfigurationDialSettingInstance",
            "settingDefinitionId": "vendor_dial",
            "dialSettingValue": {"degrees": 90, "stops": ["a", "b"], "@odata.type": "#x", "inner": [{"deep": false}]},
        })],
    );
    let rows = rows("settings-catalog", &policy);
    let raw: BTreeSet<_> = rows.iter().map(|row| row.raw_value.as_deref().unwrap()).collect();
    assert_eq!(raw, BTreeSet::from(["90", r#"["a","b"]"#, "false"]));
    assert!(rows.iter().all(|row| row.path.starts_with("vendor_dial/dialSettingValue/")), "{rows:#?}");
}

#[test]
fn a_kind_without_its_own_settings_is_a_bag_of_properties() {
    let rows = rows("settings-catalog", &json!({"id": "1", "name": "Odd", "settings": [{"odd": 1}], "more": "x"}));
    let raw: Vec<_> = rows.iter().filter_map(|row| row.raw_value.as_deref()).collect();
    assert_eq!(raw, [r#""x""#, "1"]);
}

#[test]
fn nesting_is_read_down_to_the_bound_and_refused_below_it() {
    let nested = |levels: usize| {
        let (open, close) = ("{\"a\":".repeat(levels - 1), "}".repeat(levels - 1));
        flattened("device-configuration", format!(r#"{{"displayName":"Deep","x":{open}1{close}}}"#))
    };
    let deepest = nested(MAX_DEPTH - 1).unwrap().settings;
    assert_eq!(deepest[0].raw_value.as_deref(), Some("1"));
    assert!(matches!(nested(MAX_DEPTH + 1), Err(JsonError::TooDeep)));
    assert!(matches!(nested(1_000_000), Err(JsonError::TooDeep)));
}

#[test]
fn a_policy_that_is_no_object_is_refused() {
    assert!(matches!(flattened("compliance", "[1]"), Err(JsonError::NotAnObject)));
    assert!(matches!(flattened("compliance", "{\"a\":"), Err(JsonError::Broken(_))));
}

#[test]
fn a_list_of_scalars_is_one_row_and_a_list_of_objects_rows_for_each() {
    let policy = device_configuration(
        "1",
        "Lists",
        &json!({"plain": ["a", 2, true, null, ""], "objects": [{"x": 1}, {"x": 2}], "mixed": ["s", {"x": 3}], "lists": [[1, 2], [3]]}),
    );
    let rows = rows("device-configuration", &policy);
    let raw: Vec<_> = rows.iter().map(|row| (row.path.as_str(), row.raw_value.as_deref().unwrap())).collect();
    assert_eq!(
        raw,
        [
            ("lists[1]", "[1,2]"),
            ("lists[2]", "[3]"),
            ("mixed[1]", r#""s""#),
            ("mixed[2]/x", "3"),
            ("objects[1]/x", "1"),
            ("objects[2]/x", "2"),
            ("plain", r#"["a",2,true,null,""]"#),
        ]
    );
    assert_eq!(rows[6].value.as_ref().unwrap().matches("; ").count(), 2);
}

#[test]
fn what_no_type_of_today_has_is_a_bag_of_properties() {
    let setting = json!({"settingInstance": text("vendor_a", "1"), "newFlag": {"inner": "kept1"}});
    let definition =
        json!({"enabled": true, "newProperty": "kept2", "presentationValues": ["kept3", {"items": ["kept4"]}]});
    for (slug, policy, kept) in [
        ("settings-catalog", json!({"name": "C", "settings": setting}), &["kept1"][..]),
        (
            "administrative-template",
            json!({"definitionValues": [definition, "kept5"]}),
            &["kept2", "kept3", "kept4", "kept5"],
        ),
        ("intent", json!({"settings": [{"definitionId": "x_y", "valueJson": {"a": "kept6"}}]}), &["kept6"]),
        ("intent", json!({"settings": [{"definitionId": "x_y", "valueJson": "null", "value": "kept7"}]}), &["kept7"]),
        (
            "device-configuration",
            json!({"omaSettings": ["kept8", {"omaUri": "./x", "values": ["kept9"]}]}),
            &["kept8", "kept9"],
        ),
        ("device-configuration", json!({"omaSettings": "kept10"}), &["kept10"]),
    ] {
        let raw: Vec<_> = rows(slug, &policy).into_iter().filter_map(|row| row.raw_value).collect();
        for kept in kept {
            assert!(raw.iter().any(|raw| raw.contains(kept)), "{kept} in {raw:?}");
        }
    }
}

#[test]
fn annotations_are_never_rows() {
    let policy = device_configuration(
        "1",
        "Annotated",
        &json!({"real@odata.type": "#Int64", "@odata.id": "x", "#microsoft.graph.assign": {"a": 1}, "$meta": 2, "real": 3}),
    );
    let rows = rows("device-configuration", &policy);
    assert_eq!(rows.iter().map(|row| row.path.as_str()).collect::<Vec<_>>(), ["real"]);
}
