//! The queue against a real Redis: every move, and what other programs put into the list.

use std::time::Duration;

use tenantpilot::{
    policy::TenantId,
    queue::{
        Claim, Enqueued, Fate, Hands, JobState, JobView, MAX_DELIVERIES, Priority, Queue, QueueError, RedisUrl,
        Request, Settled, Turn,
    },
};

use crate::support::{cli::Program, redis::Redis};

const TENANT: &str = "1e2f3a4b-0000-4000-8000-000000000001";
const OTHER: &str = "1e2f3a4b-0000-4000-8000-000000000002";

async fn queue(redis: &Redis) -> Queue {
    Queue::connect(&redis.url()).await.unwrap()
}

async fn hands(redis: &Redis, worker: &str) -> Hands {
    let hands = Hands::new(queue(redis).await, worker);
    hands.beat(&[], &[], None).await.unwrap();
    hands
}

fn request(tenant: &str) -> Request {
    let tenant = TenantId::new(tenant);
    Request { tenant, kinds: None, delay: Duration::ZERO, priority: Priority::Normal }
}

fn of_kinds(tenant: &str, kinds: &[&str]) -> Request {
    Request { kinds: Some(kinds.iter().map(ToString::to_string).collect()), ..request(tenant) }
}

async fn enqueue(queue: &Queue, request: Request) -> Enqueued {
    queue.enqueue(&request).await.unwrap()
}

async fn take(hands: &Hands, wanted: usize) -> Turn {
    hands.turn(&[], None, wanted).await.unwrap()
}

async fn take_one(hands: &Hands) -> Claim {
    let mut turn = take(hands, 1).await;
    assert_eq!(turn.claims.len(), 1, "{turn:?}");
    turn.claims.remove(0)
}

async fn settle(hands: &Hands, claim: Claim, fate: Fate) -> Turn {
    let settled = Settled { claim, fate, took: Duration::from_millis(5), settings: Some(7) };
    hands.turn(&[settled], None, 0).await.unwrap()
}

async fn states(queue: &Queue) -> Vec<JobState> {
    queue.jobs(100).await.unwrap().iter().map(|job| job.state).collect()
}

async fn only(queue: &Queue, state: JobState) -> JobView {
    let mut jobs = queue.jobs(100).await.unwrap();
    jobs.retain(|job| job.state == state);
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs.remove(0)
}

fn error(error: &str) -> String {
    error.to_owned()
}

#[tokio::test]
async fn jobs_are_taken_in_order_and_high_priority_next() {
    let redis = Redis::start();
    let queue = queue(&redis).await;
    let first = enqueue(&queue, request(TENANT)).await;
    let second = enqueue(&queue, request(OTHER)).await;
    let urgent = enqueue(&queue, Request { priority: Priority::High, ..request("contoso.com") }).await;
    let taken = take(&hands(&redis, "w").await, 10).await;
    let ids: Vec<_> = taken.claims.iter().map(|claim| claim.job.id.clone()).collect();
    assert_eq!(ids, [urgent.job_id, first.job_id, second.job_id]);
}

#[tokio::test]
async fn a_tenant_that_waits_is_a_duplicate_and_one_that_runs_gets_one_follow_up() {
    let redis = Redis::start();
    let queue = queue(&redis).await;
    let hands = hands(&redis, "w").await;
    let first = enqueue(&queue, request(TENANT)).await;
    let again = enqueue(&queue, request(TENANT)).await;
    assert_eq!((again.duplicate, &again.job_id), (true, &first.job_id));
    let running = take_one(&hands).await;
    let follow_up = enqueue(&queue, request(TENANT)).await;
    assert!(!follow_up.duplicate);
    assert!(enqueue(&queue, request(TENANT)).await.duplicate, "one follow-up is enough");
    // not beside the one that runs
    let turn = take(&hands, 1).await;
    assert_eq!((turn.claims.len(), turn.put_off), (0, 1));
    assert_eq!(only(&queue, JobState::Delayed).await.job_id, Some(follow_up.job_id.clone()));
    settle(&hands, running, Fate::Done).await;
    tokio::time::sleep(Duration::from_millis(3_050)).await;
    hands.maintain(true).await.unwrap();
    assert_eq!(take_one(&hands).await.job.id, follow_up.job_id);
}

