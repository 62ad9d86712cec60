//! The pipeline: a source's policies, flattened side by side, through a bounded channel to one writer.

mod closing;
mod folder;
mod live;
mod names;
mod opening;
mod prepare;
mod scripts;
mod stop;
mod writer;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt as _};
use tokio::{
    sync::mpsc,
    task::{JoinError, spawn_blocking},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    auth::AuthError,
    events::{Reporter, SyncEvent},
    fixtures::Folder,
    policy::{MAX_TENANT_CHARS, SyncRequest},
    registry::{self, PolicyKind},
    report::{ErrorReport, Status, TenantReport},
    store::{Run, Store, StoreError},
};
pub use live::Graph;
use live::Live;
use prepare::{Absent, Outcome};
use stop::Stop;
use writer::{State, Writer};

/// Prepared pages that wait for the writer.
const PAGES_WAITING: usize = 2;

/// Where policies come from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// Exported policies on disk.
    Folder(Folder),
    /// The tenant itself.
    Graph(Box<Graph>),
}

/// Why a tenant's sync ended before its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Entra did not let the app in.
    #[error(transparent)]
    SignIn(#[from] AuthError),
    /// It took longer than it may.
    #[error("the sync did not end within {}", humantime::format_duration(*.longest))]
    Timeout {
        /// What it was allowed.
        longest: Duration,
    },
    /// Stopped by its user while there was no run to close. In a [`Synced`] the summary's status alone says it.
    #[error("the sync was stopped")]
    Interrupted,
    /// A bug: the thread that flattened or wrote has panicked.
    #[error("an internal error stopped the sync: {0}")]
    Panicked(#[from] JoinError),
    /// A name of a tenant that no index holds.
    #[error("the name of the tenant has {chars} characters: {MAX_TENANT_CHARS} are the most")]
    TenantName {
        /// What it has.
        chars: usize,
    },
    /// A kind that is in no row of the registry.
    #[error(transparent)]
    UnknownKind(#[from] registry::UnknownKind),
}

impl SyncError {
    fn report(&self) -> ErrorReport {
        let (code, hint, request_id) = match self {
            Self::Store(StoreError::Locked { .. }) => ("locked", None, None),
            Self::Store(_) => ("database", None, None),
            Self::SignIn(error) => (error.code(), Some(error.hint()), error.request_id()),
            Self::Timeout { .. } | Self::Interrupted => ("timeout", None, None),
            Self::Panicked(_) | Self::UnknownKind(_) | Self::TenantName { .. } => ("bad_response", None, None),
        };
        let request_id = request_id.map(str::to_owned);
        ErrorReport { code, message: self.to_string(), hint, request_id, retry_after: None }
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
///
/// From [`Source::Graph`], the request's tenant may be a domain. `longest` bounds the whole sync.
pub async fn run(
    mut request: SyncRequest,
    source: Source,
    store: &Store,
    reporter: Arc<dyn Reporter>,
    stop: CancellationToken,
    longest: Duration,
) -> Synced {
    let started = Instant::now();
    let stop = Stop::new(stop, longest);
    reporter.report(&request.tenant, &SyncEvent::TenantStarted);
    let mut report = TenantReport::new(request.tenant.clone());
    let span = tracing::info_span!("sync", tenant.id = %request.tenant, run.id = %report.run_id);
    let ended = sync(&mut request, source, store, reporter, &stop, &mut report, started).instrument(span).await;
    let Err(error) = ended else { return Synced { report, error: None } };
    report.close(started.elapsed());
    if matches!(error, SyncError::Interrupted) {
        report.status = Status::Interrupted;
        return Synced { report, error: None };
    }
    report.error = Some(error.report());
    Synced { report, error: Some(error) }
}

async fn sync(
    request: &mut SyncRequest,
    source: Source,
    store: &Store,
    reporter: Arc<dyn Reporter>,
    stop: &Stop,
    report: &mut TenantReport,
    started: Instant,
) -> Result<(), SyncError> {
    let asked = asked_kinds(request)?;
    let chars = request.tenant.as_str().chars().count();
    if chars > MAX_TENANT_CHARS {
        return Err(SyncError::TenantName { chars });
    }
    if let Source::Graph(graph) = &source {
        (request.tenant, report.tenant_name) = stop.bounds(graph.resolve(request.tenant.as_str())).await??;
        report.tenant_id = request.tenant.clone();
    }
    let opened = match opening::open(store, request, report, reporter.clone(), stop).await {
        Err(SyncError::Store(StoreError::Locked { .. })) if request.wait && stop.by_user() => return Err(stop.reason()),
        opened => opened?,
    };
    let run = Run {
        id: report.run_id.clone(),
        tenant: request.tenant.clone(),
        started_at: report.started_at,
        recorded: opened.recorded,
        dry: request.dry_run,
    };
    let firsts = matches!(source, Source::Folder(_)).then(HashMap::new);
    let mut writer =
        Writer { session: opened.session, run, reporter: reporter.clone(), firsts, started, state: State::default() };
    let mut ended = Ok(());
    let mut live = None;
    match source {
        Source::Folder(folder) => {
            let outcomes = Box::pin(folder::outcomes(folder, asked.clone(), opened.context));
            (writer, ended) = pump(outcomes, writer, stop).await?;
            if ended.is_ok() && !stop.token.is_cancelled() {
                writer.state.end_folder(asked.as_deref());
            }
        }
        Source::Graph(graph) => {
            let tenant = live.insert(Live::new(&graph, &request.tenant, asked.as_deref(), stop));
            match stop.bounds(tenant.sign_in()).await {
                Ok(Ok(())) => {
                    let outcomes = Box::pin(tenant.outcomes(opened.context, &reporter));
                    (writer, ended) = pump(outcomes, writer, stop).await?;
                    if ended.is_ok() && !stop.token.is_cancelled() {
                        writer.state.miss_none(tenant.kinds());
                    }
                }
                Ok(Err(refused)) => ended = Err(refused.into()),
                // as wherever the run is stopped
                Err(_) => {}
            }
        }
    }
    if ended.is_ok() && stop.timed_out() {
        ended = Err(SyncError::Timeout { longest: stop.longest });
        if let Some(live) = &live {
            writer.state.time_out(live.kinds(), stop.longest);
        }
    }
    if ended.is_ok() && !stop.token.is_cancelled() {
        (writer, ended) = remove_vanished(writer, live.as_ref(), stop).await?;
    }
    if let Some(live) = &live {
        writer.state.kinds.values_mut().for_each(|kind| live.count(kind));
        live.tell_of_names(report);
    }
    closing::close(writer, report, ended, stop, request, started).await
}

/// The kinds of the registry that were asked for by name.
fn asked_kinds(request: &SyncRequest) -> Result<Option<Vec<&'static PolicyKind>>, SyncError> {
    let Some(slugs) = &request.kinds else { return Ok(None) };
    Ok(Some(slugs.iter().map(|slug| registry::by_slug(slug)).collect::<Result<_, _>>()?))
}

/// Runs the source against the writer, until one of them ends. A run that failed still has its writer, to be
/// closed with what it had come to.
async fn pump(
    mut outcomes: Pin<Box<dyn Stream<Item = Result<Vec<Outcome>, JoinError>> + Send>>,
    mut writer: Writer,
    stop: &Stop,
) -> Result<(Writer, Result<(), SyncError>), SyncError> {
    let (sender, mut receiver) = mpsc::channel(PAGES_WAITING);
    let stopped = stop.token.clone();
    let writing = spawn_blocking(move || {
        let ended = writer.take_all(&mut receiver, &stopped);
        (writer, ended)
    });
    let mut panicked = None;
    loop {
        let next = tokio::select! {
            next = outcomes.next() => next,
            () = stop.token.cancelled() => None,
        };
        match next {
            // the writer hangs up when the database fails, and takes nothing while it is silent
            Some(Ok(arrived)) => {
                if !matches!(stop.bounds(sender.send(arrived)).await, Ok(Ok(()))) {
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
    let (writer, written) = stop.database(writing).await?;
    let ended = match panicked {
        Some(error) => Err(error.into()),
        None => written.map_err(SyncError::from),
    };
    Ok((writer, ended))
}

/// Takes away the policies that a complete listing did not show, and that Graph knows no longer.
async fn remove_vanished(
    mut writer: Writer,
    live: Option<&Live>,
    stop: &Stop,
) -> Result<(Writer, Result<(), SyncError>), SyncError> {
    let listed: Vec<_> = writer.state.kinds.values().filter(|kind| kind.listed).map(|kind| kind.kind).collect();
    if writer.state.lost_unknown {
        return Ok((writer, Ok(())));
    }
    for slug in listed {
        let kind = registry::by_slug(slug)?;
        let absent = writer.state.absent.remove(slug).unwrap_or_default();
        let vanished;
        let looking = spawn_blocking(move || {
            let vanished = writer.vanished(kind, &absent);
            (writer, vanished.map(|vanished| (vanished, absent)))
        });
        (writer, vanished) = stop.database(looking).await?;
        let (mut gone, absent) = match vanished {
            Ok(vanished) => vanished,
            Err(error) => return Ok((writer, Err(error.into()))),
        };
        let mut unknown = Vec::new();
        if let Some(live) = live
            && !gone.is_empty()
        {
            (gone, unknown) = live.confirmed_gone(kind, &absent, gone).await;
        }
        if stop.token.is_cancelled() {
            break;
        }
        for problem in unknown {
            writer.state.kind(slug).status = Status::Partial;
            writer.problem(problem);
        }
        if gone.is_empty() {
            continue;
        }
        let removed;
        let removing = spawn_blocking(move || {
            let removed = writer.remove(slug, &gone);
            (writer, removed)
        });
        (writer, removed) = stop.database(removing).await?;
        if let Err(error) = removed {
            return Ok((writer, Err(error.into())));
        }
    }
    Ok((writer, Ok(())))
}

impl Writer {
    /// Stored policies that no list has shown. Those that may be of a collection that was not there stay, and the
    /// kind tells of it.
    fn vanished(&mut self, kind: &PolicyKind, absent: &[Absent]) -> Result<Vec<String>, StoreError> {
        let Some(session) = &mut self.session else { return Ok(Vec::new()) };
        let mut vanished = Vec::new();
        for (id, graph_type) in session.vanished(&self.run.tenant, kind.slug(), &self.state.seen)? {
            match absent.iter().find(|absent| kind.may_list(absent.path, graph_type.as_deref())) {
                None => vanished.push(id),
                Some(absent) => {
                    let report = self.state.kind(kind.slug());
                    report.status = Status::Partial;
                    report.error.get_or_insert_with(|| absent.error.clone());
                }
            }
        }
        Ok(vanished)
    }

    fn remove(&mut self, kind: &'static str, gone: &[String]) -> Result<(), StoreError> {
        if let Some(session) = &mut self.session {
            let (tally, changes) = session.remove(&self.run, gone)?;
            self.state.kind(kind).add(tally);
            self.plan(changes);
        }
        Ok(())
    }
}
