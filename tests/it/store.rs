//! What the databases hold after syncs: one contract, run on SQLite and on PostgreSQL.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    cli::Program,
    database::{Database, on_both},
    export::{Export, catalog, choice, device_configuration, groups, text},
    postgres::{self, GUEST, GUEST_PASSWORD},
};

on_both!(
    a_first_sync_records_no_change,
    a_renamed_setting_is_no_change,
    another_order_is_no_change,
    a_change_is_recorded_once,
    a_change_beside_a_withheld_secret_is_recorded,
    names_may_be_swapped_inside_a_policy,
    an_unchanged_sync_writes_no_setting_and_moves_the_time,
    a_setting_that_is_gone_is_removed_and_recorded,
    a_policy_that_is_gone_is_marked_and_its_rows_go,
    a_policy_that_comes_back_is_live_again,
    nothing_is_removed_where_a_file_could_not_be_read,
    a_file_that_could_not_be_read_makes_the_kind_of_its_folder_partial,
    kinds_that_were_not_asked_for_are_left_alone,
    changes_of_assignments_are_recorded,
    what_assignments_set_stays_where_they_are_not_told,
    a_leap_second_is_the_next_one,
    a_name_of_a_tenant_has_at_most_128_characters,
    nothing_is_recorded_before_a_listing_was_completed,
    odd_input_is_stored_and_found_again,
    a_broken_policy_costs_itself_and_keeps_its_rows,
    a_policy_that_the_database_refuses_costs_itself,
    four_at_once_migrate_once,
    a_newer_schema_is_refused,
    a_second_sync_of_a_tenant_is_refused_or_waits,
    a_killed_sync_leaves_no_lock_and_its_run_is_closed,
    a_first_sync_that_was_killed_ends_in_the_same_rows,
    the_view_has_the_columns_that_others_read,
    a_dry_run_writes_nothing_and_tells_what_would_change,
);

/// The rows of the view without times, in order.
fn rows(database: &Database) -> Vec<String> {
    database.lines(
        "SELECT tenant_id || ' | ' || graph_policy_id || ' | ' || policy_name || ' | ' || policy_type || ' | ' \
         || coalesce(platform, '∅') || ' | ' || setting_name || ' | ' || coalesce(setting_value, '∅') || ' | ' \
         || setting_path || ' | ' || coalesce(definition_id, '∅') || ' | ' || coalesce(raw_value, '∅') || ' | ' \
         || CASE WHEN configured THEN 'true' WHEN configured IS NULL THEN '∅' ELSE 'false' END AS line \
         FROM policy_settings ORDER BY tenant_id, graph_policy_id, setting_path",
    )
}

/// The recorded changes, the oldest first.
fn changes(database: &Database) -> Vec<String> {
    database.lines(
        "SELECT change || ' ' || graph_policy_id || ' ' || setting_path || ' ' || coalesce(old_value, '∅') || ' → ' \
         || coalesce(new_value, '∅') AS line FROM setting_changes ORDER BY id",
    )
}

/// When the rows of settings were made and written.
fn times(database: &Database) -> Vec<String> {
    database.lines(
        "SELECT setting_path || ' ' || CAST(created_at AS text) || ' ' || CAST(updated_at AS text) AS line \
         FROM settings ORDER BY setting_path",
    )
}

fn counts(tenant: &Value) -> [u64; 4] {
    ["added", "changed", "removed", "unchanged"].map(|count| tenant["totals"][count].as_u64().unwrap())
}

fn a_first_sync_records_no_change(database: &Database) {
    let export = Export::of(&catalog("p", "Policy", [choice("vendor_a", "1"), text("vendor_b", "x")]));
    assert_eq!(counts(&database.program().sync(export.path())), [2, 0, 0, 0]);
    assert_eq!(changes(database), Vec::<String>::new());
    assert_eq!(rows(database).len(), 2);
}

/// A policy whose export brings an official name along.
fn with_name(name: &str) -> Value {
    let mut policy = catalog("p", "Policy", [text("vendor_a", "x"), text("vendor_b", "y")]);
    policy["settings"][0]["settingDefinitions"] = json!([{"id": "vendor_a", "displayName": name}]);
    policy
}

fn a_renamed_setting_is_no_change(database: &Database) {
    let export = Export::of(&with_name("Allow A"));
    let program = database.program();
    program.sync(export.path());
    let before = times(database);
    export.put("policy.json", &with_name("Permit A"));
    assert_eq!(counts(&program.sync(export.path())), [0, 0, 0, 2]);
    assert_eq!(changes(database), Vec::<String>::new());
    assert!(rows(database)[0].contains("| Permit A |"), "{:?}", rows(database));
    let after = times(database);
    // made when its path was first seen; the neighbour was not written
    assert_eq!(after[0].split(' ').nth(2), before[0].split(' ').nth(2));
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1], before[1]);
}

