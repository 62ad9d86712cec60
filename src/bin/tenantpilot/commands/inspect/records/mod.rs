//! The rows of each subject in their frozen shapes: fields are only ever added.

mod assignments;
mod changes;
mod policies;
mod runs;
mod settings;
mod tenants;

pub(super) use assignments::Assignment;
pub(super) use changes::Change;
pub(super) use policies::Policy;
pub(super) use runs::Run;
pub(super) use settings::Setting;
pub(super) use tenants::Tenant;

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

/// Minutes are enough for people.
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}
