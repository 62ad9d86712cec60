//! Flags: every one has an environment name, and none holds a secret of its own.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use chrono::NaiveDateTime;
use clap::{
    Args, CommandFactory as _, Parser, Subcommand, ValueEnum,
    builder::{BoolishValueParser, PossibleValuesParser},
};
use tenantpilot::{auth::Cloud, registry::POLICY_KINDS};

/// Microsoft Intune tenants as SQL rows: one readable row per setting of every policy, with the history of
/// what changed
#[derive(Debug, Parser)]
#[command(name = "tenantpilot", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of all commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Database: postgres://…, sqlite:PATH or a path; `DATABASE_URL_FILE` may name a file with it [default:
    /// tenantpilot.db in the user's data folder]
    #[arg(long, global = true, env = crate::env::DATABASE_URL, hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// PostgreSQL schema, where it is not the server's default
    #[arg(long, global = true, env = crate::env::DATABASE_SCHEMA, value_name = "NAME")]
    pub(crate) database_schema: Option<String>,
    /// Log lines as text or JSON [default: text; of `worker` JSON, unless it runs on a terminal]
    #[arg(long, global = true, env = "TENANTPILOT_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
    /// Log more; twice for everything
    #[arg(short, long, global = true, env = "TENANTPILOT_VERBOSE", action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Print data, warnings and errors alone
    #[arg(short, long, global = true, env = "TENANTPILOT_QUIET", value_parser = BoolishValueParser::new())]
    pub(crate) quiet: bool,
    /// Colours; `NO_COLOR` is honoured
    #[arg(long, global = true, env = "TENANTPILOT_COLOR", value_enum, default_value = "auto")]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// The longest time that anything may take or be put off.
const LONGEST_SPAN: Duration = Duration::from_hours(30 * 24);

/// What the commands of the queue have to know, and no flag holds.
const QUEUE: &str =
    "The queue is at REDIS_URL [default: redis://127.0.0.1:6379]; REDIS_URL_FILE may name a file with it";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a tenant's policies and bring the database up to date
    Sync(SyncArgs),
    /// Put tenants on the queue, for workers to sync
    #[command(after_help = QUEUE)]
    Enqueue(EnqueueArgs),
    /// Take tenants from the queue and sync them, until it is stopped
    #[command(after_help = QUEUE)]
    Worker(WorkerArgs),
    /// See and steer the queue
    #[command(after_help = QUEUE)]
    Queue {
        /// What to do
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Show what the database and the queue hold
    Inspect(InspectArgs),
    /// Official names of settings: read a file of them, or show how many are known
    Definitions(DefinitionsArgs),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command into a folder
    Man {
        /// Folder for the pages
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("tenants").required(true).multiple(true).args(["tenant", "all_tenants"]))]
pub(crate) struct SyncArgs {
    /// Tenant, by id or domain; with --fixtures any name that the database shall know it by. May be repeated
    #[arg(long, env = "TENANTPILOT_TENANT", value_name = "ID")]
    pub(crate) tenant: Vec<String>,
    /// All tenants of Microsoft Graph that the database knows, whatever --tenant says
    #[arg(long, env = "TENANTPILOT_ALL_TENANTS", value_parser = BoolishValueParser::new())]
    pub(crate) all_tenants: bool,
    /// Import exported policies from this folder instead of asking Microsoft Graph
    #[arg(long, env = "TENANTPILOT_FIXTURES", value_name = "FOLDER")]
    pub(crate) fixtures: Option<PathBuf>,
    /// Kinds to read, or `all` [default: the default kinds of `inspect kinds`, from a folder all it holds]
    #[arg(long, env = "TENANTPILOT_KIND", value_name = "SLUG,…", value_delimiter = ',', value_parser = kind_parser())]
    pub(crate) kind: Vec<String>,
    /// Keep the text of scripts, or only their hash
    #[arg(long, env = "TENANTPILOT_SCRIPT_CONTENT", value_enum, default_value = "full")]
    pub(crate) script_content: ScriptContent,
    /// Tenants that are synced side by side
    #[arg(long, env = "TENANTPILOT_PARALLEL", value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) parallel: u16,
    /// Write nothing, and tell what would change
    #[arg(long, env = "TENANTPILOT_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub(crate) dry_run: bool,
    /// Wait for another sync of the tenant to end, instead of failing
    #[arg(long, env = "TENANTPILOT_WAIT", value_parser = BoolishValueParser::new())]
    pub(crate) wait: bool,
    /// Longest time for a tenant
    #[arg(long, env = "TENANTPILOT_TIMEOUT", value_name = "TIME", default_value = "1h", value_parser = span)]
    pub(crate) timeout: Duration,
    /// Print the summary as JSON
    #[arg(long, env = "TENANTPILOT_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) graph: GraphArgs,
}

