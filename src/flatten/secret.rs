//! The secrets rule: what holds a key or a password becomes `(secret)` and leaves no trace.

use serde_json::{Map, Value};

/// Names that hold a key or a password, lower-case.
const NAMES: [&str; 26] = [
    "accesstoken",
    "advancedthreatprotectiononboardingblob",
    "advancedthreatprotectionoffboardingblob",
    "apitoken",
    "authtoken",
    "bypasscode",
    "encryptedpfxblob",
    "enrollmenttoken",
    "keymaterial",
    // the key of an edition upgrade
    "license",
    "networkkey",
    "passcode",
    "personalrecoverykey",
    "pin",
    "psk",
    "recoverykey",
    "refreshtoken",
    "secret",
    "secretreferencevalueid",
    "secretvalue",
    "sharedkey",
    "token",
    "tokenvalue",
    "unlocktoken",
    "wepkey",
    "wpakey",
];

/// Endings of such names: `proxyManualPassword`, `ikePreSharedKey`.
const ENDINGS: [&str; 11] = [
    "accesskey",
    "apikey",
    "clientsecret",
    "passphrase",
    "passwd",
    "password",
    "presharedkey",
    "privatekey",
    "productkey",
    "secretkey",
    "sharedsecret",
];

/// First words of names that are policies about keys and passwords: `requirePassword`.
const ABOUT: [&str; 10] =
    ["allow", "block", "disable", "enable", "force", "hide", "prevent", "prompt", "require", "show"];

/// Those that other words begin with: only where a capital ends them.
const ABOUT_WHOLE: [&str; 5] = ["ask", "has", "is", "must", "use"];

/// Words that stand where a policy about passwords is set, and are no secrets.
const NO_SECRETS: [&str; 14] = [
    "allowed",
    "blocked",
    "devicedefault",
    "disabled",
    "enabled",
    "false",
    "no",
    "none",
    "notconfigured",
    "optional",
    "required",
    "true",
    "userdefined",
    "yes",
];

/// Whether a property of a Graph type holds a key or a password.
pub(super) fn is_secret(name: &str) -> bool {
    // what is long is no name
    name.len() <= LONGEST_NAME
        && (NAMES.iter().any(|secret| tail(name, secret) == Some(true)) || ends_like_a_secret(name, &ENDINGS))
}

/// Whether a key of an app's settings, such as `com.contoso.apiToken`, names a key, a password or a token.
pub(super) fn is_secret_key(key: &str) -> bool {
    tails(key).any(|tail| is_secret(tail) || ends_like_a_secret(tail, &["token"]))
}

/// Whether an id or URI ends like the name of a key or password: `…_api_key`. Tokens and PINs are not among them, as
/// Graph tells by type what is a secret.
pub(super) fn is_secret_id(id: &str) -> bool {
    tails(id).any(|tail| ends_like_a_secret(tail, &ENDINGS))
}

/// The part after the last separator, and the last two parts together.
fn tails(id: &str) -> impl Iterator<Item = &str> {
    let starts = id.rmatch_indices(['_', '/', '.', '-']).map(|(at, separator)| at + separator.len());
    starts.chain([0]).take(2).map(|start| &id[start..])
}

fn ends_like_a_secret(name: &str, endings: &[&str]) -> bool {
    let first = || name.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
    name.len() <= LONGEST_NAME
        && endings.iter().any(|secret| tail(name, secret).is_some())
        && !ABOUT.iter().any(|about| starts_with(name, about))
        && !ABOUT_WHOLE.contains(&first())
}

/// What is longer is no name.
const LONGEST_NAME: usize = 128;

/// Whether the letters and digits of `name` end like `ending`, and whether they are no more than it.
fn tail(name: &str, ending: &str) -> Option<bool> {
    let mut letters = name.bytes().rev().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    ending.bytes().rev().all(|byte| letters.next() == Some(byte)).then(|| letters.next().is_none())
}

/// Whether `text` begins so, in whatever case.
pub(super) fn starts_with(text: &str, beginning: &str) -> bool {
    text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

/// Whether `value` says how a policy about secrets is set, and is none itself.
pub(super) fn is_plain_word(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(word) => word.is_empty() || NO_SECRETS.iter().any(|plain| word.eq_ignore_ascii_case(plain)),
        _ => false,
    }
}

/// Whether an object is a `SecretSettingValue`: by its type, else by the property that only those have.
pub(super) fn is_secret_value(value: &Map<String, Value>) -> bool {
    value.contains_key("valueState") || value.get("@odata.type").is_some_and(is_secret_type)
}

/// Whether an `@odata.type` is that of a `SecretSettingValue`.
pub(super) fn is_secret_type(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind.contains("SecretSettingValue"))
}

#[cfg(test)]
mod tests {
    use super::{is_secret, is_secret_id, is_secret_key};

    #[test]
    fn names_that_hold_secrets_are_known_in_any_writing() {
        for name in [
            "preSharedKey",
            "PreSharedKey",
            "pre_shared_key",
            "wiFiPassword",
            "proxyManualPassword",
            "secretReferenceValueId",
            "license",
            "Client Secret",
            "userPassword",
            "issuerPassword",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for id in [
            "com.contoso.vpn.Password",
            "./Vendor/MSFT/VPN/PreSharedKey",
            "com.apple.carddav_carddavpassword",
            "x_api_key",
        ] {
            assert!(is_secret_id(id), "{id}");
        }
        for key in ["com.contoso.token", "vpn.Password", "appApiToken", "enrollment_token"] {
            assert!(is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn policies_about_passwords_and_keys_are_no_secrets() {
        for name in [
            "passwordMinimumLength",
            "passwordRequiredType",
            "localSecurityOptionsBlockRemoteLogonWithBlankPasswordUse",
            "requirePassword",
            "usePassword",
            "allowpassword",
            "firewallPreSharedKeyEncodingMethod",
            "recoveryPasswordUsage",
            "userRightsCreateToken",
            "hidePersonalRecoveryKey",
            "licenseType",
            "pinRequired",
            "key",
            "password🔒s",
            "",
        ] {
            assert!(!is_secret(name) && !is_secret_id(name), "{name}");
        }
    }
}
