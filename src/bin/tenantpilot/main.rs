//! The command line of `tenantpilot`.

mod cli;
mod commands;
mod env;
mod errors;
mod job_log;
mod logging;
mod printer;
mod progress;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

/// Gives memory back sooner than the allocator of glibc: `.cargo/config.toml` says how soon.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return errors::usage(&error),
    };
    let printer = printer::Printer::new(&cli.global);
    let _lines = logging::start(&cli.global, &printer, matches!(cli.command, cli::Command::Worker(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return errors::failed(&printer, &error.into()),
    };
    let done = runtime.block_on(commands::run(cli, &printer));
    // a thread that waits for a database that hangs must not keep the process
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(error) => errors::failed(&printer, &error),
    }
}
