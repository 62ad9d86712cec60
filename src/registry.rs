//! The one list of kinds. A new kind of known shape is one row here and one fixture.

mod lookup;

use crate::flatten::{
    SettingsShape::{AdministrativeTemplate, Bag, Catalog, Intent, Legacy},
    Shape,
};

pub use lookup::{UnknownKind, by_context, by_folder, by_graph_type, by_slug};

/// A kind of policy.
#[derive(Debug)]
pub struct PolicyKind {
    /// Its slug, and how its policies are read.
    pub shape: Shape,
    /// What the portal calls it.
    pub title: &'static str,
    /// Collections of Graph (beta) that list it.
    pub endpoints: &'static [Endpoint],
    /// The least application permission that reads it (Microsoft Graph permissions reference).
    pub permission: &'static str,
    /// Whether a sync reads it without being asked for it by name.
    pub default: bool,
    /// `@odata.type`s of its policies that are not the singular of a collection's name, without `#microsoft.graph.`;
    /// `*` stands for any beginning or end.
    types: &'static [&'static str],
    /// Folders that exporting tools put it into, beside those called by the slug, its plural or the collection: letters
    /// alone, lower-case.
    folders: &'static [&'static str],
}

/// A collection of Graph's.
#[derive(Debug)]
pub struct Endpoint {
    /// Its path below the version.
    pub path: &'static str,
    /// The query of its list, best first: Graph answers 400 to an `$expand` that a service does not know.
    pub queries: &'static [&'static str],
    /// What the list leaves out.
    pub details: Details,
}

/// What has to be read for each policy because the list does not give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Details {
    /// Nothing.
    None,
    /// `{id}/settings`, for policies whose settings did not come with the list, or came short.
    Settings,
    /// `{id}/definitionValues`, and the presentation values of each.
    DefinitionValues,
    /// `{id}` with this query: the list leaves properties null.
    Item(&'static str),
    /// There is no list: the path itself is the one policy.
    Singleton,
}

impl Endpoint {
    /// Whether its path is the plural of this type, which a collection of several types has none of.
    fn is_of_type(&self, name: &str) -> bool {
        // `policies` says of what only with the segments before it
        let Some(collection) = self.path.rsplit('/').next().filter(|name| *name != "policies") else { return false };
        match collection.strip_suffix("ies") {
            Some(stem) => name.strip_suffix('y') == Some(stem),
            None => name == collection.strip_suffix('s').unwrap_or(collection),
        }
    }
}

const fn endpoint(path: &'static str, queries: &'static [&'static str], details: Details) -> Endpoint {
    Endpoint { path, queries, details }
}

impl PolicyKind {
    /// Whether a tenant has one of it, which has no name.
    pub fn is_singleton(&self) -> bool {
        self.endpoints.iter().all(|endpoint| endpoint.details == Details::Singleton)
    }

    /// Whether a policy of this `@odata.type` may be of the collection with this path: it is not where the type is
    /// another collection's own.
    pub fn may_list(&self, path: &str, graph_type: Option<&str>) -> bool {
        let Some(graph_type) = graph_type else { return true };
        let name = graph_type.strip_prefix("#microsoft.graph.").unwrap_or(graph_type);
        self.endpoints.iter().all(|endpoint| endpoint.path == path || !endpoint.is_of_type(name))
    }

    /// The `policy_type` of the database and the value of `--kind`.
    pub fn slug(&self) -> &'static str {
        self.shape.slug
    }
}

