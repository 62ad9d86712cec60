//! Official names by definition id: what flatten looks up and the store caches.

use std::collections::HashMap;

use serde_json::Value;

/// What Microsoft calls a setting and its options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// `displayName`, trimmed.
    pub display_name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// Where the portal lists the setting.
    pub category: Option<String>,
    /// Names of the options by lower-case `itemId`.
    pub options: HashMap<String, String>,
}

/// Definitions by lower-case id: service ids are lower-case, hand-written ones in exports are not.
#[derive(Debug, Clone, Default)]
pub struct Definitions(HashMap<String, Definition>);

impl Definitions {
    /// The definition of an id, whatever its case.
    pub fn get(&self, id: &str) -> Option<&Definition> {
        if self.0.is_empty() {
            return None;
        }
        if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.0.get(&id.to_ascii_lowercase())
        } else {
            self.0.get(id)
        }
    }

    /// Adds what one `settingDefinitions` element says, the shape that `$expand=settingDefinitions` and
    /// `/configurationSettings` answer with. Elements without an id say nothing.
    pub fn insert_graph(&mut self, definition: &Value) {
        let Some(id) = definition.get("id").and_then(Value::as_str) else { return };
        let trimmed = |value: Option<&Value>| {
            value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let options = definition.get("options").and_then(Value::as_array).into_iter().flatten();
        let options = options.filter_map(|option| {
            Some((option.get("itemId")?.as_str()?.to_ascii_lowercase(), trimmed(option.get("displayName"))?))
        });
        self.0.insert(
            id.to_ascii_lowercase(),
            Definition {
                display_name: trimmed(definition.get("displayName")),
                description: trimmed(definition.get("description")),
                category: None,
                options: options.collect(),
            },
        );
    }

    /// Whether no definition is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
