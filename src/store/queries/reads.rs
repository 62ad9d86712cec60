//! What `inspect` shows: streamed row by row, never held as a whole.

use std::io;

use diesel::{connection::DefaultLoadingMode, prelude::*};

use super::{Conn, Db};
use crate::{
    search::containing,
    store::{
        error::StoreError,
        models::{RunKindRow, RunRow, TenantRow},
        rows::{AssignmentRow, ChangeRow, Filter, PolicyRow, SettingRow},
        schema::{policies, policy_assignments, setting_changes, settings, sync_run_kinds, sync_runs, tenants},
    },
};

/// Where rows go; an error of it ends the reading.
type Sink<'s, T> = &'s mut dyn FnMut(T) -> io::Result<()>;

/// Hands each row on as it comes.
macro_rules! stream {
    ($conn:expr, $query:expr, $row:ty, $sink:expr, $doing:literal) => {{
        let failed = StoreError::query($doing);
        for row in $query.load_iter::<$row, DefaultLoadingMode>($conn).map_err(&failed)? {
            $sink(row.map_err(&failed)?).map_err(StoreError::Sink)?;
        }
        Ok(())
    }};
}

/// Narrows a query over `policies`, joined to whatever else.
macro_rules! of_policies {
    ($query:expr, $filter:expr) => {{
        let mut query = $query;
        let filter = $filter;
        if !filter.tenants.is_empty() {
            query = query.filter(policies::tenant_id.eq_any(filter.tenants.clone()));
        }
        if !filter.kinds.is_empty() {
            query = query.filter(policies::policy_type.eq_any(filter.kinds.clone()));
        }
        if let Some(policy) = &filter.policy {
            query = query.filter(
                policies::graph_policy_id
                    .eq(policy.clone())
                    .or(policies::search_text.eq(crate::search::folded(policy))),
            );
        }
        if let Some(since) = filter.since {
            query = query.filter(policies::graph_modified_at.ge(since));
        }
        query.limit(filter.limit.unwrap_or(i64::MAX))
    }};
}

pub(in crate::store) fn tenants(conn: &mut Conn, filter: &Filter, sink: Sink<'_, TenantRow>) -> Result<(), StoreError> {
    let mut query = tenants::table.select(TenantRow::as_select()).into_boxed::<Db>();
    if !filter.tenants.is_empty() {
        query = query.filter(tenants::tenant_id.eq_any(filter.tenants.clone()));
    }
    let query = query.order(tenants::tenant_id).limit(filter.limit.unwrap_or(i64::MAX));
    stream!(conn, query, TenantRow, sink, "read tenants")
}

/// Of each live policy, in order of tenant and kind: its settings and when it was last seen.
pub(in crate::store) fn overview(
    conn: &mut Conn,
    filter: &Filter,
    sink: Sink<'_, (String, String, i64, chrono::NaiveDateTime)>,
) -> Result<(), StoreError> {
    let columns = (policies::tenant_id, policies::policy_type, policies::setting_count, policies::last_synced_at);
    let query = policies::table.filter(policies::deleted_at.is_null()).select(columns).into_boxed::<Db>();
    let query = of_policies!(query, filter).order((policies::tenant_id, policies::policy_type));
    stream!(conn, query, (String, String, i64, chrono::NaiveDateTime), sink, "read policies")
}

pub(in crate::store) fn policies(
    conn: &mut Conn,
    filter: &Filter,
    sink: Sink<'_, PolicyRow>,
) -> Result<(), StoreError> {
    let mut query = policies::table.select(PolicyRow::as_select()).into_boxed::<Db>();
    if !filter.all {
        query = query.filter(policies::deleted_at.is_null());
    }
    if let Some(needle) = &filter.search {
        let pattern = containing(needle);
        let having = settings::table
            .filter(settings::search_text.like(pattern.clone()).escape('\\'))
            .select(settings::policy_id);
        query = query.filter(policies::search_text.like(pattern).escape('\\').or(policies::id.eq_any(having)));
    }
    let query = of_policies!(query, filter).order((
        policies::tenant_id,
        policies::policy_type,
        policies::policy_name,
        policies::graph_policy_id,
    ));
    stream!(conn, query, PolicyRow, sink, "read policies")
}

pub(in crate::store) fn settings(
    conn: &mut Conn,
    filter: &Filter,
    sink: Sink<'_, SettingRow>,
) -> Result<(), StoreError> {
    let mut query = settings::table.inner_join(policies::table).select(SettingRow::as_select()).into_boxed::<Db>();
    if !filter.all {
        query = query.filter(settings::configured.is_null().or(settings::configured.eq(true)));
    }
    if let Some(needle) = &filter.search {
        let pattern = containing(needle);
        // where no policy is named so, the many rows need no look at their policies
        let named: bool = diesel::select(diesel::dsl::exists(
            policies::table.filter(policies::search_text.like(pattern.clone()).escape('\\')),
        ))
        .get_result(conn)
        .map_err(StoreError::query("search policies"))?;
        let in_row = settings::search_text.like(pattern.clone()).escape('\\');
        query = if named {
            query.filter(in_row.or(policies::search_text.like(pattern).escape('\\')))
        } else {
            query.filter(in_row)
        };
    }
    let query = of_policies!(query, filter).order((
        policies::tenant_id,
        policies::policy_type,
        policies::policy_name,
        policies::graph_policy_id,
        settings::setting_name,
    ));
    stream!(conn, query, SettingRow, sink, "read settings")
}

