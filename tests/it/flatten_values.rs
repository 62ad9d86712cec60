//! What a value says: official words, readable payloads, exact raw values, and nothing of a secret.

use std::collections::BTreeMap;

use base64_simd::STANDARD;
use serde_json::{Value, json};
use tenantpilot::{flatten::SECRET, policy::Setting};

use crate::{
    flatten::{flattened, named, pairs, rows},
    support::export::{catalog, choice, device_configuration, text},
};

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
fn an_object_that_is_only_an_id_says_which_is_meant() {
    let policy = r#"{"id":"1","displayName":"Strong","grantControls":{"operator":"OR",
        "authenticationStrength":{"@odata.type":"x","id":"00000000-0000-0000-0000-000000000004","displayName":null}}}"#;
    let rows = flattened("conditional-access", policy).unwrap().settings;
    let strength = rows.iter().find(|row| row.path == "grantControls/authenticationStrength/id").unwrap();
    assert_eq!(strength.name, "Grant Controls > Authentication Strength > ID");
    assert_eq!(strength.value.as_deref(), Some("00000000-0000-0000-0000-000000000004"));
    assert_eq!((rows.len(), strength.configured), (2, Some(true)));
}

#[test]
fn an_object_that_is_only_a_type_says_which() {
    let accounts = json!([{"@odata.type": "#microsoft.graph.windowsKioskAutologon"}, {"userName": "kiosk"}]);
    let policy = json!({
        "kioskProfiles": [{"profileName": "Desk", "userAccountsConfiguration": accounts}],
        "target": {"@odata.type": "#microsoft.graph.x", "value": 1}
    });
    let rows = rows("device-configuration", &policy);
    let told: Vec<_> = rows.iter().map(|row| (row.path.as_str(), row.value.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("kioskProfiles[1]/profileName", Some("Desk")),
            ("kioskProfiles[1]/userAccountsConfiguration[1]/@odata.type", Some("Windows kiosk AutoLogon")),
            ("kioskProfiles[1]/userAccountsConfiguration[2]/userName", Some("kiosk")),
            ("target/value", Some("1")),
        ]
    );
    // an annotation is no value of the policy's
    assert_eq!(rows[1].raw_value, None);
}

#[test]
fn a_type_that_no_other_property_tells_is_a_row() {
    let kind = |kind: &str| format!("#microsoft.graph.{kind}");
    let told = |slug: &str, policy: &serde_json::Value| -> Vec<String> {
        let rows = rows(slug, policy).into_iter().filter(|row| row.path.ends_with("@odata.type"));
        rows.map(|row| format!("{} = {}", row.name, row.value.unwrap_or_default())).collect()
    };
    let accounts = json!([{"@odata.type": kind("windowsKioskLocalGroup"), "groupName": "Desk"},
                          {"@odata.type": kind("windowsKioskActiveDirectoryGroup"), "groupName": "Desk"}]);
    let kiosk = json!({"kioskProfiles": [{"profileName": "Hall", "userAccountsConfiguration": accounts}]});
    assert_eq!(
        told("device-configuration", &kiosk),
        [
            "Kiosk Profiles > Hall > User Accounts Configuration > Desk > Type = Windows kiosk local group",
            "Kiosk Profiles > Hall > User Accounts Configuration > Desk [2] > Type = Windows kiosk Active Directory group",
        ]
    );
    let extension = json!({"@odata.type": kind("iosRedirectSingleSignOnExtension"), "teamIdentifier": "T"});
    assert_eq!(
        told("device-configuration", &json!({"iosSingleSignOnExtension": extension})),
        ["iOS Single Sign On Extension > Type = iOS redirect single sign on extension"]
    );
    // one that the property always has tells nothing
    let rollout = json!({"@odata.type": kind("windowsUpdateRolloutSettings"), "offerStartDateTimeInUTC": null});
    assert!(told("feature-update", &json!({"rolloutSettings": rollout})).is_empty());
    let scope = json!({"@odata.type": kind("allScope")});
    assert_eq!(told("feature-update", &json!({ "scope": scope })), ["Scope > Type = All scope"]);
    let autopilot =
        json!({"@odata.type": kind("activeDirectoryWindowsAutopilotDeploymentProfile"), "language": "en-US"});
    assert_eq!(told("autopilot", &autopilot), ["Type = Active Directory Windows Autopilot deployment profile"]);
}