fn another_order_is_no_change(database: &Database) {
    let rule = |name: &str| vec![text("vendor_rule_name", name), text("vendor_rule_port", "80")];
    let list = |items: [&str; 2]| {
        let items = items.map(|item| json!({"value": item}));
        json!({"settingDefinitionId": "vendor_list", "simpleSettingCollectionValue": items})
    };
    let export = Export::of(&catalog(
        "p",
        "Policy",
        [groups("vendor_rule", [rule("one"), rule("two")]), list(["a", "b"]), text("vendor_a", "x")],
    ));
    let program = database.program();
    program.sync(export.path());
    export.put(
        "policy.json",
        &catalog(
            "p",
            "Policy",
            [text("vendor_a", "x"), groups("vendor_rule", [rule("two"), rule("one")]), list(["b", "a"])],
        ),
    );
    assert_eq!(counts(&program.sync(export.path()))[..3], [0, 0, 0]);
    assert_eq!(changes(database), Vec::<String>::new());
    // and the rows are what the policy says now
    assert!(rows(database).iter().any(|row| row.contains(r#"["b","a"]"#)));
}

fn a_change_is_recorded_once(database: &Database) {
    let policy = |port: &str| {
        let rule = |port: &str| vec![text("vendor_rule_port", port)];
        catalog("p", "Policy", [groups("vendor_rule", [rule("80"), rule(port)]), text("vendor_a", "x")])
    };
    let export = Export::of(&policy("443"));
    let program = database.program();
    program.sync(export.path());
    let before = times(database);
    export.put("policy.json", &policy("8443"));
    assert_eq!(counts(&program.sync(export.path())), [0, 1, 0, 2]);
    program.sync(export.path());
    assert_eq!(changes(database), ["changed p vendor_rule[2]/vendor_rule_port 443 → 8443"]);
    let after = times(database);
    assert_eq!(after[..2], before[..2]);
    assert_eq!(after[2].split(' ').nth(2), before[2].split(' ').nth(2));
}

fn a_change_beside_a_withheld_secret_is_recorded(database: &Database) {
    let policy = |homepage: &str| {
        let payload = format!("<a><password>hunter2</password><homepage>{homepage}</homepage></a>");
        device_configuration("p", "Policy", &json!({"customXml": payload}))
    };
    let export = Export::of(&policy("one"));
    let program = database.program();
    program.sync(export.path());
    export.put("policy.json", &policy("two"));
    assert_eq!(counts(&program.sync(export.path())), [0, 1, 0, 0]);
    assert_eq!(changes(database).len(), 1);
    assert!(!format!("{:?}{:?}", rows(database), changes(database)).contains("hunter2"));
}

fn names_may_be_swapped_inside_a_policy(database: &Database) {
    let policy = |a: &str, b: &str| {
        let mut policy = catalog("p", "Policy", [text("vendor_a", "1"), text("vendor_b", "2")]);
        policy["settings"][0]["settingDefinitions"] =
            json!([{"id": "vendor_a", "displayName": a}, {"id": "vendor_b", "displayName": b}]);
        policy
    };
    let export = Export::of(&policy("Left", "Right"));
    let program = database.program();
    program.sync(export.path());
    let created = || {
        database
            .lines("SELECT setting_path || ' ' || CAST(created_at AS text) AS line FROM settings ORDER BY setting_path")
    };
    let before = created();
    export.put("policy.json", &policy("Right", "Left"));
    assert_eq!(counts(&program.sync(export.path())), [0, 0, 0, 2]);
    let named =
        database.lines("SELECT setting_path || ' ' || setting_name AS line FROM settings ORDER BY setting_path");
    assert_eq!(named, ["vendor_a Right", "vendor_b Left"]);
    assert_eq!(created(), before);
    assert_eq!(changes(database), Vec::<String>::new());
}

fn an_unchanged_sync_writes_no_setting_and_moves_the_time(database: &Database) {
    let program = database.program();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/contoso");
    program.sync(&folder);
    let stamps = || match database {
        Database::Sqlite(_) => times(database),
        // a row version that no statement touched
        Database::Postgres(_) => database
            .lines("SELECT id::text || ' ' || xmin::text || ' ' || updated_at::text AS line FROM settings ORDER BY id"),
    };
    let seen = || database.lines("SELECT DISTINCT CAST(last_synced_at AS text) AS line FROM policy_settings");
    let (before, rows_before, seen_before) = (stamps(), rows(database), seen());
    let second = program.sync(&folder);
    let [added, changed, removed, unchanged] = counts(&second);
    assert_eq!([added, changed, removed], [0, 0, 0]);
    assert_eq!(unchanged, second["totals"]["settings"].as_u64().unwrap());
    assert_eq!((stamps(), rows(database)), (before, rows_before));
    let seen_after = seen();
    assert_eq!((seen_before.len(), seen_after.len()), (1, 1));
    assert!(seen_after > seen_before);
}

fn a_setting_that_is_gone_is_removed_and_recorded(database: &Database) {
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x"), text("vendor_b", "y")]));
    let program = database.program();
    program.sync(export.path());
    export.put("policy.json", &catalog("p", "Policy", [text("vendor_c", "z"), text("vendor_b", "y")]));
    assert_eq!(counts(&program.sync(export.path())), [1, 0, 1, 1]);
    assert_eq!(changes(database), ["removed p vendor_a x → ∅", "added p vendor_c ∅ → z"]);
    assert_eq!(rows(database).len(), 2);
    export.put("policy.json", &catalog("p", "Policy", []));
    program.sync(export.path());
    assert_eq!(changes(database)[2..], ["removed p vendor_b y → ∅", "removed p vendor_c z → ∅"]);
}

fn a_policy_that_is_gone_is_marked_and_its_rows_go(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "x")]));
    export.put("b.json", &catalog("b", "B", [text("vendor_b", "y")]));
    let program = database.program();
    program.sync(export.path());
    export.remove("b.json");
    let synced = program.sync(export.path());
    assert_eq!(counts(&synced), [0, 0, 1, 1]);
    assert_eq!((&synced["totals"]["policies"], &synced["totals"]["settings"]), (&json!(1), &json!(1)));
    assert_eq!(changes(database), ["removed b vendor_b y → ∅"]);
    let deleted = database.lines("SELECT graph_policy_id AS line FROM policies WHERE deleted_at IS NOT NULL");
    assert_eq!(deleted, ["b"]);
    assert_eq!(database.count("settings"), 1);
    let shown = program.inspect(&["policies"]);
    assert_eq!(shown.iter().map(|policy| &policy["graphPolicyId"]).collect::<Vec<_>>(), ["a"]);
    assert_eq!(program.inspect(&["policies", "--all"]).len(), 2);
    // it is gone once
    program.sync(export.path());
    assert_eq!(changes(database).len(), 1);
}

