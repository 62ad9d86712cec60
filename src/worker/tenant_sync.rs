//! The handler that syncs a job's tenant, and what a sync's end means for the job.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Outcome, Ready, Retry, metrics};
use crate::{
    events::{Reporter, SyncEvent},
    policy::{ScriptContent, SyncRequest, TenantId},
    queue::Job,
    report::{ErrorReport, Status, TenantReport},
    store::{Store, StoreError},
    sync::{self, Graph, Source, SyncError, Synced},
};

/// How long the database is waited for when a sync has failed by it: longer than a connection takes at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Syncs tenants of jobs from Microsoft Graph into one database.
#[derive(Clone)]
pub struct TenantSync {
    /// How to reach tenants.
    pub graph: Graph,
    /// Where their policies go.
    pub store: Store,
    /// What is kept of scripts.
    pub script_content: ScriptContent,
    /// The longest time for a tenant.
    pub longest: Duration,
    /// Told what happens meanwhile.
    pub reporter: Arc<dyn Reporter>,
    /// Told when the database has taken rows of a job.
    pub ready: Ready,
}

/// Tells a worker that the database takes rows, and the reporter all that happens. A run that could be opened shows
/// less: the server may be full, or the role may lack a right.
struct Watch {
    reporter: Arc<dyn Reporter>,
    ready: Ready,
    since: Instant,
}

impl Reporter for Watch {
    fn report(&self, tenant: &TenantId, event: &SyncEvent<'_>) {
        if matches!(event, SyncEvent::RowsWritten { .. }) {
            self.ready.tell(self.since);
        }
        self.reporter.report(tenant, event);
    }
}

impl TenantSync {
    /// Syncs the job's tenant.
    pub async fn run(self, job: Job, stop: CancellationToken) -> Outcome {
        let span = tracing::info_span!("job", job.id = %job.id, tenant.id = %job.tenant_id);
        let since = Instant::now();
        async move {
            let request = SyncRequest {
                tenant: job.tenant_id.clone(),
                kinds: job.kinds,
                trigger: "worker",
                job_id: Some(job.id),
                script_content: self.script_content,
                dry_run: false,
                wait: false,
            };
            let source = Source::Graph(Box::new(self.graph));
            let reporter = Arc::new(Watch { reporter: self.reporter, ready: self.ready, since });
            let synced = Box::pin(sync::run(request, source, &self.store, reporter, stop, self.longest)).await;
            metrics::count_sync(&synced.report);
            outcome(synced, self.store).await
        }
        .instrument(span)
        .await
    }
}

async fn outcome(synced: Synced, store: Store) -> Outcome {
    let Some(error) = synced.error else { return of_report(&synced.report) };
    match error {
        SyncError::Store(StoreError::Locked { .. }) => Outcome::Busy { reason: error.to_string() },
        SyncError::Store(failed) => match why_not_ready(failed, store).await {
            Ok(error) => Outcome::NotReady { error },
            Err(failed) => failure(&failed, Retry::After(Duration::ZERO)),
        },
        SyncError::SignIn(refused) => {
            let retry = if refused.is_passing() { Retry::After(Duration::ZERO) } else { Retry::Never };
            let mut causes = causes(&refused);
            causes.push(refused.hint());
            Outcome::Failed { error: refused.to_string(), causes, retry }
        }
        SyncError::Interrupted => Outcome::Stopped,
        SyncError::UnknownKind(_) | SyncError::TenantName { .. } => failure(&error, Retry::Never),
        SyncError::Timeout { .. } | SyncError::Panicked(_) => failure(&error, Retry::After(Duration::ZERO)),
    }
}

/// Why no job can use the database; the error itself where others might.
async fn why_not_ready(failed: StoreError, store: Store) -> Result<String, StoreError> {
    if failed.is_about_database() {
        return Ok(failed.to_string());
    }
    // what it says may be in any language: the database itself tells more
    let opening = tokio::task::spawn_blocking(move || store.open_read_only().map(drop));
    match tokio::time::timeout(PATIENCE, opening).await {
        Ok(Ok(Err(error))) if error.is_about_database() => Ok(error.to_string()),
        Err(_) => Ok(failed.to_string()),
        _ => Err(failed),
    }
}

fn failure(error: &(dyn std::error::Error + 'static), retry: Retry) -> Outcome {
    Outcome::Failed { error: error.to_string(), causes: causes(error), retry }
}

fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    std::iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string).collect()
}

/// A run that ended in order: done, unless a kind failed by what may pass.
fn of_report(report: &TenantReport) -> Outcome {
    let errors = || report.kinds.iter().filter_map(|kind| kind.error.as_ref()).chain(&report.error);
    let passing: Vec<_> = errors().filter(|error| may_pass(error)).collect();
    let told = || {
        let mut told: Vec<_> = errors().map(|error| error.message.clone()).collect();
        told.extend(errors().filter_map(|error| error.hint.clone()));
        told.dedup();
        told
    };
    match report.status {
        Status::Interrupted => Outcome::Stopped,
        Status::Partial | Status::Failed if !passing.is_empty() => Outcome::Failed {
            error: passing[0].message.clone(),
            causes: told(),
            retry: Retry::After(passing.iter().filter_map(|error| error.retry_after).max().unwrap_or_default()),
        },
        Status::Failed => Outcome::Failed {
            error: errors().next().map_or_else(|| "nothing could be read".to_owned(), |error| error.message.clone()),
            causes: told(),
            retry: Retry::Never,
        },
        Status::Succeeded | Status::Partial | Status::Skipped => {
            warn_of_kinds(report);
            Outcome::Done { settings: report.totals.settings }
        }
    }
}

/// What a job that is done has not done: another attempt would not help, an administrator of the tenant does.
fn warn_of_kinds(report: &TenantReport) {
    // what the tenant has no licence for is no failure
    for kind in report.kinds.iter().filter(|kind| kind.status != Status::Skipped) {
        let Some(error) = &kind.error else { continue };
        tracing::warn!(
            tenant.id = %report.tenant_id,
            policy.kind = kind.kind,
            code = error.code,
            hint = error.hint,
            request.id = error.request_id,
            "{}",
            error.message
        );
    }
}

/// Whether another attempt may find it gone.
fn may_pass(error: &ErrorReport) -> bool {
    matches!(error.code, "throttled" | "network" | "timeout" | "bad_response" | "database")
}
