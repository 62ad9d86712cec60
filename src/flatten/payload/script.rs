//! Secrets in scripts and in whatever no parser reads: values that are assigned to the names of secrets, and what
//! commands, headers, addresses and tokens are known to hold. This is a search, not a parser: what a script computes,
//! or calls by a name of its own, it does not find.

mod assigned;
mod patterns;
#[cfg(test)]
mod tests;

use std::{ops::Range, sync::LazyLock};

use memchr::memchr_iter;

use super::SECRET;
use crate::flatten::secret::{self, Found, WordSearch, is_number, is_secret_name, may_be_secret, starts_with};

/// Longer names are cut before and after what tells of a secret.
pub(super) const LONGEST_NAME: usize = 96;

/// As much of a line is looked at before a name or a value.
const LONGEST_LINE: usize = 2 * LONGEST_NAME;

/// What is looked for in every text, and what each word asks for.
struct Words {
    search: WordSearch,
    asks: Vec<Asks>,
}

struct Asks {
    /// Whether the name around it is that of a secret.
    name: bool,
    patterns: patterns::Set,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = secret::STEMS.to_vec();
    words.extend(patterns::words().filter(|word| !secret::STEMS.contains(word)));
    let asks = |word: &&str| Asks { name: secret::STEMS.contains(word), patterns: patterns::asked_by(word) };
    let asks = words.iter().map(asks).collect();
    Words { search: WordSearch::new(words), asks }
});

/// A place that tells of a secret.
pub(super) enum Clue {
    /// A part of a name.
    Name,
    /// What begins the host of an address, before which a password may stand.
    Address,
    /// Anything else, alone or beside a name.
    Other,
}

/// What tells of secrets in `text`, by places: a text without any of it holds none, but of the few names that have no
/// stem.
pub(super) fn clues(text: &str) -> impl Iterator<Item = (Clue, Range<usize>)> {
    WORDS.search.find_iter(text).map(|Found { word, place }| {
        let clue = match WORDS.asks[word].name {
            true => Clue::Name,
            false if &text[place.clone()] == "://" => Clue::Address,
            false => Clue::Other,
        };
        (clue, place)
    })
}

/// The text with its secrets replaced; `None` where there are none.
pub(super) fn without_secrets(text: &str) -> Option<String> {
    if !may_assign(text) {
        return None;
    }
    let mut places: Vec<Range<usize>> = Vec::new();
    let (mut done, mut named, mut asked) = (0, false, patterns::Set::default());
    for Found { word, place } in WORDS.search.find_iter(text) {
        let asks = &WORDS.asks[word];
        asked |= asks.patterns;
        if asks.name && place.end > done {
            let name = around(text, place);
            done = name.end;
            if is_secret_name(&text[name.clone()]) {
                named = true;
                let value = assigned::value(text, &name);
                done = value.passed.max(done);
                places.extend(value.secret);
            }
        }
    }
    places.extend(patterns::found(text, asked));
    if named {
        places.extend(assigned::pairs(text));
    }
    (!places.is_empty()).then(|| replaced(text, places))
}

/// Whether anything is assigned, given or begun in `text`; most texts are words.
fn may_assign(text: &str) -> bool {
    let mut before = b'\n';
    text.bytes().any(|byte| {
        let mark = matches!(byte, b'=' | b':' | b'<' | b'\n' | b'"' | b'\'' | b'|')
            || (matches!(byte, b'-' | b'/') && matches!(before, b' ' | b'-' | b'('));
        before = byte;
        mark
    }) || text.starts_with('-')
        || text.contains("SecureString")
        || is_told_by_words(text)
}

/// Whether a text that is otherwise made like words begins as a token does that is nothing but one, or calls a program.
pub(super) fn is_told_by_words(text: &str) -> bool {
    let calls_program = || memchr_iter(b'.', text.as_bytes()).any(|at| starts_with(&text[at..], ".exe "));
    text.starts_with("eyJ") || text.starts_with("Bearer ") || calls_program()
}

/// The whole name that `part` of it stands in.
pub(super) fn around(text: &str, mut part: Range<usize>) -> Range<usize> {
    let belongs = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let length = |name: &mut dyn Iterator<Item = char>| {
        name.take(LONGEST_NAME).take_while(belongs).map(char::len_utf8).sum::<usize>()
    };
    // `$pw`, `-pw` and `pw=` hold more than a name
    part.start += usize::from(!text.as_bytes()[part.start].is_ascii_alphanumeric());
    part.end -= usize::from(!text.as_bytes()[part.end - 1].is_ascii_alphanumeric());
    let start = part.start - length(&mut text[..part.start].chars().rev());
    let end = part.end + length(&mut text[part.end..].chars());
    // `--password-` is named `password`
    let trim = |byte: &u8| matches!(byte, b'-' | b'.');
    let marks = text.as_bytes()[start..part.start].iter().take_while(|byte| trim(byte)).count();
    let rest = text.as_bytes()[part.end..end].iter().rev().take_while(|byte| trim(byte)).count();
    start + marks..end - rest
}

/// What stands before `at` on its line.
fn line_before(text: &str, at: usize) -> &str {
    let from = text.floor_char_boundary(at.saturating_sub(LONGEST_LINE));
    text[from..at].rsplit('\n').next().unwrap_or_default()
}

/// Whether `value` stands for another: a variable or several, what a command gives, or a command's name.
fn is_reference(value: &str, expands: bool) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '{' | '}' | '$' | '-' | '[' | ']');
    let is_variables = || value.starts_with('$') && !value.contains("$$") && value.chars().all(is_part);
    let is_command = || {
        (value.starts_with("$(") && value.ends_with(')'))
            || (value.len() > 1 && value.starts_with('`') && value.ends_with('`'))
    };
    expands && (is_variables() || is_command() || (value.starts_with('%') && value.ends_with('%')))
}

fn replaced(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        if place.start >= at {
            kept.push_str(&text[at..place.start]);
            kept.push_str(SECRET);
        }
        at = at.max(place.end);
    }
    kept.push_str(&text[at..]);
    kept
}
