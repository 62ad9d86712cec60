//! The list of kinds: complete, unambiguous, and each with a fixture.

use std::{collections::BTreeSet, path::Path};

use serde_json::json;
use tenantpilot::{
    flatten::{self, Flattener},
    policy::{PolicyDocument, PolicyId},
    registry::{self, POLICY_KINDS},
};

/// Types of Graph's `deviceConfigurations` (beta), abstract ones among them.
const DEVICE_CONFIGURATIONS: &[(&str, &str)] = &[
    (
        "Android",
        "androidCertificateProfileBase androidCustomConfiguration androidEasEmailProfileConfiguration \
         androidEnterpriseWiFiConfiguration androidGeneralDeviceConfiguration androidImportedPFXCertificateProfile \
         androidOmaCpConfiguration androidPkcsCertificateProfile androidScepCertificateProfile \
         androidTrustedRootCertificate androidVpnConfiguration androidWiFiConfiguration \
         androidDeviceOwnerCertificateProfileBase androidDeviceOwnerDerivedCredentialAuthenticationConfiguration \
         androidDeviceOwnerEnterpriseWiFiConfiguration androidDeviceOwnerGeneralDeviceConfiguration \
         androidDeviceOwnerImportedPFXCertificateProfile androidDeviceOwnerPkcsCertificateProfile \
         androidDeviceOwnerScepCertificateProfile androidDeviceOwnerTrustedRootCertificate \
         androidDeviceOwnerVpnConfiguration androidDeviceOwnerWiFiConfiguration androidForWorkCertificateProfileBase \
         androidForWorkCustomConfiguration androidForWorkEasEmailProfileBase androidForWorkEnterpriseWiFiConfiguration \
         androidForWorkGeneralDeviceConfiguration androidForWorkGmailEasConfiguration \
         androidForWorkImportedPFXCertificateProfile androidForWorkNineWorkEasConfiguration \
         androidForWorkPkcsCertificateProfile androidForWorkScepCertificateProfile androidForWorkTrustedRootCertificate \
         androidForWorkVpnConfiguration androidForWorkWiFiConfiguration androidWorkProfileCertificateProfileBase \
         androidWorkProfileCustomConfiguration androidWorkProfileEasEmailProfileBase \
         androidWorkProfileEnterpriseWiFiConfiguration androidWorkProfileGeneralDeviceConfiguration \
         androidWorkProfileGmailEasConfiguration androidWorkProfileNineWorkEasConfiguration \
         androidWorkProfilePkcsCertificateProfile androidWorkProfileScepCertificateProfile \
         androidWorkProfileTrustedRootCertificate androidWorkProfileVpnConfiguration androidWorkProfileWiFiConfiguration \
         aospDeviceOwnerCertificateProfileBase aospDeviceOwnerDeviceConfiguration \
         aospDeviceOwnerEnterpriseWiFiConfiguration aospDeviceOwnerPkcsCertificateProfile \
         aospDeviceOwnerScepCertificateProfile aospDeviceOwnerTrustedRootCertificate aospDeviceOwnerWiFiConfiguration",
    ),
    (
        "iOS/iPadOS, macOS",
        "appleDeviceFeaturesConfigurationBase appleExpeditedCheckinConfigurationBase appleVpnConfiguration",
    ),
    (
        "iOS/iPadOS",
        "iosCertificateProfile iosCertificateProfileBase iosCustomConfiguration \
         iosDerivedCredentialAuthenticationConfiguration iosDeviceFeaturesConfiguration iosEasEmailProfileConfiguration \
         iosEducationDeviceConfiguration iosEduDeviceConfiguration iosEnterpriseWiFiConfiguration \
         iosExpeditedCheckinConfiguration iosGeneralDeviceConfiguration iosikEv2VpnConfiguration \
         iosImportedPFXCertificateProfile iosPkcsCertificateProfile iosScepCertificateProfile iosTrustedRootCertificate \
         iosUpdateConfiguration iosVpnConfiguration iosWiFiConfiguration",
    ),
    (
        "macOS",
        "macOSCertificateProfileBase macOSCustomAppConfiguration macOSCustomConfiguration \
         macOSDeviceFeaturesConfiguration macOSEndpointProtectionConfiguration macOSEnterpriseWiFiConfiguration \
         macOSExtensionsConfiguration macOSGeneralDeviceConfiguration macOSImportedPFXCertificateProfile \
         macOSPkcsCertificateProfile macOSScepCertificateProfile macOSSoftwareUpdateConfiguration \
         macOSTrustedRootCertificate macOSVpnConfiguration macOSWiFiConfiguration macOSWiredNetworkConfiguration",
    ),
    (
        "Windows",
        "editionUpgradeConfiguration sharedPCConfiguration windows10CertificateProfileBase windows10CustomConfiguration \
         windows10DeviceFirmwareConfigurationInterface windows10EasEmailProfileConfiguration \
         windows10EndpointProtectionConfiguration windows10EnterpriseModernAppManagementConfiguration \
         windows10GeneralConfiguration windows10ImportedPFXCertificateProfile windows10NetworkBoundaryConfiguration \
         windows10PFXImportCertificateProfile windows10PkcsCertificateProfile windows10SecureAssessmentConfiguration \
         windows10TeamGeneralConfiguration windows10VpnConfiguration windows81CertificateProfileBase \
         windows81GeneralConfiguration windows81SCEPCertificateProfile windows81TrustedRootCertificate \
         windows81VpnConfiguration windows81WifiImportConfiguration windowsCertificateProfileBase \
         windowsDefenderAdvancedThreatProtectionConfiguration windowsDeliveryOptimizationConfiguration \
         windowsDomainJoinConfiguration windowsHealthMonitoringConfiguration windowsIdentityProtectionConfiguration \
         windowsKioskConfiguration windowsUpdateForBusinessConfiguration windowsVpnConfiguration \
         windowsWifiConfiguration windowsWifiEnterpriseEAPConfiguration windowsWiredNetworkConfiguration",
    ),
    (
        "Windows Phone",
        "windowsPhone81CertificateProfileBase windowsPhone81CustomConfiguration windowsPhone81GeneralConfiguration \
         windowsPhone81ImportedPFXCertificateProfile windowsPhone81SCEPCertificateProfile \
         windowsPhone81TrustedRootCertificate windowsPhone81VpnConfiguration windowsPhoneEASEmailProfileConfiguration",
    ),
    ("", "easEmailProfileConfigurationBase vpnConfiguration unsupportedDeviceConfiguration"),
];

