//! A tenant in Microsoft Graph as a source: its kinds side by side, each a task of its own.

mod definitions;
mod details;
mod lists;
mod names;
mod people;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{Stream, StreamExt as _, stream};
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinError, spawn_blocking},
};
use tracing::Instrument as _;

use super::{
    prepare::{Absent, Content, Context, Outcome, Prepared, portions},
    stop::Stop,
};
use crate::{
    auth::{AuthError, Credential, CredentialSource, Endpoints, resolve_tenant},
    events::{Reporter, SyncEvent},
    graph::{Client, GraphError, Meter, Options, segment},
    policy::{PolicyDocument, TenantId},
    registry::{Details, POLICY_KINDS, PolicyKind},
    report::{ErrorReport, KindReport, Problem, TenantReport},
};
use details::{Gone, Read};
use names::Names;

/// Kinds that are read at once: more would only wait for each other.
const KINDS_AT_ONCE: usize = 8;
/// Portions of pages that wait to be flattened.
const PAGES_WAITING: usize = 2;
/// What part of a sync's time that is left each sort of names may take: policies come first.
const NAMES_SHARE: u32 = 4;

/// How to reach tenants: shared by all of them.
#[derive(Debug, Clone)]
pub struct Graph {
    /// One pool of connections for sign-in and Graph.
    pub http: reqwest::Client,
    /// The cloud's hosts.
    pub endpoints: Endpoints,
    /// Who signs in.
    pub credentials: CredentialSource,
    /// Pace and patience; each run cancels by itself.
    pub options: Options,
}

impl Graph {
    /// A tenant's id, and the domain it was asked for by.
    pub async fn resolve(&self, tenant: &str) -> Result<(TenantId, Option<String>), AuthError> {
        resolve_tenant(&self.http, &self.endpoints, tenant).await
    }
}

/// One tenant's client, and what each kind has cost.
pub(super) struct Live {
    client: Client,
    credential: Arc<Credential>,
    kinds: Vec<&'static PolicyKind>,
    meters: HashMap<&'static str, Arc<Meter>>,
    tenant: TenantId,
    names_at_most: Duration,
    names: Option<Arc<Names>>,
}