#[test]
fn what_an_assignment_sets_is_told() {
    let schedule =
        json!({"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule", "interval": 1, "time": "01:00:00"});
    let all = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"});
    let policy = json!({"displayName": "Mend", "assignments": [
        {"id": "1", "target": all, "runRemediationScript": false, "runSchedule": schedule}, {"target": all}]});
    let rows = rows("remediation", &policy);
    assert_eq!(
        pairs(&rows),
        [
            ("Assignments > All devices > Run Remediation Script", "False"),
            ("Assignments > All devices > Run Schedule > Type", "Device health script daily schedule"),
            ("Assignments > All devices > Run Schedule > Interval", "1"),
            ("Assignments > All devices > Run Schedule > Time", "01:00"),
        ]
    );
}

#[test]
fn what_a_policy_applies_to_by_rule_is_told() {
    let rule = json!({"name": "Pro", "osEditionTypes": ["windows10Enterprise"], "ruleType": "exclude"});
    let policy = json!({"displayName": "Camera", "deviceManagementApplicabilityRuleOsEdition": rule});
    let rows = rows("device-configuration", &policy);
    let values: Vec<_> = rows.iter().filter_map(|row| row.value.as_deref()).collect();
    assert_eq!(values, ["Pro", "Windows 10 Enterprise", "Exclude"]);
}

#[test]
fn nothing_of_a_policy_that_is_off_is_configured() {
    let policy = json!({"state": "notConfigured", "pinMinimumLength": 6, "remotePassportEnabled": true});
    let configured = |policy| -> Vec<_> { rows("enrollment", policy).iter().map(|row| row.configured).collect() };
    assert_eq!(configured(&policy), [None, None, Some(false)]);
    assert_eq!(configured(&json!({"state": "enabled", "pinMinimumLength": 6})), [Some(true), Some(true)]);
}

#[test]
fn ways_to_sign_in_that_are_needed_together_say_so() {
    let access = json!({"grantControls": {"allowedCombinations": ["fido2", "password,softwareOath"]}});
    assert_eq!(rows("conditional-access", &access)[0].value.as_deref(), Some("FIDO2; Password + Software OATH"));
}

#[test]
fn what_somebody_typed_stays_as_it_is_typed() {
    let policy = device_configuration(
        "1",
        "Typed",
        &json!({"organizationalUnit": "workstations", "certificationAuthority": "server", "groupIdCustom": "corp",
                "ipAddressOrFQDN": "intranet", "advancedThreatProtectionOffboardingFilename": "off"}),
    );
    let rows = flattened("device-configuration", policy.to_string()).unwrap().settings;
    let values: Vec<_> = rows.iter().map(|row| row.value.as_deref().unwrap()).collect();
    assert_eq!(values, ["off", "server", "corp", "intranet", "workstations"]);
}

#[test]
fn a_right_to_create_tokens_is_no_token() {
    let item = |uri: &str| {
        json!({"@odata.type": "#microsoft.graph.omaSettingString", "displayName": uri, "value": "*S-1-5-32-544",
               "omaUri": format!("./Device/Vendor/MSFT/{uri}")})
    };
    let items = [item("Policy/Config/UserRights/CreateToken"), item("Agent/EnrollmentToken")];
    let policy = device_configuration("1", "Rights", &json!({"omaSettings": items}));
    let rows = flattened("device-configuration", policy.to_string()).unwrap().settings;
    let values: Vec<_> = rows.iter().map(|row| row.value.as_deref().unwrap()).collect();
    assert_eq!(values, [SECRET, "*S-1-5-32-544"]);
}