/// The list, in the order that summaries show.
pub const POLICY_KINDS: &[PolicyKind] = &[
    PolicyKind {
        shape: Shape { slug: "settings-catalog", platform: None, settings: Catalog },
        title: "Settings catalog, endpoint security and baselines",
        endpoints: &[endpoint(
            "deviceManagement/configurationPolicies",
            &["$expand=settings,assignments", "$expand=assignments"],
            Details::Settings,
        )],
        permission: CONFIGURATION,
        default: true,
        types: &["deviceManagementConfigurationPolicy"],
        folders: &["endpointsecuritypolicies"],
    },
    PolicyKind {
        shape: Shape { slug: "device-configuration", platform: None, settings: Legacy },
        title: "Device configuration, OMA-URI and update rings",
        endpoints: &[endpoint("deviceManagement/deviceConfigurations", &["$expand=assignments"], Details::None)],
        permission: CONFIGURATION,
        default: true,
        types: &[
            "*Configuration",
            "*CertificateProfile",
            "*TrustedRootCertificate",
            "windows10DeviceFirmwareConfigurationInterface",
            // abstract types, which a newer service may give a body
            "*CertificateProfileBase",
            "*ConfigurationBase",
            "*EasEmailProfileBase",
        ],
        folders: &["deviceconfigurationprofiles", "omauri", "customconfiguration", "updatepolicies", "updaterings"],
    },
    PolicyKind {
        shape: Shape { slug: "compliance", platform: None, settings: Legacy },
        title: "Compliance",
        endpoints: &[endpoint(
            "deviceManagement/deviceCompliancePolicies",
            &["$expand=assignments,scheduledActionsForRule($expand=scheduledActionConfigurations)"],
            Details::None,
        )],
        permission: CONFIGURATION,
        default: true,
        types: &["*CompliancePolicy"],
        folders: &["compliancepolicies", "devicecompliance"],
    },
    PolicyKind {
        shape: Shape { slug: "linux-compliance", platform: Some("Linux"), settings: Catalog },
        title: "Linux compliance",
        endpoints: &[endpoint(
            "deviceManagement/compliancePolicies",
            &[
                "$expand=settings,assignments,scheduledActionsForRule($expand=scheduledActionConfigurations)",
                "$expand=assignments,scheduledActionsForRule($expand=scheduledActionConfigurations)",
            ],
            Details::Settings,
        )],
        permission: CONFIGURATION,
        default: true,
        types: &["deviceManagementCompliancePolicy"],
        folders: &["compliancepoliciesv"],
    },
    PolicyKind {
        shape: Shape { slug: "intent", platform: None, settings: Intent },
        title: "Endpoint security and baselines (legacy)",
        endpoints: &[endpoint("deviceManagement/intents", &["$expand=assignments"], Details::Settings)],
        permission: CONFIGURATION,
        default: true,
        types: &["deviceManagementIntent"],
        folders: &["managementintents", "endpointsecurity", "securitybaselines"],
    },
    PolicyKind {
        shape: Shape { slug: "administrative-template", platform: Some("Windows"), settings: AdministrativeTemplate },
        title: "Administrative templates",
        endpoints: &[endpoint(
            "deviceManagement/groupPolicyConfigurations",
            &["$expand=assignments"],
            Details::DefinitionValues,
        )],
        permission: CONFIGURATION,
        default: true,
        types: &[],
        folders: &["admintemplate", "admintemplates"],
    },
    PolicyKind {
        shape: Shape { slug: "reusable-settings", platform: None, settings: Catalog },
        title: "Reusable settings",
        endpoints: &[endpoint("deviceManagement/reusablePolicySettings", &[""], Details::Item(""))],
        permission: CONFIGURATION,
        default: false,
        types: &["deviceManagementReusablePolicySetting"],
        folders: &["reusablepolicysetting"],
    },
    PolicyKind {
        shape: Shape { slug: "windows-script", platform: Some("Windows"), settings: Bag },
        title: "Windows scripts",
        endpoints: &[endpoint(
            "deviceManagement/deviceManagementScripts",
            &["$expand=assignments", ""],
            Details::Item(""),
        )],
        permission: SCRIPTS,
        default: false,
        types: &[],
        folders: &["powershell", "powershellscripts"],
    },
    PolicyKind {
        shape: Shape { slug: "macos-script", platform: Some("macOS"), settings: Bag },
        title: "macOS scripts",
        endpoints: &[endpoint("deviceManagement/deviceShellScripts", &["$expand=assignments", ""], Details::Item(""))],
        permission: SCRIPTS,
        default: false,
        types: &[],
        folders: &["shell", "shellscripts", "macscripts"],
    },
    PolicyKind {
        shape: Shape { slug: "custom-attribute", platform: Some("macOS"), settings: Bag },
        title: "macOS custom attributes",
        endpoints: &[endpoint(
            "deviceManagement/deviceCustomAttributeShellScripts",
            &["$expand=assignments", ""],
            Details::Item(""),
        )],
        permission: SCRIPTS,
        default: false,
        types: &[],
        folders: &["maccustomattributes"],
    },
    PolicyKind {
        shape: Shape { slug: "remediation", platform: Some("Windows"), settings: Bag },
        title: "Remediations",
        endpoints: &[endpoint("deviceManagement/deviceHealthScripts", &["$expand=assignments", ""], Details::Item(""))],
        permission: SCRIPTS,
        default: false,
        types: &[],
        folders: &["healthscripts", "proactiveremediations"],
    },
    PolicyKind {
        shape: Shape { slug: "compliance-script", platform: Some("Windows"), settings: Bag },
        title: "Custom compliance scripts",
        endpoints: &[endpoint("deviceManagement/deviceComplianceScripts", &[""], Details::Item(""))],
        permission: SCRIPTS,
        default: false,
        types: &[],
        folders: &[],
    },
    PolicyKind {
        shape: Shape { slug: "feature-update", platform: Some("Windows"), settings: Bag },
        title: "Feature updates",
        endpoints: &[endpoint(
            "deviceManagement/windowsFeatureUpdateProfiles",
            &["$expand=assignments", ""],
            Details::None,
        )],
        permission: CONFIGURATION,
        default: false,
        types: &[],
        folders: &["featureupdateprofiles"],
    },
    PolicyKind {
        shape: Shape { slug: "quality-update", platform: Some("Windows"), settings: Bag },
        title: "Quality updates",
        endpoints: &[
            endpoint("deviceManagement/windowsQualityUpdateProfiles", &["$expand=assignments", ""], Details::None),
            endpoint("deviceManagement/windowsQualityUpdatePolicies", &["$expand=assignments", ""], Details::None),
        ],
        permission: CONFIGURATION,
        default: false,
        types: &[],
        folders: &["qualityupdateprofiles"],
    },
    PolicyKind {
        shape: Shape { slug: "driver-update", platform: Some("Windows"), settings: Bag },
        title: "Driver updates",
        endpoints: &[endpoint(
            "deviceManagement/windowsDriverUpdateProfiles",
            &["$expand=assignments", ""],
            Details::None,
        )],
        permission: CONFIGURATION,
        default: false,
        types: &[],
        folders: &["driverupdateprofiles"],
    },
    PolicyKind {
        shape: Shape { slug: "enrollment", platform: None, settings: Bag },
        title: "Enrollment",
        endpoints: &[endpoint(
            "deviceManagement/deviceEnrollmentConfigurations",
            &["$expand=assignments", ""],
            Details::None,
        )],
        permission: SERVICE_CONFIG,
        default: false,
        types: &[
            "deviceEnrollment*",
            "windows10EnrollmentCompletionPageConfiguration",
            "deviceComanagementAuthorityConfiguration",
            "windowsRestoreDeviceEnrollmentConfiguration",
        ],
        folders: &["enrollmentconfigurations", "enrollmentrestrictions", "enrollmentstatuspage"],
    },
    PolicyKind {
        shape: Shape { slug: "autopilot", platform: Some("Windows"), settings: Bag },
        title: "Autopilot profiles",
        endpoints: &[endpoint(
            "deviceManagement/windowsAutopilotDeploymentProfiles",
            &["$expand=assignments", ""],
            Details::None,
        )],
        permission: SERVICE_CONFIG,
        default: false,
        types: &["*AutopilotDeploymentProfile"],
        folders: &["autopilotprofiles"],
    },
    PolicyKind {
        shape: Shape { slug: "app-protection", platform: None, settings: Bag },
        title: "App protection",
        endpoints: &[
            endpoint(
                "deviceAppManagement/iosManagedAppProtections",
                &["$expand=apps,assignments", "$expand=assignments", ""],
                Details::None,
            ),
            endpoint(
                "deviceAppManagement/androidManagedAppProtections",
                &["$expand=apps,assignments", "$expand=assignments", ""],
                Details::None,
            ),
            endpoint(
                "deviceAppManagement/windowsManagedAppProtections",
                &["$expand=apps,assignments", "$expand=assignments", ""],
                Details::None,
            ),
            // Windows Information Protection: policies of their own, with and without enrolment
            endpoint(
                "deviceAppManagement/mdmWindowsInformationProtectionPolicies",
                &["$expand=assignments", ""],
                Details::None,
            ),
            endpoint(
                "deviceAppManagement/windowsInformationProtectionPolicies",
                &["$expand=assignments", ""],
                Details::None,
            ),
        ],
        permission: APPS,
        default: false,
        types: &["*ManagedAppProtection", "*InformationProtectionPolicy"],
        folders: &["appprotectionpolicies"],
    },
    PolicyKind {
        shape: Shape { slug: "app-configuration", platform: None, settings: Bag },
        title: "App configuration",
        endpoints: &[
            endpoint("deviceAppManagement/mobileAppConfigurations", &["$expand=assignments", ""], Details::None),
            endpoint(
                "deviceAppManagement/targetedManagedAppConfigurations",
                &["$expand=apps,assignments,settings", "$expand=apps,assignments", "$expand=assignments", ""],
                Details::None,
            ),
        ],
        permission: APPS,
        default: false,
        types: &[
            "*MobileAppConfiguration",
            "androidManagedStoreAppConfiguration",
            "androidForWorkAppConfigurationSchema",
        ],
        folders: &["appconfigurationmanageddevice", "appconfigurationmanagedapp", "appconfigurationpolicies"],
    },
    PolicyKind {
        shape: Shape { slug: "conditional-access", platform: None, settings: Bag },
        title: "Conditional access",
        endpoints: &[endpoint("identity/conditionalAccess/policies", &[""], Details::None)],
        permission: POLICY,
        default: false,
        types: &["conditionalAccessPolicy"],
        folders: &["conditionalaccesspolicies"],
    },
    PolicyKind {
        shape: Shape { slug: "named-location", platform: None, settings: Bag },
        title: "Named locations",
        endpoints: &[endpoint("identity/conditionalAccess/namedLocations", &[""], Details::None)],
        permission: POLICY,
        default: false,
        types: &["*NamedLocation"],
        folders: &[],
    },
    PolicyKind {
        shape: Shape { slug: "assignment-filter", platform: None, settings: Bag },
        title: "Assignment filters",
        endpoints: &[endpoint("deviceManagement/assignmentFilters", &[""], Details::None)],
        permission: CONFIGURATION,
        default: false,
        types: &["deviceAndAppManagementAssignmentFilter", "payloadCompatibleAssignmentFilter"],
        folders: &["filters"],
    },
    PolicyKind {
        shape: Shape { slug: "tenant-settings", platform: None, settings: Bag },
        title: "Tenant-wide settings",
        endpoints: &[endpoint("deviceManagement", &["$select=settings"], Details::Singleton)],
        permission: SERVICE_CONFIG,
        default: false,
        types: &["deviceManagementSettings"],
        folders: &["devicemanagementsettings"],
    },
    PolicyKind {
        shape: Shape { slug: "policy-set", platform: None, settings: Bag },
        title: "Policy sets",
        endpoints: &[endpoint("deviceAppManagement/policySets", &[""], Details::Item("$expand=items,assignments"))],
        permission: APPS,
        default: false,
        types: &[],
        folders: &[],
    },
];

const CONFIGURATION: &str = "DeviceManagementConfiguration.Read.All";
const SCRIPTS: &str = "DeviceManagementScripts.Read.All";
const SERVICE_CONFIG: &str = "DeviceManagementServiceConfig.Read.All";
const APPS: &str = "DeviceManagementApps.Read.All";
const POLICY: &str = "Policy.Read.All";
