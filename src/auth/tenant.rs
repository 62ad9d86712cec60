//! A tenant's GUID from whatever name the reader gave.

use std::time::Duration;

use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use super::{
    AuthError, Endpoints,
    cloud::with_path,
    error::{Refusal, SignIn, one_line},
    http::cause,
};
use crate::policy::TenantId;

const TRIES: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
struct Discovery {
    issuer: Option<String>,
    token_endpoint: Option<String>,
}

/// Takes a GUID as it is, without a request, and resolves a domain name through the authority; gives the domain back.
pub async fn resolve_tenant(
    http: &reqwest::Client,
    endpoints: &Endpoints,
    name: &str,
) -> Result<(TenantId, Option<String>), AuthError> {
    let tenant =
        TenantId::of_directory(name).ok_or_else(|| AuthError::NotATenant { name: one_line(name.trim(), 100) })?;
    if tenant.is_guid() {
        return Ok((tenant, None));
    }
    let domain = tenant.to_string();
    let host = endpoints.authority().host_str().unwrap_or_default();
    let sign_in = SignIn { tenant: &domain, client_id: "", secret: "", host, consent_url: String::new() };
    let url = with_path(endpoints.authority(), &format!("/{domain}/v2.0/.well-known/openid-configuration"));
    let found = tokio::time::timeout(TIMEOUT, discover(http, &url, &sign_in)).await;
    let timed_out = || AuthError::Timeout { host: host.to_owned(), seconds: TIMEOUT.as_secs() };
    let tenant = found.unwrap_or_else(|_| Err(timed_out()))?;
    Ok((tenant, Some(domain)))
}

async fn discover(http: &reqwest::Client, url: &Url, sign_in: &SignIn<'_>) -> Result<TenantId, AuthError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match fetch(http, url).await {
            Ok((200, body)) => {
                let guid = serde_json::from_slice(&body).ok().and_then(|found: Discovery| guid_of(&found));
                return guid.ok_or_else(|| AuthError::BadAnswer {
                    host: sign_in.host.to_owned(),
                    reason: "it names no tenant id".into(),
                });
            }
            Ok((status, body)) => {
                let error = sign_in.refused(&Refusal::parse(status, &body));
                if !matches!(error, AuthError::Unavailable { .. }) {
                    return Err(error);
                }
                error
            }
            Err(e) => AuthError::Network { host: sign_in.host.to_owned(), reason: cause(&e) },
        };
        if tries == TRIES {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(200 << tries)).await;
    }
}

async fn fetch(http: &reqwest::Client, url: &Url) -> reqwest::Result<(u16, Vec<u8>)> {
    let mut response = http.get(url.clone()).send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        // A discovery document has some 2 KB; what is cut here is no JSON any more.
        if body.len() > 1 << 20 {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status().as_u16(), body))
}

/// The GUID stands in the path of both: `https://login.microsoftonline.com/<guid>/v2.0`.
fn guid_of(found: &Discovery) -> Option<TenantId> {
    let urls = [found.token_endpoint.as_deref(), found.issuer.as_deref()];
    let mut segments = urls.into_iter().flatten().flat_map(|url| url.split('/'));
    segments.find(|segment| Uuid::try_parse(segment).is_ok()).map(TenantId::new)
}