pub(in crate::store) fn assignments(
    conn: &mut Conn,
    filter: &Filter,
    sink: Sink<'_, AssignmentRow>,
) -> Result<(), StoreError> {
    let mut query =
        policy_assignments::table.inner_join(policies::table).select(AssignmentRow::as_select()).into_boxed::<Db>();
    if let Some(needle) = &filter.search {
        query = query.filter(policies::search_text.like(containing(needle)).escape('\\'));
    }
    let query = of_policies!(query, filter).order((
        policies::tenant_id,
        policies::policy_type,
        policies::policy_name,
        policies::graph_policy_id,
        policy_assignments::intent,
        policy_assignments::target_type,
        policy_assignments::target_id,
    ));
    stream!(conn, query, AssignmentRow, sink, "read assignments")
}

/// Changes, the latest first.
pub(in crate::store) fn changes(conn: &mut Conn, filter: &Filter, sink: Sink<'_, ChangeRow>) -> Result<(), StoreError> {
    let mut query = setting_changes::table.select(ChangeRow::as_select()).into_boxed::<Db>();
    if !filter.tenants.is_empty() {
        query = query.filter(setting_changes::tenant_id.eq_any(filter.tenants.clone()));
    }
    if !filter.kinds.is_empty() {
        query = query.filter(setting_changes::policy_type.eq_any(filter.kinds.clone()));
    }
    if let Some(policy) = &filter.policy {
        // the policy's name now, whatever its case, or as it was
        let named = policies::table
            .filter(policies::search_text.eq(crate::search::folded(policy)))
            .select(policies::graph_policy_id);
        query = query.filter(
            setting_changes::graph_policy_id
                .eq(policy.clone())
                .or(setting_changes::policy_name.eq(policy.clone()))
                .or(setting_changes::graph_policy_id.eq_any(named)),
        );
    }
    if let Some(since) = filter.since {
        query = query.filter(setting_changes::changed_at.ge(since));
    }
    let query = query
        .order((setting_changes::changed_at.desc(), setting_changes::id.desc()))
        .limit(if filter.search.is_some() { i64::MAX } else { filter.limit.unwrap_or(i64::MAX) });
    let Some(needle) = filter.search.as_deref().map(crate::search::folded) else {
        return stream!(conn, query, ChangeRow, sink, "read changes");
    };
    // changes are few: they have no folded column of their own
    let mut left = filter.limit.unwrap_or(i64::MAX);
    let mut matching = |row: ChangeRow| {
        let texts = [Some(&row.policy_name), Some(&row.setting_name), row.old_value.as_ref(), row.new_value.as_ref()];
        if left > 0 && texts.into_iter().flatten().any(|text| crate::search::folded(text).contains(&needle)) {
            left -= 1;
            return sink(row);
        }
        Ok(())
    };
    stream!(conn, query, ChangeRow, matching, "read changes")
}

/// Runs, the latest first.
pub(in crate::store) fn runs(conn: &mut Conn, filter: &Filter, sink: Sink<'_, RunRow>) -> Result<(), StoreError> {
    let mut query = sync_runs::table.select(RunRow::as_select()).into_boxed::<Db>();
    if !filter.tenants.is_empty() {
        query = query.filter(sync_runs::tenant_id.eq_any(filter.tenants.clone()));
    }
    if let Some(since) = filter.since {
        query = query.filter(sync_runs::started_at.ge(since));
    }
    let query =
        query.order((sync_runs::started_at.desc(), sync_runs::run_id.desc())).limit(filter.limit.unwrap_or(i64::MAX));
    stream!(conn, query, RunRow, sink, "read runs")
}

/// The kinds of one run.
pub(in crate::store) fn run_kinds(conn: &mut Conn, run_id: &str) -> Result<Vec<RunKindRow>, StoreError> {
    sync_run_kinds::table
        .filter(sync_run_kinds::run_id.eq(run_id))
        .order(sync_run_kinds::policy_type)
        .select(RunKindRow::as_select())
        .load(conn)
        .map_err(StoreError::query("read runs"))
}

/// The latest reading of each kind of each tenant: tenant, kind, status, when.
pub(in crate::store) fn last_read(
    conn: &mut Conn,
    filter: &Filter,
    sink: Sink<'_, (String, String, String, chrono::NaiveDateTime)>,
) -> Result<(), StoreError> {
    let columns = (sync_runs::tenant_id, sync_run_kinds::policy_type, sync_run_kinds::status, sync_runs::started_at);
    let mut query = sync_run_kinds::table.inner_join(sync_runs::table).select(columns).into_boxed::<Db>();
    if !filter.tenants.is_empty() {
        query = query.filter(sync_runs::tenant_id.eq_any(filter.tenants.clone()));
    }
    let query = query.order(sync_runs::started_at);
    stream!(conn, query, (String, String, String, chrono::NaiveDateTime), sink, "read runs")
}
