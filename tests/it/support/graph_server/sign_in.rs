//! The authority: tokens for the one app it knows, discovery, and each way of refusing.

use std::{collections::HashMap, sync::atomic::Ordering};

use serde_json::json;

use super::{Shared, reply::Reply};

/// The one app that the authority knows.
pub(crate) const CLIENT_ID: &str = "11111111-aaaa-4aaa-8aaa-111111111111";
/// Its secret.
pub(crate) const CLIENT_SECRET: &str = "s3cret~value/with+signs==";

/// How sign-ins to a tenant go; without one they go well.
#[derive(Debug, Clone)]
pub(crate) enum SignIn {
    /// Refused with status, OAuth error, AADSTS number and text.
    Refused(u16, &'static str, u32, &'static str),
    /// Well, with tokens that live that many seconds.
    Lifetime(i64),
    /// An answer that is no JSON.
    Html(u16),
    /// A description without `error_codes`.
    NoCodes(&'static str),
    /// A refusal that repeats the secret it was sent.
    Echo,
    /// Success without a token.
    NoToken,
    /// No answer.
    Hang,
}

impl SignIn {
    pub(crate) const EXPIRED_SECRET: Self =
        Self::Refused(401, "invalid_client", 7_000_222, "The provided client secret keys are expired.");
    pub(crate) const UNKNOWN_TENANT: Self = Self::Refused(400, "invalid_request", 90_002, "Tenant not found.");
    pub(crate) const APP_NOT_FOUND: Self =
        Self::Refused(400, "unauthorized_client", 700_016, "Application was not found in the directory \"Contoso\".");
    pub(crate) const MISSING_CONSENT: Self =
        Self::Refused(400, "invalid_grant", 65_001, "The administrator has not consented to use the application.");
    pub(crate) const UNAVAILABLE: Self =
        Self::Refused(503, "temporarily_unavailable", 90_033, "A transient error has occurred. Please try again.");
    pub(crate) const CONDITIONAL_ACCESS: Self =
        Self::Refused(400, "invalid_grant", 53_003, "Access has been blocked by Conditional Access policies.");
}

pub(super) fn token(shared: &Shared, path: &str, body: &[u8]) -> Reply {
    let tenant = path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let form: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let mode = shared.world().sign_ins.get(&tenant).cloned();
    let mut lifetime = 3599_i64;
    match mode {
        Some(SignIn::Refused(status, error, code, text)) => return refuse(status, error, code, text),
        Some(SignIn::Html(status)) => return Reply::text(status, "text/html", "<html><body>proxy</body></html>"),
        Some(SignIn::NoCodes(text)) => {
            return Reply::json(400, &json!({ "error": "invalid_request", "error_description": text }));
        }
        Some(SignIn::Echo) => {
            return refuse(400, "invalid_request", 90_014, &format!("bad: {}", field("client_secret")));
        }
        Some(SignIn::NoToken) => return Reply::json(200, &json!({ "token_type": "Bearer", "expires_in": 3599 })),
        Some(SignIn::Hang) => return Reply { hangs: true, ..Reply::json(200, &json!({})) },
        Some(SignIn::Lifetime(seconds)) => lifetime = seconds,
        None => {}
    }
    if field("grant_type") != "client_credentials" || !field("scope").ends_with("/.default") {
        return refuse(400, "invalid_scope", 70_011, "The provided request must include a 'scope' input parameter.");
    }
    if field("client_id") != CLIENT_ID {
        return refuse(400, "unauthorized_client", 700_016, "Application was not found in the directory.");
    }
    if field("client_secret") != CLIENT_SECRET {
        return refuse(
            401,
            "invalid_client",
            7_000_215,
            "Invalid client secret provided. Send the \"value\", not the ID.",
        );
    }
    let token = format!("eyJ0.{tenant}.{}", shared.issued.fetch_add(1, Ordering::Relaxed) + 1);
    shared.world().tokens.insert(token.clone(), tenant);
    Reply::json(200, &json!({ "token_type": "Bearer", "expires_in": lifetime, "access_token": token }))
}

pub(super) fn discovery(shared: &Shared, path: &str) -> Reply {
    let name = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if let Some(SignIn::Refused(status, error, code, text)) = shared.world().sign_ins.get(name) {
        return refuse(*status, error, *code, text);
    }
    let tenant = match uuid::Uuid::try_parse(name) {
        Ok(_) => Some(name.to_owned()),
        Err(_) => shared.world().domains.get(name).cloned(),
    };
    let Some(tenant) = tenant else {
        return refuse(
            400,
            "invalid_tenant",
            90_002,
            "Tenant not found. Check to make sure you have the correct tenant.",
        );
    };
    Reply::json(
        200,
        &json!({
            "token_endpoint": format!("{}/{tenant}/oauth2/v2.0/token", shared.url),
            "issuer": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        }),
    )
}

/// As Entra refuses: line breaks and quotes in the description, which JSON escapes.
fn refuse(status: u16, error: &str, code: u32, text: &str) -> Reply {
    let description = format!(
        "AADSTS{code}: {text}\r\nTrace ID: 5f0e\r\nCorrelation ID: \"77aa\"\r\nTimestamp: 2026-11-02 10:00:00Z"
    );
    let body = json!({ "error": error, "error_description": description, "error_codes": [code], "trace_id": "5f0e" });
    Reply::json(status, &body)
}
