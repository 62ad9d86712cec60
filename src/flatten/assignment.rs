//! What an assignment sets beyond whom it is for: when a remediation runs, and whether it mends what it finds (the
//! resource type `deviceHealthScriptAssignment` of Microsoft Graph).

use serde_json::{Map, Value};

use super::{bag, body::Body, elements, property, rows::Rows};
use crate::policy::ASSIGNMENT_SETTINGS;

/// Properties of an assignment that are settings.
const SETTINGS: [&str; 2] = ["runRemediationScript", "runSchedule"];

/// The rows of a policy's assignments, of which most have none.
pub(super) fn settings(body: &Body<'_>, rows: &mut Rows<'_>) {
    for assignment in body.get("assignments").into_iter().flat_map(elements).filter_map(Value::as_object) {
        for (key, value) in assignment.iter().filter(|(key, _)| SETTINGS.contains(&key.as_str())) {
            let (id, name) = target(assignment);
            rows.within(ASSIGNMENT_SETTINGS.trim_end_matches('/'), "Assignments", |rows| {
                rows.within(id, name, |rows| bag::property(key, value, rows));
            });
        }
    }
}

/// Whom an assignment is for: a group and its name, or what its type says.
fn target(assignment: &Map<String, Value>) -> (&str, &str) {
    let target = property(assignment, "target").and_then(Value::as_object);
    let text = |key| property(target?, key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let kind = text("@odata.type").and_then(|kind| kind.rsplit('.').next()).unwrap_or("target");
    let name = text("groupDisplayName").or_else(|| text("groupName"));
    match (kind, text("groupId").or(name)) {
        (_, Some(group)) => (group, name.unwrap_or(group)),
        ("allLicensedUsersAssignmentTarget", None) => (kind, "All users"),
        ("allDevicesAssignmentTarget", None) => (kind, "All devices"),
        (kind, None) => (kind, kind),
    }
}
