//! Where in a text anything tells of a secret, found in one fast pass over all of it: what lies between need not be
//! looked at name by name.

use std::{iter, ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};

use super::script;

/// Bytes that are searched at a time.
const CHUNK: usize = 4_096;
/// As much of a chunk as a clue that it cuts in two may take.
const LONGEST: usize = 32;

/// The words in small letters: a search that minds the case compares many bytes at once.
static WORDS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(script::clues()).ok());

/// The places of a text's clues, in order.
pub(super) struct Clues(Vec<Range<usize>>);

impl Clues {
    pub(super) fn of(text: &str) -> Self {
        let Some(words) = WORDS.as_ref() else { return Self(iter::once(0..text.len()).collect()) };
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut buffer = [0; CHUNK];
        let mut start = 0;
        while start < text.len() {
            let chunk = &text.as_bytes()[start..text.len().min(start + CHUNK)];
            let small = &mut buffer[..chunk.len()];
            small.copy_from_slice(chunk);
            small.make_ascii_lowercase();
            for found in words.find_iter(&*small) {
                let place = start + found.start()..start + found.end();
                match places.last_mut() {
                    // seen at the end of the last chunk
                    Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                    _ => places.push(place),
                }
            }
            start += if chunk.len() < CHUNK { CHUNK } else { CHUNK - LONGEST };
        }
        Self(places)
    }

    /// Whether nothing at `place` tells of a secret.
    pub(super) fn are_none_in(&self, place: &Range<usize>) -> bool {
        let next = self.0.partition_point(|clue| clue.end <= place.start);
        self.0.get(next).is_none_or(|clue| clue.start >= place.end)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, script};

    #[test]
    fn no_clue_is_longer_than_what_two_chunks_share() {
        assert!(script::clues().iter().all(|clue| clue.len() <= LONGEST));
    }
}