fn a_policy_that_comes_back_is_live_again(database: &Database) {
    let export = Export::new();
    let policy = catalog("b", "B", [text("vendor_b", "y")]);
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "x")]));
    export.put("b.json", &policy);
    let program = database.program();
    program.sync(export.path());
    let before = rows(database);
    export.remove("b.json");
    program.sync(export.path());
    export.put("b.json", &policy);
    assert_eq!(counts(&program.sync(export.path())), [1, 0, 0, 1]);
    assert_eq!(rows(database), before);
    assert_eq!(changes(database), ["removed b vendor_b y → ∅", "added b vendor_b ∅ → y"]);
    assert_eq!(database.line("SELECT CAST(COUNT(*) AS text) AS line FROM policies WHERE deleted_at IS NULL"), "2");
}

fn nothing_is_removed_where_a_file_could_not_be_read(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "x")]));
    export.put("b.json", &catalog("b", "B", [text("vendor_b", "y")]));
    let program = database.program();
    program.sync(export.path());
    let before = rows(database);
    export.put_bytes("b.json", br#"{"id": "b", "name": "B", "settings": [{"#);
    let printed = program.try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    assert!(printed.stderr.contains("b.json"), "{printed:?}");
    assert_eq!(rows(database), before);
}

fn a_file_that_could_not_be_read_makes_the_kind_of_its_folder_partial(database: &Database) {
    let export = Export::new();
    export.put("Settings Catalog/a.json", &catalog("a", "A", [text("vendor_a", "x")]));
    export.put_bytes("Compliance Policies/b.json", br#"{"id": "b"#);
    let program = database.program();
    for (flags, kinds) in [
        (&[][..], vec![("settings-catalog", "succeeded", 0), ("compliance", "partial", 1)]),
        (&["--kind", "settings-catalog"][..], vec![("settings-catalog", "succeeded", 0)]),
    ] {
        let printed = program.try_sync(export.path(), flags);
        assert_eq!(printed.code, Some(3), "{printed:?}");
        let report = printed.json()["tenants"][0]["kinds"].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let told: Vec<_> = report
            .as_array()
            .unwrap()
            .iter()
            .map(|kind| (text(&kind["kind"]), text(&kind["status"]), kind["skipped"].as_u64().unwrap()))
            .collect();
        let kinds: Vec<_> =
            kinds.iter().map(|(kind, status, n)| ((*kind).to_owned(), (*status).to_owned(), *n)).collect();
        assert_eq!(told, kinds, "{printed:?}");
    }
}

fn kinds_that_were_not_asked_for_are_left_alone(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "x")]));
    export.put("b.json", &device_configuration("b", "B", &json!({"camera": "block"})));
    let program = database.program();
    program.sync(export.path());
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "changed")]));
    export.remove("b.json");
    let synced = program.sync_with(export.path(), &["--kind", "settings-catalog"]);
    assert_eq!(counts(&synced), [0, 1, 0, 0]);
    assert_eq!(rows(database).len(), 2);
    // asked for by name, its list is empty now
    let synced = program.sync_with(export.path(), &["--kind", "device-configuration"]);
    assert_eq!(counts(&synced), [0, 0, 1, 0]);
    assert_eq!(rows(database).len(), 1);
}

fn changes_of_assignments_are_recorded(database: &Database) {
    let policy = |assignments: Value| {
        let mut policy = catalog("p", "Policy", [text("vendor_a", "x")]);
        policy["assignments"] = assignments;
        policy
    };
    let group = |id: &str| json!({"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": id}});
    let not =
        |id: &str| json!({"target": {"@odata.type": "#microsoft.graph.exclusionGroupAssignmentTarget", "groupId": id}});
    let all = json!({"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}});
    let export = Export::of(&policy(json!([group("g1"), group("g2")])));
    let program = database.program();
    program.sync(export.path());
    export.put("policy.json", &policy(json!([group("g2"), not("g1"), all])));
    program.sync(export.path());
    assert_eq!(
        changes(database),
        ["added p #assignments/allDevices ∅ → include", "changed p #assignments/group/g1 include → exclude"]
    );
    let stored = database.lines(
        "SELECT intent || ' ' || target_type || ' ' || coalesce(target_id, '∅') AS line FROM policy_assignments ORDER BY 1",
    );
    assert_eq!(stored, ["exclude group g1", "include allDevices ∅", "include group g2"]);
    // a target may stand there twice
    export.put("policy.json", &policy(json!([group("g2"), not("g1"), group("g1"), all])));
    program.sync(export.path());
    let recorded = changes(database);
    assert_eq!(recorded[2..], ["added p #assignments/group/g1[2] ∅ → include"]);
    // an export that does not tell them leaves them as they are
    for untold in [catalog("p", "Policy", [text("vendor_a", "y")]), policy(Value::Null)] {
        export.put("policy.json", &untold);
        program.sync(export.path());
        assert_eq!(database.count("policy_assignments"), 4);
    }
    // those of the assignments, and the setting there and back
    assert_eq!(changes(database).len(), 5);
}

fn what_assignments_set_stays_where_they_are_not_told(database: &Database) {
    let all = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"});
    let mut policy = json!({"@odata.type": "#microsoft.graph.deviceHealthScript", "id": "p", "displayName": "Mend",
                            "runAs32Bit": true, "assignments": [{"target": all, "runRemediationScript": false}]});
    let export = Export::of(&policy);
    let program = database.program();
    program.sync(export.path());
    policy["assignments"] = Value::Null;
    policy["runAs32Bit"] = json!(false);
    export.put("policy.json", &policy);
    program.sync(export.path());
    assert_eq!(changes(database), ["changed p runAs32Bit True → False"]);
    assert_eq!(rows(database).len(), 2);
    policy["assignments"] = json!([]);
    export.put("policy.json", &policy);
    program.sync(export.path());
    assert!(
        changes(database)
            .contains(&"removed p assignments/allDevicesAssignmentTarget/runRemediationScript False → ∅".to_owned())
    );
}

fn a_leap_second_is_the_next_one(database: &Database) {
    let mut policy = catalog("p", "Policy", [text("vendor_a", "x")]);
    policy["createdDateTime"] = json!("2016-12-31T23:59:60Z");
    policy["lastModifiedDateTime"] = json!("2016-12-31T23:59:60.25Z");
    database.program().sync(Export::of(&policy).path());
    let row = &database.program().inspect(&["policies"])[0];
    assert_eq!(
        [&row["graphCreatedAt"], &row["graphModifiedAt"]],
        ["2017-01-01T00:00:00.000Z", "2017-01-01T00:00:00.250Z"]
    );
}

fn a_name_of_a_tenant_has_at_most_128_characters(database: &Database) {
    let long = "ü".repeat(128);
    let id = "💡".repeat(512);
    let export = Export::of(&catalog(&id, "Policy", [text("vendor_a", "x")]));
    let folder = export.path().to_str().unwrap();
    let sync = |tenant: &str| database.program().run(["sync", "--fixtures", folder, "--tenant", tenant]);
    let printed = sync(&long);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let printed = sync(&format!("{long}ü"));
    assert_eq!(printed.code, Some(2), "{printed:?}");
    assert_eq!(printed.stderr, "error: the name of the tenant has 129 characters: 128 are the most\n");
    assert_eq!(database.lines("SELECT tenant_id AS line FROM tenants"), [long]);
    // there is no queue behind it
    let printed = database.program().run(["enqueue", "--tenant", &format!("{}com", "long.".repeat(30))]);
    assert_eq!(printed.code, Some(2), "{printed:?}");
}

fn nothing_is_recorded_before_a_listing_was_completed(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "x")]));
    export.put_bytes("b.json", b"{");
    let program = database.program();
    assert_eq!(program.try_sync(export.path(), &[]).code, Some(3));
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "y")]));
    assert_eq!(program.try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(changes(database), Vec::<String>::new());
    export.remove("b.json");
    program.sync(export.path());
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "z")]));
    program.sync(export.path());
    assert_eq!(changes(database), ["changed a vendor_a y → z"]);
    assert_eq!(rows(database).len(), 1);
}

