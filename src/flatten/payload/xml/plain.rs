//! The short way through XML: texts in which a reader would find no secret are told without one.

use std::ops::Range;

use memchr::{memchr_iter, memchr2};
use quick_xml::escape::unescape;

use super::{Clues, Redaction};
use crate::flatten::payload::{
    encoded::{self, FEWEST_LETTERS},
    redaction::SEPARATOR,
};

/// Bytes that are judged at a time, each a bit of a word.
const BLOCK: usize = 64;

/// Whether there is nothing to find for a reader, which most of these texts are spared so: nothing in it is part of a
/// secret's name, however it is parted into elements, attributes and texts, nothing but line breaks is written by
/// reference, no tag stands in another, there is no list of an administrative template, and nothing is a payload.
pub(super) fn is_plain(text: &str, clues: &Clues, found: &Redaction<'_>) -> bool {
    memchr2(b'[', b'{', text.as_bytes()).is_none()
        && memchr_iter(b'&', text.as_bytes()).all(|at| breaks_line(&text[at..]))
        && !text.contains(SEPARATOR)
        && clues.mean_nothing_in(text)
        && !nests_tags(text)
        && !holds_payload(text, found)
}

/// Whether a tag begins before the one in front of it has ended, or the last one never ends.
fn nests_tags(text: &str) -> bool {
    // `<` and `>` are one bit apart
    let is_end = |byte: u8| byte | 2 == b'>';
    let mut is_open = false;
    let bytes = text.as_bytes();
    for (start, ends) in (0..).step_by(BLOCK).zip(blocks(bytes, is_end)) {
        for at in bits(ends) {
            let opens = bytes[start + at] == b'<';
            if is_open && opens {
                return true;
            }
            is_open = opens;
        }
    }
    is_open
}

/// Whether an attribute or a text is, or a value without quotes, base64 of something that can be read. Only what begins
/// with so many letters may be.
fn holds_payload(text: &str, found: &Redaction<'_>) -> bool {
    let bytes = text.as_bytes();
    let mut letters = blocks(bytes, encoded::is_letter).peekable();
    let (mut start, mut before) = (0, 0);
    while let Some(block) = letters.next() {
        let both = u128::from(letters.peek().copied().unwrap_or_default()) << BLOCK | u128::from(block);
        let begins = block & !(block << 1 | before) & runs(both, FEWEST_LETTERS);
        for at in bits(begins) {
            // most are parts of longer words and of sentences, or the name of an element
            if bytes[..start + at].last().is_some_and(|byte| *byte == b'<' || !is_around(*byte)) {
                continue;
            }
            let known = start + at..start + at + (both >> at).trailing_ones() as usize;
            let more = bytes[known.end..].iter().take_while(|byte| encoded::is_letter(**byte)).count();
            let run = known.start..known.end + more;
            let is_broken = bytes.get(run.end).is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'&');
            if encoded::may_begin(&bytes[run.clone()], is_broken) && begins_payload(text, run, found) {
                return true;
            }
        }
        start += BLOCK;
        before = block >> (BLOCK - 1);
    }
    false
}

fn is_mark(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'"' | b'\'')
}

/// Whether a byte may stand right before or behind a payload.
fn is_around(byte: u8) -> bool {
    is_mark(byte) || is_outer(char::from(byte)) || matches!(byte, b'=' | b'&' | b';') || !byte.is_ascii()
}

/// Whether a payload is told without what stands around it.
fn is_outer(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '!' | '?')
}

