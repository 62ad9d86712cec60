//! From an error to what the user reads and the exit status: the library says what, this says what to do.

use std::{io, process::ExitCode};

use tenantpilot::{
    auth::{AuthError, EndpointError},
    definitions::ImportError,
    fixtures::FixturesError,
    policy::TenantId,
    queue::{QueueError, RedisUrlError},
    report::{Status, TenantReport},
    store::{DatabaseUrlError, StoreError},
    sync::SyncError,
    worker::ServeError,
};

use crate::{commands::graph::NoCredentials, printer::Printer, terminal::one_line};

/// Nothing done.
pub(crate) const FAILED: u8 = 1;
/// Wrong flags or configuration.
const USAGE: u8 = 2;
/// Done in part.
const PARTIAL: u8 = 3;
/// Sign-in refused, for every tenant asked for.
const SIGN_IN: u8 = 4;
/// As a shell reports a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// What clap has to say: help on stdout, errors on stderr.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // nobody is left to tell when the stream is gone
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Flags that do not go together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Tells an error, and its exit status.
pub(crate) fn failed(printer: &Printer, error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    tell(printer, None, error);
    ExitCode::from(status(error))
}

/// Tells an error, of one tenant among several.
pub(crate) fn tell(printer: &Printer, tenant: Option<&TenantId>, error: &anyhow::Error) {
    // the library's messages name their causes already
    let mut told = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    match tenant {
        Some(tenant) => printer.error(&format!("{}: {told}", one_line(tenant.as_str()))),
        None => printer.error(&told),
    }
    if let Some(hint) = hint(error) {
        printer.hint(&hint);
    }
}

/// The exit status of an error.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    if sign_in_error(error).is_some_and(|error| matches!(error, AuthError::NotATenant { .. }))
        || is_configuration(error)
    {
        USAGE
    } else if sign_in_error(error).is_some_and(|error| error.code() == "sign_in") {
        SIGN_IN
    } else {
        FAILED
    }
}

/// The exit status of a tenant's summary.
pub(crate) fn of_report(report: &TenantReport) -> u8 {
    match report.status {
        Status::Succeeded | Status::Skipped => 0,
        Status::Partial => PARTIAL,
        Status::Failed if report.error.as_ref().is_some_and(|error| matches!(error.code, "sign_in" | "forbidden")) => {
            SIGN_IN
        }
        Status::Failed => FAILED,
        Status::Interrupted => INTERRUPTED,
    }
}

/// One status for all tenants: their common one, else "in part".
pub(crate) fn of_all(codes: &[u8]) -> ExitCode {
    let first = codes.first().copied().unwrap_or_default();
    ExitCode::from(if codes.contains(&INTERRUPTED) {
        INTERRUPTED
    } else if codes.iter().all(|code| *code == first) {
        first
    } else if codes.iter().all(|code| matches!(*code, FAILED | USAGE | SIGN_IN)) {
        FAILED
    } else {
        PARTIAL
    })
}

fn sign_in_error(error: &anyhow::Error) -> Option<&AuthError> {
    error.chain().find_map(|cause| {
        cause.downcast_ref::<AuthError>().or_else(|| match cause.downcast_ref::<SyncError>() {
            Some(SyncError::SignIn(error)) => Some(error),
            _ => None,
        })
    })
}

fn store_error(error: &anyhow::Error) -> Option<&StoreError> {
    error.chain().find_map(|cause| {
        cause.downcast_ref::<StoreError>().or_else(|| match cause.downcast_ref::<SyncError>() {
            Some(SyncError::Store(error)) => Some(error),
            _ => None,
        })
    })
}

/// A reader that has seen enough, as `head` has, is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    matches!(store_error(error), Some(StoreError::Sink(error)) if broken(error))
        || error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(broken))
}

fn is_configuration(error: &anyhow::Error) -> bool {
    let configures = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<DatabaseUrlError>()
            || cause.is::<FixturesError>()
            || cause.is::<ImportError>()
            || cause.is::<EndpointError>()
            || cause.is::<RedisUrlError>()
            || cause.is::<NoCredentials>()
            || cause.is::<Usage>()
            || matches!(cause.downcast_ref(), Some(SyncError::TenantName { .. }))
    };
    error.chain().any(configures) || matches!(store_error(error), Some(StoreError::SchemaName { .. }))
}