/// What a kind's task hands over.
enum Arrival {
    Documents(&'static PolicyKind, Vec<PolicyDocument>),
    Outcomes(Vec<Outcome>),
}

impl Live {
    /// Kinds that are not asked for by name are the registry's default ones.
    pub(super) fn new(graph: &Graph, tenant: &TenantId, asked: Option<&[&'static PolicyKind]>, stop: &Stop) -> Self {
        let source = graph.credentials.clone();
        let credential = Arc::new(Credential::new(graph.http.clone(), graph.endpoints.clone(), tenant.clone(), source));
        let options = Options { cancel: stop.token.clone(), ..graph.options.clone() };
        let client = Client::new(graph.http.clone(), graph.endpoints.graph().clone(), credential.clone(), options);
        let kinds: Vec<_> = match asked {
            Some(asked) => asked.to_vec(),
            None => POLICY_KINDS.iter().filter(|kind| kind.default).collect(),
        };
        let meters = kinds.iter().map(|kind| (kind.slug(), Meter::new())).collect();
        let names_at_most = stop.left() / NAMES_SHARE;
        Self { client, credential, kinds, meters, tenant: tenant.clone(), names_at_most, names: None }
    }

    /// Signs in, so that a refusal is told once and before anything else is done.
    pub(super) async fn sign_in(&self) -> Result<(), AuthError> {
        self.credential.token().await.map(drop)
    }

    /// Everything of the tenant's kinds; each ends with [`Outcome::KindEnded`].
    pub(super) fn outcomes(
        &mut self,
        context: Arc<Context>,
        reporter: &Arc<dyn Reporter>,
    ) -> impl Stream<Item = Result<Vec<Outcome>, JoinError>> + use<> {
        let (sender, receiver) = mpsc::channel(PAGES_WAITING);
        let turns = Arc::new(Semaphore::new(KINDS_AT_ONCE));
        let names = Names::new(&self.client, &context, &self.tenant, reporter, self.names_at_most);
        let names = self.names.insert(Arc::new(names)).clone();
        for meter in names.meters() {
            let waits = tell_waits(meter.clone(), self.tenant.clone(), Arc::downgrade(reporter));
            tokio::spawn(waits.in_current_span());
        }
        for &kind in &self.kinds {
            let meter = self.meters[kind.slug()].clone();
            let waits = tell_waits(meter.clone(), self.tenant.clone(), Arc::downgrade(reporter));
            tokio::spawn(waits.in_current_span());
            let client = self.client.with_meter(meter);
            let outlet = Outlet { kind, sender: sender.clone(), names: names.clone() };
            let (turns, reporter, tenant) = (turns.clone(), reporter.clone(), self.tenant.clone());
            let reading = async move {
                let Ok(_turn) = turns.acquire().await else { return };
                reporter.report(&tenant, &SyncEvent::KindStarted { kind: kind.slug() });
                let (failure, absent) = match lists::read_kind(&client, &outlet).await {
                    Ok(absent) => (None, absent),
                    Err(error) => (Some(failure(kind, &error)), Vec::new()),
                };
                let ended = Outcome::KindEnded { kind: kind.slug(), failure, absent };
                // a writer that has hung up needs no end
                let _ = outlet.sender.send(Arrival::Outcomes(vec![ended])).await;
            };
            tokio::spawn(reading.in_current_span());
        }
        let at_once = std::thread::available_parallelism().map_or(2, usize::from);
        let arrivals = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
        arrivals
            .map(move |arrival| {
                let context = context.clone();
                spawn_blocking(move || match arrival {
                    Arrival::Documents(kind, documents) => {
                        documents.into_iter().map(|document| context.prepare(kind, document)).collect()
                    }
                    Arrival::Outcomes(outcomes) => outcomes,
                })
            })
            .buffered(at_once)
    }

    /// Those of the ids that Graph answers 404 for: paging is no snapshot, and a policy that a listing did not
    /// show may be there. They are of no collection that is `absent`, which has nothing to say of them. Beside them
    /// those of which Graph does not say whether they are there.
    pub(super) async fn confirmed_gone(
        &self,
        kind: &'static PolicyKind,
        absent: &[Absent],
        ids: Vec<String>,
    ) -> (Vec<String>, Vec<Problem>) {
        let mut open: Vec<(String, Option<GraphError>)> = ids.into_iter().map(|id| (id, None)).collect();
        let client = self.client.with_meter(self.meters[kind.slug()].clone());
        for endpoint in kind.endpoints.iter().filter(|endpoint| absent.iter().all(|it| it.path != endpoint.path)) {
            if open.is_empty() || endpoint.details == Details::Singleton {
                return (Vec::new(), Vec::new());
            }
            let paths = open.iter().map(|(id, _)| format!("{}/{}?$select=id", endpoint.path, segment(id))).collect();
            let answers = client.batch(paths).await;
            let left = open.into_iter().zip(answers).filter_map(|((id, unknown), answer)| match answer {
                Ok(_) => None,
                Err(GraphError::NotFound { .. }) => Some((id, unknown)),
                Err(error) => Some((id, unknown.or(Some(error)))),
            });
            open = left.collect();
        }
        let (gone, unknown): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, unknown)| unknown.is_none());
        let told = unknown.into_iter().filter_map(|(id, error)| Some(not_confirmed(kind, id, &error?)));
        (gone.into_iter().map(|(id, _)| id).collect(), told.collect())
    }

    /// Kinds that the run was to read.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        self.kinds.iter().map(|kind| kind.slug())
    }

    /// Puts into a tenant's summary what names have cost, and what could not be read of them.
    pub(super) fn tell_of_names(&self, report: &mut TenantReport) {
        if let Some(names) = &self.names {
            names.tell(report);
        }
    }

    /// Puts into a kind's summary what it has cost.
    pub(super) fn count(&self, report: &mut KindReport) {
        if let Some(meter) = self.meters.get(report.kind) {
            report.requests = meter.requests();
            report.throttled = meter.throttled();
            report.waited_ms = meter.waited_ms();
        }
    }
}

