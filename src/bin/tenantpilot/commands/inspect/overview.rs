//! Bare `inspect`: all tenants at a glance.

use std::collections::BTreeMap;

use serde::Serialize;
use tenantpilot::{
    report::rfc3339_text,
    store::{Filter, Session, TenantRow},
};

use super::{
    output::{Output, Record},
    records,
};

/// All tenants at a glance.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Overview {
    version: u32,
    database: String,
    tenants: Vec<Tenant>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tenant {
    tenant_id: String,
    pub(super) policies: u64,
    pub(super) settings: i64,
    pub(super) last_synced_at: Option<String>,
    pub(super) last_run: Option<LastRun>,
    kinds: Vec<Kind>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastRun {
    pub(super) run_id: String,
    pub(super) status: String,
    pub(super) finished_at: Option<String>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Kind {
    kind: String,
    policies: u64,
    settings: i64,
}

/// A line of CSV is one kind of a tenant.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'t> {
    tenant_id: &'t str,
    kind: &'t str,
    policies: u64,
    settings: i64,
    last_synced_at: Option<&'t str>,
    last_run: Option<&'t str>,
}

impl Record for Tenant {
    const TITLES: &'static [&'static str] =
        &["TENANT", "KIND", "POLICIES", "SETTINGS", "LAST SYNCED (UTC)", "LAST RUN"];
    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        let last_synced_at = self.last_synced_at.as_deref();
        let last_run = self.last_run.as_ref().map(|run| run.status.as_str());
        let line = |kind, policies, settings| Line {
            tenant_id: &self.tenant_id,
            kind,
            policies,
            settings,
            last_synced_at,
            last_run,
        };
        for Kind { kind, policies, settings } in &self.kinds {
            lines.serialize(line(kind, *policies, *settings))?;
        }
        // one of which nothing was read must not be missing
        if self.kinds.is_empty() {
            lines.serialize(line("", 0, 0))?;
        }
        Ok(())
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let synced = self.last_synced_at.as_deref().and_then(|time| time.get(..16)).unwrap_or_default();
        let run = self.last_run.as_ref().map(|run| run.status.clone()).unwrap_or_default();
        let whole = vec![
            self.tenant_id.clone(),
            "all".to_owned(),
            self.policies.to_string(),
            self.settings.to_string(),
            synced.replace('T', " "),
            run,
        ];
        let kinds = self.kinds.iter().map(|kind| {
            let counts = [kind.policies.to_string(), kind.settings.to_string()];
            [String::new(), kind.kind.clone()].into_iter().chain(counts).chain([String::new(), String::new()]).collect()
        });
        std::iter::once(whole).chain(kinds).collect()
    }
}

/// Shows all tenants, or those asked for.
pub(super) fn overview(
    session: &mut Session,
    filter: &Filter,
    database: &str,
    mut output: Output,
) -> anyhow::Result<()> {
    let tenants: Vec<Tenant> = gathered(session, filter)?.into_values().map(|(_, tenant)| tenant).collect();
    if output.is_json() {
        return Ok(output.value(&Overview { version: 1, database: database.to_owned(), tenants })?);
    }
    for tenant in &tenants {
        output.rows(tenant)?;
    }
    Ok(output.finish()?)
}

/// Shows a line for each tenant.
pub(super) fn tenants(session: &mut Session, filter: &Filter, output: &mut Output) -> anyhow::Result<()> {
    let most = filter.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or_default());
    for (row, tenant) in gathered(session, filter)?.into_values().take(most) {
        output.row(&records::Tenant::new(row, tenant))?;
    }
    Ok(())
}

/// Tenants by id, with what is stored of them.
fn gathered(session: &mut Session, filter: &Filter) -> anyhow::Result<BTreeMap<String, (TenantRow, Tenant)>> {
    let all = Filter { limit: None, ..filter.clone() };
    let mut tenants = BTreeMap::new();
    session.tenants(&all, &mut |row| {
        let empty = Tenant {
            tenant_id: row.tenant_id.clone(),
            policies: 0,
            settings: 0,
            last_synced_at: None,
            last_run: None,
            kinds: Vec::new(),
        };
        tenants.insert(row.tenant_id.clone(), (row, empty));
        Ok(())
    })?;
    session.overview(&all, &mut |(tenant, kind, settings, synced)| {
        if let Some((_, tenant)) = tenants.get_mut(&tenant) {
            tenant.policies += 1;
            tenant.settings += settings;
            let synced = rfc3339_text(synced);
            tenant.last_synced_at = tenant.last_synced_at.take().max(Some(synced));
            if tenant.kinds.last().is_none_or(|last| last.kind != kind) {
                tenant.kinds.push(Kind { kind, ..Kind::default() });
            }
            if let Some(kind) = tenant.kinds.last_mut() {
                kind.policies += 1;
                kind.settings += settings;
            }
        }
        Ok(())
    })?;
    // the latest first: an older run of a tenant changes nothing
    session.runs(&all, &mut |run| {
        if let Some((_, tenant)) = tenants.get_mut(&run.tenant_id) {
            tenant.last_run.get_or_insert_with(|| LastRun {
                run_id: run.run_id,
                status: run.status,
                finished_at: run.finished_at.map(rfc3339_text),
            });
        }
        Ok(())
    })?;
    Ok(tenants)
}
