//! The summary of a sync: JSON v1, and rows of the database.

mod rows;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use crate::{changes::Tally, policy::TenantId, store::ChangeRow};

/// Problems that are listed one by one; further ones are counted.
pub const MAX_PROBLEMS: usize = 1_000;

/// Changes of a dry run that are listed one by one.
pub const MAX_PLANNED: usize = 10_000;

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// All of it done.
    Succeeded,
    /// Some kind or policy failed, or came incomplete.
    Partial,
    /// Nothing done.
    Failed,
    /// Not licensed: nothing to do.
    Skipped,
    /// Stopped by its user.
    Interrupted,
}

impl Status {
    /// The word that the database and the JSON hold.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The summary of one call, `sync --json`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncReport {
    /// 1: fields are only ever added.
    pub version: u32,
    /// Of all tenants.
    pub status: Status,
    /// Nothing was written: the counts tell what would be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// In the order asked for.
    pub tenants: Vec<TenantReport>,
}

impl SyncReport {
    /// Sums up tenants.
    pub fn of(tenants: Vec<TenantReport>, dry_run: bool) -> Self {
        let status = overall(tenants.iter().map(|tenant| tenant.status));
        Self { version: 1, status, dry_run, tenants }
    }
}

/// One for all: failed where all failed, partial where any did.
fn overall(statuses: impl Iterator<Item = Status>) -> Status {
    let statuses: Vec<_> = statuses.filter(|status| *status != Status::Skipped).collect();
    if statuses.contains(&Status::Interrupted) {
        Status::Interrupted
    } else if statuses.iter().all(|status| *status == Status::Succeeded) {
        Status::Succeeded
    } else if statuses.iter().all(|status| *status == Status::Failed) {
        Status::Failed
    } else {
        Status::Partial
    }
}

/// The summary of one tenant.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantReport {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Its domain or name, where it is known.
    pub tenant_name: Option<String>,
    /// UUIDv7.
    pub run_id: String,
    /// Of all its kinds.
    pub status: Status,
    /// UTC.
    #[serde(serialize_with = "rfc3339")]
    pub started_at: NaiveDateTime,
    /// UTC.
    #[serde(serialize_with = "rfc3339")]
    pub finished_at: NaiveDateTime,
    /// Milliseconds.
    pub duration_ms: u64,
    /// In the registry's order.
    pub kinds: Vec<KindReport>,
    /// Sums over the kinds; of the requests, those for names are counted in.
    pub totals: Totals,
    /// Why nothing of the tenant could be done.
    pub error: Option<ErrorReport>,
    /// What asking for names has cost; `None` of an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<NamesReport>,
    /// What could not be read, and cost no policy: names that stay ids or words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<ErrorReport>,
    /// Files and policies that were not taken, or came incomplete.
    pub problems: Vec<Problem>,
    /// Problems beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_problems: u64,
    /// What a dry run would change, settings of kinds that were read before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<PlannedChange>,
}

/// The summary of one kind.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KindReport {
    /// Its slug.
    pub kind: &'static str,
    /// How it ended.
    pub status: Status,
    /// Policies the tenant has now.
    pub policies: u64,
    /// Settings the tenant has now.
    pub settings: u64,
    /// Settings added.
    pub added: u64,
    /// Settings changed.
    pub changed: u64,
    /// Settings removed.
    pub removed: u64,
    /// Settings unchanged.
    pub unchanged: u64,
    /// Policies stored with fewer settings than Graph counts.
    pub incomplete: u64,
    /// Policies that were not taken: unreadable, or a second one of the same id.
    pub skipped: u64,
    /// Requests to Graph.
    pub requests: u64,
    /// Requests that Graph throttled.
    pub throttled: u64,
    /// Milliseconds waited for Graph.
    pub waited_ms: u64,
    /// Milliseconds from the kind's first request to its last row.
    pub duration_ms: u64,
    /// Why it failed.
    pub error: Option<ErrorReport>,
    /// Its list was read to its end.
    #[serde(skip)]
    pub listed: bool,
}

impl KindReport {
    /// A kind of which nothing is known yet.
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            status: Status::Succeeded,
            policies: 0,
            settings: 0,
            added: 0,
            changed: 0,
            removed: 0,
            unchanged: 0,
            incomplete: 0,
            skipped: 0,
            requests: 0,
            throttled: 0,
            waited_ms: 0,
            duration_ms: 0,
            error: None,
            listed: false,
        }
    }

    /// Adds what a write did.
    pub fn add(&mut self, tally: Tally) {
        self.added += tally.added;
        self.changed += tally.changed;
        self.removed += tally.removed;
        self.unchanged += tally.unchanged;
    }
}

