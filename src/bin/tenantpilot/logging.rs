//! Log lines on stderr: none unless asked for, except warnings.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::cli::{Global, LogFormat};

/// Starts logging; `RUST_LOG` overrides `-v` and `-q`.
pub(crate) fn start(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "warn,tenantpilot=debug",
        (false, _) => "info,tenantpilot=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // a second start, which only tests could make, changes nothing
    let _ = match global.log_format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.try_init(),
    };
}
