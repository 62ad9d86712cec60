//! The words that are known: how common each is, and how the names among them are written.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use instant_segment::{Search, Segmenter};

/// Words of device management by how common they are in its texts; where they come from is told in `data/words/README.md`.
const ENGLISH: &str = include_str!("../../../data/words/english.txt");
/// Product names and acronyms as they are written (`_` is a space), and words of the trade that the other lists lack.
const NAMES: &str = include_str!("../../../data/words/names.txt");

/// Words that are too rare to be weighed against each other, a line each.
const RARE: &str = include_str!("../../../data/words/rare.txt");

/// Words after which others are commoner than elsewhere: `new` before `tab`.
const PAIRS: &str = include_str!("../../../data/words/pairs.txt");

/// How often a rare word is taken to occur in a thousand million.
const RARE_COUNT: f64 = 30.0;

/// Counts are raised by this, since the library judges what is in no list by the sum of all counts and by its
/// length: without it three letters that are no word would be likelier than a rare word.
const RAISED: f64 = 1e4;

/// No word that is worth finding is longer, and the cost of a search grows with this.
const LONGEST_WORD: usize = 20;

/// In the same order in every process: what is summed up in another order is not quite the same, and two ways to split
/// an id may be as likely as each other.
type Counts<'w> = HashMap<&'w str, f64, foldhash::fast::FixedState>;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::load);

/// The words that are known, loaded on first use.
pub(super) struct Lexicon {
    english: HashSet<&'static str>,
    /// In the order of their bytes.
    rare: Vec<&'static str>,
    segmenter: Segmenter,
    /// By their letters: how they are written, and how common they are.
    names: HashMap<String, (String, f64)>,
}

impl Lexicon {
    /// The one lexicon of the process.
    pub(super) fn get() -> &'static Self {
        &LEXICON
    }

    fn load() -> Self {
        let names: HashMap<String, (String, f64)> =
            entries(NAMES).map(|(word, count)| (plain(word), (word.replace('_', " "), count))).collect();
        // A later count replaces an earlier one in the library: the commonest names come last, and
        // English after them, as a name may be common English as well.
        let mut terms: Vec<(String, f64)> = entries(NAMES).map(|(word, count)| (plain(word), count)).collect();
        terms.reverse();
        let terms = terms.iter().map(|(lower, count)| (lower.trim_end_matches(|c: char| c.is_ascii_digit()), *count));
        let english = entries(ENGLISH).map(|(word, count)| {
            let as_name = names.get(word).map_or(0.0, |(_, count)| *count);
            (word, count.max(as_name))
        });
        let rare = RARE.lines().map(|word| (word, RARE_COUNT));
        let fragments: Vec<(String, f64)> = fragments().collect();
        let fragments = fragments.iter().map(|(fragment, count)| (fragment.as_str(), *count));
        let counts: Counts<'_> = fragments.chain(rare).chain(terms).chain(english).collect();
        let pairs = pairs(&counts).into_iter().map(|(first, second, share)| ((first.into(), second.into()), share));
        let mut segmenter = Segmenter::new(counts.iter().map(|(&word, count)| (word.into(), RAISED * count)), pairs);
        segmenter.set_limit(LONGEST_WORD);
        let english = entries(ENGLISH).map(|(word, _)| word).collect();
        Self { english, rare: RARE.lines().collect(), segmenter, names }
    }

    /// How a name is written, by its lower-case letters: `bitlocker` is `BitLocker`.
    pub(super) fn name(&self, lower: &str) -> Option<&str> {
        self.names.get(lower).map(|(name, _)| name.as_str()).filter(|name| *name != lower)
    }

    /// Whether `word` is a name already in its own writing, which may begin with a small letter.
    pub(super) fn is_written_so(&self, word: &str) -> bool {
        word.bytes().any(|b| b.is_ascii_uppercase()) && self.name(&plain(word)) == Some(word)
    }

    /// Whether a list has `word`, which is in small letters.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.english.contains(word) || self.names.contains_key(word) || self.rare.binary_search(&word).is_ok()
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

/// Pairs of words with their counts, of which the library makes how likely the second is after the first. Each
/// line holds a first word and, for each second one, a level: minus ten times the logarithm of that likelihood.
fn pairs(counts: &Counts<'_>) -> Vec<(&'static str, &'static str, f64)> {
    let total: f64 = counts.values().sum();
    let mut pairs = Vec::new();
    for line in PAIRS.lines() {
        let mut fields = line.split_ascii_whitespace();
        let first = fields.next().unwrap_or_default();
        let Some(share) = counts.get(first).map(|count| count / total) else { continue };
        while let (Some(level), Some(second)) = (fields.next(), fields.next()) {
            let level: f64 = level.parse().unwrap_or(f64::INFINITY);
            pairs.push((first, second, share * 10_f64.powf(-level / 10.0)));
        }
    }
    // the library takes what it is given for all pairs that there are: the others are one, which no text has
    let listed: f64 = pairs.iter().map(|(_, _, share)| share).sum();
    pairs.push(("", "the", 1.0 - listed));
    pairs
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

#[cfg(test)]
mod tests {
    use super::Lexicon;

    #[test]
    fn every_process_weighs_words_alike() {
        let [one, other] = [Lexicon::load(), Lexicon::load()].map(|lexicon| lexicon.segmenter);
        for words in [["schedule", "scan", "day"], ["allow", "cloud", "protection"]] {
            let weigh = |segmenter: &super::Segmenter| segmenter.score_sentence(words.into_iter()).map(f64::to_bits);
            assert_eq!(weigh(&one), weigh(&other));
        }
    }
}
