//! Official names: read before they are needed, once for all tenants, and put right when they come late.

use std::time::Duration;

use serde_json::{Value, json};
use tenantpilot::report::Status;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::{
    live::{Setup, kind},
    live_cli::{program, report, sync},
    support::{
        DOMAIN, TENANT,
        database::{Database, on_both},
        export::{Export, catalog, choice, groups, text},
        graph_server::{Effect, Fault, GraphServer},
        server_on_threads,
    },
};

const CATALOG: &str = "deviceManagement/configurationPolicies";
const INTENTS: &str = "deviceManagement/intents";
const DEFINITIONS: &str = "deviceManagement/configurationSettings";
const CATEGORIES: &str = "deviceManagement/configurationCategories";

const SEARCH: &str = "device_vendor_msft_policy_config_experience_allowfrobnication";

fn definition(id: &str, name: &str, options: &[(&str, &str)]) -> Value {
    let options: Vec<Value> = options
        .iter()
        .map(|(suffix, name)| json!({ "itemId": format!("{id}_{suffix}"), "displayName": name }))
        .collect();
    json!({ "@odata.type": "#microsoft.graph.deviceManagementConfigurationChoiceSettingDefinition", "id": id,
        "displayName": name, "description": "What it does", "categoryId": "cat-2", "options": options })
}

fn server() -> (Runtime, GraphServer) {
    let (runtime, server) = server_on_threads();
    server.add(
        CATEGORIES,
        [
            json!({ "id": "cat-1", "displayName": "Windows Components", "parentCategoryId": "00000000-0000-0000-0000-000000000000" }),
            json!({ "id": "cat-2", "displayName": "Experience", "parentCategoryId": "cat-1" }),
        ],
    );
    let child = text("vendor_msft_rules_{rule}_port", "80");
    let mut policy = catalog("c1", "Catalog", [choice(SEARCH, "1"), groups("vendor_msft_rules_{rule}", [vec![child]])]);
    policy["assignments"] = json!([]);
    server.add(CATALOG, [policy]);
    (runtime, server)
}

fn define(server: &GraphServer) {
    server.add(
        DEFINITIONS,
        [
            definition(SEARCH, "Allow Frobnication ", &[("0", "Not allowed."), ("1", "Allowed.")]),
            definition("vendor_msft_rules_{rule}", "Frob Rules", &[]),
            definition("vendor_msft_rules_{rule}_port", "Port or Ports", &[]),
        ],
    );
}

fn rows(database: &Database) -> Vec<String> {
    database.lines(
        "SELECT setting_name || ' = ' || setting_value || ' in ' || coalesce(category, '∅') AS line \
         FROM policy_settings ORDER BY setting_path",
    )
}

const OFFICIAL: [&str; 2] = [
    "Allow Frobnication = Allowed. in Windows Components > Experience",
    "Frob Rules [1] > Port or Ports = 80 in Windows Components > Experience",
];

fn names_are_official_in_the_first_sync_and_asked_for_once(database: &Database) {
    let (_runtime, server) = server();
    define(&server);
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    assert_eq!(rows(database), OFFICIAL);
    // one policy lacks three names: its definitions came with it, and the categories
    let names = |printed| report(printed)["tenants"][0]["names"]["requests"].clone();
    assert_eq!(names(&printed), 2);
    let printed = sync(&program(&server, database));
    assert_eq!(names(&printed), 0);
    assert_eq!(server.count("settingDefinitions") + server.count("Categories"), 2);
    assert_eq!(report(&printed)["tenants"][0]["totals"]["unchanged"], 2);
    assert_eq!(database.count("setting_changes"), 0);
}

