//! What a sync came to, for people.

use std::{
    io::{self, Write},
    time::Duration,
};

use comfy_table::{CellAlignment, Table};
use tenantpilot::report::{Problem, Status, SyncReport, TenantReport};

use super::inspect::{
    output::{add_row, table},
    shorten::without_beginning,
};
use crate::{printer::Printer, terminal::one_line};

/// Problems that are named one by one.
const PROBLEMS_SHOWN: usize = 20;

/// Characters that are shown of a policy's name, which Graph does not bound.
const LONGEST_NAME: usize = 200;

/// Changes of a dry run that are shown one by one.
const CHANGES_SHOWN: usize = 50;

const COUNTS: [&str; 6] = ["POLICIES", "SETTINGS", "ADDED", "CHANGED", "REMOVED", "UNCHANGED"];

/// A row for each kind of one tenant, and the sums.
pub(super) fn of_kinds(out: &mut impl Write, tenant: &TenantReport, dry_run: bool) -> io::Result<()> {
    let mut shown = counted_table("KIND");
    for kind in &tenant.kinds {
        let counts = [kind.policies, kind.settings, kind.added, kind.changed, kind.removed, kind.unchanged];
        add(&mut shown, kind.kind, kind.status, counts);
    }
    add(&mut shown, "total", tenant.status, totals(tenant));
    writeln!(out, "{shown}")?;
    write_plan(out, tenant)?;
    let done = match (dry_run, tenant.status) {
        (_, Status::Interrupted) => "interrupted",
        (_, Status::Failed) => "failed",
        (true, _) => "compared, nothing written,",
        (false, Status::Partial) => "synced in part",
        (false, _) => "synced",
    };
    let name = tenant.tenant_name.as_ref().map(|name| format!(" ({})", one_line(name))).unwrap_or_default();
    writeln!(out, "{}{name} {done} in {}", one_line(tenant.tenant_id.as_str()), seconds(tenant.duration_ms))
}

/// What a dry run would change, setting by setting.
fn write_plan(out: &mut impl Write, tenant: &TenantReport) -> io::Result<()> {
    if tenant.planned.is_empty() {
        return Ok(());
    }
    let mut shown = table(&["POLICY", "SETTING", "CHANGE", "BEFORE", "AFTER"]);
    for change in tenant.planned.iter().take(CHANGES_SHOWN) {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let values = [text(&change.old_value), text(&change.new_value)];
        let (before, now) = without_beginning(&values[0], &values[1]);
        let values = [before.into_owned(), now.into_owned()];
        let cells = [change.policy_name.clone(), change.setting_name.clone(), change.change.clone()];
        add_row(&mut shown, &[cells.as_slice(), &values].concat());
    }
    writeln!(out, "{shown}")?;
    match tenant.planned.len().saturating_sub(CHANGES_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more changes; `--json` lists them"),
    }
}

/// A row for each of several tenants.
pub(super) fn of_tenants(out: &mut impl Write, report: &SyncReport) -> io::Result<()> {
    let mut shown = counted_table("TENANT");
    for tenant in &report.tenants {
        add(&mut shown, &one_line(tenant.tenant_id.as_str()), tenant.status, totals(tenant));
    }
    writeln!(out, "{shown}")
}

fn totals(tenant: &TenantReport) -> [u64; 6] {
    let totals = &tenant.totals;
    [totals.policies, totals.settings, totals.added, totals.changed, totals.removed, totals.unchanged]
}

fn counted_table(title: &str) -> Table {
    table(&[[title, "STATUS"].as_slice(), &COUNTS].concat())
}

fn add(table: &mut Table, name: &str, status: Status, counts: [u64; 6]) {
    let words = [name.to_owned(), status.word().to_owned()];
    table.add_row(words.into_iter().chain(counts.iter().map(ToString::to_string)));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn seconds(ms: u64) -> String {
    format!("{:.1} s", Duration::from_millis(ms).as_secs_f64())
}

/// Whether a problem is one for who wants to read everything.
fn is_note(problem: &Problem) -> bool {
    problem.code == "not_a_policy"
}

/// What was not taken and why, losses first; and the kinds that failed.
pub(super) fn problems(tenant: &TenantReport, named: bool, printer: &Printer) {
    let prefix = if named { format!("{}: ", one_line(tenant.tenant_id.as_str())) } else { String::new() };
    let mut problems: Vec<_> = tenant.problems.iter().collect();
    problems.sort_by_key(|problem| (!problem.is_loss(), is_note(problem)));
    for problem in problems.iter().take(PROBLEMS_SHOWN) {
        let name: String = problem.policy_name.iter().flat_map(|name| name.chars()).take(LONGEST_NAME).collect();
        let name = if name.is_empty() { name } else { format!(" `{}`", one_line(&name)) };
        let kind = problem.kind.map(|kind| format!("{kind} ")).unwrap_or_default();
        let place = problem.file.as_ref().unwrap_or(&problem.policy);
        let (place, message) = (one_line(place), one_line(&problem.message));
        let line = format!("{prefix}{kind}{place}{name}: {message} ({})", problem.code);
        // a second policy of one id may be another one, so it is told even where notes are not
        if is_note(problem) { printer.note(&format!("skipped: {line}")) } else { printer.warning(&line) }
    }
    let more = (tenant.problems.len().saturating_sub(PROBLEMS_SHOWN)) as u64 + tenant.more_problems;
    if more > 0 {
        let line = format!("{prefix}and {more} more; `--json` lists them");
        if problems.iter().skip(PROBLEMS_SHOWN).all(|problem| is_note(problem)) {
            printer.note(&line);
        } else {
            printer.warning(&line);
        }
    }
    for warning in &tenant.warnings {
        printer.warning(&format!("{prefix}{}", one_line(&warning.message)));
        warning.hint.iter().for_each(|hint| printer.hint(hint));
    }
    // what all kinds failed by is told once
    if let Some(error) = tenant.error.as_ref().filter(|_| tenant.kinds.iter().all(|kind| kind.error.is_some())) {
        if !tenant.kinds.is_empty() {
            printer.warning(&format!("{prefix}{}", error.message));
            error.hint.iter().for_each(|hint| printer.hint(hint));
        }
        return;
    }
    for (kind, error) in tenant.kinds.iter().filter_map(|kind| Some((kind, kind.error.as_ref()?))) {
        let line = format!("{prefix}{}", error.message);
        // what the tenant has no licence for is no failure
        if kind.status == Status::Skipped {
            printer.note(&format!("skipped: {line}"));
        } else {
            printer.warning(&line);
        }
        error.hint.iter().for_each(|hint| printer.hint(hint));
    }
}
