//! Live tenants end to end: a server with real HTTP, the pipeline, a real database.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tenantpilot::{
    auth::{ClientSecret, CredentialSource},
    events::Silent,
    graph::{Options, RetryPolicy},
    policy::{SyncRequest, TenantId},
    report::{KindReport, Status},
    store::{ChangeRow, DatabaseUrl, Filter, PolicyRow, SettingRow, Store},
    sync::{self, Graph, Source, SyncError, Synced},
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    TENANT, endpoints,
    graph_server::{CLIENT_ID, CLIENT_SECRET, Effect, Fault, GraphServer, SignIn},
    http,
};

const CATALOG: &str = "deviceManagement/configurationPolicies";
const DEVICES: &str = "deviceManagement/deviceConfigurations";
const INTENTS: &str = "deviceManagement/intents";
const TEMPLATES: &str = "deviceManagement/groupPolicyConfigurations";
const SCRIPTS: &str = "deviceManagement/deviceShellScripts";

/// A tenant in a server and a database of its own.
pub(crate) struct Setup {
    pub(crate) server: GraphServer,
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(DatabaseUrl::Sqlite(folder.path().join("live.db")), None).unwrap();
        Self { server: GraphServer::start().await, store, _folder: folder }
    }

    pub(crate) async fn sync(&self, kinds: &[&str]) -> Synced {
        self.sync_until(kinds, CancellationToken::new()).await
    }

    async fn sync_until(&self, kinds: &[&str], stop: CancellationToken) -> Synced {
        self.sync_within(kinds, stop, Duration::from_mins(1)).await
    }

    pub(crate) async fn sync_within(&self, kinds: &[&str], stop: CancellationToken, longest: Duration) -> Synced {
        let graph = Graph {
            http: http(),
            endpoints: endpoints(self.server.url()),
            credentials: CredentialSource::ClientSecret(ClientSecret::new(CLIENT_ID, CLIENT_SECRET)),
            options: Options { rate: 0, retry: RetryPolicy::immediate(), ..Options::default() },
        };
        let request = SyncRequest {
            tenant: TenantId::new(TENANT),
            kinds: (!kinds.is_empty()).then(|| kinds.iter().map(|kind| (*kind).to_owned()).collect()),
            trigger: "cli",
            job_id: None,
            script_content: tenantpilot::policy::ScriptContent::Full,
            dry_run: false,
            wait: false,
        };
        sync::run(request, Source::Graph(Box::new(graph)), &self.store, Arc::new(Silent), stop, longest).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut tenantpilot::store::Session, &mut Vec<T>) + Send + 'static,
    ) -> Vec<T> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || {
            let mut rows = Vec::new();
            read(&mut store.open_read_only().unwrap(), &mut rows);
            rows
        })
        .await
        .unwrap()
    }

    pub(crate) async fn policies(&self) -> Vec<PolicyRow> {
        self.read(|session, rows| {
            session
                .policies(&Filter::default(), &mut |row| {
                    rows.push(row);
                    Ok(())
                })
                .unwrap();
        })
        .await
    }

    pub(crate) async fn settings(&self) -> Vec<SettingRow> {
        self.read(|session, rows| {
            let all = Filter { all: true, ..Filter::default() };
            session
                .settings(&all, &mut |row| {
                    rows.push(row);
                    Ok(())
                })
                .unwrap();
        })
        .await
    }

    pub(crate) async fn changes(&self) -> Vec<ChangeRow> {
        self.read(|session, rows| {
            session
                .changes(&Filter::default(), &mut |row| {
                    rows.push(row);
                    Ok(())
                })
                .unwrap();
        })
        .await
    }
}

fn catalog(id: &str, values: &[i64]) -> Value {
    let settings: Vec<Value> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            json!({ "id": index.to_string(), "settingInstance": {
                "@odata.type": "#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance",
                "settingDefinitionId": format!("device_vendor_msft_policy_config_area_setting{index}"),
                "simpleSettingValue": { "value": value } } })
        })
        .collect();
    json!({ "id": id, "name": format!("Catalog {id}"), "platforms": "windows10", "technologies": "mdm",
        "settingCount": values.len(), "settings": settings, "assignments": [] })
}

