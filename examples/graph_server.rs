//! Serves a folder of exported policies as Microsoft Graph would, for trying `sync` out by hand:
//! `cargo run --example graph_server -- fixtures/contoso --port 8080`.

#[expect(dead_code, reason = "the tests use more of the server than a person does")]
#[path = "../tests/it/support/graph_server.rs"]
mod graph_server;

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use graph_server::{CLIENT_ID, CLIENT_SECRET, GraphServer};

/// The demo tenant that the domain resolves to.
const TENANT: &str = "c0ffee00-0000-4000-8000-00000000c047";
const DOMAIN: &str = "contoso.onmicrosoft.com";

/// Serves a folder of exported policies as Microsoft Graph would.
#[derive(Parser)]
struct Args {
    /// Folder of policies, one sub-folder per kind
    folder: PathBuf,
    /// Port on loopback; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Delay of every answer in milliseconds
    #[arg(long, default_value_t = 0)]
    latency: u64,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what to export is this program's output")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let server = GraphServer::start_on(args.port).await?;
    let policies = server.add_folder(&args.folder, &[])?;
    server.domain(DOMAIN, TENANT);
    server.latency(Duration::from_millis(args.latency));
    println!("# {policies} policies of {DOMAIN}, until Ctrl-C");
    println!("export TENANTPILOT_AUTHORITY_URL={}", server.url());
    println!("export TENANTPILOT_GRAPH_URL={}", server.url());
    println!("export AZURE_AD_CLIENT_ID={CLIENT_ID}");
    println!("export AZURE_AD_CLIENT_SECRET='{CLIENT_SECRET}'");
    println!("# tenantpilot sync --tenant {DOMAIN}");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
