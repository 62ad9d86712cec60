//! Policies to rows: pure functions, one file per shape. Nothing here asks the network or a database,
//! and nothing is dropped for being unknown.

mod administrative_template;
mod assignment;
mod bag;
mod body;
mod catalog;
mod columns;
mod completeness;
mod flattener;
pub mod humanize;
mod intent;
mod labels;
mod named;
mod oma;
mod payload;
mod property;
mod rows;
mod secret;
mod unique;
mod vocabulary;

use serde_json::{Map, Value};

use crate::{
    json::{Document, JsonError},
    policy::{Policy, PolicyDocument},
};

use body::Body;
pub use flattener::Flattener;

/// Changes with every change of this folder: rows made by another version are made anew.
pub const VERSION: &str = env!("TENANTPILOT_FLATTENER");

/// What a person reads in place of a secret.
pub const SECRET: &str = "(secret)";

/// How the policies of one kind are read.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// `policy_type` of the rows.
    pub slug: &'static str,
    /// The platform, where the policies themselves do not say.
    pub platform: Option<&'static str>,
    /// Which of a policy's properties are settings.
    pub settings: SettingsShape,
}

/// Where a kind keeps its settings. A policy that lacks them is read as a bag of properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsShape {
    /// `settings[].settingInstance`, or one `settingInstance`
    Catalog,
    /// `settings[].definitionId` with `valueJson`
    Intent,
    /// `definitionValues[]`
    AdministrativeTemplate,
    /// every property that is not metadata, and settings of the catalog where there are any
    Bag,
    /// the same, of types that hold `false` and `0` where nobody has set anything
    Legacy,
}

/// Flattens one policy. Fails only where `document` is not a JSON object.
pub fn flatten(shape: &Shape, document: &PolicyDocument, flattener: &Flattener) -> Result<Policy, JsonError> {
    let parsed = Document::parse(&document.json)?;
    flatten_parsed(shape, document, &parsed, flattener)
}

/// As [`flatten`], of JSON that was parsed before.
pub fn flatten_parsed(
    shape: &Shape,
    document: &PolicyDocument,
    parsed: &Document,
    flattener: &Flattener,
) -> Result<Policy, JsonError> {
    let Value::Object(object) = &parsed.value else { return Err(JsonError::NotAnObject) };
    let body = Body::of(object);
    let mut policy = columns::columns(shape, document, &body);
    let rows = rows::gather(flattener, shape.settings, &body, |rows| {
        settings(shape.settings, &body, rows);
        assignment::settings(&body, rows);
    });
    policy.settings = unique::finished(rows, parsed);
    // of one whose settings did not come nobody knows whether it sets nothing
    if policy.settings.is_empty() && policy.completeness.has_all_settings() {
        policy.settings.push(unique::no_settings());
    }
    if policy.platform.is_none() && shape.settings == SettingsShape::Intent {
        let ids = policy.settings.iter().filter_map(|setting| setting.definition_id.as_deref());
        policy.platform = ids.into_iter().find_map(columns::platform_of_definition).map(str::to_owned);
    }
    columns::cleaned(&mut policy, parsed);
    Ok(policy)
}

/// Decides by what the policy holds: one without the kind's own settings is a bag of properties.
fn settings(shape: SettingsShape, body: &Body<'_>, rows: &mut rows::Rows<'_>) {
    let listed = || ["settings", "settingsDelta"].into_iter().filter_map(|key| body.get(key)).flat_map(elements);
    let of_catalog = |setting: &Value| setting.get("settingInstance").is_some();
    match shape {
        SettingsShape::Catalog if listed().any(of_catalog) => {
            listed().for_each(|setting| catalog::setting(setting, rows));
            // Linux compliance says beside its settings what follows from them
            if let Some(actions) = body.get("scheduledActionsForRule") {
                bag::property("scheduledActionsForRule", actions, rows);
            }
        }
        SettingsShape::Catalog if body.get("settingInstance").is_some_and(completeness::is_item) => {
            catalog::reusable(body.object, rows);
        }
        SettingsShape::AdministrativeTemplate if let Some(values) = body.get("definitionValues") => {
            administrative_template::values(values, rows);
        }
        SettingsShape::Intent if listed().any(|setting| setting.get("definitionId").is_some()) => {
            listed().for_each(|setting| intent::setting(setting, rows));
        }
        // app configuration has settings of the catalog beside its own
        SettingsShape::Bag if listed().any(of_catalog) => {
            for (key, value) in body.object {
                match key.as_str() {
                    "settings" | "settingsDelta" => {
                        elements(value).for_each(|setting| catalog::setting(setting, rows));
                    }
                    _ => bag::top(key, value, rows),
                }
            }
        }
        _ => bag::policy(body, rows),
    }
}

/// The items of a list; PowerShell writes a list of one as the item itself.
fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(value),
        _ => &[],
    }
    .iter()
}

/// A property of a small object. Its name is compared with those of its length alone: whatever else the object holds
/// is not looked at, which takes longer than all the rest where a policy no longer stands in the processor's cache.
fn property<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Annotations of OData and of exporting tools: never rows.
fn is_annotation(key: &str) -> bool {
    key.starts_with(['#', '$']) || key.contains('@')
}
