//! The pipeline: a source's policies, flattened side by side, through a bounded channel to one writer.

mod folder;
mod prepare;
mod writer;

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt as _};
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{
    events::{Reporter, SyncEvent},
    fixtures::Folder,
    policy::SyncRequest,
    registry::{self, PolicyKind},
    report::{ErrorReport, Status, TenantReport, Totals, now},
    store::{Run, RunRow, Session, Store, StoreError},
};
use prepare::{Context, Outcome};
use writer::{State, Writer};

/// Prepared pages that wait for the writer.
const PAGES_WAITING: usize = 2;

/// Where policies come from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// Exported policies on disk.
    Folder(Folder),
}

/// Why a tenant's sync ended before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bug: the thread that flattened or wrote has panicked.
    #[error("an internal error stopped the sync: {0}")]
    Panicked(#[from] tokio::task::JoinError),
    /// It took longer than it may.
    #[error("the sync did not end within {}", humantime::format_duration(*.longest))]
    Timeout {
        /// What it was allowed.
        longest: Duration,
    },
    /// A kind that is in no row of the registry.
    #[error(transparent)]
    UnknownKind(#[from] registry::UnknownKind),
}

impl SyncError {
    fn report(&self) -> ErrorReport {
        let code = match self {
            Self::Store(StoreError::Locked { .. }) => "locked",
            Self::Store(_) => "database",
            Self::Timeout { .. } => "timeout",
            Self::Panicked(_) | Self::UnknownKind(_) => "bad_response",
        };
        ErrorReport { code, message: self.to_string(), hint: None, request_id: None }
    }
}

/// What a tenant's sync came to: its summary always, and the error that ended it early.
#[derive(Debug)]
pub struct Synced {
    /// The summary.
    pub report: TenantReport,
    /// Why it ended early.
    pub error: Option<SyncError>,
}

/// Syncs one tenant. Never fails as a whole: what went wrong stands in the summary, too.
pub async fn run(
    request: SyncRequest,
    source: Source,
    store: &Store,
    reporter: Arc<dyn Reporter>,
    stop: CancellationToken,
    longest: Duration,
) -> Synced {
    let started = Instant::now();
    let stop = Stop::new(stop, longest);
    let started_at = now();
    reporter.report(&request.tenant, &SyncEvent::TenantStarted);
    let mut report = TenantReport {
        tenant_id: request.tenant.clone(),
        tenant_name: None,
        run_id: uuid::Uuid::now_v7().to_string(),
        status: Status::Failed,
        started_at,
        finished_at: started_at,
        duration_ms: 0,
        kinds: Vec::new(),
        totals: Totals::default(),
        error: None,
        problems: Vec::new(),
        more_problems: 0,
    };
    let ended = sync(&request, source, store, reporter, &stop, &mut report, started).await;
    if let Err(error) = &ended {
        report.error = Some(error.report());
        close(&mut report, started);
    }
    Synced { report, error: ended.err() }
}

async fn sync(
    request: &SyncRequest,
    source: Source,
    store: &Store,
    reporter: Arc<dyn Reporter>,
    stop: &Stop,
    report: &mut TenantReport,
    started: Instant,
) -> Result<(), SyncError> {
    let asked = asked_kinds(request)?;
    let opened = open(store, request, report, reporter.clone(), stop.token.clone()).await?;
    let run = Run {
        id: report.run_id.clone(),
        tenant: request.tenant.clone(),
        started_at: report.started_at,
        recorded: opened.recorded,
        dry: request.dry_run,
    };
    let outcomes = match source {
        Source::Folder(folder) => folder::outcomes(folder, asked.clone(), opened.context),
    };
    let writer = Writer::new(opened.session, run, true);
    let (mut writer, ended) = pump(Box::pin(outcomes), writer, reporter, &stop.token).await?;
    // a run that failed or was stopped is closed with what it had come to
    let mut finished = ended.map_err(SyncError::from);
    if finished.is_ok() && stop.timed_out() {
        finished = Err(SyncError::Timeout { longest: stop.longest });
    }
    if finished.is_ok() && !stop.token.is_cancelled() {
        end_folder_kinds(&mut writer.state, asked.as_deref());
        writer = spawn_blocking(move || writer.remove_vanished()).await??;
    }
    let interrupted = stop.token.is_cancelled() && finished.is_ok();
    let error = finished.as_ref().err().map(SyncError::report);
    let trigger = (request.trigger, request.job_id.clone());
    let mut summary = report.clone();
    let closed = spawn_blocking(move || {
        let closed = writer.close(&mut summary, error, interrupted, started, &trigger);
        (summary, closed)
    })
    .await?;
    *report = closed.0;
    finished?;
    Ok(closed.1?)
}

/// What ends a run early: its user, or its time.
struct Stop {
    token: CancellationToken,
    longest: Duration,
    deadline: Instant,
    _timer: tokio_util::sync::DropGuard,
}

impl Stop {
    fn new(user: CancellationToken, longest: Duration) -> Self {
        let token = user.child_token();
        let ended = CancellationToken::new();
        let (cancelled, over) = (token.clone(), ended.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(longest) => cancelled.cancel(),
                () = over.cancelled() => (),
            }
        });
        Self { token, longest, deadline: Instant::now() + longest, _timer: ended.drop_guard() }
    }

    fn timed_out(&self) -> bool {
        self.token.is_cancelled() && Instant::now() >= self.deadline
    }
}

/// The kinds of the registry that were asked for by name.
fn asked_kinds(request: &SyncRequest) -> Result<Option<Vec<&'static PolicyKind>>, SyncError> {
    let Some(slugs) = &request.kinds else { return Ok(None) };
    Ok(Some(slugs.iter().map(|slug| registry::by_slug(slug)).collect::<Result<_, _>>()?))
}