#[test]
fn what_says_that_it_is_not_configured_is_a_row_that_says_so() {
    let policy = device_configuration(
        "1",
        "Legacy",
        &json!({"camera": "notConfigured", "a": "userDefined", "b": "deviceDefault", "flag": false, "zero": 0,
                "on": true, "word": "block", "none": "none", "never": "0001-01-01T00:00:00Z",
                "threat": "unavailable", "c": "notSet", "d": "browserDefault", "patch": "0000-00-00"}),
    );
    let rows = rows("device-configuration", &policy);
    let configured = |path: &str| rows.iter().find(|row| row.path == path).unwrap().configured;
    for path in ["camera", "a", "b", "c", "d", "patch"] {
        assert_eq!(configured(path), Some(false), "{path}");
    }
    assert_eq!((configured("flag"), configured("zero")), (None, None));
    assert_eq!((configured("on"), configured("word")), (Some(true), Some(true)));
    assert_eq!((configured("none"), configured("never"), configured("threat")), (None, None, None));
    let access = json!({"displayName": "Access", "isEnabled": false, "zero": 0, "mode": "none", "a": "notConfigured"});
    let rows = self::rows("conditional-access", &access);
    let configured: Vec<_> = rows.iter().map(|row| (row.path.as_str(), row.configured)).collect();
    assert_eq!(
        configured,
        [("a", Some(false)), ("isEnabled", Some(true)), ("mode", Some(true)), ("zero", Some(true))],
        "these types hold what somebody chose"
    );
}

/// Whether no row tells the secret, and one says that there is one.
fn assert_withheld(rows: &[Setting], secret: &str) {
    assert!(!format!("{rows:?}").contains(secret), "{rows:#?}");
    assert!(rows.iter().any(|row| row.value.as_ref().is_some_and(|value| value.contains(SECRET))), "{rows:#?}");
    assert!(rows.iter().all(|row| row.value.as_deref() != Some(SECRET) || row.raw_value.is_none()), "{rows:#?}");
}

