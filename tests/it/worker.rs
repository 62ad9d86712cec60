//! The worker's loop against a real Redis that is killed, frozen, filled and cut off, with handlers of the tests' own.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tenantpilot::{
    policy::TenantId,
    queue::{Job, JobState, Priority, Queue, RedisUrl, Request},
    worker::{Health, Observer, Options, Outcome, Retry, RetryPolicy, Tally, Worker, WorkerEvent},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{proxy::Proxy, redis::Redis};

/// Remembers what happened, a line each.
#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Observer for Diary {
    fn observe(&self, event: &WorkerEvent<'_>) {
        let line = match event {
            WorkerEvent::Connected { after: None, .. } => "connected".to_owned(),
            WorkerEvent::Connected { .. } => "back".to_owned(),
            WorkerEvent::Disconnected { .. } => "gone".to_owned(),
            WorkerEvent::Hindered { error } => format!("hindered {error}"),
            WorkerEvent::MayEvict { policy } => format!("may evict {policy}"),
            WorkerEvent::Completed { job, .. } => format!("done {}", job.tenant_id),
            WorkerEvent::Failed { job, error, retry_after, .. } => {
                format!("failed {} {} {error}", job.attempt, if retry_after.is_some() { "again" } else { "dead" })
            }
            WorkerEvent::PutOff { .. } => "put off".to_owned(),
            WorkerEvent::Returned { .. } => "returned".to_owned(),
            WorkerEvent::Late { .. } => "late".to_owned(),
            WorkerEvent::Holding { .. } => "holding".to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Diary {
    fn count(&self, beginning: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.starts_with(beginning)).count()
    }
}

/// A worker that runs in this process.
struct Running {
    diary: Arc<Diary>,
    health: Arc<Health>,
    stop: CancellationToken,
    task: JoinHandle<Tally>,
}

impl Running {
    async fn stop(self) -> Tally {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(15), self.task).await.unwrap().unwrap()
    }
}

fn start<H, F>(url: RedisUrl, options: Options, handler: H) -> Running
where
    H: Fn(Job, CancellationToken) -> F + Send + Sync + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let diary = Arc::new(Diary::default());
    let worker = Worker::new(url, options, diary.clone());
    let (health, stop) = (worker.health().clone(), CancellationToken::new());
    let task = tokio::spawn(worker.run(handler, stop.clone()));
    Running { diary, health, stop, task }
}

fn options(concurrency: usize) -> Options {
    let retry = RetryPolicy { base: Duration::from_millis(20), ..RetryPolicy::default() };
    Options { concurrency, retry, ..Options::default() }
}

fn done() -> Outcome {
    Outcome::Done { settings: 1 }
}

async fn enqueue(redis: &Redis, tenant: &str) {
    let request =
        Request { tenant: TenantId::new(tenant), kinds: None, delay: Duration::ZERO, priority: Priority::Normal };
    queue(redis).await.enqueue(&request).await.unwrap();
}

async fn queue(redis: &Redis) -> Queue {
    Queue::connect(&redis.url()).await.unwrap()
}