fn names_that_come_late_are_put_right_without_a_change(database: &Database) {
    let (_runtime, server) = server();
    define(&server);
    for endpoint in ["configurationSettings", "settingDefinitions"] {
        server.fault(Fault::on(endpoint, Effect::status(500)));
    }
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let tenant = &report(&printed)["tenants"][0];
    assert_eq!((tenant["status"].as_str(), tenant["warnings"].as_array().unwrap().len()), (Some("succeeded"), 1));
    assert!(printed.stderr.contains("official names"), "{}", printed.stderr);
    let words = rows(database);
    assert!(words[0].contains(" = 1 in ∅") && words[1].contains("Port = 80"), "{words:?}");

    server.heal();
    let printed = sync(&program(&server, database));
    assert_eq!(rows(database), OFFICIAL);
    let totals = &report(&printed)["tenants"][0]["totals"];
    assert_eq!((&totals["changed"], &totals["added"], &totals["unchanged"]), (&json!(0), &json!(0), &json!(2)));
    assert_eq!(database.count("setting_changes"), 0);
}

fn ids_that_graph_does_not_know_are_asked_for_again_after_a_week(database: &Database) {
    let (_runtime, server) = server();
    sync(&program(&server, database));
    let asked = || server.count_in_batch("configurationSettings") + server.count("settingDefinitions");
    let first = asked();
    assert!(first >= 3, "{first}");
    assert_eq!(database.count("setting_definitions"), 3);
    sync(&program(&server, database));
    assert_eq!(asked(), first);
    define(&server);
    database.execute("UPDATE setting_definitions SET fetched_at = '2026-01-01 00:00:00'");
    sync(&program(&server, database));
    assert_eq!(rows(database), OFFICIAL);
    assert_eq!(database.count("setting_changes"), 0);
}

fn names_are_refreshed_after_a_month(database: &Database) {
    let (_runtime, server) = server();
    define(&server);
    sync(&program(&server, database));
    server.remove(DEFINITIONS, SEARCH);
    server.add(DEFINITIONS, [definition(SEARCH, "Permit Frobnication", &[("1", "Permitted")])]);
    sync(&program(&server, database));
    assert_eq!(rows(database)[0], OFFICIAL[0]);
    database.execute(&format!(
        "UPDATE setting_definitions SET fetched_at = '2026-01-01 00:00:00' WHERE definition_id = '{SEARCH}'"
    ));
    sync(&program(&server, database));
    assert_eq!(rows(database)[0], "Permit Frobnication = Permitted in Windows Components > Experience");
    assert_eq!(database.count("setting_changes"), 0);
    // one that Graph no longer has keeps its name
    server.remove(DEFINITIONS, SEARCH);
    database.execute("UPDATE setting_definitions SET fetched_at = '2026-01-01 00:00:00'");
    sync(&program(&server, database));
    assert!(rows(database)[0].starts_with("Permit Frobnication = Permitted"));
}

fn hostile_definitions_are_clean_in_both_databases(database: &Database) {
    let (_runtime, server) = server();
    let name = format!("\r\nEvil\u{1b}[31m \u{0} {}", "x".repeat(2_000));
    server.add(DEFINITIONS, [definition(SEARCH, &name, &[("1", "On\u{0}\u{7}")])]);
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let row = rows(database).remove(0);
    assert!(row.starts_with("Evil [31m") && row.contains(" = On in "), "{row}");
    assert!(!row.chars().any(char::is_control));
}