/// Whether what begins with `letters`, or stands behind a `=`, is a payload.
fn begins_payload(text: &str, letters: Range<usize>, found: &Redaction<'_>) -> bool {
    let (before, after) = (&text[..letters.start], &text[letters.end..]);
    if after.bytes().next().is_some_and(|byte| !is_around(byte)) {
        return false;
    }
    let mut before = before.trim_end_matches(is_outer);
    // line breaks written by reference, `&#xA;`
    while before.ends_with(';') {
        let name =
            before.bytes().rev().skip(1).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
        let Some(at) = before.len().checked_sub(name + 2).filter(|at| before.as_bytes()[*at] == b'&') else { break };
        before = before[..at].trim_end_matches(is_outer);
    }
    if before.ends_with('=') {
        let padding = after.bytes().take_while(|byte| *byte == b'=').count();
        let value = &text[letters.start..letters.end + padding];
        // the end of `<a b=…/>` is a letter of base64, too
        let closed = value.strip_suffix('/').filter(|_| after.starts_with('>'));
        return found.is_payload(value) || closed.is_some_and(|value| found.is_payload(value));
    }
    if before.bytes().next_back().is_some_and(|byte| !is_mark(byte)) {
        return false;
    }
    let end = after.bytes().position(is_mark).unwrap_or(after.len());
    let whole = text[letters.start..letters.end + end].trim_end_matches(is_outer);
    unescape(whole).map_or(true, |whole| found.is_payload(whole.trim()))
}

/// Whether references to characters may make words of `text`; those to line breaks, which are common, do not.
pub(super) fn spells(text: &str) -> bool {
    let mut references = memchr_iter(b'&', text.as_bytes()).map(|at| &text[at..]);
    references.any(|reference| reference.starts_with("&#") && !breaks_line(reference))
}

/// Whether a reference is to a character that is part of no word.
fn breaks_line(reference: &str) -> bool {
    let Some(number) = reference.strip_prefix("&#").and_then(|reference| reference.split([';', '&']).next()) else {
        return false;
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    code.is_ok_and(|code| code <= u32::from(b' ') || (code > 0x7f && code != u32::from(SEPARATOR)))
}

/// Which bytes are of a class, block by block: the lowest bit tells of the first. No byte makes a branch, so that many
/// are judged at once.
fn blocks(bytes: &[u8], is: impl Fn(u8) -> bool) -> impl Iterator<Item = u64> {
    /// Gathers the lowest bits of eight bytes in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    bytes.chunks(BLOCK).map(move |block| {
        let mut marks = [0; BLOCK];
        for (mark, byte) in marks.iter_mut().zip(block) {
            *mark = u8::from(is(*byte));
        }
        let (eights, _) = marks.as_chunks();
        let gathered = eights.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> (BLOCK - 8));
        gathered.rev().fold(0, |bits, eight| bits << 8 | eight)
    })
}

/// The places in the first of two blocks at which so many bits in a row are set.
fn runs(mut blocks: u128, length: usize) -> u64 {
    let mut known = 1;
    while known < length {
        let more = known.min(length - known);
        blocks &= blocks >> more;
        known += more;
    }
    u64::try_from(blocks & u128::from(u64::MAX)).unwrap_or_default()
}

/// The places of the bits that are set.
fn bits(mut block: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = block.trailing_zeros() as usize;
        block &= block.wrapping_sub(1);
        (at < BLOCK).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{bits, blocks, runs};

    proptest! {
        #[test]
        fn bits_tell_where_bytes_of_a_class_stand(bytes: Vec<u8>) {
            let is = |byte: u8| byte > 90;
            let told = (0..).step_by(64).zip(blocks(&bytes, is)).flat_map(|(start, block)| bits(block).map(move |at| start + at));
            let stand: Vec<usize> = (0..bytes.len()).filter(|at| is(bytes[*at])).collect();
            prop_assert_eq!(told.collect::<Vec<_>>(), stand);
        }

        #[test]
        fn a_run_is_as_long_as_it_is_asked_for(blocks: u128, length in 1_usize..64) {
            let begins = |at: &usize| (*at..at + length).all(|at| blocks >> at & 1 == 1);
            prop_assert_eq!(bits(runs(blocks, length)).collect::<Vec<_>>(), (0..64).filter(begins).collect::<Vec<_>>());
        }
    }
}
