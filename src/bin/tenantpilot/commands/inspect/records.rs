//! The rows of each subject in their frozen shapes: fields are only ever added.

use serde::Serialize;
use serde_json::value::RawValue;
use tenantpilot::{
    report::rfc3339_text,
    store::{AssignmentRow, ChangeRow, PolicyRow, RunKindRow, RunRow, SettingRow, TenantRow},
};

use super::output::Record;

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

fn flag(value: Option<bool>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Minutes are enough for people.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// `inspect tenants`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tenant {
    tenant_id: String,
    domain: Option<String>,
    display_name: Option<String>,
    first_seen_at: String,
}

impl From<TenantRow> for Tenant {
    fn from(row: TenantRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            domain: row.domain,
            display_name: row.display_name,
            first_seen_at: rfc3339_text(row.first_seen_at),
        }
    }
}

impl Record for Tenant {
    const TITLES: &'static [&'static str] = &["TENANT", "DOMAIN", "NAME", "FIRST SEEN (UTC)"];
    fn cells(&self) -> Vec<Vec<String>> {
        let mut cells = self.fields();
        cells[3] = minute(&self.first_seen_at);
        vec![cells]
    }
    const FIELDS: &'static [&'static str] = &["tenantId", "domain", "displayName", "firstSeenAt"];
    fn fields(&self) -> Vec<String> {
        let names = [text(self.domain.as_ref()), text(self.display_name.as_ref())];
        [self.tenant_id.clone()].into_iter().chain(names).chain([self.first_seen_at.clone()]).collect()
    }
}

/// `inspect policies`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    tenant_id: String,
    graph_policy_id: String,
    policy_type: String,
    policy_name: String,
    description: Option<String>,
    platform: Option<String>,
    technologies: Option<String>,
    graph_type: Option<String>,
    template_family: Option<String>,
    template_name: Option<String>,
    scope_tag_ids: Option<String>,
    assigned: Option<bool>,
    setting_count: i64,
    settings: i64,
    complete: bool,
    content_hash: String,
    graph_created_at: Option<String>,
    graph_modified_at: Option<String>,
    first_seen_at: String,
    last_synced_at: String,
    deleted_at: Option<String>,
}

impl From<PolicyRow> for Policy {
    fn from(row: PolicyRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_type: row.policy_type,
            policy_name: row.policy_name,
            description: row.description,
            platform: row.platform,
            technologies: row.technologies,
            graph_type: row.graph_type,
            template_family: row.template_family,
            template_name: row.template_name,
            scope_tag_ids: row.scope_tag_ids,
            assigned: row.assigned,
            setting_count: row.setting_count,
            settings: row.setting_count,
            complete: row.complete,
            content_hash: row.content_hash,
            graph_created_at: row.graph_created_at.map(rfc3339_text),
            graph_modified_at: row.graph_modified_at.map(rfc3339_text),
            first_seen_at: rfc3339_text(row.first_seen_at),
            last_synced_at: rfc3339_text(row.last_synced_at),
            deleted_at: row.deleted_at.map(rfc3339_text),
        }
    }
}

impl Record for Policy {
    const TITLES: &'static [&'static str] =
        &["TENANT", "KIND", "POLICY", "PLATFORM", "SETTINGS", "ASSIGNED", "MODIFIED (UTC)"];
    fn cells(&self) -> Vec<Vec<String>> {
        let mut name = self.policy_name.clone();
        if !self.complete {
            name.push_str(" (incomplete)");
        }
        if self.deleted_at.is_some() {
            name.push_str(" (deleted)");
        }
        vec![vec![
            self.tenant_id.clone(),
            self.policy_type.clone(),
            name,
            text(self.platform.as_ref()),
            self.settings.to_string(),
            self.assigned.map_or("", |assigned| if assigned { "yes" } else { "no" }).to_owned(),
            self.graph_modified_at.as_deref().map(minute).unwrap_or_default(),
        ]]
    }
    const FIELDS: &'static [&'static str] = &[
        "tenantId",
        "graphPolicyId",
        "policyType",
        "policyName",
        "description",
        "platform",
        "technologies",
        "graphType",
        "templateFamily",
        "templateName",
        "scopeTagIds",
        "assigned",
        "settings",
        "complete",
        "contentHash",
        "graphCreatedAt",
        "graphModifiedAt",
        "firstSeenAt",
        "lastSyncedAt",
        "deletedAt",
    ];
    fn fields(&self) -> Vec<String> {
        vec![
            self.tenant_id.clone(),
            self.graph_policy_id.clone(),
            self.policy_type.clone(),
            self.policy_name.clone(),
            text(self.description.as_ref()),
            text(self.platform.as_ref()),
            text(self.technologies.as_ref()),
            text(self.graph_type.as_ref()),
            text(self.template_family.as_ref()),
            text(self.template_name.as_ref()),
            text(self.scope_tag_ids.as_ref()),
            flag(self.assigned),
            self.settings.to_string(),
            self.complete.to_string(),
            self.content_hash.clone(),
            text(self.graph_created_at.as_ref()),
            text(self.graph_modified_at.as_ref()),
            self.first_seen_at.clone(),
            self.last_synced_at.clone(),
            text(self.deleted_at.as_ref()),
        ]
    }
}

