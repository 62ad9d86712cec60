//! Runs: opened, looked back on, closed; and policies that the tenant no longer has.

use diesel::prelude::*;

use super::{
    Conn, write_transaction,
    writes::{self, Changed},
};
use crate::{
    changes::{ChangeKind, Tally},
    store::{
        batch::{Known, Run, Seen},
        diff,
        error::StoreError,
        models::{NewTenant, RunKindRow, RunRow, StoredPolicy},
        rows::ChangeRow,
        schema::{policies, policy_assignments, settings, sync_run_kinds, sync_runs, tenants},
    },
};

/// Policies whose removal goes into one transaction.
const REMOVED_TOGETHER: usize = 100;

/// Opens a run: the tenant has a row, and runs that were left open are closed as interrupted. The caller
/// holds the tenant's lock.
pub(in crate::store) fn begin(conn: &mut Conn, run: &RunRow, domain: Option<&str>) -> Result<(), StoreError> {
    let tenant = NewTenant { tenant_id: &run.tenant_id, domain, first_seen_at: run.started_at };
    write_transaction(conn, |conn| {
        diesel::insert_into(tenants::table).values(&tenant).on_conflict_do_nothing().execute(conn)?;
        if domain.is_some() {
            diesel::update(tenants::table.find(&run.tenant_id)).set(tenants::domain.eq(domain)).execute(conn)?;
        }
        let open =
            sync_runs::table.filter(sync_runs::tenant_id.eq(&run.tenant_id)).filter(sync_runs::status.eq("running"));
        diesel::update(open)
            .set((sync_runs::status.eq("interrupted"), sync_runs::finished_at.eq(run.started_at)))
            .execute(conn)?;
        diesel::insert_into(sync_runs::table).values(run).execute(conn)?;
        QueryResult::Ok(())
    })
    .map_err(StoreError::query("open the run"))
}

/// Closes a run with its summary.
pub(in crate::store) fn finish(conn: &mut Conn, run: &RunRow, kinds: &[RunKindRow]) -> Result<(), StoreError> {
    write_transaction(conn, |conn| {
        diesel::update(sync_runs::table.find(&run.run_id)).set(run).execute(conn)?;
        diesel::insert_into(sync_run_kinds::table).values(kinds).execute(conn)?;
        QueryResult::Ok(())
    })
    .map_err(StoreError::query("close the run"))
}

/// Kinds of a tenant of which a listing was completed before.
pub(in crate::store) fn recorded_kinds(conn: &mut Conn, tenant: &str) -> Result<Vec<String>, StoreError> {
    sync_run_kinds::table
        .inner_join(sync_runs::table)
        .filter(sync_runs::tenant_id.eq(tenant))
        .filter(sync_run_kinds::listed.eq(true))
        .select(sync_run_kinds::policy_type)
        .distinct()
        .load(conn)
        .map_err(StoreError::query("read earlier runs"))
}

/// What is stored of a tenant.
pub(in crate::store) fn known(conn: &mut Conn, tenant: &str) -> Result<Known, StoreError> {
    let failed = StoreError::query("read the stored policies");
    let rows = policies::table
        .filter(policies::tenant_id.eq(tenant))
        .filter(policies::deleted_at.is_null())
        .select((policies::graph_policy_id, policies::source_hash, policies::setting_count, policies::complete))
        .load_iter::<(String, String, i64, bool), diesel::connection::DefaultLoadingMode>(conn)
        .map_err(&failed)?;
    let mut known = Known::default();
    for row in rows {
        let (id, source_hash, settings, complete) = row.map_err(&failed)?;
        known.insert(&id, &source_hash, settings, complete);
    }
    Ok(known)
}

/// The groups that a tenant's stored policies are assigned to.
pub(in crate::store) fn assigned_ids(conn: &mut Conn, tenant: &str) -> Result<Vec<String>, StoreError> {
    let ids: Vec<Option<String>> = policy_assignments::table
        .inner_join(policies::table)
        .filter(policies::tenant_id.eq(tenant))
        .filter(policy_assignments::target_type.eq("group"))
        .select(policy_assignments::target_id)
        .distinct()
        .load(conn)
        .map_err(StoreError::query("read the stored assignments"))?;
    Ok(ids.into_iter().flatten().collect())
}

