//! The worker: takes jobs from the queue, syncs their tenants, and settles what became of them.
//!
//! ```text
//! queue ─ turn ─► jobs in hand ─ handler (sync::run) ─► outcomes ─ turn ─► queue
//! ```
//!
//! One loop owns the connection and everything in hand; each job is a task of its own. [`run`](Worker::run) takes
//! any handler; [`TenantSync`] is the one that syncs.

mod events;
mod health;
mod http;
mod link;
mod metrics;
mod outcome;
mod shift;
mod tenant_sync;
mod waiting;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::queue::{Job, RedisUrl};

pub use events::{Observer, WorkerEvent};
pub use health::Health;
pub use http::{ServeError, bind, serve};
pub use outcome::{Outcome, Ready, Retry, RetryPolicy};
pub use tenant_sync::TenantSync;

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Jobs in hand at most, each of another tenant.
    pub concurrency: usize,
    /// End when nothing waits, runs or is delayed, on any worker.
    pub drain: bool,
    /// How long jobs in hand may go on after a stop.
    pub shutdown_timeout: Duration,
    /// When and how often a job is tried again.
    pub retry: RetryPolicy,
}

impl Default for Options {
    fn default() -> Self {
        Self { concurrency: 1, drain: false, shutdown_timeout: Duration::from_secs(30), retry: RetryPolicy::default() }
    }
}

/// What a worker did while it ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs done.
    pub completed: u64,
    /// Jobs that failed for good.
    pub failed: u64,
}

/// A worker, before it starts.
#[derive(Clone)]
pub struct Worker {
    url: RedisUrl,
    name: String,
    options: Options,
    observer: Arc<dyn Observer>,
    health: Arc<Health>,
    ready: Ready,
}

impl Worker {
    /// A worker of the queue at `url`, with a name that no other one has.
    pub fn new(url: RedisUrl, options: Options, observer: Arc<dyn Observer>) -> Self {
        let host = host_name();
        let random = uuid::Uuid::new_v4().simple().to_string();
        let name = format!("{host}-{}-{}", std::process::id(), &random[..8]);
        let health = Arc::new(Health::new(options.concurrency));
        Self { url, name, options, observer, health, ready: Ready::default() }
    }

    /// Its name in the queue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it tells of itself while it runs.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// What its handler may tell.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Works until `stop`, or, draining, until nothing is left. Connections that fail are made again, for as long as
    /// it takes. The handler is told to stop by its token, and then answers [`Outcome::Stopped`].
    pub async fn run<H, F>(self, handler: H, stop: CancellationToken) -> Tally
    where
        H: Fn(Job, CancellationToken) -> F + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        // a task like the jobs, which then begin and end on its own thread
        let working = tokio::spawn(shift::Shift::new(self, stop).work(handler));
        working.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Tally::default(),
        })
    }
}

/// The machine's name, as far as it is one that a key may hold.
fn host_name() -> String {
    let named = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let name: String = named.unwrap_or_default().trim().chars().filter(plain).take(63).collect();
    if name.is_empty() { "worker".to_owned() } else { name }
}
