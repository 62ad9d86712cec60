//! Texts inside texts: what a policy carries encoded or wrapped becomes readable, and the secrets rule holds
//! inside. Each format has a reader of its own; what none of them can read stays as it is.

mod binary;
mod characters;
mod clues;
mod encoded;
mod json;
mod redaction;
mod script;
#[cfg(test)]
mod tests;
mod xml;

use serde_json::Value;

use super::SECRET;
use binary::Content;
use characters::Characters;

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

/// Bytes of a text that no other text is the base64 of by chance.
const SHORTEST_PLAIN: usize = 24;

/// A value's text, as a person may read it.
pub(super) struct Payload {
    pub(super) text: String,
    /// A key or password stood in it: the raw value holds it still and is withheld.
    pub(super) holds_secret: bool,
}

impl Payload {
    fn new(text: String) -> Self {
        match redaction::without_secrets(&text, 0) {
            Some(text) => Self { text, holds_secret: true },
            None => Self { text, holds_secret: false },
        }
    }
}

/// Whether a property is known to hold a payload.
pub(super) fn is_property(key: &str) -> bool {
    BASE64_PROPERTIES.contains(&key) || key.ends_with("Base64")
}

/// The payload of a property that is known to hold one, or whose text tells that it is one.
pub(super) fn of_property(key: &str, value: &Value) -> Option<Payload> {
    let text = value.as_str()?;
    if is_property(key)
        && let Some(content) = encoded::bytes(text).and_then(|bytes| binary::content(&bytes, 0))
    {
        return Some(of_content(content));
    }
    of_text(value)
}

/// A text that is XML, JSON or a certificate, plain or as base64, or in which a secret is assigned.
pub(super) fn of_text(value: &Value) -> Option<Payload> {
    let text = value.as_str()?;
    if redaction::is_structured(text) {
        return Some(Payload::new(text.to_owned()));
    }
    let characters = Characters::of(text);
    let promising = encoded::is_promising(text, characters);
    if !promising && !characters.may_structure() && !script::is_told_by_words(text) {
        return None;
    }
    if let Some(certificates) = binary::pem(text) {
        return Some(Payload::new(certificates));
    }
    if promising && let Some(bytes) = encoded::bytes(text) {
        // base64 of a word may be a word by chance
        return match binary::content(&bytes, 0)? {
            Content::Plain(text) => {
                let is_text = text.len() >= SHORTEST_PLAIN;
                Some(Payload::new(text)).filter(|payload| is_text || payload.holds_secret)
            }
            content => Some(of_content(content)),
        };
    }
    script::without_secrets(text).map(|text| Payload { text, holds_secret: true })
}

/// The payload of an OMA setting: base64 where its type says so, else its text.
pub(super) fn of_oma(item: &Value, value: &Value) -> Option<Payload> {
    let text = value.as_str()?;
    let encoded = item
        .get("@odata.type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("omaSettingStringXml") || kind.ends_with("omaSettingBase64"));
    if encoded && let Some(content) = encoded::bytes(text).and_then(|bytes| binary::content(&bytes, 0)) {
        return Some(of_content(content));
    }
    of_text(value)
}

fn of_content(content: Content) -> Payload {
    match content {
        Content::Readable(text) | Content::Plain(text) => Payload::new(text),
        Content::Key => Payload { text: SECRET.to_owned(), holds_secret: true },
    }
}
