//! What holds for every policy, whatever stands in it: tried on generated ones of every shape.

use proptest::{collection::vec, prelude::*, sample::select};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Map, Value, json};
use tenantpilot::{flatten::SECRET, policy::Setting};

use crate::{
    flatten::{assert_unique, flattened},
    support::leaves::Leaves,
};

/// What stands in every secret of these policies and nowhere else.
const MARKED: &str = "hunter2";

/// Texts as policies hold them, and as only enemies write them.
fn text() -> BoxedStrategy<String> {
    let known = select(vec![
        "",
        " ",
        "true",
        "notConfigured",
        "userDefined",
        "successAndFailure",
        "contosoGuest",
        "none",
        "PT12H",
        "P90D",
        "PT0S",
        "P",
        "08:00:00.0000000",
        "0001-01-01T00:00:00Z",
        "2025-09-30T13:38:39.7201956Z",
        "a,b",
        "****",
        "00000000-0000-0000-0000-000000000000",
        "<a><b>1</b></a>",
        "<",
        "{\"a\": [1, \"b\"]}",
        "[",
        "{}",
        "\"",
        "PGE+MTwvYT4=",
        "eyJhIjogMX0=",
        "AAEC",
        "//5hAA==",
        "\u{0}",
        "\u{feff}x",
        "\u{202e}x",
        "x\u{300}",
        "\u{10ffff}",
        "vendor_a_1",
        "device_vendor_a",
        "[2]",
        " > ",
        "x [2]",
        "C:\\Windows\\*",
        "https://contoso.com/?a=b&c",
    ]);
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        2 => "[a-z]{1,12}([A-Z][a-z]{1,8}){0,3}",
        1 => "\\PC{0,40}",
        1 => any::<String>(),
        1 => "[a-zA-Z0-9+/]{0,64}={0,2}",
        1 => (select(vec!["x", "ä", "🔒", "a b "]), 1..700_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
    .boxed()
}

fn scalar() -> BoxedStrategy<Value> {
    let numbers = ["0", "1", "-0", "0.0", "1.10", "1e400", "-1E-400", "18446744073709551617", "2147483647", "0e5"];
    prop_oneof![
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        2 => select(numbers.to_vec()).prop_map(|number| serde_json::from_str(number).unwrap()),
        6 => text().prop_map(Value::from),
    ]
    .boxed()
}

/// Keys of Graph's, and odd ones; none names a secret.
fn key() -> BoxedStrategy<String> {
    let known = select(vec![
        "id",
        "name",
        "displayName",
        "description",
        "version",
        "value",
        "values",
        "children",
        "settings",
        "key",
        "settingsDelta",
        "settingInstance",
        "settingDefinitionId",
        "choiceSettingValue",
        "simpleSettingValue",
        "simpleSettingCollectionValue",
        "groupSettingCollectionValue",
        "settingValueTemplateReference",
        "definitionId",
        "valueJson",
        "presentationValues",
        "presentation",
        "omaSettings",
        "omaUri",
        "isEncrypted",
        "fileName",
        "scriptContent",
        "payload",
        "payloadJson",
        "mobileAppIdentifier",
        "bundleId",
        "platforms",
        "platform",
        "assignments",
        "target",
        "groupId",
        "roleScopeTagIds",
        "settingCount",
        "createdDateTime",
        "templateReference",
        "passwordMinimumLength",
        "ssid",
        "@odata.type",
        "x@odata.type",
        "#microsoft.graph.assign",
        "$x",
        "",
        " ",
        "/",
        "a/b",
        "a",
        "b",
        "a[2]",
        "[1]",
        "A",
        "ключ",
        "\u{0}",
        "~policy~",
        "_",
        "\u{feff}",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "[a-z]{1,6}([A-Z][a-z]{1,5}){0,3}", 1 => text()]
        .prop_filter("names a secret", |key| !names_a_secret(key))
        .boxed()
}

/// More than what the program takes for one: these names are tried apart.
fn names_a_secret(key: &str) -> bool {
    let letters: String = key.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let known = ["pass", "secret", "token", "license", "pin", "psk", "code", "blob", "wepkey", "wpakey"];
    known.iter().any(|part| letters.contains(part)) && !letters.contains("minimum")
        || letters.ends_with("key") && letters != "key"
}

fn json() -> BoxedStrategy<Value> {
    scalar()
        .prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(Value::from),
                vec((key(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
        .boxed()
}

fn object() -> BoxedStrategy<Map<String, Value>> {
    vec((key(), json()), 0..8).prop_map(|pairs| pairs.into_iter().collect()).boxed()
}

/// Ids that clash as often as they can.
fn definition() -> BoxedStrategy<String> {
    prop_oneof![
        8 => select(vec![
            "device_vendor_a", "user_vendor_a", "vendor_a", "vendor_b", "vendor_b[2]", "device_vendor_a/vendor_b", "",
            "Vendor_A", "settings", "vendor_{x}_c", "vendor_a~policy~b", "com.apple.a_$type",
        ]).prop_map(str::to_owned),
        1 => text(),
    ]
    .prop_filter("names a secret", |id| !names_a_secret(id))
    .boxed()
}

fn node(
    value: impl Strategy<Value = Value>,
    children: impl Strategy<Value = Vec<Value>>,
) -> impl Strategy<Value = Value> {
    (value, children, proptest::option::weighted(0.1, (key(), json()))).prop_map(|(value, children, more)| {
        let mut node = json!({"value": value, "children": children, "settingValueTemplateReference": null});
        if let Some((key, value)) = more.filter(|(key, _)| !["value", "children", "valueState"].contains(&key.as_str()))
        {
            node[key] = value;
        }
        node
    })
}

/// A tree of setting instances of all types, among them some that do not exist, or lie about their type.
fn instance() -> BoxedStrategy<Value> {
    let leaf = (definition(), scalar())
        .prop_map(|(id, value)| json!({"settingDefinitionId": id, "simpleSettingValue": {"value": value}}));
    leaf.prop_recursive(4, 32, 4, |inner| {
        let children = || vec(inner.clone(), 0..3);
        let choice = || (definition(), text()).prop_map(|(id, suffix)| Value::from(format!("{id}_{suffix}")));
        let value = prop_oneof![
            node(choice(), children()).prop_map(|node| ("choiceSettingValue", node)),
            node(json(), children()).prop_map(|node| ("simpleSettingValue", node)),
            children().prop_map(|children| ("groupSettingValue", json!({"children": children}))),
            vec(node(choice(), children()), 0..3).prop_map(|nodes| ("choiceSettingCollectionValue", nodes.into())),
            vec(node(scalar(), Just(Vec::new())), 0..3)
                .prop_map(|nodes| ("simpleSettingCollectionValue", nodes.into())),
            vec(children().prop_map(|children| json!({"children": children})), 0..3)
                .prop_map(|groups| ("groupSettingCollectionValue", groups.into())),
            json().prop_map(|value| ("dialSettingValue", value)),
            Just(("settingGroupValue", Value::Null)),
        ];
        let kind = select(vec!["ChoiceSettingInstance", "GroupSettingCollectionInstance", "DialSettingInstance"]);
        (definition(), value, kind).prop_map(|(id, (property, value), kind)| {
            let kind = format!("#microsoft.graph.deviceManagementConfiguration{kind}");
            json!({"@odata.type": kind, "settingDefinitionId": id, property: value, "auditRuleInformation": null})
        })
    })
    .boxed()
}

/// Policies of every shape, with the kind that reads them, and whether the order of their settings says nothing.
fn policy() -> impl Strategy<Value = (&'static str, Value, bool)> {
    let bags = select(vec!["device-configuration", "compliance", "conditional-access", "app-protection", "policy-set"]);
    let catalog = vec(instance(), 1..6).prop_map(|instances| {
        let settings: Vec<_> = instances.into_iter().map(|instance| json!({"settingInstance": instance})).collect();
        json!({"name": "Catalog", "settings": settings})
    });
    let setting = prop_oneof![
        (definition(), json()).prop_map(|(id, value)| json!({"definitionId": id, "valueJson": value.to_string()})),
        (definition(), json()).prop_map(|(id, value)| json!({"definitionId": id, "value": value})),
        (definition(), text()).prop_map(|(id, value)| json!({"definitionId": id, "valueJson": value})),
    ];
    let intent = (vec(setting, 1..6), any::<bool>()).prop_map(|(settings, delta)| {
        json!({"displayName": "Intent", (if delta { "settingsDelta" } else { "settings" }): settings})
    });
    let presentation = prop_oneof![
        (text(), json()).prop_map(|(label, value)| json!({"presentation": {"label": label}, "value": value})),
        vec(json(), 0..4).prop_map(|values| json!({"values": values})),
        vec((text(), scalar()), 0..4).prop_map(|pairs| {
            let pairs: Vec<_> = pairs.into_iter().filter(|(name, _)| !names_a_secret(name)).collect();
            json!({"values": pairs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>()})
        }),
    ];
    let element = (scalar(), vec(presentation, 0..3), text(), select(vec!["user", "machine"]))
        .prop_map(|(enabled, shown, name, class)| {
            json!({"enabled": enabled, "presentationValues": shown,
                "definition": {"id": format!("{class} {name}"), "displayName": name, "classType": class}})
        })
        .boxed();
    let template = prop_oneof![
        vec(element.clone(), 0..5).prop_map(|values| json!({"displayName": "Template", "definitionValues": values})),
        element.prop_map(|value| json!({"displayName": "Template", "definitionValues": value})),
    ];
    let shapes = select(vec!["settings-catalog", "intent", "administrative-template"]);
    prop_oneof![
        3 => (bags, object()).prop_map(|(slug, body)| (slug, Value::Object(body), false)),
        1 => (shapes, object()).prop_map(|(slug, body)| (slug, Value::Object(body), false)),
        4 => catalog.prop_map(|policy| ("settings-catalog", policy, true)),
        2 => intent.prop_map(|policy| ("intent", policy, true)),
        2 => template.prop_map(|policy| ("administrative-template", policy, true)),
    ]
}

fn rows(slug: &str, json: &str) -> Vec<Setting> {
    flattened(slug, json.to_owned()).unwrap().settings
}

/// Where a tree of instances goes on: below anything else, lists are numbered as they come.
const SHAPED: [&str; 9] = [
    "settings",
    "settingsDelta",
    "definitionValues",
    "settingInstance",
    "choiceSettingValue",
    "simpleSettingValue",
    "groupSettingValue",
    "choiceSettingCollectionValue",
    "groupSettingCollectionValue",
];

/// The keys of every object in another order, and the lists whose order says nothing, too.
fn reordered(value: &Value, shaped: bool, top: bool, order: &mut StdRng) -> String {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.shuffle(order);
            let members = members.into_iter().map(|(key, value)| {
                let list = if top { SHAPED[..3].contains(&key.as_str()) } else { key == "children" };
                let below = shaped && (list || SHAPED[3..].contains(&key.as_str()));
                let value = match value {
                    Value::Array(items) if below && list => {
                        let mut items = items.clone();
                        items.shuffle(order);
                        reordered(&items.into(), below, false, order)
                    }
                    value => reordered(value, below, false, order),
                };
                format!("{}:{value}", json!(key))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| reordered(item, shaped, false, order));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// A policy with secrets under all their names, in all their wrappings.
fn secretive() -> impl Strategy<Value = (&'static str, Value)> {
    let secret =
        || (text(), select(vec!["", "/", " "])).prop_map(|(text, end)| Value::from(format!("{text}{MARKED}{end}")));
    let wrapped = secret().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), scalar()).prop_map(|(secret, other)| json!([other, secret])),
            (inner, "[a-z]{1,5}").prop_map(|(secret, key)| json!({key: secret})),
        ]
    });
    let name = select(vec![
        "preSharedKey",
        "PreSharedKey",
        "PRESHAREDKEY",
        "password",
        "Passphrase",
        "privateKey",
        "sharedSecret",
        "clientSecret",
        "secret",
        "proxyManualPassword",
        "keyStorePassword",
        "wiFiPassword",
        "userPassword",
        "advancedThreatProtectionOnboardingBlob",
        "secretReferenceValueId",
        "productKey",
        "license",
        "api_key",
    ]);
    let value = (secret(), select(vec!["notEncrypted", "encryptedValueToken"]), any::<bool>()).prop_map(
        |(secret, state, typed)| if typed { json!({"@odata.type": "#microsoft.graph.deviceManagementConfigurationSecretSettingValue", "value": secret}) } else { json!({"value": secret, "valueState": state}) },
    ).boxed();
    let hidden = prop_oneof![
        4 => (name.clone(), wrapped.clone()).prop_map(|(name, secret)| json!({name: secret})),
        2 => value.clone(),
        1 => (name.clone(), secret()).prop_map(|(name, secret)| json!({"appConfigKey": format!("com.contoso.{name}"), "appConfigKeyValue": secret})),
        1 => secret().prop_map(|secret| json!({"omaSettings": [{"omaUri": "./x", "isEncrypted": true, "value": secret}]})),
        1 => secret().prop_map(|secret| json!({"omaSettings": {"omaUri": "./Vendor/MSFT/Accounts/Users/a/Password", "value": secret}})),
    ];
    let bag = (object(), key(), hidden.clone(), any::<bool>()).prop_map(|(mut body, key, hidden, nested)| {
        body.insert(key, if nested { json!([[hidden]]) } else { hidden });
        Value::Object(body)
    });
    let catalog = (instance(), definition(), value.clone(), 0..4_usize).prop_map(|(other, id, value, place)| {
        let secret = match place {
            0 => json!({"simpleSettingValue": value}),
            1 => json!({"simpleSettingCollectionValue": [{"value": "x"}, value]}),
            2 => json!({"dialSettingValue": {"inner": [value]}}),
            _ => json!({"groupSettingCollectionValue": [{"children": [{"settingDefinitionId": "x", "simpleSettingValue": value}]}]}),
        };
        let mut instance = json!({"settingDefinitionId": id});
        instance.as_object_mut().unwrap().extend(secret.as_object().unwrap().clone());
        json!({"name": "Catalog", "settings": [{"settingInstance": instance}, {"settingInstance": other}]})
    });
    let intent = (name, wrapped).prop_map(|(name, secret)| {
        json!({"displayName": "Intent", "settings": [{"definitionId": format!("deviceConfiguration--x_{name}"), "valueJson": secret.to_string()}]})
    });
    prop_oneof![
        bag.prop_map(|policy| ("device-configuration", policy)),
        catalog.prop_map(|policy| ("settings-catalog", policy)),
        intent.prop_map(|policy| ("intent", policy)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_of_any_policy_stands_in_a_row_under_a_name_of_its_own((slug, policy, _) in policy()) {
        let rows = rows(slug, &policy.to_string());
        assert_unique(&rows, slug);
        // a payload, or a key beside a value, may be taken for a secret: then a row says so
        if rows.iter().all(|row| !row.value.as_deref().unwrap_or_default().contains(SECRET)) {
            prop_assert_eq!(Leaves::of(&policy).faults(&rows), Vec::<String>::new());
        }
    }

    #[test]
    fn the_order_of_keys_and_settings_says_nothing((slug, policy, shaped) in policy(), order in any::<u64>()) {
        let reordered = reordered(&policy, shaped, true, &mut StdRng::seed_from_u64(order));
        prop_assert_eq!(rows(slug, &policy.to_string()), rows(slug, &reordered));
    }

    #[test]
    fn no_row_of_any_policy_tells_a_secret((slug, policy) in secretive()) {
        let rows = rows(slug, &policy.to_string());
        assert_unique(&rows, slug);
        let told = format!("{rows:?}");
        prop_assert!(!told.contains(MARKED), "{told}");
    }
}
