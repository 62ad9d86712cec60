//! What an operator sees of the queue, and does to it.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Job, NAME, PREFIX, Queue, QueueError,
    job::{Envelope, beginning},
    scripts::{self, call},
};

/// How many entries of a list are read at a time.
const PAGE: isize = 1_000;

/// The queue in numbers.
#[derive(Debug, Clone, Default)]
pub struct QueueStatus {
    /// Its name.
    pub queue: &'static str,
    /// Workers take nothing.
    pub paused: bool,
    /// Jobs that wait for a worker.
    pub waiting: u64,
    /// Jobs in workers' hands.
    pub active: u64,
    /// Jobs that wait for their time: delayed ones, retries.
    pub delayed: u64,
    /// Jobs that failed for good and are kept.
    pub dead: u64,
    /// Jobs done, ever.
    pub completed: u64,
    /// Jobs that failed for good, ever.
    pub failed: u64,
    /// Attempts that failed and were to be repeated, ever.
    pub retried: u64,
    /// Jobs taken back from workers that were gone, ever.
    pub rescued: u64,
    /// Requests of other programs for a tenant that waited already, ever.
    pub duplicates: u64,
    /// Workers that are known.
    pub workers: Vec<WorkerView>,
}

/// A worker, as the queue knows it.
#[derive(Debug, Clone)]
pub struct WorkerView {
    /// Its name.
    pub worker: String,
    /// Jobs in its hands.
    pub active: u64,
    /// Whether its heartbeat is there; the jobs of one that is gone are rescued soon.
    pub alive: bool,
    /// Milliseconds since 1970, by the server's clock.
    pub last_heartbeat: i64,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// In a worker's hands.
    Active,
    /// In the list.
    Waiting,
    /// Not due yet.
    Delayed,
    /// Failed for good.
    Dead,
    /// Over: completed, retried or failed, as its outcome says.
    Over,
}

/// A job, wherever it is.
#[derive(Debug, Clone)]
pub struct JobView {
    /// Its id; requests of other programs have none until they are taken.
    pub job_id: Option<String>,
    /// Its tenant.
    pub tenant_id: Option<String>,
    /// Where it is.
    pub state: JobState,
    /// `completed`, `retried` or `failed`, where it is over.
    pub outcome: Option<String>,
    /// Kinds asked for; `None` is the worker's default.
    pub kinds: Option<Vec<String>>,
    /// Which attempt it is, or was.
    pub attempt: u64,
    /// How often a worker died with it.
    pub deliveries: u64,
    /// Milliseconds since 1970.
    pub enqueued_at: Option<i64>,
    /// When a delayed one is due, in milliseconds since 1970 by the server's clock.
    pub due_at: Option<i64>,
    /// Who has it in hand.
    pub worker: Option<String>,
    /// When it ended or died, in milliseconds since 1970.
    pub finished_at: Option<i64>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Settings that the tenant had then.
    pub settings: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
    text: Vec<u8>,
}

/// Whether it is paused, jobs that wait, are delayed and dead, counts, and workers with their heartbeats.
type Numbers = (bool, u64, u64, u64, HashMap<String, u64>, Vec<(Vec<u8>, f64)>);

impl Queue {
    /// The queue in numbers.
    pub async fn status(&self) -> Result<QueueStatus, QueueError> {
        let mut commands = redis::pipe();
        commands.exists(key("paused")).llen(key("wait")).zcard(key("delayed")).llen(key("dead"));
        commands.hgetall(key("stats")).zrange_withscores(key("workers"), 0, -1);
        let (paused, waiting, delayed, dead, stats, workers): Numbers =
            self.ask_all("tell its state", commands).await?;
        let mut of_workers = redis::pipe();
        for (worker, _) in &workers {
            of_workers.llen(key_of("proc:", worker)).exists(key_of("hb:", worker));
        }
        let held: Vec<u64> =
            if workers.is_empty() { Vec::new() } else { self.ask_all("tell its workers", of_workers).await? };
        let workers: Vec<_> = workers
            .into_iter()
            .zip(held.chunks(2))
            .map(|((worker, beat), held)| WorkerView {
                worker: String::from_utf8_lossy(&worker).into_owned(),
                active: held[0],
                alive: held[1] != 0,
                last_heartbeat: whole(beat),
            })
            .collect();
        let ever = |name: &str| stats.get(name).copied().unwrap_or_default();
        Ok(QueueStatus {
            queue: NAME,
            paused,
            waiting,
            active: workers.iter().map(|worker| worker.active).sum(),
            delayed,
            dead,
            completed: ever("completed"),
            failed: ever("failed"),
            retried: ever("retried"),
            rescued: ever("rescued"),
            duplicates: ever("duplicates"),
            workers,
        })
    }

