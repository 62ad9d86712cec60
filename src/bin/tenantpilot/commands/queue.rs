//! `queue`, and `inspect queue` and `inspect jobs`: what the queue holds, and what an operator does to it.

use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;
use tenantpilot::{
    policy::TenantId,
    queue::{JobState, JobView, Queue, QueueStatus, WorkerView},
};

use super::inspect::output::{Output, Record};
use crate::{
    cli::{QueueCommand, QueueOutput},
    printer::Printer,
};

/// Jobs of each state in a table, unless more are asked for.
const TABLE_JOBS: u32 = 200;

pub(crate) async fn run(command: QueueCommand, printer: &Printer) -> anyhow::Result<ExitCode> {
    let queue = Queue::connect(&super::redis()?).await?;
    match command {
        QueueCommand::Status(output) => status(&queue, output.open(printer)).await?,
        QueueCommand::List { limit, output } => jobs(&queue, None, &[], limit, output.open(printer)).await?,
        QueueCommand::Retry(job) => {
            queue.retry(&job.id).await?;
            job.output.done(printer, "the job waits again", &json!({"jobId": job.id, "status": "enqueued"}))?;
        }
        QueueCommand::Drop(job) => {
            queue.drop_job(&job.id).await?;
            job.output.done(printer, "the job is dropped", &json!({"jobId": job.id, "status": "dropped"}))?;
        }
        QueueCommand::Pause(output) => {
            queue.pause().await?;
            output.done(printer, "paused: workers take nothing new", &json!({"paused": true}))?;
        }
        QueueCommand::Resume(output) => {
            queue.resume().await?;
            output.done(printer, "resumed", &json!({"paused": false}))?;
        }
        QueueCommand::ClearDead(output) => {
            let cleared = queue.clear_dead().await?;
            output.done(printer, &format!("{cleared} dead jobs are forgotten"), &json!({"cleared": cleared}))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl QueueOutput {
    fn open(self, printer: &Printer) -> Output {
        if self.json { Output::json(printer) } else { Output::table(printer, usize::MAX, false) }
    }

    fn done(self, printer: &Printer, text: &str, value: &serde_json::Value) -> anyhow::Result<()> {
        if self.json {
            Output::json(printer).value(value)?;
        } else {
            printer.note(text);
        }
        Ok(())
    }
}

/// Shows the queue in numbers.
pub(super) async fn status(queue: &Queue, mut output: Output) -> anyhow::Result<()> {
    let record = StatusRecord::from(&queue.status().await?);
    if output.is_json() {
        return Ok(output.value(&record)?);
    }
    output.row(&record)?;
    Ok(output.finish()?)
}

/// Shows jobs, or all that is known of one, or those of some tenants.
pub(super) async fn jobs(
    queue: &Queue,
    id: Option<&str>,
    tenants: &[TenantId],
    limit: Option<u32>,
    mut output: Output,
) -> anyhow::Result<()> {
    let limit = limit.or_else(|| (!output.is_json()).then_some(TABLE_JOBS)).map_or(usize::MAX, |limit| limit as usize);
    let jobs = match id {
        Some(id) => queue.job(id).await?,
        None => queue.jobs(if tenants.is_empty() { limit } else { usize::MAX }).await?,
    };
    let is_asked = |job: &JobView| {
        let own = job.tenant_id.as_deref();
        tenants.is_empty()
            || own.is_some_and(|own| tenants.iter().any(|asked| own.eq_ignore_ascii_case(asked.as_str())))
    };
    // of each state without a tenant, of all states with one
    let most = if tenants.is_empty() { usize::MAX } else { limit };
    for job in jobs.into_iter().filter(is_asked).take(most) {
        output.row(&JobRow(job))?;
    }
    Ok(output.finish()?)
}

/// The queue, as JSON tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusRecord {
    #[serde(flatten)]
    numbers: Numbers,
    workers: Vec<WorkerRecord>,
}

/// What CSV tells of the queue: its workers are a list, which JSON has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    version: u32,
    queue: &'static str,
    paused: bool,
    waiting: u64,
    active: u64,
    delayed: u64,
    dead: u64,
    completed: u64,
    failed: u64,
    retried: u64,
    rescued: u64,
    duplicates: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkerRecord {
    worker: String,
    active: u64,
    alive: bool,
    last_heartbeat: Option<String>,
}

impl From<&QueueStatus> for StatusRecord {
    fn from(status: &QueueStatus) -> Self {
        let numbers = Numbers {
            version: 1,
            queue: status.queue,
            paused: status.paused,
            waiting: status.waiting,
            active: status.active,
            delayed: status.delayed,
            dead: status.dead,
            completed: status.completed,
            failed: status.failed,
            retried: status.retried,
            rescued: status.rescued,
            duplicates: status.duplicates,
        };
        Self { numbers, workers: status.workers.iter().map(WorkerRecord::from).collect() }
    }
}

impl From<&WorkerView> for WorkerRecord {
    fn from(worker: &WorkerView) -> Self {
        Self {
            worker: worker.worker.clone(),
            active: worker.active,
            alive: worker.alive,
            last_heartbeat: time(worker.last_heartbeat),
        }
    }
}

impl Record for StatusRecord {
    const TITLES: &'static [&'static str] = &["QUEUE", "", "WORKER", "JOBS", "LAST HEARTBEAT (UTC)"];
    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        lines.serialize(&self.numbers)
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let Numbers { waiting, active, delayed, dead, completed, failed, retried, rescued, .. } = self.numbers;
        let numbers = [
            ("waiting", waiting),
            ("active", active),
            ("delayed", delayed),
            ("dead", dead),
            ("completed", completed),
            ("failed", failed),
            ("retried", retried),
            ("rescued", rescued),
        ];
        let paused = self.numbers.paused.then(|| ["paused".to_owned(), "yes".to_owned()]);
        let left = paused.into_iter().chain(numbers.map(|(name, number)| [name.to_owned(), number.to_string()]));
        let right = self.workers.iter().map(|worker| {
            let heartbeat = second(worker.last_heartbeat.as_deref());
            let heartbeat = if worker.alive { heartbeat } else { format!("{heartbeat} (gone)") };
            [worker.worker.clone(), worker.active.to_string(), heartbeat]
        });
        let (left, right): (Vec<_>, Vec<_>) = (left.collect(), right.collect());
        let lines = left.len().max(right.len());
        let pad = |index: usize| {
            let left = left.get(index).cloned().unwrap_or_default();
            let right = right.get(index).cloned().unwrap_or_default();
            left.into_iter().chain(right).collect()
        };
        (0..lines).map(pad).collect()
    }
}

