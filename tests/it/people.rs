//! People, groups, apps, places and filters by name: in assignments and in conditional access.

use serde_json::{Value, json};
use tenantpilot::report::Status;
use tokio::runtime::Runtime;

use crate::{
    live::Setup,
    live_cli::{program, report, sync},
    support::{
        database::{Database, on_both},
        graph_server::{Effect, Fault, GraphServer},
        server_on_threads,
    },
};

const DEVICES: &str = "deviceManagement/deviceConfigurations";
const ACCESS: &str = "identity/conditionalAccess/policies";
const OBJECTS: &str = "directoryObjects";

const PILOTS: &str = "11111111-1111-4111-8111-111111111111";
const GONE: &str = "22222222-2222-4222-8222-222222222222";
const HIDDEN: &str = "33333333-3333-4333-8333-333333333333";
const FILTER: &str = "44444444-4444-4444-8444-444444444444";
const APP: &str = "55555555-5555-4555-8555-555555555555";
const ROLE: &str = "66666666-6666-4666-8666-666666666666";
const PLACE: &str = "77777777-7777-4777-8777-777777777777";
const USER: &str = "88888888-8888-4888-8888-888888888888";

fn group(id: &str, name: &Value) -> Value {
    json!({ "@odata.type": "#microsoft.graph.group", "id": id, "displayName": name })
}

fn device() -> Value {
    let to = |kind: &str, group: &str, filter: Option<&str>| {
        json!({ "id": group, "target": { "@odata.type": format!("#microsoft.graph.{kind}AssignmentTarget"), "groupId": group,
            "deviceAndAppManagementAssignmentFilterId": filter,
            "deviceAndAppManagementAssignmentFilterType": if filter.is_some() { "include" } else { "none" } } })
    };
    json!({ "@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": "d1", "displayName": "Devices",
        "passwordMinimumLength": 8,
        "assignments": [to("group", PILOTS, Some(FILTER)), to("exclusionGroup", GONE, None), to("group", HIDDEN, None)] })
}

fn access() -> Value {
    json!({ "id": "ca1", "displayName": "Require MFA", "state": "enabled", "conditions": {
        "users": { "includeUsers": ["All"], "excludeUsers": ["GuestsOrExternalUsers", USER],
            "excludeGroups": [PILOTS, GONE], "includeRoles": [ROLE] },
        "applications": { "includeApplications": ["Office365", APP] },
        "locations": { "excludeLocations": ["AllTrusted", PLACE] } } })
}

fn fill(server: &GraphServer) {
    server.add(DEVICES, [device()]);
    server.add(ACCESS, [access()]);
    let user = json!({ "@odata.type": "#microsoft.graph.user", "id": USER, "displayName": "Adele Vance" });
    server.add(OBJECTS, [group(PILOTS, &json!("Pilots")), group(HIDDEN, &Value::Null), user]);
    server.add("deviceManagement/assignmentFilters", [json!({ "id": FILTER, "displayName": "Corporate devices" })]);
    server.add("servicePrincipals", [json!({ "id": "sp", "appId": APP, "displayName": "Contoso Payroll" })]);
    server.add("directoryRoleTemplates", [json!({ "id": ROLE, "displayName": "Global Administrator" })]);
    server.add("identity/conditionalAccess/namedLocations", [json!({ "id": PLACE, "displayName": "Head office" })]);
}

fn server() -> (Runtime, GraphServer) {
    let (runtime, server) = server_on_threads();
    fill(&server);
    (runtime, server)
}

fn assignments(database: &Database) -> Vec<String> {
    database.lines(
        "SELECT intent || ' ' || target_id || ' ' || coalesce(target_name, '∅') || ' ' || coalesce(filter_name, '∅') AS line \
         FROM policy_assignments ORDER BY target_id",
    )
}

fn values(database: &Database) -> Vec<String> {
    database.lines(
        "SELECT setting_path || ' = ' || setting_value AS line FROM policy_settings \
         WHERE policy_type = 'conditional-access' AND setting_path LIKE 'conditions/%' ORDER BY setting_path",
    )
}

/// Words of enumerations in whatever case and spacing.
fn squeezed(value: &str) -> String {
    value.replace(' ', "").to_lowercase()
}

fn people_and_groups_are_named_and_their_ids_stay_beside(database: &Database) {
    let (_runtime, server) = server();
    let program = program(&server, database).env("TENANTPILOT_KIND", "device-configuration,conditional-access");
    let printed = sync(&program);
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let named = [
        format!("include {PILOTS} Pilots Corporate devices"),
        format!("exclude {GONE} (deleted) ∅"),
        format!("include {HIDDEN} (unreadable) ∅"),
    ];
    assert_eq!(assignments(database), named);
    assert_eq!(
        values(database).iter().map(|value| squeezed(value)).collect::<Vec<_>>(),
        [
            "conditions/applications/includeApplications = Office 365; Contoso Payroll".to_owned(),
            "conditions/locations/excludeLocations = All trusted; Head office".to_owned(),
            format!("conditions/users/excludeGroups = Pilots; {GONE} (deleted)"),
            "conditions/users/excludeUsers = Guests or external users; Adele Vance".to_owned(),
            "conditions/users/includeRoles = Global Administrator".to_owned(),
            "conditions/users/includeUsers = All".to_owned(),
        ]
        .map(|value| squeezed(&value))
    );
    let raw = database
        .line("SELECT raw_value AS line FROM policy_settings WHERE setting_path = 'conditions/users/excludeGroups'");
    assert_eq!(raw, json!([PILOTS, GONE]).to_string());

    // a group that has another name now is no change, and its rows have it
    server.remove(OBJECTS, PILOTS);
    server.add(OBJECTS, [group(PILOTS, &json!("Early adopters"))]);
    let printed = sync(&program);
    assert_eq!(assignments(database)[0], format!("include {PILOTS} Early adopters Corporate devices"));
    assert!(values(database)[2].contains("Early adopters"));
    assert_eq!(database.count("setting_changes"), 0);
    assert_eq!(report(&printed)["tenants"][0]["totals"]["changed"], 0);
    // while nothing changes, nothing is written again
    let before = database.line("SELECT CAST(MAX(updated_at) AS text) AS line FROM settings");
    sync(&program);
    assert_eq!(database.line("SELECT CAST(MAX(updated_at) AS text) AS line FROM settings"), before);
}