    /// Jobs: those that run, those that wait, the next one first, the delayed, the dead, and the last outcomes.
    /// At most `limit` of each state.
    pub async fn jobs(&self, limit: usize) -> Result<Vec<JobView>, QueueError> {
        let mut jobs = Vec::new();
        for worker in self.status().await?.workers {
            for text in self.listed(&format!("proc:{}", worker.worker), limit).await? {
                jobs.push(JobView { worker: Some(worker.worker.clone()), ..JobView::read(JobState::Active, text) });
            }
        }
        // the next one stands at the right end, where workers take from; pages are read from the other
        let mut waiting = self.listed("wait", usize::MAX).await?;
        waiting.reverse();
        waiting.truncate(limit);
        jobs.extend(waiting.into_iter().map(|text| JobView::read(JobState::Waiting, text)));
        let due = redis::Cmd::zrange_withscores(key("delayed"), 0, -1);
        let mut delayed: Vec<(Vec<u8>, f64)> = self.ask("list delayed jobs", due).await?;
        delayed.truncate(limit);
        jobs.extend(delayed.into_iter().map(|(text, due)| {
            let due_at = Some(whole(due));
            JobView { due_at, ..JobView::read(JobState::Delayed, text) }
        }));
        for (list, state) in [("dead", JobState::Dead), ("recent", JobState::Over)] {
            let listed = self.listed(list, limit).await?;
            jobs.extend(listed.into_iter().map(|text| JobView::read(state, text)));
        }
        Ok(jobs)
    }

    /// Everything that is known of one job, where it is now first.
    pub async fn job(&self, id: &str) -> Result<Vec<JobView>, QueueError> {
        let jobs = self.jobs(usize::MAX).await?;
        Ok(jobs.into_iter().filter(|job| job.job_id.as_deref() == Some(id)).collect())
    }

    /// Puts a dead job back into the list, as if it were new.
    pub async fn retry(&self, id: &str) -> Result<(), QueueError> {
        let job = self.present(id).await?;
        if job.state != JobState::Dead {
            return Err(QueueError::NotDead { id: id.to_owned() });
        }
        let again = match (Envelope::parse(&job.text), job.payload()) {
            // as it was put there: a newer version may know what to do with it
            (_, Some(payload)) => payload.into_bytes(),
            (Ok(Envelope::Job(again)), None) => Job { attempt: 1, deliveries: 0, ..again }.text(),
            _ => return Err(QueueError::NoJob { id: id.to_owned() }),
        };
        self.take_out(&job, &again).await
    }

    /// Takes a job out of the queue that waits or lies dead.
    pub async fn drop_job(&self, id: &str) -> Result<(), QueueError> {
        let job = self.present(id).await?;
        self.take_out(&job, &[]).await
    }

    /// Where the job is now; an error where it runs, or is not there.
    async fn present(&self, id: &str) -> Result<JobView, QueueError> {
        let unknown = || QueueError::UnknownJob { id: id.to_owned() };
        let job = self.job(id).await?.into_iter().find(|job| job.state != JobState::Over).ok_or_else(unknown)?;
        match job.worker {
            Some(worker) => Err(QueueError::Running { id: id.to_owned(), worker }),
            None => Ok(job),
        }
    }