/// A row of a job.
struct JobRow(JobView);

/// A job, as JSON and CSV tell it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobRecord<'j, K> {
    job_id: Option<&'j str>,
    tenant_id: Option<&'j str>,
    state: &'static str,
    kinds: Option<K>,
    attempt: u64,
    deliveries: u64,
    enqueued_at: Option<String>,
    due_at: Option<String>,
    worker: Option<&'j str>,
    finished_at: Option<String>,
    duration_ms: Option<u64>,
    settings: Option<u64>,
    error: Option<&'j str>,
}

impl JobRow {
    fn state(&self) -> &'static str {
        match (self.0.state, self.0.outcome.as_deref()) {
            (JobState::Active, _) => "active",
            (JobState::Waiting, _) => "waiting",
            (JobState::Delayed, _) => "delayed",
            (JobState::Dead, _) => "dead",
            (JobState::Over, Some("retried")) => "retried",
            (JobState::Over, Some("failed")) => "failed",
            (JobState::Over, _) => "completed",
        }
    }

    fn record<K>(&self, kinds: impl Fn(&Vec<String>) -> K) -> JobRecord<'_, K> {
        let job = &self.0;
        JobRecord {
            job_id: job.job_id.as_deref(),
            tenant_id: job.tenant_id.as_deref(),
            state: self.state(),
            kinds: job.kinds.as_ref().map(kinds),
            attempt: job.attempt,
            deliveries: job.deliveries,
            enqueued_at: job.enqueued_at.and_then(time),
            due_at: job.due_at.and_then(time),
            worker: job.worker.as_deref(),
            finished_at: job.finished_at.and_then(time),
            duration_ms: job.duration_ms,
            settings: job.settings,
            error: job.error.as_deref(),
        }
    }
}

impl Serialize for JobRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.record(Vec::clone).serialize(serializer)
    }
}

impl Record for JobRow {
    const TITLES: &'static [&'static str] = &["JOB", "TENANT", "STATE", "ATTEMPT", "TIME (UTC)", "WORKER OR ERROR"];
    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        // a cell holds no list
        lines.serialize(self.record(|kinds| kinds.join(";")))
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let job = &self.0;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let at = job.finished_at.or(job.due_at).or(job.enqueued_at).and_then(time);
        vec![vec![
            text(job.job_id.as_deref()),
            text(job.tenant_id.as_deref()),
            self.state().to_owned(),
            job.attempt.to_string(),
            second(at.as_deref()),
            text(job.worker.as_deref().or(job.error.as_deref())),
        ]]
    }
}

/// Milliseconds since 1970 as RFC 3339.
fn time(ms: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_millis(ms)?;
    Some(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// Seconds are enough for people.
fn second(time: Option<&str>) -> String {
    let time = time.unwrap_or_default();
    time.get(..19).unwrap_or(time).replace('T', " ")
}