fn without_the_permission_the_ids_stay(database: &Database) {
    let (_runtime, server) = server();
    let forbidden = Effect::Status(403, "Authorization_RequestDenied", "Insufficient privileges", Vec::new());
    server.fault(Fault::on("directoryObjects", forbidden));
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    assert!(printed.stderr.contains("Directory.Read.All"), "{}", printed.stderr);
    let tenant = &report(&printed)["tenants"][0];
    assert_eq!((tenant["status"].as_str(), tenant["warnings"].as_array().unwrap().len()), (Some("succeeded"), 1));
    assert_eq!(assignments(database)[0], format!("include {PILOTS} ∅ Corporate devices"));
    // with it, names come without a change
    server.heal();
    sync(&program(&server, database));
    assert_eq!(assignments(database)[0], format!("include {PILOTS} Pilots Corporate devices"));
    assert_eq!(database.count("setting_changes"), 0);
}

on_both!(people_and_groups_are_named_and_their_ids_stay_beside, without_the_permission_the_ids_stay);

#[tokio::test(flavor = "multi_thread")]
async fn names_of_an_earlier_sync_stay_where_graph_fails() {
    let setup = Setup::new().await;
    fill(&setup.server);
    let kinds = ["device-configuration", "conditional-access"];
    assert_eq!(setup.sync(&kinds).await.report.status, Status::Succeeded);
    let value = async || {
        let rows = setup.settings().await;
        let row = rows.into_iter().find(|row| row.setting_path == "conditions/users/excludeGroups").unwrap();
        row.setting_value.unwrap()
    };
    let named = value().await;
    setup.server.fault(Fault::on("getByIds", Effect::status(500)));
    let synced = setup.sync(&kinds).await;
    assert_eq!(synced.report.status, Status::Succeeded);
    assert_eq!(synced.report.warnings.len(), 1, "{:?}", synced.report.warnings);
    assert_eq!(value().await, named);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_ids_are_one_request() {
    let setup = Setup::new().await;
    let id = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
    let policy = |n: usize| {
        json!({ "@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": format!("d{n}"),
            "displayName": format!("Device {n}"), "passwordMinimumLength": 8,
            "assignments": [{ "target": { "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": id(n) } }] })
    };
    setup.server.add(DEVICES, (1..=1_500).map(policy));
    setup.server.add(OBJECTS, (1..=1_500).map(|n| group(&id(n), &json!(format!("Group {n}")))));
    setup.sync(&["device-configuration"]).await;
    // pages of 1,000 and 500 policies
    assert_eq!(setup.server.count("getByIds"), 2);
    // what is stored is asked for with the first page
    setup.sync(&["device-configuration"]).await;
    assert_eq!(setup.server.count("getByIds"), 4);
    assert_eq!(setup.server.count_in_batch("directoryObjects"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_wait_for_their_turn_are_asked_for_together() {
    let setup = Setup::new().await;
    let kinds = ["device-configuration", "compliance", "windows-script", "macos-script", "remediation"];
    for (n, kind) in kinds.iter().enumerate() {
        let group = format!("{n}{n}111111-1111-4111-8111-111111111111");
        let target = json!({ "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group });
        let policy = json!({ "id": kind, "displayName": kind, "assignments": [{ "target": target }] });
        setup.server.add(tenantpilot::registry::by_slug(kind).unwrap().endpoints[0].path, [policy]);
        setup.server.add(OBJECTS, [self::group(&group, &json!(kind))]);
    }
    setup.server.latency(std::time::Duration::from_millis(200));
    let synced = setup.sync(&kinds).await;
    assert_eq!(synced.report.status, Status::Succeeded);
    assert!(setup.server.count("getByIds") <= 3, "{}", setup.server.count("getByIds"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_that_fails_does_not_cost_the_others() {
    let setup = Setup::new().await;
    fill(&setup.server);
    setup.server.fault(Fault::on(&format!("directoryObjects/{GONE}"), Effect::status(500)));
    let synced = setup.sync(&["conditional-access"]).await;
    assert_eq!((synced.report.status, synced.report.warnings.len()), (Status::Succeeded, 1));
    let value = async |path: &str| {
        let rows = setup.settings().await;
        rows.into_iter().find(|row| row.setting_path == path).unwrap().setting_value.unwrap()
    };
    assert_eq!(value("conditions/users/excludeGroups").await, format!("Pilots; {GONE}"));
    // and it is asked for again
    setup.server.heal();
    setup.sync(&["conditional-access"]).await;
    assert_eq!(value("conditions/users/excludeGroups").await, format!("Pilots; {GONE} (deleted)"));
}
