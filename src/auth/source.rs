//! What an app signs in with; a further way of signing in is one variant with its match arms here.

use std::{fmt, sync::Arc};

use azure_core::{
    credentials::{Secret, TokenCredential},
    http::ClientOptions,
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};

/// An app's id and its client secret.
#[derive(Clone)]
pub struct ClientSecret {
    client_id: String,
    secret: Secret,
}

impl ClientSecret {
    /// Wraps both; white space around them, as files end in it, is dropped.
    pub fn new(client_id: &str, secret: &str) -> Self {
        Self { client_id: client_id.trim().to_owned(), secret: Secret::new(secret.trim().to_owned()) }
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecret").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// How the app signs in, the same for every tenant.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CredentialSource {
    /// With a client secret.
    ClientSecret(ClientSecret),
}

impl CredentialSource {
    /// The app's id, where the way of signing in knows it.
    pub fn client_id(&self) -> &str {
        match self {
            Self::ClientSecret(app) => &app.client_id,
        }
    }

    /// The text that must never appear in a message.
    pub(super) fn secret(&self) -> &str {
        match self {
            Self::ClientSecret(app) => app.secret.secret(),
        }
    }

    pub(super) fn build(&self, tenant: &str, options: ClientOptions) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(match self {
            Self::ClientSecret(app) => ClientSecretCredential::new(
                tenant,
                app.client_id.clone(),
                app.secret.clone(),
                Some(ClientSecretCredentialOptions { client_options: options }),
            )?,
        })
    }
}
