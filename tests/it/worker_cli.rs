//! `enqueue`, `worker` and `queue` as processes: real signals, a real Redis, a real database, Graph over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{
    TENANT,
    cli::{Printed, Program},
    database::{Database, on_both},
    graph_server::{CLIENT_ID, CLIENT_SECRET, Effect, Fault, GraphServer, SignIn},
    postgres::{GUEST, GUEST_PASSWORD},
    proxy::Proxy,
    redis::Redis,
    server_on_threads,
    worker_process::WorkerProcess,
};

const DEVICES: &str = "deviceManagement/deviceConfigurations";
const OTHER: &str = "bbbbbbbb-2222-4222-8222-bbbbbbbbbbbb";
const THIRD: &str = "cccccccc-3333-4333-8333-cccccccccccc";

/// Graph, Redis and a database, and the program that knows of them.
struct Setup {
    /// Runs the server.
    runtime: Runtime,
    graph: GraphServer,
    redis: Redis,
    program: Program,
}

fn setup(database: &Database) -> Setup {
    setup_with(database, &database.url())
}

fn setup_with(database: &Database, url: &str) -> Setup {
    let (runtime, graph) = server_on_threads();
    graph.add(
        DEVICES,
        [json!({ "@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": "d1",
            "displayName": "Devices", "passwordMinimumLength": 8, "assignments": [] })],
    );
    let redis = Redis::start();
    let program = database
        .program()
        .env("DATABASE_URL", url)
        .env("REDIS_URL", &redis.address())
        .env("TENANTPILOT_AUTHORITY_URL", graph.url())
        .env("TENANTPILOT_GRAPH_URL", graph.url())
        .env("TENANTPILOT_GRAPH_RATE", "0")
        .env("AZURE_AD_CLIENT_ID", CLIENT_ID)
        .env("AZURE_AD_CLIENT_SECRET", CLIENT_SECRET);
    Setup { runtime, graph, redis, program }
}

/// The program as a role that owns no database, which made the tables in its first sync.
fn setup_of_guest() -> (Database, Setup) {
    let database = Database::postgres();
    database.execute(&format!("GRANT ALL ON SCHEMA public TO {GUEST}"));
    let Database::Postgres(server) = &database else { unreachable!() };
    let setup = setup_with(&database, &server.url_for(GUEST, GUEST_PASSWORD));
    setup.enqueue(&[OTHER]);
    setup.drain();
    (database, setup)
}

impl Setup {
    fn enqueue(&self, tenants: &[&str]) -> Vec<Value> {
        let flags = tenants.iter().flat_map(|tenant| ["--tenant", tenant]);
        let printed = self.program.run(["enqueue", "--json"].into_iter().chain(flags));
        assert_eq!(printed.code, Some(0), "{printed:?}");
        printed.json().as_array().unwrap().clone()
    }

    fn worker(&self, flags: &[&str]) -> WorkerProcess {
        WorkerProcess::start(&self.program, flags)
    }

    fn drain(&self) -> WorkerProcess {
        let mut worker = self.worker(&["--drain"]);
        assert_eq!(worker.end().0, Some(0), "{}", worker.text());
        worker
    }

