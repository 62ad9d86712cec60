//! The collections of Graph: which there are, what of their items only `$expand` gives, and the items themselves.

use std::collections::HashMap;

use serde_json::{Value, json};

/// Kind's slug, collection and navigation properties.
const COLLECTIONS: &[(&str, &str, &[&str])] = &[
    ("settings-catalog", "deviceManagement/configurationPolicies", &["settings", "assignments"]),
    (
        "linux-compliance",
        "deviceManagement/compliancePolicies",
        &["settings", "scheduledActionsForRule", "assignments"],
    ),
    ("device-configuration", "deviceManagement/deviceConfigurations", &["assignments"]),
    ("compliance", "deviceManagement/deviceCompliancePolicies", &["scheduledActionsForRule", "assignments"]),
    ("intent", "deviceManagement/intents", &["settings", "assignments"]),
    ("administrative-template", "deviceManagement/groupPolicyConfigurations", &["definitionValues", "assignments"]),
    ("reusable-settings", "deviceManagement/reusablePolicySettings", &[]),
    ("windows-script", "deviceManagement/deviceManagementScripts", &["assignments"]),
    ("macos-script", "deviceManagement/deviceShellScripts", &["assignments"]),
    ("custom-attribute", "deviceManagement/deviceCustomAttributeShellScripts", &["assignments"]),
    ("remediation", "deviceManagement/deviceHealthScripts", &["assignments"]),
    ("compliance-script", "deviceManagement/deviceComplianceScripts", &["assignments"]),
    ("feature-update", "deviceManagement/windowsFeatureUpdateProfiles", &["assignments"]),
    ("quality-update", "deviceManagement/windowsQualityUpdateProfiles", &["assignments"]),
    ("quality-update", "deviceManagement/windowsQualityUpdatePolicies", &["assignments"]),
    ("driver-update", "deviceManagement/windowsDriverUpdateProfiles", &["assignments"]),
    ("enrollment", "deviceManagement/deviceEnrollmentConfigurations", &["assignments"]),
    ("autopilot", "deviceManagement/windowsAutopilotDeploymentProfiles", &["assignments"]),
    ("app-protection", "deviceAppManagement/iosManagedAppProtections", &["apps", "assignments"]),
    ("app-protection", "deviceAppManagement/androidManagedAppProtections", &["apps", "assignments"]),
    ("app-protection", "deviceAppManagement/windowsManagedAppProtections", &["apps", "assignments"]),
    ("app-protection", "deviceAppManagement/mdmWindowsInformationProtectionPolicies", &["assignments"]),
    ("app-protection", "deviceAppManagement/windowsInformationProtectionPolicies", &["assignments"]),
    ("app-configuration", "deviceAppManagement/mobileAppConfigurations", &["assignments"]),
    ("app-configuration", "deviceAppManagement/targetedManagedAppConfigurations", &["apps", "assignments", "settings"]),
    ("conditional-access", "identity/conditionalAccess/policies", &[]),
    ("named-location", "identity/conditionalAccess/namedLocations", &[]),
    ("assignment-filter", "deviceManagement/assignmentFilters", &[]),
    ("policy-set", "deviceAppManagement/policySets", &["items", "assignments"]),
    ("", "deviceManagement/configurationSettings", &[]),
    ("", "deviceManagement/complianceSettings", &[]),
    ("", "deviceManagement/reusableSettings", &[]),
    ("", "deviceManagement/configurationCategories", &[]),
    ("", "deviceManagement/complianceCategories", &[]),
    ("", "deviceManagement/templates", &["categories"]),
    ("", "directoryObjects", &[]),
    ("", "directoryRoleTemplates", &[]),
    ("", "servicePrincipals", &[]),
    ("", "groups", &[]),
];

/// The navigation properties of a collection; none if Graph has no such collection.
pub(super) fn navigation(collection: &str) -> Option<&'static [&'static str]> {
    COLLECTIONS.iter().find(|(_, path, _)| *path == collection).map(|(_, _, navigation)| *navigation)
}

/// The collection that a folder named after a kind or a collection holds.
pub(super) fn of_folder(name: &str) -> Option<&'static str> {
    let slugged = name.replace('_', "-");
    let named = |(slug, path, _): &&(&str, &str, _)| *slug == slugged || path.rsplit('/').next() == Some(name);
    COLLECTIONS.iter().find(named).map(|(_, path, _)| *path)
}

/// The collection in an `@odata.context`, such as `…/$metadata#deviceManagement/intents(settings())/$entity`.
pub(super) fn of_context(context: &str) -> Option<&'static str> {
    let (_, fragment) = context.split_once('#')?;
    let matches = |(_, path, _): &&(&str, &str, _)| {
        fragment.strip_prefix(*path).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    COLLECTIONS.iter().find(matches).map(|(_, path, _)| *path)
}

/// Items of one collection, in their order, found by id.
#[derive(Clone, Default)]
pub(super) struct Collection {
    pub(super) items: Vec<Value>,
    by_id: HashMap<String, usize>,
}

impl Collection {
    /// Adds items, each with an id, and with a `settingCount` where Graph has one.
    pub(super) fn extend(&mut self, collection: &str, items: impl IntoIterator<Item = Value>) {
        for mut item in items {
            if item["id"].as_str().is_none() {
                item["id"] = json!(format!("00000000-0000-4000-8000-{:012}", self.items.len() + 1));
            }
            let counted = collection.ends_with("configurationPolicies") || collection.ends_with("compliancePolicies");
            if counted && item["settingCount"].is_null() && item["settings"].is_array() {
                item["settingCount"] = json!(item["settings"].as_array().map_or(0, Vec::len));
            }
            self.by_id.insert(item["id"].as_str().unwrap_or_default().to_owned(), self.items.len());
            self.items.push(item);
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<&Value> {
        self.items.get(*self.by_id.get(id)?)
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.items.retain(|item| item["id"].as_str() != Some(id));
        let ids = self.items.iter().enumerate();
        self.by_id = ids.map(|(at, item)| (item["id"].as_str().unwrap_or_default().to_owned(), at)).collect();
    }
}
