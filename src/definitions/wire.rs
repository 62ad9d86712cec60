//! Definitions and categories in the shapes that Graph writes them in.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Definition, MAX_DESCRIPTION, MAX_ID, MAX_NAME, MAX_OPTIONS};
use crate::json::{Document, JsonError};

/// Deepest tree of categories; the deepest known one has six levels.
const MAX_CATEGORY_DEPTH: usize = 32;

/// A definition as a list of Graph's has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Lower-case.
    pub id: String,
    /// What it says; its category is not known yet.
    pub definition: Definition,
    /// The category's id, of which [`Categories`] make a path.
    pub category_id: Option<String>,
}

impl Listed {
    /// Parses one element of a list; `None` where it has no id that could be looked up.
    pub fn parse(json: &[u8]) -> Result<Option<Self>, JsonError> {
        let document = Document::parse(json)?;
        let Some(mut listed) = Self::from_graph(&document.value) else { return Ok(None) };
        let Definition { display_name, description, options, .. } = &mut listed.definition;
        let texts = display_name.iter_mut().chain(description).chain(options.values_mut());
        texts.for_each(|text| document.readable(text));
        Ok(Some(listed))
    }

    /// A definition of the settings catalog with its `options`, or one of an intent's template with its enumeration
    /// among `constraints`.
    pub fn from_graph(definition: &Value) -> Option<Self> {
        let id = definition.get("id").and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= MAX_ID)?;
        let text = |value: Option<&Value>, longest| value.and_then(Value::as_str).and_then(|text| line(text, longest));
        let named = |key: Option<&Value>, name: Option<&Value>| {
            let key = match key? {
                Value::String(key) => key.to_ascii_lowercase(),
                key @ (Value::Bool(_) | Value::Number(_)) => key.to_string(),
                _ => return None,
            };
            Some((key, text(name, MAX_NAME)?))
        };
        let options = items(definition.get("options"))
            .filter_map(|option| named(option.get("itemId"), option.get("displayName")))
            .chain(
                items(definition.get("constraints"))
                    .flat_map(|constraint| items(constraint.get("values")))
                    .filter_map(|option| named(option.get("value"), option.get("displayName"))),
            );
        Some(Self {
            id: id.to_ascii_lowercase(),
            definition: Definition {
                display_name: text(definition.get("displayName"), MAX_NAME),
                description: text(definition.get("description"), MAX_DESCRIPTION),
                category: None,
                options: options.take(MAX_OPTIONS).collect::<BTreeMap<_, _>>(),
            },
            category_id: definition.get("categoryId").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// A text on one line, without anything that a terminal or PostgreSQL would stumble over; `None` where nothing is
/// left of it.
pub(super) fn line(text: &str, longest: usize) -> Option<String> {
    let clean: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(longest).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// The tree of categories: what `/configurationCategories` lists.
#[derive(Debug, Clone, Default)]
pub struct Categories(HashMap<String, Category>);

#[derive(Debug, Clone)]
struct Category {
    name: Option<String>,
    parent: Option<String>,
}

impl Categories {
    /// Adds an element of the list; what cannot be read costs itself.
    pub fn insert(&mut self, json: &[u8]) {
        let Ok(document) = Document::parse(json) else { return };
        let text = |key: &str| document.value.get(key).and_then(Value::as_str);
        let Some(id) = text("id") else { return };
        let name = text("displayName").and_then(|name| line(name, MAX_NAME)).map(|mut name| {
            document.readable(&mut name);
            name
        });
        let parent = text("parentCategoryId").map(str::to_owned);
        self.0.insert(id.to_owned(), Category { name, parent });
    }

    /// The path from the root to a category, joined by ` > `.
    pub fn path(&self, id: &str) -> Option<String> {
        let mut names = Vec::new();
        let mut at = self.0.get(id);
        // a parent that is its own ancestor ends the path, not the program
        while let Some(category) = at.filter(|_| names.len() < MAX_CATEGORY_DEPTH) {
            names.push(category.name.as_deref());
            let own = |parent: &&String| parent.as_str() != id;
            at = category.parent.as_ref().filter(own).and_then(|parent| self.0.get(parent));
        }
        names.reverse();
        let path = names.into_iter().flatten().collect::<Vec<_>>().join(" > ");
        line(&path, MAX_NAME)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Categories, Listed};

    #[test]
    fn a_category_has_the_path_of_its_parents() {
        let mut categories = Categories::default();
        let zero = "00000000-0000-0000-0000-000000000000";
        for (id, name, parent) in [("a", "Windows Components", zero), ("b", "BitLocker", "a"), ("c", "Drives", "b")] {
            let json = json!({ "id": id, "displayName": name, "parentCategoryId": parent }).to_string();
            categories.insert(json.as_bytes());
        }
        assert_eq!(categories.path("c").as_deref(), Some("Windows Components > BitLocker > Drives"));
        assert_eq!(categories.path("a").as_deref(), Some("Windows Components"));
        assert_eq!(categories.path("d"), None);
    }

    #[test]
    fn categories_in_a_circle_end() {
        let mut categories = Categories::default();
        categories.insert(br#"{"id":"a","displayName":"A","parentCategoryId":"b"}"#);
        categories.insert(br#"{"id":"b","displayName":"B","parentCategoryId":"c"}"#);
        categories.insert(br#"{"id":"c","displayName":"C","parentCategoryId":"b"}"#);
        assert!(categories.path("a").unwrap().ends_with("B > A"));
    }

    #[test]
    fn names_are_one_clean_line() {
        let json = json!({ "id": "Device_X", "displayName": "\r\n A\u{1b}[2J\u{0}B ", "options": [
            { "itemId": "Device_X_1", "displayName": " On\n" }, { "itemId": null, "displayName": "x" } ] });
        let listed = Listed::parse(json.to_string().as_bytes()).unwrap().unwrap();
        assert_eq!(listed.id, "device_x");
        assert_eq!(listed.definition.display_name.as_deref(), Some("A [2J B"));
        assert_eq!(listed.definition.options.into_iter().collect::<Vec<_>>(), [("device_x_1".into(), "On".into())]);
    }

    #[test]
    fn an_enumeration_of_an_intent_names_its_values() {
        let json = json!({ "id": "deviceConfiguration--x_mode", "displayName": "Mode", "constraints": [
            { "@odata.type": "#microsoft.graph.deviceManagementEnumConstraint",
              "values": [ { "value": "userDefined", "displayName": "Not configured" } ] } ] });
        let listed = Listed::parse(json.to_string().as_bytes()).unwrap().unwrap();
        assert_eq!(listed.definition.options["userdefined"], "Not configured");
    }
}
