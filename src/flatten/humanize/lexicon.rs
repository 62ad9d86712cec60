//! The words that are known: how common each is, and how the names among them are written.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use instant_segment::{Search, Segmenter};

/// English words by how common they are; where they come from is told in `data/words/README.md`.
const ENGLISH: &str = include_str!("../../../data/words/english.txt");
/// Product names and acronyms as they are written, and words of the trade that the English list lacks.
const NAMES: &str = include_str!("../../../data/words/names.txt");

/// Words that are too rare to be weighed against others, sorted, a line each.
const RARE: &str = include_str!("../../../data/words/rare.txt");

/// No word that is worth finding is longer, and the cost of a search grows with this.
const LONGEST_WORD: usize = 16;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::load);

/// The words that are known, loaded on first use.
pub(super) struct Lexicon {
    english: HashSet<&'static str>,
    rare: Vec<&'static str>,
    segmenter: Segmenter,
    /// By their letters: how they are written, and how common they are.
    names: HashMap<String, (&'static str, f64)>,
}

impl Lexicon {
    /// The one lexicon of the process.
    pub(super) fn get() -> &'static Self {
        &LEXICON
    }

    fn load() -> Self {
        let names: HashMap<String, (&str, f64)> =
            entries(NAMES).map(|(word, count)| (plain(word), (word, count))).collect();
        // A later count replaces an earlier one in the library: the commonest names come last, and
        // English after them, as a name may be common English as well.
        let mut terms: Vec<(String, f64)> = entries(NAMES).map(|(word, count)| (plain(word), count)).collect();
        terms.reverse();
        let terms = terms.iter().map(|(lower, count)| (lower.trim_end_matches(|c: char| c.is_ascii_digit()), *count));
        let english = entries(ENGLISH).map(|(word, count)| {
            let as_name = names.get(word).map_or(0.0, |&(_, count)| count);
            (word, count.max(as_name))
        });
        let known = terms.chain(english).map(|(word, count)| (word.into(), count));
        let unigrams = fragments().map(|(word, count)| (word.into(), count)).chain(known);
        let mut segmenter = Segmenter::new(unigrams, []);
        segmenter.set_limit(LONGEST_WORD);
        let english = entries(ENGLISH).map(|(word, _)| word).collect();
        Self { segmenter, names, english, rare: RARE.lines().collect() }
    }

    /// How a name is written, by its lower-case letters: `bitlocker` is `BitLocker`.
    pub(super) fn name(&self, lower: &str) -> Option<&'static str> {
        self.names.get(lower).map(|&(name, _)| name).filter(|name| *name != lower)
    }

    /// Whether `word` is a name already in its own writing, which may begin with a small letter.
    pub(super) fn is_written_so(&self, word: &str) -> bool {
        word.bytes().any(|b| b.is_ascii_uppercase()) && self.name(&plain(word)) == Some(word)
    }

    /// Whether `word` is in the list of words or of names.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.english.contains(word) || self.names.contains_key(word)
    }

    /// Whether `word` is a rare word.
    pub(super) fn is_rare(&self, word: &str) -> bool {
        self.rare.binary_search(&word).is_ok()
    }

    /// The likeliest words of lower-case ASCII letters that stand together.
    pub(super) fn split(&self, letters: &str) -> Vec<String> {
        let mut search = Search::default();
        match self.segmenter.segment(letters, &mut search) {
            Ok(words) => words.map(str::to_owned).collect(),
            Err(_) => vec![letters.to_owned()],
        }
    }
}

/// Words with their counts: each line holds a level, ten times the logarithm of how often its words
/// occur in a thousand million.
fn entries(list: &'static str) -> impl Iterator<Item = (&'static str, f64)> {
    list.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let level: f64 = fields.next().and_then(|level| level.parse().ok()).unwrap_or_default();
        let count = 10_f64.powf(level / 10.0);
        fields.map(move |word| (word, count))
    })
}

/// A name as it stands in ids: lower-case letters and digits alone.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Letters and pairs of letters as words that hardly ever occur: to the library what is not in its
/// list is the likelier the shorter it is, and a rare word would fall to pieces.
fn fragments() -> impl Iterator<Item = (String, f64)> {
    let letters = || 'a'..='z';
    let single = letters().map(String::from);
    let pairs = letters().flat_map(move |a| letters().map(move |b| String::from_iter([a, b])));
    single.chain(pairs).map(|fragment| (fragment, 0.1))
}
