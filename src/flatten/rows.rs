//! The rows of one policy while they are gathered, and the words that all policies share.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use serde_json::{Map, Value};

use super::{SECRET, SettingsShape, elements, humanize, property::Property};
use crate::{
    definitions::{Definition, Definitions},
    policy::Setting,
};

/// Names are remembered up to this many ids; a tenant has a few thousand.
const MAX_REMEMBERED: usize = 100_000;

/// Longer values are not remembered: most are texts of one policy alone.
const LONGEST_REMEMBERED: usize = 64;

/// What flattening knows beyond the policy: official names, and words made before.
#[derive(Debug, Default)]
pub struct Flattener {
    definitions: Definitions,
    names: Memo<str>,
    properties: Memo<Property>,
    options: Memo<str>,
    values: Memo<str>,
}

impl Flattener {
    /// A flattener that prefers the names of `definitions` to words made from ids.
    pub fn new(definitions: Definitions) -> Self {
        Self { definitions, ..Self::default() }
    }

    /// Starts the rows of one policy, with the definitions that its export brings along.
    pub(super) fn rows(&self, shape: SettingsShape, body: &Map<String, Value>) -> Rows<'_> {
        let mut own = Definitions::default();
        let settings = body.get("settings").into_iter().flat_map(elements);
        let nested = settings.filter_map(|setting| setting.get("settingDefinitions"));
        nested.chain(body.get("settingDefinitions")).flat_map(elements).for_each(|definition| {
            own.insert_graph(definition);
        });
        // about as many rows as it has settings, or properties where it has none
        let listed = ["settings", "settingsDelta", "definitionValues", "omaSettings"];
        let listed = listed.into_iter().filter_map(|key| body.get(key)).map(|list| elements(list).count()).max();
        let expected = listed.unwrap_or_default().max(body.len());
        Rows {
            flattener: self,
            own,
            legacy: matches!(shape, SettingsShape::Legacy | SettingsShape::Intent),
            scopes: HashMap::new(),
            path: String::with_capacity(512),
            name: String::with_capacity(512),
            settings: Vec::with_capacity(expected + expected / 2),
        }
    }
}

/// What technical texts say, made out once for all policies.
#[derive(Debug)]
struct Memo<T: ?Sized>(RwLock<HashMap<String, Arc<T>, foldhash::fast::RandomState>>);

impl<T: ?Sized> Default for Memo<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: ?Sized> Memo<T> {
    fn of(&self, technical: &str, make: impl FnOnce(&str) -> Arc<T>) -> Arc<T> {
        if let Ok(known) = self.0.read()
            && let Some(known) = known.get(technical)
        {
            return known.clone();
        }
        let made = make(technical);
        if let Ok(mut known) = self.0.write() {
            if known.len() >= MAX_REMEMBERED {
                known.clear();
            }
            known.insert(technical.to_owned(), made.clone());
        }
        made
    }
}

/// The rows of one policy, and where in it the walk stands.
pub(super) struct Rows<'a> {
    flattener: &'a Flattener,
    own: Definitions,
    /// Whether `false` and `0` may be what a type has before anybody sets it.
    legacy: bool,
    /// Whom a definition is for, where its id does not say.
    pub(super) scopes: HashMap<String, &'static str>,
    path: String,
    name: String,
    pub(super) settings: Vec<Setting>,
}