/// `inspect settings`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Setting {
    tenant_id: String,
    graph_policy_id: String,
    policy_name: String,
    policy_type: String,
    setting_name: String,
    setting_value: Option<String>,
    setting_path: String,
    definition_id: Option<String>,
    category: Option<String>,
    configured: Option<bool>,
    raw_value: Option<Box<RawValue>>,
    last_synced_at: String,
}

impl From<SettingRow> for Setting {
    fn from(row: SettingRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_name: row.policy_name,
            policy_type: row.policy_type,
            setting_name: row.setting_name,
            setting_value: row.setting_value,
            setting_path: row.setting_path,
            definition_id: row.definition_id,
            category: row.category,
            configured: row.configured,
            // another program may have written what is no JSON: shown as none
            raw_value: row.raw_value.and_then(|raw| RawValue::from_string(raw).ok()),
            last_synced_at: rfc3339_text(row.last_synced_at),
        }
    }
}

impl Record for Setting {
    const TITLES: &'static [&'static str] = &["TENANT", "KIND", "POLICY", "SETTING", "VALUE"];
    fn cells(&self) -> Vec<Vec<String>> {
        vec![vec![
            self.tenant_id.clone(),
            self.policy_type.clone(),
            self.policy_name.clone(),
            self.setting_name.clone(),
            text(self.setting_value.as_ref()),
        ]]
    }
    const FIELDS: &'static [&'static str] = &[
        "tenantId",
        "graphPolicyId",
        "policyName",
        "policyType",
        "settingName",
        "settingValue",
        "settingPath",
        "definitionId",
        "category",
        "configured",
        "rawValue",
        "lastSyncedAt",
    ];
    fn fields(&self) -> Vec<String> {
        vec![
            self.tenant_id.clone(),
            self.graph_policy_id.clone(),
            self.policy_name.clone(),
            self.policy_type.clone(),
            self.setting_name.clone(),
            text(self.setting_value.as_ref()),
            self.setting_path.clone(),
            text(self.definition_id.as_ref()),
            text(self.category.as_ref()),
            flag(self.configured),
            self.raw_value.as_ref().map(|raw| raw.get().to_owned()).unwrap_or_default(),
            self.last_synced_at.clone(),
        ]
    }
}

/// `inspect assignments`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assignment {
    tenant_id: String,
    graph_policy_id: String,
    policy_name: String,
    policy_type: String,
    intent: String,
    target_type: String,
    target_id: Option<String>,
    target_name: Option<String>,
    filter_id: Option<String>,
    filter_name: Option<String>,
    filter_mode: Option<String>,
}

impl From<AssignmentRow> for Assignment {
    fn from(row: AssignmentRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_name: row.policy_name,
            policy_type: row.policy_type,
            intent: row.intent,
            target_type: row.target_type,
            target_id: row.target_id,
            target_name: row.target_name,
            filter_id: row.filter_id,
            filter_name: row.filter_name,
            filter_mode: row.filter_mode,
        }
    }
}

impl Record for Assignment {
    const TITLES: &'static [&'static str] = &["TENANT", "KIND", "POLICY", "INTENT", "TARGET", "FILTER"];
    fn cells(&self) -> Vec<Vec<String>> {
        let who = self.target_name.as_ref().or(self.target_id.as_ref());
        let filter = self.filter_name.as_ref().or(self.filter_id.as_ref());
        vec![vec![
            self.tenant_id.clone(),
            self.policy_type.clone(),
            self.policy_name.clone(),
            self.intent.clone(),
            who.map_or_else(|| self.target_type.clone(), |who| format!("{} {who}", self.target_type)),
            filter.map_or_else(String::new, |filter| format!("{} {filter}", text(self.filter_mode.as_ref()))),
        ]]
    }
    const FIELDS: &'static [&'static str] = &[
        "tenantId",
        "graphPolicyId",
        "policyName",
        "policyType",
        "intent",
        "targetType",
        "targetId",
        "targetName",
        "filterId",
        "filterName",
        "filterMode",
    ];
    fn fields(&self) -> Vec<String> {
        vec![
            self.tenant_id.clone(),
            self.graph_policy_id.clone(),
            self.policy_name.clone(),
            self.policy_type.clone(),
            self.intent.clone(),
            self.target_type.clone(),
            text(self.target_id.as_ref()),
            text(self.target_name.as_ref()),
            text(self.filter_id.as_ref()),
            text(self.filter_name.as_ref()),
            text(self.filter_mode.as_ref()),
        ]
    }
}