fn device(id: &str, length: i64) -> Value {
    json!({ "@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": id,
        "displayName": format!("Device {id}"), "passwordMinimumLength": length, "assignments": [] })
}

pub(crate) fn kind<'r>(synced: &'r Synced, slug: &str) -> &'r KindReport {
    synced.report.kinds.iter().find(|kind| kind.kind == slug).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_read_in_as_few_requests_as_its_list_allows() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, (0..60).map(|n| catalog(&format!("c{n}"), &[n, n])));
    setup.server.add(DEVICES, (0..30).map(|n| device(&format!("d{n}"), n)));
    let intent = |n: usize| {
        json!({ "id": format!("i{n}"), "displayName": format!("Intent {n}"), "assignments": [], "settings": [
            { "id": "s", "definitionId": "deviceConfiguration--x_pinRequired", "valueJson": "true", "value": true } ] })
    };
    setup.server.add(INTENTS, (0..230).map(intent));
    let template = |n: usize| {
        json!({ "id": format!("t{n}"), "displayName": format!("Template {n}"), "assignments": [], "definitionValues": [
            { "id": "v1", "enabled": true, "definition": { "id": "def", "displayName": "Limit the rate", "classType": "machine" },
              "presentationValues": [ { "id": "p", "value": "7", "presentation": { "id": "pres", "label": "Rate:" } } ] } ] })
    };
    setup.server.add(TEMPLATES, (0..30).map(template));

    let synced = setup.sync(&[]).await;
    assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report);
    // pages of 25 with their settings
    assert_eq!(kind(&synced, "settings-catalog").requests, 3);
    // pages, and nothing else
    assert_eq!(
        kind(&synced, "device-configuration").requests,
        kind(&synced, "device-configuration").policies.div_ceil(1000)
    );
    // a page, and its 230 policies' settings in batches of 20, a hundred policies at a time
    assert_eq!(kind(&synced, "intent").requests, 1 + 5 + 5 + 2);
    // a page, 30 policies' values in two batches, 30 values' presentations in two batches
    assert_eq!(kind(&synced, "administrative-template").requests, 1 + 2 + 2);
    assert_eq!(kind(&synced, "settings-catalog").settings, 120);
    let rows = setup.settings().await;
    let value = |policy: &str, name: &str| {
        let row = rows.iter().find(|row| row.graph_policy_id == policy && row.setting_name == name);
        row.unwrap_or_else(|| panic!("no `{name}` of {policy}")).setting_value.clone().unwrap()
    };
    assert_eq!(value("t7", "Limit the rate"), "Enabled");
    assert_eq!(value("t7", "Limit the rate > Rate"), "7");
    assert_eq!(value("d29", "Password Minimum Length"), "29");
    assert!(rows.iter().any(|row| row.graph_policy_id == "i229" && row.setting_value.as_deref() == Some("True")));
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_policies_are_told_apart_from_changed_ones() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, [catalog("a", &[1, 2]), catalog("b", &[3])]);
    assert_eq!(setup.sync(&["settings-catalog"]).await.report.totals.added, 3);
    setup.server.remove(CATALOG, "a");
    setup.server.add(CATALOG, [catalog("a", &[1, 5])]);
    let totals = setup.sync(&["settings-catalog"]).await.report.totals;
    assert_eq!((totals.added, totals.changed, totals.removed, totals.unchanged), (0, 1, 0, 2));
    let changes = setup.changes().await;
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].old_value.as_deref(), changes[0].new_value.as_deref()), (Some("2"), Some("5")));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_come_short_are_read_once_more_in_another_way() {
    let setup = Setup::new().await;
    let mut short = catalog("a", &[1, 2]);
    short["settingCount"] = json!(3);
    setup.server.add(CATALOG, [short, catalog("b", &[1])]);
    let synced = setup.sync(&["settings-catalog"]).await;
    // read again, and still short: stored, named and counted
    assert_eq!(setup.server.count_in_batch("/a/settings"), 1);
    assert_eq!(setup.server.count_in_batch("/b/settings"), 0);
    assert_eq!(kind(&synced, "settings-catalog").incomplete, 1);
    assert_eq!(synced.report.status, Status::Partial);
    assert_eq!(synced.report.problems[0].code, "incomplete");
    let policies = setup.policies().await;
    assert!(!policies.iter().find(|policy| policy.graph_policy_id == "a").unwrap().complete);
    // it is told as long as it lasts, also where nothing has changed
    assert_eq!(kind(&setup.sync(&["settings-catalog"]).await, "settings-catalog").incomplete, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_the_list_gives_in_part_are_read_whole() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, [catalog("a", &[1, 2])]);
    let mut first = catalog("a", &[1]);
    first["settingCount"] = Value::Null;
    first["settings@odata.nextLink"] = json!("https://graph.microsoft.com/beta/x/settings?$skip=1");
    let page = json!({ "value": [first] }).to_string();
    setup.server.fault(Fault::on("configurationPolicies?", Effect::Body(Box::leak(page.into_boxed_str()))));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report);
    assert_eq!(setup.settings().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expand_that_a_service_does_not_know_is_done_without() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, [catalog("a", &[1, 2]), catalog("b", &[3])]);
    setup.server.fault(Fault::on("expand=settings", Effect::status(400)));
    let synced = setup.sync(&["settings-catalog"]).await;
    assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report);
    assert_eq!(setup.settings().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_gone_is_removed_only_where_graph_knows_it_no_longer() {
    let setup = Setup::new().await;
    setup.server.add(DEVICES, [device("a", 1), device("b", 2), device("c", 3)]);
    setup.sync(&["device-configuration"]).await;
    setup.server.remove(DEVICES, "b");
    // the listing does not show `c` either, which is there
    let page = json!({ "value": [device("a", 1)] }).to_string();
    setup.server.fault(Fault::on("deviceConfigurations?", Effect::Body(Box::leak(page.into_boxed_str()))));
    let synced = setup.sync(&["device-configuration"]).await;
    assert_eq!(kind(&synced, "device-configuration").removed, 1);
    let left: Vec<_> = setup.policies().await.into_iter().map(|policy| policy.graph_policy_id).collect();
    assert_eq!(left, ["a", "c"]);
    let changes = setup.changes().await;
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].change.as_str(), changes[0].graph_policy_id.as_str()), ("removed", "b"));
}

