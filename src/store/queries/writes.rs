//! Writing a batch of policies: stored rows read, compared, and what differs written, in one transaction.

use std::collections::HashMap;

use diesel::{prelude::*, upsert::excluded};

use super::{Conn, Rows, insert_settings, write_transaction};
use crate::{
    changes::{self, Change, Side, Tally},
    policy::{ASSIGNMENT_SETTINGS, NO_SETTINGS_PATH, Policy},
    search::folded,
    store::{
        batch::{Batch, Read, Run, Tallies, Written},
        diff,
        error::StoreError,
        models::{NewAssignment, NewChange, NewPolicy, NewSetting, StoredAssignment, StoredPolicy, StoredSetting},
        schema::{policies, policy_assignments, setting_changes, settings},
    },
};

/// Ids in one `IN (…)`: below the number of parameters that SQLite takes.
const IDS_PER_STATEMENT: usize = 10_000;

/// Policies in one statement of 22 columns: below the number of parameters of both databases.
const POLICIES_PER_STATEMENT: usize = 1_000;

/// Writes one batch and tells what it changed.
pub(in crate::store) fn write(conn: &mut Conn, run: &Run, batch: &Batch) -> Result<Written, StoreError> {
    let failed = StoreError::query("write policies");
    if run.dry {
        return write_batch(conn, run, batch).map_err(failed);
    }
    write_transaction(conn, |conn| write_batch(conn, run, batch)).map_err(failed)
}

fn write_batch(conn: &mut Conn, run: &Run, batch: &Batch) -> QueryResult<Written> {
    let stored = stored_policies(conn, run, &batch.read)?;
    let is_same = |read: &Read| {
        stored.get(read.policy.id.as_str()).is_some_and(|stored| {
            stored.content_hash == read.content_hash
                && stored.policy_type == read.policy.kind
                && stored.deleted_at.is_none()
        })
    };
    let ids = if run.dry {
        stored.iter().map(|(id, stored)| (id.clone(), stored.id)).collect()
    } else {
        touch(conn, run, batch)?;
        upsert_policies(conn, run, &batch.read)?
    };
    let mut unchanged = Tallies::new();
    let mut differing = Vec::new();
    for read in &batch.read {
        if is_same(read) {
            unchanged.entry(read.policy.kind).or_default().unchanged += read.policy.settings.len() as u64;
        } else {
            differing.push(&read.policy);
        }
    }
    let mut written = write_settings(conn, run, &differing, &stored, &ids)?;
    for (kind, tally) in unchanged {
        *written.tallies.entry(kind).or_default() += tally;
    }
    Ok(written)
}

/// The stored rows of the policies that had one when the run began.
fn stored_policies(conn: &mut Conn, run: &Run, read: &[Read]) -> QueryResult<HashMap<String, StoredPolicy>> {
    let mut found = HashMap::with_capacity(read.len());
    // not asking for the others is more than thrift: PostgreSQL keeps the plan that it made of this while the
    // table was empty, and would read all of it for every batch of a first sync
    let ids: Vec<&str> = read.iter().filter(|read| !read.is_new).map(|read| read.policy.id.as_str()).collect();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<StoredPolicy> = policies::table
            .filter(policies::tenant_id.eq(run.tenant.as_str()))
            .filter(policies::graph_policy_id.eq_any(ids))
            .select(StoredPolicy::as_select())
            .load(conn)?;
        found.extend(rows.into_iter().map(|row| (row.graph_policy_id.clone(), row)));
    }
    Ok(found)
}

/// Writes the policies' own rows, and gives the key of each by its id.
fn upsert_policies(conn: &mut Conn, run: &Run, read: &[Read]) -> QueryResult<HashMap<String, i64>> {
    let mut ids = HashMap::with_capacity(read.len());
    for chunk in read.chunks(POLICIES_PER_STATEMENT) {
        let rows: Vec<NewPolicy<'_>> = chunk.iter().map(|read| policy_row(run, read)).collect();
        let written: Vec<(String, i64)> = diesel::insert_into(policies::table)
            .values(&rows)
            .on_conflict((policies::tenant_id, policies::graph_policy_id))
            .do_update()
            .set((
                policies::policy_type.eq(excluded(policies::policy_type)),
                policies::policy_name.eq(excluded(policies::policy_name)),
                policies::description.eq(excluded(policies::description)),
                policies::platform.eq(excluded(policies::platform)),
                policies::technologies.eq(excluded(policies::technologies)),
                policies::graph_type.eq(excluded(policies::graph_type)),
                policies::template_family.eq(excluded(policies::template_family)),
                policies::template_name.eq(excluded(policies::template_name)),
                policies::scope_tag_ids.eq(excluded(policies::scope_tag_ids)),
                policies::assigned.eq(excluded(policies::assigned)),
                policies::setting_count.eq(excluded(policies::setting_count)),
                policies::complete.eq(excluded(policies::complete)),
                policies::content_hash.eq(excluded(policies::content_hash)),
                policies::source_hash.eq(excluded(policies::source_hash)),
                policies::search_text.eq(excluded(policies::search_text)),
                policies::graph_created_at.eq(excluded(policies::graph_created_at)),
                policies::graph_modified_at.eq(excluded(policies::graph_modified_at)),
                policies::last_synced_at.eq(excluded(policies::last_synced_at)),
                policies::deleted_at.eq(excluded(policies::deleted_at)),
            ))
            .returning((policies::graph_policy_id, policies::id))
            .get_results(conn)?;
        ids.extend(written);
    }
    Ok(ids)
}

