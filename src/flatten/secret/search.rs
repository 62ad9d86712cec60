//! A search for many short words at once, in whatever case. Long texts are searched for some 75 words, and each of
//! them in full: an automaton that goes byte by byte takes three times as long.
//!
//! A text is looked at by pairs of bytes. Wherever a word begins, two pairs one after the other hold three or four
//! known letters of it. A table tells for which groups of words a pair may be the first, and for which the second;
//! where both tell of one group, its words are compared.

use std::ops::{ControlFlow, Range};

/// Groups of words: a bit each of half an entry of the table.
const GROUPS: usize = 16;

/// So much of a pair's hash is looked at: the table stays in the processor's nearest cache.
const HASH_BITS: u32 = 12;
const PLACES: usize = 1 << HASH_BITS;

/// Pairs that are looked at between two branches.
const STRIDE: usize = 8;

/// Bytes that are searched before what was found in them is told: the words of a long text may be very many.
const PIECE: usize = 64 << 10;

/// Letters of English, the most common ones first. Other characters are taken for as common as the first of them.
const COMMON: &[u8] = b"etaoinsrhldcumfpgwybvkxjqz";

/// What is the same in both cases of a letter.
const CASELESS: u8 = 0x5f;

/// Finds words in texts.
pub(in crate::flatten) struct WordSearch {
    words: Vec<&'static str>,
    /// The longest of them, in bytes.
    longest: usize,
    /// By a pair's hash, from the lowest bit: the groups for which it may be the first pair, and those for which it may
    /// be the second.
    table: Box<[u32; PLACES]>,
    groups: [Vec<Letters>; GROUPS],
}

/// Letters of a word that stand in two pairs one after the other.
struct Letters {
    word: usize,
    /// Where the first pair begins, from one byte before the word on.
    from: usize,
    /// The bytes that are known, caseless, the first in the lowest bits; zero where none is.
    known: u32,
    /// Which bits of them are known.
    mask: u32,
}

/// A word that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::flatten) struct Found {
    /// Which of the words.
    pub(in crate::flatten) word: usize,
    /// Where it stands.
    pub(in crate::flatten) place: Range<usize>,
}

