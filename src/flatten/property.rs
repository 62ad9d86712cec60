//! What the name of a property says by itself: its words, and what kind of value stands behind it.

use smol_str::SmolStr;

use super::{humanize, is_annotation, secret};

/// A property of a Graph type, known by its name alone.
#[derive(Debug, Clone)]
pub(super) struct Property {
    pub(super) key: SmolStr,
    pub(super) words: SmolStr,
    pub(super) holds: Holds,
    /// At the top of a policy it is a column of it, or of no interest to anybody.
    pub(super) is_policy_metadata: bool,
    pub(super) holds_nul: bool,
}

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// What OData or an exporting tool noted: never a row.
    Annotation,
    /// What no administrator sets, unless it stands in data.
    Metadata,
    /// A key or a password, whatever stands there.
    Secret,
    /// What the name tells is a key or a password, unless the value tells otherwise.
    NamedSecret,
    /// `omaSettings`
    OmaSettings,
    /// Text that an administrator typed: no word of it is a member of an enumeration.
    Text,
    /// Ids of objects, and words among them that Graph writes as it writes types: `AllTrusted`.
    Objects,
    /// Anything else: a text may be a member of an enumeration.
    Anything,
}

/// Properties that no object sets.
const METADATA: [&str; 6] =
    ["id", "createdDateTime", "lastModifiedDateTime", "modifiedDateTime", "deletedDateTime", "version"];

/// Properties that are no settings where they stand at the top of a policy.
const POLICY_METADATA: [&str; 19] = [
    "displayName",
    "name",
    "description",
    "roleScopeTagIds",
    "roleScopeTags",
    "supportsScopeTags",
    "assignments",
    "isAssigned",
    "settingCount",
    "settingsCount",
    "templateReference",
    "templateId",
    "platforms",
    "technologies",
    "priorityMetaData",
    "creationSource",
    "isMigratingToConfigurationPolicy",
    "isGlobalScript",
    "deployedAppCount",
];

/// Last words of properties that hold what somebody typed, whether they speak of one or of many: `connectionName`,
/// `allowedDomains`.
const TYPED: [&str; 73] = [
    "address",
    "addresses",
    "argument",
    "attribute",
    "authority",
    "claim",
    "command",
    "comment",
    "company",
    "custom",
    "department",
    "description",
    "disclaimer",
    "domain",
    "email",
    "exception",
    "exclude",
    "expression",
    "extension",
    "factor",
    "filename",
    "fingerprint",
    "footer",
    "footnote",
    "fqdn",
    "hash",
    "header",
    "host",
    "hostname",
    "id",
    "identifier",
    "kdc",
    "key",
    "label",
    "link",
    "list",
    "manufacturer",
    "message",
    "model",
    "name",
    "note",
    "organization",
    "package",
    "parent",
    "path",
    "pattern",
    "phone",
    "prefix",
    "principal",
    "processes",
    "proxy",
    "publisher",
    "query",
    "range",
    "realm",
    "resource",
    "role",
    "scheme",
    "server",
    "ssid",
    "string",
    "suffix",
    "suffixes",
    "tag",
    "template",
    "text",
    "thumbprint",
    "title",
    "unit",
    "uri",
    "url",
    "username",
    "value",
];

/// Texts whose names end like those of enumerations.
const TEXTS: [&str; 21] = [
    "activeDirectorySiteCode",
    "advancedThreatProtectionExcludedFiles",
    "blockedSkus",
    "bluetoothAllowedServices",
    "browserEnterpriseModeSiteListLocation",
    "browserLoggingReportLocation",
    "codeRequirement",
    "configDeviceHealthMonitoringCustomScope",
    "configurationAccount",
    "customBrowserProtocol",
    "customDialerAppProtocol",
    "distribution",
    "edgeFavoritesListLocation",
    "enableOuterIdentityPrivacy",
    "enterpriseCloudPrintDiscoveryEndPoint",
    "includeAuthenticationContextClassReferences",
    "localUserAuthorizations",
    "modifyCacheLocation",
    "permission",
    "rule",
    "termsOfUse",
];