#[tokio::test]
async fn a_second_request_widens_the_kinds_of_the_first() {
    let redis = Redis::start();
    let queue = queue(&redis).await;
    enqueue(&queue, of_kinds(TENANT, &["intent"])).await;
    assert!(enqueue(&queue, of_kinds(TENANT, &["compliance"])).await.duplicate);
    assert!(enqueue(&queue, of_kinds(TENANT, &["intent"])).await.duplicate);
    // one that is delayed keeps its time
    let delay = Duration::from_mins(5);
    enqueue(&queue, Request { delay, ..of_kinds(OTHER, &["intent"]) }).await;
    enqueue(&queue, Request { delay, ..of_kinds(OTHER, &["compliance"]) }).await;
    assert_eq!(only(&queue, JobState::Delayed).await.kinds.unwrap(), ["compliance", "intent"]);
    let claim = take_one(&hands(&redis, "w").await).await;
    assert_eq!(claim.job.kinds.unwrap(), ["compliance", "intent"]);
}

#[tokio::test]
async fn a_request_that_is_more_urgent_brings_the_waiting_job_forward() {
    let redis = Redis::start();
    let queue = queue(&redis).await;
    let delayed = enqueue(&queue, Request { delay: Duration::from_mins(5), ..request(TENANT) }).await;
    enqueue(&queue, request(OTHER)).await;
    assert_eq!(states(&queue).await, [JobState::Waiting, JobState::Delayed]);
    let now = enqueue(&queue, Request { priority: Priority::High, ..request(TENANT) }).await;
    assert_eq!((now.duplicate, &now.job_id), (true, &delayed.job_id));
    assert_eq!(take_one(&hands(&redis, "w").await).await.job.id, delayed.job_id);
}

#[tokio::test]
async fn a_retry_keeps_its_distance_whoever_asks() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    enqueue(&queue, request(TENANT)).await;
    let claim = take_one(&hands).await;
    let id = claim.job.id.clone();
    settle(&hands, claim, Fate::Retry { after: Duration::from_mins(1), error: error("throttled") }).await;
    let again = enqueue(&queue, Request { priority: Priority::High, ..request(TENANT) }).await;
    assert_eq!((again.duplicate, &again.job_id), (true, &id));
    let delayed = only(&queue, JobState::Delayed).await;
    assert_eq!((delayed.attempt, delayed.job_id), (2, Some(id)));
}

#[tokio::test]
async fn a_retry_that_an_operator_drops_keeps_nobody_away() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    enqueue(&queue, request(TENANT)).await;
    let claim = take_one(&hands).await;
    let id = claim.job.id.clone();
    settle(&hands, claim, Fate::Retry { after: Duration::from_mins(10), error: error("throttled") }).await;
    queue.drop_job(&id).await.unwrap();
    let fresh = enqueue(&queue, request(TENANT)).await;
    assert_eq!(take_one(&hands).await.job.id, fresh.job_id);
    // what is dropped beside a job that runs leaves that one's mark alone
    let follow_up = enqueue(&queue, request(TENANT)).await;
    queue.drop_job(&follow_up.job_id).await.unwrap();
    assert_eq!(redis.cli(&["GET", &format!("@active:{TENANT}")]), format!("w {}", fresh.job_id));
}

