//! One HTTP exchange: headers, a bounded body, and what a failed transfer means. No retries here.

use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, Response,
    header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use url::Url;

use super::{GraphError, error::MAX_ID};
use crate::auth::{self, Credential, Token};

/// Longest body of an error that is read.
const MAX_ERROR_BODY: usize = 64 << 10;
/// Asks for enum members that are newer than the API version, which are otherwise `unknownFutureValue`.
pub(super) const PREFER: &str = "include-unknown-enum-members";
/// Without it, display names come in the language of the server's choice.
pub(super) const LANGUAGE: &str = "en-US";

/// A request that can be sent again.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) url: Url,
    /// The body of a POST; without one the request is a GET. Every POST here only reads.
    pub(super) body: Option<Bytes>,
    /// How many requests Graph counts for it.
    pub(super) cost: u32,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) body: Bytes,
}

pub(super) async fn exchange(
    http: &reqwest::Client,
    call: &Call,
    token: &Token,
    credential: &Credential,
    max_body: usize,
) -> Result<Reply, GraphError> {
    // User-Agent and Accept-Encoding are the HTTP client's own.
    let mut request = http
        .request(if call.body.is_some() { Method::POST } else { Method::GET }, call.url.clone())
        .bearer_auth(token.secret())
        .header("client-request-id", uuid::Uuid::new_v4().to_string())
        .header("Prefer", PREFER)
        .header(ACCEPT_LANGUAGE, LANGUAGE)
        .header(ACCEPT, "application/json");
    if let Some(body) = &call.body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
    }
    let started = std::time::Instant::now();
    let response = request.send().await.map_err(|e| failed(&e))?;
    let status = response.status().as_u16();
    let text = |headers: &HeaderMap, name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let retry_after = text(response.headers(), RETRY_AFTER.as_str());
    let request_id = text(response.headers(), "request-id").map(|id| credential.clean(&id, MAX_ID));
    let success = response.status().is_success();
    let body = match read(response, if success { max_body } else { MAX_ERROR_BODY }).await {
        // What an error said beyond the bound is not worth another error.
        Err(GraphError::TooLarge { .. }) if !success => Bytes::new(),
        Err(GraphError::BadResponse { reason, .. }) => return Err(GraphError::BadResponse { reason, request_id }),
        body => body?,
    };
    tracing::debug!(
        http.method = %if call.body.is_some() { Method::POST } else { Method::GET },
        http.path = call.url.path(),
        http.status = status,
        request.id = request_id.as_deref(),
        bytes = body.len(),
        duration_ms = started.elapsed().as_millis(),
        "Graph answered"
    );
    Ok(Reply { status, retry_after, request_id, body })
}

async fn read(mut response: Response, limit: usize) -> Result<Bytes, GraphError> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > limit {
        return Err(GraphError::TooLarge { limit });
    }
    let mut body = BytesMut::with_capacity(announced.min(1 << 20));
    while let Some(chunk) = response.chunk().await.map_err(|e| failed(&e))? {
        if body.len() + chunk.len() > limit {
            return Err(GraphError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failed(error: &reqwest::Error) -> GraphError {
    let reason = auth::cause(error);
    if error.is_timeout() && !error.is_connect() {
        GraphError::Timeout { reason }
    } else if error.is_body() || error.is_decode() {
        GraphError::bad_response(format!("it breaks off: {reason}"))
    } else {
        GraphError::Network { reason }
    }
}
