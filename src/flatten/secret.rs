//! The secrets rule: what holds a key or a password becomes `(secret)` and leaves no trace.

use serde_json::{Map, Value};

/// Properties that hold a key or a password, lower-case.
const PROPERTIES: [&str; 14] = [
    "presharedkey",
    "password",
    "passphrase",
    "privatekey",
    "sharedsecret",
    "clientsecret",
    "secret",
    "proxymanualpassword",
    "keystorepassword",
    "advancedthreatprotectiononboardingblob",
    "advancedthreatprotectionoffboardingblob",
    "secretreferencevalueid",
    "productkey",
    // the key of an edition upgrade
    "license",
];

/// Whether a property of a Graph type holds a key or a password.
pub(super) fn is_secret(property: &str) -> bool {
    PROPERTIES.iter().any(|secret| property.eq_ignore_ascii_case(secret))
}

/// Whether an object is a `SecretSettingValue`: by its type, else by the property that only those have.
pub(super) fn is_secret_value(value: &Map<String, Value>) -> bool {
    let of_type = |kind: &Value| kind.as_str().is_some_and(|kind| kind.contains("SecretSettingValue"));
    value.contains_key("valueState") || value.get("@odata.type").is_some_and(of_type)
}
