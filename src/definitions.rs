//! Official names by definition id: what flatten looks up and the store caches. They are Microsoft's, the same
//! for every tenant, and untrusted text all the same.

mod import;
mod wire;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;
use smol_str::SmolStr;

pub use import::{ImportError, read_file};
pub use wire::{Categories, Listed};

/// Longest name that is kept, in characters.
const MAX_NAME: usize = 512;
/// Longest description that is kept, in characters.
const MAX_DESCRIPTION: usize = 4_096;
/// Longest id that is looked up or kept, in bytes: the longest known one has 247.
pub const MAX_ID: usize = 512;
/// Options of one setting that are kept; a list of all time zones has some hundred.
const MAX_OPTIONS: usize = 5_000;

/// What Microsoft calls a setting and its options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// `displayName`, trimmed, on one line.
    pub display_name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// Where the portal lists the setting: the path of its category, joined by ` > `.
    pub category: Option<String>,
    /// Names of the options by lower-case `itemId`; of an intent's setting by the option's value.
    pub options: BTreeMap<String, String>,
}

impl Definition {
    /// A hash of all that rows are made of; `None` where it names nothing.
    pub fn fingerprint(&self) -> Option<u64> {
        if self.names_nothing() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        let options = self.options.iter().flat_map(|(id, name)| [Some(id), Some(name)]);
        for text in [self.display_name.as_ref(), self.category.as_ref()].into_iter().chain(options) {
            let text = text.map(String::as_str).unwrap_or_default();
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let mut half = [0; 8];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Some(u64::from_le_bytes(half))
    }

    /// Whether it says no more than that the id is unknown.
    pub fn names_nothing(&self) -> bool {
        self.display_name.is_none() && self.options.is_empty()
    }

    /// Fills what this one does not say with what was known before.
    #[must_use]
    pub fn or(self, older: Self) -> Self {
        Self {
            display_name: self.display_name.or(older.display_name),
            description: self.description.or(older.description),
            category: self.category.or(older.category),
            options: if self.options.is_empty() { older.options } else { self.options },
        }
    }
}

/// The names of a definition, as rows take them: shared by all rows that have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Official {
    /// See [`Definition::display_name`].
    pub display_name: Option<SmolStr>,
    /// See [`Definition::category`].
    pub category: Option<SmolStr>,
    options: HashMap<String, SmolStr, foldhash::fast::RandomState>,
}

impl Official {
    /// The name of an option, whatever the case of its `itemId`.
    pub fn option(&self, item: &str) -> Option<&SmolStr> {
        if self.options.is_empty() {
            return None;
        }
        self.options.get(item).or_else(|| self.options.get(&item.to_ascii_lowercase()))
    }
}

impl From<Definition> for Official {
    fn from(definition: Definition) -> Self {
        Self {
            display_name: definition.display_name.map(SmolStr::from),
            category: definition.category.map(SmolStr::from),
            options: definition.options.into_iter().map(|(item, name)| (item, name.into())).collect(),
        }
    }
}

/// Names by lower-case id: service ids are lower-case, hand-written ones in exports are not.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    by_id: HashMap<String, Arc<Official>, foldhash::fast::RandomState>,
    /// Thousands of definitions have some hundred categories between them.
    categories: HashSet<SmolStr, foldhash::fast::RandomState>,
}

impl Definitions {
    /// The names of a definition, whatever the case of its id.
    pub fn get(&self, id: &str) -> Option<&Arc<Official>> {
        if self.by_id.is_empty() {
            return None;
        }
        if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.by_id.get(&id.to_ascii_lowercase())
        } else {
            self.by_id.get(id)
        }
    }

    /// Adds or replaces a definition; the id in any case.
    pub fn insert(&mut self, id: &str, definition: Definition) {
        let mut official = Official::from(definition);
        if let Some(category) = &mut official.category {
            match self.categories.get(category) {
                Some(known) => *category = known.clone(),
                None => drop(self.categories.insert(category.clone())),
            }
        }
        self.by_id.insert(id.to_ascii_lowercase(), Arc::new(official));
    }

    /// Adds what one `settingDefinitions` element says, the shape that `$expand=settingDefinitions` and
    /// `/configurationSettings` answer with. Elements without an id say nothing.
    pub fn insert_graph(&mut self, definition: &Value) {
        if let Some(Listed { id, definition, .. }) = Listed::from_graph(definition) {
            self.insert(&id, definition);
        }
    }

    /// Whether no definition is known.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