#[tokio::test]
async fn each_fate_puts_a_job_where_it_belongs_and_counts_it() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    let fates = [
        (Fate::Done, "completed", JobState::Over),
        (Fate::Retry { after: Duration::from_mins(1), error: error("no") }, "retried", JobState::Delayed),
        (Fate::Later { after: Duration::from_mins(1) }, "", JobState::Delayed),
        (Fate::Back, "", JobState::Waiting),
        (Fate::Dead { error: error("wrong secret") }, "failed", JobState::Dead),
    ];
    for (number, (fate, outcome, state)) in fates.into_iter().enumerate() {
        let tenant = format!("1e2f3a4b-0000-4000-8000-{number:012}");
        let id = enqueue(&queue, Request { priority: Priority::High, ..request(&tenant) }).await.job_id;
        let claim = take_one(&hands).await;
        assert_eq!(claim.job.id, id);
        assert_eq!(settle(&hands, claim, fate.clone()).await.late, [""; 0]);
        let known = queue.job(&id).await.unwrap();
        assert_eq!(known[0].state, state, "{fate:?}");
        assert_eq!(known.iter().find_map(|job| job.outcome.as_deref()).unwrap_or_default(), outcome, "{fate:?}");
        let mark = redis.cli(&["GET", &format!("@active:{tenant}")]);
        // other jobs of the tenant keep the distance that a retry keeps
        let kept = if outcome == "retried" { format!("retry {id}") } else { String::new() };
        assert_eq!(mark, kept, "{fate:?}");
    }
    let status = queue.status().await.unwrap();
    assert_eq!((status.completed, status.failed, status.retried, status.active), (1, 1, 1, 0));
    assert_eq!((status.waiting, status.delayed, status.dead), (1, 2, 1));
    assert_eq!(only(&queue, JobState::Dead).await.error.as_deref(), Some("wrong secret"));
}

