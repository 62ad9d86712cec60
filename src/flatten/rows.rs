//! The rows of one policy while they are gathered, and the words that all policies share.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::{SECRET, SettingsShape, elements, humanize, property, property::Property, secret};
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
    /// Grows while a run learns names; each policy is flattened with those of its beginning.
    definitions: RwLock<Arc<Definitions>>,
    names: Memo<Named>,
    properties: Memo<Arc<Property>>,
    options: Memo<SmolStr>,
    values: Memo<SmolStr>,
}

impl Flattener {
    /// A flattener that prefers the names of `definitions` to words made from ids.
    pub fn new(definitions: Definitions) -> Self {
        Self { definitions: RwLock::new(Arc::new(definitions)), ..Self::default() }
    }

    /// Adds names by definition id, for the policies that are flattened from now on.
    pub fn learn(&self, definitions: Vec<(String, Definition)>) {
        if let Ok(mut known) = self.definitions.write() {
            let known = Arc::make_mut(&mut known);
            for (id, definition) in definitions {
                known.insert(&id, definition);
            }
        }
    }

    /// Starts the rows of one policy, with the definitions that its export brings along.
    pub(super) fn rows(&self, shape: SettingsShape, body: &Map<String, Value>) -> Rows<'_> {
        let mut own = Definitions::default();
        let settings = body.get("settings").into_iter().flat_map(elements);
        let nested = settings.filter_map(|setting| property(setting.as_object()?, "settingDefinitions"));
        nested.chain(body.get("settingDefinitions")).flat_map(elements).for_each(|definition| {
            own.insert_graph(definition);
        });
        // about as many rows as it has settings, or properties where it has none
        let listed = ["settings", "settingsDelta", "definitionValues", "omaSettings"];
        let listed = listed.into_iter().filter_map(|key| body.get(key)).map(|list| elements(list).count()).max();
        let expected = listed.unwrap_or_default().max(body.len());
        Rows {
            flattener: self,
            shared: self.definitions.read().map(|known| Arc::clone(&known)).unwrap_or_default(),
            own,
            legacy: matches!(shape, SettingsShape::Legacy | SettingsShape::Intent),
            scopes: HashMap::new(),
            tells_plumbing: false,
            path: String::with_capacity(512),
            name: String::with_capacity(512),
            outermost: None,
            holds_nul: false,
            scratch: String::new(),
            settings: Vec::with_capacity(expected + expected / 2),
        }
    }
}

/// What technical texts say, made out once for all policies.
#[derive(Debug)]
struct Memo<T>(RwLock<HashMap<SmolStr, T, foldhash::fast::RandomState>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Clone> Memo<T> {
    fn of(&self, technical: &str, make: impl FnOnce(&SmolStr) -> T) -> T {
        if let Ok(known) = self.0.read()
            && let Some(known) = known.get(technical)
        {
            return known.clone();
        }
        let technical = SmolStr::new(technical);
        let made = make(&technical);
        if let Ok(mut known) = self.0.write() {
            if known.len() >= MAX_REMEMBERED {
                known.clear();
            }
            known.insert(technical, made.clone());
        }
        made
    }
}

/// A definition's id, what words say of it, and whether it names a secret.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: SmolStr,
    words: SmolStr,
    pub(super) is_secret: bool,
    holds_nul: bool,
}

impl Named {
    fn of(id: &SmolStr) -> Self {
        let words = humanize::humanize(id).into();
        Self { id: id.clone(), words, is_secret: secret::is_secret_id(id), holds_nul: has_nul(id) }
    }
}

/// The rows of one policy, and where in it the walk stands.
pub(super) struct Rows<'a> {
    flattener: &'a Flattener,
    shared: Arc<Definitions>,
    own: Definitions,
    /// Whether `false` and `0` may be what a type has before anybody sets it.
    legacy: bool,
    /// Whom a definition is for, where its id does not say.
    pub(super) scopes: HashMap<SmolStr, &'static str>,
    /// Whether what instances refer to has rows, too.
    pub(super) tells_plumbing: bool,
    path: String,
    name: String,
    /// Path and name while they are those of a setting that has no parent, which rows then share.
    outermost: Option<(SmolStr, SmolStr)>,
    /// Whether a NUL stands anywhere in the rows: mostly there is none, and nothing to look for later.
    pub(super) holds_nul: bool,
    /// Where JSON is written, before its length is known.
    scratch: String,
    pub(super) settings: Vec<Setting>,
}

