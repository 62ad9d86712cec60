//! Every kind of the registry read live: from a server that leaves out of its lists what Graph leaves out, the rows
//! are those of the same policies in files.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tenantpilot::{
    events::Silent,
    fixtures::Folder,
    policy::{ScriptContent, SyncRequest, TenantId},
    registry::{Details, POLICY_KINDS, PolicyKind},
    report::Status,
    store::SettingRow,
    sync::{self, Source},
};
use tokio_util::sync::CancellationToken;

use crate::{
    live::{Setup, kind},
    support::{
        database::Database,
        graph_server::{Effect, Fault},
    },
};

/// A script that Microsoft ships to everybody, which is no policy of the tenant; and an export whose values have no
/// ids to ask for presentations by, as Graph's always have.
const NOT_LISTED: [&str; 2] = ["Restart stopped Office C2R svc", "Edge - Computer"];
/// The latter's id: the server is not to list it.
const WITHOUT_IDS: &str = "53c632cb-e00c-4962-8b94-d34e2ce3b337";

/// What a row says, its policy told by name; the server has none of the groups that the fixtures speak of.
fn told(rows: Vec<SettingRow>) -> BTreeSet<(String, String, Option<String>, Option<String>)> {
    let value = |value: Option<String>| value.map(|value| value.replace(" (deleted)", ""));
    rows.into_iter().map(|row| (row.policy_name, row.setting_path, value(row.setting_value), row.raw_value)).collect()
}

async fn imported(kind: &PolicyKind, folder: &Path) -> BTreeSet<(String, String, Option<String>, Option<String>)> {
    let setup = Setup::new().await;
    let request = SyncRequest {
        tenant: TenantId::new("files"),
        kinds: Some(vec![kind.slug().to_owned()]),
        trigger: "cli",
        job_id: None,
        script_content: ScriptContent::Full,
        dry_run: false,
        wait: false,
    };
    let source = Source::Folder(Folder::open(folder).unwrap());
    let stop = CancellationToken::new();
    let synced = sync::run(request, source, &setup.store, Arc::new(Silent), stop, Duration::from_mins(1)).await;
    assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report);
    told(setup.settings().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_read_live_as_from_its_files() {
    for of in POLICY_KINDS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kinds").join(of.slug());
        let setup = Setup::new().await;
        if of.is_singleton() {
            let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
            let object: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            setup.server.object(of.endpoints[0].path, object);
        } else {
            setup.server.add_folder(&folder, &[]).unwrap();
            setup.server.remove("deviceManagement/groupPolicyConfigurations", WITHOUT_IDS);
            // the list of all names is never empty
            for names in ["configurationSettings", "complianceSettings", "reusableSettings"] {
                let other = json!({ "id": "other", "displayName": "Other" });
                setup.server.add(&format!("deviceManagement/{names}"), [other]);
            }
        }
        let synced = setup.sync(&[of.slug()]).await;
        assert_eq!(synced.report.status, Status::Succeeded, "{}: {:?}", of.slug(), synced.report);
        assert!(synced.report.warnings.is_empty(), "{}: {:?}", of.slug(), synced.report.warnings);
        let live = told(setup.settings().await);
        assert!(!live.is_empty(), "{}", of.slug());
        let files = imported(of, &folder).await;
        let missing: Vec<_> = files.difference(&live).filter(|row| !NOT_LISTED.contains(&row.0.as_str())).collect();
        assert!(missing.is_empty(), "{}: {missing:#?}", of.slug());
        let more: Vec<_> = live.difference(&files).collect();
        assert!(more.is_empty(), "{}: {more:#?}", of.slug());
        // and once more without a change
        let totals = setup.sync(&[of.slug()]).await.report.totals;
        assert_eq!((totals.added, totals.changed, totals.removed), (0, 0, 0), "{}", of.slug());
        // what the list gives in full is not asked for again
        let endpoints = of.endpoints.len() as u64;
        if of.endpoints.iter().all(|endpoint| matches!(endpoint.details, Details::None | Details::Singleton)) {
            assert_eq!(kind(&synced, of.slug()).requests, endpoints, "{}", of.slug());
        }
    }
}