#[tokio::test]
async fn any_program_may_push_a_bare_tenant() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    redis.cli(&["LPUSH", "@wait", &format!(r#"{{"tenantId":"{}"}}"#, TENANT.to_uppercase())]);
    // it becomes a job, and is taken in its turn
    assert_eq!(take(&hands, 1).await.claims.len(), 0);
    let claim = take_one(&hands).await;
    assert_eq!(claim.job.tenant_id.as_str(), TENANT);
    assert!(uuid::Uuid::try_parse(&claim.job.id).is_ok());
    settle(&hands, claim, Fate::Done).await;
    // one that waits already is enough, and does for both
    let waiting = enqueue(&queue, of_kinds(TENANT, &["intent"])).await;
    redis.cli(&["RPUSH", "@wait", &format!(r#"{{"tenantId":"{TENANT}","kinds":["compliance"]}}"#)]);
    let mut claims = take(&hands, 1).await.claims;
    if claims.is_empty() {
        claims = take(&hands, 1).await.claims;
    }
    assert_eq!((&claims[0].job.id, claims.len()), (&waiting.job_id, 1));
    assert_eq!(claims[0].job.kinds.as_deref().unwrap(), ["compliance", "intent"]);
    assert_eq!(queue.status().await.unwrap().duplicates, 1);
    assert_eq!(redis.count(&["LLEN", "@wait"]), 0);
}

#[tokio::test]
async fn garbage_lies_dead_with_its_reason_and_stops_nobody() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let unknown = format!(r#"{{"v":1,"id":"x","tenantId":"{TENANT}","kinds":["nope"]}}"#);
    let entries = ["garbage", "{}", r#"{"tenantId":"not a tenant"}"#, &deep, &unknown, r#"{"v":9,"tenantId":"a.com"}"#];
    for entry in entries {
        redis.cli(&["LPUSH", "@wait", entry]);
    }
    let id = enqueue(&queue, request(OTHER)).await.job_id;
    let turn = take(&hands, entries.len() + 1).await;
    assert_eq!(turn.refused.len(), entries.len(), "{turn:?}");
    assert_eq!(turn.claims.iter().map(|claim| &claim.job.id).collect::<Vec<_>>(), [&id]);
    assert!(turn.refused.iter().any(|refused| refused.error.contains("there is no kind `nope`")), "{turn:?}");
    assert_eq!(redis.count(&["LLEN", "@dead"]), entries.len());
    assert_eq!(redis.count(&["LLEN", "@proc:w"]), 1);
    assert_eq!(redis.cli(&["GET", &format!("@active:{TENANT}")]), "", "the tenant of a refused job is free");
    // an operator takes one away by its id, and tries another one again as it was
    let dead = queue.jobs(100).await.unwrap().into_iter().filter(|job| job.state == JobState::Dead);
    let dead: Vec<_> = dead.collect();
    queue.drop_job(dead[0].job_id.as_deref().unwrap()).await.unwrap();
    let unknown = dead.iter().find(|job| job.error.as_ref().unwrap().contains("`nope`")).unwrap();
    assert_eq!(unknown.tenant_id.as_deref(), Some(TENANT));
    queue.retry(unknown.job_id.as_deref().unwrap()).await.unwrap();
    assert_eq!(redis.cli(&["LRANGE", "@wait", "0", "-1"]), entries[4]);
    assert_eq!(redis.count(&["LLEN", "@dead"]), entries.len() - 2);
}

#[tokio::test]
async fn an_envelope_of_ten_megabytes_lies_dead_cut_to_its_beginning() {
    let redis = Redis::start();
    let hands = hands(&redis, "w").await;
    let text = format!(r#"{{"tenantId":"{TENANT}","filler":"{}"}}"#, "x".repeat(10 << 20));
    let url = redis.address();
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let key = format!("{}wait", crate::support::redis::PREFIX);
    redis::cmd("LPUSH").arg(key).arg(text).exec(&mut connection).unwrap();
    let turn = take(&hands, 1).await;
    assert!(turn.refused[0].error.contains("bytes long"), "{turn:?}");
    assert!(redis.cli(&["LINDEX", "@dead", "0"]).len() < 1_000);
    let id = &turn.refused[0].job_id;
    assert!(matches!(queue(&redis).await.retry(id).await, Err(QueueError::NoJob { .. })));
    assert_eq!(redis.count(&["LLEN", "@proc:w"]), 0);
}

#[tokio::test]
async fn one_tenant_in_many_spellings_never_runs_twice_at_once() {
    let redis = Redis::start();
    let hands = hands(&redis, "w").await;
    let plain = TENANT.replace('-', "");
    for spelling in [format!(" {TENANT}"), TENANT.to_uppercase(), plain, format!("{{{TENANT}}}"), TENANT.to_owned()] {
        let id = uuid::Uuid::new_v4();
        redis.cli(&["LPUSH", "@wait", &format!(r#"{{"v":1,"id":"{id}","tenantId":"{spelling}"}}"#)]);
        redis.cli(&["LPUSH", "@wait", &format!(r#"{{"tenantId":"{spelling}"}}"#)]);
    }
    let mut claims = Vec::new();
    for _ in 0..5 {
        claims.extend(take(&hands, 10).await.claims);
    }
    assert_eq!(claims.len(), 1, "{claims:?}");
    assert_eq!(claims[0].job.tenant_id.as_str(), TENANT);
}

#[tokio::test]
async fn an_envelope_that_was_pushed_twice_runs_once_at_a_time() {
    let redis = Redis::start();
    let hands = hands(&redis, "w").await;
    for id in ["same", "same", "", "", "odd id"] {
        let job = format!(r#"{{"v":1,"id":"{id}","tenantId":"{TENANT}","attempt":1,"deliveries":0,"enqueuedAt":1}}"#);
        redis.cli(&["LPUSH", "@wait", &job]);
    }
    let turn = take(&hands, 10).await;
    assert_eq!(turn.claims.iter().map(|claim| claim.job.id.as_str()).collect::<Vec<_>>(), ["same"]);
    assert_eq!(take(&hands, 10).await.claims.len(), 0);
}

#[tokio::test]
async fn what_lua_and_rust_read_differently_marks_no_tenant() {
    let redis = Redis::start();
    let hands = hands(&redis, "w").await;
    redis.cli(&["LPUSH", "@wait", &format!(r#"{{"v":1,"id":"a","tenantId":"{TENANT}","enqueuedAt":NaN}}"#)]);
    assert_eq!(take(&hands, 1).await.refused.len(), 1);
    enqueue(&queue(&redis).await, request(TENANT)).await;
    take_one(&hands).await;
}

#[tokio::test]
async fn a_job_with_an_odd_field_begins_at_once_and_keeps_its_id() {
    let redis = Redis::start();
    let hands = hands(&redis, "w").await;
    let odd = [r#""enqueuedAt":"2026-11-28T10:00:00Z""#, r#""attempt":"1""#, r#""attempt":-1,"deliveries":null"#];
    for (number, odd) in odd.into_iter().enumerate() {
        let tenant = format!("{number}.example.com");
        redis.cli(&["LPUSH", "@wait", &format!(r#"{{"v":1,"id":"job-{number}","tenantId":"{tenant}",{odd}}}"#)]);
        let claim = take_one(&hands).await;
        assert_eq!((claim.job.id.as_str(), claim.job.attempt), (format!("job-{number}").as_str(), 1), "{odd}");
        settle(&hands, claim, Fate::Done).await;
        assert_eq!(redis.cli(&["GET", &format!("@active:{tenant}")]), "", "{odd}");
    }
}

#[tokio::test]
async fn a_worker_that_leaves_gives_back_what_it_does_not_know_of() {
    let redis = Redis::start();
    let (queue, leaving) = (queue(&redis).await, hands(&redis, "w").await);
    enqueue(&queue, request(TENANT)).await;
    enqueue(&queue, request(OTHER)).await;
    // an answer that was lost, of each way to take a job
    take_one(&leaving).await;
    redis.cli(&["LMOVE", "@wait", "@proc:w", "RIGHT", "LEFT"]);
    assert_eq!(leaving.leave().await.unwrap(), 2);
    assert_eq!(redis.cli(&["KEYS", "*proc*"]), "");
    let turn = take(&hands(&redis, "other").await, 10).await;
    assert_eq!(turn.claims.len(), 2, "{turn:?}");
}

#[tokio::test]
async fn nobody_is_rescued_by_a_worker_whose_own_heartbeat_is_gone() {
    let redis = Redis::start();
    let (queue, first, second) = (queue(&redis).await, hands(&redis, "first").await, hands(&redis, "second").await);
    enqueue(&queue, request(TENANT)).await;
    let claim = take_one(&first).await;
    // as a jump of the server's clock leaves it, or a server that was away for long
    redis.age_workers(None);
    redis.cli(&["DEL", &format!("@active:{TENANT}")]);
    let maintained = second.maintain(true).await.unwrap();
    assert_eq!((maintained.was_there, maintained.rescued), (false, 0));
    assert!(!second.beat(&[], &[], None).await.unwrap().was_there);
    assert!(!first.beat(&[&claim], &[], None).await.unwrap().was_there);
    let maintained = second.maintain(true).await.unwrap();
    assert_eq!((maintained.was_there, maintained.rescued), (true, 0));
    assert_eq!(settle(&first, claim, Fate::Done).await.late, [""; 0]);
}

#[tokio::test]
async fn a_job_in_hand_survives_a_server_that_has_lost_everything() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    let id = enqueue(&queue, request(TENANT)).await.job_id;
    let claim = take_one(&hands).await;
    redis.cli(&["FLUSHALL"]);
    hands.beat(&[&claim], &[], None).await.unwrap();
    let retry = Fate::Retry { after: Duration::from_mins(1), error: error("no") };
    assert_eq!(settle(&hands, claim, retry).await.late, [""; 0]);
    assert_eq!(only(&queue, JobState::Delayed).await.job_id, Some(id));
}

#[tokio::test]
async fn a_job_whose_settling_got_no_answer_is_settled_once() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    enqueue(&queue, request(TENANT)).await;
    let claim = take_one(&hands).await;
    hands.beat(&[&claim], &[], None).await.unwrap();
    assert_eq!(settle(&hands, claim.clone(), Fate::Done).await.late, [""; 0]);
    // the answer was lost on the way: the connection is new, after whatever time, and all is sent again
    redis.cli(&["DEL", "@hb:w"]);
    assert_eq!(hands.beat(&[], &[&claim], None).await.unwrap().strays, 0);
    let late = settle(&hands, claim.clone(), Fate::Done).await.late;
    assert_eq!(late, std::slice::from_ref(&claim.job.id));
    assert_eq!(redis.cli(&["HGET", "@stats", "completed"]), "1");
    // a server that has lost everything has lost what was settled as well
    redis.cli(&["FLUSHALL"]);
    hands.beat(&[], &[&claim], None).await.unwrap();
    assert_eq!(settle(&hands, claim, Fate::Done).await.late, [""; 0]);
}

#[tokio::test]
async fn a_follow_up_does_not_undercut_the_pause_of_a_retry() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    let first = enqueue(&queue, request(TENANT)).await.job_id;
    let running = take_one(&hands).await;
    let follow_up = enqueue(&queue, request(TENANT)).await.job_id;
    settle(&hands, running, Fate::Retry { after: Duration::from_millis(900), error: error("throttled") }).await;
    assert!(enqueue(&queue, request(TENANT)).await.duplicate, "no third job");
    let turn = take(&hands, 10).await;
    assert_eq!((turn.claims.len(), turn.put_off), (0, 1));
    tokio::time::sleep(Duration::from_secs(1)).await;
    hands.maintain(true).await.unwrap();
    // one of them runs, and then the other
    let claim = take_one(&hands).await;
    assert!([&first, &follow_up].contains(&&claim.job.id));
    settle(&hands, claim, Fate::Done).await;
    tokio::time::sleep(Duration::from_millis(3_050)).await;
    hands.maintain(true).await.unwrap();
    take_one(&hands).await;
    assert_eq!(queue.pending().await.unwrap(), 1);
}

#[tokio::test]
async fn a_shorter_delay_is_enough() {
    let redis = Redis::start();
    let queue = queue(&redis).await;
    let delayed = |delay| Request { delay: Duration::from_secs(delay), ..request(TENANT) };
    enqueue(&queue, delayed(3_600)).await;
    let late = only(&queue, JobState::Delayed).await.due_at.unwrap();
    assert!(enqueue(&queue, delayed(60)).await.duplicate);
    let soon = only(&queue, JobState::Delayed).await.due_at.unwrap();
    assert!(late - soon > 3_500_000, "{late} {soon}");
    enqueue(&queue, delayed(7_200)).await;
    assert_eq!(only(&queue, JobState::Delayed).await.due_at, Some(soon));
}

#[tokio::test]
async fn jobs_of_a_worker_that_is_gone_go_back_with_a_delivery_more() {
    let redis = Redis::start();
    let (queue, gone, other) = (queue(&redis).await, hands(&redis, "gone").await, hands(&redis, "other").await);
    let id = enqueue(&queue, request(TENANT)).await.job_id;
    let claim = take_one(&gone).await;
    assert_eq!(other.maintain(true).await.unwrap().rescued, 0, "a worker with a heartbeat keeps its jobs");
    redis.age_workers(Some("other"));
    assert_eq!(other.maintain(true).await.unwrap().rescued, 1);
    let rescued = take_one(&other).await;
    assert_eq!((rescued.job.id.as_str(), rescued.job.deliveries, rescued.job.attempt), (id.as_str(), 1, 1));
    // the first worker was only slow: what it says now is heard and not obeyed
    let turn = settle(&gone, claim, Fate::Done).await;
    assert_eq!(turn.late, [id]);
    assert_eq!(queue.status().await.unwrap().completed, 0);
    assert_ne!(redis.cli(&["GET", &format!("@active:{TENANT}")]), "", "the second run still marks its tenant");
    // a name without jobs is forgotten
    redis.age_workers(Some("other"));
    other.maintain(true).await.unwrap();
    assert_eq!(redis.cli(&["ZRANGE", "@workers", "0", "-1"]), "other");
}

#[tokio::test]
async fn a_job_moved_by_a_worker_that_died_before_it_looked_is_rescued() {
    let redis = Redis::start();
    let (queue, other) = (queue(&redis).await, hands(&redis, "other").await);
    let id = enqueue(&queue, request(TENANT)).await.job_id;
    hands(&redis, "gone").await;
    redis.cli(&["LMOVE", "@wait", "@proc:gone", "RIGHT", "LEFT"]);
    redis.age_workers(Some("other"));
    assert_eq!(other.maintain(true).await.unwrap().rescued, 1);
    assert_eq!(take_one(&other).await.job.id, id);
}

#[tokio::test]
async fn a_job_that_too_many_workers_died_with_is_poison() {
    let redis = Redis::start();
    let (queue, other) = (queue(&redis).await, hands(&redis, "other").await);
    let id = enqueue(&queue, request(TENANT)).await.job_id;
    for death in 0..=MAX_DELIVERIES {
        let gone = hands(&redis, "gone").await;
        assert_eq!(take_one(&gone).await.job.deliveries, death);
        redis.age_workers(Some("other"));
        let maintained = other.maintain(true).await.unwrap();
        assert_eq!(maintained.buried.len(), usize::from(death == MAX_DELIVERIES), "{maintained:?}");
    }
    let dead = only(&queue, JobState::Dead).await;
    assert_eq!(dead.job_id.as_deref(), Some(id.as_str()));
    assert!(dead.error.unwrap().contains("poison"));
    // an operator may give it another chance
    queue.retry(&id).await.unwrap();
    let job = take_one(&other).await.job;
    assert_eq!((job.id, job.attempt, job.deliveries), (id, 1, 0));
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_goes_back_at_the_next_heartbeat() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    enqueue(&queue, request(TENANT)).await;
    enqueue(&queue, request(OTHER)).await;
    let known = take_one(&hands).await;
    let lost = take_one(&hands).await;
    assert_eq!(hands.beat(&[&known], &[], None).await.unwrap().strays, 1);
    assert_eq!(take_one(&hands).await.job.id, lost.job.id);
    assert_eq!(hands.beat(&[&known, &lost], &[], None).await.unwrap().strays, 0);
}

#[tokio::test]
async fn scripts_that_redis_has_forgotten_are_loaded_again() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    for _ in 0..2 {
        enqueue(&queue, request(TENANT)).await;
        redis.cli(&["SCRIPT", "FLUSH"]);
        let claim = take_one(&hands).await;
        redis.cli(&["SCRIPT", "FLUSH"]);
        settle(&hands, claim, Fate::Done).await;
        redis.cli(&["SCRIPT", "FLUSH"]);
    }
    assert_eq!(queue.status().await.unwrap().completed, 2);
}

#[tokio::test]
async fn a_full_redis_refuses_new_jobs_and_lets_workers_make_room() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    enqueue(&queue, request(TENANT)).await;
    enqueue(&queue, request(OTHER)).await;
    for tenant in ["a.example.com", "b.example.com", "a.example.com"] {
        redis.cli(&["LPUSH", "@wait", &format!(r#"{{"tenantId":"{tenant}"}}"#)]);
    }
    redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = queue.enqueue(&request("contoso.com")).await;
    assert!(matches!(refused, Err(QueueError::Full { .. })), "{refused:?}");
    let first = take_one(&hands).await;
    settle(&hands, first, Fate::Done).await;
    let second = take_one(&hands).await;
    hands.beat(&[&second], &[], None).await.unwrap();
    hands.maintain(true).await.unwrap();
    settle(&hands, second, Fate::Retry { after: Duration::ZERO, error: error("no") }).await;
    assert_eq!(queue.status().await.unwrap().completed, 1);
    // those that other programs have pushed as well
    for _ in 0..10 {
        for claim in take(&hands, 1).await.claims {
            settle(&hands, claim, Fate::Done).await;
        }
    }
    let status = queue.status().await.unwrap();
    assert_eq!((status.completed, status.waiting), (5, 0));
}

#[tokio::test]
async fn a_paused_queue_gives_nothing_until_it_is_resumed() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    enqueue(&queue, request(TENANT)).await;
    queue.pause().await.unwrap();
    let turn = take(&hands, 1).await;
    assert!(turn.paused && turn.claims.is_empty());
    // one that the server's wait had moved already goes back
    let text = redis.cli(&["LMOVE", "@wait", "@proc:w", "RIGHT", "LEFT"]);
    assert!(hands.turn(&[], Some(text.as_bytes()), 1).await.unwrap().claims.is_empty());
    assert_eq!(redis.count(&["LLEN", "@wait"]), 1);
    queue.resume().await.unwrap();
    take_one(&hands).await;
}

#[tokio::test]
async fn an_operator_drops_and_retries_jobs_but_none_that_runs() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    let id = enqueue(&queue, request(TENANT)).await.job_id;
    assert!(matches!(queue.retry(&id).await, Err(QueueError::NotDead { .. })));
    queue.drop_job(&id).await.unwrap();
    assert!(matches!(queue.drop_job(&id).await, Err(QueueError::UnknownJob { .. })));
    // the tenant is free for another job at once
    let id = enqueue(&queue, request(TENANT)).await;
    assert!(!id.duplicate);
    let claim = take_one(&hands).await;
    assert!(matches!(queue.drop_job(&id.job_id).await, Err(QueueError::Running { .. })));
    settle(&hands, claim, Fate::Dead { error: error("no consent") }).await;
    assert_eq!(queue.clear_dead().await.unwrap(), 1);
    assert_eq!(queue.clear_dead().await.unwrap(), 0);
}

#[tokio::test]
async fn a_list_that_was_emptied_by_hand_blocks_no_tenant() {
    let redis = Redis::start();
    let queue = queue(&redis).await;
    let first = enqueue(&queue, request(TENANT)).await;
    redis.cli(&["DEL", "@wait"]);
    let second = enqueue(&queue, request(TENANT)).await;
    assert!(!second.duplicate && second.job_id != first.job_id);
}

#[tokio::test]
async fn nothing_of_a_job_that_is_done_stays_but_its_outcome() {
    let redis = Redis::start();
    let (queue, hands) = (queue(&redis).await, hands(&redis, "w").await);
    for _ in 0..3 {
        enqueue(&queue, request(TENANT)).await;
        let claim = take_one(&hands).await;
        settle(&hands, claim, Fate::Done).await;
    }
    let mut keys: Vec<_> = redis.cli(&["KEYS", "*"]).lines().map(str::to_owned).collect();
    keys.sort();
    let expected = ["hb:w", "recent", "stats", "workers"].map(|key| format!("{}{key}", crate::support::redis::PREFIX));
    assert_eq!(keys, expected);
    assert!(!redis.cli(&["LINDEX", "@recent", "0"]).contains("enqueuedAt"), "outcomes hold no payload");
}

#[tokio::test]
async fn many_jobs_and_workers_lose_and_repeat_nothing() {
    let redis = Redis::start();
    let queue = queue(&redis).await;
    let jobs = 300;
    for number in 0..jobs {
        enqueue(&queue, request(&format!("1e2f3a4b-0000-4000-8000-{number:012}"))).await;
    }
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let hands = hands(&redis, &format!("w{worker}")).await;
        workers.spawn(async move {
            let mut done = Vec::new();
            loop {
                let claims = take(&hands, 3).await.claims;
                if claims.is_empty() {
                    return done;
                }
                for claim in claims {
                    done.push(claim.job.tenant_id.to_string());
                    settle(&hands, claim, Fate::Done).await;
                }
            }
        });
    }
    let mut done: Vec<String> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(done.len(), jobs);
    done.sort();
    done.dedup();
    assert_eq!(done.len(), jobs);
}

#[tokio::test]
async fn an_old_server_is_refused_by_name() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    // enough of the protocol for a client to ask for the version
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4_096];
        while let Ok(read @ 1..) = stream.read(&mut asked).await {
            let text = String::from_utf8_lossy(&asked[..read]).into_owned();
            for command in text.split('*').skip(1) {
                let info = "redis_version:5.0.14\r\nmaxmemory_policy:noeviction\r\n";
                let answer =
                    if command.contains("INFO") { format!("${}\r\n{info}\r\n", info.len()) } else { "+OK\r\n".into() };
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    let refused = Queue::connect(&RedisUrl::parse(&address).unwrap()).await.err().unwrap();
    assert!(matches!(&refused, QueueError::TooOld { version, .. } if version == "5.0.14"), "{refused}");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let redis = Redis::with(&["--requirepass", "open-sesame"]);
    for address in ["redis://", "redis://:wrong-horse@", "redis://ops:wrong-horse@"] {
        let address = redis.address().replace("redis://", address);
        let refused = Queue::connect(&RedisUrl::parse(&address).unwrap()).await.err().unwrap();
        assert!(matches!(refused, QueueError::Refused { .. }), "{refused:?}");
        assert!(!refused.to_string().contains("horse"), "{refused}");
    }
    let right = redis.address().replace("redis://", "redis://:open-sesame@");
    Queue::connect(&RedisUrl::parse(&right).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_server_behind_tls_is_verified_by_the_systems_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let flags = ["--tls-port", &port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
    let _redis = Redis::with(&flags);
    let program = Program::new().env("REDIS_URL", &format!("rediss://localhost:{port}"));
    let unknown = program.run(["enqueue", "--tenant", TENANT, "--json"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("certificate"), "{unknown:?}");
    let trusting = program.env("SSL_CERT_FILE", cert);
    let enqueued = trusting.run(["enqueue", "--tenant", TENANT, "--json"]);
    assert_eq!((enqueued.code, &enqueued.json()[0]["status"]), (Some(0), &"enqueued".into()), "{enqueued:?}");
}