fn odd_input_is_stored_and_found_again(database: &Database) {
    let large = "x".repeat(1 << 20);
    let long = "ä".repeat(5_000);
    let export = Export::new();
    export.put_bytes(
        "odd.json",
        br##"{"id":"odd\u0000","name":"NUL \u0000 and \ud800","@odata.type":"#microsoft.graph.windows10GeneralConfiguration",
            "big":18446744073709551617,"huge":1e400,"nul\u0000key":"a\u0000b","lone":"\u002a\udc00"}"##,
    );
    export.put(
        "long.json",
        &catalog(&long, &long, [text(&long, "1"), text(&format!("{long}2"), "2"), text("vendor_large", &large)]),
    );
    export.put("twins.json", &catalog("twins", "Twins", [text("vendor_a", "1"), text("vendor_a", "2")]));
    let program = database.program();
    program.sync(export.path());
    let printed = program.run(["inspect", "settings", "--json"]);
    // JSON has a spelling for it that this test's parser does not take
    assert!(printed.stdout.contains(r#""rawValue":"*\udc00""#), "{}", printed.stdout);
    let shown: Vec<Value> = serde_json::from_str(&printed.stdout.replace("\\udc00", "")).unwrap();
    assert_eq!(shown.len(), 4 + 3 + 2);
    let raw = |path: &str| {
        let found = shown.iter().find(|row| row["settingPath"] == path).unwrap_or_else(|| panic!("{path}"));
        found["rawValue"].clone()
    };
    assert_eq!(raw("big").to_string(), "18446744073709551617");
    assert_eq!(raw("nul␀key"), "a\0b");
    assert_eq!(raw("vendor_large"), large);
    // the second time all of it is known
    let second = program.sync(export.path());
    assert_eq!(counts(&second), [0, 0, 0, 9]);
    // by its name of 5,000 characters
    assert_eq!(program.inspect(&["settings", "--policy", &long]).len(), 3);
}

fn a_broken_policy_costs_itself_and_keeps_its_rows(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "x")]));
    export.put("b.json", &catalog("b", "B", [text("vendor_b", "y")]));
    let program = database.program();
    program.sync(export.path());
    let deep = format!(
        r#"{{"id":"b","name":"B","settings":[],"technologies":"mdm","deep":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    export.put_bytes("b.json", deep.as_bytes());
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "changed")]));
    let printed = program.try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    let tenant = &printed.json()["tenants"][0];
    assert_eq!((&tenant["status"], &tenant["problems"][0]["policy"]), (&json!("partial"), &json!("b")));
    assert!(printed.stderr.contains("b.json") && printed.stderr.contains("128"), "{}", printed.stderr);
    let rows = rows(database);
    assert_eq!(rows.len(), 2);
    assert!(rows[0].contains("changed") && rows[1].contains('y'), "{rows:?}");
}