impl Rows<'_> {
    /// The official definition of an id: the export's own one before the shared one.
    fn definition(&self, id: &str) -> Option<&Definition> {
        self.own.get(id).or_else(|| self.flattener.definitions.get(id))
    }

    /// Walks below a definition: its official name, else words from its id.
    pub(super) fn in_definition(&mut self, id: &str, walk: impl FnOnce(&mut Self)) {
        let name = match self.definition(id).and_then(|definition| definition.display_name.as_deref()) {
            Some(official) => Arc::from(official),
            None => self.flattener.names.of(id, |id| humanize::humanize(id).into()),
        };
        self.within(id, &name, walk);
    }

    /// What a property's name says.
    pub(super) fn property(&self, key: &str) -> Arc<Property> {
        self.flattener.properties.of(key, |key| Arc::new(Property::of(key)))
    }

    /// Walks below a property of a legacy type.
    pub(super) fn in_property(&mut self, key: &str, walk: impl FnOnce(&mut Self)) {
        let words = &self.property(key).words;
        self.within(key, words, walk);
    }

    /// Walks below `segment`, which a person reads as `name`.
    pub(super) fn within(&mut self, segment: &str, name: &str, walk: impl FnOnce(&mut Self)) {
        let (path_end, name_end) = (self.path.len(), self.name.len());
        if path_end > 0 {
            self.path.push('/');
        }
        self.path.push_str(segment);
        if name_end > 0 && !name.is_empty() {
            self.name.push_str(" > ");
        }
        self.name.push_str(name);
        walk(self);
        self.path.truncate(path_end);
        self.name.truncate(name_end);
    }

    /// Walks below the element `index` (from 0) of a list; `label` is the element's own name.
    pub(super) fn in_element(&mut self, index: usize, label: Option<&str>, walk: impl FnOnce(&mut Self)) {
        use std::fmt::Write as _;
        let (path_end, name_end) = (self.path.len(), self.name.len());
        // writing to a String does not fail
        let _ = write!(self.path, "[{}]", index + 1);
        let _ = match label {
            Some(label) => write!(self.name, " > {label}"),
            None => write!(self.name, " [{}]", index + 1),
        };
        walk(self);
        self.path.truncate(path_end);
        self.name.truncate(name_end);
    }

    /// A row for the value at this place.
    pub(super) fn leaf(&mut self, leaf: Leaf<'_>) {
        let known = leaf.definition_id.and_then(|id| self.definition(id));
        let category = leaf.category.map(str::to_owned).or_else(|| known.and_then(|known| known.category.clone()));
        self.settings.push(Setting {
            name: self.name.clone(),
            value: leaf.value,
            path: self.path.clone(),
            definition_id: leaf.definition_id.map(str::to_owned),
            category,
            configured: leaf.configured,
            raw_value: leaf.raw.map(json_text),
        });
    }

    /// A row that tells of a secret and nothing about it.
    pub(super) fn secret(&mut self, definition_id: Option<&str>) {
        self.leaf(Leaf {
            definition_id,
            value: Some(SECRET.to_owned()),
            raw: None,
            configured: Some(true),
            category: None,
        });
    }

    /// What a person reads for a text that may be a member of an enumeration.
    pub(super) fn value_words(&self, value: &str) -> String {
        // what is long is no member, and need not be remembered
        if value.len() > LONGEST_REMEMBERED {
            return humanize::value_words(value);
        }
        self.flattener.values.of(value, |value| humanize::value_words(value).into()).to_string()
    }

    /// What `configured` is where a value is the one that a type has before anybody sets it.
    pub(super) fn default_configured(&self) -> Option<bool> {
        (!self.legacy).then_some(true)
    }

    /// What a person reads for an option of a choice: its official name, else words from its suffix.
    pub(super) fn option(&self, definition_id: &str, choice: &str) -> String {
        let official = self
            .definition(definition_id)
            .and_then(|known| known.options.get(choice).or_else(|| known.options.get(&choice.to_ascii_lowercase())));
        match official {
            Some(name) => name.clone(),
            // most choices begin with their definition's id, so that the choice alone tells the words
            None if choice.starts_with(definition_id) => {
                let words = |choice: &str| humanize::option_words(definition_id, choice).into();
                self.flattener.options.of(choice, words).to_string()
            }
            None => humanize::option_words(definition_id, choice),
        }
    }
}

/// A value, as [`Rows::leaf`] takes it.
#[derive(Default)]
pub(super) struct Leaf<'v> {
    pub(super) definition_id: Option<&'v str>,
    pub(super) value: Option<String>,
    pub(super) raw: Option<&'v Value>,
    pub(super) configured: Option<bool>,
    pub(super) category: Option<&'v str>,
}

/// A value as JSON text. Most are texts without anything to escape, for which no serializer is needed.
fn json_text(value: &Value) -> String {
    match value {
        Value::String(text) if !text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') => {
            let mut json = String::with_capacity(text.len() + 2);
            json.push('"');
            json.push_str(text);
            json.push('"');
            json
        }
        other => other.to_string(),
    }
}
