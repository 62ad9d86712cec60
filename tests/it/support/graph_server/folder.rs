//! Exported policies on disk as items of collections.

use std::{fs, io, path::Path};

use serde_json::Value;

use super::collections::{of_context, of_folder};

/// Reads every JSON file below the folder; gives each policy with its collection.
pub(super) fn read(folder: &Path, collections: &[(&str, &str)]) -> io::Result<Vec<(String, Value)>> {
    let mut policies = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if !entry.file_type().is_file() || entry.path().extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let invalid = |what: &str| io::Error::other(format!("{}: {what}", entry.path().display()));
        let text = decode(&fs::read(entry.path())?);
        let document: Value = serde_json::from_str(&text).map_err(|e| invalid(&e.to_string()))?;
        let context = document["@odata.context"].as_str().and_then(of_context);
        for policy in unwrapped(document) {
            let folders = entry.path().ancestors().skip(1).filter_map(|path| path.file_name()?.to_str());
            let given = |name: &str| collections.iter().find(|(folder, _)| *folder == name).map(|(_, path)| *path);
            let collection = policy["@odata.context"]
                .as_str()
                .and_then(of_context)
                .or(context)
                .or_else(|| of_type(policy["@odata.type"].as_str()?))
                .or_else(|| folders.take(3).find_map(|name| given(name).or_else(|| of_folder(name))))
                .ok_or_else(|| invalid("neither the policy nor its folder tells the collection"))?;
            policies.push((collection.to_owned(), policy));
        }
    }
    Ok(policies)
}

/// One object, an array, or `{"value": […]}`.
fn unwrapped(document: Value) -> Vec<Value> {
    match document {
        Value::Array(items) => items,
        Value::Object(mut object) if object.get("value").is_some_and(Value::is_array) && !object.contains_key("id") => {
            object.remove("value").into_iter().flat_map(unwrapped).collect()
        }
        other => vec![other],
    }
}

/// The collection that a derived type belongs to, by the end of its name.
fn of_type(name: &str) -> Option<&'static str> {
    let name = name.trim_start_matches("#microsoft.graph.");
    let singular = |plural: &str| of_folder(plural);
    match name {
        "deviceManagementConfigurationPolicy" => singular("configurationPolicies"),
        "deviceManagementCompliancePolicy" => singular("compliancePolicies"),
        "deviceManagementIntent" => singular("intents"),
        "deviceManagementReusablePolicySetting" => singular("reusablePolicySettings"),
        "deviceManagementScript" => singular("deviceManagementScripts"),
        "conditionalAccessPolicy" => Some("identity/conditionalAccess/policies"),
        "countryNamedLocation" | "ipNamedLocation" => singular("namedLocations"),
        "targetedManagedAppConfiguration" => singular("targetedManagedAppConfigurations"),
        name if name.ends_with("MobileAppConfiguration") || name == "androidManagedStoreAppConfiguration" => {
            singular("mobileAppConfigurations")
        }
        name if name.ends_with("EnrollmentConfiguration") => singular("deviceEnrollmentConfigurations"),
        name if name.ends_with("AutopilotDeploymentProfile") => singular("windowsAutopilotDeploymentProfiles"),
        name if name.ends_with("CompliancePolicy") => singular("deviceCompliancePolicies"),
        name if name.ends_with("Policy") => of_folder(&format!("{}ies", name.strip_suffix('y')?)),
        name => of_folder(&format!("{name}s")).or_else(|| {
            let configuration = name.ends_with("Configuration") && !name.starts_with("deviceEnrollment");
            configuration.then(|| singular("deviceConfigurations")).flatten()
        }),
    }
}

/// Text of a file as Windows tools write it: UTF-8 with or without a mark, or UTF-16.
fn decode(bytes: &[u8]) -> String {
    let encoding = encoding_rs::Encoding::for_bom(bytes).map_or(encoding_rs::UTF_8, |(encoding, _)| encoding);
    encoding.decode(bytes).0.into_owned()
}