fn body(value: &Value) -> Effect {
    Effect::Body(Box::leak(value.to_string().into_boxed_str()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_which_graph_does_not_say_that_it_is_gone_is_told() {
    let setup = Setup::new().await;
    setup.server.add(DEVICES, [device("a", 1), device("b", 2)]);
    setup.sync(&["device-configuration"]).await;
    setup.server.remove(DEVICES, "b");
    setup.server.fault(Fault::on("deviceConfigurations/b", Effect::Status(403, "Forbidden", "not now", Vec::new())));
    let synced = setup.sync(&["device-configuration"]).await;
    let told = &synced.report.problems[0];
    assert_eq!((told.code, told.policy.as_str()), ("forbidden", "b"));
    assert_eq!(kind(&synced, "device-configuration").status, Status::Partial);
    assert_eq!(setup.policies().await.len(), 2);
    setup.server.heal();
    let synced = setup.sync(&["device-configuration"]).await;
    assert_eq!((synced.report.status, kind(&synced, "device-configuration").removed), (Status::Succeeded, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_pages_of_a_policy_show_is_one_setting() {
    let setup = Setup::new().await;
    let setting =
        |n: i64| json!({ "id": "s", "definitionId": format!("deviceConfiguration--x_pin{n}"), "valueJson": "1" });
    setup.server.add(INTENTS, [json!({ "id": "a", "displayName": "a", "assignments": [], "settings": [setting(1)] })]);
    let next = format!("{}/beta/second", setup.server.url());
    let first = json!({ "value": [setting(1), setting(2)], "@odata.nextLink": next });
    setup.server.fault(Fault::on("/a/settings", body(&first)));
    setup.server.fault(Fault::on("beta/second", body(&json!({ "value": [setting(2), setting(3)] }))));
    let synced = setup.sync(&["intent"]).await;
    assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report);
    assert_eq!(setup.settings().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_ends_in_an_error_is_no_whole_list() {
    let setup = Setup::new().await;
    setup.server.add(DEVICES, [device("a", 1), device("b", 2)]);
    setup.sync(&["device-configuration"]).await;
    let half = json!({ "value": [device("a", 5)], "error": { "code": "Timeout", "message": "too late" } });
    setup.server.fault(Fault::on("deviceConfigurations?", body(&half)));
    let synced = setup.sync(&["device-configuration"]).await;
    let failed = kind(&synced, "device-configuration");
    assert_eq!((failed.status, failed.error.as_ref().unwrap().code), (Status::Failed, "bad_response"));
    assert!(setup.changes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_an_expand_gives_is_not_taken_for_gone_without_it() {
    const APPS: &str = "deviceAppManagement/iosManagedAppProtections";
    let setup = Setup::new().await;
    let apps = json!([{ "mobileAppIdentifier": { "bundleId": "com.contoso.app" } }]);
    let policy = json!({ "@odata.type": "#microsoft.graph.iosManagedAppProtection", "id": "a", "displayName": "a",
        "pinRequired": true, "apps": apps, "assignments": [] });
    setup.server.add(APPS, [policy]);
    assert_eq!(setup.sync(&["app-protection"]).await.report.status, Status::Succeeded);
    let before = setup.settings().await.len();
    setup.server.fault(Fault::on("iosManagedAppProtections?", Effect::status(400)).times(1));
    let page = json!({ "value": [{ "@odata.type": "#microsoft.graph.iosManagedAppProtection", "id": "a", "displayName": "a",
        "pinRequired": true, "assignments": [] }] });
    setup.server.fault(Fault::on("iosManagedAppProtections?", body(&page)));
    let synced = setup.sync(&["app-protection"]).await;
    assert_eq!(synced.report.problems[0].code, "incomplete", "{:?}", synced.report);
    assert_eq!((setup.settings().await.len(), setup.changes().await.len()), (before, 0));
    setup.server.heal();
    assert_eq!(setup.sync(&["app-protection"]).await.report.status, Status::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn assignments_that_go_on_behind_a_link_are_not_taken_for_all() {
    const SCRIPTS: &str = "deviceManagement/deviceManagementScripts";
    let setup = Setup::new().await;
    let everybody = json!({ "id": "1", "target": { "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget" } });
    let users = json!({ "id": "2", "target": { "@odata.type": "#microsoft.graph.allLicensedUsersAssignmentTarget" } });
    let mut listed = script("a");
    listed["assignments"] = json!([everybody, users]);
    setup.server.add(SCRIPTS, [listed.clone()]);
    setup.sync(&["windows-script"]).await;
    listed["assignments"] = json!([everybody]);
    listed["assignments@odata.nextLink"] = json!(format!("{}/beta/more", setup.server.url()));
    setup.server.fault(Fault::on("deviceManagementScripts?", body(&json!({ "value": [listed] }))));
    let synced = setup.sync(&["windows-script"]).await;
    assert_eq!(synced.report.problems[0].code, "incomplete", "{:?}", synced.report);
    assert!(setup.changes().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_an_item_that_is_no_policy_is_not_told() {
    let setup = Setup::new().await;
    setup.server.fault(Fault::on("deviceConfigurations?", body(&json!({ "value": ["hunter2"] }))));
    let synced = setup.sync(&["device-configuration"]).await;
    assert_eq!(synced.report.problems[0].message, "an item that is no JSON object");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_fails_half_way_keeps_what_came_and_removes_nothing() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, (0..60).map(|n| catalog(&format!("c{n}"), &[n])));
    setup.server.add(DEVICES, [device("d", 1)]);
    assert_eq!(setup.sync(&["settings-catalog", "device-configuration"]).await.report.status, Status::Succeeded);
    setup.server.remove(CATALOG, "c0");
    setup.server.fault(Fault::on("configurationPolicies", Effect::status(500)).after(1));
    let synced = setup.sync(&["settings-catalog", "device-configuration"]).await;
    let failed = kind(&synced, "settings-catalog");
    assert_eq!((failed.status, failed.removed, failed.policies), (Status::Failed, 0, 60));
    assert!(failed.error.as_ref().unwrap().message.contains("settings-catalog"));
    assert_eq!(kind(&synced, "device-configuration").status, Status::Succeeded);
    assert_eq!(synced.report.status, Status::Partial);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_link_fails_its_kind_alone() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, [catalog("a", &[1])]);
    setup.server.add(DEVICES, [device("d", 1)]);
    setup.server.fault(Fault::on("configurationPolicies", Effect::NextLink("http://127.0.0.1:9/beta/x".to_owned())));
    let synced = setup.sync(&["settings-catalog", "device-configuration"]).await;
    assert_eq!(kind(&synced, "settings-catalog").error.as_ref().unwrap().code, "foreign_link");
    assert_eq!(setup.policies().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn details_that_fail_cost_their_policy_and_keep_its_rows() {
    let setup = Setup::new().await;
    let intent = |id: &str, pin: bool| {
        json!({ "id": id, "displayName": id, "assignments": [], "settings": [
            { "id": "s", "definitionId": "deviceConfiguration--x_pinRequired", "valueJson": pin.to_string() } ] })
    };
    setup.server.add(INTENTS, [intent("a", true), intent("b", true)]);
    setup.sync(&["intent"]).await;
    setup.server.fault(Fault::on("/a/settings", Effect::Status(403, "Forbidden", "not this one", Vec::new())));
    let synced = setup.sync(&["intent"]).await;
    let intents = kind(&synced, "intent");
    assert_eq!((intents.status, intents.skipped, intents.removed, intents.policies), (Status::Partial, 1, 0, 2));
    assert_eq!(synced.report.problems[0].policy, "a");
    assert_eq!(setup.settings().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_deleted_while_it_is_read_is_no_failure() {
    let setup = Setup::new().await;
    setup.server.add(INTENTS, [intent("a"), intent("b")]);
    setup.sync(&["intent"]).await;
    // both were there when the list was read, one of them never before
    let listed = |id: &str| json!({ "id": id, "displayName": id, "assignments": [] });
    let page = json!({ "value": [listed("a"), listed("b"), listed("c")] }).to_string();
    setup.server.fault(Fault::on("intents?$expand", Effect::Body(Box::leak(page.into_boxed_str()))));
    setup.server.fault(Fault::on("intents/c", not_found()));
    setup.server.remove(INTENTS, "a");
    let synced = setup.sync(&["intent"]).await;
    assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report.problems);
    let left: Vec<_> = setup.policies().await.into_iter().map(|policy| policy.graph_policy_id).collect();
    assert_eq!(left, ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_kind_names_its_permission_and_the_rest_goes_on() {
    let setup = Setup::new().await;
    setup.server.add(DEVICES, [device("d", 1)]);
    let forbidden = || Effect::Status(403, "Forbidden", "Application is not authorized", Vec::new());
    setup.server.fault(Fault::on("deviceHealthScripts", forbidden()));
    let synced = setup.sync(&["remediation", "device-configuration"]).await;
    let error = kind(&synced, "remediation").error.clone().unwrap();
    assert_eq!(error.code, "forbidden");
    assert!(error.hint.unwrap().contains("DeviceManagementScripts.Read.All"));
    assert_eq!(synced.report.status, Status::Partial);

    setup.server.fault(Fault::on("deviceManagement", forbidden()));
    let synced = setup.sync(&["remediation", "device-configuration"]).await;
    assert_eq!(synced.report.status, Status::Failed);
    assert_eq!(synced.report.error.unwrap().code, "forbidden");
    assert_eq!(setup.policies().await.len(), 1, "what was there stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_without_licence_is_skipped_and_no_failure() {
    let setup = Setup::new().await;
    setup.server.add(DEVICES, [device("d", 1)]);
    let unlicensed = Effect::Status(400, "BadRequest", "Request not applicable to target tenant.", Vec::new());
    setup.server.fault(Fault::on("configurationPolicies", unlicensed));
    let synced = setup.sync(&["settings-catalog", "device-configuration"]).await;
    assert_eq!(kind(&synced, "settings-catalog").status, Status::Skipped);
    assert_eq!(kind(&synced, "settings-catalog").error.as_ref().unwrap().code, "not_licensed");
    assert_eq!(synced.report.status, Status::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out_and_counted() {
    let setup = Setup::new().await;
    setup.server.add(DEVICES, [device("d", 1)]);
    setup.server.fault(Fault::on("deviceConfigurations", Effect::throttled("1")).times(1));
    let synced = setup.sync(&["device-configuration"]).await;
    let devices = kind(&synced, "device-configuration");
    assert_eq!((devices.status, devices.throttled, devices.requests), (Status::Succeeded, 1, 2));
    assert!(devices.waited_ms >= 900, "{}", devices.waited_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_fails_the_tenant_and_closes_its_run() {
    let setup = Setup::new().await;
    setup.server.sign_in(TENANT, SignIn::EXPIRED_SECRET);
    let synced = setup.sync(&[]).await;
    assert!(matches!(synced.error, Some(SyncError::SignIn(_))), "{:?}", synced.error);
    assert_eq!(synced.report.error.unwrap().code, "sign_in");
    let runs = setup
        .read(|session, rows| {
            session
                .runs(&Filter::default(), &mut |row| {
                    rows.push(row);
                    Ok(())
                })
                .unwrap();
        })
        .await;
    assert_eq!((runs[0].status.as_str(), runs[0].error_code.as_deref()), ("failed", Some("sign_in")));
    assert!(runs[0].finished_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_is_closed_as_interrupted() {
    let setup = Setup::new().await;
    setup.server.add(CATALOG, (0..200).map(|n| catalog(&format!("c{n}"), &[n])));
    setup.server.latency(Duration::from_millis(100));
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(450)).await;
        stopped.cancel();
    });
    let started = std::time::Instant::now();
    let synced = setup.sync_until(&[], stop).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(synced.report.status, Status::Interrupted);
    let runs = setup
        .read(|session, rows| {
            session
                .runs(&Filter::default(), &mut |row| {
                    rows.push(row);
                    Ok(())
                })
                .unwrap();
        })
        .await;
    assert_eq!(runs[0].status, "interrupted");
    // and the next one ends as if nothing had been
    setup.server.latency(Duration::ZERO);
    assert_eq!(setup.sync(&[]).await.report.status, Status::Succeeded);
    assert_eq!(setup.policies().await.len(), 200);
    assert_eq!(setup.changes().await.len(), 0);
}

fn script(id: &str) -> Value {
    json!({ "id": id, "displayName": format!("Script {id}"), "fileName": "dock.sh", "scriptContent": "ZWNobyBoaQ==" })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_policy_replaces_no_policy() {
    let setup = Setup::new().await;
    setup.server.add(SCRIPTS, [script("a"), script("b")]);
    setup.server.object("deviceManagement", json!({ "settings": { "secureByDefault": true } }));
    let kinds = ["macos-script", "tenant-settings"];
    assert_eq!(setup.sync(&kinds).await.report.status, Status::Succeeded);
    let rows = async || {
        let rows = setup.settings().await.into_iter();
        rows.map(|row| (row.graph_policy_id, row.setting_path, row.raw_value)).collect::<Vec<_>>()
    };
    let stored = rows().await;
    for (body, told) in [
        (r#"{"error":{"code":"InternalError","message":"oops"}}"#, "InternalError: oops"),
        (r#"{"id":"b","displayName":"Script b","scriptContent":"eA=="}"#, "another"),
        (r#"{"displayName":"Script a"}"#, "without its id"),
        ("{}", "without its id"),
    ] {
        setup.server.heal();
        setup.server.fault(Fault::on("deviceShellScripts/a", Effect::Body(body)));
        let synced = setup.sync(&kinds).await;
        assert_eq!(kind(&synced, "macos-script").status, Status::Partial, "{body}");
        let [problem] = synced.report.problems.as_slice() else { panic!("{:?}", synced.report.problems) };
        assert_eq!((problem.code, problem.policy.as_str()), ("bad_response", "a"));
        assert!(problem.message.contains(told), "{}", problem.message);
        assert_eq!(rows().await, stored, "{body}");
    }
    for (body, told) in [
        (r#"{"error":{"code":"InternalError","message":"oops"}}"#, "InternalError: oops"),
        ("{}", "`settings`"),
        (r#"{"settings":null}"#, "`settings`"),
    ] {
        setup.server.heal();
        setup.server.fault(Fault::on("deviceManagement?$select", Effect::Body(body)));
        let synced = setup.sync(&kinds).await;
        let failed = kind(&synced, "tenant-settings");
        assert_eq!(failed.status, Status::Failed, "{body}");
        assert!(failed.error.as_ref().unwrap().message.contains(told), "{:?}", failed.error);
        assert_eq!(rows().await, stored, "{body}");
    }
    assert_eq!(setup.changes().await.len(), 0);
    // an id in other letters is the same one
    setup.server.heal();
    let same = r#"{"id":"A","displayName":"Script a","fileName":"dock.sh","scriptContent":"ZWNobyBoaQ=="}"#;
    setup.server.fault(Fault::on("deviceShellScripts/a", Effect::Body(same)));
    assert_eq!(setup.sync(&kinds).await.report.status, Status::Succeeded);
}

fn intent(id: &str) -> Value {
    json!({ "id": id, "displayName": id, "assignments": [], "settings": [
        { "id": "s", "definitionId": "deviceConfiguration--x_pinRequired", "valueJson": "true" } ] })
}

fn not_found() -> Effect {
    Effect::Status(404, "ResourceNotFound", "no such thing", Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_its_list_shows_is_never_taken_for_deleted() {
    let setup = Setup::new().await;
    setup.server.add(INTENTS, [intent("a"), intent("b")]);
    assert_eq!(setup.sync(&["intent"]).await.report.status, Status::Succeeded);
    // its details alone, then the policy itself as well
    for path in ["intents/a/settings", "intents/a"] {
        setup.server.heal();
        setup.server.fault(Fault::on(path, not_found()));
        let synced = setup.sync(&["intent"]).await;
        let intents = kind(&synced, "intent");
        assert_eq!((intents.status, intents.skipped, intents.removed), (Status::Partial, 1, 0), "{path}");
        let [problem] = synced.report.problems.as_slice() else { panic!("{:?}", synced.report.problems) };
        assert_eq!((problem.code, problem.policy.as_str()), ("bad_response", "a"));
        assert_eq!((setup.policies().await.len(), setup.settings().await.len()), (2, 2), "{path}");
    }
    assert_eq!(setup.changes().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_answer_in_a_batch_takes_nothing_from_the_first() {
    let setup = Setup::new().await;
    setup.server.add(INTENTS, [intent("a"), intent("b")]);
    setup.server.fault(Fault::on("intents/a/settings", Effect::Twice));
    assert_eq!(setup.sync(&["intent"]).await.report.status, Status::Succeeded);
    assert_eq!(setup.settings().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_was_not_read_in_time_is_in_the_summary() {
    let setup = Setup::new().await;
    setup.server.add(DEVICES, [device("d", 1)]);
    setup.server.fault(Fault::on("deviceCompliancePolicies", Effect::Hang));
    let kinds = ["device-configuration", "compliance"];
    let synced = setup.sync_within(&kinds, CancellationToken::new(), Duration::from_secs(2)).await;
    assert_eq!(synced.report.error.as_ref().unwrap().code, "timeout");
    let late = kind(&synced, "compliance");
    assert_eq!((late.status, late.error.as_ref().unwrap().code), (Status::Failed, "timeout"));
    assert_eq!(kind(&synced, "device-configuration").status, Status::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_without_a_word_inside_a_batch_costs_its_policy() {
    let setup = Setup::new().await;
    setup.server.add(INTENTS, [intent("a"), intent("b")]);
    setup.server.fault(Fault::on("intents/a/settings", Effect::Bare(401)));
    let synced = setup.sync(&["intent"]).await;
    let intents = kind(&synced, "intent");
    assert_eq!((intents.status, intents.skipped, intents.policies), (Status::Partial, 1, 1), "{:?}", intents.error);
    assert_eq!((synced.report.problems[0].code, synced.report.problems[0].policy.as_str()), ("forbidden", "a"));
}
