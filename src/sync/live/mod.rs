//! A tenant in Microsoft Graph as a source: its kinds side by side, each a task of its own.

mod definitions;
mod details;
mod names;
mod people;

use std::{
    collections::{HashMap, HashSet},
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
    prepare::{Absent, Content, Context, Outcome, Prepared},
    stop::Stop,
};
use crate::{
    auth::{AuthError, Credential, CredentialSource, Endpoints, resolve_tenant},
    events::{Reporter, SyncEvent},
    graph::{Client, GraphError, Meter, Options, RawItem, segment},
    json,
    policy::{PolicyDocument, TenantId},
    registry::{Details, Endpoint, POLICY_KINDS, PolicyKind},
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
/// Bytes of policies that are flattened together, about.
const BYTES_TOGETHER: usize = 1 << 20;

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
    meters: HashMap<&'static str, (Arc<Meter>, Instant)>,
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
        let meters = kinds.iter().map(|kind| (kind.slug(), (Meter::new(), Instant::now()))).collect();
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
            let meter = self.meters[kind.slug()].0.clone();
            let waits = tell_waits(meter.clone(), self.tenant.clone(), Arc::downgrade(reporter));
            tokio::spawn(waits.in_current_span());
            let client = self.client.with_meter(meter);
            let outlet = Outlet { kind, sender: sender.clone(), names: names.clone() };
            let (turns, reporter, tenant) = (turns.clone(), reporter.clone(), self.tenant.clone());
            let reading = async move {
                let Ok(_turn) = turns.acquire().await else { return };
                reporter.report(&tenant, &SyncEvent::KindStarted { kind: kind.slug() });
                let (failure, absent) = match read_kind(&client, &outlet).await {
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
    /// show may be there. They are of no collection that is `absent`, which has nothing to say of them.
    pub(super) async fn confirmed_gone(
        &self,
        kind: &PolicyKind,
        absent: &[Absent],
        mut ids: Vec<String>,
    ) -> Vec<String> {
        let client = self.client.with_meter(self.meters[kind.slug()].0.clone());
        for endpoint in kind.endpoints.iter().filter(|endpoint| absent.iter().all(|it| it.path != endpoint.path)) {
            if ids.is_empty() || endpoint.details == Details::Singleton {
                return Vec::new();
            }
            let paths = ids.iter().map(|id| format!("{}/{}?$select=id", endpoint.path, segment(id))).collect();
            let answers = client.batch(paths).await;
            let gone = answers.into_iter().map(|answer| matches!(answer, Err(GraphError::NotFound { .. })));
            ids = ids.into_iter().zip(gone).filter_map(|(id, gone)| gone.then_some(id)).collect();
        }
        ids
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
        if let Some((meter, _)) = self.meters.get(report.kind) {
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

/// Reads a kind to the end of its lists, and tells of those that are not there. A list that fails costs itself: the
/// others are read all the same.
async fn read_kind(client: &Client, outlet: &Outlet) -> Result<Vec<Absent>, GraphError> {
    let (mut failed, mut absent, mut any) = (None, Vec::new(), false);
    for endpoint in outlet.kind.endpoints {
        let read = if endpoint.details == Details::Singleton {
            read_singleton(client, endpoint, outlet).await.map(|()| List::Read)
        } else {
            read_list(client, endpoint, outlet).await
        };
        match read {
            Ok(List::Read) => any = true,
            Ok(List::Absent(error)) => {
                tracing::info!(%error, policy.kind = outlet.kind.slug(), "there is no `{}`", endpoint.path);
                absent.push((endpoint, error));
            }
            Err(error @ (GraphError::Cancelled | GraphError::SignIn(_))) => return Err(error),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    // a kind of which no collection is there has failed
    if let Some((_, error)) = absent.pop_if(|_| !any) {
        return Err(error);
    }
    Ok(absent.into_iter().map(|(endpoint, error)| not_listed(outlet.kind, endpoint, &error)).collect())
}

/// How a list was read.
enum List {
    /// To its end.
    Read,
    /// Graph has answered its first page as if this tenant did not have the collection.
    Absent(GraphError),
}

/// What the summary tells where policies may be of a collection that is not there.
fn not_listed(kind: &PolicyKind, endpoint: &Endpoint, error: &GraphError) -> Absent {
    let path = endpoint.path;
    let message = format!("failed to list `{path}`, policies that may be of it keep their rows: {error}");
    Absent { path, error: ErrorReport { message, ..failure(kind, error) } }
}

async fn read_list(client: &Client, endpoint: &'static Endpoint, outlet: &Outlet) -> Result<List, GraphError> {
    let mut queries = endpoint.queries.iter().peekable();
    while let Some(query) = queries.next() {
        let path = if query.is_empty() { endpoint.path.to_owned() } else { format!("{}?{query}", endpoint.path) };
        let completed = client
            .pages(&path)
            .map(|page| async move { outlet.named(details::completed(client, endpoint, page?).await).await })
            .buffered(pages_at_once(endpoint));
        let mut completed = std::pin::pin!(completed);
        let (mut first, mut gone) = (true, Vec::new());
        loop {
            match completed.next().await {
                Some(Ok(mut page)) => {
                    gone.append(&mut page.gone);
                    outlet.hand_over(page).await?;
                }
                // an `$expand` that this service does not know: the next query asks for less, and details fill in
                Some(Err(GraphError::Status { status: 400, .. })) if first && queries.peek().is_some() => break,
                Some(Err(
                    error @ (GraphError::NotFound { .. }
                    | GraphError::NotLicensed { .. }
                    | GraphError::Status { status: 400, .. }),
                )) if first => return Ok(List::Absent(error)),
                Some(Err(error)) => return Err(error),
                None => {
                    let read = still_listed(client, endpoint, gone).await?;
                    outlet.hand_over(outlet.named(read).await?).await?;
                    return Ok(List::Read);
                }
            }
            first = false;
        }
    }
    Ok(List::Read)
}

/// Those that Graph did not find although they were listed, and lists still. The others were deleted meanwhile.
async fn still_listed(client: &Client, endpoint: &Endpoint, gone: Vec<Gone>) -> Result<Vec<Read>, GraphError> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let items = match client.list(&format!("{}?$select=id", endpoint.path)).await {
        Err(error @ (GraphError::Cancelled | GraphError::SignIn(_))) => return Err(error),
        listed => listed.ok(),
    };
    let id = |item: &RawItem| json::text(&json::properties(item.get()).ok()?, "id");
    let ids = items.map(|items| items.iter().filter_map(id).collect::<HashSet<_>>());
    // a list that cannot be read again says nothing of them
    let is_listed = |gone: &Gone| ids.as_ref().is_none_or(|ids| ids.contains(gone.id.as_str()));
    Ok(gone.into_iter().filter(is_listed).map(Gone::still_listed).collect())
}

/// Pages whose details and names are read at once, while the next is listed. Those that are complete by themselves are
/// large, and take the longest to come.
fn pages_at_once(endpoint: &Endpoint) -> usize {
    match endpoint.details {
        Details::Settings => 4,
        Details::DefinitionValues | Details::Item(_) => 2,
        Details::None | Details::Singleton => 1,
    }
}

async fn read_singleton(client: &Client, endpoint: &Endpoint, outlet: &Outlet) -> Result<(), GraphError> {
    let kind = outlet.kind;
    let query = endpoint.queries.first().copied().unwrap_or_default();
    let json = client.get(&format!("{}?{query}", endpoint.path)).await?;
    if let Some(left_out) = left_out(&json, query) {
        return Err(GraphError::bad_response(format!("an answer without `{left_out}`, which was asked for")));
    }
    let id = crate::policy::PolicyId::new(kind.slug());
    let document = PolicyDocument { id, name: Some(kind.title.to_owned()), file: None, json };
    outlet.hand_over(outlet.named(vec![Read::Policy(document)]).await?).await
}

/// What a query selects and an object does not hold: taken for the policy, it would replace its rows by none.
fn left_out<'q>(object: &[u8], query: &'q str) -> Option<&'q str> {
    let properties = json::properties(std::str::from_utf8(object).ok()?).ok()?;
    let mut selected = query.strip_prefix("$select=")?.split(',');
    selected.find(|name| properties.get(*name).is_none_or(|value| value.get() == "null"))
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
                Read::Failed { error: GraphError::Cancelled, .. } => return Err(GraphError::Cancelled),
                Read::Failed { error: error @ GraphError::SignIn(_), .. } => return Err(error),
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
        // a page may hold a thousand policies: only so many of them are flattened at a time
        let mut arrivals = vec![Arrival::Outcomes(page.outcomes)];
        let (mut portion, mut bytes) = (Vec::new(), 0);
        for document in page.documents {
            bytes += document.json.len();
            portion.push(document);
            if bytes >= BYTES_TOGETHER {
                arrivals.push(Arrival::Documents(self.kind, std::mem::take(&mut portion)));
                bytes = 0;
            }
        }
        arrivals.push(Arrival::Documents(self.kind, portion));
        for arrival in arrivals {
            self.sender.send(arrival).await.map_err(|_| GraphError::Cancelled)?;
        }
        Ok(())
    }
}

/// What the summary tells of a kind that failed.
fn failure(kind: &PolicyKind, error: &GraphError) -> ErrorReport {
    let hint = match error {
        GraphError::Forbidden { .. } => {
            Some(format!("grant the app the application permission `{}` and admin consent", kind.permission))
        }
        GraphError::SignIn(error) => Some(error.hint()),
        _ => None,
    };
    ErrorReport {
        code: error.code(),
        message: match error {
            GraphError::SignIn(error) => error.to_string(),
            error => format!("failed to list `{}` policies: {error}", kind.slug()),
        },
        hint,
        request_id: error.request_id().map(str::to_owned),
        retry_after: error.retry_after(),
    }
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