/// Where a kind's policies go.
struct Outlet {
    kind: &'static PolicyKind,
    sender: mpsc::Sender<Arrival>,
    names: Arc<Names>,
}

/// What is to be flattened of a page, and what is known of the rest.
#[derive(Default)]
struct Page {
    documents: Vec<PolicyDocument>,
    outcomes: Vec<Outcome>,
    gone: Vec<Gone>,
}

impl Outlet {
    /// A page for which names were asked, as far as they may be had.
    async fn named(&self, read: Vec<Read>) -> Result<Page, GraphError> {
        let kind = self.kind;
        let mut page = Page::default();
        for read in read {
            match read {
                Read::Policy(document) => page.documents.push(document),
                Read::Failed { error, .. } if error.ends_run() => return Err(error),
                Read::Failed { id, name, error } => {
                    let content = Content::Unreadable { code: error.code(), message: error.to_string() };
                    let prepared = Prepared { kind: kind.slug(), id, name, file: None, content };
                    page.outcomes.push(Outcome::Policy(Box::new(prepared)));
                }
                Read::NoPolicy { reason } => page.outcomes.push(Outcome::Problem(Problem {
                    code: "bad_response",
                    kind: Some(kind.slug()),
                    policy: String::new(),
                    policy_name: None,
                    file: None,
                    message: reason,
                })),
                Read::Gone(gone) => page.gone.push(gone),
            }
        }
        self.names.learn(kind, &page.documents).await;
        Ok(page)
    }

    /// Sends what was read on; a writer that has hung up ends the kind.
    async fn hand_over(&self, page: Page) -> Result<(), GraphError> {
        let portions = portions(page.documents, |document| document.json.len());
        let documents = portions.into_iter().map(|documents| Arrival::Documents(self.kind, documents));
        for arrival in std::iter::once(Arrival::Outcomes(page.outcomes)).chain(documents) {
            self.sender.send(arrival).await.map_err(|_| GraphError::Cancelled)?;
        }
        Ok(())
    }
}

/// What the summary tells of a policy that no list shows, where Graph does not say that it is gone.
fn not_confirmed(kind: &PolicyKind, id: String, error: &GraphError) -> Problem {
    Problem {
        code: error.code(),
        kind: Some(kind.slug()),
        policy: id,
        policy_name: None,
        file: None,
        message: format!("no list shows it, and whether it is gone Graph does not say: {error}"),
    }
}

/// What the summary tells of a kind that failed.
fn failure(kind: &PolicyKind, error: &GraphError) -> ErrorReport {
    let message = match error {
        GraphError::SignIn(error) => error.to_string(),
        error => format!("failed to list `{}` policies: {error}", kind.slug()),
    };
    error_report(message, error, kind.permission)
}

/// What the summary tells of an error of Graph; `permission` is what the app lacks where it is refused.
fn error_report(message: String, error: &GraphError, permission: &str) -> ErrorReport {
    let hint = match error {
        GraphError::Forbidden { .. } => {
            Some(format!("grant the app the application permission `{permission}` and admin consent"))
        }
        GraphError::SignIn(error) => Some(error.hint()),
        _ => None,
    };
    let request_id = error.request_id().map(str::to_owned);
    ErrorReport { code: error.code(), message, hint, request_id, retry_after: error.retry_after() }
}

/// Tells each wait once, until the run and with it the reporter is gone.
async fn tell_waits(meter: Arc<Meter>, tenant: TenantId, reporter: std::sync::Weak<dyn Reporter>) {
    let mut waits = meter.subscribe();
    drop(meter);
    while waits.changed().await.is_ok() {
        let until = *waits.borrow_and_update();
        let Some(reporter) = reporter.upgrade() else { return };
        let wait = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        reporter.report(&tenant, &SyncEvent::Throttled { wait });
    }
}
