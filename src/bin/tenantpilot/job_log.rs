//! What a worker does, a line each: JSON for programs, text for people.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use serde::Serialize;
use tenantpilot::{
    events::{Reporter, SyncEvent},
    policy::TenantId,
    queue::Job,
    worker::{Observer, WorkerEvent},
};

use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};

use crate::{
    cli::LogFormat,
    logging,
    terminal::{SafeJson, one_line},
};

/// Writes the lines of jobs to stdout; everything else is logged.
pub(crate) struct JobLog {
    format: LogFormat,
    quiet: bool,
    out: NonBlocking,
    // writes what is left when it is dropped
    _writer: WorkerGuard,
}

/// A line about a job. Fields are only ever added.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'l> {
    event: &'static str,
    job_id: &'l str,
    tenant_id: Option<&'l str>,
    #[serde(flatten)]
    more: More<'l>,
    timestamp: String,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum More<'l> {
    Start { attempt: u32 },
    Complete { duration: u64, settings_count: u64 },
    Failed { attempt: u32, will_retry: bool, retry_in_ms: Option<u64>, error: &'l str, stack: &'l [String] },
    Postponed { reason: &'l str },
    Returned {},
}

impl JobLog {
    pub(crate) fn new(format: LogFormat, quiet: bool) -> Self {
        let (out, writer) = logging::unblocked(io::stdout());
        Self { format, quiet, out, _writer: writer }
    }

    fn job(&self, event: &'static str, job: &Job, more: More<'_>, text: &str) {
        let text = format!("{text}: {} (job {})", job.tenant_id, job.id);
        self.line(event, &job.id, Some(job.tenant_id.as_str()), more, &text);
    }

    fn line(&self, event: &'static str, job_id: &str, tenant_id: Option<&str>, more: More<'_>, text: &str) {
        let timestamp = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let mut line = Vec::new();
        match self.format {
            LogFormat::Json => {
                let value = Line { event, job_id, tenant_id, more, timestamp };
                let mut json = serde_json::Serializer::with_formatter(&mut line, SafeJson::default());
                // writing into memory does not fail
                let _ = value.serialize(&mut json);
            }
            LogFormat::Text if self.quiet => return,
            LogFormat::Text => line.extend_from_slice(format!("{timestamp} {}", one_line(text)).as_bytes()),
        }
        line.push(b'\n');
        // a reader that is gone, or stands still, does not end the work
        let _ = self.out.clone().write_all(&line);
    }
}

impl Observer for JobLog {
    fn observe(&self, event: &WorkerEvent<'_>) {
        match event {
            WorkerEvent::Started { job } => {
                self.job("job_start", job, More::Start { attempt: job.attempt }, "started");
            }
            WorkerEvent::Completed { job, took, settings } => {
                let more = More::Complete { duration: millis(*took), settings_count: *settings };
                let text = format!("completed with {settings} settings in {:.1} s", took.as_secs_f64());
                self.job("job_complete", job, more, &text);
            }
            WorkerEvent::Failed { job, error, causes, retry_after, .. } => {
                let (attempt, will_retry, retry_in_ms) = (job.attempt, retry_after.is_some(), retry_after.map(millis));
                let more = More::Failed { attempt, will_retry, retry_in_ms, error, stack: causes };
                let next = match retry_after {
                    Some(after) => format!("again in {} s", after.as_secs().max(1)),
                    None => "for good".to_owned(),
                };
                // what the error says already is not said again
                let behind = causes.iter().filter(|cause| !error.contains(cause.as_str()));
                let told = behind.fold((*error).to_owned(), |told, cause| format!("{told}; {cause}"));
                self.job("job_failed", job, more, &format!("failed, attempt {attempt}, {next}, {told}"));
            }
            WorkerEvent::Refused { job_id, tenant, error } => {
                let more = More::Failed { attempt: 1, will_retry: false, retry_in_ms: None, error, stack: &[] };
                self.line("job_failed", job_id, *tenant, more, &format!("refused: {error} (entry {job_id})"));
            }
            WorkerEvent::PutOff { job, reason } => {
                self.job("job_postponed", job, More::Postponed { reason }, &format!("postponed, {reason}"));
            }
            WorkerEvent::Returned { job } => self.job("job_returned", job, More::Returned {}, "given back"),
            other => log(other),
        }
    }
}

/// What concerns the worker and not a job.
fn log(event: &WorkerEvent<'_>) {
    match event {
        WorkerEvent::Connected { address, version, after: None } => {
            tracing::info!(address, version, "connected to Redis");
        }
        WorkerEvent::Connected { address, after: Some(after), .. } => {
            tracing::info!(address, gone_ms = millis(*after), "Redis is back");
        }
        WorkerEvent::MayEvict { policy } => tracing::warn!(
            maxmemory_policy = policy,
            "Redis may throw jobs away when it is full: set `maxmemory-policy noeviction`"
        ),
        WorkerEvent::Disconnected { error } => tracing::warn!(error, "waiting for Redis, and trying until it is back"),
        WorkerEvent::Hindered { error } => tracing::error!(error, "Redis does not do what the worker needs"),
        WorkerEvent::Paused(true) => tracing::info!("the queue is paused: nothing is taken"),
        WorkerEvent::Paused(false) => tracing::info!("the queue is resumed"),
        WorkerEvent::Late { job_id } => tracing::warn!(
            job.id = job_id,
            "the job was not in this worker's hands any more when it was done: it may run twice"
        ),
        WorkerEvent::Rescued { jobs } => tracing::warn!(jobs, "took jobs back from workers that are gone"),
        WorkerEvent::Holding { error, pause } => {
            tracing::warn!(error, pause_ms = millis(*pause), "no job can begin: taking none for a while");
        }
        WorkerEvent::Stopping { in_hand } => tracing::info!(jobs = in_hand, "stopping: nothing new is taken"),
        WorkerEvent::Strayed { jobs } => {
            tracing::info!(jobs, "gave back jobs whose answer was lost on the way from Redis");
        }
        other => tracing::debug!("{}", one_line(&format!("{other:?}"))),
    }
}

impl Reporter for JobLog {
    fn report(&self, tenant: &TenantId, event: &SyncEvent<'_>) {
        match event {
            SyncEvent::Problem(problem) => tracing::warn!(
                tenant.id = %tenant,
                policy.kind = problem.kind,
                policy.id = %one_line(&problem.policy),
                code = problem.code,
                "{}",
                one_line(&problem.message)
            ),
            SyncEvent::Throttled { wait } if !wait.is_zero() => {
                tracing::info!(tenant.id = %tenant, wait_ms = millis(*wait), "Graph asks for patience");
            }
            _ => {}
        }
    }
}

fn millis(time: impl std::borrow::Borrow<Duration>) -> u64 {
    u64::try_from(time.borrow().as_millis()).unwrap_or(u64::MAX)
}
