//! `enqueue`: tenants onto the queue, and their jobs' ids at once.

use std::process::ExitCode;

use serde::Serialize;
use tenantpilot::{
    auth::AuthError,
    policy::TenantId,
    queue::{Enqueued, Priority, Queue, Request},
};

use super::{
    inspect::output::{Output, Record},
    tenants,
};
use crate::{
    cli::{self, EnqueueArgs, Global},
    errors,
    printer::Printer,
};

/// A job, as `enqueue --json` tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobRecord {
    job_id: String,
    tenant_id: TenantId,
    queue: &'static str,
    status: &'static str,
}

impl Record for JobRecord {
    const TITLES: &'static [&'static str] = &["TENANT", "JOB", "STATUS"];
    fn cells(&self) -> Vec<Vec<String>> {
        vec![vec![self.tenant_id.to_string(), self.job_id.clone(), self.status.to_owned()]]
    }
}

impl From<Enqueued> for JobRecord {
    fn from(enqueued: Enqueued) -> Self {
        let status = if enqueued.duplicate { "duplicate" } else { "enqueued" };
        Self { queue: enqueued.queue(), job_id: enqueued.job_id, tenant_id: enqueued.tenant, status }
    }
}

pub(crate) async fn run(args: EnqueueArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let url = super::redis()?;
    let mut codes = Vec::new();
    let asked = if args.all_tenants {
        tenants::known(&super::store(global)?).await?
    } else {
        tenants::directories(&args.tenant, |name| {
            let error = anyhow::Error::from(AuthError::NotATenant { name });
            errors::tell(printer, None, &error);
            codes.push(errors::status(&error));
        })
    };
    let named = !asked.is_empty() || !codes.is_empty();
    anyhow::ensure!(args.all_tenants || named, errors::Usage("the name of the tenant is empty".to_owned()));
    anyhow::ensure!(named, "the database knows no tenant of Microsoft Graph yet: name one with `--tenant`");
    let mut output = if args.json { Output::json(printer) } else { Output::table(printer, usize::MAX, false) };
    if !asked.is_empty() {
        let queue = Queue::connect(&url).await?;
        // one after the other, so that they stand in the queue as they were asked for
        let mut left = asked.len();
        for tenant in asked {
            left -= 1;
            match queue.enqueue(&request(tenant.clone(), &args)).await {
                Ok(enqueued) => {
                    output.row(&JobRecord::from(enqueued))?;
                    codes.push(0);
                }
                Err(error) => {
                    let nobody_there = error.is_connection();
                    let error = error.into();
                    errors::tell(printer, Some(&tenant), &error);
                    codes.push(errors::status(&error));
                    if nobody_there {
                        if left > 0 {
                            printer.warning(&format!("{left} more tenants were not enqueued"));
                        }
                        break;
                    }
                }
            }
        }
    }
    if args.json || codes.contains(&0) {
        output.finish()?;
    }
    Ok(errors::of_all(&codes))
}

fn request(tenant: TenantId, args: &EnqueueArgs) -> Request {
    let priority = match args.priority {
        cli::Priority::Normal => Priority::Normal,
        cli::Priority::High => Priority::High,
    };
    Request { tenant, kinds: cli::kinds(&args.kind), delay: args.delay, priority }
}
