//! Where in a text anything tells of a secret, found in one fast pass over all of it: what lies between need not be
//! looked at name by name.

use std::ops::Range;

use memchr::memchr;

use super::script::{self, Clue};
use crate::flatten::secret::is_secret_name;

/// What is longer is looked at in another way.
const LONGEST_TEXT: usize = 512;

/// The places of a text's clues, in order.
pub(super) struct Clues {
    places: Vec<Range<usize>>,
    /// Whether one tells of another thing than a name.
    are_of_more: bool,
}

impl Clues {
    pub(super) fn of(text: &str) -> Self {
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut are_of_more = false;
        // without a name before the host there is no password in an address
        let names_user = memchr(b'@', text.as_bytes()).is_some();
        for (clue, place) in script::clues(text) {
            are_of_more |= match clue {
                Clue::Name => false,
                Clue::Address => names_user,
                Clue::Other => true,
            };
            match places.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => places.push(place),
            }
        }
        Self { places, are_of_more }
    }

    /// Whether no clue of `text` means anything: each is a part of a name that is none of a secret.
    pub(super) fn mean_nothing_in(&self, text: &str) -> bool {
        let is_innocent = |clue: &Range<usize>| {
            let name = script::around(text, clue.clone());
            // an attribute without quotes is not parted from the others
            let is_one = |text: &str| !text.contains('&') && !text.trim_end_matches('=').contains('=');
            let is_none = |text: &str| is_one(text) && !is_secret_name(text);
            !is_secret_name(&text[name]) && between_marks(text, clue).is_some_and(is_none)
        };
        !self.are_of_more && self.places.iter().all(is_innocent)
    }

    /// Whether nothing at `place` tells of a secret.
    pub(super) fn are_none_in(&self, place: &Range<usize>) -> bool {
        let next = self.places.partition_point(|clue| clue.end <= place.start);
        self.places.get(next).is_none_or(|clue| clue.start >= place.end)
    }
}

/// What stands around `clue` up to the quotes and tags on both sides, the value of an attribute or a text; `None` where
/// they are far.
fn between_marks<'t>(text: &'t str, clue: &Range<usize>) -> Option<&'t str> {
    let is_mark = |byte: &u8| matches!(byte, b'<' | b'>' | b'"' | b'\'');
    let bytes = text.as_bytes();
    let start = bytes[..clue.start].iter().rev().take(script::LONGEST_NAME).take_while(|byte| !is_mark(byte)).count();
    let end = clue.end + bytes[clue.end..].iter().take(LONGEST_TEXT).position(is_mark)?;
    Some(text[text.ceil_char_boundary(clue.start - start)..end].trim_end())
}
