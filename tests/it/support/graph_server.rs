//! Microsoft Graph and its sign-in on loopback, with real HTTP semantics and faults on demand. It answers in the shapes
//! and with the page sizes that Graph is known for, and insists on what Graph insists on: tokens, verbatim skip tokens.

#[path = "graph_server/collections.rs"]
mod collections;
#[path = "graph_server/faults.rs"]
mod faults;
#[path = "graph_server/folder.rs"]
mod folder;
#[path = "graph_server/odata.rs"]
mod odata;
#[path = "graph_server/reply.rs"]
mod reply;
#[path = "graph_server/sign_in.rs"]
mod sign_in;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    net::Ipv4Addr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::Method,
    response::Response,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use collections::Collection;
pub(crate) use faults::{Effect, Fault};
use reply::Reply;
pub(crate) use sign_in::{CLIENT_ID, CLIENT_SECRET, SignIn};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) in_batch: bool,
}

/// A running server; dropping it ends it.
pub(crate) struct GraphServer {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    url: String,
    world: Mutex<World>,
    issued: AtomicUsize,
}

/// Everything that a test states or asks.
#[derive(Default)]
struct World {
    /// By tenant, `*` for every tenant; then by collection.
    tenants: HashMap<String, BTreeMap<String, Arc<Collection>>>,
    objects: HashMap<String, Value>,
    domains: HashMap<String, String>,
    sign_ins: HashMap<String, SignIn>,
    tokens: HashMap<String, String>,
    faults: Vec<Fault>,
    requests: Vec<Recorded>,
    page_size: Option<usize>,
    latency: Duration,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GraphServer {
    /// Starts on a free port.
    pub(crate) async fn start() -> Self {
        Self::start_on(0).await.expect("a free port on loopback")
    }

    /// Starts on the given port.
    pub(crate) async fn start_on(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared { url: url.clone(), world: Mutex::default(), issued: AtomicUsize::new(0) });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, shared, task })
    }

    /// The URL for authority and Graph alike.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Adds policies that every tenant has.
    pub(crate) fn add(&self, collection: &str, policies: impl IntoIterator<Item = Value>) {
        self.add_for("*", collection, policies);
    }

    /// Adds policies of one tenant, which then has none of those for all.
    pub(crate) fn add_for(&self, tenant: &str, collection: &str, policies: impl IntoIterator<Item = Value>) {
        let mut world = self.shared.world();
        let collections = world.tenants.entry(tenant.to_owned()).or_default();
        Arc::make_mut(collections.entry(collection.to_owned()).or_default()).extend(collection, policies);
    }

    /// Takes a policy away, as an administrator does between list and detail.
    pub(crate) fn remove(&self, collection: &str, id: &str) {
        for collections in self.shared.world().tenants.values_mut() {
            if let Some(items) = collections.get_mut(collection) {
                Arc::make_mut(items).remove(id);
            }
        }
    }

    /// Serves one object at a path, such as `deviceManagement`.
    pub(crate) fn object(&self, path: &str, object: Value) {
        self.shared.world().objects.insert(path.to_owned(), object);
    }

    /// Adds the exported policies below a folder, and the groups that they are assigned to; gives how many policies
    /// there are. `collections` maps names of sub-folders to
    /// collections, for what neither the policy itself nor the known names tell.
    pub(crate) fn add_folder(&self, folder: &Path, collections: &[(&str, &str)]) -> io::Result<usize> {
        let policies = folder::read(folder, collections)?;
        let count = policies.len();
        let mut groups = HashSet::new();
        for (collection, policy) in policies {
            for assignment in policy["assignments"].as_array().into_iter().flatten() {
                let group = assignment["target"]["groupId"].as_str();
                if let Some(id) = group.filter(|id| groups.insert((*id).to_owned())) {
                    let name = format!("Group {}", groups.len());
                    let group = json!({ "@odata.type": "#microsoft.graph.group", "id": id, "displayName": name });
                    self.add("directoryObjects", [group]);
                }
            }
            self.add(&collection, [policy]);
        }
        Ok(count)
    }

    /// Makes a domain resolve to a tenant.
    pub(crate) fn domain(&self, domain: &str, tenant: &str) {
        self.shared.world().domains.insert(domain.to_owned(), tenant.to_owned());
    }

    /// Decides how sign-ins to a tenant go.
    pub(crate) fn sign_in(&self, tenant: &str, sign_in: SignIn) {
        self.shared.world().sign_ins.insert(tenant.to_owned(), sign_in);
    }

    /// Makes every token given out so far invalid.
    pub(crate) fn revoke_tokens(&self) {
        self.shared.world().tokens.clear();
    }

    /// Adds a fault; the first that matches a request decides.
    pub(crate) fn fault(&self, fault: Fault) {
        self.shared.world().faults.push(fault);
    }

    /// Ends all faults.
    pub(crate) fn heal(&self) {
        self.shared.world().faults.clear();
    }

    /// Replaces every default page size.
    pub(crate) fn page_size(&self, size: usize) {
        self.shared.world().page_size = Some(size);
    }

    /// Delays every HTTP answer.
    pub(crate) fn latency(&self, latency: Duration) {
        self.shared.world().latency = latency;
    }

    /// Every request so far, those inside a `$batch` among them.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.shared.world().requests.clone()
    }

    /// HTTP requests so far whose path and query contain the text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.shared.world().requests.iter().filter(|request| !request.in_batch && request.path.contains(text)).count()
    }

    /// Requests inside a `$batch` so far whose path and query contain the text.
    pub(crate) fn count_in_batch(&self, text: &str) -> usize {
        self.shared.world().requests.iter().filter(|request| request.in_batch && request.path.contains(text)).count()
    }
}

