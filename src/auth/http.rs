//! The one HTTP client that sign-in and Graph share, and the way `azure_identity` uses it.

use std::time::Duration;

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{AsyncRawResponse, HttpClient, Request},
};
use futures_util::StreamExt as _;
use reqwest::redirect;
use serde::Deserialize;
use url::Url;

use super::{AuthError, Endpoints, cloud::with_path, error::Refusal};
use crate::crypto;

/// The authority that `azure_identity` believes in: it insists on https, so its requests are sent elsewhere below it.
const NOMINAL_AUTHORITY: &str = "login.microsoftonline.com";
/// More than any answer to a sign-in holds.
const MAX_ANSWER: usize = 1 << 20;
/// Seconds that no token lives for: ten years.
const MAX_LIFETIME: u64 = 10 * 365 * 86_400;

/// How long the client waits before it gives a request up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// For the headers, and again for each further piece of the body.
    pub read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: Duration::from_mins(1) }
    }
}

/// Builds the client to share between all tenants: no redirects, the system's proxy and certificates.
///
/// Plain http is allowed to loopback only, so it must not leave the machine by way of a proxy: where one of the
/// endpoints is plain http, no proxy is used.
pub fn http_client(endpoints: &Endpoints, timeouts: Timeouts) -> Result<reqwest::Client, AuthError> {
    crypto::install();
    let client = reqwest::Client::builder()
        .user_agent(concat!("tenantpilot/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read);
    let plain = [endpoints.authority(), endpoints.graph()].iter().any(|url| url.scheme() == "http");
    let client = if plain { client.no_proxy() } else { client };
    client.build().map_err(|e| AuthError::HttpClient { reason: cause(&e) })
}

/// Sends what `azure_identity` asks of the nominal authority to the configured one, and gives back answers it can read.
#[derive(Debug)]
pub(super) struct SignInTransport {
    pub(super) client: reqwest::Client,
    pub(super) authority: Url,
}

#[async_trait]
impl HttpClient for SignInTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let mut request = request.clone();
        if request.url().host_str() == Some(NOMINAL_AUTHORITY) {
            let mut url = with_path(&self.authority, request.url().path());
            url.set_query(request.url().query());
            *request.url_mut() = url;
        }
        let (status, headers, mut body) = HttpClient::execute_request(&self.client, &request).await?.deconstruct();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() > MAX_ANSWER {
                bytes.clear();
                break;
            }
        }
        if status.is_success() {
            check_lifetime(&bytes)?;
        } else {
            // azure_identity 1.0 fails on a description with JSON escapes, or without JSON, and loses status and code.
            bytes = Refusal::parse(u16::from(status), &bytes).to_plain_json();
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, bytes))
    }
}

/// `azure_identity` adds whatever lifetime it is told to the clock, and panics where the calendar ends.
fn check_lifetime(answer: &[u8]) -> azure_core::Result<()> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        expires_in: i64,
    }
    let refused = |reason: String| Err(azure_core::Error::with_message(ErrorKind::DataConversion, reason));
    if answer.trim_ascii_start().starts_with(b"[") {
        // an array would fill the fields by position
        return refused("it is an array".to_owned());
    }
    match serde_json::from_slice(answer) {
        Ok(Answer { expires_in }) if expires_in.unsigned_abs() > MAX_LIFETIME => {
            refused(format!("`expires_in` is {expires_in}"))
        }
        _ => Ok(()),
    }
}

/// The innermost cause of an error, which is the part that says something.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    super::error::one_line(&last.to_string(), 200)
}
