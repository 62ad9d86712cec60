//! Trees of exported JSON: every way that a tool writes one, and what is told of what is no policy.

use std::{
    ffi::OsStr,
    fs::Permissions,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, symlink},
    },
    path::Path,
};

use serde_json::{Value, json};
use tenantpilot::fixtures::{FixturesError, Folder, Found};

use crate::support::{
    database::Database,
    export::{Export, catalog, choice, device_configuration, text},
};

/// What a folder holds: path, kind and id, or the reason.
fn found(folder: &Path) -> Vec<String> {
    let folder = Folder::open(folder).unwrap();
    let all = folder.files().iter().flat_map(|file| folder.read(file));
    all.map(|found| match found {
        Found::Policy(kind, document) => {
            format!("{} is {} {}", document.file.unwrap(), kind.slug(), document.id)
        }
        Found::Skipped { path, reason, .. } => format!("{path} is skipped: {reason}"),
        Found::Broken { path, reason, .. } => format!("{path} is broken: {reason}"),
    })
    .collect()
}

fn policy() -> Value {
    catalog("p", "Ärger", [choice("vendor_a", "1")])
}

#[test]
fn any_encoding_is_read() {
    let json = policy().to_string();
    let utf16 = |unit: fn(u16) -> [u8; 2]| json.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
    for (name, bytes) in [
        ("UTF-8", json.as_bytes().to_vec()),
        ("UTF-8 with a mark", [b"\xef\xbb\xbf", json.as_bytes()].concat()),
        ("UTF-16 LE", [b"\xff\xfe".to_vec(), little.clone()].concat()),
        ("UTF-16 BE", [b"\xfe\xff".to_vec(), big.clone()].concat()),
        ("UTF-16 LE without a mark", little),
        ("UTF-16 BE without a mark", big),
    ] {
        let export = Export::new();
        export.put_bytes("policy.json", &bytes);
        let folder = Folder::open(export.path()).unwrap();
        let read = folder.read("policy.json");
        let [Found::Policy(_, document)] = read.as_slice() else { panic!("{name}: {read:?}") };
        assert_eq!(document.name.as_deref(), Some("Ärger"), "{name}");
    }
}

#[test]
fn half_a_character_in_a_propertys_name_costs_nothing() {
    let export = Export::new();
    export.put_bytes(
        "p.json",
        br##"{"@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": "p", "k\ud800": 5, "k\udc00": 6}"##,
    );
    let database = Database::sqlite();
    database.program().sync(export.path());
    assert_eq!(database.lines("SELECT raw_value AS line FROM settings ORDER BY 1"), ["5", "6"]);
}

#[test]
fn what_is_no_text_is_told() {
    let export = Export::new();
    export.put_bytes("ansi.json", b"{\"name\": \"\xc4rger\"}");
    export.put_bytes("half.json", b"\xff\xfe{\0}");
    export.put_bytes("nothing.json", b"  \r\n");
    let told = found(export.path());
    assert_eq!(
        told,
        [
            "ansi.json is broken: not UTF-8 at byte 10",
            "half.json is broken: UTF-16 text with half a character at its end",
            "nothing.json is broken: the file is empty",
        ]
    );
}

#[test]
fn pages_lists_and_wrappers_are_opened() {
    let (a, b) = (policy(), device_configuration("b", "B", &json!({"camera": "block"})));
    let without_id = json!({"name": "No id", "technologies": "mdm", "settings": []});
    let export = Export::new();
    export.put("alone.json", &a);
    export.put("batch.json", &json!({"responses": [{"id": "1", "status": 200, "body": {"value": [a]}}, {"id": "2", "status": 200, "body": b}]}));
    export.put("cipp.json", &json!({"Displayname": "Named outside", "RAWJson": without_id.to_string()}));
    export.put("cipp2.json", &json!({"JSON": json!({"RAWJson": a.to_string()}).to_string(), "GUID": "x"}));
    export.put("list.json", &json!([a, b, without_id]));
    export.put("one.json", &json!({"value": b}));
    export.put(
        "page.json",
        &json!({"@odata.context": "https://graph.microsoft.com/beta/$metadata#deviceManagement/configurationPolicies",
        "value": [a, without_id, {"id": "bare", "name": "Of the page's kind"}]}),
    );
    export.put("empty.json", &json!({"value": []}));
    assert_eq!(
        found(export.path()),
        [
            "alone.json is settings-catalog p",
            "batch.json#1 is settings-catalog p",
            "batch.json#2 is device-configuration b",
            "cipp.json is settings-catalog fixture:cipp.json",
            "cipp2.json is settings-catalog p",
            "empty.json is skipped: an empty list",
            "list.json#1 is settings-catalog p",
            "list.json#2 is device-configuration b",
            "list.json#3 is settings-catalog fixture:list.json#3",
            "one.json#1 is device-configuration b",
            "page.json#1 is settings-catalog p",
            "page.json#2 is settings-catalog fixture:page.json#2",
            "page.json#3 is settings-catalog bare",
        ]
    );
}