fn imported_names_take_effect_at_the_next_import_of_policies(database: &Database) {
    let export = Export::of(&catalog("p", "Policy", [choice(SEARCH, "1"), text("vendor_msft_other", "x")]));
    let program = database.program();
    program.sync(export.path());
    let file = export.path().join("names.txt");
    // as PowerShell writes it
    let utf16 = |text: &str| [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let write = |content: &Value| {
        let bytes: Vec<u8> = utf16(&content.to_string());
        std::fs::write(&file, bytes).unwrap();
    };
    let import = || program.run(["definitions", "import", file.to_str().unwrap(), "--json"]);
    write(&json!({ "value": [definition(SEARCH, "Allow Frobnication", &[("1", "Allowed.")]), { "id": 7 }] }));
    let printed = import();
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    assert_eq!(printed.json(), json!({ "version": 1, "imported": 1, "leftOut": 1 }));
    let status = || program.run(["definitions", "status", "--json"]).json();
    let told = status();
    assert_eq!(
        [&told["definitions"], &told["withOptions"], &told["used"], &told["usedWithoutName"]],
        [&json!(1), &json!(1), &json!(2), &json!(1)]
    );
    program.sync(export.path());
    assert_eq!(rows(database)[0], "Allow Frobnication = Allowed. in ∅");
    // a table of names alone keeps what was known of the options
    write(
        &json!({ SEARCH.to_uppercase(): "Permit Frobnication", "vendor_msft_other": { "displayName": "Other", "options": {} } }),
    );
    assert_eq!(import().json()["imported"], 2);
    program.sync(export.path());
    assert_eq!(rows(database), ["Permit Frobnication = Allowed. in ∅", "Other = x in ∅"]);
    assert_eq!(status()["usedWithoutName"], 0);
    assert_eq!(database.count("setting_changes"), 0);
    assert!(program.run(["definitions", "status"]).stdout.contains("2 definitions"));
}

fn a_second_tenant_finds_the_names_of_the_first(database: &Database) {
    let (_runtime, server) = server();
    define(&server);
    sync(&program(&server, database));
    let other = "bbbbbbbb-2222-4222-8222-bbbbbbbbbbbb";
    let printed = program(&server, database).run(["sync", "--tenant", other, "--json"]);
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    assert_eq!(report(&printed)["tenants"][0]["names"]["requests"], 0);
    assert_eq!(rows(database), [OFFICIAL[0], OFFICIAL[0], OFFICIAL[1], OFFICIAL[1]]);
}

fn a_dry_run_reads_names_and_keeps_none(database: &Database) {
    let (_runtime, server) = server();
    define(&server);
    let dry = || program(&server, database).run(["sync", "--tenant", DOMAIN, "--dry-run", "--json"]);
    // without a database, and with one
    for _ in 0..2 {
        let printed = dry();
        assert_eq!(printed.code, Some(0), "{}", printed.stderr);
        assert_eq!(report(&printed)["tenants"][0]["names"]["requests"], 2);
        database.program().sync(Export::of(&catalog("p", "Policy", [text("vendor_other", "x")])).path());
    }
    assert_eq!(database.count("setting_definitions"), 0);
}

on_both!(
    a_second_tenant_finds_the_names_of_the_first,
    a_dry_run_reads_names_and_keeps_none,
    names_are_official_in_the_first_sync_and_asked_for_once,
    names_that_come_late_are_put_right_without_a_change,
    ids_that_graph_does_not_know_are_asked_for_again_after_a_week,
    names_are_refreshed_after_a_month,
    hostile_definitions_are_clean_in_both_databases,
    imported_names_take_effect_at_the_next_import_of_policies,
);

#[test]
fn a_file_without_definitions_is_refused_with_what_is_expected() {
    let database = Database::sqlite();
    let program = database.program();
    let file = program.home().join("names.json");
    for (content, said) in [
        (&b"{\"a\": "[..], "is not JSON"),
        (b"[1, 2]", "no element of it has an id and a name"),
        (b"\"text\"", "expected a list of definitions"),
        (b"\xff\xfe\x00", "half a character"),
    ] {
        std::fs::write(&file, content).unwrap();
        let printed = program.run(["definitions", "import", file.to_str().unwrap()]);
        assert_eq!(printed.code, Some(2), "{}", printed.stderr);
        assert!(printed.stderr.contains(said), "{}", printed.stderr);
    }
    let printed = program.run(["definitions", "import", "nowhere.json"]);
    assert_eq!(printed.code, Some(2), "{}", printed.stderr);
    assert!(printed.stderr.contains("nowhere.json"), "{}", printed.stderr);
}

fn policies(count: usize, settings: usize, shared: bool) -> impl Iterator<Item = Value> {
    (0..count).map(move |n| {
        let id = move |setting: usize| {
            if shared { format!("vendor_s{setting}") } else { format!("vendor_p{n}_s{setting}") }
        };
        let mut policy =
            catalog(&format!("c{n}"), &format!("Catalog {n}"), (0..settings).map(|s| text(&id(s), &n.to_string())));
        policy["assignments"] = json!([]);
        policy
    })
}

fn definitions(count: usize, settings: usize, shared: bool) -> impl Iterator<Item = Value> {
    policies(count, settings, shared).flat_map(|policy| {
        let ids = policy["settings"].as_array().unwrap().clone();
        ids.into_iter().map(|setting| {
            let id = setting["settingInstance"]["settingDefinitionId"].as_str().unwrap().to_owned();
            definition(&id, &format!("Name of {id}"), &[])
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_read_in_the_way_that_takes_the_fewest_requests() {
    // 20 policies of one setting: each name alone, in one batch
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(20, 1, true));
    setup.server.add(DEFINITIONS, definitions(1, 1, true));
    setup.sync(&["settings-catalog"]).await;
    assert_eq!((setup.server.count_in_batch(DEFINITIONS), setup.server.count("settingDefinitions")), (1, 0));

    // three policies of many settings: with each of these policies
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(3, 12, false));
    setup.server.add(DEFINITIONS, definitions(3, 12, false));
    setup.sync(&["settings-catalog"]).await;
    assert_eq!((setup.server.count_in_batch(DEFINITIONS), setup.server.count("settingDefinitions")), (0, 3));

    // pages of policies with many settings: the whole list, once
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(60, 4, false));
    setup.server.add(DEFINITIONS, definitions(60, 4, false));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!((setup.server.count_in_batch(DEFINITIONS), setup.server.count("settingDefinitions")), (0, 0));
    assert_eq!(setup.server.count(DEFINITIONS), 1);
    assert_eq!(kind(&synced, "settings-catalog").requests, 3, "names are counted apart");
    assert_eq!(synced.report.names.unwrap().requests, 2);
    for row in setup.settings().await {
        assert!(row.setting_name.starts_with("Name of vendor_p"), "{}", row.setting_name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_that_knows_no_name_is_not_asked_page_by_page() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(60, 4, false));
    let intent = |n: usize| {
        let settings = json!([{"definitionId": format!("deviceConfiguration--x_s{n}"), "valueJson": "true"}]);
        json!({"id": format!("i{n}"), "displayName": format!("Intent {n}"), "templateId": format!("t{n}"), "settings": settings})
    };
    setup.server.add(INTENTS, (0..30).map(intent));
    setup.sync(&["settings-catalog", "intent"]).await;
    assert_eq!((setup.server.count_in_batch(DEFINITIONS), setup.server.count("settingDefinitions")), (0, 0));
    assert_eq!(setup.server.count(DEFINITIONS), 1);
    assert_eq!(setup.server.count("deviceManagement/templates/"), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_read_on_while_names_are_waited_for() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(150, 1, false));
    setup.server.fault(Fault::on(DEFINITIONS, Effect::Hang));
    let four_pages = async {
        while setup.server.count(CATALOG) < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        _ = setup.sync(&["settings-catalog"]) => panic!("it ended without names"),
        read = tokio::time::timeout(Duration::from_secs(20), four_pages) => read.unwrap(),
    }
    assert_eq!(setup.server.count(DEFINITIONS), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_never_come_take_a_part_of_the_time_and_no_policy() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(60, 4, false));
    let assigned = json!({ "id": "d1", "displayName": "Devices", "passwordMinimumLength": 8, "assignments": [
        { "target": { "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": TENANT,
            "deviceAndAppManagementAssignmentFilterId": TENANT,
            "deviceAndAppManagementAssignmentFilterType": "include" } }] });
    setup.server.add("deviceManagement/deviceConfigurations", [assigned]);
    setup.server.fault(Fault::on(DEFINITIONS, Effect::Hang));
    setup.server.fault(Fault::on("directoryObjects/getByIds", Effect::Hang));
    let kinds = ["settings-catalog", "device-configuration"];
    let synced = setup.sync_within(&kinds, CancellationToken::new(), Duration::from_secs(8)).await;
    assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report);
    assert_eq!(setup.policies().await.len(), 61);
    // also of those that were not asked for any more
    let mut warned: Vec<_> = synced.report.warnings.iter().map(|warning| warning.message.clone()).collect();
    warned.sort();
    let beginnings = ["names of assignment filters", "names of groups", "the official names of some settings"];
    assert!(warned.iter().zip(beginnings).all(|(told, begins)| told.starts_with(begins)), "{warned:?}");
    assert!(warned.len() == 3 && synced.report.warnings.iter().all(|warning| warning.code == "timeout"), "{warned:?}");
    assert_eq!(setup.server.count("assignmentFilters"), 0);
    assert_eq!(setup.server.count(DEFINITIONS) + setup.server.count("directoryObjects/getByIds"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_fails_is_followed_by_the_next() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(25, 4, false));
    setup.server.add(DEFINITIONS, definitions(25, 4, false));
    let link = Effect::NextLink("http://127.0.0.1:9/beta/deviceManagement/configurationSettings".to_owned());
    setup.server.page_size(1_000);
    setup.server.fault(Fault::on("beta/deviceManagement/configurationSettings", link));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!(synced.report.status, Status::Succeeded);
    // the page came in full, only its link was bad
    assert!(synced.report.warnings.is_empty(), "{:?}", synced.report.warnings);
    assert!(setup.settings().await.iter().all(|row| row.setting_name.starts_with("Name of")));

    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(25, 4, false));
    setup.server.add(DEFINITIONS, definitions(25, 4, false));
    setup.server.fault(Fault::on("beta/deviceManagement/configurationSettings", Effect::status(500)));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert!(synced.report.warnings.is_empty(), "{:?}", synced.report.warnings);
    assert!(setup.settings().await.iter().all(|row| row.setting_name.starts_with("Name of")));
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_few_names_the_list_of_all_is_never_read() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(2, 3, false));
    setup.server.fault(Fault::on("settingDefinitions", Effect::status(500)));
    setup.server.fault(Fault::on("configurationSettings('", Effect::status(500)));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!((synced.report.status, synced.report.warnings.len()), (Status::Succeeded, 1));
    assert_eq!(setup.server.count("beta/deviceManagement/configurationSettings"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_graph_fails_for_is_left_alone_until_tomorrow() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(2, 1, false));
    setup.server.add(DEFINITIONS, definitions(2, 1, false));
    setup.server.fault(Fault::on("vendor_p0_s0", Effect::status(500)));
    setup.server.fault(Fault::on("settingDefinitions", Effect::status(500)));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!((synced.report.status, synced.report.warnings.len()), (Status::Succeeded, 1));
    assert!(setup.settings().await.iter().any(|row| row.setting_name == "Name of vendor_p1_s0"));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!((synced.report.names.unwrap().requests, synced.report.warnings.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_permission_words_stand_in_and_the_hint_names_it() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(60, 1, false));
    let forbidden = || Effect::Status(403, "Forbidden", "Application is not authorized", Vec::new());
    setup.server.fault(Fault::on("configurationSettings", forbidden()));
    setup.server.fault(Fault::on("settingDefinitions", forbidden()));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!(synced.report.status, Status::Succeeded);
    let [warning] = synced.report.warnings.as_slice() else { panic!("{:?}", synced.report.warnings) };
    assert_eq!(warning.code, "forbidden");
    assert!(warning.hint.as_ref().unwrap().contains("DeviceManagementConfiguration.Read.All"));
    // what fails is not tried for every page
    assert!(synced.report.names.unwrap().requests < 30, "{:?}", synced.report.names);
    assert_eq!(setup.settings().await.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_cannot_be_read_costs_itself() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(1, 2, false));
    let bad = json!({ "id": "vendor_p0_s0", "displayName": 7, "options": "none", "categoryId": [] });
    setup.server.add(DEFINITIONS, [bad, definition("vendor_p0_s1", "Good", &[])]);
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!(synced.report.status, Status::Succeeded);
    let names: Vec<_> = setup.settings().await.into_iter().map(|row| row.setting_name).collect();
    assert_eq!(names.iter().filter(|name| *name == "Good").count(), 1);
    assert_eq!(names.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_take_their_names_from_their_templates() {
    let setup = Setup::new().await;
    let pin = "deviceConfiguration--windows10EndpointProtectionConfiguration_frobMode";
    let intent = |id: &str| {
        json!({ "id": id, "displayName": id, "templateId": "t1", "assignments": [],
            "settings": [{ "id": "s", "definitionId": pin, "valueJson": "\"fastMode\"", "value": "fastMode" }] })
    };
    setup.server.add(INTENTS, [intent("a"), intent("b")]);
    let definition = json!({ "id": pin, "displayName": "Frob mode of the device", "constraints": [
        { "values": [{ "value": "fastMode", "displayName": "As fast as can be" }] }] });
    let categories = json!([{ "id": "c1", "displayName": "Frobnication", "settingDefinitions": [definition] }]);
    setup.server.add("deviceManagement/templates", [json!({ "id": "t1", "categories": categories })]);
    let synced = setup.sync(&["intent"]).await;
    assert_eq!(synced.report.names.unwrap().requests, 2);
    for row in setup.settings().await {
        assert_eq!(row.setting_name, "Frob mode of the device");
        assert_eq!(row.setting_value.as_deref(), Some("As fast as can be"));
        assert_eq!(row.category.as_deref(), Some("Frobnication"));
    }
    assert_eq!(setup.sync(&["intent"]).await.report.names.unwrap().requests, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_definition_of_another_id_is_not_believed() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, policies(1, 1, false));
    setup.server.add(DEFINITIONS, definitions(1, 1, false));
    let other = r#"{"id":"totally_other","displayName":"Wrong","options":[]}"#;
    setup.server.fault(Fault::on("configurationSettings('", Effect::Body(other)));
    setup.sync(&["settings-catalog"]).await;
    let names: Vec<_> = setup.settings().await.into_iter().map(|row| row.setting_name).collect();
    assert_eq!(names, ["Name of vendor_p0_s0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_nothing_is_not_remembered_as_no_definition() {
    for effect in [Effect::Body("{}"), Effect::Body(r#"{"error":{"code":"E","message":"m"}}"#), Effect::Bare(404)] {
        let setup = Setup::new().await;
        setup.server.add(CATALOG, policies(1, 1, false));
        setup.server.add(DEFINITIONS, definitions(1, 1, false));
        setup.server.fault(Fault::on("configurationSettings", effect.clone()));
        setup.server.fault(Fault::on("settingDefinitions", Effect::status(500)));
        let synced = setup.sync(&["settings-catalog"]).await;
        assert_eq!((synced.report.status, synced.report.warnings.len()), (Status::Succeeded, 1), "{effect:?}");
        setup.server.heal();
        setup.sync(&["settings-catalog"]).await;
        let named = setup.settings().await.iter().all(|row| row.setting_name.starts_with("Name of"));
        assert!(named, "{effect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_without_categories_is_asked_for_again_in_an_hour() {
    let setup = Setup::new().await;
    let pin = "deviceConfiguration--windows10EndpointProtectionConfiguration_frobMode";
    let settings = json!([{ "id": "s", "definitionId": pin, "valueJson": "true" }]);
    let intent = json!({ "id": "i", "displayName": "i", "templateId": "t1", "assignments": [], "settings": settings });
    setup.server.add(INTENTS, [intent]);
    setup.server.add("deviceManagement/templates", [json!({ "id": "t1", "categories": [] })]);
    setup.sync(&["intent"]).await;
    let store = setup.store.clone();
    let known = tokio::task::spawn_blocking(move || {
        store.open_read_only().unwrap().definitions(&[&pin.to_lowercase()]).unwrap()
    });
    // what is unknown is asked for after seven days, this one in an hour
    let (_, _, read_at) = known.await.unwrap().remove(0);
    let age = chrono::Utc::now().naive_utc() - read_at;
    assert!((6 * 24 + 22..7 * 24).contains(&age.num_hours()), "{age}");
}
