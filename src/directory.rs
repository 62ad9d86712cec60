//! People, groups, apps, places and filters by name: which ids a policy speaks of, and the policy with their names.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    policy::{Policy, Setting, without_nul},
    scan,
};

/// The kind whose values are ids of the directory.
const NAMED_VALUES: &str = "conditional-access";

/// What a person reads for an object that was deleted.
pub const DELETED: &str = "(deleted)";

/// What a person reads for an object that is there, and whose name the app may not read.
pub const UNREADABLE: &str = "(unreadable)";

/// Longest name that is kept, in characters.
const MAX_NAME: usize = 256;

/// What an id is of, and with it where Graph tells its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// A group, user or service principal: `directoryObjects`.
    Object,
    /// An application by its `appId`: `servicePrincipals(appId='…')`.
    App,
    /// A role by its template: `directoryRoleTemplates`.
    Role,
    /// `identity/conditionalAccess/namedLocations`.
    Location,
    /// `deviceManagement/assignmentFilters`.
    Filter,
}

/// Names by lower-case id.
#[derive(Debug, Clone, Default)]
pub struct Directory(HashMap<String, Arc<str>>);

impl Directory {
    /// Adds a name, on one line and not too long.
    pub fn insert(&mut self, id: &str, name: &str) {
        let name: String = name.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_NAME).collect();
        self.0.insert(id.to_ascii_lowercase(), without_nul(&name).into());
    }

    /// The name of an id, whatever its case.
    pub fn get(&self, id: &str) -> Option<&str> {
        self.0.get(&id.to_ascii_lowercase()).map(AsRef::as_ref)
    }

    /// A hash of the names of these ids; empty where none has one.
    pub fn fingerprint(&self, ids: &BTreeSet<(Sort, String)>) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut any = false;
        for (id, name) in ids.iter().filter_map(|(_, id)| Some((id, self.get(id)?))) {
            any = true;
            for text in [id, name] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        if any { hasher.finalize().to_hex()[..16].to_owned() } else { String::new() }
    }

    /// Puts names beside the ids of a policy's assignments, and in place of those in the values of conditional
    /// access. Raw values stay as they came.
    pub fn name(&self, policy: &mut Policy) {
        if self.0.is_empty() {
            return;
        }
        for assignment in policy.assignments.iter_mut().flatten() {
            let name = |id: &Option<String>| id.as_ref().and_then(|id| self.get(id)).map(str::to_owned);
            // Graph's own word goes before that of an export
            assignment.target_name = name(&assignment.target_id).or(assignment.target_name.take());
            assignment.filter_name = name(&assignment.filter_id).or(assignment.filter_name.take());
        }
        if policy.kind == NAMED_VALUES {
            policy.settings.iter_mut().for_each(|setting| self.name_value(setting));
        }
    }

    fn name_value(&self, setting: &mut Setting) {
        let Some(raw) = setting.raw_value.as_deref().filter(|raw| raw.contains('-')) else { return };
        let Ok(raw) = serde_json::from_str::<Value>(raw) else { return };
        let items: Vec<&str> = match &raw {
            Value::String(id) => vec![id],
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        if !items.iter().any(|item| self.get(item).is_some()) {
            return;
        }
        // the words that flatten made of the other items stay
        let words: Vec<&str> = setting.value.as_deref().unwrap_or_default().split("; ").collect();
        let words = if words.len() == items.len() { words } else { items.clone() };
        let shown = items.iter().zip(words).map(|(id, word)| match self.get(id) {
            Some(name @ (DELETED | UNREADABLE)) => format!("{id} {name}"),
            Some(name) => name.to_owned(),
            None => word.to_owned(),
        });
        setting.value = Some(shown.collect::<Vec<_>>().join("; ").into());
    }
}

