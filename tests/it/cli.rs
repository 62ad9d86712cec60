//! The program as its users see it: what it prints where, and how it ends.

use std::{collections::BTreeSet, fmt::Write as _, io::Read as _, path::Path, process::Stdio};

use serde_json::{Value, json};

use crate::support::{
    cli::{BINARY, Program},
    database::{Database, on_both},
    export::{Export, catalog, text},
};

on_both!(
    searching_knows_no_case_in_any_script,
    a_policy_is_found_by_id_and_by_name,
    every_subject_is_shown_in_every_format
);

fn contoso() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/contoso")
}

/// Times, ids of runs and folders change from run to run.
fn steady(text: &str) -> String {
    let rules = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[RUN]"),
        (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
        (r"20\d\d-\d\d-\d\d \d\d:\d\d", "[MINUTE]        "),
        (r#""durationMs":\d+"#, r#""durationMs":0"#),
        (r"in \d+\.\d s", "in [SECONDS] s"),
        (r"/\S*/\.tmp\w+", "[FOLDER]"),
    ];
    let steady = rules.iter().fold(text.to_owned(), |text, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    });
    steady.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_help_names_every_command_and_flag() {
    let program = Program::new().env("COLUMNS", "100");
    for name in ["help", "help_sync", "help_inspect", "help_enqueue", "help_worker", "help_queue", "help_definitions"] {
        let command = name.strip_prefix("help_");
        let printed = program.run(command.into_iter().chain(["--help"]));
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
        insta::assert_snapshot!(name, printed.stdout);
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_right() {
    let empty = tempfile::TempDir::new().unwrap();
    let (empty, contoso) = (empty.path().to_str().unwrap(), contoso());
    let contoso = contoso.to_str().unwrap();
    let mut told = String::new();
    for args in [
        vec![],
        vec!["sink"],
        vec!["sync", "--fixtures", contoso],
        vec!["sync", "--tenant", "t", "--fixtures", contoso, "--frobnicate"],
        vec!["sync", "--tenant", "t", "--fixtures", contoso, "--kind", "setings-catalog"],
        vec!["sync", "--tenant", "t", "--fixtures", contoso, "--timeout", "soon"],
        vec!["sync", "--tenant", "t", "--fixtures", "/nowhere"],
        vec!["sync", "--tenant", "t", "--fixtures", empty],
        vec!["sync", "--tenant", "t", "--fixtures", contoso, "--database-url", "mysql://user:hunter2@host/db"],
        vec!["inspect", "everything"],
        vec!["inspect", "settings", "--json", "--csv"],
        vec!["inspect", "settings", "--since", "yesterday"],
        vec!["inspect", "settings", "--kind", "settings_catalog"],
    ] {
        let printed = Program::new().env("COLUMNS", "100").run(&args);
        assert_eq!((printed.code, printed.stdout.as_str()), (Some(2), ""), "{args:?}: {printed:?}");
        assert!(!printed.stderr.contains("hunter2"));
        writeln!(told, "$ tenantpilot {}\n{}", args.join(" "), printed.stderr).unwrap();
    }
    let told = told.replace(env!("CARGO_MANIFEST_DIR"), "[HERE]");
    insta::assert_snapshot!(steady(&told));
}

#[test]
fn a_sync_sums_up_for_people_and_for_programs() {
    let program = Database::sqlite();
    let program = program.program();
    let folder = contoso();
    let printed = program.run(["sync", "--tenant", "contoso", "--fixtures", folder.to_str().unwrap()]);
    insta::assert_snapshot!("summary", steady(&printed.text()));
    let printed = program.try_sync(&folder, &[]);
    assert_eq!(printed.stderr, "");
    let report = printed.json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let has = |value: &Value, fields: &str| {
        let (keys, fields) = (keys(value), fields.split(' ').map(str::to_owned).collect::<BTreeSet<_>>());
        assert!(keys.is_superset(&fields), "{keys:?} lacks some of {fields:?}");
    };
    has(&report, "version status tenants");
    let tenant = &report["tenants"][0];
    has(tenant, "tenantId tenantName runId status startedAt finishedAt durationMs kinds totals");
    has(
        &tenant["kinds"][0],
        "kind status policies settings added changed removed unchanged incomplete skipped requests throttled waitedMs error",
    );
    has(&tenant["totals"], "policies settings added changed removed unchanged incomplete requests throttled waitedMs");
    assert_eq!(
        (&report["version"], &report["status"], &tenant["tenantId"]),
        (&json!(1), &json!("succeeded"), &json!("contoso"))
    );
    assert_eq!(uuid::Uuid::parse_str(tenant["runId"].as_str().unwrap()).unwrap().get_version_num(), 7);
    assert!(tenant["startedAt"].as_str().unwrap().ends_with('Z'));
    insta::assert_snapshot!("summary_json", steady(&printed.stdout));
}

#[test]
fn the_tables_fit_their_width() {
    let database = Database::sqlite();
    database.program().sync(&contoso());
    for width in [40, 80, 120] {
        for subject in ["policies", "settings", "assignments", "runs"] {
            let printed = database.program().env("COLUMNS", &width.to_string()).run(["inspect", subject]);
            assert_eq!(printed.code, Some(0));
            // a table of many columns needs a few characters for each
            let most = if subject == "runs" { width.max(80) } else { width };
            let widest = printed.stdout.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= most, "{subject} at {width}: {widest}");
        }
    }
    let printed =
        database.program().env("COLUMNS", "100").run(["inspect", "settings", "--policy", "Windows - BitLocker"]);
    assert!(printed.stdout.contains('…'), "{}", printed.stdout);
    insta::assert_snapshot!("settings_table", steady(&printed.text()));
}

#[test]
fn a_flag_that_narrows_nothing_is_refused() {
    let database = Database::sqlite();
    database.program().sync(&contoso());
    for (arguments, flag) in [
        (&["--since", "1h"][..], "since"),
        (&["--policy", "x"], "policy"),
        (&["kinds", "--search", "x"], "search"),
        (&["runs", "--policy", "x"], "policy"),
        (&["tenants", "--kind", "intent"], "kind"),
        (&["jobs", "--since", "1h"], "since"),
        (&["queue", "--tenant", "contoso"], "tenant"),
        (&["settings", "--id", "x"], "id"),
    ] {
        let printed = database.program().run([&["inspect"], arguments].concat());
        assert_eq!(printed.code, Some(2), "{arguments:?}: {printed:?}");
        assert!(printed.stderr.contains(&format!("`--{flag}` narrows nothing")), "{printed:?}");
    }
    // an environment is for all commands
    assert_eq!(database.program().env("TENANTPILOT_SEARCH", "x").run(["inspect", "kinds"]).code, Some(0));
    let runs = database.program().run(["inspect", "runs", "--kind", "intent", "--json"]).json();
    assert_eq!(runs[0]["kinds"].as_array().unwrap().len(), 1);
    let kinds = database.program().run(["inspect", "kinds", "--kind", "intent", "--json"]).json();
    assert_eq!(kinds.as_array().unwrap().len(), 1);
}

#[test]
fn an_import_may_have_a_name_with_a_comma() {
    let database = Database::sqlite();
    let fixtures = contoso();
    let sync = ["sync", "--tenant", "Contoso, Ltd.", "--fixtures", fixtures.to_str().unwrap()];
    assert_eq!(database.program().run(sync).code, Some(0));
    assert_eq!(database.lines("SELECT tenant_id AS line FROM tenants"), ["Contoso, Ltd."]);
    let shown = database.program().run(["inspect", "tenants", "--tenant", "contoso, ltd.", "--json"]).json();
    assert_eq!(shown[0]["tenantId"], "Contoso, Ltd.");
}

fn every_subject_is_shown_in_every_format(database: &Database) {
    let program = database.program().env("COLUMNS", "240");
    let export = Export::new();
    export.put("a.json", &catalog("a", "A, \"quoted\"", [text("vendor_a", "x")]));
    program.sync(export.path());
    let mut assigned = catalog("a", "A, \"quoted\"", [text("vendor_a", "y\nz")]);
    assigned["assignments"] = json!([{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]);
    export.put("a.json", &assigned);
    program.sync(export.path());
    let mut all = String::new();
    for args in [
        vec!["inspect"],
        vec!["inspect", "tenants"],
        vec!["inspect", "policies"],
        vec!["inspect", "settings"],
        vec!["inspect", "assignments"],
        vec!["inspect", "changes"],
        vec!["inspect", "runs"],
    ] {
        for format in [None, Some("--json"), Some("--csv")] {
            let args: Vec<_> = args.iter().copied().chain(format).collect();
            let printed = program.run(&args);
            assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{args:?}");
            if format == Some("--json") {
                printed.json();
            }
            writeln!(all, "$ tenantpilot {}\n{}", args.join(" "), printed.stdout).unwrap();
        }
    }
    let hash = regex::Regex::new("[0-9a-f]{64}").unwrap();
    let all = hash.replace_all(&all, "[HASH]").replace(&database.url(), "[DATABASE]");
    // the seconds of a table, which stand before an empty last cell
    let all = regex::Regex::new(r"(?m)\d\.\d +┆( +│)$").unwrap().replace_all(&all, "[S] ┆$1").into_owned();
    let all = regex::Regex::new(r#"("database":)"[^"]*""#).unwrap().replace_all(&all, r#"$1"[DATABASE]""#).into_owned();
    let all = regex::Regex::new(r",succeeded,\d+,").unwrap().replace_all(&steady(&all), ",succeeded,0,").into_owned();
    insta::assert_snapshot!("subjects", all);
}

#[test]
fn every_kind_is_listed() {
    let printed = Program::new().run(["inspect", "kinds"]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(printed.stdout);
}

fn searching_knows_no_case_in_any_script(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("a", "Größe der ΟΔΟΣ", [text("vendor_a", "ПРИВЕТ 100%")]));
    export
        .put("b.json", &catalog("b", "Other", [text("vendor_b", "Ärger_mit\\Pfad"), text("vendor_c", "100 percent")]));
    let program = database.program();
    program.sync(export.path());
    let values = |needle: &str| -> Vec<String> {
        program
            .inspect(&["settings", "--search", needle])
            .iter()
            .map(|row| row["settingPath"].as_str().unwrap().to_owned())
            .collect()
    };
    for (needle, paths) in [
        ("grösse", vec!["vendor_a"]),
        ("GRÖẞE", vec!["vendor_a"]),
        ("οδος", vec!["vendor_a"]),
        ("привет", vec!["vendor_a"]),
        ("ÄRGER", vec!["vendor_b"]),
        ("100%", vec!["vendor_a"]),
        ("r_m", vec!["vendor_b"]),
        ("mit\\pfad", vec!["vendor_b"]),
        ("nothing such", vec![]),
        ("' OR 1=1 --", vec![]),
    ] {
        assert_eq!(values(needle), paths, "{needle}");
        let policies = program.inspect(&["policies", "--search", needle]);
        assert_eq!(policies.len(), paths.len(), "{needle}");
    }
}

fn a_policy_is_found_by_id_and_by_name(database: &Database) {
    let export = Export::new();
    export.put("a.json", &catalog("id-of-a", "Größe", [text("vendor_a", "x")]));
    export.put("b.json", &catalog("id-of-b", "Other", [text("vendor_b", "y")]));
    let program = database.program();
    program.sync(export.path());
    export.put("a.json", &catalog("id-of-a", "Größe", [text("vendor_a", "changed")]));
    export.put("b.json", &catalog("id-of-b", "Other", [text("vendor_b", "changed")]));
    program.sync(export.path());
    for subject in ["policies", "settings", "changes"] {
        for asked in ["id-of-a", "Größe", "größe"] {
            let rows = program.inspect(&[subject, "--policy", asked]);
            assert_eq!(rows.len(), 1, "{subject} {asked}");
            assert_eq!(rows[0]["graphPolicyId"], "id-of-a");
        }
        assert!(program.inspect(&[subject, "--policy", "rö"]).is_empty(), "a part of a name is no name");
    }
}

#[test]
fn nothing_that_steers_a_terminal_is_printed_raw() {
    let evil = "a\u{1b}[31m\u{202e}\u{9b}2J\u{7}\u{2066}b\r";
    let export = Export::new();
    let mut policy = catalog(evil, evil, [text(&format!("vendor_{evil}"), evil)]);
    policy["settingCount"] = json!(5);
    export.put(&format!("{}.json", evil.replace('\r', "")), &policy);
    export.put("note\u{1b}.json", &json!({"a": evil}));
    let database = Database::sqlite();
    let program = database.program();
    let raw = |text: &str| {
        text.chars().any(|c| {
            c != '\n'
                && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c))
        })
    };
    let folder = export.path().to_str().unwrap();
    let mut printed = vec![
        program.run(["sync", "--tenant", evil, "--fixtures", folder]),
        program.run(["sync", "--tenant", evil, "--json", "--fixtures", folder]),
    ];
    for subject in ["tenants", "policies", "settings", "runs"] {
        printed.push(program.run(["inspect", subject]));
        printed.push(program.run(["inspect", subject, "--json"]));
    }
    for printed in printed {
        assert!(!raw(&printed.stdout) && !raw(&printed.stderr), "{printed:?}");
    }
    // programs read what was stored
    assert_eq!(program.inspect(&["settings"])[0]["settingValue"], evil);
    // and so does CSV in a pipe, but not on a terminal
    let Ok(typescript) = program
        .command("script", ["-qec", &format!("{BINARY} inspect settings --csv"), "/dev/null"])
        .env("PATH", "/usr/bin:/bin")
        .output()
    else {
        return;
    };
    let shown = String::from_utf8(typescript.stdout).unwrap().replace("\r\n", "\n");
    assert!(shown.contains("settingValue") && !raw(&shown), "{shown:?}");
}

#[test]
fn a_pipe_that_closes_early_ends_quietly() {
    let database = Database::sqlite();
    let export = Export::new();
    let settings = (0..3_000).map(|number| text(&format!("vendor_{number}"), &"x".repeat(200)));
    export.put("a.json", &catalog("a", "A", settings));
    database.program().sync(export.path());
    for format in ["--json", "--csv"] {
        let program = database.program();
        let mut child = program
            .command(BINARY, ["inspect", "settings", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut few = [0; 100];
        child.stdout.take().unwrap().read_exact(&mut few).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    }
}

#[test]
fn completions_and_manual_pages_are_printed() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let printed = program.run(["completions", shell]);
        assert_eq!(printed.code, Some(0));
        assert!(printed.stdout.contains("tenantpilot") && printed.stdout.contains("inspect"), "{shell}");
    }
    let page = program.run(["man"]);
    assert!(page.stdout.starts_with(".ie") || page.stdout.contains(".TH"), "{}", page.stdout);
    assert_eq!(program.run(["man", "pages"]).code, Some(0));
    assert!(program.home().join("pages/tenantpilot-inspect.1").exists());
}

#[test]
fn the_default_database_is_in_the_users_data_folder() {
    let program = Program::new();
    let data = program.home().join("data");
    let program = program.env("XDG_DATA_HOME", data.to_str().unwrap());
    let printed = program.run(["inspect"]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(
        printed.stderr.contains("there is no database") && printed.stderr.contains("tenantpilot sync"),
        "{printed:?}"
    );
    assert!(!data.exists(), "inspect makes nothing");
    program.sync(&contoso());
    assert!(data.join("tenantpilot/tenantpilot.db").exists());
    assert_eq!(program.inspect(&["tenants"]).len(), 1);
}

#[test]
fn an_address_may_stand_in_a_file() {
    let program = Program::new();
    let file = program.home().join("address");
    std::fs::write(&file, "sqlite:from-file.db\n").unwrap();
    let program = program.env("DATABASE_URL_FILE", file.to_str().unwrap());
    program.sync(&contoso());
    assert!(program.home().join("from-file.db").exists());
}

#[test]
fn a_sync_that_is_told_to_stop_ends_in_order() {
    let export = Export::new();
    for number in 0..600 {
        let settings = (0..40).map(|setting| text(&format!("vendor_{setting}"), "x"));
        export.put(&format!("{number}.json"), &catalog(&number.to_string(), "A", settings));
    }
    let database = Database::sqlite();
    let program = database.program();
    let mut child = program.start(["sync", "--tenant", "contoso", "--fixtures", export.path().to_str().unwrap()]);
    while !database.file().exists()
        || database.lines("SELECT name AS line FROM sqlite_master WHERE name = 'policy_settings'").is_empty()
        || database.count("sync_runs") == 0
    {}
    let stopped = program.command("/bin/kill", ["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(database.line("SELECT status AS line FROM sync_runs"), "interrupted");
    assert_eq!(database.count("settings") % 40, 0);
}