impl Drop for GraphServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let headers: HashMap<String, String> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let gzip = headers.get("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
    let latency = shared.world().latency;
    tokio::time::sleep(latency).await;

    let bearer = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let effect = record(&shared, Recorded { path: path.clone(), headers, in_batch: false });
    if matches!(effect, Some(Effect::Hang)) {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    let normal = || {
        let plain = parts.uri.path();
        if plain.ends_with("/oauth2/v2.0/token") {
            return sign_in::token(&shared, plain, &body);
        }
        if plain.ends_with("/.well-known/openid-configuration") {
            return sign_in::discovery(&shared, plain);
        }
        let Some(target) = ["/beta/", "/v1.0/"].iter().find_map(|version| path.strip_prefix(version)) else {
            return Reply::error(404, "UnknownPath", "there is no such path");
        };
        let Some(tenant) = bearer.as_deref().and_then(|token| shared.world().tokens.get(token).cloned()) else {
            return Reply::error(401, "InvalidAuthenticationToken", "Access token validation failure.");
        };
        match (&parts.method, target) {
            (&Method::POST, "$batch") => batch(&shared, &tenant, &body),
            (&Method::POST, "directoryObjects/getByIds") => odata::by_ids(&shared, &tenant, &body),
            (&Method::GET, target) => odata::answer(&shared, &tenant, target),
            _ => Reply::error(405, "Request_BadRequest", "that method is not served here"),
        }
    };
    let reply = match effect {
        Some(effect) => effect.apply(normal, &format!("{}{path}", shared.url), bearer.as_deref()),
        None => normal(),
    };
    if reply.hangs {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    reply.into_response(gzip)
}

/// Notes the request and gives the fault that it meets.
fn record(shared: &Shared, request: Recorded) -> Option<Effect> {
    let mut world = shared.world();
    let effect = world.faults.iter_mut().find_map(|fault| fault.meets(&request.path));
    world.requests.push(request);
    effect
}

fn batch(shared: &Shared, tenant: &str, body: &[u8]) -> Reply {
    let batch: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(requests) = batch["requests"].as_array().filter(|requests| (1..=20).contains(&requests.len())) else {
        return Reply::error(400, "BadRequest", "a batch holds 1 to 20 requests");
    };
    let ids: HashSet<_> = requests.iter().map(|request| request["id"].as_str()).collect();
    if ids.len() != requests.len() || ids.contains(&None) {
        return Reply::error(400, "BadRequest", "the ids of a batch are unique strings");
    }
    let mut responses = Vec::new();
    for request in requests {
        let target = request["url"].as_str().unwrap_or_default();
        let headers = request["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(k, v)| (k.to_lowercase(), v.as_str().unwrap_or_default().to_owned())).collect();
        let effect = record(shared, Recorded { path: target.to_owned(), headers, in_batch: true });
        let normal = || odata::answer(shared, tenant, target.trim_start_matches('/'));
        let is_twice = matches!(effect, Some(Effect::Twice));
        let reply = match effect {
            Some(Effect::LeaveOut) => continue,
            Some(effect) => effect.apply(normal, &format!("{}/beta{target}", shared.url), None),
            None => normal(),
        };
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let headers: serde_json::Map<_, _> = reply.headers.into_iter().map(|(k, v)| (k, Value::from(v))).collect();
        if is_twice {
            let error = json!({ "error": { "code": "ResourceNotFound", "message": "a second answer" } });
            responses.push(json!({ "id": request["id"], "status": 404, "headers": {}, "body": error }));
        }
        responses.push(json!({ "id": request["id"], "status": reply.status, "headers": headers, "body": body }));
    }
    // Graph answers in any order.
    responses.reverse();
    Reply::json(200, &json!({ "responses": responses }))
}