#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("tenants").required(true).multiple(true).args(["tenant", "all_tenants"]))]
pub(crate) struct EnqueueArgs {
    /// Tenant, by id or domain. May be repeated
    #[arg(long, env = "TENANTPILOT_TENANT", value_name = "ID", value_delimiter = ',')]
    pub(crate) tenant: Vec<String>,
    /// All tenants of Microsoft Graph that the database knows, whatever --tenant says
    #[arg(long, env = "TENANTPILOT_ALL_TENANTS", value_parser = BoolishValueParser::new())]
    pub(crate) all_tenants: bool,
    /// Kinds to read, or `all` [default: the default kinds of `inspect kinds`]
    #[arg(long, env = "TENANTPILOT_KIND", value_name = "SLUG,…", value_delimiter = ',', value_parser = kind_parser())]
    pub(crate) kind: Vec<String>,
    /// Not before this time has passed
    #[arg(long, env = "TENANTPILOT_DELAY", value_name = "TIME", default_value = "0s", value_parser = span)]
    pub(crate) delay: Duration,
    /// Behind all others, or before them
    #[arg(long, env = "TENANTPILOT_PRIORITY", value_enum, default_value = "normal")]
    pub(crate) priority: Priority,
    /// Print the jobs as JSON
    #[arg(long, env = "TENANTPILOT_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Priority {
    /// Behind all that wait
    Normal,
    /// Taken next
    High,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct WorkerArgs {
    /// Tenants that are synced side by side
    #[arg(long, env = "TENANTPILOT_CONCURRENCY", value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrency: u16,
    /// Where health and metrics are served, or `off` [default: 127.0.0.1:9464, where that is free]
    #[arg(long, env = "TENANTPILOT_HEALTH_ADDR", value_name = "HOST:PORT")]
    pub(crate) health_addr: Option<String>,
    /// End when nothing waits, runs or is delayed
    #[arg(long, env = "TENANTPILOT_DRAIN", value_parser = BoolishValueParser::new())]
    pub(crate) drain: bool,
    /// How long jobs may go on after SIGTERM or Ctrl-C, before they are given back
    #[arg(long, env = "TENANTPILOT_SHUTDOWN_TIMEOUT", value_name = "TIME", default_value = "30s", value_parser = span)]
    pub(crate) shutdown_timeout: Duration,
    /// Longest time for a tenant
    #[arg(long, env = "TENANTPILOT_TIMEOUT", value_name = "TIME", default_value = "1h", value_parser = span)]
    pub(crate) timeout: Duration,
    /// Keep the text of scripts, or only their hash
    #[arg(long, env = "TENANTPILOT_SCRIPT_CONTENT", value_enum, default_value = "full")]
    pub(crate) script_content: ScriptContent,
    #[command(flatten)]
    pub(crate) graph: GraphArgs,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum QueueCommand {
    /// The queue in numbers, and its workers
    Status(QueueOutput),
    /// Jobs that run, wait, are delayed or dead, and the last outcomes
    List {
        /// At most so many of each state [default for tables: 200]
        #[arg(long, env = "TENANTPILOT_LIMIT", value_name = "N")]
        limit: Option<u32>,
        #[command(flatten)]
        output: QueueOutput,
    },
    /// Put a dead job back into the queue, as if it were new
    Retry(QueueJob),
    /// Take a job out of the queue that waits or is dead
    Drop(QueueJob),
    /// Let workers take nothing new
    Pause(QueueOutput),
    /// Let workers take jobs again
    Resume(QueueOutput),
    /// Forget the dead jobs
    ClearDead(QueueOutput),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct QueueJob {
    /// The job's id
    #[arg(value_name = "JOB")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) output: QueueOutput,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct QueueOutput {
    /// Print JSON
    #[arg(long, env = "TENANTPILOT_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DefinitionsArgs {
    #[command(subcommand)]
    pub(crate) action: DefinitionsAction,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DefinitionsAction {
    /// Read official names from a file, for all tenants; they take effect at each tenant's next sync
    Import {
        /// JSON: what /deviceManagement/configurationSettings answers, a list of definitions, or an object of names
        /// by definition id
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON
        #[arg(long, env = "TENANTPILOT_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Show how many official names are known, and how many settings lack one
    Status {
        /// Print JSON
        #[arg(long, env = "TENANTPILOT_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScriptContent {
    Full,
    Hash,
}

impl From<ScriptContent> for tenantpilot::policy::ScriptContent {
    fn from(kept: ScriptContent) -> Self {
        match kept {
            ScriptContent::Full => Self::Full,
            ScriptContent::Hash => Self::Hash,
        }
    }
}

/// Flags of everything that asks Microsoft Graph.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Microsoft Graph")]
pub(crate) struct GraphArgs {
    /// Microsoft's cloud that the tenants are in
    #[arg(long, env = "TENANTPILOT_CLOUD", value_parser = PossibleValuesParser::new(Cloud::ALL.iter().map(|cloud| cloud.as_str())), default_value = "public")]
    pub(crate) cloud: String,
    /// How the app signs in: with its secret, from `AZURE_AD_CLIENT_ID` and `AZURE_AD_CLIENT_SECRET`
    #[arg(long, env = "TENANTPILOT_AUTH", value_enum, default_value = "secret")]
    pub(crate) auth: Auth,
    /// Requests per 20 seconds that a tenant is sent at most; 0 is no limit
    #[arg(long, env = "TENANTPILOT_GRAPH_RATE", value_name = "N", default_value = "500")]
    pub(crate) graph_rate: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Client secret
    Secret,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct InspectArgs {
    /// What to show [default: an overview of all tenants]
    #[arg(value_enum)]
    pub(crate) subject: Option<Subject>,
    /// Only these tenants, by id, domain or name; of jobs as they were put on the queue
    #[arg(long, env = "TENANTPILOT_TENANT", value_name = "ID")]
    pub(crate) tenant: Vec<String>,
    /// Only these kinds
    #[arg(long, env = "TENANTPILOT_KIND", value_name = "SLUG,…", value_delimiter = ',', value_parser = kind_parser())]
    pub(crate) kind: Vec<String>,
    /// Only one policy
    #[arg(long, env = "TENANTPILOT_POLICY", value_name = "ID-OR-NAME")]
    pub(crate) policy: Option<String>,
    /// Only one job, of `inspect jobs`
    #[arg(long, env = "TENANTPILOT_JOB", value_name = "JOB")]
    pub(crate) id: Option<String>,
    /// Only what holds this text, in names of policies and settings and in values, whatever its case
    #[arg(long, env = "TENANTPILOT_SEARCH", value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only what is not older than a time span (`90m`, `24h`, `7d`) or a time in UTC (`2026-01-31`,
    /// `2026-01-31T08:00:00Z`): of changes and runs their own time, of policies, settings and assignments the policy's
    /// last modification
    #[arg(long, env = "TENANTPILOT_SINCE", value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<NaiveDateTime>,
    /// At most so many rows [default for tables: 200]
    #[arg(long, env = "TENANTPILOT_LIMIT", value_name = "N")]
    pub(crate) limit: Option<u32>,
    /// Also settings that say they are not configured, and deleted policies
    #[arg(long, env = "TENANTPILOT_ALL", value_parser = BoolishValueParser::new())]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long, env = "TENANTPILOT_JSON", conflicts_with = "csv", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    /// Print comma-separated values
    #[arg(long, env = "TENANTPILOT_CSV", value_parser = BoolishValueParser::new())]
    pub(crate) csv: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// Tenants that were synced
    Tenants,
    /// Policies
    Policies,
    /// Settings, one row each
    Settings,
    /// Whom policies are for
    Assignments,
    /// What syncs found changed
    Changes,
    /// Syncs, with what came of each kind
    Runs,
    /// Kinds of policies that can be read
    Kinds,
    /// The queue in numbers
    Queue,
    /// Jobs of the queue
    Jobs,
}

impl Subject {
    /// As it is written after `inspect`.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

fn kind_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(POLICY_KINDS.iter().map(tenantpilot::registry::PolicyKind::slug).chain(["all"]))
}

/// The kinds asked for; `None` is the source's own choice.
pub(crate) fn kinds(asked: &[String]) -> Option<Vec<String>> {
    if asked.is_empty() {
        return None;
    }
    if asked.iter().any(|kind| kind == "all") {
        return Some(POLICY_KINDS.iter().map(|kind| kind.slug().to_owned()).collect());
    }
    Some(asked.to_vec())
}

/// A time span that clocks can add.
fn span(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|_| "expected a time span as `90s`, `5m` or `1h`")?;
    if span > LONGEST_SPAN {
        return Err(format!("{} is the most", humantime::format_duration(LONGEST_SPAN)));
    }
    Ok(span)
}

fn since(text: &str) -> Result<NaiveDateTime, String> {
    let now = tenantpilot::report::now();
    if let Ok(span) = humantime::parse_duration(text) {
        return chrono::TimeDelta::from_std(span)
            .ok()
            .and_then(|span| now.checked_sub_signed(span))
            .ok_or_else(|| "too long ago".to_owned());
    }
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(time.naive_utc());
    }
    let date = text
        .parse::<chrono::NaiveDate>()
        .map_err(|_| "expected a time span as `24h`, or a time in UTC as `2026-01-31`")?;
    date.and_hms_opt(0, 0, 0).ok_or_else(|| "no such date".to_owned())
}

/// The environment name of a flag of `inspect`.
pub(crate) fn environment_of(flag: &str) -> Option<OsString> {
    let command = Cli::command();
    let mut flags = command.find_subcommand("inspect")?.get_arguments();
    Some(flags.find(|argument| argument.get_id() == flag)?.get_env()?.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_flags_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_name() {
        fn check(command: &clap::Command) {
            for flag in command.get_arguments().filter(|flag| flag.get_long().is_some()) {
                assert!(flag.get_env().is_some() || flag.get_id() == "help", "--{}", flag.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