/// Types of Graph's `deviceCompliancePolicies` (beta).
const COMPLIANCE_POLICIES: &[(&str, &str)] = &[
    (
        "Android",
        "androidCompliancePolicy androidDeviceOwnerCompliancePolicy androidForWorkCompliancePolicy \
         androidWorkProfileCompliancePolicy aospDeviceOwnerCompliancePolicy",
    ),
    ("iOS/iPadOS", "iosCompliancePolicy"),
    ("macOS", "macOSCompliancePolicy"),
    ("Windows", "windows10CompliancePolicy windows10MobileCompliancePolicy windows81CompliancePolicy"),
    ("Windows Phone", "windowsPhone81CompliancePolicy"),
    ("", "defaultDeviceCompliancePolicy"),
];

/// Types of the other kinds whose policies are of several.
const APP_PROTECTION: &[(&str, &str)] = &[
    ("Android", "androidManagedAppProtection"),
    ("iOS/iPadOS", "iosManagedAppProtection"),
    ("Windows", "windowsManagedAppProtection windowsInformationProtectionPolicy mdmWindowsInformationProtectionPolicy"),
    ("", "defaultManagedAppProtection targetedManagedAppProtection"),
];

const APP_CONFIGURATION: &[(&str, &str)] = &[
    ("Android", "androidManagedStoreAppConfiguration androidForWorkMobileAppConfiguration"),
    ("iOS/iPadOS", "iosMobileAppConfiguration"),
    ("", "targetedManagedAppConfiguration managedDeviceMobileAppConfiguration"),
];

const ENROLLMENT: &[(&str, &str)] = &[
    (
        "Windows",
        "windows10EnrollmentCompletionPageConfiguration deviceEnrollmentWindowsHelloForBusinessConfiguration \
         deviceComanagementAuthorityConfiguration windowsRestoreDeviceEnrollmentConfiguration",
    ),
    (
        "",
        "deviceEnrollmentConfiguration deviceEnrollmentLimitConfiguration \
         deviceEnrollmentPlatformRestrictionConfiguration deviceEnrollmentPlatformRestrictionsConfiguration \
         deviceEnrollmentNotificationConfiguration",
    ),
];

const AUTOPILOT: &[(&str, &str)] = &[(
    "Windows",
    "azureADWindowsAutopilotDeploymentProfile activeDirectoryWindowsAutopilotDeploymentProfile \
     windowsAutopilotDeploymentProfile",
)];

const NAMED_LOCATIONS: &[(&str, &str)] =
    &[("", "ipNamedLocation countryNamedLocation compliantNetworkNamedLocation serviceTagNamedLocation")];

#[test]
fn every_kind_has_a_fixture() {
    let folders: BTreeSet<String> = std::fs::read_dir("fixtures/kinds")
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    let slugs: BTreeSet<String> = POLICY_KINDS.iter().map(|kind| kind.slug().to_owned()).collect();
    assert_eq!(folders, slugs);
    for slug in slugs {
        let files = std::fs::read_dir(Path::new("fixtures/kinds").join(&slug)).unwrap();
        assert!(files.count() > 0, "{slug}");
    }
}

