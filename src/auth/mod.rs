//! Sign-in: which cloud, one credential per tenant over one shared HTTP client, and what a refusal means.

mod cloud;
mod credential;
mod error;
mod http;
mod source;
mod tenant;

pub use cloud::{Cloud, EndpointError, Endpoints};
pub use credential::{Credential, SignInPolicy, Token};
pub use error::AuthError;
pub use http::{Timeouts, http_client};
pub use source::{ClientSecret, CredentialSource};
pub use tenant::resolve_tenant;

pub(crate) use error::one_line;
pub(crate) use http::cause;
