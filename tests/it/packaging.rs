//! What `packaging` holds, by the checkers of those who will read it.

use std::{fs, path::Path, process::Command};

use crate::support::cli::BINARY;

fn packaged(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(path)).unwrap()
}

#[test]
fn systemd_takes_the_unit_of_the_worker() {
    let unit = packaged("systemd/tenantpilot-worker.service");
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().join("tenantpilot-worker.service");
    // the checker looks for the program
    assert!(unit.contains("ExecStart=/usr/local/bin/tenantpilot worker\n"));
    fs::write(&installed, unit.replace("/usr/local/bin/tenantpilot", BINARY)).unwrap();
    let checked = Command::new("systemd-analyze").arg("verify").arg(&installed).output();
    let checked = checked.expect("the tests need `systemd-analyze` on PATH");
    let said = String::from_utf8_lossy(&checked.stderr);
    // what it says of other units of the machine is not about this one
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("tenantpilot")).collect();
    assert!(checked.status.success() && about_it.is_empty(), "{said}");
}

#[test]
fn the_deployment_speaks_of_the_list_that_workers_drain() {
    let list = format!("{}wait", crate::support::redis::PREFIX);
    assert!(packaged("kubernetes/worker.yaml").contains(&format!("listName: \"{list}\"")));
    assert!(fs::read_to_string("docs/worker-deployment.md").unwrap().contains(&list));
}
