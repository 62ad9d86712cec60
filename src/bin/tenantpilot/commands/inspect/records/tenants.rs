//! `inspect tenants`.

use serde::Serialize;
use tenantpilot::{report::rfc3339_text, store::TenantRow};

use super::{minute, text};
use crate::commands::inspect::output::Record;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Tenant {
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
        let names = [text(self.domain.as_ref()), text(self.display_name.as_ref())];
        vec![[self.tenant_id.clone()].into_iter().chain(names).chain([minute(&self.first_seen_at)]).collect()]
    }
}
