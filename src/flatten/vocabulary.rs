//! What technical texts say, made out once for all policies.

use std::{
    borrow::{Borrow, Cow},
    cell::{Cell, RefCell},
    hash::{Hash, Hasher},
};

use indexmap::{IndexSet, set::MutableValues as _};
use smol_str::SmolStr;

use super::{named::Named, property::Property};
use crate::definitions::Definitions;

/// Words are remembered of up to this many texts; a tenant has a few thousand.
const MAX_REMEMBERED: usize = 100_000;

/// What is known by the technical text that it is made of.
pub(super) trait Term: Clone {
    /// That text.
    fn technical(&self) -> &SmolStr;
}

impl Term for Named {
    fn technical(&self) -> &SmolStr {
        &self.id
    }
}

impl Term for Property {
    fn technical(&self) -> &SmolStr {
        &self.key
    }
}

/// A technical text and what a person reads for it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    technical: SmolStr,
    pub(super) words: SmolStr,
}

impl Said {
    pub(super) fn new(technical: &SmolStr, words: String) -> Self {
        Self { technical: technical.clone(), words: words.into() }
    }
}

impl Term for Said {
    fn technical(&self) -> &SmolStr {
        &self.technical
    }
}

/// Found by its technical text, which stands in it alone: a policy's terms are mostly no longer in the processor's cache,
/// and what is smaller is found sooner.
#[derive(Debug)]
struct ByText<T>(T);

impl<T: Term> Borrow<str> for ByText<T> {
    fn borrow(&self) -> &str {
        self.0.technical()
    }
}

impl<T: Term> Hash for ByText<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.technical().as_str().hash(state);
    }
}

impl<T: Term> PartialEq for ByText<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.technical() == other.0.technical()
    }
}

impl<T: Term> Eq for ByText<T> {}

/// In the order in which they were made.
type Memo<T> = IndexSet<ByText<T>, foldhash::fast::RandomState>;

/// What was made out so far.
#[derive(Debug, Default)]
pub(super) struct Words {
    names: Memo<Named>,
    properties: Memo<Property>,
    options: Memo<Said>,
    values: Memo<Said>,
}

impl Words {
    pub(super) fn vocabulary(&self) -> Vocabulary<'_> {
        Vocabulary {
            names: Lookup::of(&self.names),
            properties: Lookup::of(&self.properties),
            options: Lookup::of(&self.options),
            values: Lookup::of(&self.values),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.properties.is_empty() && self.options.is_empty() && self.values.is_empty()
    }

    pub(super) fn add(&mut self, made: Self) {
        add(&mut self.names, made.names);
        add(&mut self.properties, made.properties);
        add(&mut self.options, made.options);
        add(&mut self.values, made.values);
    }

    /// Gives definitions the names that Microsoft gives them.
    pub(super) fn name_officially(&mut self, official: &Definitions) {
        for place in 0..self.names.len() {
            let Some(ByText(named)) = self.names.get_index_mut2(place) else { break };
            named.name_officially(official.get(&named.id));
        }
    }
}

fn add<T: Term>(known: &mut Memo<T>, made: Memo<T>) {
    if known.len() + made.len() > MAX_REMEMBERED {
        known.clear();
    }
    for term in made {
        known.replace(term);
    }
}

/// The words that one policy needs: those that all policies share, and those that it is the first to need.
pub(super) struct Vocabulary<'w> {
    pub(super) names: Lookup<'w, Named>,
    pub(super) properties: Lookup<'w, Property>,
    pub(super) options: Lookup<'w, Said>,
    pub(super) values: Lookup<'w, Said>,
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
    /// The place behind that of the last term that was found.
    next: Cell<usize>,
    made: RefCell<Memo<T>>,
}

impl<'w, T: Term> Lookup<'w, T> {
    fn of(known: &'w Memo<T>) -> Self {
        Self { known, next: Cell::new(0), made: RefCell::default() }
    }

    /// What is known by `technical`, if anything is.
    pub(super) fn known(&self, technical: &str) -> Option<&'w T> {
        self.known.get(technical).map(|ByText(term)| term)
    }

    /// As [`Self::known`], of what mostly comes in the order of another policy: the one that stands there next is looked at
    /// first, which is near in memory, too.
    fn following(&self, technical: &str) -> Option<&'w T> {
        let next = self.next.get();
        let (place, ByText(term)) = match self.known.get_index(next) {
            Some(expected) if expected.0.technical() == technical => (next, expected),
            _ => self.known.get_full(technical)?,
        };
        self.next.set(place + 1);
        Some(term)
    }

    /// What is known by `technical`, made where nothing is.
    pub(super) fn get(&self, technical: &str, make: impl FnOnce(&SmolStr) -> T) -> Cow<'w, T> {
        if let Some(known) = self.following(technical) {
            return Cow::Borrowed(known);
        }
        let mut made = self.made.borrow_mut();
        if let Some(ByText(term)) = made.get(technical) {
            return Cow::Owned(term.clone());
        }
        let term = make(&technical.into());
        if made.len() < MAX_REMEMBERED {
            made.insert(ByText(term.clone()));
        }
        Cow::Owned(term)
    }
}