struct Opened {
    session: Option<Session>,
    context: Arc<Context>,
    recorded: HashSet<String>,
}

/// Opens the database, takes the tenant's lock, opens the run, and reads what is stored.
async fn open(
    store: &Store,
    request: &SyncRequest,
    report: &TenantReport,
    reporter: Arc<dyn Reporter>,
    stop: CancellationToken,
) -> Result<Opened, SyncError> {
    let (store, request) = (store.clone(), request.clone());
    let row = RunRow {
        status: "running".to_owned(),
        finished_at: None,
        duration_ms: None,
        ..report.row(request.trigger, request.job_id.as_deref())
    };
    let domain = report.tenant_name.clone();
    spawn_blocking(move || {
        let mut session = if request.dry_run {
            match store.open_read_only() {
                Ok(session) => session,
                // nothing is made by a dry run: without a database everything is new
                Err(StoreError::Missing { .. } | StoreError::NotMigrated { .. }) => {
                    return Ok(Opened { session: None, context: Arc::default(), recorded: HashSet::new() });
                }
                Err(error) => return Err(error.into()),
            }
        } else {
            let mut session = store.open()?;
            let mut told = false;
            session.lock(&request.tenant, || {
                if request.wait && !std::mem::replace(&mut told, true) {
                    reporter.report(&request.tenant, &SyncEvent::WaitingForLock);
                }
                request.wait && !stop.is_cancelled()
            })?;
            session.begin(&row, domain.as_deref())?;
            session
        };
        let known = session.known(&request.tenant)?;
        let recorded = session.recorded_kinds(&request.tenant)?.into_iter().collect();
        let context = Arc::new(Context { known, ..Context::default() });
        Ok(Opened { session: Some(session), context, recorded })
    })
    .await?
}

/// Runs the source against the writer, until one of them ends.
async fn pump(
    mut outcomes: std::pin::Pin<Box<dyn Stream<Item = Result<Vec<Outcome>, tokio::task::JoinError>> + Send>>,
    mut writer: Writer,
    reporter: Arc<dyn Reporter>,
    stop: &CancellationToken,
) -> Result<(Writer, Result<(), StoreError>), SyncError> {
    let (sender, mut receiver) = mpsc::channel(PAGES_WAITING);
    let stopped = stop.clone();
    let writing = spawn_blocking(move || {
        writer.reporter = reporter;
        let ended = writer.take_all(&mut receiver, &stopped);
        (writer, ended)
    });
    let mut panicked = None;
    loop {
        let next = tokio::select! {
            next = outcomes.next() => next,
            () = stop.cancelled() => None,
        };
        match next {
            // the writer hangs up when the database fails
            Some(Ok(arrived)) => {
                if sender.send(arrived).await.is_err() {
                    break;
                }
            }
            Some(Err(error)) => {
                panicked = Some(error);
                break;
            }
            None => break,
        }
    }
    drop(sender);
    let written = writing.await?;
    match panicked {
        Some(error) => Err(error.into()),
        None => Ok(written),
    }
}

/// A folder's kinds are read to their end, unless something in it could not even be told a kind.
fn end_folder_kinds(state: &mut State, asked: Option<&[&'static PolicyKind]>) {
    for kind in asked.into_iter().flatten() {
        state.kind(kind.slug());
    }
    let listed = !state.lost_unknown;
    state.kinds.values_mut().for_each(|kind| kind.listed = listed);
}

fn close(report: &mut TenantReport, started: Instant) {
    report.finished_at = now().max(report.started_at);
    report.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
}

impl Writer {
    fn new(session: Option<Session>, run: Run, names_duplicates: bool) -> Self {
        Self { session, run, reporter: Arc::new(crate::events::Silent), names_duplicates, state: State::default() }
    }

    /// Takes away the policies that a complete listing did not show.
    fn remove_vanished(mut self) -> Result<Self, StoreError> {
        let listed: Vec<_> = self.state.kinds.values().filter(|kind| kind.listed).map(|kind| kind.kind).collect();
        if let Some(session) = &mut self.session {
            for kind in listed {
                let gone = session.vanished(&self.run.tenant, kind, &self.state.seen)?;
                let tally = session.remove(&self.run, &gone)?;
                self.state.kind(kind).add(tally);
            }
        }
        Ok(self)
    }

    /// Completes the summary and writes it down.
    fn close(
        mut self,
        report: &mut TenantReport,
        error: Option<ErrorReport>,
        interrupted: bool,
        started: Instant,
        trigger: &(&'static str, Option<String>),
    ) -> Result<(), StoreError> {
        let stored = match &mut self.session {
            Some(session) if error.is_none() && !self.run.dry => session.totals(&self.run.tenant)?,
            _ => Vec::new(),
        };
        for (kind, settings) in stored {
            if let Some(kind) = self.state.kinds.values_mut().find(|report| report.kind == kind) {
                kind.policies += 1;
                kind.settings += u64::try_from(settings).unwrap_or_default();
            }
        }
        for kind in self.state.kinds.values_mut() {
            if kind.status == Status::Succeeded && kind.incomplete > 0 {
                kind.status = Status::Partial;
            }
        }
        report.kinds = self.state.in_order();
        report.totals = Totals::of(&report.kinds);
        report.problems = self.state.problems;
        report.more_problems = self.state.more_problems;
        report.status = match error {
            _ if interrupted => Status::Interrupted,
            Some(_) => Status::Failed,
            None => TenantReport::judged(&report.kinds, self.state.any_loss),
        };
        report.error = error;
        close(report, started);
        match &mut self.session {
            Some(session) if !self.run.dry => {
                session.finish(&report.row(trigger.0, trigger.1.as_deref()), &report.kind_rows())
            }
            _ => Ok(()),
        }
    }
}