    async fn take_out(&self, job: &JobView, again: &[u8]) -> Result<(), QueueError> {
        let id = job.job_id.as_deref().unwrap_or_default();
        let mut script = call(&scripts::TAKE_OUT);
        script.arg(&job.text).arg(job.tenant_id.as_deref().unwrap_or_default()).arg(id).arg(again);
        let found: i64 = self.run("take a job out", &script).await?;
        if found == 0 { Err(QueueError::UnknownJob { id: id.to_owned() }) } else { Ok(()) }
    }

    /// Workers take nothing more until [`Queue::resume`]; what runs goes on.
    pub async fn pause(&self) -> Result<(), QueueError> {
        let mut command = redis::Cmd::new();
        command.arg("SET").arg(key("paused")).arg("1");
        self.ask("pause", command).await
    }

    /// Workers take jobs again.
    pub async fn resume(&self) -> Result<(), QueueError> {
        let mut command = redis::Cmd::new();
        command.arg("DEL").arg(key("paused"));
        self.ask("resume", command).await
    }

    /// Forgets the dead jobs, and tells how many they were.
    pub async fn clear_dead(&self) -> Result<u64, QueueError> {
        let mut commands = redis::pipe();
        // no transaction: a user without that right makes the client panic (redis 1.8.1)
        commands.llen(key("dead")).del(key("dead")).ignore();
        let (cleared,): (u64,) = self.ask_all("clear the dead jobs", commands).await?;
        Ok(cleared)
    }

    /// How many jobs wait, are delayed or in hands, at one moment.
    pub async fn pending(&self) -> Result<usize, QueueError> {
        self.run("count jobs", &call(&scripts::PENDING)).await
    }

    /// Up to `limit` entries of a list, page by page.
    async fn listed(&self, list: &str, limit: usize) -> Result<Vec<Vec<u8>>, QueueError> {
        let mut listed: Vec<Vec<u8>> = Vec::new();
        let mut start: isize = 0;
        while listed.len() < limit {
            let page = redis::Cmd::lrange(key(list), start, start + PAGE - 1);
            let page: Vec<Vec<u8>> = self.ask("list jobs", page).await?;
            let ended = page.len() < PAGE.unsigned_abs();
            listed.extend(page);
            if ended {
                break;
            }
            start += PAGE;
        }
        listed.truncate(limit);
        Ok(listed)
    }
}

fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn key_of(beginning: &str, worker: &[u8]) -> Vec<u8> {
    [PREFIX.as_bytes(), beginning.as_bytes(), worker].concat()
}

/// A score, which is a whole number of milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
fn whole(score: f64) -> i64 {
    score as i64
}

impl JobView {
    /// The whole of a dead entry that was no job.
    fn payload(&self) -> Option<String> {
        let entry: Value = serde_json::from_slice(&self.text).ok()?;
        let whole = entry.get("cut").and_then(Value::as_bool) == Some(false);
        entry.get("payload").and_then(Value::as_str).filter(|_| whole).map(str::to_owned)
    }

    fn read(state: JobState, text: Vec<u8>) -> Self {
        let entry: Value = serde_json::from_slice(&text).unwrap_or_default();
        let words = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let time = |name: &str| entry.get(name).and_then(Value::as_i64);
        let count = |name: &str| entry.get(name).and_then(Value::as_u64);
        let kinds = entry.get("kinds").and_then(Value::as_array);
        let error = words("error");
        Self {
            job_id: words("id"),
            tenant_id: words("tenantId"),
            state,
            outcome: words("outcome"),
            kinds: kinds.map(|kinds| kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            attempt: count("attempt").unwrap_or(1),
            deliveries: count("deliveries").unwrap_or_default(),
            enqueued_at: time("enqueuedAt"),
            due_at: None,
            worker: None,
            finished_at: time("finishedAt").or_else(|| time("diedAt")),
            duration_ms: count("durationMs"),
            settings: count("settings"),
            error: match (error, words("payload")) {
                (Some(error), Some(payload)) => Some(format!("{error}: {}", beginning(&payload))),
                (error, _) => error,
            },
            text,
        }
    }
}
