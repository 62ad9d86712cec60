//! Why a request to Graph failed, and how Graph's own error body is read.

use std::time::Duration;

use serde::Deserialize;

use crate::auth::{AuthError, Credential};

/// Longest text of Graph that a message repeats.
const MAX_TEXT: usize = 300;
/// Longest code and id of a request.
pub(super) const MAX_ID: usize = 100;

/// Why Graph gave no answer. Messages are one line without secrets; Graph's own text in them is cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// HTTP 403, or a 401 of the service behind Graph although the token is fresh.
    #[error("access was refused: {code}: {message}")]
    Forbidden {
        /// Graph's error code.
        code: String,
        /// Graph's message.
        message: String,
        /// Graph's `request-id`.
        request_id: Option<String>,
    },
    /// The tenant has no licence for what was asked, or Intune was never set up in it.
    #[error("the tenant has no licence for it: {message}")]
    NotLicensed {
        /// Graph's error code.
        code: String,
        /// Graph's message.
        message: String,
        /// Graph's `request-id`.
        request_id: Option<String>,
    },
    /// HTTP 404 with an error body of Graph's.
    #[error("not found: {message}")]
    NotFound {
        /// Graph's message.
        message: String,
        /// Graph's `request-id`.
        request_id: Option<String>,
    },
    /// Graph still answered 429 to the last try.
    #[error("still throttled after waiting {} s", waited.as_secs())]
    Throttled {
        /// How long the request was held back in all.
        waited: Duration,
        /// How long Graph asked to wait after the last try.
        retry_after: Option<Duration>,
        /// Graph's `request-id`.
        request_id: Option<String>,
    },
    /// Any other answer that is no success.
    #[error("Graph answered with HTTP {status}: {code}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// Graph's error code.
        code: String,
        /// Graph's message.
        message: String,
        /// Graph's `request-id`.
        request_id: Option<String>,
    },
    /// The connection failed.
    #[error("cannot reach Graph: {reason}")]
    Network {
        /// The innermost cause.
        reason: String,
    },
    /// Graph did not answer, or its answer stood still.
    #[error("Graph did not answer in time: {reason}")]
    Timeout {
        /// What was waited for.
        reason: String,
    },
    /// The answer is not what Graph documents.
    #[error("Graph gave an answer that cannot be read: {reason}")]
    BadResponse {
        /// What is wrong with it.
        reason: String,
        /// Graph's `request-id`.
        request_id: Option<String>,
    },
    /// A next link that leaves the configured Graph host.
    #[error("a next link leads to another host, `{origin}`")]
    ForeignLink {
        /// Where it leads to.
        origin: String,
    },
    /// A next link that was followed before.
    #[error("a next link repeats itself after {pages} pages")]
    RepeatedLink {
        /// Pages read until then.
        pages: usize,
    },
    /// A list that goes on and on.
    #[error("a list has no end, it was given up after {pages} pages")]
    EndlessList {
        /// Pages read until then.
        pages: usize,
    },
    /// An answer over the bound.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// No token.
    #[error(transparent)]
    SignIn(#[from] AuthError),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl GraphError {
    /// How long Graph asked to wait, where it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it ends all asking of the run, and not this request alone: cancelled, or without a token.
    pub(crate) fn ends_run(&self) -> bool {
        matches!(self, Self::Cancelled | Self::SignIn(_))
    }

    /// The code under which summaries list the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SignIn(error) => error.code(),
            Self::Forbidden { .. } => "forbidden",
            Self::NotLicensed { .. } => "not_licensed",
            Self::Throttled { .. } => "throttled",
            Self::Network { .. } => "network",
            Self::NotFound { .. }
            | Self::Status { .. }
            | Self::BadResponse { .. }
            | Self::RepeatedLink { .. }
            | Self::EndlessList { .. } => "bad_response",
            Self::ForeignLink { .. } => "foreign_link",
            Self::TooLarge { .. } => "too_large",
            Self::Timeout { .. } | Self::Cancelled => "timeout",
        }
    }

    /// Graph's `request-id`, which Microsoft's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Forbidden { request_id, .. }
            | Self::NotLicensed { request_id, .. }
            | Self::NotFound { request_id, .. }
            | Self::Throttled { request_id, .. }
            | Self::Status { request_id, .. }
            | Self::BadResponse { request_id, .. } => request_id.as_deref(),
            Self::SignIn(error) => error.request_id(),
            _ => None,
        }
    }

    pub(crate) fn bad_response(reason: impl Into<String>) -> Self {
        Self::BadResponse { reason: reason.into(), request_id: None }
    }
}

