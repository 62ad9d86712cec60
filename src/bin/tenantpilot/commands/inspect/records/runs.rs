//! `inspect runs`: each run with what came of its kinds.

use serde::Serialize;
use tenantpilot::{
    report::rfc3339_text,
    store::{RunKindRow, RunRow},
};

use super::minute;
use crate::commands::inspect::output::Record;

/// The counts of a run, or of a kind in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    policies: i64,
    settings: i64,
    added: i64,
    changed: i64,
    removed: i64,
    unchanged: i64,
    incomplete: i64,
    requests: i64,
    throttled: i64,
    waited_ms: i64,
}

impl Counts {
    /// Settings that were added, changed and removed, in few characters.
    fn changes(&self) -> String {
        [('+', self.added), ('~', self.changed), ('-', self.removed)]
            .iter()
            .filter(|(_, count)| *count != 0)
            .map(|(sign, count)| format!("{sign}{count}"))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Run {
    run_id: String,
    tenant_id: String,
    trigger: String,
    job_id: Option<String>,
    status: String,
    started_at: String,
    finished_at: Option<String>,
    duration_ms: Option<i64>,
    #[serde(flatten)]
    counts: Counts,
    error: Option<RunError>,
    kinds: Vec<RunKind>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunKind {
    kind: String,
    status: String,
    duration_ms: i64,
    skipped: i64,
    #[serde(flatten)]
    counts: Counts,
    error: Option<RunError>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunError {
    code: String,
    message: Option<String>,
    hint: Option<String>,
    request_id: Option<String>,
}

impl RunError {
    /// With the id that Microsoft's support asks for.
    fn in_words(&self) -> String {
        let message = self.message.clone().unwrap_or_else(|| self.code.clone());
        match &self.request_id {
            Some(id) => format!("{message} (request {id})"),
            None => message,
        }
    }
}

impl Run {
    pub(in super::super) fn new(run: RunRow, kinds: Vec<RunKindRow>) -> Self {
        Self {
            run_id: run.run_id,
            tenant_id: run.tenant_id,
            trigger: run.trigger,
            job_id: run.job_id,
            status: run.status,
            started_at: rfc3339_text(run.started_at),
            finished_at: run.finished_at.map(rfc3339_text),
            duration_ms: run.duration_ms,
            counts: Counts {
                policies: run.policies,
                settings: run.settings,
                added: run.added,
                changed: run.changed,
                removed: run.removed,
                unchanged: run.unchanged,
                incomplete: run.incomplete,
                requests: run.requests,
                throttled: run.throttled,
                waited_ms: run.waited_ms,
            },
            error: run.error_code.map(|code| RunError {
                code,
                message: run.error_message,
                hint: None,
                request_id: None,
            }),
            kinds: kinds.into_iter().map(RunKind::from).collect(),
        }
    }
}

impl From<RunKindRow> for RunKind {
    fn from(row: RunKindRow) -> Self {
        Self {
            kind: row.policy_type,
            status: row.status,
            duration_ms: row.duration_ms,
            skipped: row.skipped,
            counts: Counts {
                policies: row.policies,
                settings: row.settings,
                added: row.added,
                changed: row.changed,
                removed: row.removed,
                unchanged: row.unchanged,
                incomplete: row.incomplete,
                requests: row.requests,
                throttled: row.throttled,
                waited_ms: row.waited_ms,
            },
            error: row.error_code.map(|code| RunError {
                code,
                message: row.error_message,
                hint: row.error_hint,
                request_id: row.error_request_id,
            }),
        }
    }
}

impl RunKind {
    /// Why the kind failed, or how many of its policies did.
    fn problems(&self) -> String {
        let counts = [(self.counts.incomplete, "incomplete"), (self.skipped, "not read")];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        self.error.as_ref().map_or_else(|| counts.collect::<Vec<_>>().join(", "), RunError::in_words)
    }
}

/// A line of CSV is one kind of a run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'r> {
    run_id: &'r str,
    tenant_id: &'r str,
    trigger: &'r str,
    started_at: &'r str,
    finished_at: Option<&'r str>,
    kind: &'r str,
    status: &'r str,
    duration_ms: Option<i64>,
    policies: i64,
    settings: i64,
    added: i64,
    changed: i64,
    removed: i64,
    unchanged: i64,
    incomplete: i64,
    requests: i64,
    throttled: i64,
    waited_ms: i64,
    error: Option<String>,
}

impl Run {
    fn line<'r>(
        &'r self,
        kind: &'r str,
        status: &'r str,
        duration_ms: Option<i64>,
        counts: &Counts,
        error: Option<&RunError>,
    ) -> Line<'r> {
        Line {
            run_id: &self.run_id,
            tenant_id: &self.tenant_id,
            trigger: &self.trigger,
            started_at: &self.started_at,
            finished_at: self.finished_at.as_deref(),
            kind,
            status,
            duration_ms,
            policies: counts.policies,
            settings: counts.settings,
            added: counts.added,
            changed: counts.changed,
            removed: counts.removed,
            unchanged: counts.unchanged,
            incomplete: counts.incomplete,
            requests: counts.requests,
            throttled: counts.throttled,
            waited_ms: counts.waited_ms,
            error: error.map(RunError::in_words),
        }
    }
}

impl Record for Run {
    // what fits 120 columns; JSON and CSV have all counts
    const TITLES: &'static [&'static str] =
        &["STARTED (UTC)", "TENANT, KIND", "STATUS", "POLICIES", "SETTINGS", "CHANGES", "SECONDS", "PROBLEMS"];

    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        lines.serialize(self.line("all", &self.status, self.duration_ms, &self.counts, self.error.as_ref()))?;
        for kind in &self.kinds {
            let error = kind.error.as_ref();
            lines.serialize(self.line(&kind.kind, &kind.status, Some(kind.duration_ms), &kind.counts, error))?;
        }
        Ok(())
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let line = |start: String, name: String, status: &str, counts: &Counts, ms: i64, problems: String| {
            vec![
                start,
                name,
                status.to_owned(),
                counts.policies.to_string(),
                counts.settings.to_string(),
                counts.changes(),
                format!("{}.{}", ms / 1000, ms % 1000 / 100),
                problems,
            ]
        };
        let problems = self.error.as_ref().map(RunError::in_words).unwrap_or_default();
        let (start, ms) = (minute(&self.started_at), self.duration_ms.unwrap_or_default());
        let whole = line(start, self.tenant_id.clone(), &self.status, &self.counts, ms, problems);
        let kinds = self.kinds.iter().map(|kind| {
            let name = format!("  {}", kind.kind);
            line(String::new(), name, &kind.status, &kind.counts, kind.duration_ms, kind.problems())
        });
        std::iter::once(whole).chain(kinds).collect()
    }
}
