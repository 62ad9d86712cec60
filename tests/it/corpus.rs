//! A folder of real policies, where one is at hand: `TENANTPILOT_CORPUS` names it, and `TENANTPILOT_LEAVES` a
//! program that holds the rows against it.

use std::{path::PathBuf, process::Command};

use crate::support::database::Database;

#[test]
#[expect(clippy::print_stderr, reason = "a test that checks nothing says so")]
fn every_value_of_a_corpus_stands_in_a_row() {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(corpus), Some(leaves)) = (variable("TENANTPILOT_CORPUS"), variable("TENANTPILOT_LEAVES")) else {
        eprintln!("TENANTPILOT_CORPUS and TENANTPILOT_LEAVES are not set: nothing was checked");
        return;
    };
    let database = Database::sqlite();
    let program = database.program();
    let printed = program.try_sync(&corpus, &[]);
    // 3 where an export is known to hold fewer settings than its policy counts
    assert!(matches!(printed.code, Some(0 | 3)), "{printed:?}");
    assert!(!printed.stdout.contains(r#""code":"unreadable""#), "{}", printed.stderr);
    let rows = program.run(["inspect", "settings", "--json"]);
    let file = program.home().join("rows.json");
    std::fs::write(&file, rows.stdout).unwrap();
    let judged = Command::new("python3").arg(leaves).arg(corpus).arg(file).output().unwrap();
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
}
