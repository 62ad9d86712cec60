//! The summary as rows of the database.

use super::{KindReport, TenantReport};
use crate::{
    policy::without_nul,
    store::{RunKindRow, RunRow},
};

impl TenantReport {
    /// The run's row.
    pub fn row(&self, trigger: &str, job_id: Option<&str>) -> RunRow {
        let totals = &self.totals;
        RunRow {
            run_id: self.run_id.clone(),
            tenant_id: self.tenant_id.to_string(),
            trigger: trigger.to_owned(),
            job_id: job_id.map(str::to_owned),
            status: self.status.word().to_owned(),
            started_at: self.started_at,
            finished_at: Some(self.finished_at),
            duration_ms: Some(column(self.duration_ms)),
            policies: column(totals.policies),
            settings: column(totals.settings),
            added: column(totals.added),
            changed: column(totals.changed),
            removed: column(totals.removed),
            unchanged: column(totals.unchanged),
            incomplete: column(totals.incomplete),
            requests: column(totals.requests),
            throttled: column(totals.throttled),
            waited_ms: column(totals.waited_ms),
            error_code: self.error.as_ref().map(|error| error.code.to_owned()),
            error_message: self.error.as_ref().map(|error| text(&error.message)),
        }
    }

    /// The rows of the run's kinds.
    pub fn kind_rows(&self) -> Vec<RunKindRow> {
        let row = |kind: &KindReport| RunKindRow {
            run_id: self.run_id.clone(),
            policy_type: kind.kind.to_owned(),
            status: kind.status.word().to_owned(),
            listed: kind.listed,
            duration_ms: column(kind.duration_ms),
            policies: column(kind.policies),
            settings: column(kind.settings),
            added: column(kind.added),
            changed: column(kind.changed),
            removed: column(kind.removed),
            unchanged: column(kind.unchanged),
            incomplete: column(kind.incomplete),
            skipped: column(kind.skipped),
            requests: column(kind.requests),
            throttled: column(kind.throttled),
            waited_ms: column(kind.waited_ms),
            error_code: kind.error.as_ref().map(|error| error.code.to_owned()),
            error_message: kind.error.as_ref().map(|error| text(&error.message)),
            error_hint: kind.error.as_ref().and_then(|error| error.hint.as_deref().map(text)),
            error_request_id: kind.error.as_ref().and_then(|error| error.request_id.as_deref().map(text)),
        };
        self.kinds.iter().map(row).collect()
    }
}

fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn text(text: &str) -> String {
    without_nul(text).into_owned()
}