/// Stored policies of a kind that a complete listing did not show, each with its type.
pub(in crate::store) fn vanished(
    conn: &mut Conn,
    tenant: &str,
    kind: &str,
    seen: &Seen,
) -> Result<Vec<(String, Option<String>)>, StoreError> {
    let failed = StoreError::query("read the stored policies");
    let rows = policies::table
        .filter(policies::tenant_id.eq(tenant))
        .filter(policies::policy_type.eq(kind))
        .filter(policies::deleted_at.is_null())
        .select((policies::graph_policy_id, policies::graph_type))
        .load_iter::<(String, Option<String>), diesel::connection::DefaultLoadingMode>(conn)
        .map_err(&failed)?;
    let mut vanished = Vec::new();
    for row in rows {
        let row = row.map_err(&failed)?;
        if !seen.contains(&row.0) {
            vanished.push(row);
        }
    }
    Ok(vanished)
}

/// Marks policies as deleted, takes their rows away and records it.
pub(in crate::store) fn remove(
    conn: &mut Conn,
    run: &Run,
    ids: &[String],
) -> Result<(Tally, Vec<ChangeRow>), StoreError> {
    let (mut tally, mut changes) = (Tally::default(), Vec::new());
    for chunk in ids.chunks(REMOVED_TOGETHER) {
        let removed = if run.dry {
            remove_chunk(conn, run, chunk)
        } else {
            write_transaction(conn, |conn| remove_chunk(conn, run, chunk))
        };
        let (chunk_tally, chunk_changes) = removed.map_err(StoreError::query("remove policies"))?;
        tally += chunk_tally;
        changes.extend(chunk_changes);
    }
    Ok((tally, changes))
}

fn remove_chunk(conn: &mut Conn, run: &Run, ids: &[String]) -> QueryResult<(Tally, Vec<ChangeRow>)> {
    let gone: Vec<(StoredPolicy, String)> = policies::table
        .filter(policies::tenant_id.eq(run.tenant.as_str()))
        .filter(policies::graph_policy_id.eq_any(ids))
        .select((StoredPolicy::as_select(), policies::policy_name))
        .load(conn)?;
    let keys: Vec<i64> = gone.iter().map(|(policy, _)| policy.id).collect();
    let before = writes::stored_settings(conn, &keys)?;
    let assigned = writes::stored_assignments(conn, &keys)?;
    let (mut tally, mut recorded) = (Tally::default(), Vec::new());
    for (policy, name) in &gone {
        let changes = before.get(&policy.id).map(|rows| writes::all_removed(rows)).unwrap_or_default();
        tally.removed += changes.iter().filter(|change| change.kind == ChangeKind::Removed).count() as u64;
        if !run.recorded.contains(&policy.policy_type) {
            continue;
        }
        let unassigned = assigned.get(&policy.id).map(|rows| diff::assignments_removed(rows)).unwrap_or_default();
        let changed = Changed { id: &policy.graph_policy_id, name, kind: &policy.policy_type };
        recorded.extend(writes::change_rows(run, &changed, changes, unassigned));
    }
    if run.dry {
        return Ok((tally, recorded.into_iter().map(Into::into).collect()));
    }
    diesel::delete(settings::table.filter(settings::policy_id.eq_any(&keys))).execute(conn)?;
    diesel::delete(policy_assignments::table.filter(policy_assignments::policy_id.eq_any(&keys))).execute(conn)?;
    diesel::update(policies::table.filter(policies::id.eq_any(&keys)))
        .set((policies::deleted_at.eq(run.started_at), policies::setting_count.eq(0)))
        .execute(conn)?;
    writes::insert_changes(conn, &recorded)?;
    Ok((tally, Vec::new()))
}

/// How many policies and settings a tenant has now, by kind.
pub(in crate::store) fn totals(conn: &mut Conn, tenant: &str) -> Result<Vec<(String, i64)>, StoreError> {
    policies::table
        .filter(policies::tenant_id.eq(tenant))
        .filter(policies::deleted_at.is_null())
        .select((policies::policy_type, policies::setting_count))
        .load(conn)
        .map_err(StoreError::query("count the stored policies"))
}
