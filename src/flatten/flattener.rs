//! What flattening knows beyond the policy: official names, and words made before.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use smol_str::SmolStr;

use super::{humanize, property::Property, secret};
use crate::definitions::{Definition, Definitions};

/// Words are remembered of up to this many texts; a tenant has a few thousand.
const MAX_REMEMBERED: usize = 100_000;

/// Official names, and words made before. One serves all policies of a run, on many threads.
#[derive(Debug, Default)]
pub struct Flattener {
    /// Grows while a run learns names; each policy is flattened with those of its beginning.
    definitions: RwLock<Arc<Definitions>>,
    words: RwLock<Words>,
}

impl Flattener {
    /// A flattener that prefers the names of `definitions` to words made from ids.
    pub fn new(definitions: Definitions) -> Self {
        Self { definitions: RwLock::new(Arc::new(definitions)), ..Self::default() }
    }

    /// Adds names by definition id, for the policies that are flattened from now on.
    pub fn learn(&self, definitions: Vec<(String, Definition)>) {
        let mut known = self.definitions.write().unwrap_or_else(PoisonError::into_inner);
        let known = Arc::make_mut(&mut known);
        for (id, definition) in definitions {
            known.insert(&id, definition);
        }
    }

    /// The official names of now.
    pub(super) fn definitions(&self) -> Arc<Definitions> {
        Arc::clone(&self.definitions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something with the words that are known, and remembers those that it made besides. The lock is taken once
    /// for a policy and not once for each of its words.
    pub(super) fn with_words<T>(&self, work: impl FnOnce(Vocabulary<'_>) -> (T, Words)) -> T {
        let (done, made) = work(self.words.read().unwrap_or_else(PoisonError::into_inner).vocabulary());
        if !made.is_empty() {
            self.words.write().unwrap_or_else(PoisonError::into_inner).add(made);
        }
        done
    }
}

/// What technical texts say, made out once for all policies.
#[derive(Debug, Default)]
pub(super) struct Words {
    names: Memo<Named>,
    properties: Memo<Property>,
    options: Memo<SmolStr>,
    values: Memo<SmolStr>,
}

/// What is known by the technical text that it is made of.
type Memo<T> = HashMap<SmolStr, T, foldhash::fast::RandomState>;

impl Words {
    fn vocabulary(&self) -> Vocabulary<'_> {
        Vocabulary {
            names: Lookup::of(&self.names),
            properties: Lookup::of(&self.properties),
            options: Lookup::of(&self.options),
            values: Lookup::of(&self.values),
        }
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.properties.is_empty() && self.options.is_empty() && self.values.is_empty()
    }

    fn add(&mut self, made: Self) {
        add(&mut self.names, made.names);
        add(&mut self.properties, made.properties);
        add(&mut self.options, made.options);
        add(&mut self.values, made.values);
    }
}

fn add<T>(known: &mut Memo<T>, made: Memo<T>) {
    if known.len() >= MAX_REMEMBERED {
        known.clear();
    }
    known.extend(made);
}

/// The words that one policy needs: those that all policies share, and those that it is the first to need.
pub(super) struct Vocabulary<'w> {
    pub(super) names: Lookup<'w, Named>,
    pub(super) properties: Lookup<'w, Property>,
    pub(super) options: Lookup<'w, SmolStr>,
    pub(super) values: Lookup<'w, SmolStr>,
}

impl Vocabulary<'_> {
    /// What was made besides.
    pub(super) fn made(self) -> Words {
        let Self { names, properties, options, values } = self;
        Words {
            names: names.made.into_inner(),
            properties: properties.made.into_inner(),
            options: options.made.into_inner(),
            values: values.made.into_inner(),
        }
    }
}

/// One kind of words.
pub(super) struct Lookup<'w, T> {
    known: &'w Memo<T>,
    made: RefCell<Memo<T>>,
}

impl<'w, T: Clone> Lookup<'w, T> {
    fn of(known: &'w Memo<T>) -> Self {
        Self { known, made: RefCell::default() }
    }

    /// What is known by `technical`, made where nothing is.
    pub(super) fn get(&self, technical: &str, make: impl FnOnce(&SmolStr) -> T) -> Cow<'w, T> {
        if let Some(known) = self.known.get(technical) {
            return Cow::Borrowed(known);
        }
        let made = self.made.borrow_mut().entry(technical.into()).or_insert_with_key(make).clone();
        Cow::Owned(made)
    }
}

/// A definition's id, what words say of it, and whether it names a secret.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: SmolStr,
    pub(super) words: SmolStr,
    pub(super) is_secret: bool,
    pub(super) holds_nul: bool,
}

impl Named {
    pub(super) fn of(id: &SmolStr) -> Self {
        let words = humanize::humanize(id).into();
        Self { id: id.clone(), words, is_secret: secret::is_secret_id(id), holds_nul: id.contains('\0') }
    }
}
