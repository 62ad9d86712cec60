//! Which flags narrow which subject, and what they ask of the database.

use anyhow::ensure;
use tenantpilot::{
    policy::TenantId,
    store::{Filter, Session},
};

use super::TABLE_ROWS;
use crate::{
    cli::{self, InspectArgs, Subject},
    commands::tenants,
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
        ("tenant", !args.tenant.is_empty()),
        ("kind", !args.kind.is_empty()),
        ("policy", args.policy.is_some()),
        ("id", args.id.is_some()),
        ("search", args.search.is_some()),
        ("since", args.since.is_some()),
        ("limit", args.limit.is_some()),
        ("all", args.all),
    ];
    let known = narrowed_by(args.subject);
    for (flag, _) in given.iter().filter(|(flag, is_given)| *is_given && !known.contains(flag)) {
        let subject = args.subject.map_or_else(|| "the overview".to_owned(), Subject::name);
        let is_of_environment = cli::environment_of(flag).is_some_and(|name| std::env::var_os(name).is_some());
        ensure!(is_of_environment, Usage(format!("`--{flag}` narrows nothing of {subject}")));
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
        filter.tenants = ids(&args.tenant, session, printer)?;
    }
    Ok(filter)
}

/// The kinds asked for; none is all of them.
pub(super) fn kinds(args: &InspectArgs) -> Vec<String> {
    if args.kind.iter().any(|kind| kind == "all") { Vec::new() } else { cli::kinds(&args.kind).unwrap_or_default() }
}

/// Ids of the tenants that go by these ids, domains or names. What is written exactly so goes before other cases.
fn ids(names: &[String], session: &mut Session, printer: &Printer) -> anyhow::Result<Vec<String>> {
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
    let (whole, lists): (Vec<&String>, Vec<&String>) = names.iter().partition(is_one);
    let listed = tenants::named(lists);
    let mut found = Vec::new();
    for name in whole.into_iter().map(String::as_str).chain(listed.iter().map(TenantId::as_str)) {
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
