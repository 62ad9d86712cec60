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
        debug_assert!(ASKED.is_sorted(), "{ASKED:?}");
        let mut body = Self { object, going_on: Vec::new(), asked: [None; ASKED.len()] };
        let mut at = 0;
        // in order as the names are: serde_json sorts them unless a crate asks it not to
        for (key, value) in object {
            while ASKED.get(at).is_some_and(|name| *name < key.as_str()) {
                at += 1;
            }
            if ASKED.get(at).is_some_and(|name| name == key) {
                body.asked[at] = Some(value);
            } else if let Some(list) = key.strip_suffix("@odata.nextLink")
                && value.is_string()
            {
                body.going_on.push(list);
            }
        }
        body
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
    use super::{Body, Map, Value};

    #[test]
    fn properties_are_found_in_whatever_order_they_come() {
        let object: Map<String, Value> =
            serde_json::from_str(r#"{"z": 1, "technologies": 2, "assignments": 3, "name": 4, "x@odata.nextLink": ""}"#)
                .unwrap();
        let body = Body::of(&object);
        let found = ["name", "settings", "assignments", "technologies"].map(|name| body.get(name));
        assert_eq!(found.map(|value| value.and_then(Value::as_u64)), [Some(4), None, Some(3), Some(2)]);
        assert_eq!(body.going_on, ["x"]);
    }
}
