//! The rows of one policy while they are gathered.

use std::{borrow::Cow, collections::HashMap};

use serde_json::Value;
use smol_str::SmolStr;

use super::{
    SECRET, SettingsShape,
    body::Body,
    elements,
    flattener::Flattener,
    humanize,
    named::Named,
    property,
    property::Property,
    vocabulary::{Said, Vocabulary},
};
use crate::{
    definitions::Definitions,
    policy::{MAX_KEY_CHARS, Setting},
};

/// Longer values are not remembered: most are texts of one policy alone.
const LONGEST_REMEMBERED: usize = 64;

/// Flags are, as conditional access has the same long ones in each policy.
const LONGEST_FLAGS: usize = 160;

/// Bytes of a path: real ones have a few hundred. Each row has its own, so that one long key in a small file would make a
/// large database.
const LONGEST_PATH: usize = 1_024;

/// Bytes of a name while rows are gathered, more than what is kept of it.
const LONGEST_NAME: usize = 4 * MAX_KEY_CHARS;

/// The rows of one policy, and where in it the walk stands.
pub(super) struct Rows<'w> {
    words: Vocabulary<'w>,
    official: &'w Definitions,
    /// Those that the export brings along.
    own: Definitions,
    /// Whether `false` and `0` may be what a type has before anybody sets it.
    legacy: bool,
    /// Whether the policy says that nothing of what it holds applies.
    pub(super) is_off: bool,
    /// Whom a definition is for, where its id does not say.
    pub(super) scopes: HashMap<SmolStr, &'static str>,
    /// Whether what instances refer to has rows, too.
    pub(super) tells_plumbing: bool,
    path: String,
    name: String,
    /// Path and name of the setting that has no parent, which rows of its own share. They stand in `path` and `name` only
    /// when something is put behind them: most settings are a single row.
    outermost: Option<(Cow<'w, SmolStr>, Cow<'w, SmolStr>)>,
    /// Whether a NUL stands anywhere in the rows: mostly there is none, and nothing to look for later.
    pub(super) holds_nul: bool,
    /// Where JSON is written, before its length is known.
    scratch: String,
    pub(super) settings: Vec<Setting>,
}

/// The rows of one policy, gathered.
pub(super) struct Gathered {
    pub(super) settings: Vec<Setting>,
    /// See [`Rows`].
    pub(super) scopes: HashMap<SmolStr, &'static str>,
    /// See [`Rows`].
    pub(super) holds_nul: bool,
}