/// What of an error answer the messages need.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
    /// Whether it is Graph that says so, and not something in front of it.
    pub(super) is_graphs: bool,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "innerError", alias = "innererror")]
    inner: Option<InnerError>,
}

#[derive(Deserialize)]
struct InnerError {
    #[serde(default, rename = "request-id")]
    request_id: Option<String>,
}

/// Intune's services put a JSON object of their own into `message`.
#[derive(Deserialize)]
struct NestedMessage {
    #[serde(rename = "Message")]
    message: String,
}

impl Failure {
    /// Reads the error body. No token of the credential comes back in a message, even if a server echoes it.
    pub(super) fn parse(status: u16, body: &[u8], request_id: Option<String>, credential: &Credential) -> Self {
        let clean = |text: &str| credential.clean(text, MAX_TEXT);
        let Ok(ErrorBody { error }) = serde_json::from_slice(body) else {
            let (code, message) = ("unknown".into(), "the answer has no error body".into());
            return Self { status, code, message, request_id, is_graphs: false };
        };
        let text = error.message.unwrap_or_default();
        let text = serde_json::from_str::<NestedMessage>(&text).map_or(text, |nested| nested.message);
        // What follows are the operation's ids and internal URL.
        let text = text.split(" - Operation ID").next().unwrap_or_default();
        let message = if text.trim().is_empty() { "no message".to_owned() } else { clean(text) };
        let code = error.code.filter(|code| !code.trim().is_empty()).unwrap_or_else(|| "unknown".into());
        let inner = error.inner.and_then(|inner| inner.request_id).map(|id| credential.clean(&id, MAX_ID));
        let (code, request_id) = (credential.clean(&code, MAX_ID), request_id.or(inner));
        Self { status, code, message, request_id, is_graphs: true }
    }

    /// An error body under a status of success, which some of the services behind Graph send.
    pub(super) fn under_success(
        status: u16,
        body: &[u8],
        request_id: Option<&str>,
        credential: &Credential,
    ) -> Option<Self> {
        let is_error = serde_json::from_slice::<ErrorBody>(body).is_ok();
        is_error.then(|| Self::parse(status, body, request_id.map(str::to_owned), credential))
    }

    pub(super) fn into_error(self, waited: Duration, retry_after: Option<Duration>) -> GraphError {
        let not_licensed = self.is_not_licensed();
        let Self { status, code, message, request_id, is_graphs } = self;
        match status {
            400 | 401 | 403 if not_licensed => GraphError::NotLicensed { code, message, request_id },
            401 | 403 => GraphError::Forbidden { code, message, request_id },
            404 if is_graphs => GraphError::NotFound { message, request_id },
            429 => GraphError::Throttled { waited, retry_after, request_id },
            300..=399 => GraphError::BadResponse { reason: format!("a redirect (HTTP {status})"), request_id },
            _ => GraphError::Status { status, code, message, request_id },
        }
    }

    /// Whether a 401 is about the token itself; the services behind Graph answer 401 for reasons of their own.
    pub(super) fn is_about_token(&self) -> bool {
        self.code == "unknown" || self.code.contains("Token") || self.code.contains("Authentication")
    }

    /// There is no code for it: Intune says "Request not applicable to target tenant", Entra that a premium licence
    /// is missing, others name the licence in words.
    fn is_not_licensed(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        matches!(self.code.as_str(), "RequestNotApplicable" | "AuthenticationRequestFromNonPremiumTenantOrB2CTenant")
            || message.contains("not applicable to target tenant")
            || message.contains("tenant is not licensed")
            || (message.contains("licen")
                && ["no ", "not ", "n't ", "missing", "requires", "without"].iter().any(|word| message.contains(word)))
    }
}
