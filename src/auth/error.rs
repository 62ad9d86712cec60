//! Why a sign-in was refused, one variant per cause, and what the reader can do about it.

use azure_core::error::ErrorKind;
use serde::Deserialize;

use super::http::cause;

/// Longest text of the authority that a message repeats.
const MAX_TEXT: usize = 300;

/// Why a tenant gave no token. Messages are one line and hold no secret; [`AuthError::hint`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The name is neither a GUID nor a domain.
    #[error("`{name}` is neither a tenant id nor a domain name")]
    NotATenant {
        /// What was asked for.
        name: String,
    },
    /// AADSTS7000215.
    #[error("the client secret of app `{client_id}` is wrong (AADSTS7000215)")]
    WrongSecret {
        /// The app.
        client_id: String,
    },
    /// AADSTS7000222.
    #[error("the client secret of app `{client_id}` has expired (AADSTS7000222)")]
    ExpiredSecret {
        /// The app.
        client_id: String,
    },
    /// AADSTS90002 or 900023.
    #[error("there is no tenant `{tenant}` in this cloud (AADSTS{code})")]
    UnknownTenant {
        /// The tenant.
        tenant: String,
        /// The number behind `AADSTS`.
        code: u64,
    },
    /// AADSTS700016 or 7000229: the app was never consented to in this tenant, or does not exist.
    #[error("tenant `{tenant}` does not know app `{client_id}` (AADSTS{code})")]
    AppNotFound {
        /// The tenant.
        tenant: String,
        /// The app.
        client_id: String,
        /// The number behind `AADSTS`.
        code: u64,
        /// Where an administrator of the tenant adds the app.
        consent_url: String,
    },
    /// AADSTS65001.
    #[error("tenant `{tenant}` has not consented to app `{client_id}` (AADSTS65001)")]
    MissingConsent {
        /// The tenant.
        tenant: String,
        /// The app.
        client_id: String,
        /// Where an administrator of the tenant consents.
        consent_url: String,
    },
    /// AADSTS7000112.
    #[error("app `{client_id}` is disabled in tenant `{tenant}` (AADSTS7000112)")]
    AppDisabled {
        /// The tenant.
        tenant: String,
        /// The app.
        client_id: String,
    },
    /// AADSTS53000 to 53011 and 530xxx.
    #[error("a conditional access policy of tenant `{tenant}` blocks the sign-in (AADSTS{code})")]
    ConditionalAccess {
        /// The tenant.
        tenant: String,
        /// The number behind `AADSTS`.
        code: u64,
    },
    /// Any other refusal of the authority.
    #[error("tenant `{tenant}` refused the sign-in: {message}")]
    Refused {
        /// The tenant.
        tenant: String,
        /// The number behind `AADSTS`, where there was one.
        code: Option<u64>,
        /// What the authority said, cut.
        message: String,
    },
    /// Graph did not take the token, nor the fresh one after it.
    #[error("Graph refuses the token of tenant `{tenant}`: {message}")]
    TokenRefused {
        /// The tenant.
        tenant: String,
        /// What Graph said, cut.
        message: String,
        /// Graph's `request-id`.
        request_id: Option<String>,
    },
    /// The authority cannot be reached.
    #[error("cannot reach `{host}` to sign in: {reason}")]
    Network {
        /// The authority's host.
        host: String,
        /// The innermost cause.
        reason: String,
    },
    /// The authority took too long.
    #[error("`{host}` did not answer the sign-in within {seconds} s")]
    Timeout {
        /// The authority's host.
        host: String,
        /// The bound.
        seconds: u64,
    },
    /// The authority is busy or has a fault of its own: HTTP 429 or 5xx, or an answer that says so.
    #[error("`{host}` signs nobody in at the moment: {reason}")]
    Unavailable {
        /// The authority's host.
        host: String,
        /// What it said, cut.
        reason: String,
    },
    /// The authority's answer is not one of a Microsoft authority.
    #[error("`{host}` gave an answer to the sign-in that cannot be read: {reason}")]
    BadAnswer {
        /// The authority's host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Client id or secret is empty or cannot be used.
    #[error("the credentials cannot be used: {reason}")]
    Credentials {
        /// What is wrong.
        reason: String,
    },
    /// The HTTP client could not be built, for instance for want of certificates.
    #[error("cannot set up the HTTP client: {reason}")]
    HttpClient {
        /// The innermost cause.
        reason: String,
    },
}