/// Gathers the rows of one policy, with the definitions that its export brings along.
pub(super) fn gather(
    flattener: &Flattener,
    shape: SettingsShape,
    body: &Body<'_>,
    walk: impl FnOnce(&mut Rows<'_>),
) -> Gathered {
    flattener.with_known(|words, official| {
        let mut rows = Rows::new(words, official, shape, body);
        walk(&mut rows);
        let Rows { settings, scopes, holds_nul, words, .. } = rows;
        (Gathered { settings, scopes, holds_nul }, words.made())
    })
}

impl<'w> Rows<'w> {
    fn new(words: Vocabulary<'w>, official: &'w Definitions, shape: SettingsShape, body: &Body<'_>) -> Self {
        let mut own = Definitions::default();
        let settings = body.get("settings").into_iter().flat_map(elements);
        let nested = settings.filter_map(|setting| property(setting.as_object()?, "settingDefinitions"));
        nested.chain(body.get("settingDefinitions")).flat_map(elements).for_each(|definition| {
            own.insert_graph(definition);
        });
        // about as many rows as it has settings, or properties where it has none
        let listed = ["settings", "settingsDelta", "definitionValues", "omaSettings"];
        let listed = listed.into_iter().filter_map(|key| body.get(key)).map(|list| elements(list).count()).max();
        let expected = listed.unwrap_or_default().max(body.object.len());
        Self {
            words,
            official,
            own,
            legacy: matches!(shape, SettingsShape::Legacy | SettingsShape::Intent),
            is_off: false,
            scopes: HashMap::new(),
            tells_plumbing: false,
            path: String::with_capacity(512),
            name: String::with_capacity(512),
            outermost: None,
            holds_nul: false,
            scratch: String::with_capacity(512),
            settings: Vec::with_capacity(expected + expected / 2),
        }
    }

    /// Walks below a definition: its official name, the export's own before the shared one, else words from its id.
    pub(super) fn in_definition(&mut self, id: &str, walk: impl FnOnce(&mut Self, &Named)) {
        let mut named = self.words.names.get(id, |id| Named::of(id, self.official.get(id)));
        if let Some(own) = self.own.get(id) {
            named.to_mut().name_officially(Some(own));
        }
        self.holds_nul |= named.holds_nul;
        let (id, name) = match &named {
            Cow::Borrowed(Named { id, name, .. }) => (Cow::Borrowed(id), Cow::Borrowed(name)),
            Cow::Owned(Named { id, name, .. }) => (Cow::Owned(id.clone()), Cow::Owned(name.clone())),
        };
        self.within_shared(id, name, |rows| walk(rows, &named));
    }

    /// What a property's name says.
    pub(super) fn property(&self, key: &str) -> Cow<'w, Property> {
        self.words.properties.get(key, Property::of)
    }

    /// Walks below a property of a legacy type.
    pub(super) fn in_property(&mut self, property: Cow<'w, Property>, walk: impl FnOnce(&mut Self)) {
        self.holds_nul |= property.holds_nul;
        let (key, words) = match property {
            Cow::Borrowed(Property { key, words, .. }) => (Cow::Borrowed(key), Cow::Borrowed(words)),
            Cow::Owned(Property { key, words, .. }) => (Cow::Owned(key), Cow::Owned(words)),
        };
        self.within_shared(key, words, walk);
    }

    /// As [`Self::below`], of texts that other policies have as well.
    fn within_shared(&mut self, segment: Cow<'w, SmolStr>, name: Cow<'w, SmolStr>, walk: impl FnOnce(&mut Self)) {
        let is_outermost = self.outermost.is_none() && self.path.is_empty() && self.name.is_empty();
        if !is_outermost || segment.len() > LONGEST_PATH || name.len() > LONGEST_NAME {
            return self.below(&segment, &name, walk);
        }
        self.outermost = Some((segment, name));
        walk(self);
        self.outermost = None;
        self.path.clear();
        self.name.clear();
    }

    /// Where path and name end here, the outermost setting's written out.
    fn ends(&mut self) -> (usize, usize) {
        if self.path.is_empty()
            && self.name.is_empty()
            && let Some((path, name)) = &self.outermost
        {
            self.path.push_str(path);
            self.name.push_str(name);
        }
        (self.path.len(), self.name.len())
    }

    /// Walks below `segment`, which a person reads as `name`.
    pub(super) fn within(&mut self, segment: &str, name: &str, walk: impl FnOnce(&mut Self)) {
        self.holds_nul |= has_nul(segment) || has_nul(name);
        self.below(segment, name, walk);
    }

    fn below(&mut self, segment: &str, name: &str, walk: impl FnOnce(&mut Self)) {
        let (path_end, name_end) = self.ends();
        self.enter(segment, name);
        let whole = self.cut_place();
        walk(self);
        if let Some(whole) = whole {
            self.path = whole;
        }
        self.path.truncate(path_end);
        self.name.truncate(name_end);
    }

    /// Bounds what stands in each row of this place: of a long path the rest is a hash. The whole path, if it was long.
    fn cut_place(&mut self) -> Option<String> {
        if self.name.len() > LONGEST_NAME {
            self.name.truncate(self.name.floor_char_boundary(LONGEST_NAME));
        }
        if self.path.len() <= LONGEST_PATH {
            return None;
        }
        let hash = blake3::hash(self.path.as_bytes()).to_hex();
        let cut = format!("{}…#{}", &self.path[..self.path.floor_char_boundary(LONGEST_PATH)], &hash[..16]);
        Some(std::mem::replace(&mut self.path, cut))
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
        let (path_end, name_end) = self.ends();
        push_number(&mut self.path, index + 1);
        if let Some(label) = label {
            self.holds_nul |= has_nul(label);
            self.name.push_str(" > ");
            self.name.push_str(label);
        } else {
            self.name.push(' ');
            push_number(&mut self.name, index + 1);
        }
        walk(self);
        self.path.truncate(path_end);
        self.name.truncate(name_end);
    }

    /// Path and name of this place.
    fn place(&self) -> (SmolStr, SmolStr) {
        match &self.outermost {
            // the walk only appends: what is as long is the same
            Some((path, name)) if self.path.len() <= path.len() && self.name.len() <= name.len() => {
                (SmolStr::clone(path), SmolStr::clone(name))
            }
            _ => (SmolStr::new(&self.path), SmolStr::new(&self.name)),
        }
    }

    /// A row for the value at this place.
    pub(super) fn leaf(&mut self, leaf: Leaf<'_>) {
        let category = leaf.category.cloned();
        self.holds_nul |= leaf.value.as_deref().is_some_and(has_nul) || category.as_deref().is_some_and(has_nul);
        let (path, name) = self.place();
        self.settings.push(Setting {
            name,
            value: leaf.value,
            path,
            definition_id: leaf.definition_id.cloned(),
            category,
            configured: leaf.configured.filter(|configured| !(*configured && self.is_off)),
            raw_value: leaf.raw.map(|raw| raw.text(&mut self.scratch)),
        });
    }

    /// A row that tells of a secret and nothing about it.
    pub(super) fn secret(&mut self, place: &Leaf<'_>) {
        self.leaf(Leaf { value: Some(SmolStr::new_static(SECRET)), raw: None, configured: Some(true), ..*place });
    }

    /// What a person reads for a text that was found to hold nothing else before.
    pub(super) fn known_words(&self, value: &str) -> Option<&'w SmolStr> {
        self.words.values.known(value).map(|said| &said.words)
    }

    /// What a person reads for a text that may be a member of an enumeration.
    pub(super) fn value_words(&self, value: &str) -> SmolStr {
        // what is long is no member, and need not be remembered
        let are_flags = || value.len() <= LONGEST_FLAGS && value.contains(',') && !value.contains(' ');
        if value.len() > LONGEST_REMEMBERED && !are_flags() {
            return humanize::value_words(value).into();
        }
        let make = |value: &SmolStr| Said::new(value, humanize::value_words(value));
        self.words.values.get(value, make).words.clone()
    }

    /// What `configured` is where a value is the one that a type has before anybody sets it.
    pub(super) fn default_configured(&self) -> Option<bool> {
        (!self.legacy).then_some(true)
    }

    /// Gives the rows from `first` on, which are of one setting of an intent, its official category, and the name of
    /// its option where `value` is one.
    pub(super) fn say_officially(&mut self, named: &Named, value: &Value, first: usize) {
        let Some(known) = &named.official else { return };
        let option = value.as_str().and_then(|value| known.option(value));
        self.holds_nul |= option.into_iter().chain(&known.category).any(|text| has_nul(text));
        for row in &mut self.settings[first..] {
            row.category.clone_from(&known.category);
            // a secret has no raw value
            if let Some(option) = option.filter(|_| row.raw_value.is_some()) {
                row.value = Some(option.clone());
            }
        }
    }

    /// What a person reads for an option of a choice: its official name, else words from its suffix.
    pub(super) fn option(&self, named: &Named, choice: &str) -> SmolStr {
        if let Some(name) = named.official.as_ref().and_then(|known| known.option(choice)) {
            return name.clone();
        }
        let id = named.id.as_str();
        let words = |technical: &str| {
            let make = |technical: &SmolStr| Said::new(technical, humanize::option_words(id, choice));
            self.words.options.get(technical, make).words.clone()
        };
        match choice.strip_prefix(id).and_then(|rest| rest.strip_prefix('_')) {
            // of most choices a short end tells all, which those of other definitions have as well
            Some(end) if !end.contains('_') => words(end),
            _ => words(&format!("{id}_/{choice}")),
        }
    }
}

