//! Secrets in JSON: by the names of properties, by pairs of a name and a value, and in texts inside it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{SECRET, redaction::Redaction, script};
use crate::flatten::secret::{
    is_number, is_secret_name, is_value_of_its_neighbour, may_be_secret, names_its_neighbour, tells_kind,
};

/// Each level is read again when it is walked: in all not more than this.
const MOST_READ: usize = 64 << 20;

/// How deep is walked; deeper text is searched as a script is.
const MOST_DEPTH: usize = 128;

/// Finds the secrets of a JSON text; `false` where it is none.
pub(super) fn read(found: &mut Redaction<'_>) -> bool {
    let text = found.text.trim_start_matches('\u{feff}');
    let Ok(root) = serde_json::from_str::<&RawValue>(text) else { return false };
    let mut walk = Walk { found, left: MOST_READ };
    walk.value(root.get(), None, 0);
    true
}

struct Walk<'f, 't> {
    found: &'f mut Redaction<'t>,
    left: usize,
}

impl Walk<'_, '_> {
    /// `secret` is the name that makes this value a secret.
    fn value(&mut self, json: &str, secret: Option<&str>, depth: usize) {
        self.left = self.left.saturating_sub(json.len());
        let read = depth < MOST_DEPTH && self.left > 0;
        match json.as_bytes().first() {
            Some(b'{') if read => match serde_json::from_str::<Members<'_>>(json) {
                Ok(members) => self.object(&members.0, secret, depth),
                Err(_) => self.unread(json, secret),
            },
            Some(b'[') if read => match serde_json::from_str::<Vec<&RawValue>>(json) {
                Ok(items) => items.iter().for_each(|item| self.value(item.get(), secret, depth + 1)),
                Err(_) => self.unread(json, secret),
            },
            Some(b'"') => match serde_json::from_str::<String>(json) {
                Ok(text) => self.text(json, &text, secret),
                Err(_) => self.unread(json, secret),
            },
            Some(b'-' | b'0'..=b'9') => {
                if let Some(name) = secret
                    && may_be_secret(name, json)
                {
                    self.replace(json, json);
                }
            }
            Some(b'{' | b'[') => self.unread(json, secret),
            _ => {}
        }
    }

    fn object(&mut self, members: &[(String, &RawValue)], secret: Option<&str>, depth: usize) {
        let named = members.iter().filter(|(key, _)| names_its_neighbour(key));
        let named = named.filter_map(|(_, name)| serde_json::from_str::<String>(name.get()).ok());
        let neighbour = named.into_iter().find(|name| is_secret_name(name));
        let has = |name: &str| members.iter().any(|(key, _)| key == name);
        // what onboards a device to Defender for Endpoint
        let onboards = has("body") && has("sig");
        for (key, value) in members {
            let json = value.get();
            let by_neighbour = neighbour.as_deref().filter(|_| is_value_of_its_neighbour(key));
            // below a secret, `minLength: 8` is none
            let inherited = secret.filter(|_| !is_number(json) && !tells_kind(key, json.trim_matches('"')));
            let is_signed = onboards && matches!(key.as_str(), "body" | "sig");
            let own = Some(key.as_str()).filter(|key| is_signed || is_secret_name(key));
            self.value(json, own.or(by_neighbour).or(inherited), depth + 1);
        }
    }

    fn text(&mut self, json: &str, text: &str, secret: Option<&str>) {
        match secret {
            Some(name) if !text.is_empty() => {
                if may_be_secret(name, text) {
                    self.replace(json, text);
                } else {
                    self.inner(json, text);
                }
            }
            _ => self.inner(json, text),
        }
    }

    fn inner(&mut self, json: &str, text: &str) {
        let place = self.found.place(json);
        self.found.inner(place, text, quoted);
    }

    fn replace(&mut self, json: &str, secret: &str) {
        let place = self.found.place(json);
        self.found.secret(place, secret, &quoted(SECRET));
    }

    /// What is too deep, too much, or no text of Unicode.
    fn unread(&mut self, json: &str, secret: Option<&str>) {
        if secret.is_some() {
            self.replace(json, json);
        } else if let Some(kept) = script::without_secrets(json) {
            let place = self.found.place(json);
            self.found.secret(place, json, &kept);
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The members of an object as they stand there: of two with one name, both.
struct Members<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}
