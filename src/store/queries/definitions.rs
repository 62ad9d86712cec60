//! Official names: looked up by id, and kept for all tenants.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::{connection::DefaultLoadingMode, prelude::*, upsert::excluded};

use super::{Conn, write_transaction};
use crate::{
    definitions::Definition,
    store::{
        definitions::{DefinitionTotals, row},
        error::StoreError,
        models::DefinitionRow,
        schema::{policies, setting_definitions, settings},
    },
};

/// Definitions in one statement of six columns, and ids in one `IN (…)`.
const TOGETHER: usize = 1_000;

/// Whether any definition is stored.
pub(in crate::store) fn any(conn: &mut Conn) -> Result<bool, StoreError> {
    let first: Option<String> = setting_definitions::table
        .select(setting_definitions::definition_id)
        .first(conn)
        .optional()
        .map_err(StoreError::query("read definitions"))?;
    Ok(first.is_some())
}

/// The stored ones of these, with when they were read.
pub(in crate::store) fn find(
    conn: &mut Conn,
    ids: &[&str],
) -> Result<Vec<(String, Definition, NaiveDateTime)>, StoreError> {
    let mut found = Vec::new();
    for ids in ids.chunks(TOGETHER) {
        let rows = load(conn, ids).map_err(StoreError::query("read definitions"))?;
        found.extend(rows.into_iter().map(|row| {
            let (id, fetched_at) = (row.definition_id.clone(), row.fetched_at);
            (id, Definition::from(row), fetched_at)
        }));
    }
    Ok(found)
}

fn load(conn: &mut Conn, ids: &[&str]) -> QueryResult<Vec<DefinitionRow>> {
    setting_definitions::table
        .filter(setting_definitions::definition_id.eq_any(ids))
        .select(DefinitionRow::as_select())
        .load(conn)
}

/// Writes definitions: what a new one does not say stays as it was. Gives them as they are stored.
pub(in crate::store) fn keep(
    conn: &mut Conn,
    definitions: Vec<(String, Definition)>,
    fetched_at: NaiveDateTime,
) -> Result<Vec<(String, Definition)>, StoreError> {
    // in order of their keys, so that two syncs that write the same ones do not wait for each other in a circle;
    // of one id that comes twice the last counts
    let sorted: std::collections::BTreeMap<String, Definition> = definitions.into_iter().collect();
    let mut sorted: Vec<_> = sorted.into_iter().collect();
    for chunk in sorted.chunks_mut(TOGETHER) {
        write_transaction(conn, |conn| {
            let ids: Vec<&str> = chunk.iter().map(|(id, _)| id.as_str()).collect();
            let mut stored: HashMap<String, DefinitionRow> =
                load(conn, &ids)?.into_iter().map(|row| (row.definition_id.clone(), row)).collect();
            for (id, definition) in chunk.iter_mut() {
                if let Some(older) = stored.remove(id.as_str()) {
                    *definition = std::mem::take(definition).or(older.into());
                }
            }
            let rows: Vec<DefinitionRow> = chunk.iter().map(|(id, known)| row(id, known, fetched_at)).collect();
            diesel::insert_into(setting_definitions::table)
                .values(&rows)
                .on_conflict(setting_definitions::definition_id)
                .do_update()
                .set((
                    setting_definitions::display_name.eq(excluded(setting_definitions::display_name)),
                    setting_definitions::description.eq(excluded(setting_definitions::description)),
                    setting_definitions::category.eq(excluded(setting_definitions::category)),
                    setting_definitions::options.eq(excluded(setting_definitions::options)),
                    setting_definitions::fetched_at.eq(excluded(setting_definitions::fetched_at)),
                ))
                .execute(conn)?;
            QueryResult::Ok(())
        })
        .map_err(StoreError::query("write definitions"))?;
    }
    Ok(sorted)
}

/// Counts what is stored, and what of the settings of `kinds` has a name by it.
pub(in crate::store) fn totals(conn: &mut Conn, kinds: &[&str]) -> Result<DefinitionTotals, StoreError> {
    let failed = StoreError::query("count the definitions");
    let mut totals = DefinitionTotals::default();
    let mut named = std::collections::HashSet::new();
    let columns = (
        setting_definitions::definition_id,
        setting_definitions::options.is_not_null(),
        setting_definitions::category.is_not_null(),
        setting_definitions::fetched_at,
        setting_definitions::display_name.is_not_null(),
    );
    let rows = setting_definitions::table
        .select(columns)
        .load_iter::<(String, bool, bool, NaiveDateTime, bool), DefaultLoadingMode>(conn)
        .map_err(&failed)?;
    for row in rows {
        let (id, has_options, has_category, fetched_at, has_name) = row.map_err(&failed)?;
        if !has_name && !has_options {
            totals.unknown += 1;
            continue;
        }
        totals.definitions += 1;
        totals.with_options += u64::from(has_options);
        totals.with_category += u64::from(has_category);
        totals.oldest = Some(totals.oldest.map_or(fetched_at, |oldest| oldest.min(fetched_at)));
        totals.newest = totals.newest.max(Some(fetched_at));
        if has_name {
            named.insert(id);
        }
    }
    let used: Vec<Option<String>> = settings::table
        .inner_join(policies::table)
        .filter(policies::policy_type.eq_any(kinds))
        .filter(settings::definition_id.is_not_null())
        .select(settings::definition_id)
        .distinct()
        .load(conn)
        .map_err(&failed)?;
    let used: std::collections::HashSet<String> =
        used.into_iter().flatten().map(|id| id.to_ascii_lowercase()).collect();
    totals.used = used.len() as u64;
    totals.used_without_name = used.iter().filter(|id| !named.contains(*id)).count() as u64;
    Ok(totals)
}
