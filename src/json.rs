//! Reading JSON that nobody vouches for: bounded in depth, exact in numbers, tolerant of broken surrogates.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de::Visitor};
use serde_json::{Value, value::RawValue};

use crate::policy::Setting;

/// Deepest nesting that is read: serde_json's own limit.
pub const MAX_DEPTH: usize = 128;

/// Lone surrogates stand in parsed text as characters of this private range, U+D800 first: real text
/// has no use for its end of plane 16, and [`Document::readable`] and [`Document::exact`] undo it.
const SURROGATE_STANDIN: u32 = 0x10_F000;

/// Why a text is not the JSON that it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Not JSON.
    #[error("broken JSON: {0}")]
    Broken(serde_json::Error),
    /// Not an object.
    #[error("not a JSON object")]
    NotAnObject,
}

/// A parsed JSON text.
#[derive(Debug)]
pub struct Document {
    /// The value; numbers keep the digits they were sent with.
    pub value: Value,
    repaired: bool,
}

impl Document {
    /// Parses one JSON text. A lone surrogate escape (`"\ud800"`), which no Rust string can hold, does not
    /// cost the policy: it stays exact in [`Self::exact`] and is U+FFFD in [`Self::readable`].
    pub fn parse(json: &[u8]) -> Result<Self, JsonError> {
        let error = match serde_json::from_slice(json) {
            Ok(value) => return Ok(Self { value, repaired: false }),
            Err(error) => error,
        };
        if let Some(repaired) = without_lone_surrogates(json)
            && let Ok(value) = serde_json::from_slice(&repaired)
        {
            return Ok(Self { value, repaired: true });
        }
        Err(JsonError::from(error))
    }

    /// Whether stand-ins of lone surrogates may stand in its texts.
    pub(crate) fn is_repaired(&self) -> bool {
        self.repaired
    }

    /// Text of this document as a person may read it: no NUL, which PostgreSQL refuses, and no stand-ins.
    pub fn readable(&self, text: &mut String) {
        if let Some(clean) = self.cleaned(text) {
            *text = clean;
        }
    }

    /// The text without what neither a person nor a database reads; `None` where there is nothing of it.
    fn cleaned(&self, text: &str) -> Option<String> {
        let clean = crate::policy::without_nul(text);
        if self.repaired {
            let readable = |c| if standin(c).is_some() { char::REPLACEMENT_CHARACTER } else { c };
            return Some(clean.chars().map(readable).collect());
        }
        match clean {
            Cow::Owned(clean) => Some(clean),
            Cow::Borrowed(_) => None,
        }
    }

    /// Makes every text of a row that came from this document fit for both databases.
    pub(crate) fn clean(&self, setting: &mut Setting) {
        let texts = [&mut setting.name, &mut setting.path];
        let optional = [&mut setting.value, &mut setting.category, &mut setting.definition_id];
        for text in texts.into_iter().chain(optional.into_iter().flatten()) {
            if let Some(clean) = self.cleaned(text) {
                *text = clean.into();
            }
        }
        if self.repaired
            && let Some(raw) = &mut setting.raw_value
        {
            *raw = self.exact(raw).into();
        }
    }

    /// JSON text of a value of this document, with its lone surrogates escaped as they were sent.
    pub fn exact(&self, json: &str) -> String {
        if !self.repaired {
            return json.to_owned();
        }
        json.chars().map(|c| standin(c).map_or_else(|| c.to_string(), |unit| format!("\\u{unit:04x}"))).collect()
    }
}

/// The properties of an object, each still JSON text: enough to tell what it is without parsing it all.
pub type Properties<'j> = BTreeMap<String, &'j RawValue>;

/// Reads an object's properties, however deep and odd their values are.
pub fn properties(object: &str) -> Result<Properties<'_>, JsonError> {
    if let Ok(properties) = serde_json::from_str(object) {
        return Ok(properties);
    }
    let lenient: BTreeMap<Name, &RawValue> = serde_json::from_str(object)?;
    Ok(lenient.into_iter().map(|(Name(name), value)| (name, value)).collect())
}

/// The text of an object with one property more: the last one, which is the one that counts. A list is then whole,
/// whatever next page the object names of it.
pub(crate) fn with_property(object: &str, property: &str, value: &str) -> String {
    let object = object.trim_end();
    let open = object.strip_suffix('}').unwrap_or(object);
    let comma = if open.trim_end().ends_with('{') { "" } else { "," };
    let next = format!("\"{property}@odata.nextLink\"");
    let ends = if object.contains(&next) { format!(",{next}:null") } else { String::new() };
    format!("{open}{comma}\"{property}\":{value}{ends}}}")
}

