//! What settings are called: by their definitions, their parents and themselves, and never two alike in a policy.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantpilot::policy::MAX_KEY_CHARS;

use crate::{
    flatten::{assert_unique, named, names, pairs, rows},
    support::{
        export::{catalog, device_configuration, groups, text},
        leaves::Leaves,
    },
};

fn of_named(settings: &[Value]) -> Value {
    json!({"id": "1", "name": "Policy", "settings": settings})
}

#[test]
fn names_that_clash_are_told_apart_by_scope() {
    let policy =
        of_named(&[named(&text("user_vendor_x", "1"), "Allow X"), named(&text("device_vendor_x", "2"), "Allow X")]);
    assert_eq!(pairs(&rows("settings-catalog", &policy)), [("Allow X (Device)", "2"), ("Allow X (User)", "1")]);
}

#[test]
fn what_stands_below_a_name_that_clashes_is_told_apart_as_well() {
    let value = |scope: &str, enabled: bool, presentations: &[Value]| {
        let definition = json!({"id": format!("guid-{scope}"), "displayName": "Home page", "classType": scope});
        json!({"definition": definition, "enabled": enabled, "presentationValues": presentations})
    };
    let address = json!({"presentation": {"id": "p", "label": "Address"}, "value": "https://contoso.com"});
    let address = std::slice::from_ref(&address);
    let policy = json!({"definitionValues": [value("user", false, &[]), value("machine", true, address)]});
    let of_device = [("Home page (Device)", "Enabled"), ("Home page (Device) > Address", "https://contoso.com")];
    assert_eq!(
        pairs(&rows("administrative-template", &policy)),
        [of_device[0], of_device[1], ("Home page (User)", "Disabled")]
    );
    let policy = json!({"definitionValues": [value("user", true, address), value("machine", true, address)]});
    let of_user = [("Home page (User)", "Enabled"), ("Home page (User) > Address", "https://contoso.com")];
    assert_eq!(pairs(&rows("administrative-template", &policy)), [of_device, of_user].concat());
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
fn a_reusable_group_is_a_tree_of_settings_that_tells_their_definitions() {
    let group = groups("vendor_addresses", [vec![text("vendor_addresses_keyword", "branch.example.com")]]);
    let policy =
        json!({"displayName": "Branches", "settingDefinitionId": "vendor_addresses", "settingInstance": group});
    let rows = rows("reusable-settings", &policy);
    let expected = [
        ("Setting Definition ID", "vendor_addresses"),
        ("Addresses > Setting Definition ID", "vendor_addresses"),
        ("Addresses [1] > Keyword", "branch.example.com"),
        ("Addresses [1] > Keyword > Setting Definition ID", "vendor_addresses_keyword"),
    ];
    assert_eq!(pairs(&rows), expected);
    assert_eq!(rows[2].definition_id.as_deref(), Some("vendor_addresses_keyword"));
    assert_eq!(Leaves::of(&policy).faults(&rows), Vec::<String>::new());
    // beside a secret as well
    let template = json!({"settingValueTemplateId": "11111111-aaaa", "useTemplateDefault": false});
    let secret = json!({"value": "hunter2", "valueState": "notEncrypted", "settingValueTemplateReference": template});
    let policy = json!({"settingInstance": {"settingDefinitionId": "vendor_a", "simpleSettingValue": secret}});
    let told = self::rows("reusable-settings", &policy);
    assert_eq!(
        told.iter().map(|row| row.value.as_deref().unwrap()).collect::<Vec<_>>(),
        ["(secret)", "vendor_a", "11111111-aaaa", "False", "Not encrypted"]
    );
}

#[test]
fn a_definition_that_an_export_names_by_its_guid_alone_says_so() {
    let bound = "https://graph.microsoft.com/beta/deviceManagement/groupPolicyDefinitions('06b9c400-f1ed-4046-b8cb-02af3ae8e38d')";
    let list = json!([{"name": "one", "value": "a"}, {"name": "two", "value": null}]);
    let policy = json!({"definitionValues": [
        {"definition@odata.bind": bound, "enabled": true, "presentationValues": [{"values": list}]}]});
    assert_eq!(
        names(&rows("administrative-template", &policy)),
        [
            "Group Policy Setting 06b9c400-f1ed-4046-b8cb-02af3ae8e38d",
            "Group Policy Setting 06b9c400-f1ed-4046-b8cb-02af3ae8e38d > Value > one > Name",
            "Group Policy Setting 06b9c400-f1ed-4046-b8cb-02af3ae8e38d > Value > one > Value",
            "Group Policy Setting 06b9c400-f1ed-4046-b8cb-02af3ae8e38d > Value [2]",
        ]
    );
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
fn a_long_key_is_not_repeated_in_each_path() {
    let inner: serde_json::Map<String, Value> = (0..50).map(|at| (format!("a{at}"), json!({"x": at}))).collect();
    let policy = json!({"displayName": "Long", "k".repeat(50_000): inner, "short": {"x": 1}});
    let rows = rows("device-configuration", &policy);
    assert_eq!(rows.len(), 51);
    assert!(rows.iter().all(|row| row.path.len() < 1_100 && row.name.len() < 600));
    let paths: std::collections::HashSet<_> = rows.iter().map(|row| &row.path).collect();
    assert_eq!(paths.len(), rows.len());
    assert_eq!(rows.last().unwrap().path, "short/x");
}

#[test]
fn an_id_of_5000_characters_is_cut_where_it_is_a_key() {
    let rows = rows("settings-catalog", &catalog("1", "Policy", [text(&"vendor_long".repeat(500), "1")]));
    assert!(rows[0].definition_id.as_ref().unwrap().chars().count() <= MAX_KEY_CHARS);
    assert_unique(&rows, "long id");
}

#[test]
fn items_of_a_list_are_called_by_their_own_names() {
    let rule = |name: &str| json!({"displayName": name, "action": "blocked"});
    let policy = device_configuration(
        "1",
        "Rules",
        &json!({"firewallRules": [rule("Block SMB"), rule("Block SMB"), rule("Block SMB [2]"), {"action": "allowed"}],
                "apps": [{"mobileAppIdentifier": {"packageId": "com.contoso.app"}}],
                "firewallApplications": [{"bundleId": "com.contoso.chat", "allowsIncomingConnections": true}],
                "scheduledActionConfigurations": [
                    {"actionType": "block", "gracePeriodHours": 0}, {"actionType": "pushNotification", "gracePeriodHours": 24},
                    {"actionType": "pushNotification", "gracePeriodHours": 72}]}),
    );
    let rows = rows("device-configuration", &policy);
    let names: BTreeSet<_> = rows.iter().map(|row| row.name.as_str()).collect();
    for name in [
        "Firewall Rules > Block SMB > Action",
        "Firewall Rules > Block SMB [2] > Action",
        "Firewall Rules > Block SMB [2] [2] > Action",
        "Firewall Rules [4] > Action",
        "Apps > com.contoso.app > Mobile App Identifier > Package ID",
        "Firewall Applications > com.contoso.chat > Allows Incoming Connections",
        "Scheduled Action Configurations > Block > Grace Period Hours",
        "Scheduled Action Configurations > Push notification > Grace Period Hours",
        "Scheduled Action Configurations > Push notification [2] > Grace Period Hours",
    ] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
}
