//! A policy's JSON object, and what is asked of it by name, found in one walk: looked up one by one these properties take
//! longer than many a policy's rows.

use serde_json::{Map, Value};

/// Names of properties at the top of policies, in order.
const ASKED: [&str; 27] = [
    "@odata.type",
    "TemplateDisplayName",
    "assignments",
    "createdDateTime",
    "definitionValues",
    "description",
    "displayName",
    "isAssigned",
    "lastModifiedDateTime",
    "modifiedDateTime",
    "name",
    "omaSettings",
    "platform",
    "platformType",
    "platforms",
    "roleScopeTagIds",
    "roleScopeTags",
    "scheduledActionsForRule",
    "settingCount",
    "settingDefinitions",
    "settingInstance",
    "settings",
    "settingsCount",
    "settingsDelta",
    "state",
    "technologies",
    "templateReference",
];

/// The first bytes of these names as numbers, which most other names are told from by one comparison.
const STARTS: [u64; ASKED.len()] = {
    let mut starts = [0; ASKED.len()];
    let mut at = 0;
    while at < ASKED.len() {
        starts[at] = start(ASKED[at]);
        at += 1;
    }
    starts
};

/// The first eight bytes as a number that compares as they do.
const fn start(name: &str) -> u64 {
    let bytes = name.as_bytes();
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_be_bytes(*eight);
    }
    let mut number = 0;
    let mut at = 0;
    while at < 8 {
        number = number << 8 | if at < bytes.len() { bytes[at] as u64 } else { 0 };
        at += 1;
    }
    number
}

/// A policy's JSON object.
pub(super) struct Body<'v> {
    /// All of it.
    pub(super) object: &'v Map<String, Value>,
    /// Its lists that have a next page, which nobody has put to them.
    pub(super) going_on: Vec<&'v str>,
    asked: [Option<&'v Value>; ASKED.len()],
}

impl<'v> Body<'v> {
    pub(super) fn of(object: &'v Map<String, Value>) -> Self {
        let mut body = Self { object, going_on: Vec::new(), asked: [None; ASKED.len()] };
        body.look_through(object);
        body
    }

    fn look_through(&mut self, properties: impl IntoIterator<Item = (&'v String, &'v Value)>) {
        debug_assert!(ASKED.is_sorted(), "{ASKED:?}");
        let mut at = 0;
        for (key, value) in properties {
            let start = start(key);
            // in order as the names are, unless a crate asks serde_json not to sort them
            if at > 0 && start <= STARTS[at - 1] {
                at = STARTS.partition_point(|of_name| *of_name < start);
            }
            while STARTS.get(at).is_some_and(|of_name| *of_name < start) {
                at += 1;
            }
            let alike = STARTS[at..].iter().take_while(|of_name| **of_name == start).count();
            if let Some(found) = (at..at + alike).find(|at| ASKED[*at] == key) {
                self.asked[found] = Some(value);
            } else if let Some(list) = key.strip_suffix("@odata.nextLink")
                && value.is_string()
            {
                self.going_on.push(list);
            }
        }
    }

    /// Whether a list has a next page.
    pub(super) fn goes_on(&self, list: &str) -> bool {
        self.going_on.contains(&list)
    }

    /// The property of one of the names that are asked for.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        let start = start(name);
        let at = (0..ASKED.len()).find(|at| STARTS[*at] == start && ASKED[*at] == name);
        debug_assert!(at.is_some(), "{name}");
        at.and_then(|at| self.asked[at])
    }
}

#[cfg(test)]
mod tests {
    use super::{ASKED, Body, Map, Value};

    #[test]
    fn properties_are_found_in_whatever_order_they_come() {
        let few = ["z", "technologies", "assignments", "name", "description", "x@odata.nextLink", "@odata.type"];
        let alike = ["platformed", "roleScope", "setting", "settingsD", "settingsDeltas"];
        let all: Vec<&str> = ASKED.into_iter().rev().chain(alike).chain(["x@odata.nextLink"]).collect();
        for names in [few.as_slice(), &all] {
            let properties: Vec<_> = names.iter().map(|name| ((*name).to_owned(), Value::from(*name))).collect();
            let object: Map<String, Value> = properties.iter().cloned().collect();
            let mut unsorted = Body { object: &object, going_on: Vec::new(), asked: [None; ASKED.len()] };
            unsorted.look_through(properties.iter().map(|(name, value)| (name, value)));
            for body in [Body::of(&object), unsorted] {
                for name in ASKED {
                    let found = body.get(name).and_then(Value::as_str);
                    assert_eq!(found, names.contains(&name).then_some(name), "{name}");
                }
                assert_eq!(body.going_on, ["x"]);
            }
        }
    }
}
