//! `inspect`: what the database holds, as tables for people, JSON for jq and CSV for spreadsheets.

mod filters;
mod kinds;
pub(crate) mod output;
mod overview;
mod records;
pub(crate) mod shorten;

use std::process::ExitCode;

use tenantpilot::{
    queue::Queue,
    store::{Filter, Session, StoreError},
};

use crate::{
    cli::{Global, InspectArgs, Subject},
    printer::Printer,
};
use output::Output;

/// Rows of a table, unless more are asked for.
const TABLE_ROWS: u32 = 200;

pub(crate) async fn run(args: InspectArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    filters::check(&args)?;
    match args.subject {
        Some(Subject::Queue) => {
            let queue = Queue::connect(&super::redis()?).await?;
            super::queue::status(&queue, output(&args, printer)).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Subject::Jobs) => {
            let queue = Queue::connect(&super::redis()?).await?;
            let tenants = super::tenants::named(&args.tenant);
            super::queue::jobs(&queue, args.id.as_deref(), &tenants, args.limit, output(&args, printer)).await?;
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
            Err(error) if args.subject == Some(Subject::Kinds) => {
                if !matches!(error, StoreError::Missing { .. }) {
                    printer.warning(&format!("{error}: when kinds were read is not known"));
                }
                return kinds::kinds(None, &filters::kinds(&args), output(&args, &printer));
            }
            opened => opened?,
        };
        let filter = filters::filter(&args, &mut session, &printer)?;
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
        Some(Subject::Tenants) => overview::tenants(session, filter, &mut output)?,
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
                let mut kinds = session.run_kinds(&run.run_id)?;
                kinds.retain(|kind| filter.kinds.is_empty() || filter.kinds.contains(&kind.policy_type));
                if !kinds.is_empty() || filter.kinds.is_empty() {
                    output.rows(&records::Run::new(run, kinds))?;
                }
            }
        }
        Some(Subject::Kinds) => return kinds::kinds(Some((session, filter)), &filter.kinds, output),
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
