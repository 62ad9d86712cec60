//! `inspect tenants`: a line for each.

use serde::Serialize;
use tenantpilot::{report::rfc3339_text, store::TenantRow};

use super::{minute, text};
use crate::commands::inspect::{
    output::Record,
    overview::{self, LastRun},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Tenant {
    #[serde(flatten)]
    own: Own,
    last_run: Option<LastRun>,
}

/// What has one value, and is a cell of CSV as well.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    tenant_id: String,
    domain: Option<String>,
    display_name: Option<String>,
    first_seen_at: String,
    policies: u64,
    settings: i64,
    last_synced_at: Option<String>,
}

/// What a line of CSV tells of the last run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastStatus<'t> {
    last_run: Option<&'t str>,
}

impl Tenant {
    pub(in super::super) fn new(row: TenantRow, stored: overview::Tenant) -> Self {
        let own = Own {
            tenant_id: row.tenant_id,
            domain: row.domain,
            display_name: row.display_name,
            first_seen_at: rfc3339_text(row.first_seen_at),
            policies: stored.policies,
            settings: stored.settings,
            last_synced_at: stored.last_synced_at,
        };
        Self { own, last_run: stored.last_run }
    }

    fn last_run(&self) -> Option<&str> {
        self.last_run.as_ref().map(|run| run.status.as_str())
    }
}

impl Record for Tenant {
    const TITLES: &'static [&'static str] =
        &["TENANT", "DOMAIN", "NAME", "POLICIES", "SETTINGS", "LAST SYNCED (UTC)", "LAST RUN"];
    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        lines.serialize((&self.own, LastStatus { last_run: self.last_run() }))
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let own = &self.own;
        vec![vec![
            own.tenant_id.clone(),
            text(own.domain.as_ref()),
            text(own.display_name.as_ref()),
            own.policies.to_string(),
            own.settings.to_string(),
            own.last_synced_at.as_deref().map(minute).unwrap_or_default(),
            self.last_run().unwrap_or_default().to_owned(),
        ]]
    }
}