/// What to do.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    if error.chain().any(<dyn std::error::Error + 'static>::is::<DatabaseUrlError>) {
        return Some("check DATABASE_URL or --database-url".to_owned());
    }
    if error.chain().any(<dyn std::error::Error + 'static>::is::<FixturesError>) {
        return Some("name a folder with policies exported as JSON, e.g. `--fixtures fixtures/contoso`".to_owned());
    }
    if let Some(error) = error.chain().find_map(|cause| cause.downcast_ref::<ImportError>()) {
        return import_hint(error);
    }
    if error.chain().any(<dyn std::error::Error + 'static>::is::<NoCredentials>) {
        return Some(
            "set AZURE_AD_CLIENT_ID and AZURE_AD_CLIENT_SECRET (or AZURE_AD_CLIENT_SECRET_FILE), \
             or import exported policies with `--fixtures`"
                .to_owned(),
        );
    }
    if error.chain().any(<dyn std::error::Error>::is::<EndpointError>) {
        return Some("check TENANTPILOT_GRAPH_URL and TENANTPILOT_AUTHORITY_URL".to_owned());
    }
    if error.chain().any(<dyn std::error::Error>::is::<RedisUrlError>) {
        return Some("check REDIS_URL".to_owned());
    }
    if let Some(error) = error.chain().find_map(|cause| cause.downcast_ref::<QueueError>()) {
        return queue_hint(error);
    }
    if error.chain().any(<dyn std::error::Error>::is::<ServeError>) {
        return Some("name another address with `--health-addr`, or `off`".to_owned());
    }
    if let Some(error) = sign_in_error(error) {
        return Some(error.hint());
    }
    store_error(error).and_then(store_hint)
}

fn queue_hint(error: &QueueError) -> Option<String> {
    Some(
        match error {
            QueueError::Unreachable { .. } => "check REDIS_URL, and that the server is running",
            QueueError::Refused { .. } => "check the user and the password in REDIS_URL",
            QueueError::TooOld { .. } => "upgrade Redis to 6.2 or newer",
            QueueError::Full { .. } => "let workers drain the queue, or raise `maxmemory` of Redis",
            QueueError::UnknownJob { .. } => "`tenantpilot queue list` shows the jobs there are",
            QueueError::NoJob { .. } => "`tenantpilot queue drop` takes it away",
            QueueError::Running { .. } => "wait for it to end, or stop the worker",
            _ => return None,
        }
        .to_owned(),
    )
}

fn import_hint(error: &ImportError) -> Option<String> {
    let expected = "expected what Graph answers to GET /deviceManagement/configurationSettings (all pages in one list), \
                    or an object such as {\"<definition id>\": \"<name>\"}";
    matches!(error, ImportError::Json { .. } | ImportError::Shape { .. }).then(|| expected.to_owned())
}

fn store_hint(error: &StoreError) -> Option<String> {
    Some(match error {
        StoreError::Connect { reason, .. } if reason.contains("password") || reason.contains("authentication") => {
            "check the user and the password in DATABASE_URL".to_owned()
        }
        StoreError::Connect { database, .. } if database.starts_with("postgres") => {
            "check host, port, database and sslmode in DATABASE_URL, and that the server is running".to_owned()
        }
        StoreError::Connect { .. } => "check the path in DATABASE_URL and that it may be read and written".to_owned(),
        StoreError::Missing { .. } | StoreError::NotMigrated { .. } => {
            "run `tenantpilot sync` first, or name another database with DATABASE_URL".to_owned()
        }
        StoreError::Foreign { schema_helps: true, .. } => {
            "set DATABASE_SCHEMA to the name of another schema of that database; it is made if it is not there"
                .to_owned()
        }
        StoreError::Foreign { .. } => "name another file with DATABASE_URL".to_owned(),
        StoreError::Newer { .. } => "install the newer version of tenantpilot".to_owned(),
        StoreError::NoAnswer { .. } => {
            "look for what keeps it: a server that hangs, or a session that has locked the tables; `--timeout` gives it longer"
                .to_owned()
        }
        StoreError::Locked { .. } => "wait for it to end, or use `--wait`".to_owned(),
        StoreError::Query { source, .. } if source.to_string().contains("readonly") => {
            "the database is read-only: check its permissions".to_owned()
        }
        error if error.is_lost() => {
            "check that the database server is running, and sync again: what was written before is kept".to_owned()
        }
        _ => return None,
    })
}