fn four_at_once_migrate_once(database: &Database) {
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let folder = export.path().to_str().unwrap().to_owned();
    let programs: Vec<Program> = (0..4).map(|_| database.program()).collect();
    let running: Vec<_> = programs
        .iter()
        .enumerate()
        .map(|(number, program)| {
            program.start(["sync", "--tenant", &format!("tenant-{number}"), "--fixtures", &folder])
        })
        .collect();
    for mut child in running {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_eq!(rows(database).len(), 4);
    assert_eq!(database.count("__diesel_schema_migrations"), migrations());
}

fn migrations() -> usize {
    std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite")).unwrap().count()
}

fn a_policy_that_the_database_refuses_costs_itself(database: &Database) {
    let policy = |id: &str, value: &str| catalog(id, id, [text("device_a", value)]);
    let export = Export::of(&policy("good", "fine"));
    let program = database.program();
    program.sync(export.path());
    database.execute(if database.is_sqlite() {
        "CREATE TRIGGER refuses BEFORE INSERT ON settings WHEN NEW.setting_value = 'poison' \
         BEGIN SELECT RAISE(ABORT, 'value out of range'); END"
    } else {
        "ALTER TABLE settings ADD CONSTRAINT refuses CHECK (setting_value <> 'poison')"
    });
    // alone in its batch, then beside another that is new
    export.put("bad.json", &policy("bad", "poison"));
    for (file, id) in [(None, "good"), (Some("other.json"), "other")] {
        if let Some(file) = file {
            export.put(file, &policy(id, "fine"));
        }
        let synced = program.try_sync(export.path(), &[]);
        assert_eq!(synced.code, Some(3), "{synced:?}");
        let problem = &synced.json()["tenants"][0]["problems"][0];
        assert_eq!((problem["code"].as_str(), problem["policy"].as_str()), (Some("database"), Some("bad")));
        assert_eq!(database.count("settings"), if file.is_some() { 2 } else { 1 });
    }
}

fn a_newer_schema_is_refused(database: &Database) {
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let program = database.program();
    program.sync(export.path());
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
    for printed in [program.try_sync(export.path(), &[]), program.run(["inspect", "settings"])] {
        assert_eq!(printed.code, Some(1));
        assert!(printed.stderr.contains("29990101000000") && printed.stderr.contains("hint: "), "{printed:?}");
    }
    assert_eq!(rows(database).len(), 1);
}

/// Policies enough to keep a sync busy for a while.
fn large_export() -> Export {
    let export = Export::new();
    for number in 0..400 {
        let settings =
            (0..50).map(|setting| text(&format!("vendor_area_setting{setting}"), &format!("value {number}")));
        export.put(
            &format!("{number:04}.json"),
            &catalog(&format!("policy-{number}"), &format!("Policy {number}"), settings),
        );
    }
    export
}

/// Starts a sync that has its tenant's lock.
fn busy(program: &Program, database: &Database, export: &Export) -> std::process::Child {
    let mut child = program.start(["sync", "--tenant", "contoso", "--fixtures", export.path().to_str().unwrap()]);
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        if has_tables(database) && database.count("sync_runs") > 0 {
            return child;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    panic!("the sync was not seen to run: it {:?}", child.wait());
}

fn has_tables(database: &Database) -> bool {
    match database {
        Database::Sqlite(_) => {
            database.file().exists()
                && database
                    .line("SELECT CAST(COUNT(*) AS text) AS line FROM sqlite_master WHERE name = 'policy_settings'")
                    == "1"
        }
        Database::Postgres(_) => database.line("SELECT (to_regclass('policy_settings') IS NOT NULL)::text") == "true",
    }
}

fn a_second_sync_of_a_tenant_is_refused_or_waits(database: &Database) {
    let (export, program) = (large_export(), database.program());
    let mut first = busy(&program, database, &export);
    let small = Export::of(&device_configuration("p", "Policy", &json!({"camera": "block"})));
    let refused = program.try_sync(small.path(), &[]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(refused.json()["tenants"][0]["error"]["code"], "locked");
    assert!(refused.stderr.contains("another sync of tenant `contoso` is running"), "{refused:?}");
    assert!(refused.stderr.contains("--wait"), "{refused:?}");
    // another tenant is not kept waiting
    let folder = small.path().to_str().unwrap();
    assert_eq!(program.run(["sync", "--tenant", "fabrikam", "--fixtures", folder]).code, Some(0));
    program.sync_with(small.path(), &["--wait"]);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    let ended = database.lines("SELECT status AS line FROM sync_runs WHERE tenant_id = 'contoso' ORDER BY run_id");
    assert_eq!(ended, ["succeeded", "succeeded"]);
}

fn a_killed_sync_leaves_no_lock_and_its_run_is_closed(database: &Database) {
    let (export, program) = (large_export(), database.program());
    let mut first = busy(&program, database, &export);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(database.line("SELECT status AS line FROM sync_runs"), "running");
    let small = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    // the server notices the end of a connection a moment later
    let synced = program.try_sync(small.path(), &["--wait"]);
    assert_eq!(synced.code, Some(0), "{synced:?}");
    assert_eq!(database.lines("SELECT status AS line FROM sync_runs ORDER BY run_id"), ["interrupted", "succeeded"]);
    let open = database.line("SELECT CAST(COUNT(*) AS text) AS line FROM sync_runs WHERE finished_at IS NULL");
    assert_eq!(open, "0");
}

fn a_first_sync_that_was_killed_ends_in_the_same_rows(database: &Database) {
    let export = large_export();
    let expected = {
        let whole = Database::sqlite();
        whole.program().sync(export.path());
        rows(&whole)
    };
    let program = database.program();
    let mut interrupted = 0;
    // at its start, and once it has written some, more and most of it
    for at_least in [0, 1, 5_000, 12_000] {
        let mut child = busy(&program, database, &export);
        while database.count("settings") < at_least && child.try_wait().unwrap().is_none() {}
        let _ = child.kill();
        interrupted += usize::from(child.wait().unwrap().code().is_none());
        assert!(database.count("settings").is_multiple_of(50), "a policy is written as a whole");
    }
    assert!(interrupted >= 2, "the sync was too fast to be killed");
    let printed = program.try_sync(export.path(), &["--wait"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert_eq!(rows(database), expected);
    assert_eq!(changes(database), Vec::<String>::new());
    assert_eq!(printed.json()["tenants"][0]["totals"]["settings"], 20_000);
}

fn the_view_has_the_columns_that_others_read(database: &Database) {
    database.program().sync(Export::of(&catalog("p", "Policy", [text("vendor_a", "x")])).path());
    let columns = match database {
        Database::Sqlite(_) => database.lines("SELECT name AS line FROM pragma_table_info('policy_settings') ORDER BY cid"),
        Database::Postgres(_) => database.lines(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'policy_settings' ORDER BY ordinal_position",
        ),
    };
    assert_eq!(
        columns,
        [
            "tenant_id",
            "graph_policy_id",
            "policy_name",
            "policy_type",
            "platform",
            "setting_name",
            "setting_value",
            "setting_path",
            "definition_id",
            "category",
            "configured",
            "raw_value",
            "created_at",
            "updated_at",
            "last_synced_at"
        ]
    );
}

fn a_dry_run_writes_nothing_and_tells_what_would_change(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "x"), text("vendor_b", "y")]));
    export.put("b.json", &catalog("b", "B", [text("vendor_b", "y")]));
    let program = database.program();
    let first = program.sync_with(export.path(), &["--dry-run"]);
    assert_eq!(counts(&first), [3, 0, 0, 0]);
    assert!(!has_tables(database), "a dry run makes nothing");
    if database.is_sqlite() {
        assert_eq!(std::fs::read_dir(database.file().parent().unwrap()).unwrap().count(), 0);
    }
    program.sync(export.path());
    let everything = || (rows(database), times(database), changes(database), database.count("sync_runs"));
    let seen = || database.lines("SELECT CAST(last_synced_at AS text) AS line FROM policies ORDER BY graph_policy_id");
    let (before, seen_before) = (everything(), seen());
    export.put("a.json", &catalog("a", "A", [text("vendor_a", "changed"), text("vendor_c", "new")]));
    export.remove("b.json");
    let would = program.sync_with(export.path(), &["--dry-run"]);
    assert_eq!((everything(), seen()), (before, seen_before));
    let did = program.sync(export.path());
    assert_eq!(counts(&would), counts(&did));
    assert_eq!(counts(&did), [1, 1, 2, 0]);
}

/// Table, column, type and nullability of everything in a database.
fn schema(database: &Database) -> BTreeSet<String> {
    let lines = match database {
        Database::Sqlite(_) => database.lines(
            "SELECT t.name || '.' || c.name || ' ' || lower(c.type) || CASE WHEN t.type = 'view' THEN '' \
             WHEN c.\"notnull\" THEN ' not null' ELSE ' null' END AS line \
             FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite%'",
        ),
        Database::Postgres(_) => database.lines(
            "SELECT c.table_name || '.' || column_name || ' ' || data_type || CASE WHEN table_type = 'VIEW' THEN '' \
             WHEN is_nullable = 'NO' THEN ' not null' ELSE ' null' END \
             FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) \
             WHERE c.table_schema = 'public'",
        ),
    };
    // the one key that SQLite numbers itself has to be of this type there
    let plain = |line: String| {
        line.replace("timestamp without time zone", "timestamp")
            .replace("character varying", "text")
            .replace("integer", "bigint")
    };
    lines.into_iter().map(plain).filter(|line| !line.starts_with("__diesel")).collect()
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let [sqlite, postgres] = [Database::sqlite(), Database::postgres()].map(|database| {
        database.program().sync(export.path());
        schema(&database)
    });
    assert_eq!(sqlite, postgres);
    assert!(
        sqlite.contains("settings.setting_value text null") && sqlite.contains("policy_settings.setting_name text")
    );
}

#[test]
fn the_schema_of_the_program_is_that_of_the_databases() {
    let database = Database::sqlite();
    database.program().sync(Export::of(&catalog("p", "Policy", [text("vendor_a", "x")])).path());
    let generated = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/schema.rs")).unwrap();
    let mut declared = BTreeSet::new();
    let mut table = String::new();
    for line in generated.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name.to_owned();
        } else if let Some((column, kind)) =
            line.trim_end_matches(',').split_once(" -> ").filter(|_| !line.contains('('))
        {
            let (kind, null) = match kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>')) {
                Some(kind) => (kind, "null"),
                None => (kind, "not null"),
            };
            let kind = match kind {
                "BigInt" => "bigint",
                "Bool" => "boolean",
                "Timestamp" => "timestamp",
                "Text" => "text",
                other => panic!("{other}"),
            };
            declared.insert(format!("{table}.{column} {kind} {null}"));
        }
    }
    let stored: BTreeSet<_> =
        schema(&database).into_iter().filter(|line| !line.starts_with("policy_settings.")).collect();
    assert_eq!(declared, stored);
}

