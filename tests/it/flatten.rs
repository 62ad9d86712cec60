//! From a policy's JSON to its rows: every value is there, names say what an administrator knows, and neither
//! order nor odd input changes that.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};

use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use tenantpilot::{
    fixtures::{Folder, Found},
    flatten::{self, Flattener, SECRET},
    json::{JsonError, MAX_DEPTH},
    policy::{MAX_KEY_CHARS, NO_SETTINGS, Policy, PolicyDocument, PolicyId, Setting},
    registry::{self, PolicyKind},
};

use crate::support::{
    export::{catalog, choice, device_configuration, groups, text},
    leaves::Leaves,
};

/// Every policy of the project's own fixtures.
fn fixtures() -> Vec<(String, &'static PolicyKind, PolicyDocument)> {
    let folder = Folder::open(Path::new("fixtures")).unwrap();
    let found = folder.files().iter().flat_map(|file| folder.read(file).into_iter().map(move |found| (file, found)));
    found
        .filter_map(|(file, found)| match found {
            Found::Policy(kind, document) => Some((file.clone(), kind, document)),
            _ => None,
        })
        .collect()
}

pub(crate) fn flattened(slug: &str, json: impl Into<Bytes>) -> Result<Policy, JsonError> {
    let document = PolicyDocument { id: PolicyId::new("some-id"), name: None, file: None, json: json.into() };
    flatten::flatten(&registry::by_slug(slug).unwrap().shape, &document, &Flattener::default())
}

fn rows(slug: &str, json: &Value) -> Vec<Setting> {
    flattened(slug, json.to_string()).unwrap().settings
}

/// Names and readable values.
fn pairs(rows: &[Setting]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row.name.as_str(), row.value.as_deref().unwrap_or("∅"))).collect()
}

