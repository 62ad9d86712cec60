//! Texts inside texts: base64 that holds text becomes readable, and the secrets rule holds inside.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::{Captures, Regex};
use serde_json::Value;

use super::SECRET;

/// Properties that hold base64 of a text. Elsewhere a word may look like base64 and be a word.
const BASE64_PROPERTIES: [&str; 11] = [
    "scriptContent",
    "detectionScriptContent",
    "remediationScriptContent",
    "rulesContent",
    "payloadJson",
    "encodedSettingXml",
    "payload",
    "configurationXml",
    "startMenuLayoutXml",
    "configuration",
    "officeConfigurationXml",
];

/// Names that hold secrets inside profiles, app configuration and XML, besides those of Graph's own types,
/// with what is assigned to them.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r"(?:[a-z0-9_.\-]*(?:password|passphrase|passwd|shared_?secret|client_?secret|private_?key|pre_?shared_?key|key_?material|challenge|api_?key|access_?token|auth_?token)|secret|token|psk|product_?key)";
    Regex::new(&format!(
        r#"(?isx)
        (?<plist_cdata> <key>\s*{name}\s*</key>\s*<(?:string|data)>\s*<!\[CDATA\[ ) (?<f> (?:[^\]]|\][^\]])+ )
        | (?<plist> <key>\s*{name}\s*</key>\s*<(?:string|data|integer)> ) (?<a> [^<]+ )
        | (?<xml_cdata> <(?:[a-z0-9]+:)?{name}(?:\s[^>]*)?>\s*<!\[CDATA\[ ) (?<g> (?:[^\]]|\][^\]])+ )
        | (?<xml_value> <(?:[a-z0-9]+:)?{name}(?:\s[^>]*)?>\s*<(?:[a-z0-9]+:)?value> ) (?<h> [^<]+ )
        | (?<xml> <(?:[a-z0-9]+:)?{name}(?:\s[^>]*)?> ) (?<b> [^<]+ )
        | (?<json> \\*"{name}\\*"\s*:\s*\\*" ) (?<c> (?:[^"\\]|\\.)+ )
        | (?<number> \\*"{name}\\*"\s*:\s* ) (?<i> [0-9][0-9.]* )
        | (?<pair> "key"\s*:\s*"{name}"\s*,\s*"value(?:String|Integer|Data)?"\s*:\s*" ) (?<d> (?:[^"\\]|\\.)+ )
        | (?<attribute> \s{name}\s*=\s*["'] ) (?<e> [^"'<>]+ )
        "#
    ))
    .ok()
});

/// What stands beside names such as `requirePassword` and is no secret.
const NO_SECRETS: [&str; 12] =
    ["true", "false", "yes", "no", "0", "1", "enabled", "disabled", "required", "optional", "notconfigured", "none"];

/// A value's text, as a person may read it.
pub(super) struct Payload {
    pub(super) text: String,
    /// A key or password stood in it: the raw value holds it still and is withheld.
    pub(super) holds_secret: bool,
}

impl Payload {
    fn new(text: String) -> Self {
        match without_secrets(&text) {
            Some(text) => Self { text, holds_secret: true },
            None => Self { text, holds_secret: false },
        }
    }
}

/// The payload of a property that is known to hold one, or whose text is XML, JSON or a script.
pub(super) fn of_property(key: &str, value: &Value) -> Option<Payload> {
    let text = value.as_str()?;
    if BASE64_PROPERTIES.contains(&key)
        && let Some(decoded) = base64_text(text)
    {
        return Some(Payload::new(decoded));
    }
    of_text(value)
}

/// A text that is XML or JSON, plain or as base64: the secrets rule holds inside.
pub(super) fn of_text(value: &Value) -> Option<Payload> {
    let text = value.as_str()?;
    if looks_structured(text) {
        return Some(Payload::new(text.to_owned()));
    }
    base64_text(text).filter(|decoded| looks_structured(decoded)).map(Payload::new)
}

/// The payload of an OMA setting: base64 where its type says so, else its text.
pub(super) fn of_oma(item: &Value, value: &Value) -> Option<Payload> {
    let text = value.as_str()?;
    let encoded = item
        .get("@odata.type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("omaSettingStringXml") || kind.ends_with("omaSettingBase64"));
    if encoded && let Some(decoded) = base64_text(text) {
        return Some(Payload::new(decoded));
    }
    of_text(value)
}

fn looks_structured(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.len() > 2 && text.starts_with(['<', '{', '['])
}

/// The text in a base64 text, UTF-8 or UTF-16; `None` where it holds something else.
fn base64_text(encoded: &str) -> Option<String> {
    if encoded.len() < 4 || !encoded.bytes().all(is_base64) {
        return None;
    }
    let packed: String = encoded.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).ok().filter(|bytes| !bytes.is_empty())?;
    let (text, _, broken) = encoding_rs::UTF_8.decode(&bytes);
    let binary = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    (!broken && !binary).then(|| text.into_owned())
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || matches!(byte, b'+' | b'/' | b'=')
}

/// The text with its secrets replaced; `None` where there are none.
fn without_secrets(text: &str) -> Option<String> {
    // no pattern, which no build has: then nothing of the text is shown
    let Some(pattern) = ASSIGNED.as_ref() else { return Some(SECRET.to_owned()) };
    let mut found_any = false;
    let kept = pattern.replace_all(text, |found: &Captures<'_>| {
        let mut groups = found.iter().skip(1).flatten();
        let (label, value) = (groups.next().map_or("", |m| m.as_str()), groups.next().map_or("", |m| m.as_str()));
        let plain = value.trim();
        if plain.is_empty() || NO_SECRETS.iter().any(|word| plain.eq_ignore_ascii_case(word)) {
            return found[0].to_owned();
        }
        found_any = true;
        format!("{label}{SECRET}")
    });
    let kept = kept.into_owned();
    found_any.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn secrets_inside_payloads_are_replaced() {
        for (text, kept) in [
            ("<key>Password</key>\n<string>hunter2</string>", "<key>Password</key>\n<string>(secret)</string>"),
            ("<keyMaterial>abc</keyMaterial>", "<keyMaterial>(secret)</keyMaterial>"),
            (r#"{"vpn":{"sharedSecret": "a\"b"}}"#, r#"{"vpn":{"sharedSecret": "(secret)"}}"#),
            (r#"{"key":"api_key","valueString":"x1"}"#, r#"{"key":"api_key","valueString":"(secret)"}"#),
            ("<a adminPassword='x'/>", "<a adminPassword='(secret)'/>"),
        ] {
            assert_eq!(without_secrets(text).as_deref(), Some(kept), "{text}");
        }
    }

    #[test]
    fn what_only_speaks_of_passwords_is_kept() {
        for text in [r#"{"requirePassword":"true"}"#, "<key>Password</key><true/>", r#"{"passwordLength":"8"}"#] {
            assert_eq!(without_secrets(text), None, "{text}");
        }
    }
}