/// Last words of properties of conditional access that list objects, whether to include or to exclude them.
const OBJECTS: [&str; 6] = ["applications", "groups", "locations", "principals", "roles", "users"];

/// Enumerations whose names end like those of texts.
const ENUMERATIONS: [&str; 3] =
    ["privacyAdvertisingId", "localIdentifier", "localSecurityOptionsMinimumSessionSecurityForNtlmSspBasedServers"];

impl Holds {
    /// Whether it is a key or a password.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::NamedSecret)
    }
}

impl Property {
    /// What `key` says.
    pub(super) fn of(key: &SmolStr) -> Self {
        let word = last_word(key).to_ascii_lowercase();
        let holds = if is_annotation(key) {
            Holds::Annotation
        } else if METADATA.contains(&key.as_str()) {
            Holds::Metadata
        } else if secret::is_secret_property(key) {
            Holds::NamedSecret
        } else if key == "omaSettings" {
            Holds::OmaSettings
        } else if (key.starts_with("include") || key.starts_with("exclude")) && OBJECTS.contains(&word.as_str()) {
            Holds::Objects
        } else if TEXTS.contains(&key.as_str()) || is_typed(&word) && !ENUMERATIONS.contains(&key.as_str()) {
            Holds::Text
        } else {
            Holds::Anything
        };
        let is_policy_metadata = POLICY_METADATA.contains(&key.as_str());
        let words = humanize::property_words(key).into();
        Self { key: key.clone(), words, holds, is_policy_metadata, holds_nul: key.contains('\0') }
    }
}

fn is_typed(word: &str) -> bool {
    let is = |word| TYPED.contains(&word);
    is(word) || word.strip_suffix('s').is_some_and(is)
}

/// What follows the last capital that starts a word.
fn last_word(key: &str) -> &str {
    let bytes = key.as_bytes();
    let starts = |at: &usize| bytes[*at].is_ascii_uppercase() && !bytes[*at - 1].is_ascii_uppercase();
    &key[(1..bytes.len()).rev().find(starts).unwrap_or_default()..]
}

#[cfg(test)]
mod tests {
    use super::{Holds, Property};

    #[test]
    fn a_name_tells_what_a_property_holds() {
        for (key, holds) in [
            ("connectionName", Holds::Text),
            ("allowedURLs", Holds::Text),
            ("ssid", Holds::Text),
            ("ipAddressOrFQDN", Holds::Text),
            ("organizationalUnit", Holds::Text),
            ("wifiSSID", Holds::Text),
            ("deviceNameTemplate", Holds::Text),
            ("privacyAdvertisingId", Holds::Anything),
            ("configurationAccount", Holds::Text),
            ("wiFiSecurityType", Holds::Anything),
            ("excludeLocations", Holds::Objects),
            ("includeServicePrincipals", Holds::Objects),
            ("excludeList", Holds::Text),
            ("proxyExclusionList", Holds::Text),
            ("advancedThreatProtectionExcludedProcesses", Holds::Text),
            ("customBrowserProtocol", Holds::Text),
            ("innerAuthenticationProtocol", Holds::Anything),
            ("contentCachingParents", Holds::Text),
            ("allowedAccounts", Holds::Anything),
            ("defenderProcessesToExclude", Holds::Text),
            ("exceptions", Holds::Text),
            ("preferredKDCs", Holds::Text),
            ("errorCode", Holds::Anything),
            ("preSharedKey", Holds::NamedSecret),
            ("createdDateTime", Holds::Metadata),
            ("value@odata.type", Holds::Annotation),
            ("größeÄName", Holds::Text),
            ("", Holds::Anything),
        ] {
            assert_eq!(Property::of(&key.into()).holds, holds, "{key}");
        }
    }
}
