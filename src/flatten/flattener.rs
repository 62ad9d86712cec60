//! What flattening knows beyond the policy: official names, and words made before.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use smol_str::SmolStr;

use super::{humanize, property::Property, secret};
use crate::definitions::{Definition, Definitions, Official};

/// Words are remembered of up to this many texts; a tenant has a few thousand.
const MAX_REMEMBERED: usize = 100_000;

/// Official names, and words made before. One serves all policies of a run, on many threads.
#[derive(Debug, Default)]
pub struct Flattener(RwLock<Known>);

/// Grows while a run learns names; each policy is flattened with what was known at its beginning.
#[derive(Debug, Default)]
struct Known {
    definitions: Definitions,
    words: Words,
}

impl Flattener {
    /// A flattener that prefers the names of `definitions` to words made from ids.
    pub fn new(definitions: Definitions) -> Self {
        Self(RwLock::new(Known { definitions, words: Words::default() }))
    }

    /// Adds names by definition id, for the policies that are flattened from now on.
    pub fn learn(&self, definitions: Vec<(String, Definition)>) {
        if definitions.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Known { definitions: official, words } = &mut *known;
        for (id, definition) in definitions {
            official.insert(&id, definition);
        }
        name_officially(&mut words.names, official);
    }

    /// Does something with what is known, and remembers the words that it made besides. The lock is taken once for a
    /// policy, and once more where it made words, not for each of them. `work` must not learn: it would wait for itself.
    pub(super) fn with_known<T>(&self, work: impl FnOnce(Vocabulary<'_>, &Definitions) -> (T, Words)) -> T {
        let (done, mut made) = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            work(known.words.vocabulary(), &known.definitions)
        };
        if !made.is_empty() {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            // names may have been learned in between
            name_officially(&mut made.names, &known.definitions);
            known.words.add(made);
        }
        done
    }
}

fn name_officially(names: &mut Memo<Named>, official: &Definitions) {
    for (id, named) in names {
        named.name_officially(official.get(id));
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
    if known.len() + made.len() > MAX_REMEMBERED {
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

    /// What is known by `technical`, if anything is.
    pub(super) fn known(&self, technical: &str) -> Option<&'w T> {
        self.known.get(technical)
    }

    /// What is known by `technical`, made where nothing is.
    pub(super) fn get(&self, technical: &str, make: impl FnOnce(&SmolStr) -> T) -> Cow<'w, T> {
        if let Some(known) = self.known(technical) {
            return Cow::Borrowed(known);
        }
        let mut made = self.made.borrow_mut();
        if made.len() >= MAX_REMEMBERED {
            return Cow::Owned(make(&technical.into()));
        }
        Cow::Owned(made.entry(technical.into()).or_insert_with_key(make).clone())
    }
}

/// A definition: what its id says, and what Microsoft calls it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: SmolStr,
    /// Its official name, else words from its id.
    pub(super) name: SmolStr,
    pub(super) official: Option<Arc<Official>>,
    pub(super) is_secret: bool,
    pub(super) holds_nul: bool,
    words: SmolStr,
}

impl Named {
    pub(super) fn of(id: &SmolStr, official: Option<&Arc<Official>>) -> Self {
        let words: SmolStr = humanize::humanize(id).into();
        let (name, is_secret) = (words.clone(), secret::is_secret_id(id));
        let mut named = Self { id: id.clone(), name, official: None, is_secret, holds_nul: false, words };
        named.name_officially(official);
        named
    }

    /// Takes the name that Microsoft gives it, if any.
    pub(super) fn name_officially(&mut self, official: Option<&Arc<Official>>) {
        self.official = official.cloned();
        let name = official.and_then(|official| official.display_name.as_ref());
        self.name = name.unwrap_or(&self.words).clone();
        self.holds_nul = self.id.contains('\0') || self.name.contains('\0');
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Flattener, Named};

    const ID: &str = "device_vendor_msft_policy_config_wifi_allowroaming";

    fn learn(flattener: &Flattener, name: &str) {
        let definition = Definition { display_name: Some(name.to_owned()), ..Definition::default() };
        flattener.learn(vec![(ID.to_uppercase(), definition)]);
    }

    fn name(flattener: &Flattener) -> String {
        flattener.with_known(|words, official| {
            let name = words.names.get(ID, |id| Named::of(id, official.get(id))).name.to_string();
            (name, words.made())
        })
    }

    #[test]
    fn a_name_that_is_learned_replaces_the_words_of_before() {
        let flattener = Flattener::default();
        assert_eq!(name(&flattener), "Allow Roaming");
        learn(&flattener, "Roaming");
        assert_eq!(name(&flattener), "Roaming");
        learn(&flattener, "Roaming between networks");
        assert_eq!(name(&flattener), "Roaming between networks");
    }

    #[test]
    fn a_name_that_is_learned_while_a_policy_makes_words_is_not_lost() {
        let flattener = Flattener::default();
        learn(&flattener, "Roaming");
        flattener.with_known(|words, _| {
            words.names.get(ID, |id| Named::of(id, None));
            ((), words.made())
        });
        assert_eq!(name(&flattener), "Roaming");
    }
}