/// What it has cost to ask for names of settings, people and groups.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamesReport {
    /// Requests to Graph.
    pub requests: u64,
    /// Requests that Graph throttled.
    pub throttled: u64,
    /// Milliseconds waited for Graph.
    pub waited_ms: u64,
}

/// Sums over the kinds of a tenant.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of `KindReport`")]
pub struct Totals {
    pub policies: u64,
    pub settings: u64,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub unchanged: u64,
    pub incomplete: u64,
    pub requests: u64,
    pub throttled: u64,
    pub waited_ms: u64,
}

impl Totals {
    /// Sums up kinds, and what their names have cost.
    pub fn of(kinds: &[KindReport], names: Option<&NamesReport>) -> Self {
        let names = names.copied().unwrap_or_default();
        let mut totals = Self {
            requests: names.requests,
            throttled: names.throttled,
            waited_ms: names.waited_ms,
            ..Self::default()
        };
        for kind in kinds {
            totals.policies += kind.policies;
            totals.settings += kind.settings;
            totals.added += kind.added;
            totals.changed += kind.changed;
            totals.removed += kind.removed;
            totals.unchanged += kind.unchanged;
            totals.incomplete += kind.incomplete;
            totals.requests += kind.requests;
            totals.throttled += kind.throttled;
            totals.waited_ms += kind.waited_ms;
        }
        totals
    }
}

/// Why a tenant or a kind failed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorReport {
    /// `sign_in`, `forbidden`, `not_licensed`, `throttled`, `network`, `bad_response`, `foreign_link`,
    /// `too_large`, `database`, `timeout`, `locked`.
    pub code: &'static str,
    /// What failed.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Graph's id of the request.
    pub request_id: Option<String>,
    /// How long Graph asked to be left alone.
    #[serde(skip)]
    pub retry_after: Option<std::time::Duration>,
}

/// A file or policy that was not taken, or came incomplete.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `not_a_policy`, `duplicate`, `unreadable`, `too_large`, `incomplete`, `database`, or an error's code.
    pub code: &'static str,
    /// Slug of the kind, where it is known.
    pub kind: Option<&'static str>,
    /// The policy's id, or the file's path below the folder.
    pub policy: String,
    /// The policy's name.
    pub policy_name: Option<String>,
    /// The file it stands in, below the folder of an import.
    pub file: Option<String>,
    /// What is wrong with it.
    pub message: String,
}

impl Problem {
    /// Whether the run is only partial by it: not by a file that is no policy, nor by a second one of an id, which
    /// is one policy to a tenant.
    pub fn is_loss(&self) -> bool {
        !matches!(self.code, "not_a_policy" | "duplicate")
    }
}

/// A change that a dry run would have recorded.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of `inspect changes`")]
pub struct PlannedChange {
    pub graph_policy_id: String,
    pub policy_name: String,
    pub policy_type: String,
    pub setting_path: String,
    pub setting_name: String,
    pub change: String,
    pub old_value: Option<String>,
    pub new_value: Option<String>,
}

impl From<ChangeRow> for PlannedChange {
    fn from(row: ChangeRow) -> Self {
        Self {
            graph_policy_id: row.graph_policy_id,
            policy_name: row.policy_name,
            policy_type: row.policy_type,
            setting_path: row.setting_path,
            setting_name: row.setting_name,
            change: row.change,
            old_value: row.old_value,
            new_value: row.new_value,
        }
    }
}

impl TenantReport {
    /// A run that begins now.
    pub fn new(tenant_id: TenantId) -> Self {
        let started_at = now();
        Self {
            tenant_id,
            tenant_name: None,
            run_id: uuid::Uuid::now_v7().to_string(),
            status: Status::Failed,
            started_at,
            finished_at: started_at,
            duration_ms: 0,
            kinds: Vec::new(),
            totals: Totals::default(),
            error: None,
            names: None,
            warnings: Vec::new(),
            problems: Vec::new(),
            more_problems: 0,
            planned: Vec::new(),
        }
    }

    /// The run ends now; a clock that was set back does not end it before its start.
    pub(crate) fn close(&mut self, elapsed: std::time::Duration) {
        self.finished_at = now().max(self.started_at);
        self.duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    }

    /// What the kinds and the problems amount to.
    pub fn judged(kinds: &[KindReport], problems_are_losses: bool) -> Status {
        match overall(kinds.iter().map(|kind| kind.status)) {
            Status::Succeeded if problems_are_losses => Status::Partial,
            status => status,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A time as every JSON of this program has it: UTC, milliseconds, `Z`.
pub fn rfc3339_text(time: NaiveDateTime) -> String {
    time.and_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn rfc3339<S: Serializer>(time: &NaiveDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339_text(*time))
}

/// The time now as databases hold it: UTC, microseconds.
pub fn now() -> NaiveDateTime {
    let now: DateTime<Utc> = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now).naive_utc()
}
