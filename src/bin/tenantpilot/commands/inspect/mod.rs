//! `inspect`: what the database holds, as tables for people, JSON for jq and CSV for spreadsheets.

mod kinds;
pub(crate) mod output;
mod overview;
mod records;
pub(crate) mod shorten;

use std::process::ExitCode;

use tenantpilot::{
    queue::Queue,
    store::{Filter, Session},
};

use crate::{
    cli::{self, Global, InspectArgs, Subject},
    printer::Printer,
};
use output::Output;

/// Rows of a table, unless more are asked for.
const TABLE_ROWS: u32 = 200;

pub(crate) async fn run(args: InspectArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    match args.subject {
        Some(Subject::Queue) => {
            let queue = Queue::connect(&super::redis()?).await?;
            super::queue::status(&queue, output(&args, printer)).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Subject::Jobs) => {
            let queue = Queue::connect(&super::redis()?).await?;
            super::queue::jobs(&queue, args.id.as_deref(), args.limit, output(&args, printer)).await?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let printer = printer.clone();
    let store = super::store(global)?;
    // the database is read on a thread that may block
    tokio::task::spawn_blocking(move || {
        let mut session = match store.open_read_only() {
            // the registry is there without a database
            Err(_) if args.subject == Some(Subject::Kinds) => return kinds::kinds(None, output(&args, &printer)),
            opened => opened?,
        };
        let filter = filter(&args, &mut session, &printer)?;
        show(&args, &filter, &mut session, &store.url().to_string(), &printer)
    })
    .await??;
    Ok(ExitCode::SUCCESS)
}

fn show(
    args: &InspectArgs,
    filter: &Filter,
    session: &mut Session,
    database: &str,
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut output = output(args, printer);
    match args.subject {
        None => return overview::overview(session, filter, database, output),
        Some(Subject::Tenants) => session.tenants(filter, &mut |row| output.row(&records::Tenant::from(row)))?,
        Some(Subject::Policies) => session.policies(filter, &mut |row| output.row(&records::Policy::from(row)))?,
        Some(Subject::Settings) => session.settings(filter, &mut |row| output.row(&records::Setting::from(row)))?,
        Some(Subject::Assignments) => {
            session.assignments(filter, &mut |row| output.row(&records::Assignment::from(row)))?;
        }
        Some(Subject::Changes) => session.changes(filter, &mut |row| output.row(&records::Change::from(row)))?,
        Some(Subject::Runs) => {
            let mut runs = Vec::new();
            session.runs(filter, &mut |row| {
                runs.push(row);
                Ok(())
            })?;
            for run in runs {
                let kinds = session.run_kinds(&run.run_id)?;
                output.rows(&records::Run::new(run, kinds))?;
            }
        }
        Some(Subject::Kinds) => return kinds::kinds(Some((session, filter)), output),
        // these are not in the database
        Some(Subject::Queue | Subject::Jobs) => {}
    }
    output.finish()?;
    Ok(())
}

fn output(args: &InspectArgs, printer: &Printer) -> Output {
    let limit = args.limit.unwrap_or(TABLE_ROWS) as usize;
    match (args.json, args.csv) {
        (true, _) => Output::json(printer),
        (_, true) => Output::csv(printer),
        _ => Output::table(printer, limit, args.limit.is_none()),
    }
}

fn filter(args: &InspectArgs, session: &mut Session, printer: &Printer) -> anyhow::Result<Filter> {
    let mut filter = Filter {
        kinds: if args.kind.iter().any(|kind| kind == "all") {
            Vec::new()
        } else {
            cli::kinds(&args.kind).unwrap_or_default()
        },
        policy: args.policy.clone(),
        search: args.search.clone().filter(|text| !text.is_empty()),
        since: args.since,
        // one more than a table shows, to tell that there is more
        limit: match (args.limit, args.json || args.csv) {
            (Some(limit), _) => Some(i64::from(limit)),
            (None, true) => None,
            (None, false) => Some(i64::from(TABLE_ROWS) + 1),
        },
        all: args.all || args.json || args.csv,
        ..Filter::default()
    };
    // rows stay in JSON and CSV; policies that are gone are shown to nobody who does not ask
    if matches!(args.subject, Some(Subject::Policies)) {
        filter.all = args.all;
    }
    if !args.tenant.is_empty() {
        let asked: Vec<String> =
            args.tenant.iter().map(|name| tenantpilot::policy::TenantId::new(name.trim()).to_string()).collect();
        let mut unknown: Vec<&str> = asked.iter().map(String::as_str).collect();
        session.tenants(&Filter::default(), &mut |row| {
            let names = [Some(&row.tenant_id), row.domain.as_ref(), row.display_name.as_ref()];
            let is_own = |name: &str| names.iter().flatten().any(|own| own.eq_ignore_ascii_case(name));
            unknown.retain(|name| !is_own(name));
            if asked.iter().any(|name| is_own(name)) {
                filter.tenants.push(row.tenant_id);
            }
            Ok(())
        })?;
        for name in unknown {
            printer.warning(&format!("no tenant `{name}` in this database; `tenantpilot inspect tenants` lists them"));
        }
        // an empty list would be all of them
        if filter.tenants.is_empty() {
            filter.tenants = asked;
        }
    }
    Ok(filter)
}
