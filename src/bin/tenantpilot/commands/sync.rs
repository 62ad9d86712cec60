//! `sync`: any number of tenants, one summary.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use anyhow::ensure;
use futures_util::{StreamExt as _, stream};
use serde::Serialize as _;
use tenantpilot::{
    events::{Reporter, Silent},
    fixtures::Folder,
    policy::{SyncRequest, TenantId},
    report::SyncReport,
    store::Store,
    sync::{self, Graph, Source, Synced},
};
use tokio_util::sync::CancellationToken;

use super::{graph, signals, summary, tenants};
use crate::{
    cli::{self, Global, SyncArgs},
    errors,
    printer::Printer,
    progress::Progress,
    terminal::SafeJson,
};

/// Where all tenants of one call come from.
enum From {
    Folder(Folder),
    Graph(Box<Graph>),
}

pub(crate) async fn run(args: SyncArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let store = super::store(global)?;
    let from = match &args.fixtures {
        Some(folder) => {
            let one = args.tenant.len() == 1 && !args.all_tenants;
            ensure!(one, errors::Usage("`--fixtures` imports one tenant: name one `--tenant`".to_owned()));
            From::Folder(Folder::open(folder)?)
        }
        None => From::Graph(Box::new(graph::connect(&args.graph)?)),
    };
    let tenants = match &from {
        // a name of any text, in which a comma is nothing else
        From::Folder(_) => {
            args.tenant.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(TenantId::new).collect()
        }
        From::Graph(_) if args.all_tenants => tenants::known(&store).await?,
        From::Graph(_) => tenants::named(&args.tenant),
    };
    ensure!(args.all_tenants || !tenants.is_empty(), errors::Usage("the name of the tenant is empty".to_owned()));
    ensure!(!tenants.is_empty(), "the database knows no tenant of Microsoft Graph yet: name one with `--tenant`");

    let progress = printer.draws().then(|| Arc::new(Progress::new(tenants.len() > 1)));
    let reporter: Arc<dyn Reporter> = match &progress {
        Some(progress) => progress.clone(),
        None => Arc::new(Silent),
    };
    let stop = signals::stop_on_signal(printer.clone());
    let synced: Vec<Synced> = stream::iter(tenants)
        .map(|tenant| sync_one(tenant, &args, &from, &store, reporter.clone(), stop.clone()))
        .buffered(usize::from(args.parallel))
        .collect()
        .await;
    if let Some(progress) = progress {
        progress.clear();
    }
    conclude(synced, &args, printer)
}

async fn sync_one(
    tenant: TenantId,
    args: &SyncArgs,
    from: &From,
    store: &Store,
    reporter: Arc<dyn Reporter>,
    stop: CancellationToken,
) -> Synced {
    let request = SyncRequest {
        tenant,
        kinds: cli::kinds(&args.kind),
        trigger: "cli",
        job_id: None,
        script_content: args.script_content.into(),
        dry_run: args.dry_run,
        wait: args.wait,
    };
    let source = match from {
        From::Folder(folder) => Source::Folder(folder.clone()),
        From::Graph(graph) => Source::Graph(graph.clone()),
    };
    sync::run(request, source, store, reporter, stop, args.timeout).await
}

/// Tells what came of it, and the exit status.
fn conclude(synced: Vec<Synced>, args: &SyncArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (reports, failures): (Vec<_>, Vec<_>) = synced.into_iter().map(|synced| (synced.report, synced.error)).unzip();
    let report = SyncReport::of(reports, args.dry_run);
    let mut out = Printer::stdout();
    if args.json {
        report.serialize(&mut serde_json::Serializer::with_formatter(&mut out, SafeJson::default()))?;
        out.write_all(b"\n")?;
    } else if report.tenants.len() == 1 {
        if failures.iter().all(Option::is_none) {
            summary::of_kinds(&mut out, &report.tenants[0], args.dry_run)?;
        }
    } else {
        summary::of_tenants(&mut out, &report)?;
    }
    out.flush()?;
    let named = report.tenants.len() > 1;
    report.tenants.iter().for_each(|tenant| summary::problems(tenant, named, printer));
    let mut codes = Vec::new();
    for (tenant, failure) in report.tenants.iter().zip(failures) {
        codes.push(match failure {
            Some(error) => {
                let error = anyhow::Error::from(error);
                errors::tell(printer, named.then_some(&tenant.tenant_id), &error);
                errors::status(&error)
            }
            None => errors::of_report(tenant),
        });
    }
    Ok(errors::of_all(&codes))
}