impl AuthError {
    /// The code under which summaries list the error: an authority that does not serve has refused nobody.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Network { .. } | Self::Unavailable { .. } => "network",
            Self::Timeout { .. } => "timeout",
            _ => "sign_in",
        }
    }

    /// What the reader can do, in one line.
    pub fn hint(&self) -> String {
        match self {
            Self::NotATenant { .. } => {
                "give the tenant's id (a GUID) or one of its domains, such as contoso.onmicrosoft.com".into()
            }
            Self::WrongSecret { .. } => {
                "set the secret's value, not its id, as shown once under Certificates & secrets of the app".into()
            }
            Self::ExpiredSecret { .. } => "add a new client secret under Certificates & secrets of the app".into(),
            Self::UnknownTenant { .. } => "check the tenant's id, and that --cloud names the tenant's cloud".into(),
            Self::AppNotFound { consent_url, .. } => {
                format!("check the client id; an administrator of the tenant adds the app at {consent_url}")
            }
            Self::MissingConsent { consent_url, .. } => {
                format!("an administrator of the tenant consents at {consent_url}")
            }
            Self::AppDisabled { .. } => "enable the app under Enterprise applications of the tenant".into(),
            Self::ConditionalAccess { .. } => {
                "let the app through in the tenant's conditional access policies for workload identities".into()
            }
            Self::Refused { .. } => "look the AADSTS number up at https://login.microsoftonline.com/error".into(),
            Self::TokenRefused { .. } => "check that --cloud and the Graph URL belong together".into(),
            Self::Network { .. } | Self::Timeout { .. } => {
                "check the network, the proxy (HTTPS_PROXY) and the authority's URL".into()
            }
            Self::Unavailable { .. } => "try again in a few minutes: nothing was said against the app".into(),
            Self::BadAnswer { .. } => {
                "check that the authority's URL is right and no proxy answers in its place".into()
            }
            Self::Credentials { .. } => "set the app's client id and client secret".into(),
            Self::HttpClient { .. } => "check the system's certificates (SSL_CERT_FILE) and proxy settings".into(),
        }
    }

    /// Graph's `request-id`, where the refusal was Graph's.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::TokenRefused { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// Whether the cause may be gone a few seconds later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Network { .. } | Self::Timeout { .. } | Self::Unavailable { .. } | Self::BadAnswer { .. })
    }
}

/// Who was signing in where: what a message needs beside the refusal.
pub(super) struct SignIn<'a> {
    pub(super) tenant: &'a str,
    pub(super) client_id: &'a str,
    pub(super) secret: &'a str,
    pub(super) host: &'a str,
    pub(super) consent_url: String,
}

