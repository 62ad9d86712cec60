//! Live tenants at the command line: what a shell sees, on both databases.

use std::{
    process::{Child, Command},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{
    DOMAIN, TENANT,
    cli::{Printed, Program},
    database::{Database, on_both},
    graph_server::{CLIENT_ID, CLIENT_SECRET, Effect, Fault, GraphServer, SignIn},
    server_on_threads,
};

const DEVICES: &str = "deviceManagement/deviceConfigurations";

fn server() -> (Runtime, GraphServer) {
    let (runtime, server) = server_on_threads();
    server.add(
        DEVICES,
        [json!({ "@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": "d1",
            "displayName": "Devices", "passwordMinimumLength": 8, "assignments": [] })],
    );
    (runtime, server)
}

pub(crate) fn program(server: &GraphServer, database: &Database) -> Program {
    database
        .program()
        .env("TENANTPILOT_AUTHORITY_URL", server.url())
        .env("TENANTPILOT_GRAPH_URL", server.url())
        .env("AZURE_AD_CLIENT_ID", CLIENT_ID)
        .env("AZURE_AD_CLIENT_SECRET", CLIENT_SECRET)
}

pub(crate) fn sync(program: &Program) -> Printed {
    program.run(["sync", "--tenant", DOMAIN, "--graph-rate", "0", "--json"])
}

pub(crate) fn report(printed: &Printed) -> Value {
    serde_json::from_str(&printed.stdout).unwrap()
}

fn a_domain_is_synced_and_kept_beside_its_id(database: &Database) {
    let (_runtime, server) = server();
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let tenant = &report(&printed)["tenants"][0];
    assert_eq!((tenant["tenantId"].as_str(), tenant["tenantName"].as_str()), (Some(TENANT), Some(DOMAIN)));
    assert_eq!(database.line("SELECT domain AS line FROM tenants"), DOMAIN);
    assert_eq!(database.line("SELECT setting_value AS line FROM policy_settings"), "8");
}
fn a_refused_sign_in_ends_with_4_and_without_the_secret(database: &Database) {
    let (_runtime, server) = server();
    server.sign_in(TENANT, SignIn::EXPIRED_SECRET);
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(4), "{}", printed.stderr);
    assert!(printed.stderr.contains("hint: "), "{}", printed.stderr);
    assert!(!printed.stderr.contains(CLIENT_SECRET) && !printed.stdout.contains(CLIENT_SECRET));
    assert_eq!(report(&printed)["tenants"][0]["error"]["code"], "sign_in");
}
fn some_kinds_forbidden_end_with_3_and_all_with_4(database: &Database) {
    let (_runtime, server) = server();
    let forbidden = || Effect::Status(403, "Forbidden", "Application is not authorized", Vec::new());
    server.fault(Fault::on("intents", forbidden()));
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(3), "{}", printed.stderr);
    assert!(printed.stderr.contains("DeviceManagementConfiguration.Read.All"), "{}", printed.stderr);
    server.fault(Fault::on("deviceManagement", forbidden()));
    let printed = sync(&program(&server, database));
    assert_eq!(printed.code, Some(4), "{}", printed.stderr);
    assert_eq!(database.count("settings"), 1, "what was there stays");
}
fn ctrl_c_while_another_sync_is_waited_for_ends_it(database: &Database) {
    let (_runtime, server) = server();
    server.fault(Fault::on(DEVICES, Effect::Hang));
    let program = program(&server, database);
    let mut first = program.start(["sync", "--tenant", DOMAIN]);
    until(|| server.count(DEVICES) > 0);
    let mut second = program.start(["sync", "--tenant", DOMAIN, "--wait"]);
    until(|| server.count("openid-configuration") > 1);
    // the lock is the next thing that it asks for
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(interrupted(&mut second), Some(130));
    assert_eq!(interrupted(&mut first), Some(130));
    assert_eq!(database.line("SELECT status AS line FROM sync_runs"), "interrupted");
}

on_both!(
    ctrl_c_while_another_sync_is_waited_for_ends_it,
    a_domain_is_synced_and_kept_beside_its_id,
    a_refused_sign_in_ends_with_4_and_without_the_secret,
    some_kinds_forbidden_end_with_3_and_all_with_4,
);

/// Waits for something that comes soon.
fn until(mut done: impl FnMut() -> bool) {
    let longest = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < longest, "it did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What Ctrl-C ends a program with, soon.
fn interrupted(running: &mut Child) -> Option<i32> {
    let id = running.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    until(|| running.try_wait().unwrap().is_some());
    running.wait().unwrap().code()
}

/// What the addresses of a sign-in's two requests hold.
const SIGN_IN: [&str; 2] = ["openid-configuration", "oauth2"];

#[test]
fn an_authority_that_cannot_be_reached_has_refused_nobody() {
    let ((_runtime, server), database) = (server(), Database::sqlite());
    let program = program(&server, &database).env("TENANTPILOT_AUTHORITY_URL", "http://127.0.0.1:1");
    let printed = program.run(["sync", "--tenant", DOMAIN, "--timeout", "5s", "--json"]);
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert_eq!(report(&printed)["tenants"][0]["error"]["code"], "network");
}

#[test]
fn ctrl_c_ends_a_sign_in_that_hangs() {
    for request in SIGN_IN {
        let ((_runtime, server), database) = (server(), Database::sqlite());
        server.fault(Fault::on(request, Effect::Hang));
        let mut running = program(&server, &database).start(["sync", "--tenant", DOMAIN]);
        until(|| server.count(request) > 0);
        let started = Instant::now();
        assert_eq!(interrupted(&mut running), Some(130), "{request}");
        assert!(started.elapsed() < Duration::from_secs(10), "{request}");
    }
}

#[test]
fn a_sign_in_that_hangs_has_the_time_of_its_sync() {
    for request in SIGN_IN {
        let ((_runtime, server), database) = (server(), Database::sqlite());
        server.fault(Fault::on(request, Effect::Hang));
        let started = Instant::now();
        let printed = program(&server, &database).run(["sync", "--tenant", DOMAIN, "--timeout", "1s", "--json"]);
        assert_eq!(printed.code, Some(1), "{request}: {printed:?}");
        assert_eq!(report(&printed)["tenants"][0]["error"]["code"], "timeout", "{request}");
        assert!(started.elapsed() < Duration::from_secs(10), "{request}");
    }
}