#[test]
fn both_databases_hold_the_same_rows_of_every_fixture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kinds");
    let [sqlite, postgres] = [Database::sqlite(), Database::postgres()].map(|database| {
        database.program().sync_with(&folder, &["--kind", "all"]);
        rows(&database)
    });
    assert_eq!(sqlite, postgres);
}

#[test]
fn a_sqlite_file_of_another_program_is_refused_and_left_as_it_was() {
    let database = Database::sqlite();
    database.execute("CREATE TABLE bookmarks (url TEXT)");
    let before = std::fs::read(database.file()).unwrap();
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(1));
    assert!(printed.stderr.contains("bookmarks") && printed.stderr.contains("hint: "), "{printed:?}");
    assert!(std::fs::read(database.file()).unwrap() == before, "the file was written to");
    let printed = database.program().run(["inspect", "settings"]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.stderr.contains("bookmarks"), "{printed:?}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_was() {
    let database = Database::sqlite();
    let content = "Dear diary, today I wrote a database address.\n".repeat(200);
    std::fs::write(database.file(), &content).unwrap();
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    for printed in [database.program().try_sync(export.path(), &[]), database.program().run(["inspect"])] {
        assert_eq!(printed.code, Some(1));
        assert!(printed.stderr.contains("not a database") && printed.stderr.contains("hint: "), "{printed:?}");
    }
    assert_eq!(std::fs::read_to_string(database.file()).unwrap(), content);
}