impl Rows<'_> {
    /// The official definition of an id: the export's own one before the shared one.
    fn definition(&self, id: &str) -> Option<&Definition> {
        self.own.get(id).or_else(|| self.shared.get(id))
    }

    /// Walks below a definition: its official name, else words from its id.
    pub(super) fn in_definition(&mut self, id: &str, walk: impl FnOnce(&mut Self, &Named)) {
        let mut named = self.flattener.names.of(id, Named::of);
        if let Some(official) = self.definition(id).and_then(|known| known.display_name.as_deref()) {
            named.holds_nul |= has_nul(official);
            named.words = official.into();
        }
        self.holds_nul |= named.holds_nul;
        let words = std::mem::take(&mut named.words);
        self.within_shared(named.id.clone(), words, |rows| walk(rows, &named));
    }

    /// What a property's name says.
    pub(super) fn property(&self, key: &str) -> Arc<Property> {
        self.flattener.properties.of(key, |key| Arc::new(Property::of(key)))
    }

    /// Walks below a property of a legacy type.
    pub(super) fn in_property(&mut self, property: &Property, walk: impl FnOnce(&mut Self)) {
        self.holds_nul |= property.holds_nul;
        self.within_shared(property.key.clone(), property.words.clone(), walk);
    }

    /// As [`Self::below`], of texts that other policies have as well.
    fn within_shared(&mut self, segment: SmolStr, name: SmolStr, walk: impl FnOnce(&mut Self)) {
        if !self.path.is_empty() || !self.name.is_empty() {
            return self.below(&segment, &name, walk);
        }
        self.enter(&segment, &name);
        self.outermost = Some((segment, name));
        walk(self);
        self.outermost = None;
        self.path.clear();
        self.name.clear();
    }

    /// Walks below `segment`, which a person reads as `name`.
    pub(super) fn within(&mut self, segment: &str, name: &str, walk: impl FnOnce(&mut Self)) {
        self.holds_nul |= has_nul(segment) || has_nul(name);
        self.below(segment, name, walk);
    }

    fn below(&mut self, segment: &str, name: &str, walk: impl FnOnce(&mut Self)) {
        let (path_end, name_end) = (self.path.len(), self.name.len());
        self.enter(segment, name);
        walk(self);
        self.path.truncate(path_end);
        self.name.truncate(name_end);
    }

    fn enter(&mut self, segment: &str, name: &str) {
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(segment);
        if !self.name.is_empty() && !name.is_empty() {
            self.name.push_str(" > ");
        }
        self.name.push_str(name);
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
        self.holds_nul |= label.is_some_and(has_nul);
        walk(self);
        self.path.truncate(path_end);
        self.name.truncate(name_end);
    }

    /// Path and name of this place.
    fn place(&self) -> (SmolStr, SmolStr) {
        match &self.outermost {
            // the walk only appends: what is as long is the same
            Some((path, name)) if (path.len(), name.len()) == (self.path.len(), self.name.len()) => {
                (path.clone(), name.clone())
            }
            _ => (SmolStr::new(&self.path), SmolStr::new(&self.name)),
        }
    }

    /// A row for the value at this place.
    pub(super) fn leaf(&mut self, leaf: Leaf<'_>) {
        let known = leaf.definition_id.and_then(|id| self.definition(id));
        let category = leaf.category.or_else(|| known.and_then(|known| known.category.as_deref())).map(SmolStr::new);
        self.holds_nul |= leaf.value.as_deref().is_some_and(has_nul) || category.as_deref().is_some_and(has_nul);
        let (path, name) = self.place();
        self.settings.push(Setting {
            name,
            value: leaf.value,
            path,
            definition_id: leaf.definition_id.cloned(),
            category,
            configured: leaf.configured,
            raw_value: leaf.raw.map(|raw| json_text(raw, &mut self.scratch)),
        });
    }

    /// A row that tells of a secret and nothing about it.
    pub(super) fn secret(&mut self, definition_id: Option<&SmolStr>) {
        self.leaf(Leaf {
            definition_id,
            value: Some(SmolStr::new_static(SECRET)),
            raw: None,
            configured: Some(true),
            category: None,
        });
    }

    /// What a person reads for a text that may be a member of an enumeration.
    pub(super) fn value_words(&self, value: &str) -> SmolStr {
        // what is long is no member, and need not be remembered
        if value.len() > LONGEST_REMEMBERED {
            return humanize::value_words(value).into();
        }
        self.flattener.values.of(value, |value| humanize::value_words(value).into())
    }

    /// What `configured` is where a value is the one that a type has before anybody sets it.
    pub(super) fn default_configured(&self) -> Option<bool> {
        (!self.legacy).then_some(true)
    }

    /// Gives the rows from `first` on, which are of one setting of an intent, its official category, and the name of
    /// its option where `value` is one.
    pub(super) fn say_officially(&mut self, definition_id: &str, value: &Value, first: usize) {
        let Some(known) = self.definition(definition_id) else { return };
        let option = value.as_str().and_then(|value| known.options.get(&value.to_ascii_lowercase())).map(SmolStr::new);
        let category = known.category.as_deref().map(SmolStr::new);
        self.holds_nul |= [&option, &category].into_iter().flatten().any(|text| has_nul(text));
        for row in &mut self.settings[first..] {
            row.category.clone_from(&category);
            // a secret has no raw value
            if let Some(option) = option.as_ref().filter(|_| row.raw_value.is_some()) {
                row.value = Some(option.clone());
            }
        }
    }

    /// What a person reads for an option of a choice: its official name, else words from its suffix.
    pub(super) fn option(&self, definition_id: &str, choice: &str) -> SmolStr {
        let official = self
            .definition(definition_id)
            .and_then(|known| known.options.get(choice).or_else(|| known.options.get(&choice.to_ascii_lowercase())));
        let words = |choice: &str| humanize::option_words(definition_id, choice).into();
        match official {
            Some(name) => name.into(),
            None => match choice.strip_prefix(definition_id).and_then(|rest| rest.strip_prefix('_')) {
                // of most choices a short end tells all, which those of other definitions have as well
                Some(end) if !end.contains('_') => self.flattener.options.of(end, |_| words(choice)),
                _ => self.flattener.options.of(&format!("{definition_id}_/{choice}"), |_| words(choice)),
            },
        }
    }
}

