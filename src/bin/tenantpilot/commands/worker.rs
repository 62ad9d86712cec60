//! `worker`: syncs the tenants of the queue until it is stopped.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::{Context as _, ensure};
use tenantpilot::{
    store::{Store, StoreError},
    worker::{self, Options, Tally, TenantSync, Worker},
};
use tokio_util::sync::CancellationToken;

use super::{graph, signals};
use crate::{
    cli::{Global, WorkerArgs},
    errors,
    job_log::JobLog,
    logging,
    printer::Printer,
};

/// Where health and metrics are served, if nobody says otherwise and nobody else is there.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9464";

/// Health and metrics are not served.
const OFF: &str = "off";

pub(crate) async fn run(args: WorkerArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let url = super::redis()?;
    let store = super::store(global)?;
    let graph = graph::connect(&args.graph)?;
    let stop = signals::stop_on_signal(printer.clone());
    tokio::select! {
        checked = check(&store) => checked?,
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
    }
    let log = Arc::new(JobLog::new(logging::format(global, true), global.quiet));
    let options = Options {
        concurrency: usize::from(args.concurrency),
        drain: args.drain,
        shutdown_timeout: args.shutdown_timeout,
        ..Options::default()
    };
    let worker = Worker::new(url, options, log.clone());
    let over = CancellationToken::new();
    let _over = over.clone().drop_guard();
    serve(&args, &worker, over).await?;
    let sync = TenantSync {
        graph,
        store,
        script_content: args.script_content.into(),
        longest: args.timeout,
        reporter: log,
        ready: worker.ready().clone(),
    };
    let tally = worker.run(move |job, stop| sync.clone().run(job, stop), stop).await;
    Ok(if args.drain { of_drained(tally) } else { ExitCode::SUCCESS })
}

/// Migrates the database. One that cannot be reached may come; one that cannot be used never will.
async fn check(store: &Store) -> anyhow::Result<()> {
    let store = store.clone();
    match tokio::task::spawn_blocking(move || store.open().map(drop)).await? {
        Err(error @ StoreError::Connect { .. }) => {
            tracing::warn!(%error, "the database cannot be reached yet: jobs wait until it can");
            Ok(())
        }
        opened => Ok(opened?),
    }
}

async fn serve(args: &WorkerArgs, worker: &Worker, over: CancellationToken) -> anyhow::Result<()> {
    let asked = args.health_addr.as_deref().map(str::trim).filter(|address| !address.is_empty());
    if asked == Some(OFF) {
        return Ok(());
    }
    let address = asked.unwrap_or(DEFAULT_ADDRESS);
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    ensure!(port.is_some(), errors::Usage("`--health-addr` is no address: use `HOST:PORT` or `off`".to_owned()));
    let found = tokio::net::lookup_host(address).await.ok().and_then(|mut found| found.next());
    // a name may be found later
    let resolved: SocketAddr = found.with_context(|| format!("the host of `--health-addr {address}` is not found"))?;
    let listener = match worker::bind(resolved).await {
        Ok(listener) => listener,
        Err(error) if asked.is_some() => return Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "health and metrics are not served; `--health-addr` names another address");
            return Ok(());
        }
    };
    tracing::info!(address = %listener.local_addr()?, "serving health and metrics");
    let worker = worker.clone();
    tokio::spawn(async move {
        if let Err(error) = worker::serve(listener, &worker, over).await {
            tracing::error!(%error, "health and metrics are served no longer");
        }
    });
    Ok(())
}

/// The exit status of a worker that has drained the queue.
fn of_drained(tally: Tally) -> ExitCode {
    let codes = [(tally.completed, 0), (tally.failed, errors::FAILED)];
    errors::of_all(&codes.into_iter().filter(|(jobs, _)| *jobs > 0).map(|(_, code)| code).collect::<Vec<_>>())
}
