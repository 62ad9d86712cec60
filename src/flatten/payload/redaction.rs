//! The secrets rule inside texts: which reader finds the secrets of a text, and the text without them.

use std::{borrow::Cow, ops::Range};

use super::{SECRET, binary, binary::Content, characters::Characters, encoded, json, script, xml};
use crate::flatten::secret::{is_secret_name, may_be_secret};

/// Texts inside texts are read this deep; real ones go three deep.
const MOST_NESTED: usize = 8;

/// What is larger is searched as a script is, without taking it apart.
const LARGEST_PARSED: usize = 4 << 20;

/// A secret that is shorter may stand elsewhere by chance.
const SHORTEST_REPEATED: usize = 6;

/// This many secrets are looked for once more where their names do not stand.
const MOST_REPEATED: usize = 64;

/// What parts names and values in a list of an administrative template (Microsoft's "Understanding ADMX policies").
pub(super) const SEPARATOR: char = '\u{f000}';

/// Whether `text` looks like XML or JSON.
pub(super) fn is_structured(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.len() > 2 && text.starts_with(['<', '{', '['])
}

/// The text with its secrets replaced, `nested` texts deep; `None` where there are none.
pub(super) fn without_secrets(text: &str, nested: usize) -> Option<String> {
    match taken_apart(text, nested) {
        Taken::Apart(kept) => kept,
        Taken::Whole => script::without_secrets(text),
    }
}

/// Whether base64 that a script decodes is that of a text with a secret.
pub(super) fn encodes_secret(encoded: &str) -> bool {
    let content = encoded::bytes(encoded).and_then(|bytes| binary::content(&bytes, MOST_NESTED));
    match content {
        Some(Content::Readable(text) | Content::Plain(text)) => without_secrets(&text, MOST_NESTED).is_some(),
        Some(Content::Key) => true,
        None => false,
    }
}

/// What the readers of structured and encoded texts make of a text.
enum Taken {
    /// One has read it: the text with its secrets replaced, where there are any.
    Apart(Option<String>),
    /// None can: it is a script, or a sentence.
    Whole,
}

fn taken_apart(text: &str, nested: usize) -> Taken {
    if nested > MOST_NESTED || text.len() > LARGEST_PARSED {
        return Taken::Whole;
    }
    if is_structured(text) {
        let mut found = Redaction::new(text, nested);
        let start = text.trim_start_matches('\u{feff}').trim_start();
        if start.starts_with('<') {
            xml::read(&mut found);
        } else if !json::read(&mut found) {
            return Taken::Whole;
        }
        return Taken::Apart(found.finished());
    }
    if text.contains(SEPARATOR) {
        return Taken::Apart(list(text, nested));
    }
    let characters = Characters::of(text);
    let promising = encoded::is_promising(text, characters);
    let content = || encoded::bytes(text).and_then(|bytes| binary::content(&bytes, nested));
    match promising.then(content).flatten() {
        Some(Content::Readable(text) | Content::Plain(text)) => Taken::Apart(without_secrets(&text, nested + 1)),
        Some(Content::Key) => Taken::Apart(Some(SECRET.to_owned())),
        None if promising || characters.may_structure() || script::is_told_by_words(text) => Taken::Whole,
        // words alone
        None => Taken::Apart(None),
    }
}

/// A list of names and values by turns, or of values alone.
fn list(text: &str, nested: usize) -> Option<String> {
    let mut found = Redaction::new(text, nested);
    let parts: Vec<&str> = text.split(SEPARATOR).collect();
    let is_of_pairs = parts.len().is_multiple_of(2);
    for (at, part) in parts.iter().enumerate() {
        let place = found.place(part);
        let name = (is_of_pairs && at % 2 == 1).then(|| parts[at - 1]).filter(|name| is_secret_name(name));
        match name {
            Some(name) if may_be_secret(name, part) => found.secret(place, part, SECRET),
            _ => found.inner(place, part, str::to_owned),
        }
    }
    found.finished()
}

/// A text, and what of it is to be replaced.
pub(super) struct Redaction<'t> {
    pub(super) text: &'t str,
    nested: usize,
    edits: Vec<(Range<usize>, String)>,
    secrets: Vec<String>,
}

impl<'t> Redaction<'t> {
    pub(super) fn new(text: &'t str, nested: usize) -> Self {
        Self { text, nested, edits: Vec::new(), secrets: Vec::new() }
    }

    /// Where `part`, which is borrowed from the text, stands in it.
    pub(super) fn place(&self, part: &str) -> Range<usize> {
        let start = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        start..(start + part.len()).min(self.text.len())
    }

    /// `part` as what it is borrowed from, where it is.
    pub(super) fn own(&self, part: &str) -> Cow<'t, str> {
        match self.text.get(self.place(part)) {
            Some(own) if std::ptr::eq(own, part) => Cow::Borrowed(own),
            _ => Cow::Owned(part.to_owned()),
        }
    }

    /// Whether `text` is base64 of something that can be read.
    pub(super) fn is_payload(&self, text: &str) -> bool {
        encoded::is_promising(text, Characters::of(text))
            && encoded::bytes(text).and_then(|bytes| binary::content(&bytes, self.nested)).is_some()
    }

    /// Replaces the secret `value` at `place` by `instead`.
    pub(super) fn secret(&mut self, place: Range<usize>, value: &str, instead: &str) {
        self.edits.push((place, instead.to_owned()));
        self.secrets.push(value.trim().to_owned());
    }

    /// Whether anything is to be replaced.
    pub(super) fn is_found(&self) -> bool {
        !self.edits.is_empty()
    }

    /// Looks for secrets in `text`, which stands at `place` and is written there by `write`.
    pub(super) fn inner(&mut self, place: Range<usize>, text: &str, write: impl FnOnce(&str) -> String) {
        if let Some(kept) = without_secrets(text, self.nested + 1) {
            self.edits.push((place, write(&kept)));
        }
    }

    /// The same of a text in which nothing tells of a secret, unless it is a payload.
    pub(super) fn inner_payload(&mut self, place: Range<usize>, text: &str, write: impl FnOnce(&str) -> String) {
        if let Taken::Apart(Some(kept)) = taken_apart(text, self.nested + 1) {
            self.edits.push((place, write(&kept)));
        }
    }

    /// The text with everything replaced; a secret is nowhere left, not even where no name tells of it.
    fn finished(mut self) -> Option<String> {
        if self.edits.is_empty() {
            return None;
        }
        self.edits.sort_by_key(|(place, _)| place.start);
        let mut kept = String::with_capacity(self.text.len());
        let mut at = 0;
        for (place, instead) in &self.edits {
            // an edit inside another one is done with it
            if place.start >= at {
                kept.push_str(self.text.get(at..place.start).unwrap_or_default());
                kept.push_str(instead);
                at = place.end;
            }
        }
        kept.push_str(self.text.get(at..).unwrap_or_default());
        self.secrets.sort_unstable();
        self.secrets.dedup();
        // the longest first, as one may hold another
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let long = self.secrets.iter().filter(|secret| secret.len() >= SHORTEST_REPEATED && !SECRET.contains(*secret));
        for secret in long.take(MOST_REPEATED) {
            if kept.contains(secret) {
                kept = kept.replace(secret, SECRET);
            }
        }
        Some(kept)
    }
}
