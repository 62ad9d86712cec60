//! The secrets rule: what holds a key or a password becomes `(secret)` and leaves no trace.

mod names;
mod search;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::{Map, Value};

use super::SECRET;
pub(super) use names::{STEMS, is_secret_id, is_secret_label, is_secret_name, tail};
pub(super) use search::{Found, WordSearch};

/// Words that stand where a policy about secrets is set, and are none.
const NO_SECRETS: [&str; 24] = [
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "0",
    "1",
    "enabled",
    "disabled",
    "enable",
    "disable",
    "required",
    "optional",
    "allowed",
    "blocked",
    "always",
    "never",
    "notconfigured",
    "devicedefault",
    "userdefined",
    "none",
    "null",
    SECRET,
];

/// What scripts and programs write of a secret, in place of it.
const STATES: [&str; 19] = [
    "backedup",
    "compliant",
    "escrowed",
    "expired",
    "failed",
    "found",
    "invalid",
    "missing",
    "n/a",
    "noncompliant",
    "notfound",
    "notset",
    "ok",
    "present",
    "set",
    "success",
    "unknown",
    "unset",
    "valid",
];

/// No password of digits is shorter.
const SHORTEST_PIN: usize = 4;

/// Whether a property of a Graph type holds a key or a password. One that tells what is to be done about them does
/// not: `requirePassword`.
pub(super) fn is_secret_property(name: &str) -> bool {
    is_license(name) || is_secret_name(name) && !names::is_about(name)
}

/// The key of an edition upgrade; the license of an app is one as well.
fn is_license(name: &str) -> bool {
    name.eq_ignore_ascii_case("license")
}

/// Whether `value` may be the secret that `name` tells of, and not a flag or a placeholder.
pub(super) fn may_be_secret(name: &str, value: &str) -> bool {
    let value = value.trim();
    if is_placeholder(value) || is_plain_word(value) || is_small(value) || is_no_value(value) {
        return false;
    }
    // `/pin Taskbar`, `PIN=/usr/bin`
    let is_place = || value.starts_with(|c: char| c.is_ascii_uppercase()) || value.contains(['/', '\\']);
    if names::is_pin(name) && is_place() && !value.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    // `requirePassword: onWakeup`, but not `requirePassword: hunter2`
    let is_word = value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let means_another = || names::is_about(name) || names::is_deed(name) || names::is_authorization(name);
    !(is_word && means_another() || is_number(value) && names::is_time(name))
}

/// Whether `value` is a mask, an example, a state, a flag of a registry file, a registry key or an address without
/// anything in it that lets somebody in.
fn is_no_value(value: &str) -> bool {
    let is_mask = || {
        value.bytes().all(|byte| byte == b'*')
            || (value.len() > 3 && value.bytes().all(|byte| matches!(byte, b'x' | b'X')))
    };
    let is_state = || STATES.iter().any(|state| value.eq_ignore_ascii_case(state));
    let is_registry =
        || ["dword:", "hklm:", "hklm\\", "hkcu:", "hkcu\\", "hkey_"].iter().any(|start| starts_with(value, start));
    let is_address = || {
        ["https://", "http://"].iter().any(|start| starts_with(value, start))
            && !value.contains(['@', '?', '#', ';', '='])
    };
    is_mask() || is_example(value) || is_state() || is_registry() || is_address()
}

/// `<your password here>`, `YOUR_API_KEY`.
fn is_example(value: &str) -> bool {
    const SUBJECTS: [&str; 6] = ["here", "insert", "key", "password", "secret", "token"];
    let inner = value.strip_prefix('<').and_then(|value| value.strip_suffix('>'));
    let is_marked = inner.is_some_and(|inner| !inner.contains(['<', '>']));
    let is_yours = starts_with(value, "your") && value[4..].starts_with(['_', '-', ' ']);
    (is_marked || is_yours) && value.len() < 64 && {
        let value = value.to_ascii_lowercase();
        SUBJECTS.iter().any(|subject| value.contains(subject))
    }
}

/// Whether `value` stands for what each device or user has: `{{OnPremPassword}}`, `%TOKEN%`.
pub(super) fn is_placeholder(value: &str) -> bool {
    (value.starts_with("{{") && value.ends_with("}}"))
        || (value.len() > 2 && value.starts_with('%') && value.ends_with('%') && !value.contains(' '))
}

/// Whether `value` is a number that says how long or how often, as no PIN is so short: `minimumLengthOfPin: 4`.
pub(super) fn is_small(value: &str) -> bool {
    value.len() < SHORTEST_PIN && is_number(value)
}

/// Whether `value` says how a policy about secrets is set, and is none itself.
pub(super) fn is_plain_word(value: &str) -> bool {
    NO_SECRETS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether `name`, which stands inside of what a secret's name holds, and `value` say of what kind the secret is:
/// `<keyType>passPhrase</keyType>`.
pub(super) fn tells_kind(name: &str, value: &str) -> bool {
    ends_with(name, "type") && value.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether `text` is digits alone.
pub(super) fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The secret that an object tells of which is a pair of a name and a value: `{"name": "apiToken", "value": …}`.
pub(super) fn named_by_pair(object: &Map<String, Value>) -> Option<&str> {
    let names = object.iter().filter(|(key, _)| names_its_neighbour(key)).filter_map(|(_, name)| name.as_str());
    names.into_iter().find(|name| is_secret_name(name) || names::last_parts(name).any(is_license))
}

/// Whether the property `key`, beside the name of a secret, holds that secret.
pub(super) fn is_of_pair(name: &str, key: &str, value: &Value) -> bool {
    let may_be = match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => may_be_secret(name, text),
        Value::Number(number) => may_be_secret(name, number.as_str()),
        Value::Array(_) | Value::Object(_) => true,
    };
    may_be && is_value_of_its_neighbour(key)
}

/// Whether a property, element or attribute of this name holds the name of the value beside it.
pub(super) fn names_its_neighbour(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "key",
        "name",
        "id",
        "locuri",
        "property",
        "propertyname",
        "parametername",
        "setting",
        "settingname",
        "keyname",
        "appconfigkey",
    ];
    name.len() <= 13 && NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a property, element or attribute of this name holds the value that its neighbour names.
pub(super) fn is_value_of_its_neighbour(name: &str) -> bool {
    const VALUES: [&str; 12] = [
        "array",
        "content",
        "data",
        "date",
        "default",
        "defaultvalue",
        "dict",
        "integer",
        "real",
        "string",
        "text",
        "appconfigkeyvalue",
    ];
    // `valueName` is a name again
    let is_name = || name.len() > 5 && ends_with(name, "name");
    (starts_with(name, "value") && !is_name()) || VALUES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether `text` begins so, in whatever case.
pub(super) fn starts_with(text: &str, beginning: &str) -> bool {
    text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

/// Whether `text` ends so, in whatever case.
pub(super) fn ends_with(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|last| last.eq_ignore_ascii_case(end))
}

/// Whether an object is a `SecretSettingValue`: by its type, else by the property that only those have.
pub(super) fn is_secret_setting_value(value: &Map<String, Value>) -> bool {
    value.iter().any(|(key, value)| key == "valueState" || key == "@odata.type" && is_secret_type(value))
}

/// Whether an `@odata.type` is that of a `SecretSettingValue`.
pub(super) fn is_secret_type(kind: &Value) -> bool {
    static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("SecretSettingValue"));
    kind.as_str().is_some_and(|kind| NAME.find(kind.as_bytes()).is_some())
}
