//! Which flags narrow which subject, and what they ask of the database.

use anyhow::ensure;
use tenantpilot::{
    policy::TenantId,
    store::{Filter, Session},
};

use super::TABLE_ROWS;
use crate::{
    cli::{self, InspectArgs, Subject},
    errors::Usage,
    printer::Printer,
};

/// Flags by which each subject is narrowed.
fn narrowed_by(subject: Option<Subject>) -> &'static [&'static str] {
    match subject {
        None | Some(Subject::Kinds) => &["tenant", "kind"],
        Some(Subject::Tenants) => &["tenant", "limit"],
        Some(Subject::Policies | Subject::Settings) => &["tenant", "kind", "policy", "search", "since", "limit", "all"],
        Some(Subject::Assignments | Subject::Changes) => &["tenant", "kind", "policy", "search", "since", "limit"],
        Some(Subject::Runs) => &["tenant", "kind", "since", "limit"],
        Some(Subject::Queue) => &[],
        Some(Subject::Jobs) => &["tenant", "id", "limit"],
    }
}

/// Refuses a flag that would narrow nothing: what it shows would be taken for what was asked for. An environment is
/// for all commands, and may hold more than one of them knows.
pub(super) fn check(args: &InspectArgs) -> anyhow::Result<()> {
    let given = [
        ("tenant", "TENANTPILOT_TENANT", !args.tenant.is_empty()),
        ("kind", "TENANTPILOT_KIND", !args.kind.is_empty()),
        ("policy", "TENANTPILOT_POLICY", args.policy.is_some()),
        ("id", "TENANTPILOT_JOB", args.id.is_some()),
        ("search", "TENANTPILOT_SEARCH", args.search.is_some()),
        ("since", "TENANTPILOT_SINCE", args.since.is_some()),
        ("limit", "TENANTPILOT_LIMIT", args.limit.is_some()),
        ("all", "TENANTPILOT_ALL", args.all),
    ];
    let known = narrowed_by(args.subject);
    for (flag, env, is_given) in given {
        let is_lost = is_given && !known.contains(&flag) && std::env::var_os(env).is_none();
        let subject = args.subject.map_or("the overview", Subject::name);
        ensure!(!is_lost, Usage(format!("`--{flag}` narrows nothing of {subject}")));
    }
    Ok(())
}

/// What is asked of the database.
pub(super) fn filter(args: &InspectArgs, session: &mut Session, printer: &Printer) -> anyhow::Result<Filter> {
    let mut filter = Filter {
        kinds: kinds(args),
        policy: args.policy.clone(),
        search: args.search.clone().filter(|text| !text.is_empty()),
        since: args.since,
        // one more than a table shows, to tell that there is more
        limit: match (args.limit, args.json || args.csv) {
            (Some(limit), _) => Some(i64::from(limit)),
            (None, true) => None,
            (None, false) => Some(i64::from(TABLE_ROWS) + 1),
        },
        all: args.all || args.json || args.csv,
        ..Filter::default()
    };
    // rows stay in JSON and CSV; policies that are gone are shown to nobody who does not ask
    if matches!(args.subject, Some(Subject::Policies)) {
        filter.all = args.all;
    }
    if !args.tenant.is_empty() {
        filter.tenants = tenants(&args.tenant, session, printer)?;
    }
    Ok(filter)
}

/// The kinds asked for; none is all of them.
pub(super) fn kinds(args: &InspectArgs) -> Vec<String> {
    if args.kind.iter().any(|kind| kind == "all") { Vec::new() } else { cli::kinds(&args.kind).unwrap_or_default() }
}

/// Ids of the tenants that go by these ids, domains or names. What is written exactly so goes before other cases.
fn tenants(names: &[String], session: &mut Session, printer: &Printer) -> anyhow::Result<Vec<String>> {
    let mut known = Vec::new();
    session.tenants(&Filter::default(), &mut |row| {
        known.push(row);
        Ok(())
    })?;
    let named = |name: &str, is: fn(&str, &str) -> bool| {
        let name = TenantId::new(name.trim()).to_string();
        let own = known.iter().filter(|row| {
            let names = [Some(&row.tenant_id), row.domain.as_ref(), row.display_name.as_ref()];
            names.into_iter().flatten().any(|own| is(own, &name))
        });
        own.map(|row| row.tenant_id.clone()).collect::<Vec<_>>()
    };
    // the name of an import may hold a comma
    let is_one = |name: &&String| !named(name, str::eq_ignore_ascii_case).is_empty();
    let (whole, lists): (Vec<_>, Vec<_>) = names.iter().partition(is_one);
    let listed = lists.iter().flat_map(|names| names.split(',')).filter(|name| !name.trim().is_empty());
    let mut found = Vec::new();
    for name in whole.into_iter().map(String::as_str).chain(listed) {
        let mut own = named(name, |own, name| own == name);
        if own.is_empty() {
            own = named(name, str::eq_ignore_ascii_case);
        }
        if own.is_empty() {
            let name = TenantId::new(name.trim()).to_string();
            printer.warning(&format!("no tenant `{name}` in this database; `tenantpilot inspect tenants` lists them"));
            // an empty list would be all of them
            own.push(name);
        }
        found.append(&mut own);
    }
    Ok(found)
}