fn policy_row<'a>(run: &'a Run, read: &'a Read) -> NewPolicy<'a> {
    let policy = &read.policy;
    NewPolicy {
        tenant_id: run.tenant.as_str(),
        graph_policy_id: &policy.id,
        policy_type: policy.kind,
        policy_name: &policy.name,
        description: policy.description.as_deref(),
        platform: policy.platform.as_deref(),
        technologies: policy.technologies.as_deref(),
        graph_type: policy.graph_type.as_deref(),
        template_family: policy.template_family.as_deref(),
        template_name: policy.template_name.as_deref(),
        scope_tag_ids: policy.scope_tag_ids.as_deref(),
        assigned: policy.assigned,
        setting_count: i64::try_from(policy.settings.len()).unwrap_or(i64::MAX),
        complete: policy.is_complete(),
        content_hash: &read.content_hash,
        source_hash: &read.source_hash,
        search_text: folded(&policy.name),
        graph_created_at: policy.created_at,
        graph_modified_at: policy.modified_at,
        first_seen_at: run.started_at,
        last_synced_at: run.started_at,
        deleted_at: None,
    }
}

/// Moves `last_synced_at` of the policies that were seen as they are stored.
fn touch(conn: &mut Conn, run: &Run, batch: &Batch) -> QueryResult<()> {
    for chunk in batch.untouched.chunks(IDS_PER_STATEMENT) {
        let ids: Vec<&str> = chunk.iter().map(crate::policy::PolicyId::as_str).collect();
        diesel::update(
            policies::table
                .filter(policies::tenant_id.eq(run.tenant.as_str()))
                .filter(policies::graph_policy_id.eq_any(ids)),
        )
        .set(policies::last_synced_at.eq(run.started_at))
        .execute(conn)?;
    }
    Ok(())
}

/// Compares the policies whose content differs with their stored rows, and writes what differs.
fn write_settings(
    conn: &mut Conn,
    run: &Run,
    differing: &[&Policy],
    stored: &HashMap<String, StoredPolicy>,
    ids: &HashMap<String, i64>,
) -> QueryResult<Written> {
    let known: Vec<i64> = differing.iter().filter_map(|policy| stored.get(&policy.id)).map(|row| row.id).collect();
    let mut old_settings = stored_settings(conn, &known)?;
    for policy in differing.iter().filter(|policy| policy.assignments.is_none()) {
        // what is not told is not gone
        if let Some(rows) = ids.get(&policy.id).and_then(|id| old_settings.get_mut(id)) {
            rows.retain(|row| !row.setting_path.starts_with(ASSIGNMENT_SETTINGS));
        }
    }
    let old_assignments = stored_assignments(conn, &known)?;
    let (none_settings, none_assignments) = (Vec::new(), Vec::new());

    let mut tallies = Tallies::new();
    let (mut new_rows, mut rows, mut vanished, mut recorded) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for policy in differing {
        let id = ids.get(&policy.id).copied().unwrap_or_default();
        let before = old_settings.get(&id).unwrap_or(&none_settings);
        let is_recorded = run.recorded.contains(policy.kind);
        let is_new = before.is_empty();
        // one whose settings never came has had them all the same
        let was_absent = stored.get(&policy.id).is_some_and(|row| is_new && !row.complete && row.deleted_at.is_none());
        // of a first sync nothing is compared: there is nothing to compare with, and nobody to tell
        let changes = if was_absent || is_new && !is_recorded {
            Vec::new()
        } else {
            changes::compare(before.iter().map(diff::stored_side), policy.settings.iter().map(diff::new_side))
        };
        *tallies.entry(policy.kind).or_default() += if is_new {
            Tally { added: policy.settings.len() as u64, ..Tally::default() }
        } else {
            Tally::of(&changes, policy.settings.len())
        };
        let written = diff::plan(before, &policy.settings);
        vanished.extend(written.vanished);
        let into = if stored.contains_key(&policy.id) { &mut rows } else { &mut new_rows };
        into.extend(written.rows.into_iter().map(|(setting, created_at)| setting_row(run, id, setting, created_at)));

        let assigned_before = old_assignments.get(&id).unwrap_or(&none_assignments);
        let assignment_changes = diff::assignments(assigned_before, policy.assignments.as_deref());
        if !run.dry && diff::assignments_differ(assigned_before, policy.assignments.as_deref()) {
            replace_assignments(conn, id, policy)?;
        }
        if is_recorded {
            let changed = Changed { id: &policy.id, name: &policy.name, kind: policy.kind };
            recorded.extend(change_rows(run, &changed, changes, assignment_changes));
        }
    }
    if run.dry {
        return Ok(Written { tallies, changes: recorded.into_iter().map(Into::into).collect() });
    }
    for chunk in vanished.chunks(IDS_PER_STATEMENT) {
        diesel::delete(settings::table.filter(settings::id.eq_any(chunk))).execute(conn)?;
    }
    // a policy that this transaction made has no rows to clash with
    insert_settings(conn, &new_rows, Rows::New)?;
    insert_settings(conn, &rows, Rows::PerhapsStored)?;
    insert_changes(conn, &recorded)?;
    Ok(Written { tallies, changes: Vec::new() })
}