#[test]
fn of_scripts_only_the_hash_is_kept_where_that_is_asked_for() {
    let database = Database::sqlite();
    let program = database.program();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kinds/remediation");
    let scripts = || {
        database.lines(
            "SELECT setting_value || '|' || coalesce(raw_value, '∅') AS line FROM policy_settings \
             WHERE setting_path LIKE '%ScriptContent' ORDER BY setting_path",
        )
    };
    program.sync_with(&folder, &["--script-content", "hash"]);
    let hashes = scripts();
    assert!(!hashes.is_empty());
    for hash in hashes {
        assert!(hash.starts_with("sha256:") && hash.ends_with(" bytes)|∅"), "{hash}");
    }
    // asked for otherwise, the text is back although the policy is the same
    program.sync(&folder);
    assert!(scripts().iter().all(|script| !script.starts_with("sha256:") && !script.ends_with('∅')));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_not_there_does_not_cost_the_others() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kinds/app-protection");
    for fault in [
        Effect::Status(404, "ResourceNotFound", "no such thing", Vec::new()),
        Effect::Status(400, "BadRequest", "Resource not found for the segment", Vec::new()),
    ] {
        let setup = Setup::new().await;
        setup.server.add_folder(&folder, &[]).unwrap();
        setup.server.fault(Fault::on("iosManagedAppProtections", fault));
        let synced = setup.sync(&["app-protection"]).await;
        assert_eq!(synced.report.status, Status::Succeeded, "{:?}", synced.report);
        let types: BTreeSet<_> = setup.policies().await.into_iter().filter_map(|policy| policy.graph_type).collect();
        assert!(types.iter().any(|name| name.starts_with("android")), "{types:?}");
        assert!(!types.iter().any(|name| name.starts_with("ios")), "{types:?}");
    }
    // one that may not be read fails the kind, and the others are there
    let setup = Setup::new().await;
    setup.server.add_folder(&folder, &[]).unwrap();
    let forbidden = Effect::Status(403, "Forbidden", "not authorized", Vec::new());
    setup.server.fault(Fault::on("iosManagedAppProtections", forbidden));
    let synced = setup.sync(&["app-protection"]).await;
    assert_eq!(kind(&synced, "app-protection").status, Status::Failed);
    assert!(!setup.policies().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expand_that_a_kind_does_not_know_is_done_without() {
    // settings of an app's configuration come by no other way: what came is stored, and told as not all
    for (slug, status) in [
        ("autopilot", Status::Succeeded),
        ("feature-update", Status::Succeeded),
        ("windows-script", Status::Succeeded),
        ("app-configuration", Status::Partial),
    ] {
        let setup = Setup::new().await;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kinds").join(slug);
        setup.server.add_folder(&folder, &[]).unwrap();
        setup.server.fault(Fault::on("$expand", Effect::status(400)));
        let synced = setup.sync(&[slug]).await;
        assert_eq!(synced.report.status, status, "{:?}", synced.report);
        assert!(!setup.policies().await.is_empty());
    }
}

fn protection(platform: &str, id: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{platform}ManagedAppProtection"), "id": id, "displayName": id,
        "pinRequired": true, "apps": [], "assignments": [] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_that_is_gone_takes_no_policy_along() {
    const IOS: &str = "deviceAppManagement/iosManagedAppProtections";
    const ANDROID: &str = "deviceAppManagement/androidManagedAppProtections";
    for status in [400, 404] {
        let setup = Setup::new().await;
        setup.server.add(IOS, [protection("ios", "i1"), protection("ios", "i2")]);
        setup.server.add(ANDROID, [protection("android", "a1"), protection("android", "a2")]);
        let gone = || Effect::Status(status, "ResourceNotFound", "Resource not found for the segment", Vec::new());
        assert_eq!(setup.sync(&["app-protection"]).await.report.status, Status::Succeeded);
        // its list and its policies: they stay, and what is known to be of another collection goes
        setup.server.fault(Fault::on(IOS, gone()));
        setup.server.remove(ANDROID, "a1");
        let synced = setup.sync(&["app-protection"]).await;
        let failed = kind(&synced, "app-protection");
        assert_eq!(failed.status, Status::Partial);
        assert!(failed.error.as_ref().unwrap().message.contains(IOS), "{:?}", failed.error);
        let left: Vec<_> = setup.policies().await.into_iter().map(|policy| policy.graph_policy_id).collect();
        assert_eq!(left, ["a2", "i1", "i2"]);

        // on a later page it is no collection that is missing
        setup.server.heal();
        setup.server.page_size(1);
        setup.server.fault(Fault::on(IOS, gone()).after(1));
        let synced = setup.sync(&["app-protection"]).await;
        assert_eq!(kind(&synced, "app-protection").status, Status::Failed);
        assert_eq!(setup.policies().await.len(), 3);
    }
}
