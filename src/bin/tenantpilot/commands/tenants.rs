//! Which tenants a command is for.

use anyhow::Context as _;
use tenantpilot::{
    policy::TenantId,
    store::{Filter, Store},
};

use crate::terminal::one_line;

/// Those of `--tenant`, each once.
pub(super) fn named<'n>(names: impl IntoIterator<Item = &'n String>) -> Vec<TenantId> {
    let mut tenants: Vec<TenantId> = Vec::new();
    let names = names.into_iter().flat_map(|names| names.split(','));
    for tenant in names.map(str::trim).filter(|name| !name.is_empty()).map(TenantId::new) {
        // twice in one call, a tenant would only wait for itself
        if !tenants.contains(&tenant) {
            tenants.push(tenant);
        }
    }
    tenants
}

/// Those of `--all-tenants`.
pub(super) async fn known(store: &Store) -> anyhow::Result<Vec<TenantId>> {
    let store = store.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut tenants = Vec::new();
        store.open_read_only()?.tenants(&Filter::default(), &mut |row| {
            // tenants that were imported under a name are not in Graph
            if uuid::Uuid::try_parse(&row.tenant_id).is_ok() {
                tenants.push(TenantId::new(row.tenant_id));
            }
            Ok(())
        })?;
        anyhow::Ok(tenants)
    });
    read.await.context("failed to read the tenants")?
}

/// Those of `--tenant` that a directory may be called by, each once; the others are told to `refuse`.
pub(super) fn directories(names: &[String], mut refuse: impl FnMut(String)) -> Vec<TenantId> {
    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let mut tenants = named(&lower);
    tenants.retain(|tenant| {
        let known = TenantId::of_directory(tenant.as_str()).is_some();
        if !known {
            let beginning: String = tenant.as_str().chars().take(100).collect();
            refuse(one_line(&beginning).into_owned());
        }
        known
    });
    tenants
}