/// `inspect changes`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Change {
    run_id: String,
    tenant_id: String,
    graph_policy_id: String,
    policy_name: String,
    policy_type: String,
    setting_path: String,
    setting_name: String,
    change: String,
    old_value: Option<String>,
    new_value: Option<String>,
    changed_at: String,
}

impl From<ChangeRow> for Change {
    fn from(row: ChangeRow) -> Self {
        Self {
            run_id: row.run_id,
            tenant_id: row.tenant_id,
            graph_policy_id: row.graph_policy_id,
            policy_name: row.policy_name,
            policy_type: row.policy_type,
            setting_path: row.setting_path,
            setting_name: row.setting_name,
            change: row.change,
            old_value: row.old_value,
            new_value: row.new_value,
            changed_at: rfc3339_text(row.changed_at),
        }
    }
}

impl Record for Change {
    const TITLES: &'static [&'static str] =
        &["CHANGED (UTC)", "TENANT", "POLICY", "SETTING", "CHANGE", "BEFORE", "NOW"];
    fn cells(&self) -> Vec<Vec<String>> {
        vec![vec![
            minute(&self.changed_at),
            self.tenant_id.clone(),
            self.policy_name.clone(),
            self.setting_name.clone(),
            self.change.clone(),
            text(self.old_value.as_ref()),
            text(self.new_value.as_ref()),
        ]]
    }
    const FIELDS: &'static [&'static str] = &[
        "runId",
        "tenantId",
        "graphPolicyId",
        "policyName",
        "policyType",
        "settingPath",
        "settingName",
        "change",
        "oldValue",
        "newValue",
        "changedAt",
    ];
    fn fields(&self) -> Vec<String> {
        vec![
            self.run_id.clone(),
            self.tenant_id.clone(),
            self.graph_policy_id.clone(),
            self.policy_name.clone(),
            self.policy_type.clone(),
            self.setting_path.clone(),
            self.setting_name.clone(),
            self.change.clone(),
            text(self.old_value.as_ref()),
            text(self.new_value.as_ref()),
            self.changed_at.clone(),
        ]
    }
}

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

/// `inspect runs`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
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
    pub(super) fn new(run: RunRow, kinds: Vec<RunKindRow>) -> Self {
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

impl Record for Run {
    const TITLES: &'static [&'static str] = &[
        "STARTED (UTC)",
        "TENANT",
        "KIND",
        "STATUS",
        "POLICIES",
        "SETTINGS",
        "ADDED",
        "CHANGED",
        "REMOVED",
        "REQUESTS",
        "THROTTLED",
        "WAITED S",
        "SECONDS",
        "ERROR",
    ];
    fn cells(&self) -> Vec<Vec<String>> {
        let line =
            |start: [String; 2], kind: &str, status: &str, counts: &Counts, ms: i64, error: Option<&RunError>| {
                let numbers = [
                    counts.policies,
                    counts.settings,
                    counts.added,
                    counts.changed,
                    counts.removed,
                    counts.requests,
                    counts.throttled,
                ];
                let error = error.map(RunError::in_words);
                let seconds = |ms: i64| format!("{}.{}", ms / 1000, ms % 1000 / 100);
                let times = [seconds(counts.waited_ms), seconds(ms)];
                start
                    .into_iter()
                    .chain([kind.to_owned(), status.to_owned()])
                    .chain(numbers.iter().map(ToString::to_string))
                    .chain(times)
                    .chain([error.unwrap_or_default()])
                    .collect::<Vec<_>>()
            };
        let start = [minute(&self.started_at), self.tenant_id.clone()];
        let whole =
            line(start, "all", &self.status, &self.counts, self.duration_ms.unwrap_or_default(), self.error.as_ref());
        let kinds = self.kinds.iter().map(|kind| {
            let start = [String::new(), String::new()];
            line(start, &kind.kind, &kind.status, &kind.counts, kind.duration_ms, kind.error.as_ref())
        });
        std::iter::once(whole).chain(kinds).collect()
    }
    const FIELDS: &'static [&'static str] = &[
        "runId",
        "tenantId",
        "trigger",
        "status",
        "startedAt",
        "finishedAt",
        "durationMs",
        "policies",
        "settings",
        "added",
        "changed",
        "removed",
        "unchanged",
        "requests",
        "throttled",
        "waitedMs",
        "error",
    ];
    fn fields(&self) -> Vec<String> {
        let counts = &self.counts;
        let numbers = [
            counts.policies,
            counts.settings,
            counts.added,
            counts.changed,
            counts.removed,
            counts.unchanged,
            counts.requests,
            counts.throttled,
            counts.waited_ms,
        ];
        [&self.run_id, &self.tenant_id, &self.trigger, &self.status, &self.started_at]
            .map(Clone::clone)
            .into_iter()
            .chain([text(self.finished_at.as_ref()), self.duration_ms.map(|ms| ms.to_string()).unwrap_or_default()])
            .chain(numbers.iter().map(ToString::to_string))
            .chain([self.error.as_ref().and_then(|error| error.message.clone()).unwrap_or_default()])
            .collect()
    }
}
