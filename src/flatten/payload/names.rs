//! Which names inside payloads are those of secrets, and which values beside them are none.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// What every name of a secret holds, as a pattern.
pub(super) const STEMS: &str = "pass|pwd|secret|token|key|psk|challenge|connectionstring|boarding|pin|sas|otp|jwt";

/// How names of secrets end, letters only and in small ones.
const ENDINGS: [&str; 38] = [
    "accesskey",
    "accountkey",
    "activationkey",
    "apikey",
    "authkey",
    "authorizationkey",
    "challenge",
    "connectionstring",
    "encryptionkey",
    "enrollmentkey",
    "keymaterial",
    "licensekey",
    "masterkey",
    "networkkey",
    "offboardingblob",
    "offboardinginfo",
    "onboardingblob",
    "onboardinginfo",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "presharedkey",
    "privatekey",
    "productkey",
    "psk",
    "pwd",
    "recoverykey",
    "registrationkey",
    "secret",
    "secretkey",
    "sharedaccesskey",
    "sharedkey",
    "signingkey",
    "storagekey",
    "subscriptionkey",
    "token",
    "wepkey",
];

/// Words that name a secret only where they stand for themselves: `bypass` and `mapping` end in them.
const WORDS: [&str; 7] = ["jwt", "otp", "pass", "passkey", "pin", "psk", "sas"];

/// What may follow such a name without making it another one.
const TAILS: [&str; 10] =
    ["base64", "confirm", "data", "encrypted", "hash", "plain", "plaintext", "string", "text", "value"];

/// Names that end so and tell nothing: of an assembly, and of flags.
const PUBLIC: [&str; 2] = ["publickeytoken", "publickey"];

/// What stands beside names such as `requirePassword` and is no secret.
const NO_SECRETS: [&str; 22] = [
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
    "none",
    "null",
    super::SECRET,
];

/// Beginnings of names that tell what is to be done about a secret.
const VERBS: [&str; 17] = [
    "allow", "ask", "block", "can", "disable", "enable", "force", "has", "hide", "is", "must", "prevent", "prompt",
    "remember", "require", "save", "show",
];

/// No name of a secret is longer; what comes before its last letters does not matter.
const LONGEST: usize = 96;

/// Whether `name`, of whatever spelling, is that of a secret: `client_secret`, `com.contoso.ApiToken`,
/// `./Vendor/MSFT/WiFi/…/Password`.
pub(super) fn is_secret_name(name: &str) -> bool {
    static MAYBE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("(?i-u){STEMS}")).ok());
    if MAYBE.as_ref().is_some_and(|maybe| !maybe.is_match(name)) {
        return false;
    }
    let name = &name[name.ceil_char_boundary(name.len().saturating_sub(LONGEST))..];
    let mut letters: String = name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect();
    loop {
        let shorter = TAILS.iter().find_map(|tail| letters.strip_suffix(tail)).filter(|left| is_ending(left));
        match shorter {
            Some(left) => letters.truncate(left.len()),
            None => break,
        }
    }
    is_ending(&letters) || (letters.len() >= 3 && WORDS.contains(&last_word(name).as_str()))
}

fn is_ending(letters: &str) -> bool {
    let singular = letters.strip_suffix('s').unwrap_or(letters);
    let ends = |letters: &str| ENDINGS.iter().any(|ending| letters.ends_with(ending));
    (ends(letters) || ends(singular)) && !PUBLIC.iter().any(|public| letters.ends_with(public))
}

/// The last word of a name, by its capitals and signs.
fn last_word(name: &str) -> String {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let mut start = name.len();
    let mut after = None;
    for (at, c) in name.char_indices().rev() {
        let boundary = !c.is_ascii_alphabetic() || (c.is_ascii_lowercase() && after.is_some_and(char::is_uppercase));
        if boundary {
            break;
        }
        start = at;
        if c.is_ascii_uppercase() && after.is_some_and(|after: char| after.is_ascii_lowercase()) {
            break;
        }
        after = Some(c);
    }
    name[start..].to_ascii_lowercase()
}

/// Whether `value` may be the secret that `name` tells of, and not a flag or a placeholder.
pub(super) fn is_secret_value(name: &str, value: &str) -> bool {
    let value = value.trim();
    let placeholder = (value.starts_with("{{") && value.ends_with("}}"))
        || (value.len() > 2 && value.starts_with('%') && value.ends_with('%') && !value.contains(' '));
    let masked = value.bytes().all(|byte| byte == b'*');
    if placeholder || masked || NO_SECRETS.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return false;
    }
    // `requirePassword: onWakeup`, but not `requirePassword: hunter2`
    let own = name.rsplit(['.', '/', ':']).next().unwrap_or(name);
    let verb = VERBS.iter().any(|verb| {
        let rest = own.get(..verb.len()).filter(|begin| begin.eq_ignore_ascii_case(verb)).map(|_| &own[verb.len()..]);
        // `is` begins `issuer` as well
        rest.is_some_and(|rest| verb.len() > 4 || !rest.starts_with(|c: char| c.is_ascii_lowercase()))
    });
    let option = value.bytes().all(|byte| byte.is_ascii_alphabetic()) || (value.len() < 4 && is_number(value));
    !(verb && option)
}

/// Whether `text` is digits alone.
pub(super) fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
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
    let value = name.get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case("value"));
    // `valueName` is a name again
    let own_name = name.len() > 5 && name.to_ascii_lowercase().ends_with("name");
    (value && !own_name) || VALUES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether `value`, which stands under `name`, is a secret: `./Vendor/MSFT/Accounts/Users/Admin/Password`.
pub(in crate::flatten) fn is_secret(name: &str, value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty() && is_secret_name(name) && is_secret_value(name, text))
}

/// Whether an object of Graph is a pair whose name is that of a secret: `{"name": "apiToken", "value": …}`.
pub(in crate::flatten) fn names_a_secret(object: &Map<String, Value>, property: &str) -> bool {
    if !is_value_of_its_neighbour(property) {
        return false;
    }
    let value = object.get(property).filter(|value| value.is_string());
    let mut names = object.iter().filter(|(key, _)| names_its_neighbour(key)).filter_map(|(_, name)| name.as_str());
    value.is_some_and(|value| names.any(|name| is_secret(name, value)))
}
