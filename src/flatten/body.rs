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
            // in order as the names are, unless a crate asks serde_json not to sort them
            if at > 0 && key.as_str() <= ASKED[at - 1] {
                at = 0;
            }
            while ASKED.get(at).is_some_and(|name| *name < key.as_str()) {
                at += 1;
            }
            if ASKED.get(at).is_some_and(|name| name == key) {
                self.asked[at] = Some(value);
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
    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        let at = ASKED.iter().position(|asked| *asked == name);
        debug_assert!(at.is_some(), "{name}");
        at.and_then(|at| self.asked[at])
    }
}

#[cfg(test)]
mod tests {
    use super::{ASKED, Body, Map, Value};

    #[test]
    fn properties_are_found_in_whatever_order_they_come() {
        let names = ["z", "technologies", "assignments", "name", "description", "x@odata.nextLink", "@odata.type"];
        let properties = names.map(|name| (name.to_owned(), Value::from(name)));
        let object: Map<String, Value> = properties.iter().cloned().collect();
        let mut unsorted = Body { object: &object, going_on: Vec::new(), asked: [None; ASKED.len()] };
        unsorted.look_through(properties.iter().map(|(name, value)| (name, value)));
        for body in [Body::of(&object), unsorted] {
            for name in ASKED {
                assert_eq!(body.get(name).and_then(Value::as_str), names.contains(&name).then_some(name), "{name}");
            }
            assert_eq!(body.going_on, ["x"]);
        }
    }
}
