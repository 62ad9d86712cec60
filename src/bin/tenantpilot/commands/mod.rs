//! One file for each command.

mod definitions;
mod enqueue;
pub(crate) mod graph;
mod inspect;
mod manual;
mod queue;
mod signals;
mod summary;
mod sync;
mod tenants;
mod worker;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use tenantpilot::{
    queue::RedisUrl,
    store::{DatabaseUrl, Store},
};

use crate::{
    cli::{Cli, Command, Global},
    env,
    printer::Printer,
};

/// Where the queue is, if nobody says otherwise.
const DEFAULT_REDIS: &str = "redis://127.0.0.1:6379";

/// Runs the command.
pub(crate) async fn run(cli: Cli, printer: &Printer) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Sync(args) => sync::run(args, &cli.global, printer).await,
        Command::Enqueue(args) => enqueue::run(args, &cli.global, printer).await,
        // boxed, since it is the largest by far
        Command::Worker(args) => Box::pin(worker::run(args, &cli.global, printer)).await,
        Command::Queue { command } => queue::run(command, printer).await,
        Command::Definitions(args) => definitions::run(args, &cli.global, printer).await,
        Command::Inspect(args) => inspect::run(args, &cli.global, printer).await,
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::pages(folder),
    }
}

/// The database that flags and environment name.
fn store(global: &Global) -> anyhow::Result<Store> {
    // an empty variable says nothing; a blank one is a mistake, and must not lead to the default database
    let address = match global.database_url.as_ref().filter(|address| !address.is_empty()) {
        Some(address) => address.clone(),
        None => match env::secret(env::DATABASE_URL)? {
            Some(address) => address,
            None => default_database()?.to_string_lossy().into_owned(),
        },
    };
    Ok(Store::new(DatabaseUrl::parse(&address)?, global.database_schema.as_deref().filter(|name| !name.is_empty()))?)
}

/// The queue that the environment names.
fn redis() -> anyhow::Result<RedisUrl> {
    let address = env::secret(env::REDIS_URL)?.unwrap_or_else(|| DEFAULT_REDIS.to_owned());
    Ok(RedisUrl::parse(&address)?)
}

/// `tenantpilot.db` where the platform keeps a user's data.
fn default_database() -> anyhow::Result<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "tenantpilot")
        .context("there is no home folder for the default database: set DATABASE_URL")?;
    Ok(folders.data_dir().join("tenantpilot.db"))
}