/// The ids that a policy of a kind speaks of, lower-case.
pub fn ids(kind: &str, json: &[u8]) -> BTreeSet<(Sort, String)> {
    let mut found = BTreeSet::new();
    for (sort, key) in [(Sort::Object, "groupId"), (Sort::Filter, "deviceAndAppManagementAssignmentFilterId")] {
        found.extend(scan::texts(json, key).filter_map(|id| guid(&id)).map(|id| (sort, id)));
    }
    if kind == NAMED_VALUES
        && let Ok(policy) = serde_json::from_slice::<Value>(json)
    {
        for (sort, pointer) in CONDITIONS {
            let Some(Value::Object(conditions)) = policy.pointer(pointer) else { continue };
            let lists = conditions.iter().filter(|(key, _)| {
                let names = |what: &str| key.ends_with(what);
                match sort {
                    Sort::Role => names("Roles"),
                    Sort::Object => !names("Roles"),
                    _ => true,
                }
            });
            let items = lists.filter_map(|(_, list)| list.as_array()).flatten().filter_map(Value::as_str);
            found.extend(items.filter_map(guid).map(|id| (*sort, id)));
        }
    }
    found
}

/// Where conditional access lists ids; words such as `All` or `AllTrusted` stand among them and are none.
const CONDITIONS: &[(Sort, &str)] = &[
    (Sort::Object, "/conditions/users"),
    (Sort::Role, "/conditions/users"),
    (Sort::App, "/conditions/applications"),
    (Sort::Object, "/conditions/clientApplications"),
    (Sort::Location, "/conditions/locations"),
];

/// The id in the one way of writing it; `None` for what is no id of an object.
fn guid(id: &str) -> Option<String> {
    let id = uuid::Uuid::try_parse(id).ok().filter(|id| !id.is_nil())?;
    Some(id.hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{DELETED, Directory, Sort, ids};
    use crate::policy::{Policy, Setting};

    const GROUP: &str = "11111111-1111-4111-8111-111111111111";
    const APP: &str = "22222222-2222-4222-8222-222222222222";
    const ROLE: &str = "33333333-3333-4333-8333-333333333333";

    #[test]
    fn the_ids_of_conditional_access_are_told_apart_from_its_words() {
        let json = json!({ "conditions": {
            "users": { "includeUsers": ["All", GROUP.to_uppercase()], "excludeRoles": [ROLE] },
            "applications": { "includeApplications": ["Office365", APP] },
            "locations": { "includeLocations": ["AllTrusted", "00000000-0000-0000-0000-000000000000"] } } });
        let found = ids("conditional-access", json.to_string().as_bytes());
        let expected = [(Sort::Object, GROUP), (Sort::App, APP), (Sort::Role, ROLE)];
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected.map(|(sort, id)| (sort, id.to_owned())));
        assert!(ids("compliance", json.to_string().as_bytes()).is_empty());
    }

    #[test]
    fn names_stand_in_place_of_ids_and_words_stay() {
        let mut directory = Directory::default();
        directory.insert(GROUP, "Pilots\n");
        directory.insert(APP, DELETED);
        let setting = |raw: serde_json::Value, value: &str| Setting {
            value: Some(value.into()),
            raw_value: Some(raw.to_string().into()),
            ..Setting::default()
        };
        let mut policy = Policy {
            kind: "conditional-access",
            settings: vec![
                setting(json!(["GuestsOrExternalUsers", GROUP]), &format!("Guests or external users; {GROUP}")),
                setting(json!([APP]), APP),
                setting(json!(["All"]), "All"),
            ],
            ..Policy::default()
        };
        directory.name(&mut policy);
        let values: Vec<_> = policy.settings.iter().map(|setting| setting.value.clone().unwrap()).collect();
        assert_eq!(
            values,
            ["Guests or external users; Pilots".to_owned(), format!("{APP} (deleted)"), "All".to_owned()]
        );
        assert_eq!(
            policy.settings[0].raw_value.as_deref().unwrap(),
            json!(["GuestsOrExternalUsers", GROUP]).to_string()
        );
    }
}