    /// Waits until Graph was asked for device configurations.
    fn wait_for_request(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while self.graph.count(DEVICES) == 0 {
            assert!(Instant::now() < until, "no request");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn status(&self) -> Value {
        self.program.run(["queue", "status", "--json"]).json()
    }
}

/// The fields of a line, in order.
fn fields(line: &Value) -> Vec<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

fn a_tenant_that_a_web_app_pushes_is_synced_and_told_in_lines(database: &Database) {
    let setup = setup(database);
    // as `redis-cli`, ioredis and any other client would
    setup.redis.cli(&["LPUSH", "@wait", &format!(r#"{{"tenantId":"{TENANT}"}}"#)]);
    let worker = setup.drain();
    let start = worker.wait_for("job_start", 1);
    assert_eq!(fields(&start), ["attempt", "event", "jobId", "tenantId", "timestamp"]);
    let complete = worker.wait_for("job_complete", 1);
    assert_eq!(fields(&complete), ["duration", "event", "jobId", "settingsCount", "tenantId", "timestamp"]);
    assert_eq!((&complete["settingsCount"], &complete["tenantId"]), (&json!(1), &json!(TENANT)));
    assert_eq!(database.line("SELECT setting_value AS line FROM policy_settings"), "8");
    let run = database.line("SELECT trigger || ' ' || status || ' ' || job_id AS line FROM sync_runs");
    assert_eq!(run, format!("worker succeeded {}", start["jobId"].as_str().unwrap()));
    let shown = setup.program.run(["inspect", "jobs", "--id", start["jobId"].as_str().unwrap(), "--json"]).json();
    assert_eq!((&shown[0]["state"], &shown[0]["settings"]), (&json!("completed"), &json!(1)));
}

fn a_worker_that_is_killed_in_the_middle_loses_nothing(database: &Database) {
    let setup = setup(database);
    setup.graph.fault(Fault::on(DEVICES, Effect::Hang).times(1));
    let job = &setup.enqueue(&[TENANT])[0];
    let mut first = setup.worker(&[]);
    setup.wait_for_request();
    first.kill();
    assert_eq!(setup.status()["active"], 1);
    setup.redis.age_workers(None);
    let second = setup.drain();
    assert_eq!(second.wait_for("job_complete", 1)["jobId"], job["jobId"]);
    assert_eq!(setup.status()["rescued"], 1);
    assert_eq!(database.count("policy_settings"), 1);
    let runs = database.lines("SELECT status AS line FROM sync_runs ORDER BY started_at");
    assert_eq!(runs.last().unwrap(), "succeeded", "{runs:?}");
}

on_both!(
    a_tenant_that_a_web_app_pushes_is_synced_and_told_in_lines,
    a_worker_that_is_killed_in_the_middle_loses_nothing,
);

#[test]
fn a_worker_that_is_killed_at_any_moment_loses_nothing() {
    let database = Database::postgres();
    let setup = setup(&database);
    let tenants: Vec<_> = (0..60).map(|number| format!("1e2f3a4b-0000-4000-8000-{number:012}")).collect();
    for tenant in &tenants {
        setup.redis.cli(&["LPUSH", "@wait", &format!(r#"{{"tenantId":"{tenant}"}}"#)]);
    }
    // while it takes, syncs or settles, as chance will have it
    for round in 0..5 {
        let mut worker = setup.worker(&["--concurrency", "4"]);
        worker.wait_for("job_start", 1);
        std::thread::sleep(Duration::from_millis(29 * round));
        worker.kill();
        setup.redis.age_workers(None);
    }
    setup.drain();
    assert_eq!(database.count("tenants"), tenants.len());
    assert_eq!(database.line("SELECT CAST(COUNT(DISTINCT tenant_id) AS text) AS line FROM policy_settings"), "60");
    let status = setup.status();
    assert_eq!((&status["waiting"], &status["active"], &status["dead"]), (&json!(0), &json!(0), &json!(0)), "{status}");
    assert!(status["completed"].as_u64() >= Some(60), "{status}");
}

#[test]
fn a_reader_of_the_log_that_stands_still_does_not_stop_the_worker() {
    let database = Database::sqlite();
    let setup = setup(&database);
    for _ in 0..2_000 / 100 {
        let entries = vec!["garbage"; 100];
        setup.redis.cli(&[["LPUSH", "@wait"].as_slice(), &entries].concat());
    }
    let mut command = setup.program.command(crate::support::cli::BINARY, ["worker", "--health-addr", "off"]);
    let piped = std::process::Stdio::piped;
    let mut worker = command.stdin(std::process::Stdio::null()).stdout(piped()).stderr(piped()).spawn().unwrap();
    let wait_for = |state: &str, count: u64| {
        let until = Instant::now() + Duration::from_mins(1);
        while setup.status()[state] != count {
            assert!(Instant::now() < until, "{}", setup.status());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait_for("dead", 2_000);
    setup.enqueue(&[TENANT]);
    wait_for("completed", 1);
    let id = worker.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let until = Instant::now() + Duration::from_secs(30);
    while worker.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn draining_what_is_no_job_is_a_failure() {
    let database = Database::sqlite();
    let setup = setup(&database);
    setup.redis.cli(&["LPUSH", "@wait", "garbage"]);
    let mut worker = setup.worker(&["--drain"]);
    assert_eq!(worker.end().0, Some(1), "{}", worker.text());
}

#[test]
fn sigterm_lets_a_job_end_and_takes_no_other() {
    let database = Database::sqlite();
    let setup = setup(&database);
    setup.graph.latency(Duration::from_millis(300));
    setup.enqueue(&[TENANT, OTHER]);
    let mut worker = setup.worker(&[]);
    worker.wait_for("job_start", 1);
    worker.signal("TERM");
    assert_eq!(worker.end().0, Some(0), "{}", worker.text());
    assert_eq!((worker.events("job_start").len(), worker.events("job_complete").len()), (1, 1));
    let status = setup.status();
    assert_eq!((&status["waiting"], &status["active"], &status["workers"]), (&json!(1), &json!(0), &json!([])));
}

#[test]
fn a_job_that_does_not_end_in_time_is_given_back_uncounted() {
    let database = Database::sqlite();
    let setup = setup(&database);
    setup.graph.fault(Fault::on(DEVICES, Effect::Hang).times(1));
    let job = setup.enqueue(&[TENANT]).remove(0);
    let mut worker = setup.worker(&["--shutdown-timeout", "500ms"]);
    setup.wait_for_request();
    worker.signal("TERM");
    let begun = Instant::now();
    assert_eq!(worker.end().0, Some(0), "{}", worker.text());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(worker.events("job_returned").len(), 1);
    let jobs = setup.program.run(["queue", "list", "--json"]).json();
    assert_eq!(
        (&jobs[0]["state"], &jobs[0]["attempt"], &jobs[0]["jobId"]),
        (&json!("waiting"), &json!(1), &job["jobId"])
    );
    assert_eq!(database.line("SELECT status AS line FROM sync_runs"), "interrupted");
    setup.drain();
}

#[test]
fn a_second_signal_ends_at_once() {
    let database = Database::sqlite();
    let setup = setup(&database);
    setup.graph.fault(Fault::on(DEVICES, Effect::Hang).times(1));
    setup.enqueue(&[TENANT]);
    let mut worker = setup.worker(&[]);
    setup.wait_for_request();
    worker.signal("INT");
    worker.wait_for_message("stopping");
    worker.signal("INT");
    assert_eq!(worker.end().0, Some(130));
    setup.redis.age_workers(None);
    setup.drain();
}

#[test]
fn jobs_wait_while_the_database_is_gone_and_go_on_when_it_is_back() {
    let database = Database::postgres();
    let port: u16 = database.url().rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let proxy = Proxy::to(port);
    let setup = setup_with(&database, &database.url().replace(&port.to_string(), &proxy.port().to_string()));
    setup.enqueue(&[TENANT]);
    let mut worker = setup.worker(&["--concurrency", "2"]);
    worker.wait_for("job_complete", 1);
    proxy.cut();
    setup.enqueue(&[TENANT, OTHER, THIRD]);
    worker.wait_for("job_postponed", 1);
    std::thread::sleep(Duration::from_secs(2));
    proxy.mend();
    worker.wait_for("job_complete", 4);
    assert!(worker.events("job_failed").is_empty(), "{}", worker.text());
    assert_eq!(database.count("policy_settings"), 3);
    worker.signal("TERM");
    assert_eq!(worker.end().0, Some(0));
}

#[test]
fn a_worker_works_as_before_as_soon_as_the_database_takes_rows() {
    let database = Database::postgres();
    let port: u16 = database.url().rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let proxy = Proxy::to(port);
    let setup = setup_with(&database, &database.url().replace(&port.to_string(), &proxy.port().to_string()));
    let worker = setup.worker(&["--concurrency", "2", "--health-addr", "127.0.0.1:0"]);
    let address = worker.wait_for_message("serving health")["address"].as_str().unwrap().to_owned();
    let is_ready = || {
        let url = format!("http://{address}/readyz");
        setup.runtime.block_on(async { crate::support::http().get(url).send().await.unwrap().status() == 200 })
    };
    proxy.cut();
    setup.graph.add(
        "deviceManagement/deviceCompliancePolicies",
        [json!({ "@odata.type": "#microsoft.graph.windows10CompliancePolicy", "id": "c1",
            "displayName": "Compliance", "passwordMinimumLength": 8, "assignments": [] })],
    );
    setup.graph.fault(Fault::on(DEVICES, Effect::Hang));
    setup.enqueue(&[TENANT, OTHER]);
    worker.wait_for("job_postponed", 1);
    assert!(!is_ready());
    proxy.mend();
    let until = Instant::now() + Duration::from_secs(30);
    while setup.graph.count(DEVICES) < 2 {
        assert!(Instant::now() < until, "{}", worker.text());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(is_ready());
}

#[test]
fn a_connection_that_breaks_in_the_middle_counts_no_attempt_although_the_database_is_back() {
    let database = Database::postgres();
    let port: u16 = database.url().rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let proxy = Proxy::to(port);
    let setup = setup_with(&database, &database.url().replace(&port.to_string(), &proxy.port().to_string()));
    setup.enqueue(&[OTHER]);
    setup.drain();
    // the server ends the first session that writes, as a restart does, and makes the second one slow
    database.execute(
        "CREATE SEQUENCE writes;
         CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             CASE nextval('writes')
                 WHEN 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());
                 WHEN 2 THEN PERFORM pg_sleep(2);
                 ELSE
             END CASE;
             RETURN NEW;
         END $$;
         CREATE TRIGGER hinder BEFORE INSERT ON settings FOR EACH ROW EXECUTE FUNCTION hinder()",
    );
    setup.enqueue(&[TENANT]);
    let worker = setup.worker(&[]);
    worker.wait_for("job_postponed", 1);
    while database.line("SELECT CAST(last_value AS text) FROM writes") != "2" {
        std::thread::sleep(Duration::from_millis(20));
    }
    proxy.cut();
    proxy.mend();
    worker.wait_for("job_postponed", 2);
    worker.wait_for("job_complete", 1);
    assert!(worker.events("job_failed").is_empty(), "{}", worker.text());
}

#[test]
fn jobs_wait_while_the_database_takes_nothing() {
    let (database, setup) = setup_of_guest();
    let name = database.line("SELECT current_database() AS line");
    let read_only =
        |is| format!("BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = {is}; COMMIT");
    let insert = |verb, of| format!("{verb} INSERT ON settings {of} {GUEST}");
    for (tenant, spoil, mend) in
        [(TENANT, read_only("on"), read_only("off")), (THIRD, insert("REVOKE", "FROM"), insert("GRANT", "TO"))]
    {
        database.execute(&spoil);
        setup.enqueue(&[tenant]);
        let mut worker = setup.worker(&[]);
        worker.wait_for("job_postponed", 1);
        let begun = Instant::now();
        worker.wait_for("job_postponed", 3);
        assert!(begun.elapsed() > Duration::from_millis(2_500), "{spoil}: {}", worker.text());
        database.execute(&mend);
        worker.wait_for("job_complete", 1);
        assert!(worker.events("job_failed").is_empty(), "{}", worker.text());
        worker.signal("TERM");
        worker.end();
    }
}

#[test]
fn a_right_that_is_missing_lets_one_job_after_the_other_try() {
    let (database, setup) = setup_of_guest();
    database.execute(&format!("REVOKE INSERT ON settings FROM {GUEST}"));
    setup.enqueue(&[TENANT, THIRD]);
    let worker = setup.worker(&["--concurrency", "2"]);
    // two that began together, and three each after its pause: a run that begins says nothing of the rows
    worker.wait_for("job_postponed", 5);
    let events = || worker.lines().into_iter().filter_map(|line| line["event"].as_str().map(str::to_owned));
    let jobs: Vec<_> = events().filter(|event| event.starts_with("job_")).take(10).collect();
    assert_eq!(jobs[4..], ["job_start", "job_postponed"].repeat(3), "{}", worker.text());
    database.execute(&format!("GRANT INSERT ON settings TO {GUEST}"));
    worker.wait_for("job_complete", 2);
    assert!(worker.events("job_failed").is_empty(), "{}", worker.text());
}

#[test]
fn a_worker_starts_before_its_database_and_its_redis_do() {
    let database = Database::postgres();
    let port: u16 = database.url().rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let proxy = Proxy::to(port);
    proxy.cut();
    let mut setup = setup_with(&database, &database.url().replace(&port.to_string(), &proxy.port().to_string()));
    setup.redis.kill();
    let worker = setup.worker(&[]);
    worker.wait_for_message("the database cannot be reached");
    worker.wait_for_message("waiting for Redis");
    setup.redis.start_again();
    proxy.mend();
    setup.enqueue(&[TENANT]);
    worker.wait_for("job_complete", 1);
}

#[test]
fn a_throttled_tenant_holds_back_no_other() {
    let database = Database::sqlite();
    let setup = setup(&database);
    setup.graph.fault(Fault::on(DEVICES, Effect::throttled("4")).times(1));
    setup.enqueue(&[TENANT]);
    let worker = setup.worker(&["--concurrency", "2"]);
    worker.wait_for("job_start", 1);
    setup.wait_for_request();
    setup.enqueue(&[OTHER, THIRD]);
    worker.wait_for("job_complete", 3);
    let done: Vec<_> = worker.events("job_complete").iter().map(|line| line["tenantId"].clone()).collect();
    assert_eq!(done, [OTHER, THIRD, TENANT]);
}

#[test]
fn a_refused_sign_in_is_dead_at_once_and_tells_no_secret() {
    let database = Database::sqlite();
    let setup = setup(&database);
    setup.graph.sign_in(TENANT, SignIn::EXPIRED_SECRET);
    setup.enqueue(&[TENANT, OTHER]);
    let mut worker = setup.worker(&["--drain", "-vv"]);
    let (code, stderr) = worker.end();
    assert_eq!(code, Some(3), "{}", worker.text());
    let failed = worker.wait_for("job_failed", 1);
    assert_eq!((&failed["willRetry"], &failed["attempt"]), (&json!(false), &json!(1)));
    assert!(failed["error"].as_str().unwrap().contains("AADSTS7000222"), "{failed}");
    assert!(failed["stack"].as_array().is_some_and(|stack| !stack.is_empty()), "{failed}");
    let dead = setup.program.run(["queue", "list", "--json"]);
    for text in [worker.text(), stderr, dead.stdout.clone(), setup.redis.cli(&["LRANGE", "@dead", "0", "-1"])] {
        assert!(!text.contains(CLIENT_SECRET), "{text}");
    }
    // people read what to do as well
    setup.enqueue(&[TENANT]);
    let mut for_people = setup.worker(&["--drain", "--log-format", "text"]);
    for_people.end();
    let text = for_people.text();
    let line = text.lines().find(|line| line.contains("failed, attempt 1, for good")).unwrap();
    assert!(line.contains("AADSTS7000222") && line.contains("add a new client secret"), "{line}");
    // the secret is put right, and an operator tries again
    setup.graph.sign_in(TENANT, SignIn::Lifetime(3599));
    let id = failed["jobId"].as_str().unwrap();
    assert_eq!(setup.program.run(["queue", "retry", id]).code, Some(0));
    setup.drain();
}

#[test]
fn a_fault_of_the_authority_is_tried_again_and_no_refusal() {
    let database = Database::sqlite();
    let setup = setup(&database);
    setup.graph.sign_in(TENANT, SignIn::UNAVAILABLE);
    let synced = setup.program.run(["sync", "--tenant", TENANT]);
    assert_eq!(synced.code, Some(1), "{synced:?}");
    setup.enqueue(&[TENANT]);
    let worker = setup.worker(&[]);
    let failed = worker.wait_for("job_failed", 1);
    assert_eq!(failed["willRetry"], true, "{failed}");
    setup.graph.sign_in(TENANT, SignIn::Lifetime(3599));
    worker.wait_for("job_complete", 1);
}

#[test]
fn graph_errors_that_may_pass_are_tried_again() {
    let database = Database::sqlite();
    let setup = setup(&database);
    // the first attempt meets it in all its tries
    setup.graph.fault(Fault::on(DEVICES, Effect::Body("<html>proxy</html>")).times(1));
    setup.enqueue(&[TENANT]);
    let worker = setup.drain();
    let failed = worker.wait_for("job_failed", 1);
    assert_eq!((&failed["willRetry"], &failed["attempt"]), (&json!(true), &json!(1)));
    assert_eq!(worker.wait_for("job_start", 2)["attempt"], 2);
    worker.wait_for("job_complete", 1);
}

#[test]
fn a_job_that_is_done_in_part_tells_which_kinds_failed_and_what_to_do() {
    let database = Database::sqlite();
    let setup = setup(&database);
    let forbidden = || Effect::Status(403, "Forbidden", "Application is not authorized", Vec::new());
    setup.graph.fault(Fault::on("deviceManagement/intents", forbidden()));
    let job = setup.enqueue(&[TENANT]).remove(0);
    let worker = setup.drain();
    assert_eq!(worker.events("job_complete").len(), 1, "{}", worker.text());
    let warned = worker.wait_for_message("failed to list `intent` policies");
    assert_eq!((&warned["level"], &warned["code"]), (&json!("WARN"), &json!("forbidden")), "{warned}");
    assert_eq!((&warned["policy.kind"], &warned["tenant.id"]), (&json!("intent"), &json!(TENANT)), "{warned}");
    assert!(warned["hint"].as_str().is_some_and(|hint| hint.contains("Read.All")), "{warned}");
    assert!(warned["spans"].to_string().contains(job["jobId"].as_str().unwrap()), "{warned}");
    setup.enqueue(&[TENANT]);
    let (code, stderr) = setup.worker(&["--drain", "--log-format", "text"]).end();
    assert_eq!(code, Some(0));
    let line = stderr.lines().find(|line| line.contains("failed to list `intent` policies")).unwrap();
    assert!(line.contains("forbidden") && line.contains("Read.All") && line.contains(TENANT), "{line}");
}

#[test]
fn spans_and_requests_tell_tenant_job_run_and_request_ids() {
    let database = Database::sqlite();
    let setup = setup(&database);
    let job = setup.enqueue(&[TENANT]).remove(0);
    let mut worker = setup.worker(&["--drain", "-v"]);
    assert_eq!(worker.end().0, Some(0));
    let request = worker.wait_for_message("Graph answered");
    assert!(request["request.id"].as_str().is_some_and(|id| !id.is_empty()), "{request}");
    let spans = request["spans"].to_string();
    for id in [job["jobId"].as_str().unwrap(), TENANT, &database.line("SELECT run_id AS line FROM sync_runs")] {
        assert!(spans.contains(id), "{id}: {request}");
    }
}

#[test]
fn health_and_metrics_tell_how_the_worker_is() {
    let database = Database::sqlite();
    let mut setup = setup(&database);
    setup.enqueue(&[TENANT]);
    let worker = setup.worker(&["--health-addr", "127.0.0.1:0"]);
    let serving = worker.wait_for_message("serving health");
    let get = |path: &str| {
        let url = format!("http://{}{path}", serving["address"].as_str().unwrap());
        setup.runtime.block_on(async {
            let answer = crate::support::http().get(url).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    };
    worker.wait_for("job_complete", 1);
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let (status, body) = get("/api/worker-health");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["status"]), (200, &json!("healthy")), "{body}");
        if body["queue"]["completed"] == 1 {
            assert_eq!(
                (&body["queue"]["waiting"], &body["queue"]["active"], &body["queue"]["failed"]),
                (&json!(0), &json!(0), &json!(0))
            );
            break;
        }
        assert!(Instant::now() < until, "{body}");
    }
    assert_eq!((get("/healthz").0, get("/readyz").0, get("/nothing").0), (200, 200, 404));
    let (status, figures) = get("/metrics");
    assert_eq!(status, 200);
    for line in [
        r#"tenantpilot_jobs_total{outcome="completed"} 1"#,
        r#"tenantpilot_jobs_total{outcome="failed"} 0"#,
        r#"tenantpilot_job_duration_seconds_count{outcome="completed"} 1"#,
        r#"tenantpilot_queue_jobs{state="waiting"} 0"#,
        r#"tenantpilot_rows_written_total{change="added"} 1"#,
        "tenantpilot_queue_workers 1",
    ] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
    for name in
        ["tenantpilot_last_claim_age_seconds ", "tenantpilot_graph_requests_total ", "tenantpilot_jobs_in_hand "]
    {
        assert!(figures.contains(name), "{name}\n{figures}");
    }
    setup.redis.kill();
    let (status, body) = get("/api/worker-health");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")), "{body}");
    assert!(body["reason"].as_str().unwrap().contains("Redis"), "{body}");
    worker.wait_for_message("waiting for Redis");
    assert_eq!((get("/healthz").0, get("/readyz").0, get("/metrics").0), (200, 503, 200));
    setup.redis.start_again();
    worker.wait_for_message("Redis is back");
    assert_eq!((get("/api/worker-health").0, get("/readyz").0), (200, 200));
}

#[test]
fn two_workers_on_one_machine_need_no_flags() {
    let database = Database::sqlite();
    let setup = setup(&database);
    let _taken = std::net::TcpListener::bind("127.0.0.1:9464");
    let mut worker =
        WorkerProcess::start(&setup.program.env("TENANTPILOT_HEALTH_ADDR", ""), &["--health-addr", "", "--drain"]);
    assert_eq!(worker.end().0, Some(0), "{}", worker.text());
    worker.wait_for_message("health and metrics are not served");
}

#[test]
fn a_health_address_that_is_none_is_wrong_usage() {
    let database = Database::sqlite();
    let setup = setup(&database);
    let printed = setup.program.run(["worker", "--drain", "--health-addr", "no address"]);
    refused(&printed, 2, "`--health-addr` is no address: use `HOST:PORT` or `off`");
    let printed = setup.program.run(["worker", "--drain", "--health-addr", "nowhere.invalid:80"]);
    refused(&printed, 1, "the host of `--health-addr nowhere.invalid:80` is not found");
}

fn refused(printed: &Printed, code: i32, says: &str) {
    assert_eq!(printed.code, Some(code), "{printed:?}");
    assert!(printed.stderr.contains(says), "{printed:?}");
    assert!(!printed.stderr.contains("hunter2"), "{printed:?}");
}

#[test]
fn enqueue_tells_ids_duplicates_and_who_is_no_tenant() {
    let database = Database::sqlite();
    let setup = setup(&database);
    let jobs = setup.enqueue(&[TENANT, "Contoso.OnMicrosoft.com", &TENANT.to_uppercase()]);
    assert_eq!(jobs.len(), 2, "twice in one call is once: {jobs:?}");
    assert_eq!(jobs[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["jobId", "queue", "status", "tenantId"]);
    assert_eq!((&jobs[0]["status"], &jobs[0]["queue"]), (&json!("enqueued"), &json!("intune-sync-queue")));
    assert_eq!(jobs[1]["tenantId"], "contoso.onmicrosoft.com");
    let again = setup.enqueue(&[TENANT]);
    assert_eq!((&again[0]["status"], &again[0]["jobId"]), (&json!("duplicate"), &jobs[0]["jobId"]));
    let table = setup.program.run(["enqueue", "--tenant", TENANT, "--kind", "conditional-access"]);
    assert!(table.code == Some(0) && table.stdout.contains("duplicate"), "{table:?}");
    let listed = setup.program.run(["queue", "list", "--json"]).json();
    assert!(listed[0]["kinds"].to_string().contains("conditional-access"), "{listed}");
    let mixed = setup.program.run(["enqueue", "--tenant", OTHER, "--tenant", "two words", "--json"]);
    refused(&mixed, 3, "`two words` is neither a tenant id nor a domain name");
    assert_eq!(mixed.json()[0]["status"], "enqueued", "one bad tenant costs itself");
    refused(&setup.program.run(["enqueue", "--tenant", "nonsense"]), 2, "neither a tenant id nor a domain name");
    refused(&setup.program.run(["enqueue", "--tenant", TENANT, "--kind", "nope"]), 2, "nope");
    refused(&setup.program.run(["enqueue"]), 2, "--tenant");
    for nothing in ["", ",", " "] {
        refused(&setup.program.run(["enqueue", "--tenant", nothing]), 2, "the name of the tenant is empty");
    }
    let two_lines = setup.program.run(["enqueue", "--tenant", "two\nlines"]);
    refused(&two_lines, 2, "`two lines` is neither a tenant id nor a domain name");
    let delayed = setup.program.run(["enqueue", "--tenant", THIRD, "--delay", "5m", "--json"]);
    assert_eq!(delayed.code, Some(0), "{delayed:?}");
    assert_eq!(setup.status()["delayed"], 1);
}

#[test]
fn enqueue_takes_all_tenants_of_the_database() {
    let database = Database::sqlite();
    let setup = setup(&database);
    refused(&setup.program.run(["enqueue", "--all-tenants"]), 1, "there is no database");
    setup.enqueue(&[TENANT, OTHER]);
    setup.drain();
    let all = setup.program.run(["enqueue", "--all-tenants", "--priority", "high", "--json"]).json();
    let mut tenants: Vec<_> = all.as_array().unwrap().iter().map(|job| job["tenantId"].as_str().unwrap()).collect();
    tenants.sort_unstable();
    assert_eq!(tenants, [TENANT, OTHER]);
}

#[test]
fn a_redis_that_is_not_there_is_told_soon_and_without_its_password() {
    let program = Program::new().env("REDIS_URL", "redis://:hunter2@127.0.0.1:1/0");
    let begun = Instant::now();
    refused(&program.run(["enqueue", "--tenant", TENANT]), 1, "redis://127.0.0.1:1/0");
    // nobody answers there, and nobody refuses
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let program = program.env("REDIS_URL", &format!("redis://:hunter2@127.0.0.1:{port}"));
    refused(&program.run(["enqueue", "--tenant", TENANT]), 1, &format!("redis://127.0.0.1:{port}"));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for address in ["http://:hunter2@127.0.0.1", "127.0.0.1:6379", "redis://:hunter2@127.0.0.1:port"] {
        let program = Program::new().env("REDIS_URL", address);
        refused(&program.run(["enqueue", "--tenant", TENANT]), 2, "check REDIS_URL");
        refused(&program.run(["worker"]), 2, "check REDIS_URL");
        refused(&program.run(["queue", "status"]), 2, "check REDIS_URL");
    }
}

#[test]
fn an_operator_pauses_resumes_and_clears() {
    let database = Database::sqlite();
    let setup = setup(&database);
    let run = |args: &[&str]| {
        let printed = setup.program.run(["queue"].iter().chain(args));
        assert_eq!(printed.code, Some(0), "{printed:?}");
        printed
    };
    run(&["pause"]);
    setup.enqueue(&[TENANT]);
    let worker = setup.worker(&[]);
    worker.wait_for_message("the queue is paused");
    assert_eq!(setup.status()["paused"], true);
    assert!(run(&["status"]).stdout.contains("paused"));
    run(&["resume"]);
    worker.wait_for("job_complete", 1);
    setup.redis.cli(&["LPUSH", "@wait", "\u{1b}[31mgarbage"]);
    worker.wait_for("job_failed", 1);
    for shown in [run(&["list"]), run(&["list", "--json"])] {
        assert!(shown.stdout.contains("no JSON object") && !shown.stdout.contains('\u{1b}'), "{shown:?}");
    }
    assert_eq!(run(&["clear-dead", "--json"]).json()["cleared"], 1);
    for (args, says) in [(["retry", "x"], "there is no job `x`"), (["drop", "x"], "there is no job `x`")] {
        refused(&setup.program.run(["queue"].iter().chain(&args)), 1, says);
    }
    let overview = setup.program.run(["inspect", "queue", "--json"]).json();
    assert_eq!(overview["completed"], 1);
    let csv = setup.program.run(["inspect", "queue", "--csv"]);
    let expected = "version,queue,paused,waiting,active,delayed,dead,completed,failed,retried,rescued,duplicates\n\
        1,intune-sync-queue,false,0,0,0,0,1,1,0,0,0\n";
    assert_eq!((csv.code, csv.stdout.as_str()), (Some(0), expected), "{csv:?}");
    drop(worker);
    let kinds = ["--kind", "compliance,intent"];
    let job = &setup.program.run(["enqueue", "--json", "--tenant", OTHER].into_iter().chain(kinds)).json()[0];
    let csv = setup.program.run(["inspect", "jobs", "--csv"]);
    let start = format!(
        "jobId,tenantId,state,kinds,attempt,deliveries,enqueuedAt,dueAt,worker,finishedAt,durationMs,settings,error\n\
        {},{OTHER},waiting,compliance;intent,",
        job["jobId"].as_str().unwrap()
    );
    assert!(csv.code == Some(0) && csv.stdout.starts_with(&start), "{csv:?}");
}

#[test]
fn a_job_whose_tenant_is_synced_by_hand_waits_for_that_uncounted() {
    let database = Database::sqlite();
    let setup = setup(&database);
    // longer than a worker takes to begin on a busy machine
    setup.graph.fault(Fault::on(DEVICES, Effect::throttled("10")).times(1));
    let mut by_hand = setup.program.start(["sync", "--tenant", TENANT]);
    setup.wait_for_request();
    setup.enqueue(&[TENANT]);
    let worker = setup.drain();
    assert!(!worker.events("job_postponed").is_empty(), "{}", worker.text());
    assert!(worker.events("job_start").iter().all(|line| line["attempt"] == 1));
    by_hand.wait().unwrap();
}

#[test]
fn times_of_envelopes_and_heartbeats_that_are_wrong_by_years_harm_nothing() {
    let database = Database::sqlite();
    let setup = setup(&database);
    // the queue's times are those of the server: what an envelope says of its own is only shown
    let job = format!(
        r#"{{"v":1,"id":"from-the-future","tenantId":"{TENANT}","attempt":1,"deliveries":0,"enqueuedAt":99999999999999}}"#
    );
    setup.redis.cli(&["LPUSH", "@wait", &job]);
    setup.redis.cli(&["ZADD", "@workers", "99999999999999", "from-the-future"]);
    setup.redis.cli(&["LPUSH", "@proc:from-the-future", &job.replace(TENANT, OTHER).replace("from", "also-from")]);
    let worker = setup.drain();
    assert_eq!(worker.events("job_complete").len(), 2, "{}", worker.text());
}