/// Waits until it holds, which must be soon.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_begins_a_job_as_soon_as_it_comes() {
    let redis = Redis::start();
    let worker = start(redis.url(), options(1), |_, _| async { done() });
    until("idle", || worker.diary.count("connected") == 1).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    for number in 1..=3 {
        enqueue(&redis, &format!("{number}.example.com")).await;
        until("done", || worker.diary.count("done") == number).await;
    }
    assert_eq!(worker.stop().await, Tally { completed: 3, failed: 0 });
    assert_eq!(redis.cli(&["ZRANGE", "@workers", "0", "-1"]), "", "it took leave");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_run_side_by_side_and_never_two_jobs_of_one() {
    let redis = Redis::start();
    let running: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let (most, twice) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler = {
        let (running, most, twice) = (running.clone(), most.clone(), twice.clone());
        move |job: Job, _| {
            let (running, most, twice) = (running.clone(), most.clone(), twice.clone());
            async move {
                {
                    let mut running = running.lock().unwrap();
                    *running.entry(job.tenant_id.to_string()).or_default() += 1;
                    twice.fetch_add(usize::from(running.values().any(|jobs| *jobs > 1)), Ordering::Relaxed);
                    most.fetch_max(running.values().sum(), Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
                *running.lock().unwrap().get_mut(job.tenant_id.as_str()).unwrap() -= 1;
                done()
            }
        }
    };
    for tenant in 0..8 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    let workers = [start(redis.url(), options(3), handler.clone()), start(redis.url(), options(3), handler)];
    tokio::time::sleep(Duration::from_millis(100)).await;
    // follow-ups of those that run
    for tenant in 0..8 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    until("all", || workers.iter().map(|worker| worker.diary.count("done")).sum::<usize>() >= 13).await;
    until("drained", || redis.count(&["LLEN", "@wait"]) + redis.count(&["ZCARD", "@delayed"]) == 0).await;
    assert_eq!(twice.load(Ordering::Relaxed), 0);
    assert_eq!(most.load(Ordering::Relaxed), 6);
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_tenant_holds_back_nobody_else() {
    let redis = Redis::start();
    enqueue(&redis, "slow.example.com").await;
    let worker = start(redis.url(), options(2), |job, stop| async move {
        if job.tenant_id.as_str().starts_with("slow") {
            stop.cancelled().await;
            return Outcome::Stopped;
        }
        done()
    });
    for tenant in 0..20 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    until("the others", || worker.diary.count("done") == 20).await;
    let stopping = worker.stop.clone();
    stopping.cancel();
    assert_eq!(redis.count(&["HGET", "@stats", "completed"]), 20);
    worker.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_tried_five_times_and_then_dead_with_its_reason() {
    let redis = Redis::start();
    enqueue(&redis, "a.example.com").await;
    let worker = start(redis.url(), options(1), |_, _| async {
        Outcome::Failed { error: "no luck".to_owned(), causes: Vec::new(), retry: Retry::After(Duration::ZERO) }
    });
    until("dead", || worker.diary.count("failed 5 dead no luck") == 1).await;
    assert_eq!(worker.diary.count("failed"), 5);
    assert_eq!(worker.stop().await, Tally { completed: 0, failed: 1 });
    let jobs = queue(&redis).await.jobs(10).await.unwrap();
    assert_eq!((jobs[0].state, jobs[0].error.as_deref()), (JobState::Dead, Some("no luck")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_repetition_helps_is_dead_at_once_and_a_panic_is_a_failure() {
    let redis = Redis::start();
    enqueue(&redis, "hopeless.example.com").await;
    enqueue(&redis, "panics.example.com").await;
    let worker = start(redis.url(), options(1), |job, _| async move {
        assert!(job.tenant_id.as_str().starts_with("hopeless") || job.attempt > 1, "on purpose");
        if job.attempt > 1 {
            return done();
        }
        Outcome::Failed { error: "wrong secret".to_owned(), causes: Vec::new(), retry: Retry::Never }
    });
    until("both", || worker.diary.count("done panics") + worker.diary.count("failed 1 dead wrong secret") == 2).await;
    assert_eq!(worker.diary.count("failed 1 again an internal error"), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_jobs_cannot_begin_waits_and_counts_no_attempt() {
    let redis = Redis::start();
    for tenant in 0..10 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    let there = Arc::new(AtomicUsize::new(0));
    let is_there = there.clone();
    let worker = start(redis.url(), options(4), move |job, _| {
        let there = is_there.load(Ordering::Relaxed) > 0;
        async move {
            assert_eq!(job.attempt, 1);
            if there { done() } else { Outcome::NotReady { error: "the database is gone".to_owned() } }
        }
    });
    until("holding", || worker.diary.count("holding") == 2).await;
    let status = queue(&redis).await.status().await.unwrap();
    assert!(worker.health.judge(&status).unwrap_err().contains("database"));
    // one look at a time, not all jobs again and again
    assert!(worker.diary.count("put off") <= 6, "{}", worker.diary.count("put off"));
    there.store(1, Ordering::Relaxed);
    until("all", || worker.diary.count("done") == 10).await;
    assert_eq!(worker.health.judge(&status), Ok(()));
    assert_eq!(worker.stop().await, Tally { completed: 10, failed: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_find_the_database_and_fail_by_it_later_do_not_cut_the_pauses_short() {
    let redis = Redis::start();
    for tenant in 0..4 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    let diary = Arc::new(Diary::default());
    let worker = Worker::new(redis.url(), options(2), diary.clone());
    let (ready, stop) = (worker.ready().clone(), CancellationToken::new());
    let handler = move |_, _| {
        let (ready, since) = (ready.clone(), Instant::now());
        async move {
            ready.tell(since);
            tokio::time::sleep(Duration::from_millis(50)).await;
            Outcome::NotReady { error: "the database is read-only".to_owned() }
        }
    };
    let task = tokio::spawn(worker.run(handler, stop.clone()));
    // after 1 s, 2 s and 4 s
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(diary.count("holding"), 3, "{:?}", diary.0.lock().unwrap());
    assert!(diary.count("put off") <= 6, "{:?}", diary.0.lock().unwrap());
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_before_a_pause_neither_ends_it_nor_keeps_another_from_trying() {
    let redis = Redis::start();
    enqueue(&redis, "long.example.com").await;
    let diary = Arc::new(Diary::default());
    let worker = Worker::new(redis.url(), Options { shutdown_timeout: Duration::ZERO, ..options(3) }, diary.clone());
    let (ready, stop) = (worker.ready().clone(), CancellationToken::new());
    let begun = Arc::new(AtomicUsize::new(0));
    let begin = begun.clone();
    let handler = move |job: Job, stop: CancellationToken| {
        let (ready, begun, since) = (ready.clone(), begin.clone(), Instant::now());
        begun.fetch_add(1, Ordering::SeqCst);
        async move {
            if job.tenant_id.as_str() != "long.example.com" {
                tokio::time::sleep(Duration::from_millis(300)).await;
                return Outcome::NotReady { error: "too many connections".to_owned() };
            }
            // it tells while another tries
            until("one tries", || begun.load(Ordering::SeqCst) == 4).await;
            ready.tell(since);
            stop.cancelled().await;
            Outcome::Stopped
        }
    };
    let task = tokio::spawn(worker.run(handler, stop.clone()));
    until("begun", || begun.load(Ordering::SeqCst) == 1).await;
    for tenant in 0..4 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    let since = Instant::now();
    // as many as there was room for, and one after the pause
    until("held again", || diary.count("holding") == 2).await;
    assert!(since.elapsed() < Duration::from_secs(10), "it was kept from trying for {:?}", since.elapsed());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((diary.count("put off"), begun.load(Ordering::SeqCst)), (3, 4), "{:?}", diary.0.lock().unwrap());
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_works_on_within_a_second_of_redis_being_back() {
    let mut redis = Redis::start();
    let worker = start(redis.url(), options(2), |_, _| async { done() });
    until("connected", || worker.diary.count("connected") == 1).await;
    for round in 1..=3 {
        redis.kill();
        until("noticed", || worker.diary.count("gone") == round).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(worker.health.is_ready().is_err());
        redis.start_again();
        let back = Instant::now();
        enqueue(&redis, &format!("{round}.example.com")).await;
        until("done", || worker.diary.count("done") == round).await;
        assert!(back.elapsed() < Duration::from_secs(1), "{:?}", back.elapsed());
    }
    assert_eq!((worker.diary.count("gone"), worker.diary.count("back")), (3, 3), "told once each");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ends_while_redis_is_away_is_settled_when_it_is_back() {
    let mut redis = Redis::start();
    enqueue(&redis, "a.example.com").await;
    let worker = start(redis.url(), options(1), |_, _| async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        done()
    });
    until("begun", || redis.count(&["EXISTS", "@active:a.example.com"]) == 1).await;
    redis.kill();
    until("done", || worker.diary.count("done") == 1).await;
    redis.start_again();
    until("settled", || redis.cli(&["HGET", "@stats", "completed"]) == "1").await;
    assert_eq!((worker.diary.count("done"), worker.diary.count("late")), (1, 0));
    assert_eq!(redis.count(&["EXISTS", "@active:a.example.com"]), 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_lost_to_a_server_that_was_frozen_or_a_connection_that_was_cut() {
    let redis = Redis::start();
    let proxy = Proxy::to(redis.port());
    let url = RedisUrl::parse(&format!("redis://127.0.0.1:{}", proxy.port())).unwrap();
    let worker = start(url, options(3), |_, _| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        done()
    });
    for round in 0..4 {
        for job in 0..10 {
            enqueue(&redis, &format!("{job}.{round}.example.com")).await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        match round {
            0 => proxy.cut(),
            1 => redis.freeze(),
            2 => drop(redis.cli(&["CLIENT", "KILL", "TYPE", "normal"])),
            _ => drop(redis.cli(&["SCRIPT", "FLUSH"])),
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        proxy.mend();
        redis.thaw();
    }
    let completed = || redis.cli(&["HGET", "@stats", "completed"]).parse().unwrap_or(0);
    until("all", || completed() == 40).await;
    assert_eq!(redis.count(&["LLEN", "@wait"]) + redis.count(&["ZCARD", "@delayed"]), 0);
    worker.stop().await;
    assert_eq!(redis.cli(&["KEYS", "*proc*"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_is_drained() {
    let redis = Redis::start();
    let worker = start(redis.url(), options(1), |_, _| async { done() });
    until("connected", || worker.diary.count("connected") == 1).await;
    redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    queue(&redis).await.pause().await.unwrap();
    for tenant in 0..5 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    queue(&redis).await.resume().await.unwrap();
    until("all", || worker.diary.count("done") == 5).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_refuses_what_the_worker_needs_makes_it_unhealthy() {
    let redis = Redis::start();
    redis.cli(&["ACL", "SETUSER", "default", "-evalsha", "-blmove"]);
    let worker = start(redis.url(), options(1), |_, _| async { done() });
    until("told", || worker.diary.count("hindered") == 1).await;
    let status = queue(&redis).await.status().await.unwrap();
    assert!(worker.health.judge(&status).unwrap_err().contains("permissions"), "{:?}", worker.health.judge(&status));
    redis.cli(&["ACL", "SETUSER", "default", "+@all"]);
    enqueue(&redis, "a.example.com").await;
    until("done", || worker.diary.count("done") == 1).await;
    assert_eq!(worker.health.judge(&status), Ok(()));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_was_demoted_is_looked_for_anew() {
    let redis = Redis::start();
    let worker = start(redis.url(), options(1), |_, _| async { done() });
    until("connected", || worker.diary.count("connected") == 1).await;
    redis.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    until("noticed", || worker.diary.count("gone") == 1).await;
    redis.cli(&["REPLICAOF", "NO", "ONE"]);
    enqueue(&redis, "a.example.com").await;
    until("done", || worker.diary.count("done") == 1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bare_requests_in_a_full_redis_are_drained() {
    let redis = Redis::start();
    redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    for tenant in 0..5 {
        redis.cli(&["LPUSH", "@wait", &format!(r#"{{"tenantId":"{tenant}.example.com"}}"#)]);
    }
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let draining = Options { drain: true, ..options(2) };
    let worker = start(redis.url(), draining, |_, _| async { done() });
    let tally = tokio::time::timeout(Duration::from_secs(20), worker.task).await.unwrap().unwrap();
    assert_eq!(tally, Tally { completed: 5, failed: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_may_evict_is_told_at_the_start() {
    let redis = Redis::with(&["--maxmemory-policy", "allkeys-lru"]);
    let worker = start(redis.url(), options(1), |_, _| async { done() });
    until("told", || worker.diary.count("may evict allkeys-lru") == 1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_starts_before_redis_does() {
    let mut redis = Redis::start();
    redis.kill();
    let worker = start(redis.url(), options(1), |_, _| async { done() });
    until("told", || worker.diary.count("gone") == 1).await;
    assert!(worker.health.is_ready().is_err() && worker.health.is_alive().is_ok());
    redis.start_again();
    enqueue(&redis, "a.example.com").await;
    until("done", || worker.diary.count("done") == 1).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_in_hand_may_end_after_a_stop_and_are_given_back_uncounted_when_they_do_not() {
    let redis = Redis::start();
    enqueue(&redis, "quick.example.com").await;
    enqueue(&redis, "slow.example.com").await;
    let stop_soon = Options { shutdown_timeout: Duration::from_secs(1), ..options(2) };
    let worker = start(redis.url(), stop_soon, |job, stop| async move {
        if job.tenant_id.as_str().starts_with("quick") {
            tokio::time::sleep(Duration::from_millis(500)).await;
            return done();
        }
        stop.cancelled().await;
        Outcome::Stopped
    });
    until("both", || redis.count(&["EXISTS", "@active:quick.example.com", "@active:slow.example.com"]) == 2).await;
    let diary = worker.diary.clone();
    assert_eq!(worker.stop().await, Tally { completed: 1, failed: 0 });
    assert_eq!(diary.count("returned"), 1);
    let jobs = queue(&redis).await.jobs(10).await.unwrap();
    assert_eq!((jobs[0].state, jobs[0].attempt, jobs[0].deliveries), (JobState::Waiting, 1, 0));
    assert_eq!(jobs[0].tenant_id.as_deref(), Some("slow.example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_stops_at_once() {
    let redis = Redis::start();
    let worker = start(redis.url(), options(1), |_, _| async { done() });
    until("idle", || redis.cli(&["CLIENT", "LIST"]).contains("cmd=blmove")).await;
    let begun = Instant::now();
    worker.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_ends_when_nothing_waits_runs_or_is_delayed() {
    let redis = Redis::start();
    for tenant in 0..5 {
        enqueue(&redis, &format!("{tenant}.example.com")).await;
    }
    let draining = Options { drain: true, ..options(2) };
    let worker = start(redis.url(), draining, |job, _| async move {
        if job.attempt == 1 && job.tenant_id.as_str().starts_with('0') {
            let retry = Retry::After(Duration::from_millis(1_500));
            return Outcome::Failed { error: "later".to_owned(), causes: Vec::new(), retry };
        }
        done()
    });
    let tally = tokio::time::timeout(Duration::from_secs(20), worker.task).await.unwrap().unwrap();
    assert_eq!(tally, Tally { completed: 5, failed: 0 });
}