/// A value, as [`Rows::leaf`] takes it.
#[derive(Default)]
pub(super) struct Leaf<'v> {
    pub(super) definition_id: Option<&'v SmolStr>,
    pub(super) value: Option<SmolStr>,
    pub(super) raw: Option<&'v Value>,
    pub(super) configured: Option<bool>,
    pub(super) category: Option<&'v str>,
}

/// Whether JSON writes a character of `text` otherwise. All bytes are looked at, which goes many at a time.
fn has_escapes(text: &str) -> bool {
    let is_escaped = |byte: u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    text.bytes().fold(false, |found, byte| found | is_escaped(byte))
}

fn has_nul(text: &str) -> bool {
    let is_nul = |byte: u8| byte == 0;
    text.bytes().fold(false, |found, byte| found | is_nul(byte))
}

/// A value as JSON text. Most are texts without anything to escape, for which no serializer is needed.
fn json_text(value: &Value, scratch: &mut String) -> SmolStr {
    match value {
        Value::Bool(true) => SmolStr::new_static("true"),
        Value::Bool(false) => SmolStr::new_static("false"),
        Value::Number(number) => SmolStr::new(number.as_str()),
        Value::String(text) if !has_escapes(text) => {
            scratch.clear();
            scratch.push('"');
            scratch.push_str(text);
            scratch.push('"');
            SmolStr::new(scratch)
        }
        other => other.to_string().into(),
    }
}