fn setting_row<'a>(
    run: &Run,
    policy_id: i64,
    setting: &'a crate::policy::Setting,
    created_at: Option<chrono::NaiveDateTime>,
) -> NewSetting<'a> {
    NewSetting {
        policy_id,
        setting_name: &setting.name,
        setting_value: setting.value.as_deref(),
        setting_path: &setting.path,
        definition_id: setting.definition_id.as_deref(),
        category: setting.category.as_deref(),
        configured: setting.configured,
        raw_value: setting.raw_value.as_deref(),
        search_text: diff::search_text(setting),
        created_at: created_at.unwrap_or(run.started_at),
        updated_at: run.started_at,
    }
}

pub(super) fn stored_settings(conn: &mut Conn, ids: &[i64]) -> QueryResult<HashMap<i64, Vec<StoredSetting>>> {
    let mut found: HashMap<i64, Vec<StoredSetting>> = HashMap::new();
    for chunk in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<StoredSetting> =
            settings::table.filter(settings::policy_id.eq_any(chunk)).select(StoredSetting::as_select()).load(conn)?;
        for row in rows {
            found.entry(row.policy_id).or_default().push(row);
        }
    }
    Ok(found)
}

pub(super) fn stored_assignments(conn: &mut Conn, ids: &[i64]) -> QueryResult<HashMap<i64, Vec<StoredAssignment>>> {
    let mut found: HashMap<i64, Vec<StoredAssignment>> = HashMap::new();
    for chunk in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<StoredAssignment> = policy_assignments::table
            .filter(policy_assignments::policy_id.eq_any(chunk))
            .select(StoredAssignment::as_select())
            .load(conn)?;
        for row in rows {
            found.entry(row.policy_id).or_default().push(row);
        }
    }
    Ok(found)
}

fn replace_assignments(conn: &mut Conn, policy_id: i64, policy: &Policy) -> QueryResult<()> {
    diesel::delete(policy_assignments::table.filter(policy_assignments::policy_id.eq(policy_id))).execute(conn)?;
    let assignments = policy.assignments.as_deref().unwrap_or_default();
    for chunk in assignments.chunks(POLICIES_PER_STATEMENT) {
        let rows: Vec<NewAssignment<'_>> = chunk
            .iter()
            .map(|assignment| NewAssignment {
                policy_id,
                intent: &assignment.intent,
                target_type: &assignment.target_type,
                target_id: assignment.target_id.as_deref(),
                target_name: assignment.target_name.as_deref(),
                filter_id: assignment.filter_id.as_deref(),
                filter_name: assignment.filter_name.as_deref(),
                filter_mode: assignment.filter_mode.as_deref(),
            })
            .collect();
        diesel::insert_into(policy_assignments::table).values(&rows).execute(conn)?;
    }
    Ok(())
}

/// The policy that changes are told of.
pub(super) struct Changed<'p> {
    pub(super) id: &'p str,
    pub(super) name: &'p str,
    pub(super) kind: &'p str,
}

/// What is recorded of a policy's changes. The row that says that it has no settings is none.
pub(super) fn change_rows<'r>(
    run: &'r Run,
    policy: &Changed<'_>,
    settings: Vec<Change>,
    assignments: Vec<Change>,
) -> impl Iterator<Item = NewChange<'r>> {
    let settings = settings.into_iter().filter(|change| change.path != NO_SETTINGS_PATH);
    settings.chain(assignments).map(move |change| NewChange {
        run_id: &run.id,
        tenant_id: run.tenant.as_str(),
        graph_policy_id: policy.id.to_owned(),
        policy_name: policy.name.to_owned(),
        policy_type: policy.kind.to_owned(),
        setting_path: change.path,
        setting_name: change.name,
        change: change.kind.word(),
        old_value: change.old,
        new_value: change.new,
        changed_at: run.started_at,
    })
}

pub(super) fn insert_changes(conn: &mut Conn, rows: &[NewChange<'_>]) -> QueryResult<()> {
    for chunk in rows.chunks(POLICIES_PER_STATEMENT) {
        diesel::insert_into(setting_changes::table).values(chunk).execute(conn)?;
    }
    Ok(())
}

/// The stored settings of a policy as a side of a comparison against nothing.
pub(super) fn all_removed(before: &[StoredSetting]) -> Vec<Change> {
    changes::compare(before.iter().map(diff::stored_side), std::iter::empty::<Side<'_>>())
}