#[test]
fn a_policy_whose_type_is_known_is_no_wrapper_whatever_its_properties_are_called() {
    for properties in [
        json!({"id": "A", "responses": {"q": 5}}),
        json!({"id": "A", "responses": [{"status": 429, "body": {}}]}),
        json!({"id": "A", "JSON": "{}"}),
        json!({"id": "A", "RAWJson": "no JSON"}),
        json!({"id": "A", "body": {"q": 5}, "status": 500}),
        json!({"id": "A", "error": {"code": "q"}}),
        json!({"id": "A", "value": [{"q": 5}]}),
        json!({"value": [{"q": 5}]}),
    ] {
        let mut policy = json!({"@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "x": 1});
        policy.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        let export = Export::of(&policy);
        let id = properties["id"].as_str().unwrap_or("fixture:policy.json");
        assert_eq!(found(export.path()), [format!("policy.json is device-configuration {id}")], "{properties}");
    }
}

#[test]
fn a_policy_without_a_name_is_called_by_its_file() {
    let export = Export::new();
    for policy in [
        json!({"definitionValues": []}),
        json!({"definitionValues": [], "displayName": " "}),
        json!({"definitionValues": [], "name": "", "displayName": null}),
    ] {
        export.put("Administrative Templates/Edge - Browsers.json", &policy);
        let database = Database::sqlite();
        database.program().sync(export.path());
        assert_eq!(database.lines("SELECT policy_name AS line FROM policies"), ["Edge - Browsers"], "{policy}");
    }
}

#[test]
fn another_name_of_a_file_or_a_wrapper_is_the_policys_too() {
    let unnamed = json!({"@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": "p", "x": 1});
    let wrapped = |name: &str| json!({"Displayname": name, "RAWJson": r#"{"technologies": "mdm", "settings": []}"#});
    let (export, database) = (Export::new(), Database::sqlite());
    let names = || database.lines("SELECT policy_name AS line FROM policies ORDER BY 1");
    export.put("A.json", &unnamed);
    export.put("wrapped.json", &wrapped("B"));
    database.program().sync(export.path());
    assert_eq!(names(), ["A", "B"]);
    export.remove("A.json");
    export.put("C.json", &unnamed);
    export.put("wrapped.json", &wrapped("D"));
    database.program().sync(export.path());
    assert_eq!(names(), ["C", "D"]);
}

#[test]
fn one_broken_object_of_a_list_costs_itself() {
    let export = Export::new();
    export.put("list.json", &json!([policy(), {"RAWJson": "{\"name\": "}, device_configuration("b", "B", &json!({}))]));
    let told = found(export.path());
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[1].starts_with("list.json#2 is broken: "), "{told:?}");
    assert_eq!(
        (told[0].as_str(), told[2].as_str()),
        ("list.json#1 is settings-catalog p", "list.json#3 is device-configuration b")
    );
}

#[test]
fn every_fixture_tells_its_kind_wherever_it_lies() {
    let root = Path::new("fixtures/kinds");
    let folder = Folder::open(root).unwrap();
    let export = Export::new();
    for file in folder.files().iter().map(|file| file.to_str().unwrap()) {
        let slug = file.split('/').next().unwrap();
        let kinds = |found: Vec<Found>| -> Vec<String> {
            found
                .into_iter()
                .map(|found| match found {
                    Found::Policy(kind, _) => kind.slug().to_owned(),
                    other => format!("{other:?}"),
                })
                .collect()
        };
        assert_eq!(kinds(folder.read(file)), [slug], "{file}");
        let elsewhere = format!("stuff/{}", file.replace('/', "-of-"));
        export.put_bytes(&elsewhere, &std::fs::read(root.join(file)).unwrap());
        assert_eq!(kinds(Folder::open(export.path()).unwrap().read(&elsewhere)), [slug], "{elsewhere}");
    }
}

#[test]
fn what_is_no_policy_is_named_with_the_reason() {
    let export = Export::new();
    export.put("group.json", &json!({"@odata.type": "#microsoft.graph.group", "id": "g", "displayName": "Group"}));
    export.put("note.json", &json!({"a": 1}));
    export.put("schema.json", &json!({"id": {"type": "string"}, "properties": {"a": 1}}));
    export.put("status.json", &json!({"status": "success"}));
    export.put("policy.json", &policy());
    export.put_bytes("readme.txt", b"hello");
    export.put_bytes(".git/config.json", b"hidden");
    let database = Database::sqlite();
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let problems = printed.json()["tenants"][0]["problems"].as_array().unwrap().clone();
    let told: Vec<_> = problems
        .iter()
        .map(|problem| {
            [&problem["policy"], &problem["code"], &problem["message"]].map(|text| text.as_str().unwrap()).join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "group.json not_a_policy `#microsoft.graph.group` is no kind of policy that is read",
            "note.json not_a_policy no policy: neither its type nor its shape nor its folder tells a kind",
            "schema.json not_a_policy no policy: neither its type nor its shape nor its folder tells a kind",
            "status.json not_a_policy no policy: neither its type nor its shape nor its folder tells a kind",
            "readme.txt not_a_policy no `.json` file",
        ]
    );
    for file in ["group.json", "note.json", "schema.json", "status.json", "readme.txt"] {
        assert!(printed.stderr.contains(&format!("skipped: {file}")), "{}", printed.stderr);
    }
}

/// A first import of the policies A and B in files of their names.
fn two_policies() -> (Export, Database) {
    let (export, database) = (Export::new(), Database::sqlite());
    for id in ["A", "B"] {
        export.put(&format!("{id}.json"), &device_configuration(id, id, &json!({"camera": "block"})));
    }
    database.program().sync(export.path());
    (export, database)
}

/// Ids of the policies that the tenant has.
fn policies(database: &Database) -> Vec<String> {
    database.lines("SELECT graph_policy_id AS line FROM policies WHERE deleted_at IS NULL ORDER BY 1")
}

#[test]
fn an_export_that_has_failed_is_told_and_removes_nothing() {
    let (export, database) = two_policies();
    let throttled = json!({"error": {"code": "TooManyRequests", "message": "x"}});
    let beside = json!({"error": {"code": "", "message": "Gone wrong"}, "id": "A", "name": "A"});
    let context = json!({"@odata.context": "https://graph.microsoft.com/beta/$metadata#deviceManagement/intents"});
    for (content, reason) in [
        ("", "the file is empty"),
        ("null", "holds `null`"),
        (r#""oops""#, "holds nothing but a text"),
        ("{}", "holds an empty object"),
        (r#"{"value": null}"#, "holds a page without its list"),
        (&context.to_string(), "holds a page without its list"),
        (&throttled.to_string(), "holds an error answer of Graph: TooManyRequests"),
        (&beside.to_string(), "holds an error answer of Graph: Gone wrong"),
        (
            r#"{"error": "invalid_client", "error_description": "AADSTS7000215"}"#,
            "holds an error answer of Graph: invalid_client",
        ),
        (r#"{"Message": "An error has occurred."}"#, "holds an error answer: An error has occurred."),
        (r#"{"code": "Forbidden", "message": "no"}"#, "holds an error answer: no"),
        (r#"{"odata.error": {"code": "X"}}"#, "holds an error answer: odata.error"),
        (r#"{"statusCode": 403}"#, "holds an error answer: status 403"),
        (r#"{"Status": "503", "Reason": "x"}"#, "holds an error answer: status 503"),
        (r#"{"error": "Forbidden"}"#, "holds an error answer: Forbidden"),
        (r#"{"code": "Forbidden"}"#, "holds an error answer: Forbidden"),
        (
            r#"{"id": ["A"], "name": "A", "technologies": "mdm", "settings": []}"#,
            "its `id` is neither a text nor a number",
        ),
        ("7", "neither an object nor a list"),
        ("false", "neither an object nor a list"),
        (
            r#"{"id": "A", "name": "A", "technologies": "mdm", "settings": {"error": {"code": "Timeout"}}}"#,
            "holds an error answer of Graph: Timeout",
        ),
    ] {
        export.put_bytes("A.json", content.as_bytes());
        let printed = database.program().try_sync(export.path(), &[]);
        assert_eq!(printed.code, Some(3), "{content}: {printed:?}");
        let problem = &printed.json()["tenants"][0]["problems"][0];
        assert_eq!([&problem["code"], &problem["message"]], ["unreadable", reason], "{content}");
        assert_eq!(policies(&database), ["A", "B"], "{content}");
    }
}

#[test]
fn a_failed_answer_of_a_batch_costs_itself() {
    let (b, c) = (device_configuration("B", "B", &json!({})), device_configuration("C", "C", &json!({})));
    let failed = json!({"error": {"code": "NotFound"}, "id": "A", "displayName": "A"});
    let export = Export::new();
    export.put(
        "Compliance/batch.json",
        &json!({"responses": [{"id": "1", "status": 200, "body": b}, {"id": "2", "status": 404, "body": failed},
            {"id": "3", "status": 503, "headers": {"Retry-After": "9"}}, {"id": "4", "status": 200, "body": c}]}),
    );
    assert_eq!(
        found(export.path()),
        [
            "Compliance/batch.json#1 is device-configuration B",
            "Compliance/batch.json#2 is broken: holds an error answer of Graph, status 404: NotFound",
            "Compliance/batch.json#3 is broken: holds an error answer of Graph, status 503",
            "Compliance/batch.json#4 is device-configuration C",
        ]
    );
}

#[test]
fn what_was_not_taken_is_not_taken_for_removed() {
    let (export, database) = two_policies();
    for not_taken in
        [json!({"id": "A"}), json!({"@odata.type": "#microsoft.graph.ofTomorrow", "id": "A", "displayName": "A"})]
    {
        export.put("A.json", &not_taken);
        let printed = database.program().try_sync(export.path(), &[]);
        assert_eq!(printed.code, Some(0), "{printed:?}");
        assert_eq!(printed.json()["tenants"][0]["problems"][0]["code"], "not_a_policy");
        assert_eq!(policies(&database), ["A", "B"], "{not_taken}");
    }
    export.put("A.json", &json!({"tool": "a backup's own notes"}));
    database.program().sync(export.path());
    assert_eq!(policies(&database), ["B"]);
}

#[test]
fn a_first_file_that_cannot_be_read_hides_no_other_with_its_id() {
    let export = Export::new();
    let whole = |value| catalog("p", "Policy", [text("vendor_a", value)]);
    export.put("b/policy.json", &whole("one"));
    let database = Database::sqlite();
    let values = || {
        let settings = database.program().inspect(&["settings"]);
        settings.iter().map(|row| row["settingValue"].clone()).collect::<Vec<_>>()
    };
    database.program().sync(export.path());
    assert_eq!(values(), ["one"]);
    let mut cut = whole("first of more");
    cut["settings@odata.nextLink"] = json!("https://graph.microsoft.com/next");
    export.put("a/policy.json", &cut);
    export.put("b/policy.json", &whole("two"));
    export.put("c/policy.json", &whole("three"));
    // one more that cannot be read has a reason of its own
    export.put("aa/policy.json", &cut);
    for _ in 0..2 {
        let printed = database.program().try_sync(export.path(), &[]);
        assert_eq!(printed.code, Some(3), "{printed:?}");
        let problems = &printed.json()["tenants"][0]["problems"];
        let told = problems.as_array().expect("a list").iter().map(|problem| json!([problem["code"], problem["file"]]));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                json!(["incomplete", "a/policy.json"]),
                json!(["incomplete", "aa/policy.json"]),
                json!(["duplicate", "c/policy.json"])
            ]
        );
        assert_eq!(values(), ["two"]);
    }
}

#[test]
fn of_two_files_with_one_id_the_first_by_path_wins() {
    let export = Export::new();
    export.put("b/policy.json", &catalog("p", "Second", [text("vendor_a", "second")]));
    export.put("a/policy.json", &catalog("p", "First", [text("vendor_a", "first")]));
    export.put("c/policy.json", &catalog("p", "First", [text("vendor_a", "third")]));
    let database = Database::sqlite();
    let program = database.program();
    for _ in 0..2 {
        let printed = program.try_sync(export.path(), &[]);
        assert_eq!(printed.code, Some(0), "{printed:?}");
        let problems = &printed.json()["tenants"][0]["problems"];
        let told = |index: usize| [&problems[index]["code"], &problems[index]["file"], &problems[index]["message"]];
        let other = "another policy has this id and comes first: `First` (settings-catalog) from a/policy.json";
        assert_eq!(told(0), ["duplicate", "b/policy.json", other]);
        let same = "a policy with this id was read before, from a/policy.json";
        assert_eq!(told(1), ["duplicate", "c/policy.json", same]);
        // also where notes are not told
        let quiet =
            program.run(["sync", "--quiet", "--fixtures", &export.path().to_string_lossy(), "--tenant", "contoso"]);
        assert!(
            quiet.stderr.contains(&format!("warning: settings-catalog b/policy.json `Second`: {other}")),
            "{quiet:?}"
        );
        assert_eq!(database.lines("SELECT setting_value AS line FROM settings"), ["first"]);
    }
}

#[test]
fn a_second_file_of_an_id_is_told_whatever_comes_before_it() {
    let export = Export::new();
    for n in 0..30 {
        export.put(&format!("0/{n}.json"), &json!({"foo": 1}));
    }
    export.put("a.json", &catalog("p", "First", [text("vendor_a", "first")]));
    export.put("b.json", &device_configuration("p", "Second", &json!({"camera": "block"})));
    let folder = export.path().to_string_lossy().into_owned();
    for flags in [&[][..], &["--kind", "device-configuration"]] {
        let sync = ["sync", "--quiet", "--tenant", "contoso", "--fixtures", &folder];
        let printed = Database::sqlite().program().run(sync.iter().chain(flags));
        let other = "`Second`: another policy has this id and comes first: `First` (settings-catalog) from a.json";
        assert!(printed.code == Some(0) && printed.stderr.contains(other), "{flags:?}: {printed:?}");
    }
}

#[test]
fn a_link_that_leads_nowhere_costs_itself() {
    let (export, database) = two_policies();
    export.remove("A.json");
    export.put_bytes("s/notes.md", b"hello");
    for (target, link) in
        [("gone.json", "A.json"), ("gone", "folder"), ("itself", "itself"), ("gone", "b.txt"), ("..", "s/up")]
    {
        symlink(target, export.path().join(link)).unwrap();
    }
    // Emacs has such a one beside a file that is edited
    symlink("user@host.42", export.path().join(".#B.json")).unwrap();
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    let problems = printed.json()["tenants"][0]["problems"].as_array().unwrap().clone();
    let told = problems.iter().map(|problem| format!("{} {}", problem["policy"], problem["code"]).replace('"', ""));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "A.json unreadable",
            "b.txt unreadable",
            "folder unreadable",
            "itself unreadable",
            "s/notes.md not_a_policy",
            "s/up not_a_policy",
        ]
    );
    assert_eq!(policies(&database), ["A", "B"]);
    for link in ["A.json", "b.txt", "folder", "itself"] {
        export.remove(link);
    }
    database.program().sync(export.path());
    assert_eq!(policies(&database), ["B"]);
}

#[test]
fn saved_pages_without_the_last_one_remove_nothing() {
    let (export, database) = (Export::new(), Database::sqlite());
    let context = "https://graph.microsoft.com/beta/$metadata#deviceManagement/configurationPolicies";
    let next = "https://graph.microsoft.com/beta/deviceManagement/configurationPolicies?$skiptoken=2";
    let page = |id: &str, next: Option<&str>| {
        let policy = catalog(id, id, [choice("vendor_a", "1")]);
        json!({"@odata.context": context, "@odata.nextLink": next, "value": [policy]})
    };
    export.put("catalog/1.json", &page("A", Some(next)));
    export.put("catalog/2.json", &page("B", None));
    // of another kind, which has only one page
    let filters = json!({"@odata.context": "…#deviceManagement/assignmentFilters", "value": [
        {"id": "F", "displayName": "F", "rule": "(device.model -eq \"x\")", "platform": "windows10AndLater"}]});
    export.put("catalog/filters.json", &filters);
    database.program().sync(export.path());
    assert_eq!(policies(&database), ["A", "B", "F"]);

    // pages may lie in folders of their own
    export.remove("catalog/2.json");
    export.put("more/2.json", &page("B", None));
    database.program().sync(export.path());
    export.remove("more/2.json");
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    assert_eq!(database.program().try_sync(export.path(), &["--kind", "assignment-filter"]).code, Some(0));
    let problems = printed.json()["tenants"][0]["problems"].as_array().unwrap().clone();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!([&problems[0]["policy"], &problems[0]["kind"]], ["catalog/1.json", "settings-catalog"]);
    assert_eq!(policies(&database), ["A", "B", "F"]);

    export.put("catalog/1.json", &page("A", None));
    database.program().sync(export.path());
    assert_eq!(policies(&database), ["A", "F"]);
}

#[test]
fn a_policy_whose_settings_go_on_elsewhere_is_incomplete() {
    let (export, database) = (Export::new(), Database::sqlite());
    let mut policy = catalog("A", "A", [choice("vendor_a", "1")]);
    policy["settings@odata.nextLink"] = json!("https://graph.microsoft.com/beta/x/settings?$skip=25");
    export.put("A.json", &policy);
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    assert_eq!(printed.json()["tenants"][0]["problems"][0]["code"], "incomplete");
    assert_eq!(database.lines("SELECT setting_path AS line FROM policy_settings"), ["vendor_a"]);
}

#[test]
fn a_policy_whose_settings_are_not_there_keeps_those_it_has() {
    let rows = "SELECT graph_policy_id || ' ' || setting_path AS line FROM policy_settings ORDER BY 1";
    let state = "SELECT graph_policy_id || ' ' || complete || ' ' || setting_count AS line FROM policies ORDER BY 1";
    let intent = json!({"@odata.type": "#microsoft.graph.deviceManagementIntent", "id": "I", "displayName": "I",
        "settings": [{"definitionId": "deviceConfiguration--x_camera", "valueJson": "true"}]});
    let template = json!({"@odata.type": "#microsoft.graph.groupPolicyConfiguration", "id": "T", "displayName": "T",
        "definitionValues": [{"enabled": true, "definition@odata.bind": "https://x/groupPolicyDefinitions('d')"}]});
    let catalog = catalog("C", "C", [choice("vendor_a", "1"), choice("vendor_b", "1")]);
    for (policy, list) in [(catalog, "settings"), (intent, "settings"), (template, "definitionValues")] {
        let (export, database) = (Export::new(), Database::sqlite());
        export.put("A.json", &policy);
        database.program().sync(export.path());
        let whole = database.lines(rows);
        assert!(!whole.is_empty(), "{policy}");
        let without = || {
            let mut policy = policy.clone();
            policy.as_object_mut().unwrap().remove(list);
            // a type, where no list tells the kind
            policy["technologies"] = json!("mdm");
            policy["@odata.type"] = policy
                .get("@odata.type")
                .cloned()
                .unwrap_or_else(|| json!("#microsoft.graph.deviceManagementConfigurationPolicy"));
            policy
        };
        let holding = |value: Value| {
            let mut policy = without();
            policy[list] = value;
            policy
        };
        let mut first_page = holding(json!([policy[list][0]]));
        first_page[format!("{list}@odata.nextLink")] = json!("https://graph.microsoft.com/beta/x?$skip=25");
        for cut in [
            without(),
            holding(json!(null)),
            holding(json!("Forbidden")),
            holding(json!(403)),
            holding(json!([policy[list][0], null])),
            holding(json!([policy[list][0], {"error": {"code": "Timeout"}}])),
            holding(json!([{"error": {"code": "Timeout"}}])),
            holding(json!({"Message": "An error has occurred."})),
            holding(json!({"code": "Forbidden", "message": "no"})),
            holding(json!({"value": []})),
            holding(json!([{}])),
            holding(json!({"statusCode": 403})),
            first_page,
        ] {
            export.put("A.json", &cut);
            let printed = database.program().try_sync(export.path(), &[]);
            assert_eq!(printed.code, Some(3), "{cut}: {printed:?}");
            assert_eq!(printed.json()["tenants"][0]["problems"][0]["code"], "incomplete", "{cut}");
            assert_eq!(database.lines(rows), whole, "{cut}");
        }
        // nobody says of a new one that it sets nothing
        let fresh = Database::sqlite();
        export.put("A.json", &without());
        for _ in 0..2 {
            assert_eq!(fresh.program().try_sync(export.path(), &[]).code, Some(3), "{policy}");
            assert_eq!(fresh.lines(state), [format!("{} 0 0", policy["id"].as_str().unwrap())]);
            assert!(fresh.lines(rows).is_empty());
        }
        // the tenant had them all the time
        export.put("A.json", &policy);
        fresh.program().sync(export.path());
        assert_eq!(fresh.lines(rows), whole);
        assert_eq!(fresh.count("setting_changes"), 0);
        // an empty list says so
        export.put("A.json", &holding(json!([])));
        fresh.program().sync(export.path());
        assert_eq!(fresh.lines(rows), [format!("{} #none", policy["id"].as_str().unwrap())]);
    }
}

#[test]
fn a_policy_that_came_short_keeps_what_came_where_nothing_does() {
    let (export, database) = (Export::new(), Database::sqlite());
    let mut policy = catalog("A", "A", [choice("vendor_a", "1")]);
    policy["settingCount"] = json!(2);
    for _ in 0..2 {
        export.put("Settings Catalog/A.json", &policy);
        let printed = database.program().try_sync(export.path(), &[]);
        assert_eq!(printed.json()["tenants"][0]["problems"][0]["code"], "incomplete", "{printed:?}");
        assert_eq!(database.lines("SELECT setting_path AS line FROM policy_settings"), ["vendor_a"]);
        policy["settings"] = json!(null);
    }
}

#[test]
fn settings_beside_a_policy_that_are_gone_or_end_early_remove_nothing() {
    let (export, database) = (Export::new(), Database::sqlite());
    let rows = "SELECT setting_path AS line FROM policy_settings";
    let settings = ["a", "b"].map(|id| json!({"id": id, "settingInstance": choice(&format!("vendor_{id}"), "1")}));
    let mut policy = catalog("A", "A", []);
    policy.as_object_mut().unwrap().remove("settings");
    policy["technologies"] = json!("mdm");
    policy["@odata.type"] = json!("#microsoft.graph.deviceManagementConfigurationPolicy");
    export.put("A.json", &policy);
    export.put("A_Settings.json", &json!(settings));
    database.program().sync(export.path());
    assert_eq!(database.lines(rows), ["vendor_a", "vendor_b"]);
    let next = "https://graph.microsoft.com/beta/x?$skip=1";
    export.put("A_Settings.json", &json!({"@odata.nextLink": next, "value": [settings[0]]}));
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(database.lines(rows), ["vendor_a", "vendor_b"]);
    export.remove("A_Settings.json");
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(database.lines(rows), ["vendor_a", "vendor_b"]);
    export.put("A_Settings.json", &json!([settings[1]]));
    database.program().sync(export.path());
    assert_eq!(database.lines(rows), ["vendor_b"]);
}

#[test]
fn what_stands_in_place_of_assignments_removes_none() {
    let (export, database) = (Export::new(), Database::sqlite());
    let mut policy = device_configuration("A", "A", &json!({"camera": "block"}));
    policy["assignments"] = json!([{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]);
    export.put("A.json", &policy);
    database.program().sync(export.path());
    let error = json!({"error": {"code": "Forbidden"}});
    for failed in [json!("Forbidden"), error.clone(), json!([error]), json!(403), json!({}), json!([{}]), json!([null])]
    {
        policy["assignments"] = failed;
        export.put("A.json", &policy);
        let printed = database.program().try_sync(export.path(), &[]);
        assert_eq!(printed.code, Some(3), "{policy}");
        assert_eq!(printed.json()["tenants"][0]["problems"][0]["code"], "incomplete", "{policy}");
        assert_eq!(database.count("policy_assignments"), 1, "{policy}");
    }
    // of its settings all is known
    let mut empty = catalog("B", "B", []);
    empty["assignments"] = json!("Forbidden");
    export.put("A.json", &empty);
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    let rows = "SELECT setting_path AS line FROM policy_settings WHERE graph_policy_id = 'B'";
    assert_eq!(database.lines(rows), ["#none"]);
}

#[test]
fn a_reusable_setting_whose_instance_is_not_there_keeps_its_rows() {
    let (export, database) = (Export::new(), Database::sqlite());
    let mut reusable = json!({"id": "A", "displayName": "A", "settingDefinitionId": "vendor_a",
        "settingInstance": {"settingDefinitionId": "vendor_a", "simpleSettingValue": {"value": "x"}}});
    export.put("reusablePolicySettings/A.json", &reusable);
    database.program().sync(export.path());
    let rows = "SELECT setting_path AS line FROM policy_settings ORDER BY 1";
    let whole = database.lines(rows);
    for failed in [json!(null), json!("Forbidden"), json!({"error": {"code": "Forbidden"}})] {
        reusable["settingInstance"] = failed;
        export.put("reusablePolicySettings/A.json", &reusable);
        assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3), "{reusable}");
        assert_eq!(database.lines(rows), whole, "{reusable}");
    }
}

#[test]
fn a_folder_that_may_not_be_read_costs_itself() {
    let (export, database) = (Export::new(), Database::postgres());
    export.put("A.json", &device_configuration("A", "A", &json!({"camera": "block"})));
    export.put("closed/B.json", &device_configuration("B", "B", &json!({"camera": "block"})));
    database.program().sync(export.path());
    let allow = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let sync = ["sync", "--tenant", "contoso", "--json", "--fixtures", export.path().to_str().unwrap()];
    allow(export.path(), 0o755);
    allow(&export.path().join("closed"), 0);
    let printed = database.program().run_as_nobody(sync);
    allow(&export.path().join("closed"), 0o755);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    let problem = &printed.json()["tenants"][0]["problems"][0];
    assert_eq!([&problem["policy"], &problem["code"]], ["closed", "unreadable"]);
    assert_eq!(policies(&database), ["A", "B"]);
    // nothing is known of what is in a folder that is closed as a whole
    allow(export.path(), 0);
    let printed = database.program().run_as_nobody(sync);
    allow(export.path(), 0o755);
    assert_eq!(printed.code, Some(2), "{printed:?}");
}

#[test]
fn names_of_files_that_are_no_utf_8_are_read() {
    let export = Export::new();
    let unnamed = json!({"@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "x": 1});
    for name in [b"pol_\xe4.json", b"pol_\xf6.json"] {
        std::fs::write(export.path().join(OsStr::from_bytes(name)), unnamed.to_string()).unwrap();
    }
    let database = Database::sqlite();
    database.program().sync(export.path());
    assert_eq!(policies(&database), [r"fixture:pol_\xE4.json", r"fixture:pol_\xF6.json"]);
}

#[test]
fn a_folder_that_is_missing_or_empty_is_an_error() {
    let export = Export::new();
    assert!(matches!(Folder::open(export.path()), Err(FixturesError::Empty { .. })));
    assert!(matches!(Folder::open(&export.path().join("nowhere")), Err(FixturesError::Unreadable { .. })));
    export.put("policy.json", &policy());
    assert!(matches!(Folder::open(&export.path().join("policy.json")), Err(FixturesError::Unreadable { .. })));
}

#[test]
fn all_exports_of_other_tools_are_read() {
    insta::assert_snapshot!(found(Path::new("fixtures/exports")).join("\n"));
}

#[test]
fn what_tools_write_beside_a_policy_is_its_own() {
    let database = Database::sqlite();
    database.program().sync(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exports"));
    let rows = database.lines(
        "SELECT policy_name || ': ' || setting_name || ' = ' || coalesce(setting_value, '') AS line
         FROM policy_settings ORDER BY graph_policy_id, setting_path",
    );
    let assignments = database.lines(
        "SELECT policy_name || ': ' || intent || ' ' || target_type || ' ' || coalesce(target_id, '') || '/'
         || coalesce(target_name, '') || ', filter ' || coalesce(filter_id, '') || '/' || coalesce(filter_name, '') AS line
         FROM policy_assignments JOIN policies ON policies.id = policy_id ORDER BY 1",
    );
    insta::assert_snapshot!([rows, assignments].concat().join("\n"));
}

#[test]
fn what_powershell_has_made_of_a_policy_is_read() {
    let (export, database) = (Export::new(), Database::sqlite());
    // Windows PowerShell 5.1: lists in objects, times of its own
    let mut policy = catalog("A", "A", [choice("vendor_a", "1"), choice("vendor_b", "1")]);
    policy["settings"] = json!({"value": policy["settings"], "Count": 2});
    policy["settingCount"] = json!(2);
    policy["lastModifiedDateTime"] = json!("/Date(1588701527912)/");
    export.put("A.json", &policy);
    let target = json!({"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}});
    export.put("Assignments/A.json", &json!({"value": [target], "Count": 1}));
    // the SDK of Graph
    export.put(
        "B.json",
        &json!({"Id": "B", "DisplayName": "B", "State": "enabled", "GrantControls": {"Operator": "OR",
        "BuiltInControls": ["mfa"]}, "Conditions": {"ClientAppTypes": ["all"]}, "AdditionalProperties": {
        "@odata.context": "https://graph.microsoft.com/beta/$metadata#identity/conditionalAccess/policies/$entity"}}),
    );
    // app protection, by its id and name
    let protection = json!({"@odata.type": "#microsoft.graph.iosManagedAppProtection", "id": "T_1", "displayName": "C",
        "pinRequired": true});
    export.put("C.json", &protection);
    export.put("Assignments/T_1 - C.json", &json!({"@odata.context": "…/assignments", "value": [target]}));
    export.put("Assignments/B.json", &json!({"id": "x", "targetGroupId": "11111111-1111-4111-8111-111111111111"}));
    database.program().sync(export.path());
    assert_eq!(
        database.lines(
            "SELECT graph_policy_id || ' ' || policy_type || ' ' || setting_count || ' ' || coalesce(assigned, '-') || ' '
             || coalesce(graph_modified_at, '-') AS line FROM policies ORDER BY 1"
        ),
        [
            "A settings-catalog 2 1 2020-05-05 17:58:47.912",
            "B conditional-access 4 1 -",
            "T_1 app-protection 1 1 -",
        ]
    );

    export.put(
        "D.json",
        &json!({"@odata.type": "#microsoft.graph.iosCompliancePolicy", "id": "D", "displayName": "D",
        "passcodeRequired": true, "scheduledActionsForRule": [{"scheduledActionConfigurations": "System.Object[]"}]}),
    );
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    assert!(printed.stderr.contains("D.json: PowerShell has cut off what lies deep"), "{printed:?}");
    assert_eq!(policies(&database), ["A", "B", "T_1"]);
    // of one that is stored the rows stay
    export.put(
        "C.json",
        &json!({"@odata.type": "#microsoft.graph.iosManagedAppProtection", "id": "T_1", "displayName": "C",
        "pinRequired": true, "apps": ["@{id=1; value=Hunter2}"]}),
    );
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(
        database.lines("SELECT setting_path AS line FROM policy_settings WHERE graph_policy_id = 'T_1'"),
        ["pinRequired"]
    );
}

#[test]
fn a_policy_beside_another_is_no_part_of_it() {
    let (export, database) = (Export::new(), Database::sqlite());
    // by their names they might be parts
    let reusable = |id: &str| {
        json!({"id": id, "displayName": id, "settingDefinitionId": "vendor_a", "settingInstance": {
            "settingDefinitionId": "vendor_a", "simpleSettingValue": {"value": id}}})
    };
    export.put("Foo.json", &reusable("Foo"));
    export.put("Foo_Settings.json", &reusable("Foo_Settings"));
    export.put(
        "C.json",
        &json!({"@odata.type": "#microsoft.graph.iosCompliancePolicy", "id": "C", "displayName": "C",
        "passcodeRequired": true}),
    );
    export.put(
        "C_Settings.json",
        &json!({"@odata.context": "https://graph.microsoft.com/beta/$metadata#deviceManagement(settings)/$entity",
        "settings": {"secureByDefault": true}}),
    );
    export.put(
        "Assignments/Other - C.json",
        &json!([{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]),
    );
    database.program().sync(export.path());
    assert_eq!(policies(&database), ["C", "Foo", "Foo_Settings", "fixture:C_Settings.json"]);
    assert_eq!(database.count("policy_assignments"), 0);
    // one that breaks keeps its rows, and takes no other along
    export.put_bytes("Foo_Settings.json", b"{\"id\": \"Foo_S");
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    let problems = printed.json()["tenants"][0]["problems"].as_array().unwrap().clone();
    assert!(problems.iter().any(|problem| problem["policy"] == "Foo_Settings.json"), "{problems:?}");
    assert_eq!(policies(&database), ["C", "Foo", "Foo_Settings", "fixture:C_Settings.json"]);
}

#[test]
fn lists_in_lists_in_lists_cost_themselves() {
    let export = Export::of(&policy());
    for (name, open, inner, close) in [
        ("value.json", r#"{"value":"#, r#"{"definition@odata.bind":"x","enabled":true}"#, "}"),
        ("lists.json", "[", "1", "]"),
        ("policy_Settings.json", r#"{"value":"#, r#"{"a":1}"#, "}"),
        ("Assignments/policy.json", r#"{"value":"#, r#"{"a":1}"#, "}"),
    ] {
        let deep = format!("{}{inner}{}", open.repeat(20_000), close.repeat(20_000));
        export.put_bytes(name, deep.as_bytes());
    }
    let database = Database::sqlite();
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    assert_eq!(policies(&database), ["p"]);
}

#[test]
fn assignments_beside_a_policy_may_be_none_or_part_of_them() {
    let (export, database) = (Export::new(), Database::sqlite());
    let all = json!({"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}});
    export.put("A.json", &device_configuration("A", "A", &json!({"camera": "block"})));
    export.put("Assignments/A.json", &json!({"assignments": [all]}));
    let mut listed = device_configuration("B", "B", &json!({"camera": "block"}));
    listed["assignments"] = json!([all]);
    export.put("B.json", &listed);
    database.program().sync(export.path());
    assert_eq!(database.count("policy_assignments"), 2);
    export.put("Assignments/A.json", &json!({"value": []}));
    // the rest stands behind a link: what is known stays
    listed["assignments"] = json!([]);
    listed["assignments@odata.nextLink"] = json!("https://graph.microsoft.com/beta/x");
    export.put("B.json", &listed);
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    let whose = "SELECT graph_policy_id AS line FROM policies JOIN policy_assignments ON policies.id = policy_id";
    assert_eq!(database.lines(whose), ["B"]);
}

#[test]
fn what_lies_beside_policies_is_none() {
    let (export, database) = (Export::new(), Database::sqlite());
    export.put("Device Configurations/A.json", &device_configuration("A", "A", &json!({"camera": "block"})));
    for (path, object) in [
        (
            "Compliance Policies/Message Templates/m.json",
            json!({"id": "m", "displayName": "m", "defaultLocale": "en",
            "localizedNotificationMessages": [{"subject": "s", "messageTemplate": "t"}]}),
        ),
        ("Partner Connections/Compliance/p.json", json!({"partnerState": "enabled", "displayName": "p", "id": "p"})),
        ("Device Configurations/g.json", json!({"id": "g", "displayName": "g", "groupTypes": []})),
        ("Enrollment/e.json", json!({"@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "e"})),
    ] {
        export.put(path, &object);
    }
    database.program().sync(export.path());
    assert_eq!(policies(&database), ["A"]);
}

#[test]
fn a_policy_whose_settings_beside_it_cannot_be_read_keeps_those_it_has() {
    let (export, database) = (Export::new(), Database::sqlite());
    let intent = json!({"@odata.type": "#microsoft.graph.deviceManagementIntent", "id": "A", "displayName": "A"});
    let setting = json!({"id": "s", "definitionId": "deviceConfiguration--x_camera", "valueJson": "true"});
    export.put("A.json", &intent);
    export.put("A_Settings.json", &json!({"settings": [setting]}));
    database.program().sync(export.path());
    export.put_bytes("A_Settings.json", b"{\"settings\": [");
    let printed = database.program().try_sync(export.path(), &[]);
    assert_eq!(printed.code, Some(3), "{printed:?}");
    let rows = "SELECT graph_policy_id || ' ' || setting_value AS line FROM policy_settings";
    assert_eq!(database.lines(rows), ["A True"]);
    // nor does what an export leaves that has failed; a text may hold the JSON once more
    let whole = json!({"settings": [{"definitionId": "deviceConfiguration--x_camera", "valueJson": "false"}]});
    let refused = json!({"error": {"code": "Forbidden"}});
    for failed in
        [json!(null), json!("a text"), json!({}), json!([null]), json!({ "settings": refused }), refused.clone()]
    {
        export.put("A_Settings.json", &failed);
        assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3), "{failed}");
        assert_eq!(database.lines(rows), ["A True"], "{failed}");
    }
    // an empty list of its own is filled from beside it
    let mut empty = intent.clone();
    empty["settings"] = json!([]);
    export.put("A.json", &empty);
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(database.lines(rows), ["A True"]);
    export.put("A.json", &intent);
    // an empty list says that there are none
    export.put("A_Settings.json", &json!([]));
    database.program().sync(export.path());
    assert_eq!(database.lines("SELECT setting_name AS line FROM policy_settings"), ["(No settings configured)"]);
    export.put("A_Settings.json", &json!(whole.to_string()));
    database.program().sync(export.path());
    assert_eq!(database.lines(rows), ["A False"]);
    // a policy that has its settings itself needs nobody
    let mut own = intent.clone();
    own["settings"] = whole["settings"].clone();
    export.put("A.json", &own);
    export.put("A_Settings.json", &json!(null));
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(database.lines(rows), ["A False"]);
    export.put("A.json", &intent);
    // assignments that cannot be read cost the policy nothing
    export.put(
        "A_Settings.json",
        &json!({"settings": [{"definitionId": "deviceConfiguration--x_camera", "valueJson": "false"}]}),
    );
    export.put_bytes("Assignments/A.json", b"[");
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(database.lines(rows), ["A False"]);
    export.remove("Assignments/A.json");
    // of such a name, and a policy of its own
    export.put("A_Settings.json", &catalog("B", "A_Settings", [choice("vendor_a", "1")]));
    assert_eq!(database.program().try_sync(export.path(), &[]).code, Some(3));
    assert_eq!(policies(&database), ["A", "B"]);
    assert_eq!(database.lines(rows), ["A False", "B 1"]);
}