#[test]
fn no_item_of_a_list_is_called_by_its_secret() {
    let encoded = STANDARD.encode_to_string("<plist><key>Password</key><string>hunter2sec</string></plist>");
    let secret = json!({"@odata.type": "#microsoft.graph.deviceManagementConfigurationSecretSettingValue",
        "value": "hunter2sec", "permission": "hunter2sec"});
    for item in [
        json!({"serverPath": "smb://admin:hunter2sec@srv/share", "mountPoint": "/x"}),
        json!({"settingName": "password='hunter2sec'", "x": 1}),
        json!({"package": r#"{"password":"hunter2sec"}"#, "x": 1}),
        json!({"folderName": encoded, "x": 1}),
        secret,
    ] {
        let rows = rows("device-configuration", &json!({"items": [item]}));
        assert!(!format!("{rows:?}").contains("hunter2sec"), "{rows:#?}");
        assert!(rows.iter().all(|row| row.name.starts_with("Items [1] > ")), "{rows:#?}");
    }
    let listed = json!([{"name": "https://u:hunter2sec@site", "value": "1"}]);
    let policy = json!({"definitionValues": [{"definition": {"id": "d", "displayName": "Sites"}, "presentationValues": [{"values": listed}]}]});
    let rows = rows("administrative-template", &policy);
    assert!(!format!("{rows:?}").contains("hunter2sec"), "{rows:#?}");
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
        json!({"settingDefinitionId": "com.contoso.sso_registrationtoken", "simpleSettingValue": {"value": "hunter2"}}),
    ] {
        assert_withheld(&rows("settings-catalog", &catalog("1", "Secret", [instance])), "hunter2");
    }
    // what stands for a token is none
    let placeholder = json!({"settingDefinitionId": "com.contoso.sso_registrationtoken", "simpleSettingValue": {"value": "{{DEVICEREGISTRATION}}"}});
    let rows = rows("settings-catalog", &catalog("1", "Placeholder", [placeholder]));
    assert_eq!(rows[0].value.as_deref(), Some("{{DEVICEREGISTRATION}}"));
}

#[test]
fn the_value_of_a_pair_of_the_catalog_is_withheld_where_its_name_is_that_of_a_secret() {
    let simple = |id: &str, value: &str| json!({"settingDefinitionId": id, "simpleSettingValue": {"value": value}});
    let group = |children: Value| json!({"settingDefinitionId": "vendor_list", "groupSettingCollectionValue": [{"children": children}]});
    let picked = json!({"settingDefinitionId": "vendor_generickey_$typepicker",
        "choiceSettingValue": {"value": "vendor_generickey_$typepicker_0", "children": [simple("vendor_generickey_string", "hunter2")]}});
    for children in [
        json!([simple("vendor_list_key", "ApiToken"), simple("vendor_list_value", "hunter2")]),
        json!([simple("vendor_list_value", "hunter2"), simple("vendor_list_name", "shared_secret")]),
        json!([simple("vendor_generickey_keytobereplaced", "shared_secret"), picked]),
    ] {
        assert_withheld(&rows("settings-catalog", &catalog("1", "Pairs", [group(children)])), "hunter2");
    }
    let innocent = group(json!([simple("vendor_list_key", "Token lifetime"), simple("vendor_list_value", "3600")]));
    let other = group(json!([simple("vendor_list_name", "Token"), simple("vendor_list_path", "C:\\Token.exe")]));
    // an own name counts, whatever stands above
    let inner = json!({"settingDefinitionId": "vendor_inner", "groupSettingCollectionValue": [{"children":
        [simple("vendor_inner_key", "Timeout"), simple("vendor_inner_value", "abcd")]}]});
    let nested = rows(
        "settings-catalog",
        &catalog("1", "Pairs", [group(json!([simple("vendor_list_key", "ApiToken"), inner]))]),
    );
    assert!(nested.iter().any(|row| row.value.as_deref() == Some("abcd")), "{nested:#?}");
    for group in [innocent, other] {
        let rows = rows("settings-catalog", &catalog("1", "Pairs", [group]));
        assert!(rows.len() == 2 && rows.iter().all(|row| row.raw_value.is_some()), "{rows:#?}");
    }
}

#[test]
fn a_list_that_holds_a_secret_has_no_order() {
    let listed = |urls: [&str; 2]| {
        let policy = device_configuration("1", "Order", &json!({"scepServerUrls": urls}));
        rows("device-configuration", &policy).remove(0).value
    };
    let urls = ["https://b.contoso.com/?challenge=hunter2hunter2", "https://a.contoso.com/mscep"];
    let shown = listed(urls);
    assert!(shown.as_ref().is_some_and(|shown| shown.contains(SECRET)), "{shown:?}");
    assert_eq!(shown, listed([urls[1], urls[0]]));
}

#[test]
fn the_item_of_a_drop_down_list_is_told_as_the_portal_shows_it() {
    let items = json!([{"displayName": "Block", "value": "2"}, {"displayName": " Keep for the session", "value": "4"}]);
    let value = |value: &str| {
        let shown = json!({"presentation": {"id": "p", "label": "Cookies", "items": items}, "value": value});
        let policy = json!({"definitionValues": [{"definition": {"id": "d"}, "presentationValues": [shown]}]});
        let row = rows("administrative-template", &policy).remove(0);
        (row.value.unwrap().to_string(), row.raw_value.unwrap().to_string())
    };
    assert_eq!(value("4"), ("Keep for the session".to_owned(), "\"4\"".to_owned()));
    assert_eq!(value("9"), ("9".to_owned(), "\"9\"".to_owned()));
}

#[test]
fn a_secret_that_a_template_asks_for_by_its_label_is_withheld() {
    let policy = |label: &str, value: &str| {
        json!({"definitionValues": [{"definition": {"id": "d", "displayName": "Proxy"}, "presentationValues": [
            {"presentation": {"id": "p", "label": label}, "value": value}
        ]}]})
    };
    assert_withheld(&rows("administrative-template", &policy("Proxy password:", "hunter2")), "hunter2");
    assert_withheld(&rows("administrative-template", &policy("Enrollment token", "hunter2")), "hunter2");
    let rows = rows("administrative-template", &policy("Minimum password length", "12"));
    assert_eq!(rows[0].value.as_deref(), Some("12"));
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
        json!({"omaSettings": [{"omaUri": "./x/token", "displayName": "X", "value": "hunter2"}]}),
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
        json!({"omaSettings": [{"omaUri": "./Device/Vendor/MSFT/WindowsAdvancedThreatProtection/Onboarding",
            "value": "{\"body\":\"hunter2\",\"sig\":\"x\"}"}]}),
        json!({"settings": [{"appConfigKey": "Authorization", "appConfigKeyValue": "Basic hunter2"}]}),
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
fn durations_times_and_flags_of_a_property_are_readable_and_typed_texts_stay() {
    let policy = device_configuration(
        "1",
        "Values",
        &json!({"periodOffline": "PT12H", "activeHoursStart": "08:00:00.0000000", "pausedUntil": "0001-01-01T00:00:00Z",
                "profileTypes": "domain,private", "modes": ["auditMode", "contosoStyle"], "allowedDomains": ["auditMode"],
                "ssid": "auditMode", "supportUrl": "auditMode", "lockScreenMessage": "auditMode", "group": "acmecorp",
                "deviceNameTemplate": "auditMode", "role": "auditMode", "itemType": "#microsoft.graph.iosStoreApp"}),
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
        ("deviceNameTemplate", "auditMode"),
        ("role", "auditMode"),
        ("itemType", "iOS store app"),
    ] {
        assert_eq!(values[path], value, "{path}");
    }
}

#[test]
fn words_among_the_ids_of_conditional_access_are_words() {
    let access = json!({"conditions": {
        "users": {"includeUsers": ["GuestsOrExternalUsers", "5a3c0c3e-0d6a-4f3f-8e55-d1f4f0b1c2a7"]},
        "applications": {"includeApplications": ["All"], "excludeApplications": ["BreakGlass"], "includeUserActions": ["urn:user:registerdevice"]},
        "locations": {"excludeLocations": ["AllTrusted"]}}});
    let rows = rows("conditional-access", &access);
    let values: Vec<_> = rows.iter().filter_map(|row| row.value.as_deref()).collect();
    assert_eq!(
        values,
        [
            "BreakGlass",
            "All",
            "urn:user:registerdevice",
            "All trusted",
            "Guests or external users; 5a3c0c3e-0d6a-4f3f-8e55-d1f4f0b1c2a7"
        ]
    );
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
    let script = "Write-Output \"Grüße\"\r\n";
    let rows = rows(
        "windows-script",
        &json!({"id": "1", "displayName": "Script", "scriptContent": STANDARD.encode_to_string(script), "icon": {"value": "AAEC"}}),
    );
    let value = |path: &str| rows.iter().find(|row| row.path == path).unwrap().value.clone().unwrap();
    assert_eq!(value("scriptContent"), script);
    assert_eq!(value("icon/value"), "AAEC");
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
    for payload in PAYLOADS {
        let encoded = STANDARD.encode_to_string(payload);
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
    let rules = r#"{"Rules": [{"SettingName": "Kernel"}]}"#;
    let rows = rows(
        "settings-catalog",
        &catalog("1", "Rules", [text("linux_customcompliance_rules", &STANDARD.encode_to_string(rules))]),
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