#[test]
fn slugs_and_endpoints_are_unique() {
    let slugs: BTreeSet<_> = POLICY_KINDS.iter().map(registry::PolicyKind::slug).collect();
    assert_eq!(slugs.len(), POLICY_KINDS.len());
    for kind in POLICY_KINDS {
        assert_eq!(registry::by_slug(kind.slug()).unwrap().slug(), kind.slug());
        assert_eq!(registry::by_folder(kind.slug()).unwrap().slug(), kind.slug());
    }
    assert_eq!(registry::by_slug("settings_catalog").unwrap_err().slug, "settings_catalog");
}

#[test]
fn every_derived_type_is_of_its_kind_and_platform_and_is_flattened() {
    for (slug, types) in [
        ("device-configuration", DEVICE_CONFIGURATIONS),
        ("compliance", COMPLIANCE_POLICIES),
        ("app-protection", APP_PROTECTION),
        ("app-configuration", APP_CONFIGURATION),
        ("enrollment", ENROLLMENT),
        ("autopilot", AUTOPILOT),
        ("named-location", NAMED_LOCATIONS),
    ] {
        for (platform, names) in types {
            for name in names.split_whitespace() {
                for written in [name.to_owned(), format!("microsoft.graph.{name}"), format!("#microsoft.graph.{name}")]
                {
                    let found = registry::by_graph_type(&written).map(registry::PolicyKind::slug);
                    assert_eq!(found, Some(slug), "{written}");
                    let json = json!({"@odata.type": written, "displayName": "x", "list": [{"inner": [[true]]}]});
                    let document = PolicyDocument {
                        id: PolicyId::new("1"),
                        name: None,
                        file: None,
                        json: json.to_string().into(),
                    };
                    let shape = &registry::by_slug(slug).unwrap().shape;
                    let policy = flatten::flatten(shape, &document, &Flattener::default()).unwrap();
                    assert_eq!(policy.platform.unwrap_or_default(), *platform, "{written}");
                    assert_eq!(policy.graph_type.as_deref(), Some(name), "{written}");
                    // that of a profile for a directory is a row as well
                    let rows: Vec<_> = policy.settings.iter().filter(|row| row.path != "@odata.type").collect();
                    let [row] = rows.as_slice() else { panic!("{written}: {:?}", policy.settings) };
                    assert_eq!((row.path.as_str(), row.raw_value.as_deref()), ("list[1]/inner[1]", Some("[true]")));
                }
            }
        }
    }
}

#[test]
fn types_of_other_kinds_are_not_taken_for_device_configurations() {
    for (name, slug) in [
        ("windows10EnrollmentCompletionPageConfiguration", "enrollment"),
        ("deviceEnrollmentPlatformRestrictionsConfiguration", "enrollment"),
        ("androidManagedStoreAppConfiguration", "app-configuration"),
        ("iosMobileAppConfiguration", "app-configuration"),
        ("targetedManagedAppConfiguration", "app-configuration"),
        ("groupPolicyConfiguration", "administrative-template"),
        ("deviceManagementConfigurationPolicy", "settings-catalog"),
        ("deviceManagementCompliancePolicy", "linux-compliance"),
        ("deviceManagementIntent", "intent"),
        ("ipNamedLocation", "named-location"),
        ("iosManagedAppProtection", "app-protection"),
        ("azureADWindowsAutopilotDeploymentProfile", "autopilot"),
    ] {
        assert_eq!(registry::by_graph_type(name).map(registry::PolicyKind::slug), Some(slug), "{name}");
    }
    for name in ["group", "win32LobApp", "roleScopeTag", "deviceConfigurationState", ""] {
        assert!(registry::by_graph_type(name).is_none(), "{name}");
    }
}

#[test]
fn a_context_names_its_collection() {
    let context = |path: &str| {
        registry::by_context(&format!("https://graph.microsoft.com/beta/$metadata#{path}"))
            .map(registry::PolicyKind::slug)
    };
    assert_eq!(context("deviceManagement/configurationPolicies"), Some("settings-catalog"));
    assert_eq!(context("deviceManagement/configurationPolicies(assignments())/$entity"), Some("settings-catalog"));
    assert_eq!(context("deviceManagement/intents(assignments(),settings())"), Some("intent"));
    assert_eq!(context("deviceManagement/compliancePolicies"), Some("linux-compliance"));
    assert_eq!(
        context("deviceManagement/deviceConfigurations/microsoft.graph.windows10GeneralConfiguration/$entity"),
        Some("device-configuration")
    );
    assert_eq!(context("groups"), None);
}

#[test]
fn the_readme_lists_every_kind_with_its_permission() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("<!-- kinds -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /kinds -->").unwrap();
    let listed: Vec<&str> = table.lines().skip(2).filter(|line| !line.is_empty()).collect();
    let row = |kind: &registry::PolicyKind| {
        let default = if kind.default { "yes" } else { "no" };
        format!("| `{}` | {} | `{}` | {default} |", kind.slug(), kind.title, kind.permission)
    };
    let rows: Vec<String> = registry::POLICY_KINDS.iter().map(row).collect();
    assert_eq!(listed, rows);
}