/// Marks a list of an object as one that has more items than stand in it, as the link to them would, wherever it leads.
pub(crate) fn going_on(object: &str, list: &str) -> String {
    with_property(object, &format!("{list}@odata.nextLink"), "\"\"")
}

/// Whether services call a property of their errors so, in whatever case. What has others as well is something else.
pub(crate) fn is_of_error(key: &str) -> bool {
    const NAMES: [&str; 7] = ["code", "error", "errorCode", "message", "reason", "status", "statusCode"];
    NAMES.iter().any(|name| key.eq_ignore_ascii_case(name))
}

/// A property's name in which lone surrogates may stand: as bytes, serde_json lets them through.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Name, E> {
                Ok(Name(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// A property's text, readable; `None` where it is no text.
pub fn text(properties: &Properties<'_>, key: &str) -> Option<String> {
    let raw = properties.get(key)?.get();
    if !raw.starts_with('"') {
        return None;
    }
    let document = Document::parse(raw.as_bytes()).ok()?;
    let mut text = document.value.as_str()?.to_owned();
    document.readable(&mut text);
    Some(text)
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        // serde_json gives the cause as text alone
        if error.to_string().starts_with("recursion limit exceeded") { Self::TooDeep } else { Self::Broken(error) }
    }
}

fn standin(c: char) -> Option<u32> {
    (u32::from(c).checked_sub(SURROGATE_STANDIN)).filter(|offset| *offset < 0x800).map(|offset| 0xD800 + offset)
}

/// The same JSON with each unpaired `\uD800`–`\uDFFF` replaced by its stand-in; `None` if there is none.
fn without_lone_surrogates(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len());
    let (mut at, mut found) = (0, false);
    while at < json.len() {
        if json[at] != b'\\' {
            out.push(json[at]);
            at += 1;
            continue;
        }
        let Some(unit) = escaped_unit(&json[at..]) else {
            // any other escape is two bytes, of which the second may be a backslash
            out.extend_from_slice(&json[at..(at + 2).min(json.len())]);
            at += 2;
            continue;
        };
        let next = escaped_unit(json.get(at + 6..).unwrap_or_default());
        let paired = matches!((unit, next), (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)));
        if paired {
            out.extend_from_slice(&json[at..at + 12]);
            at += 12;
        } else if let 0xD800..=0xDFFF = unit {
            let standin = char::from_u32(SURROGATE_STANDIN + (unit - 0xD800))?;
            out.extend_from_slice(standin.encode_utf8(&mut [0; 4]).as_bytes());
            found = true;
            at += 6;
        } else {
            out.extend_from_slice(&json[at..at + 6]);
            at += 6;
        }
    }
    found.then_some(out)
}

/// The UTF-16 unit of a `\uXXXX` at the start of `json`.
fn escaped_unit(json: &[u8]) -> Option<u32> {
    let digits = json.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::{Document, with_property};

    #[test]
    fn numbers_keep_their_digits() {
        for number in ["1.10", "1e400", "18446744073709551617", "-0", "1E2"] {
            let document = Document::parse(number.as_bytes()).unwrap();
            assert_eq!(
                document.value.to_string(),
                number.replace('E', "e").replace("1e2", "1e+2").replace("1e400", "1e+400")
            );
        }
    }

    #[test]
    fn a_property_is_added_at_the_end_of_any_object() {
        assert_eq!(with_property(r#"{"a":{"b":{}}} "#, "c", "[1,{}]"), r#"{"a":{"b":{}},"c":[1,{}]}"#);
        assert_eq!(with_property("{ }", "c", "[]"), r#"{ "c":[]}"#);
        let goes_on = r#"{"c":[],"c@odata.nextLink":"https://x"}"#;
        let whole: serde_json::Value = serde_json::from_str(&with_property(goes_on, "c", "[1]")).unwrap();
        assert_eq!(whole, serde_json::json!({"c": [1], "c@odata.nextLink": null}));
    }

    #[test]
    fn a_lone_surrogate_stays_exact_and_readable() {
        let document = Document::parse(br#"{"a":"x\ud800y\\ud801 \ud83d\ude00"}"#).unwrap();
        let raw = document.value["a"].to_string();
        assert_eq!(document.exact(&raw), r#""x\ud800y\\ud801 😀""#);
        let mut text = document.value["a"].as_str().unwrap().to_owned();
        document.readable(&mut text);
        assert_eq!(text, "x\u{fffd}y\\ud801 😀");
    }
}
