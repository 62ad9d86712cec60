//! What the tests share: servers, the program itself, and clients of the Graph server.

pub(crate) mod cli;
pub(crate) mod database;
pub(crate) mod export;
pub(crate) mod graph_server;
pub(crate) mod leaves;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod worker_process;

use std::{sync::Arc, time::Duration};

use tenantpilot::{
    auth::{self, ClientSecret, Cloud, Credential, CredentialSource, Endpoints, Timeouts},
    graph::{Client, Options, RetryPolicy},
    policy::TenantId,
};
use tokio::runtime::Runtime;

use graph_server::{CLIENT_ID, CLIENT_SECRET, GraphServer};

/// The tenant of tests that need only one.
pub(crate) const TENANT: &str = "aaaaaaaa-1111-4111-8111-aaaaaaaaaaaa";

/// The domain of [`TENANT`].
pub(crate) const DOMAIN: &str = "contoso.onmicrosoft.com";

/// A server that knows [`DOMAIN`], and answers on threads of its own while the test waits for the program.
pub(crate) fn server_on_threads() -> (Runtime, GraphServer) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let server = runtime.block_on(GraphServer::start());
    server.domain(DOMAIN, TENANT);
    (runtime, server)
}

/// An HTTP client for loopback.
pub(crate) fn http() -> reqwest::Client {
    http_with(Duration::from_secs(10))
}

/// An HTTP client that gives an answer up after that long.
pub(crate) fn http_with(read: Duration) -> reqwest::Client {
    let timeouts = Timeouts { connect: Duration::from_secs(2), read };
    auth::http_client(&endpoints("http://127.0.0.1:1"), timeouts).unwrap()
}

/// Authority and Graph at one URL.
pub(crate) fn endpoints(url: &str) -> Endpoints {
    Endpoints::new(Cloud::Public, Some(url), Some(url)).unwrap()
}

/// The server's app, with a secret of the test's choice.
pub(crate) fn credential_with(url: &str, secret: &str) -> Credential {
    let source = CredentialSource::ClientSecret(ClientSecret::new(CLIENT_ID, secret));
    Credential::new(http(), endpoints(url), TenantId::new(TENANT), source)
}

/// The server's app.
pub(crate) fn credential(server: &GraphServer) -> Credential {
    credential_with(server.url(), CLIENT_SECRET)
}

/// A client without pace and backoff.
pub(crate) fn client(server: &GraphServer) -> Client {
    client_with(server, options())
}

/// Options without pace and backoff.
pub(crate) fn options() -> Options {
    Options { rate: 0, retry: RetryPolicy::immediate(), ..Options::default() }
}

/// A client with other options.
pub(crate) fn client_with(server: &GraphServer, options: Options) -> Client {
    let graph = endpoints(server.url()).graph().clone();
    Client::new(http(), graph, Arc::new(credential(server)), options)
}