fn names(rows: &[Setting]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

/// A setting that brings its official name along.
fn named(instance: &Value, name: &str) -> Value {
    let id = instance["settingDefinitionId"].clone();
    json!({"settingInstance": instance, "settingDefinitions": [{"id": id, "displayName": name}]})
}

fn of_named(settings: &[Value]) -> Value {
    json!({"id": "1", "name": "Policy", "settings": settings})
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
        ("complete", policy.complete.to_string()),
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
    // a reusable setting is a bag of properties, whose lists are numbered as they come
    for (file, kind, document) in fixtures().into_iter().filter(|(_, kind, _)| kind.slug() != "reusable-settings") {
        let json: Value = serde_json::from_slice(&document.json).unwrap();
        let turned = PolicyDocument { json: backwards(&json, "").into(), ..document.clone() };
        assert_ne!(turned.json, document.json);
        let [before, after] =
            [document, turned].map(|document| flatten::flatten(&kind.shape, &document, &Flattener::default()).unwrap());
        assert_eq!(before, after, "{file}");
    }
}

#[test]
fn names_that_clash_are_told_apart_by_scope() {
    let policy =
        of_named(&[named(&text("user_vendor_x", "1"), "Allow X"), named(&text("device_vendor_x", "2"), "Allow X")]);
    assert_eq!(pairs(&rows("settings-catalog", &policy)), [("Allow X (Device)", "2"), ("Allow X (User)", "1")]);
}

#[test]
fn a_scope_is_added_to_names_that_clash_alone() {
    let policy =
        of_named(&[named(&text("user_vendor_x", "1"), "Allow X"), named(&text("device_vendor_y", "2"), "Allow Y")]);
    assert_eq!(names(&rows("settings-catalog", &policy)), ["Allow Y", "Allow X"]);
}

#[test]
fn names_that_clash_still_are_told_apart_by_definition() {
    let policy = of_named(&[named(&text("vendor_b", "1"), "Allow X"), named(&text("vendor_a", "2"), "Allow X")]);
    assert_eq!(pairs(&rows("settings-catalog", &policy)), [("Allow X [vendor_a]", "2"), ("Allow X [vendor_b]", "1")]);
}

#[test]
fn names_that_clash_at_last_are_numbered_in_order_of_path() {
    let twice = |first, second| {
        of_named(&[named(&text("vendor_a", first), "Allow X"), named(&text("vendor_a", second), "Allow X")])
    };
    let expected = rows("settings-catalog", &twice("1", "2"));
    assert_eq!(pairs(&expected), [("Allow X [vendor_a]", "1"), ("Allow X [vendor_a] [2]", "2")]);
    assert_eq!(rows("settings-catalog", &twice("2", "1")), expected);
}

#[test]
fn elements_of_a_collection_of_groups_are_numbered_below_their_parent() {
    let port = |port| vec![text("vendor_rule_port", port)];
    let policy = json!({"id": "1", "name": "Rules", "settings": [{
        "settingInstance": groups("vendor_rule", [port("80"), port("443")]),
        "settingDefinitions": [
            {"id": "vendor_rule", "displayName": "Rule "}, {"id": "VENDOR_rule_port", "displayName": "\r\nPort\r\n"},
        ],
    }]});
    assert_eq!(pairs(&rows("settings-catalog", &policy)), [("Rule [1] > Port", "80"), ("Rule [2] > Port", "443")]);
}

#[test]
fn a_name_over_512_characters_is_cut_and_stays_unique() {
    let long = "ä".repeat(5_000);
    let policy = of_named(&[named(&text("vendor_a", "1"), &long), named(&text("vendor_b", "2"), &format!("{long}!"))]);
    let rows = rows("settings-catalog", &policy);
    assert_unique(&rows, "long names");
    assert!(rows.iter().all(|row| row.name.chars().count() == MAX_KEY_CHARS && row.name.starts_with("äää")));
    let turned = of_named(&[named(&text("vendor_b", "2"), &format!("{long}!")), named(&text("vendor_a", "1"), &long)]);
    assert_eq!(self::rows("settings-catalog", &turned), rows);
}

#[test]
fn an_id_of_5000_characters_is_cut_where_it_is_a_key() {
    let rows = rows("settings-catalog", &catalog("1", "Policy", [text(&"vendor_long".repeat(500), "1")]));
    assert!(rows[0].definition_id.as_ref().unwrap().chars().count() <= MAX_KEY_CHARS);
    assert_unique(&rows, "long id");
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
fn numbers_that_no_machine_holds_are_kept_exactly() {
    let policy = r#"{"id":"1","displayName":"Numbers",
        "version":7,
        "beyondU64":18446744073709551617,"belowI64":-9223372036854775809,"tenTo400":1e400,"money":1.10,"list":[1e400,2]}"#;
    let rows = flattened("device-configuration", policy).unwrap().settings;
    let raw = |path: &str| rows.iter().find(|row| row.path == path).unwrap().raw_value.clone().unwrap();
    assert_eq!(raw("beyondU64"), "18446744073709551617");
    assert_eq!(raw("belowI64"), "-9223372036854775809");
    assert_eq!(raw("money"), "1.10");
    assert_eq!(raw("tenTo400").replace('+', ""), "1e400");
    assert_eq!(raw("list").replace('+', ""), "[1e400,2]");
    assert_eq!(rows.iter().find(|row| row.path == "beyondU64").unwrap().value.as_deref(), Some("18446744073709551617"));
}

#[test]
fn a_nul_is_shown_and_kept_as_its_escape() {
    let policy = r#"{"id":"1","name":"N\u0000L","description":"\u0000","settings":[
        {"settingInstance":{"settingDefinitionId":"vendor_a\u0000b","simpleSettingValue":{"value":"x\u0000y"}}}]}"#;
    let policy = flattened("settings-catalog", policy).unwrap();
    let row = &policy.settings[0];
    assert_eq!((policy.name.as_str(), row.value.as_deref()), ("N␀L", Some("x␀y")));
    assert_eq!(row.raw_value.as_deref(), Some(r#""x\u0000y""#));
    assert!(!format!("{policy:?}").contains("\\0"), "{policy:?}");
}

#[test]
fn a_lone_surrogate_costs_nothing() {
    let policy = r#"{"id":"1","name":"A\ud800","description":"\udfff","settings":[
        {"settingInstance":{"settingDefinitionId":"vendor_a","simpleSettingValue":{"value":"x\ud83d y"}}},
        {"settingInstance":{"settingDefinitionId":"vendor_b","simpleSettingValue":{"value":"\ud83d\ude00"}}}]}"#;
    let policy = flattened("settings-catalog", policy).unwrap();
    assert_eq!((policy.name.as_str(), policy.description.as_deref()), ("A\u{fffd}", Some("\u{fffd}")));
    assert_eq!(policy.settings[0].raw_value.as_deref(), Some(r#""x\ud83d y""#));
    assert_eq!(policy.settings[0].value.as_deref(), Some("x\u{fffd} y"));
    assert_eq!(policy.settings[1].value.as_deref(), Some("😀"));
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
fn what_says_that_it_is_not_configured_is_a_row_that_says_so() {
    let policy = device_configuration(
        "1",
        "Legacy",
        &json!({"camera": "notConfigured", "a": "userDefined", "b": "deviceDefault", "flag": false, "zero": 0,
                "on": true, "word": "block", "none": "none", "never": "0001-01-01T00:00:00Z"}),
    );
    let rows = rows("device-configuration", &policy);
    let configured = |path: &str| rows.iter().find(|row| row.path == path).unwrap().configured;
    for path in ["camera", "a", "b"] {
        assert_eq!(configured(path), Some(false), "{path}");
    }
    assert_eq!((configured("flag"), configured("zero")), (None, None));
    assert_eq!((configured("on"), configured("word")), (Some(true), Some(true)));
    assert_eq!((configured("none"), configured("never")), (None, None));
    let access = json!({"displayName": "Access", "isEnabled": false, "zero": 0, "mode": "none", "a": "notConfigured"});
    let rows = self::rows("conditional-access", &access);
    let configured: Vec<_> = rows.iter().map(|row| (row.path.as_str(), row.configured)).collect();
    assert_eq!(
        configured,
        [("a", Some(false)), ("isEnabled", Some(true)), ("mode", Some(true)), ("zero", Some(true))],
        "these types hold what somebody chose"
    );
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

/// Whether no row tells the secret, and one says that there is one.
fn assert_withheld(rows: &[Setting], secret: &str) {
    assert!(!format!("{rows:?}").contains(secret), "{rows:#?}");
    assert!(rows.iter().any(|row| row.value.as_ref().is_some_and(|value| value.contains(SECRET))), "{rows:#?}");
    assert!(rows.iter().all(|row| row.value.as_deref() != Some(SECRET) || row.raw_value.is_none()), "{rows:#?}");
}

#[test]
fn secrets_of_the_catalog_are_withheld() {
    let secret = json!({"@odata.type": "#microsoft.graph.deviceManagementConfigurationSecretSettingValue",
        "value": "hunter2-token", "valueState": "notEncrypted"});
    let bare = json!({"value": "hunter2-token", "valueState": "encryptedValueToken"});
    for instance in [
        json!({"settingDefinitionId": "vendor_a", "simpleSettingValue": secret}),
        json!({"settingDefinitionId": "vendor_a", "simpleSettingValue": bare}),
        json!({"settingDefinitionId": "vendor_a", "simpleSettingCollectionValue": [{"value": "x"}, secret]}),
        json!({"settingDefinitionId": "vendor_a", "newSettingValue": {"inner": secret}}),
        json!({"settingDefinitionId": "vendor_a", "newSettingValue": [[bare]]}),
    ] {
        assert_withheld(&rows("settings-catalog", &catalog("1", "Secret", [instance])), "hunter2");
    }
}

#[test]
fn secrets_of_legacy_types_are_withheld_whatever_holds_them() {
    for properties in [
        json!({"preSharedKey": "hunter2"}),
        json!({"PreSharedKey": "hunter2"}),
        json!({"proxy": {"password": "hunter2"}}),
        json!({"list": [{"sharedSecret": {"odd": "hunter2"}}]}),
        json!({"secret": ["hunter2"]}),
        json!({"wiFiPassword": "hunter2"}),
        json!({"lists": [[{"clientSecret": "hunter2"}]]}),
        json!({"settings": [{"appConfigKey": "com.contoso.apiToken", "appConfigKeyValue": "hunter2"}]}),
        json!({"customSettings": [{"name": "VPN_Password", "value": "hunter2"}]}),
        json!({"profiles": ["<wlan><keyMaterial>hunter2</keyMaterial></wlan>"]}),
        json!({"omaSettings": [{"omaUri": "./Device/Vendor/MSFT/Accounts/Users/a/Password", "value": "hunter2"}]}),
        json!({"omaSettings": {"omaUri": "./x", "isEncrypted": "True", "value": ["hunter2"]}}),
        json!({"omaSettings": [{"omaUri": "./x", "displayName": "X", "isEncrypted": true, "value": "hunter2", "secretReferenceValueId": "hunter2"}]}),
        json!({"omaSettings": [{"omaUri": "./x", "displayName": "X", "value": "****", "secretReferenceValueId": "hunter2"}]}),
        json!({"omaSettings": [{"omaUri": "./Device/Vendor/MSFT/Accounts/Users/A/Password", "value": "hunter2"}]}),
        json!({"customSettings": [{"name": "com.contoso.apiToken", "value": "hunter2"}]}),
        json!({"settings": [{"appConfigKeyValue": "hunter2", "appConfigKey": "ClientSecret"}]}),
        json!({"list": ["<a password='hunter2'/>", "x"]}),
        json!({"list": [["x"], "{\"password\": \"hunter2\"}"]}),
        json!({"commandLine": "setup.exe --password hunter2"}),
    ] {
        assert_withheld(&rows("device-configuration", &device_configuration("1", "Secret", &properties)), "hunter2");
    }
}

#[test]
fn policies_about_secrets_are_settings_like_others() {
    let policy = device_configuration(
        "1",
        "Policies",
        &json!({"passwordMinimumLength": 8, "passwordRequiredType": "alphanumeric", "requirePassword": "yes",
                "secret": true, "userRightsCreateToken": {"state": "allowed"},
                "omaSettings": [{"omaUri": "./x/AllowPassword", "value": "<enabled/>"}]}),
    );
    let rows = rows("device-configuration", &policy);
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row.raw_value.is_some()), "{rows:#?}");
}

#[test]
fn items_of_a_list_are_called_by_their_own_names() {
    let rule = |name: &str| json!({"displayName": name, "action": "blocked"});
    let policy = device_configuration(
        "1",
        "Rules",
        &json!({"firewallRules": [rule("Block SMB"), rule("Block SMB"), rule("Block SMB [2]"), {"action": "allowed"}],
                "apps": [{"mobileAppIdentifier": {"packageId": "com.contoso.app"}}]}),
    );
    let rows = rows("device-configuration", &policy);
    let names: BTreeSet<_> = rows.iter().map(|row| row.name.as_str()).collect();
    for name in [
        "Firewall Rules > Block SMB > Action",
        "Firewall Rules > Block SMB [2] > Action",
        "Firewall Rules > Block SMB [2] [2] > Action",
        "Firewall Rules [4] > Action",
        "Apps > com.contoso.app > Mobile App Identifier > Package ID",
    ] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
}

#[test]
fn durations_times_and_flags_of_a_property_are_readable_and_typed_texts_stay() {
    let policy = device_configuration(
        "1",
        "Values",
        &json!({"periodOffline": "PT12H", "activeHoursStart": "08:00:00.0000000", "pausedUntil": "0001-01-01T00:00:00Z",
                "profileTypes": "domain,private", "modes": ["auditMode", "contosoStyle"], "allowedDomains": ["auditMode"],
                "ssid": "auditMode", "supportUrl": "auditMode", "lockScreenMessage": "auditMode", "group": "acmecorp"}),
    );
    let rows = rows("device-configuration", &policy);
    let values: BTreeMap<_, _> = rows.iter().map(|row| (row.path.as_str(), row.value.as_deref().unwrap())).collect();
    for (path, value) in [
        ("periodOffline", "12 hours"),
        ("activeHoursStart", "08:00"),
        ("pausedUntil", "Never"),
        ("profileTypes", "Domain, Private"),
        ("modes", "Audit mode; Contoso style"),
        ("allowedDomains", "auditMode"),
        ("ssid", "auditMode"),
        ("supportUrl", "auditMode"),
        ("lockScreenMessage", "auditMode"),
        ("group", "acmecorp"),
    ] {
        assert_eq!(values[path], value, "{path}");
    }
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
fn a_value_of_256_kilobytes_is_kept_whole() {
    let long = "<a/>".repeat(64 * 1024);
    let oma = json!({"omaSettings": [{"omaUri": "./x", "displayName": "ADMX", "value": long}]});
    let row = &rows("device-configuration", &device_configuration("1", "Long", &oma))[0];
    assert_eq!((row.value.as_deref(), row.raw_value.as_deref()), (Some(&*long), Some(&*format!("\"{long}\""))));
}

#[test]
fn base64_that_holds_text_is_readable_and_other_base64_stays() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let script = "Write-Output \"Grüße\"\r\n";
    let rows = rows(
        "windows-script",
        &json!({"id": "1", "displayName": "Script", "scriptContent": STANDARD.encode(script), "icon": {"value": "AAEC"}}),
    );
    let value = |path: &str| rows.iter().find(|row| row.path == path).unwrap().value.clone().unwrap();
    assert_eq!(value("scriptContent"), script);
    assert_eq!(value("icon/value"), "AAEC");
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

#[test]
fn the_option_of_a_choice_has_its_official_name_and_a_bare_number_stays() {
    let mut official = named(&choice("Vendor_Camera", "1"), "Camera");
    official["settingDefinitions"][0]["options"] = json!([{"itemId": "vendor_camera_1", "displayName": " Allowed "}]);
    let policy =
        json!({"id": "1", "name": "Choices", "settings": [official, {"settingInstance": choice("vendor_other", "0")}]});
    let rows = rows("settings-catalog", &policy);
    assert_eq!(pairs(&rows)[0], ("Camera", "Allowed"));
    assert_eq!(rows[0].raw_value.as_deref(), Some(r#""Vendor_Camera_1""#));
    assert_eq!(rows[1].value.as_deref(), Some("0"));
}

#[test]
fn a_lone_surrogate_in_json_inside_json_costs_nothing() {
    let policy = json!({"id": "1", "displayName": "Intent", "settings": [
        {"definitionId": "deviceConfiguration--windows10_title", "valueJson": r#""x\ud800""#},
    ]});
    let row = &rows("intent", &policy)[0];
    assert_eq!(row.value.as_deref(), Some("x\u{fffd}"));
    assert_eq!(row.raw_value.as_deref(), Some(r#""x\ud800""#));
}

#[test]
fn random_policies_keep_every_value_under_unique_names_in_any_order() {
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..300 {
        let mut settings: Vec<Value> = (0..random.random_range(1..12)).map(|_| instance(&mut random, 0)).collect();
        let policy = catalog("1", "Random", settings.clone());
        let before = rows("settings-catalog", &policy);
        assert_unique(&before, &format!("round {round}: {policy}"));
        assert_eq!(Leaves::of(&policy).faults(&before), Vec::<String>::new(), "{policy}");
        settings.shuffle(&mut random);
        assert_eq!(before, rows("settings-catalog", &catalog("1", "Random", settings)), "{policy}");
    }
}

/// A tree of instances whose few ids clash as often as they can.
fn instance(random: &mut StdRng, depth: usize) -> Value {
    let ids = ["device_vendor_a", "user_vendor_a", "vendor_a", "vendor_b", "vendor_b[2]", "device_vendor_a/vendor_b"];
    let id = ids[random.random_range(0..ids.len())];
    let value = |random: &mut StdRng| json!(["x", "y", "notConfigured", "true"][random.random_range(0..4)]);
    let children = |random: &mut StdRng| -> Vec<Value> {
        let most = if depth < 3 { 3 } else { 1 };
        (0..random.random_range(0..most)).map(|_| instance(random, depth + 1)).collect()
    };
    match random.random_range(0..6) {
        0 => json!({"settingDefinitionId": id, "simpleSettingValue": {"value": value(random)}}),
        1 => {
            json!({"settingDefinitionId": id, "simpleSettingCollectionValue": [{"value": value(random)}, {"value": 4}]})
        }
        2 => groups(id, [children(random), children(random)]),
        3 => json!({"settingDefinitionId": id, "groupSettingValue": {"children": children(random)}}),
        4 => json!({"settingDefinitionId": id, "choiceSettingCollectionValue": [
            {"value": format!("{id}_1"), "children": children(random)},
            {"value": value(random), "children": children(random)},
        ]}),
        _ => {
            json!({"settingDefinitionId": id, "choiceSettingValue": {"value": format!("{id}_0"), "children": children(random)}})
        }
    }
}

/// Texts that hold a password, as payloads do.
const PAYLOADS: [&str; 8] = [
    "<?xml version=\"1.0\"?><plist><dict><key>Password</key><string>hunter2</string></dict></plist>",
    "<plist><dict><key>SharedSecret</key>\n  <data>hunter2</data></dict></plist>",
    "<WLANProfile><MSM><sharedKey><keyMaterial>hunter2</keyMaterial></sharedKey></MSM></WLANProfile>",
    "<root><password><![CDATA[hunter2]]></password></root>",
    "<user name=\"a\" password=\"hunter2\"/>",
    r#"{"outer": {"clientSecret": "hunter2"}}"#,
    r#"{"managedProperty": [{"key": "password", "valueString": "hunter2"}]}"#,
    r#"{"inner": "{\"password\": \"hunter2\"}"}"#,
];

#[test]
fn secrets_inside_payloads_are_withheld_wherever_a_payload_stands() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    for payload in PAYLOADS {
        let encoded = STANDARD.encode(payload);
        let oma = |kind: &str, value: &str| {
            let value = json!({"@odata.type": format!("#microsoft.graph.omaSetting{kind}"), "omaUri": "./x", "displayName": "X", "value": value});
            device_configuration("1", "OMA", &json!({"omaSettings": [value]}))
        };
        for (slug, policy) in [
            ("device-configuration", device_configuration("1", "Profile", &json!({"payload": encoded}))),
            ("device-configuration", device_configuration("1", "Text", &json!({"customText": payload}))),
            ("device-configuration", oma("StringXml", &encoded)),
            ("device-configuration", oma("String", payload)),
            ("app-configuration", json!({"id": "1", "displayName": "App", "payloadJson": encoded})),
            ("settings-catalog", catalog("1", "Wi-Fi", [text("device_vendor_msft_wifi_profile_wlanxml", payload)])),
            (
                "intent",
                json!({"id": "1", "displayName": "Intent", "settings": [
                {"definitionId": "deviceConfiguration--x_eap", "valueJson": json!(payload).to_string()}]}),
            ),
            (
                "administrative-template",
                json!({"id": "1", "displayName": "Template", "definitionValues": [
                {"enabled": true, "presentationValues": [{"value": payload}]}]}),
            ),
        ] {
            let rows = rows(slug, &policy);
            assert!(!format!("{rows:?}").contains("hunter2"), "{slug}: {payload}: {rows:#?}");
            assert!(!format!("{rows:?}").contains(&encoded), "{slug}: {payload}: {rows:#?}");
        }
    }
}

#[test]
fn base64_of_json_in_the_catalog_is_readable() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let rules = r#"{"Rules": [{"SettingName": "Kernel"}]}"#;
    let rows = rows(
        "settings-catalog",
        &catalog("1", "Rules", [text("linux_customcompliance_rules", &STANDARD.encode(rules))]),
    );
    assert_eq!(rows[0].value.as_deref(), Some(rules));
    assert!(rows[0].raw_value.is_some());
}

#[test]
fn what_an_administrator_typed_is_shown_as_typed() {
    let typed = "ctsAdmin_account";
    for (slug, policy) in [
        ("settings-catalog", catalog("1", "LAPS", [text("device_vendor_msft_laps_policies_name", typed)])),
        (
            "settings-catalog",
            catalog(
                "1",
                "List",
                [json!({"settingDefinitionId": "vendor_list", "simpleSettingCollectionValue": [{"value": typed}]})],
            ),
        ),
        (
            "administrative-template",
            json!({"id": "1", "displayName": "Template", "definitionValues": [
            {"presentationValues": [{"values": [{"name": typed, "value": typed}]}]}]}),
        ),
        (
            "administrative-template",
            json!({"id": "1", "displayName": "Template", "definitionValues": [
            {"presentationValues": [{"value": typed}, {"values": [typed]}]}]}),
        ),
        (
            "device-configuration",
            device_configuration("1", "Wi-Fi", &json!({"ssid": typed, "list": [{"name": typed}]})),
        ),
        (
            "app-configuration",
            json!({"id": "1", "displayName": "App", "settings": [
            {"appConfigKey": typed, "appConfigKeyValue": typed}]}),
        ),
    ] {
        for row in rows(slug, &policy) {
            assert_eq!(row.value.as_deref(), Some(typed), "{policy}");
        }
    }
}