#[test]
fn a_sqlite_file_that_may_not_be_written_is_told_as_such_and_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::sqlite();
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let program = database.program();
    program.sync(export.path());
    let folder = database.file().parent().unwrap().to_owned();
    let allow = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(&database.file(), 0o444);
    allow(&folder, 0o555);
    allow(export.path(), 0o755);
    let printed = program.run_as_nobody(["sync", "--tenant", "contoso", "--fixtures", export.path().to_str().unwrap()]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.stderr.contains("hint: "), "{printed:?}");
    let printed = program.run_as_nobody(["inspect", "settings", "--json"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert_eq!(printed.json().as_array().unwrap().len(), 1);
    allow(&folder, 0o755);
}

#[test]
fn one_sqlite_file_under_two_names_is_locked_once() {
    let (database, export) = (Database::sqlite(), large_export());
    let program = database.program();
    let mut first = busy(&program, &database, &export);
    let link = program.home().join("link.db");
    std::os::unix::fs::symlink(database.file(), &link).unwrap();
    let small = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let other = Program::new().env("DATABASE_URL", link.to_str().unwrap());
    let printed = other.try_sync(small.path(), &[]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert_eq!(printed.json()["tenants"][0]["error"]["code"], "locked");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn sqlite_addresses_are_taken_as_other_tools_write_them() {
    let folder = tempfile::TempDir::new().unwrap();
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let absolute = folder.path().to_str().unwrap();
    for (number, prefix) in ["sqlite:", "sqlite://", "sqlite:////", ""].into_iter().enumerate() {
        let path = format!("{absolute}/odd name?#%{number}.db");
        let path = if prefix == "sqlite:////" { path.trim_start_matches('/') } else { &path };
        Program::new().env("DATABASE_URL", &format!("{prefix}{path}")).sync(export.path());
        assert!(folder.path().join(format!("odd name?#%{number}.db")).exists(), "{prefix}");
    }
    let program = Program::new().env("DATABASE_URL", "sqlite:relative/new/test.db");
    program.sync(export.path());
    assert!(program.home().join("relative/new/test.db").exists());
}

#[test]
fn a_postgres_schema_that_holds_our_names_is_refused_and_another_schema_works() {
    let database = Database::postgres();
    database.execute("CREATE TABLE policy_settings (mine text)");
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(1));
    assert!(printed.stderr.contains("policy_settings") && printed.stderr.contains("DATABASE_SCHEMA"), "{printed:?}");
    assert_eq!(
        database.line("SELECT COUNT(*)::text FROM information_schema.tables WHERE table_schema = 'public'"),
        "1"
    );
    let elsewhere = database.program().env("DATABASE_SCHEMA", "Intune_2");
    elsewhere.sync(export.path());
    assert_eq!(elsewhere.inspect(&["settings"]).len(), 1);
    assert_eq!(database.line("SELECT COUNT(*)::text FROM intune_2.policy_settings"), "1");
    assert_eq!(
        database.line("SELECT COUNT(*)::text FROM information_schema.tables WHERE table_schema = 'public'"),
        "1"
    );
    let odd = database.program().env("DATABASE_SCHEMA", "x; DROP TABLE policy_settings").try_sync(export.path(), &[]);
    assert_eq!(odd.code, Some(2), "{odd:?}");
}

#[test]
fn other_tables_in_a_postgres_schema_are_no_hindrance() {
    let database = Database::postgres();
    database.execute("CREATE TABLE bookmarks (url text)");
    database.program().sync(Export::of(&catalog("p", "Policy", [text("vendor_a", "x")])).path());
    assert_eq!(rows(&database).len(), 1);
}

#[test]
fn a_wrong_password_is_told_and_never_printed() {
    let database = postgres::Database::new();
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let right = database.url_for(GUEST, GUEST_PASSWORD);
    let refused =
        Program::new().env("DATABASE_URL", &database.url_for(GUEST, "wr0ng-pass")).try_sync(export.path(), &["-vv"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("password authentication failed") && refused.stderr.contains("hint: "),
        "{refused:?}"
    );
    assert!(!refused.text().contains("wr0ng-pass"), "{refused:?}");
    database.query(&format!("GRANT ALL ON SCHEMA public TO {GUEST}"));
    let program = Program::new().env("DATABASE_URL", &right);
    let synced = program.try_sync(export.path(), &["-vv"]);
    assert_eq!(synced.code, Some(0), "{synced:?}");
    let overview = program.run(["inspect", "--json"]);
    for printed in [synced, overview] {
        assert!(!printed.text().contains(GUEST_PASSWORD), "{printed:?}");
    }
}

#[test]
fn a_user_needs_no_more_rights_than_what_it_does() {
    let database = postgres::Database::new();
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let guest = Program::new().env("DATABASE_URL", &database.url_for(GUEST, GUEST_PASSWORD));
    Program::new().env("DATABASE_URL", &database.url()).sync(export.path());

    let refused = guest.run(["inspect", "settings"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("permission denied for table"), "{refused:?}");

    database.query(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {GUEST}"));
    for subject in ["", "settings", "policies", "changes", "runs", "kinds", "tenants", "assignments"] {
        let shown = guest.run(["inspect", subject].into_iter().filter(|argument| !argument.is_empty()));
        assert_eq!(shown.code, Some(0), "{subject}: {shown:?}");
    }
    let refused = guest.try_sync(export.path(), &[]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("permission denied for table"), "{refused:?}");

    database.query(&format!("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {GUEST}"));
    let changed = Export::of(&catalog("p", "Policy", [text("vendor_a", "y"), text("vendor_b", "z")]));
    let synced = guest.try_sync(changed.path(), &[]);
    assert_eq!(synced.code, Some(0), "{synced:?}");
    let values = database.query("SELECT setting_value FROM policy_settings ORDER BY 1");
    assert_eq!(values, [Some("y".to_owned()), Some("z".to_owned())]);
}

#[test]
fn a_schema_that_is_there_is_used_by_who_may_use_it() {
    let database = postgres::Database::new();
    database.query("CREATE SCHEMA intune");
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let guest =
        Program::new().env("DATABASE_URL", &database.url_for(GUEST, GUEST_PASSWORD)).env("DATABASE_SCHEMA", "intune");
    for refused in [guest.try_sync(export.path(), &[]), guest.run(["inspect"])] {
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("permission denied for schema intune"), "{refused:?}");
    }
    database.query(&format!("GRANT USAGE, CREATE ON SCHEMA intune TO {GUEST}"));
    guest.sync(export.path());
    assert_eq!(database.query("SELECT setting_value FROM intune.policy_settings"), [Some("x".to_owned())]);
}

#[test]
fn a_password_that_breaks_its_address_is_never_printed() {
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    for address in [
        "postgres://user:1234/hunter2@127.0.0.1:1/db",
        "postgres://user:12?hunter2@127.0.0.1:1/db",
        "postgres://user:12#hunter2@127.0.0.1:1/db",
        "postgres://user:hunter2@127.0.0.1:1:2/db",
        "postgres://user:hunter2@[::1/db",
        "postgres://127.0.0.1:1/db?user=x&password=hunter2",
        "postgres://127.0.0.1:1/db?sslmode=hunter2",
        "mysql://user:hunter2@127.0.0.1/db",
        "postgres:user:hunter2@127.0.0.1/db",
        "host=127.0.0.1 port=1 user=x password=hunter2",
    ] {
        let program = Program::new().env("DATABASE_URL", address);
        let printed = program.try_sync(export.path(), &["-vv"]);
        assert!(matches!(printed.code, Some(1 | 2)), "{address}: {printed:?}");
        assert!(!printed.text().contains("hunter2"), "{address}: {printed:?}");
        assert_eq!(std::fs::read_dir(program.home()).unwrap().count(), 0, "{address} was taken for a file");
    }
}

#[test]
fn a_server_that_does_not_answer_is_told_soon() {
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    let started = Instant::now();
    for args in [vec!["sync", "--tenant", "contoso", "--fixtures", export.path().to_str().unwrap()], vec!["inspect"]] {
        let printed = Program::new().env("DATABASE_URL", "postgres://user:hunter2@127.0.0.1:1/db").run(args);
        assert_eq!(printed.code, Some(1), "{printed:?}");
        assert!(printed.stderr.contains("postgres://user@127.0.0.1:1/db"), "{printed:?}");
        assert!(printed.stderr.contains("refused") && !printed.stderr.contains("hunter2"), "{printed:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_sync_whose_connection_is_cut_fails_and_leaves_whole_policies() {
    let (database, export) = (Database::postgres(), large_export());
    let program = database.program();
    let running = {
        let mut command = program.command(
            crate::support::cli::BINARY,
            ["sync", "--tenant", "contoso", "--fixtures", export.path().to_str().unwrap()],
        );
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let until = Instant::now() + Duration::from_secs(30);
    while !(has_tables(&database) && database.count("settings") > 0) {
        assert!(Instant::now() < until);
    }
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tenantpilot' AND datname = current_database()");
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: "), "{stderr}");
    let settings = database.count("settings");
    assert!(settings.is_multiple_of(50) && settings < 20_000, "{settings}");
    program.sync(export.path());
    assert_eq!(database.count("settings"), 20_000);
}

#[test]
fn a_table_that_somebody_has_locked_does_not_hold_a_sync_beyond_its_time() {
    let (database, policy) = (Database::postgres(), |value| catalog("p", "Policy", [text("vendor_a", value)]));
    let export = Export::of(&policy("x"));
    let program = database.program();
    program.sync(export.path());
    export.put("policy.json", &policy("y"));
    std::thread::scope(|scope| {
        // longer than the sync may take
        scope.spawn(|| database.execute("BEGIN; LOCK TABLE settings; SELECT pg_sleep(30)"));
        while database.count("pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let printed = program.try_sync(export.path(), &["--timeout", "1s"]);
        assert_eq!(printed.code, Some(1), "{printed:?}");
        assert_eq!(printed.json()["tenants"][0]["error"]["code"], "database");
        assert!(printed.stderr.contains("the database did not answer in the time of the sync, 1s"), "{printed:?}");
        // the server sees that nobody waits any more, and gives the tenant back
        let ended = Instant::now();
        let held = "pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while database.count(held) > 0 {
            assert!(ended.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    program.sync_with(export.path(), &["--wait"]);
    assert_eq!(database.lines("SELECT setting_value AS line FROM settings"), ["y"]);
    assert_eq!(
        database.lines("SELECT status AS line FROM sync_runs ORDER BY run_id"),
        ["succeeded", "interrupted", "succeeded"]
    );
}

#[test]
fn a_postgres_server_asks_soon_whether_the_machine_of_a_session_is_still_there() {
    let database = Database::postgres();
    let export = Export::of(&catalog("p", "Policy", [text("vendor_a", "x")]));
    database.program().sync(export.path());
    // noted down in the session that holds the tenant's lock
    database.execute(
        "CREATE TABLE noted (line text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO noted SELECT name || ' ' || setting FROM pg_settings
                 WHERE name LIKE 'tcp_keepalives%' OR name = 'client_connection_check_interval';
             RETURN NEW;
         END $$;
         CREATE TRIGGER note BEFORE INSERT ON sync_runs FOR EACH ROW EXECUTE FUNCTION note()",
    );
    database.program().sync(export.path());
    assert_eq!(
        database.lines("SELECT line FROM noted ORDER BY line"),
        [
            "client_connection_check_interval 10000",
            "tcp_keepalives_count 3",
            "tcp_keepalives_idle 10",
            "tcp_keepalives_interval 5"
        ]
    );
}

#[test]
fn ctrl_c_ends_a_sync_whose_database_is_frozen() {
    let (database, export) = (Database::postgres(), large_export());
    let mut running = busy(&database.program(), &database, &export);
    let signal = |name: &str, ids: &[String]| {
        assert!(std::process::Command::new("kill").arg(name).args(ids).status().unwrap().success());
    };
    let servers = database.lines(
        "SELECT CAST(pid AS text) AS line FROM pg_stat_activity \
         WHERE application_name = 'tenantpilot' AND datname = current_database()",
    );
    signal("-STOP", &servers);
    signal("-INT", &[running.id().to_string()]);
    let until = Instant::now() + Duration::from_secs(40);
    while running.try_wait().unwrap().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    signal("-CONT", &servers);
    let _ = running.kill();
    assert_eq!(running.wait().unwrap().code(), Some(130));
}
