//! Flags and environment to a way to Microsoft Graph.

use tenantpilot::{
    auth::{self, ClientSecret, Cloud, CredentialSource, Endpoints, Timeouts},
    graph::Options,
    sync::Graph,
};

use crate::{
    cli::{Auth, GraphArgs},
    env,
};

/// The environment lacks what the app signs in with.
#[derive(Debug, thiserror::Error)]
#[error("no credentials: {missing} is not set")]
pub(crate) struct NoCredentials {
    missing: String,
}

/// How to reach Graph.
pub(crate) fn connect(args: &GraphArgs) -> anyhow::Result<Graph> {
    let cloud: Cloud = args.cloud.parse()?;
    let url = |name| std::env::var(name).ok().filter(|url| !url.trim().is_empty());
    let (authority, graph) = (url(env::AUTHORITY_URL), url(env::GRAPH_URL));
    let endpoints = Endpoints::new(cloud, authority.as_deref(), graph.as_deref())?;
    let credentials = match args.auth {
        Auth::Secret => {
            let required = |names: [&str; 2]| -> anyhow::Result<String> {
                Ok(env::first_secret(names)?.ok_or_else(|| NoCredentials { missing: names[0].to_owned() })?)
            };
            let (client_id, secret) = (required(env::CLIENT_ID)?, required(env::CLIENT_SECRET)?);
            CredentialSource::ClientSecret(ClientSecret::new(&client_id, &secret))
        }
    };
    let http = auth::http_client(&endpoints, Timeouts::default())?;
    Ok(Graph { http, endpoints, credentials, options: Options { rate: args.graph_rate, ..Options::default() } })
}