impl WordSearch {
    /// A search for words of ASCII, in small letters, each of three or more.
    pub(in crate::flatten) fn new(words: Vec<&'static str>) -> Self {
        debug_assert!(
            words
                .iter()
                .all(|word| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()))
        );
        let both = |(at, word): (usize, &&str)| [0, 1].map(|parity| Letters::of(at, word.as_bytes(), parity));
        let mut all: Vec<_> = words.iter().enumerate().flat_map(both).collect();
        // those that are alike hinder each other least
        all.sort_by_key(|letters| letters.known.to_le_bytes());
        let mut table = Box::new([0; PLACES]);
        let mut groups = [const { Vec::new() }; GROUPS];
        let together = all.len().div_ceil(GROUPS).max(1);
        for (at, letters) in all.into_iter().enumerate() {
            let group = at / together;
            for (pair, half) in [(0, 0), (2, GROUPS)] {
                for place in letters.hashes(pair) {
                    table[place] |= 1_u32 << (group + half);
                }
            }
            groups[group].push(letters);
        }
        let longest = words.iter().map(|word| word.len()).max().unwrap_or_default();
        Self { words, longest, table, groups }
    }

    /// All words in `text`, also those that overlap, by their places.
    pub(in crate::flatten) fn find_iter<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Found> + 't {
        (0..text.len()).step_by(PIECE).flat_map(move |start| {
            // a word that begins in this piece may end in the next
            let end = text.len().min(start + PIECE + self.longest);
            let mut found = Vec::new();
            let _: ControlFlow<()> = self.scan(&text.as_bytes()[start..end], &mut |Found { word, place }| {
                if place.start < PIECE {
                    found.push(Found { word, place: start + place.start..start + place.end });
                }
                ControlFlow::Continue(())
            });
            found.sort_unstable_by_key(|found| (found.place.start, found.word));
            found
        })
    }

    /// Whether any of the words is in `text`.
    pub(in crate::flatten) fn is_match(&self, text: &str) -> bool {
        self.scan(text.as_bytes(), &mut |_| ControlFlow::Break(())).is_break()
    }

    fn scan(&self, text: &[u8], found: &mut dyn FnMut(Found) -> ControlFlow<()>) -> ControlFlow<()> {
        let groups_of = |pair: [u8; 2]| self.table[hash(pair)];
        let (pairs, rest) = text.as_chunks();
        let (strides, pairs) = pairs.as_chunks::<STRIDE>();
        // for which groups the pair before may be the first
        let mut before = 0;
        let mut at = 0;
        for stride in strides {
            let mut hits = [0; STRIDE];
            for (hit, pair) in hits.iter_mut().zip(stride) {
                let groups = groups_of(*pair);
                *hit = before & (groups >> GROUPS);
                before = groups;
            }
            if hits.iter().fold(0, |any, hit| any | hit) != 0 {
                for (nth, hit) in hits.into_iter().enumerate().filter(|(_, hit)| *hit != 0) {
                    self.compare(text, at + 2 * nth, hit, found)?;
                }
            }
            at += 2 * STRIDE;
        }
        let last = rest.first().map(|byte| [*byte, 0]);
        for pair in pairs.iter().copied().chain(last) {
            let groups = groups_of(pair);
            let hit = before & (groups >> GROUPS);
            if hit != 0 {
                self.compare(text, at, hit, found)?;
            }
            before = groups;
            at += 2;
        }
        ControlFlow::Continue(())
    }

    /// Compares the words of groups whose second pair may stand at `at`.
    #[inline]
    fn compare(
        &self,
        text: &[u8],
        at: usize,
        mut groups: u32,
        found: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(from) = at.checked_sub(2) else { return ControlFlow::Continue(()) };
        let window = match text[from..].first_chunk() {
            Some(window) => u32::from_le_bytes(*window),
            // the last pair of a text may be a half
            None => text[from..].iter().rev().fold(0, |window, byte| window << 8 | u32::from(*byte)),
        };
        while groups != 0 {
            let group = groups.trailing_zeros() as usize;
            groups &= groups - 1;
            for letters in &self.groups[group] {
                if window & letters.mask != letters.known {
                    continue;
                }
                let Some(start) = (from + 1).checked_sub(letters.from) else { continue };
                let place = start..start + self.words[letters.word].len();
                let is_there = |part: &[u8]| part.eq_ignore_ascii_case(self.words[letters.word].as_bytes());
                if text.get(place.clone()).is_some_and(is_there) {
                    found(Found { word: letters.word, place })?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

impl Letters {
    /// The letters to know a word by that begins at an even place of a text, or at an odd one: as many as can be, and
    /// rare ones.
    fn of(word: usize, letters: &[u8], parity: usize) -> Self {
        let at =
            |from: usize| [0, 1, 2, 3].map(|nth| (from + nth).checked_sub(1).and_then(|at| letters.get(at)).copied());
        let worth = |from: &usize| {
            let rarity = |letter: u8| COMMON.iter().position(|common| *common == letter).unwrap_or_default();
            at(*from).into_iter().flatten().map(|letter| COMMON.len() + rarity(letter)).sum::<usize>()
        };
        let from = (1 - parity..letters.len()).step_by(2).max_by_key(worth).unwrap_or(1 - parity);
        let known = at(from);
        Self {
            word,
            from,
            known: u32::from_le_bytes(known.map(|letter| letter.unwrap_or_default() & CASELESS)),
            mask: u32::from_le_bytes(known.map(|letter| letter.map_or(0, |_| CASELESS))),
        }
    }

    /// The hashes of all pairs that may be its first one (`pair` 0), or its second (2).
    fn hashes(&self, pair: usize) -> impl Iterator<Item = usize> {
        let any_of = move |nth: usize| {
            let (known, mask) = (self.known.to_le_bytes()[pair + nth], self.mask.to_le_bytes()[pair + nth]);
            (0..=CASELESS).filter(move |byte| byte & mask == known)
        };
        any_of(0).flat_map(move |first| any_of(1).map(move |second| hash([first, second])))
    }
}

/// Where the table tells of a pair, in whatever case.
fn hash(pair: [u8; 2]) -> usize {
    /// The golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
    const FACTOR: u32 = 0x9e37_79b1;
    let caseless = u32::from(u16::from_le_bytes(pair) & u16::from_le_bytes([CASELESS, CASELESS]));
    (caseless.wrapping_mul(FACTOR) >> (u32::BITS - HASH_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Found, PIECE, WordSearch};

    const WORDS: [&str; 9] = ["pin", "pass", "pw=", "$pw", "://", "code", "passcode", "connectionstring", "net use"];

    /// By the slowest of all ways.
    fn one_by_one(text: &str) -> Vec<Found> {
        let small = text.to_ascii_lowercase();
        let found = |(word, letters): (usize, &&str)| {
            let starts = (0..small.len()).filter(|at| small.as_bytes()[*at..].starts_with(letters.as_bytes()));
            starts.map(|start| Found { word, place: start..start + letters.len() }).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = WORDS.iter().enumerate().flat_map(found).collect();
        all.sort_by_key(|found| (found.place.start, found.word));
        all
    }

    #[test]
    fn a_word_is_found_once_where_pieces_of_a_text_meet() {
        for before in PIECE - 40..PIECE + 4 {
            let text = ["é".repeat(before / 2), "-".repeat(before % 2), "connectionString".to_owned(), "pin".repeat(9)]
                .concat();
            let search = WordSearch::new(WORDS.to_vec());
            assert_eq!(search.find_iter(&text).collect::<Vec<_>>(), one_by_one(&text), "{before}");
        }
    }

    proptest! {
        #[test]
        fn every_word_is_found_wherever_it_stands(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
                    prop::sample::select(&WORDS[..]).prop_map(str::to_ascii_uppercase),
                    "[a-zP=$:/ é]{0,3}",
                ],
                0..24,
            ),
        ) {
            let text = parts.concat();
            let search = WordSearch::new(WORDS.to_vec());
            prop_assert_eq!(search.is_match(&text), !one_by_one(&text).is_empty());
            prop_assert_eq!(search.find_iter(&text).collect::<Vec<_>>(), one_by_one(&text));
        }
    }
}
