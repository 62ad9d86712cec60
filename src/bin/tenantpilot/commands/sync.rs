//! `sync`: one call, one summary.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use comfy_table::CellAlignment;
use serde::Serialize as _;
use tenantpilot::{
    events::{Reporter, Silent},
    fixtures::Folder,
    policy::{SyncRequest, TenantId},
    report::{Status, SyncReport, TenantReport},
    sync::{self, Source},
};
use tokio_util::sync::CancellationToken;

use super::inspect::output::table;
use crate::{
    cli::{self, Global, SyncArgs},
    errors,
    printer::Printer,
    progress::Progress,
    terminal::{SafeJson, one_line},
};

/// Problems that the summary for people names one by one.
const PROBLEMS_SHOWN: usize = 20;

pub(crate) async fn run(args: SyncArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let store = super::store(global)?;
    let folder = Folder::open(&args.fixtures)?;
    let request = SyncRequest {
        tenant: TenantId::new(args.tenant.trim()),
        kinds: cli::kinds(&args.kind),
        trigger: "cli",
        job_id: None,
        dry_run: args.dry_run,
        wait: args.wait,
    };
    let progress = printer.draws().then(|| Arc::new(Progress::new()));
    let reporter: Arc<dyn Reporter> = match &progress {
        Some(progress) => progress.clone(),
        None => Arc::new(Silent),
    };
    let stop = stop_on_ctrl_c(printer.clone());
    let synced = sync::run(request, Source::Folder(folder), &store, reporter, stop, args.timeout).await;
    if let Some(progress) = progress {
        progress.clear();
    }
    let report = SyncReport::of(vec![synced.report], args.dry_run);
    if args.json {
        let mut out = printer.stdout();
        report.serialize(&mut serde_json::Serializer::with_formatter(&mut out, SafeJson::default()))?;
        out.write_all(b"\n")?;
        out.flush()?;
    } else if synced.error.is_none() {
        let mut out = printer.stdout();
        for tenant in &report.tenants {
            write_summary(&mut out, tenant, args.dry_run)?;
        }
        out.flush()?;
    }
    report.tenants.iter().for_each(|tenant| note_problems(tenant, printer));
    match synced.error {
        Some(error) => Ok(errors::failed(printer, &error.into())),
        None => Ok(errors::of_status(report.status)),
    }
}

/// The first Ctrl-C or SIGTERM ends the run in order, the second at once.
fn stop_on_ctrl_c(printer: Printer) -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        interrupt().await;
        printer.note("stopping; once more to stop at once");
        token.cancel();
        interrupt().await;
        #[expect(clippy::exit, reason = "asked for by the second signal")]
        std::process::exit(130);
    });
    stop
}

async fn interrupt() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => (),
                _ = terminate.recv() => (),
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// The summary for people: a row for each kind, and the sums.
fn write_summary(out: &mut impl std::io::Write, tenant: &TenantReport, dry_run: bool) -> std::io::Result<()> {
    let mut shown = table(&["KIND", "STATUS", "POLICIES", "SETTINGS", "ADDED", "CHANGED", "REMOVED", "UNCHANGED"]);
    for kind in &tenant.kinds {
        let counts = [kind.policies, kind.settings, kind.added, kind.changed, kind.removed, kind.unchanged];
        let words = [kind.kind.to_owned(), kind.status.word().to_owned()];
        shown.add_row(words.into_iter().chain(counts.iter().map(ToString::to_string)));
    }
    let totals = &tenant.totals;
    let counts = [totals.policies, totals.settings, totals.added, totals.changed, totals.removed, totals.unchanged];
    let words = ["total".to_owned(), tenant.status.word().to_owned()];
    shown.add_row(words.into_iter().chain(counts.iter().map(ToString::to_string)));
    for column in 2..8 {
        if let Some(column) = shown.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "{shown}")?;
    let done = match (dry_run, tenant.status) {
        (true, _) => "would be synced",
        (_, Status::Interrupted) => "interrupted",
        _ => "synced",
    };
    let seconds = std::time::Duration::from_millis(tenant.duration_ms).as_secs_f64();
    writeln!(out, "{} {done} in {seconds:.1} s", one_line(tenant.tenant_id.as_str()))
}

/// What was not taken, and why; losses first.
fn note_problems(tenant: &TenantReport, printer: &Printer) {
    let (losses, others): (Vec<_>, Vec<_>) = tenant.problems.iter().partition(|problem| problem.is_loss());
    for problem in losses.iter().chain(&others).take(PROBLEMS_SHOWN) {
        let name = problem.policy_name.as_ref().map(|name| format!(" `{}`", one_line(name))).unwrap_or_default();
        let kind = problem.kind.map(|kind| format!("{kind} ")).unwrap_or_default();
        let place = problem.file.as_ref().unwrap_or(&problem.policy);
        let line = format!("{kind}{}{name}: {} ({})", one_line(place), problem.message, problem.code);
        if problem.is_loss() { printer.warning(&line) } else { printer.note(&format!("skipped: {line}")) }
    }
    let more = (tenant.problems.len().saturating_sub(PROBLEMS_SHOWN)) as u64 + tenant.more_problems;
    if more > 0 {
        printer.note(&format!("and {more} more; `--json` lists them"));
    }
    for kind in tenant.kinds.iter().filter(|kind| kind.error.is_some()) {
        if let Some(error) = &kind.error {
            printer.warning(&format!("{}: {}", kind.kind, error.message));
            if let Some(hint) = &error.hint {
                printer.hint(hint);
            }
        }
    }
}
