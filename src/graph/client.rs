//! The client of one tenant: every request goes through its gate, its pace, its token and its retries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    GraphError, Meter, RetryPolicy,
    endpoint::Endpoint,
    error::Failure,
    exchange::{Call, Reply, exchange},
    gate::Gate,
    rate::Bucket,
    retry::{asked_wait, is_retryable},
};
use crate::auth::{AuthError, Credential, Token};

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Requests per 20 seconds that the tenant is sent at most, those inside `$batch` counted; 0 is no limit.
    pub rate: u32,
    /// When and how often a request is tried again.
    pub retry: RetryPolicy,
    /// Ends every request and wait with [`GraphError::Cancelled`].
    pub cancel: CancellationToken,
    /// The largest body taken, after decompression.
    pub max_body: usize,
    /// The largest list that is held as a whole, such as the settings of one policy, in bytes of its items.
    pub max_list: usize,
    /// How many `$batch` requests of one call run at once.
    pub parallel_batches: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate: 500,
            retry: RetryPolicy::default(),
            cancel: CancellationToken::new(),
            max_body: 256 << 20,
            max_list: 32 << 20,
            parallel_batches: 4,
        }
    }
}

/// One tenant's way to Graph. Clones share everything but the meter and the patience.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    pub(super) meter: Arc<Meter>,
    pub(super) retry: RetryPolicy,
}

/// What all clones have in common.
#[derive(Debug)]
pub(super) struct Shared {
    http: reqwest::Client,
    pub(super) endpoint: Endpoint,
    pub(super) credential: Arc<Credential>,
    pub(super) options: Options,
    pub(super) gate: Gate,
    pub(super) bucket: Option<Bucket>,
    /// Whether Graph was ever reached; a host that never answered is given up sooner.
    reached: AtomicBool,
}

impl Client {
    /// A client for the credential's tenant; `graph` is Graph's URL without the version.
    pub fn new(http: reqwest::Client, graph: Url, credential: Arc<Credential>, options: Options) -> Self {
        let bucket = (options.rate > 0).then(|| Bucket::new(options.rate, Instant::now()));
        let retry = options.retry;
        let shared = Shared {
            http,
            endpoint: Endpoint::new(graph),
            credential,
            options,
            gate: Gate::default(),
            bucket,
            reached: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared), meter: Meter::new(), retry }
    }

    /// The same client, counting elsewhere.
    #[must_use]
    pub fn with_meter(&self, meter: Arc<Meter>) -> Self {
        Self { shared: Arc::clone(&self.shared), meter, retry: self.retry }
    }

    /// The same client, giving up sooner or later.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// When and how often this client tries again.
    pub fn retry(&self) -> RetryPolicy {
        self.retry
    }

    /// Where this client counts.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The body of one GET, such as `deviceManagement/deviceManagementScripts/<id>`.
    pub async fn get(&self, path_and_query: &str) -> Result<Bytes, GraphError> {
        let url = self.shared.endpoint.url(path_and_query)?;
        let Reply { status, body, request_id, .. } = self.send(&Call { url, body: None, cost: 1 }).await?.0;
        let failure = Failure::under_success(status, &body, request_id.as_deref(), &self.shared.credential);
        failure.map_or(Ok(body), |failure| Err(failure.into_error(Duration::ZERO, None)))
    }

    /// Sends a request until it succeeds, fails for good or the tries are used up.
    pub(super) async fn send(&self, call: &Call) -> Result<(Reply, Token), GraphError> {
        self.cancellable(self.send_until_done(call)).await
    }

    /// Ends the work when the run is cancelled.
    pub(super) async fn cancellable<T>(
        &self,
        work: impl Future<Output = Result<T, GraphError>>,
    ) -> Result<T, GraphError> {
        tokio::select! {
            biased;
            () = self.shared.options.cancel.cancelled() => Err(GraphError::Cancelled),
            done = work => done,
        }
    }

    async fn send_until_done(&self, call: &Call) -> Result<(Reply, Token), GraphError> {
        let shared = &*self.shared;
        let retry = &self.retry;
        let mut tries = 0;
        let mut refreshed = false;
        let mut waited = Duration::ZERO;
        loop {
            waited += self.admit(call.cost).await;
            let token = shared.credential.token().await?;
            tries += 1;
            self.meter.count_request();
            let answer = exchange(&shared.http, call, &token, &shared.credential, shared.options.max_body).await;
            let (error, pause) = match answer {
                Ok(reply) => {
                    shared.reached.store(true, Ordering::Relaxed);
                    if (200..300).contains(&reply.status) {
                        return Ok((reply, token));
                    }
                    let failure = Failure::parse(reply.status, &reply.body, reply.request_id, &shared.credential);
                    if reply.status == 401 {
                        if std::mem::replace(&mut refreshed, true) {
                            return Err(self.token_refused(failure));
                        }
                        shared.credential.refresh(&token).await?;
                        tries -= 1;
                        continue;
                    }
                    let asked = asked_wait(reply.retry_after.as_deref(), SystemTime::now());
                    let error = failure.into_error(waited, asked);
                    if !is_retryable(reply.status) {
                        return Err(error);
                    }
                    (error, self.pause_after(reply.status, reply.retry_after.as_deref(), tries))
                }
                Err(error @ (GraphError::TooLarge { .. } | GraphError::Cancelled)) => return Err(error),
                Err(error) => (error, retry.backoff(tries)),
            };
            let short = matches!(error, GraphError::Timeout { .. }) || !shared.reached.load(Ordering::Relaxed);
            if tries >= if short { retry.short_tries } else { retry.tries } {
                return Err(error);
            }
            tracing::debug!(tenant.id = %shared.credential.tenant(), %error, tries, "request will be tried again");
            waited += pause;
            self.meter.wait_until(Instant::now() + pause).await;
        }
    }

    /// How long to wait after a failed answer; what concerns the whole tenant closes its gate.
    pub(super) fn pause_after(&self, status: u16, retry_after: Option<&str>, tries: u32) -> Duration {
        let retry = &self.retry;
        if status == 429 {
            self.meter.count_throttled();
        }
        let asked = retry.retry_after(retry_after, SystemTime::now()).filter(|asked| !asked.is_zero());
        let pause = asked.unwrap_or_else(|| retry.backoff(tries));
        if asked.is_some() || status == 429 {
            self.shared.gate.close(pause);
        }
        pause
    }

    /// Waits for the tenant's pace and gate; gives the time the gate took.
    async fn admit(&self, cost: u32) -> Duration {
        if let Some(bucket) = &self.shared.bucket {
            let pause = bucket.take(cost, Instant::now());
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        let started = Instant::now();
        while let Some(until) = self.shared.gate.closed_until() {
            self.meter.wait_until(until).await;
        }
        started.elapsed()
    }

    /// The token after one that a sub-request of a `$batch` was refused with.
    pub(super) async fn refresh(&self, refused: &Token) -> Result<Token, GraphError> {
        Ok(self.shared.credential.refresh(refused).await?)
    }

    /// What remains of a 401 to a fresh token.
    pub(super) fn token_refused(&self, failure: Failure) -> GraphError {
        if !failure.is_about_token() {
            return failure.into_error(Duration::ZERO, None);
        }
        let Failure { code, message, request_id, .. } = failure;
        let tenant = self.shared.credential.tenant().to_string();
        GraphError::SignIn(AuthError::TokenRefused { tenant, message: format!("{code}: {message}"), request_id })
    }
}
