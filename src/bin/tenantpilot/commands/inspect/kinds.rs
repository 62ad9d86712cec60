//! `inspect kinds`: the registry, and when each tenant's kinds were last read.

use std::collections::BTreeMap;

use serde::Serialize;
use tenantpilot::{
    registry::{POLICY_KINDS, PolicyKind},
    report::rfc3339_text,
    store::{Filter, Session},
};

use super::output::{Output, Record};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KindRecord {
    kind: &'static str,
    title: &'static str,
    permission: &'static str,
    default: bool,
    last_read: Vec<LastRead>,
}

/// The latest reading of a kind in one tenant.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastRead {
    tenant_id: String,
    status: String,
    at: String,
}

impl KindRecord {
    fn is_first(&self) -> bool {
        POLICY_KINDS.first().is_some_and(|first| first.slug() == self.kind)
    }

    fn new(kind: &PolicyKind, last_read: Vec<LastRead>) -> Self {
        Self { kind: kind.slug(), title: kind.title, permission: kind.permission, default: kind.default, last_read }
    }
}

impl Record for KindRecord {
    const TITLES: &'static [&'static str] = &["KIND", "TITLE", "LEAST PERMISSION", "DEFAULT", "LAST READ (UTC)"];
    fn csv(&self, lines: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        // readings are a list for each kind: JSON has them
        if self.is_first() {
            lines.write_record(["kind", "title", "permission", "default"])?;
        }
        lines.write_record([self.kind, self.title, self.permission, if self.default { "true" } else { "false" }])
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let default = if self.default { "yes" } else { "by name" };
        let read = |read: &LastRead| {
            let minute = read.at.get(..16).unwrap_or(&read.at).replace('T', " ");
            format!("{} {} {minute}", read.tenant_id, read.status)
        };
        let mut reads = self.last_read.iter().map(read);
        let own = [self.kind, self.title, self.permission, default].map(str::to_owned);
        let first = own.into_iter().chain([reads.next().unwrap_or_default()]).collect();
        let rest = reads.map(|read| [String::new(), String::new(), String::new(), String::new(), read].to_vec());
        std::iter::once(first).chain(rest).collect()
    }
}

/// Shows the registry, or the kinds asked for; `session` is `None` where there is no database to tell when they were
/// read.
pub(super) fn kinds(
    session: Option<(&mut Session, &Filter)>,
    asked: &[String],
    mut output: Output,
) -> anyhow::Result<()> {
    let mut reads: BTreeMap<String, BTreeMap<String, LastRead>> = BTreeMap::new();
    if let Some((session, filter)) = session {
        // the latest comes last
        session.last_read(filter, &mut |(tenant_id, kind, status, at)| {
            let read = LastRead { tenant_id: tenant_id.clone(), status, at: rfc3339_text(at) };
            reads.entry(kind).or_default().insert(tenant_id, read);
            Ok(())
        })?;
    }
    for kind in POLICY_KINDS.iter().filter(|kind| asked.is_empty() || asked.iter().any(|slug| slug == kind.slug())) {
        let last_read = reads.remove(kind.slug()).unwrap_or_default().into_values().collect();
        output.row(&KindRecord::new(kind, last_read))?;
    }
    Ok(output.finish()?)
}