/// A value, as [`Rows::leaf`] takes it.
#[derive(Default)]
pub(super) struct Leaf<'v> {
    pub(super) definition_id: Option<&'v SmolStr>,
    pub(super) value: Option<SmolStr>,
    pub(super) raw: Option<Raw<'v>>,
    pub(super) configured: Option<bool>,
    pub(super) category: Option<&'v SmolStr>,
}

impl<'v> Leaf<'v> {
    /// What rows of a definition have in common.
    pub(super) fn of(named: &'v Named) -> Self {
        let category = named.official.as_ref().and_then(|known| known.category.as_ref());
        Self { definition_id: Some(&named.id), category, ..Self::default() }
    }
}

/// What Graph sent for a row.
pub(super) enum Raw<'v> {
    Value(&'v Value),
    /// Values that stand apart, as a list.
    List(&'v [&'v Value]),
}

/// Whether JSON writes a character of `text` otherwise. All bytes are looked at, which goes many at a time.
fn has_escapes(text: &str) -> bool {
    let is_escaped = |byte: u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    text.bytes().fold(false, |found, byte| found | is_escaped(byte))
}

/// Writes `[1]`. Formatting takes longer than all else that is done for an element.
pub(super) fn push_number(text: &mut String, number: usize) {
    text.push('[');
    text.push_str(itoa::Buffer::new().format(number));
    text.push(']');
}

fn has_nul(text: &str) -> bool {
    let is_nul = |byte: u8| byte == 0;
    text.bytes().fold(false, |found, byte| found | is_nul(byte))
}

impl Raw<'_> {
    /// JSON text, written in `scratch` before its length is known.
    fn text(self, scratch: &mut String) -> SmolStr {
        scratch.clear();
        match self {
            Self::Value(Value::Bool(true)) => return SmolStr::new_static("true"),
            Self::Value(Value::Bool(false)) => return SmolStr::new_static("false"),
            Self::Value(Value::Number(number)) => return SmolStr::new(number.as_str()),
            Self::Value(value) => write_json(value, scratch),
            Self::List(values) => write_list(values.iter().copied(), scratch),
        }
        SmolStr::new(scratch)
    }
}

fn write_list<'v>(values: impl Iterator<Item = &'v Value>, out: &mut String) {
    out.push('[');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_json(value, out);
    }
    out.push(']');
}

/// Most values are texts without anything to escape, for which no serializer is needed.
fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::String(text) if !has_escapes(text) => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        Value::Array(values) => write_list(values.iter(), out),
        other => out.push_str(&other.to_string()),
    }
}
