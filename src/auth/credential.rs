//! One tenant's credential: a cached token, one sign-in at a time, and a failure remembered for those who waited.

use std::{
    borrow::Cow,
    collections::VecDeque,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use azure_core::{
    cloud::CloudConfiguration,
    credentials::TokenCredential,
    http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport},
    time::OffsetDateTime,
};
use tokio::sync::Mutex;

use super::{
    AuthError, CredentialSource, Endpoints,
    error::{SignIn, one_line},
    http::SignInTransport,
};
use crate::policy::TenantId;

/// A token is renewed this long before it expires, or after half its life where that is later.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// Tokens that are remembered, so that none of them gets into a message: far more than a run signs in for.
const REMEMBERED: usize = 32;

/// How hard a credential tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInPolicy {
    /// Tries after the first, for network errors and an authority that is busy.
    pub retries: u32,
    /// Bound of one sign-in, its retries included.
    pub timeout: Duration,
    /// How long a refusal is repeated to further callers without asking again.
    pub remember_refusal: Duration,
    /// The same for causes that pass, such as a network error.
    pub remember_outage: Duration,
}

impl Default for SignInPolicy {
    fn default() -> Self {
        Self {
            retries: 2,
            timeout: Duration::from_secs(20),
            remember_refusal: Duration::from_mins(1),
            remember_outage: Duration::from_secs(5),
        }
    }
}

/// An access token; its text is for the authorization header only.
#[derive(Clone)]
pub struct Token {
    secret: Arc<str>,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    /// The bearer token.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

/// Signs an app in to one tenant. Share it in an [`Arc`]: its token serves all callers.
pub struct Credential {
    http: reqwest::Client,
    endpoints: Endpoints,
    tenant: TenantId,
    source: CredentialSource,
    policy: SignInPolicy,
    current: RwLock<Option<Token>>,
    issued: RwLock<VecDeque<Arc<str>>>,
    sign_in: Mutex<SignInState>,
}

/// What only the caller that signs in touches; the others wait for the lock.
#[derive(Default)]
struct SignInState {
    identity: Option<Arc<dyn TokenCredential>>,
    failure: Option<(Instant, AuthError)>,
}

impl Credential {
    /// Prepares the credential; nothing is sent before the first token is asked for.
    pub fn new(http: reqwest::Client, endpoints: Endpoints, tenant: TenantId, source: CredentialSource) -> Self {
        Self {
            http,
            endpoints,
            tenant,
            source,
            policy: SignInPolicy::default(),
            current: RwLock::default(),
            issued: RwLock::default(),
            sign_in: Mutex::default(),
        }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_policy(mut self, policy: SignInPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The tenant that tokens are for.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The cached token, or one from a sign-in that all callers share.
    pub async fn token(&self) -> Result<Token, AuthError> {
        if let Some(token) = self.current().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token);
        }
        let mut state = self.sign_in.lock().await;
        let current = self.current().filter(|token| Instant::now() < token.expires_at);
        if let Some(token) = current.clone().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token);
        }
        match self.sign_in_once(&mut state).await {
            Ok(token) => Ok(token),
            // A renewal that failed takes nothing from the token that still holds.
            Err(error) => current.ok_or(error),
        }
    }

    /// A token other than the one that Graph refused.
    pub async fn refresh(&self, refused: &Token) -> Result<Token, AuthError> {
        let mut state = self.sign_in.lock().await;
        if let Some(token) = self.current()
            && !Arc::ptr_eq(&token.secret, &refused.secret)
            && Instant::now() < token.expires_at
        {
            return Ok(token);
        }
        self.replace(None);
        // azure_identity has no way to drop a cached token but to drop the credential.
        state.identity = None;
        self.sign_in_once(&mut state).await
    }

    async fn sign_in_once(&self, state: &mut SignInState) -> Result<Token, AuthError> {
        if let Some((at, error)) = &state.failure {
            let remember = if error.is_passing() { self.policy.remember_outage } else { self.policy.remember_refusal };
            if at.elapsed() < remember {
                return Err(error.clone());
            }
        }
        let timed_out = || AuthError::Timeout { host: self.host(), seconds: self.policy.timeout.as_secs().max(1) };
        let answer = tokio::time::timeout(self.policy.timeout, self.ask(state)).await;
        match answer.unwrap_or_else(|_| Err(timed_out())) {
            Ok(token) => {
                state.failure = None;
                self.remember(&token);
                self.replace(Some(token.clone()));
                Ok(token)
            }
            Err(error) => {
                tracing::debug!(tenant.id = %self.tenant, %error, "sign-in failed");
                state.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn ask(&self, state: &mut SignInState) -> Result<Token, AuthError> {
        let host = self.host();
        let sign_in = SignIn {
            tenant: self.tenant.as_str(),
            client_id: self.source.client_id(),
            secret: self.source.secret(),
            host: &host,
            consent_url: self.endpoints.admin_consent_url(self.tenant.as_str(), self.source.client_id()),
        };
        let identity = if let Some(identity) = &state.identity {
            Arc::clone(identity)
        } else {
            let built = self.source.build(self.tenant.as_str(), self.client_options());
            Arc::clone(state.identity.insert(built.map_err(|e| sign_in.failed(&e))?))
        };
        let answer = identity.get_token(&[self.endpoints.scope()], None).await.map_err(|e| sign_in.failed(&e))?;
        let secret = answer.token.secret();
        // A body without a token is taken for an empty one by azure_identity.
        if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(AuthError::BadAnswer { host, reason: "it holds no access token".into() });
        }
        let now = Instant::now();
        let left = (answer.expires_on - OffsetDateTime::now_utc()).whole_seconds();
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0).min(86_400));
        Ok(Token {
            secret: secret.into(),
            renew_at: now + left.saturating_sub(RENEW_BEFORE).max(left / 2),
            expires_at: now + left,
        })
    }

    fn client_options(&self) -> ClientOptions {
        let transport = SignInTransport { client: self.http.clone(), authority: self.endpoints.authority().clone() };
        ClientOptions {
            transport: Some(Transport::new(Arc::new(transport))),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                max_retries: self.policy.retries,
                ..ExponentialRetryOptions::default()
            }),
            // Named, so that no AZURE_AUTHORITY_HOST in the environment changes it.
            cloud: Some(Arc::new(CloudConfiguration::AzurePublic)),
            ..ClientOptions::default()
        }
    }

    fn host(&self) -> String {
        self.endpoints.authority().host_str().unwrap_or_default().to_owned()
    }

    fn remember(&self, token: &Token) {
        let mut issued = self.issued.write().unwrap_or_else(PoisonError::into_inner);
        // azure_identity may give the same one again
        if issued.contains(&token.secret) {
            return;
        }
        issued.truncate(REMEMBERED - 1);
        issued.push_front(token.secret.clone());
    }

    /// A text of somebody else's without any token that this credential has given out, on one line that is cut.
    pub(crate) fn clean(&self, text: &str, longest: usize) -> String {
        let issued = self.issued.read().unwrap_or_else(PoisonError::into_inner);
        // cut before, half a token could be left
        let text = issued.iter().fold(Cow::Borrowed(text), |text, token| {
            if text.contains(&**token) { text.replace(&**token, "(secret)").into() } else { text }
        });
        one_line(&text, longest)
    }

    fn current(&self) -> Option<Token> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, token: Option<Token>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("tenant", &self.tenant).field("source", &self.source).finish_non_exhaustive()
    }
}
