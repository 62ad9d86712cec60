//! Log lines: on stderr, and none unless asked for, except warnings. A worker's lines are its output: as JSON they
//! go to stdout, and tell what it does.

use std::io::{self, IsTerminal as _};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter};

use crate::{
    cli::{Global, LogFormat},
    printer::Printer,
};

/// Lines that wait for a reader who stands still; further ones are dropped.
const LINES_WAITING: usize = 10_000;

/// The format asked for, or the command's own.
pub(crate) fn format(global: &Global, is_worker: bool) -> LogFormat {
    let for_programs = is_worker && !io::stdout().is_terminal();
    global.log_format.unwrap_or(if for_programs { LogFormat::Json } else { LogFormat::Text })
}

/// A stream that nobody waits for: a reader who stands still must not stop a worker.
pub(crate) fn unblocked(stream: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING).lossy(true).finish(stream)
}

/// Starts logging; `RUST_LOG` overrides `-v` and `-q`. What it gives back writes what is left when it is dropped.
pub(crate) fn start(global: &Global, printer: &Printer, is_worker: bool) -> Option<WorkerGuard> {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) if is_worker => "warn,tenantpilot=info",
        (false, 0) => "warn",
        (false, 1) => "warn,tenantpilot=debug",
        (false, _) => "info,tenantpilot=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let format = format(global, is_worker);
    let (writer, guard) = match (format, is_worker) {
        (_, false) => (BoxMakeWriter::new(io::stderr), None),
        (LogFormat::Json, true) => boxed(unblocked(io::stdout())),
        (LogFormat::Text, true) => boxed(unblocked(io::stderr())),
    };
    // which module speaks is of no use to who operates a worker
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(!is_worker);
    // a second start, which only tests could make, changes nothing
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(printer.is_coloured()).try_init(),
    };
    guard
}

fn boxed((writer, guard): (NonBlocking, WorkerGuard)) -> (BoxMakeWriter, Option<WorkerGuard>) {
    (BoxMakeWriter::new(writer), Some(guard))
}