impl SignIn<'_> {
    /// The cause behind what `azure_identity` reports.
    pub(super) fn failed(&self, error: &azure_core::Error) -> AuthError {
        let inner = error.downcast_ref::<azure_core::Error>().unwrap_or(error);
        match inner.kind() {
            ErrorKind::HttpResponse { status, raw_response, .. } => {
                let body = raw_response.as_ref().map(|raw| raw.body().as_ref()).unwrap_or_default();
                self.refused(&Refusal::parse(u16::from(*status), body))
            }
            ErrorKind::Connection | ErrorKind::Io => {
                AuthError::Network { host: self.host.to_owned(), reason: cause(inner) }
            }
            ErrorKind::DataConversion => AuthError::BadAnswer { host: self.host.to_owned(), reason: cause(inner) },
            _ => AuthError::Credentials { reason: self.clean(&cause(inner)) },
        }
    }

    pub(super) fn refused(&self, refusal: &Refusal) -> AuthError {
        let tenant = self.tenant.to_owned();
        let client_id = self.client_id.to_owned();
        if refusal.is_passing() {
            let text = refusal.description.as_deref().unwrap_or_default();
            let reason = self.clean(&format!("HTTP {} {text}", refusal.status));
            return AuthError::Unavailable { host: self.host.to_owned(), reason };
        }
        let Some(code) = refusal.code else {
            return match &refusal.description {
                Some(text) => AuthError::Refused { tenant, code: None, message: self.clean(text) },
                None => AuthError::BadAnswer {
                    host: self.host.to_owned(),
                    reason: format!("HTTP {} without a JSON body", refusal.status),
                },
            };
        };
        match code {
            7_000_215 => AuthError::WrongSecret { client_id },
            7_000_222 => AuthError::ExpiredSecret { client_id },
            90_002 | 900_023 => AuthError::UnknownTenant { tenant, code },
            700_016 | 7_000_229 => {
                AuthError::AppNotFound { tenant, client_id, code, consent_url: self.consent_url.clone() }
            }
            65_001 => AuthError::MissingConsent { tenant, client_id, consent_url: self.consent_url.clone() },
            7_000_112 => AuthError::AppDisabled { tenant, client_id },
            53_000..=53_011 | 530_000..=530_099 => AuthError::ConditionalAccess { tenant, code },
            _ => {
                let text = refusal.description.clone().unwrap_or_else(|| format!("AADSTS{code}"));
                AuthError::Refused { tenant, code: Some(code), message: self.clean(&text) }
            }
        }
    }

    fn clean(&self, text: &str) -> String {
        let text = if self.secret.is_empty() { text.to_owned() } else { text.replace(self.secret, "(secret)") };
        one_line(&text, MAX_TEXT)
    }
}

/// An authority's refusal, as far as its body could be read.
pub(super) struct Refusal {
    status: u16,
    /// OAuth's word for it.
    error: Option<String>,
    code: Option<u64>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct RefusalBody {
    #[serde(default)]
    error_codes: Vec<u64>,
    error_description: Option<String>,
    error: Option<String>,
}

impl Refusal {
    pub(super) fn parse(status: u16, body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<RefusalBody>(body) else {
            return Self { status, error: None, code: None, description: None };
        };
        let description = body.error_description.or_else(|| body.error.clone()).filter(|text| !text.is_empty());
        // The trace and correlation ids behind it differ from try to try and say nothing to a reader.
        let description = description.map(|text| match text.find("Trace ID:") {
            Some(end) => text[..end].trim_end().to_owned(),
            None => text,
        });
        let named = || aadsts(description.as_deref().unwrap_or_default());
        Self { status, error: body.error, code: body.error_codes.first().copied().or_else(named), description }
    }

    /// Whether it is about the authority, and not about who signs in.
    fn is_passing(&self) -> bool {
        self.status == 429
            || self.status >= 500
            || matches!(self.error.as_deref(), Some("temporarily_unavailable" | "server_error"))
    }

    /// The refusal as JSON without an escape in its texts.
    pub(super) fn to_plain_json(&self) -> Vec<u8> {
        let plain = |c: char| match c {
            '"' => '\'',
            '\\' => '/',
            c if c.is_control() => ' ',
            c => c,
        };
        let Some(description) = &self.description else {
            return b"{}".to_vec();
        };
        let plain = |text: &str| text.chars().map(plain).collect::<String>();
        let code = self.code.filter(|code| i32::try_from(*code).is_ok());
        serde_json::json!({
            "error": self.error.as_deref().map(plain),
            "error_codes": code.into_iter().collect::<Vec<_>>(),
            "error_description": plain(description),
        })
        .to_string()
        .into_bytes()
    }
}

fn aadsts(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("AADSTS")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// A foreign text as one line of bounded length.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > max {
            let end = (0..=max).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}
