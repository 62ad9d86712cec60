//! What flattening knows beyond the policy: official names, and words made before.

use std::sync::{PoisonError, RwLock};

use super::vocabulary::{Vocabulary, Words};
use crate::definitions::{Definition, Definitions};

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
        words.name_officially(official);
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
            made.name_officially(&known.definitions);
            known.words.add(made);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::{super::named::Named, Definition, Flattener};

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
