//! Base64 to bytes and bytes to text, in the encodings that scripts and profiles are saved in.

use std::borrow::Cow;

use memchr::memchr;

use super::characters::Characters;

/// Shorter base64 holds no secret that is worth its name.
const SHORTEST: usize = 12;

/// A line of base64 is longer than most words that a sentence begins with.
const SHORTEST_LINE: usize = 16;

/// How many of its characters may be padding, at most.
const PADDING: usize = 2;

/// So many letters in a row the shortest base64 has.
pub(super) const FEWEST_LETTERS: usize = SHORTEST - PADDING;

/// No word is longer, mostly.
const LONG_WORD: usize = 24;

/// How many bytes must be text before a text without a mark is taken for a legacy code page.
const LEGACY_TEXT: usize = 24;

/// Whether `text`, of such characters, may be base64 of a payload. What is short must begin as base64 of `<`, `{`, `[`, of blanks
/// before them or of a byte order mark does, in case that it is a word; ids are told by their `-` and `_`, sentences by
/// the length of their first word: lines of base64 are long.
pub(super) fn is_promising(text: &str, characters: Characters) -> bool {
    let begins = || text.bytes().find(|byte| !byte.is_ascii_whitespace()).is_some_and(may_come_first);
    let is_one_line = || characters.are_packed() || first_word(text).len() >= SHORTEST_LINE.min(text.trim().len());
    (text.len() >= LONG_WORD || (text.len() >= SHORTEST && begins())) && characters.are_base64() && is_one_line()
}

/// Whether base64 begins so of `<`, `{`, `[`, of blanks before them or of a byte order mark.
fn may_come_first(byte: u8) -> bool {
    matches!(byte, b'P' | b'e' | b'W' | b'I' | b'C' | b'D' | b'7' | b'/' | b'M' | b'L' | b'Y' | b'A')
}

/// Whether base64 of a payload may begin with these letters and no others follow at once; `is_broken` tells that a line
/// break may.
pub(super) fn may_begin(letters: &[u8], is_broken: bool) -> bool {
    letters.len() + PADDING >= LONG_WORD
        || (is_broken && letters.len() >= SHORTEST_LINE)
        || (letters.len() >= FEWEST_LETTERS && may_come_first(letters[0]))
}

/// Whether `byte` is one of the letters of base64, whose end is padded by others.
pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

fn first_word(text: &str) -> &str {
    text.split_ascii_whitespace().next().unwrap_or_default()
}

/// The bytes of a base64 text, in either alphabet, with or without padding and line breaks: exporting tools write all.
pub(super) fn bytes(encoded: &str) -> Option<Vec<u8>> {
    if encoded.len() < 4 {
        return None;
    }
    // most payloads are in the usual alphabet: the decoder looks at each character anyway
    let decode = |encoded: &str| base64_simd::forgiving_decode_to_vec(encoded.as_bytes()).ok();
    let padding = |c: char| c == '=' || c.is_ascii_whitespace();
    let usual = || encoded.trim_end_matches(padding).replace('-', "+").replace('_', "/");
    let decoded = decode(encoded)
        .or_else(|| Characters::of(encoded).are_any_base64().then(usual).and_then(|encoded| decode(&encoded)));
    decoded.filter(|bytes| !bytes.is_empty())
}

/// The text in `bytes`, UTF-8, UTF-16 or a western code page; `None` where they are no text.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    // a byte order mark goes before the guess
    let marked = encoding_rs::Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let (text, broken) = match marked.or_else(|| unmarked_utf16(bytes)) {
        Some(encoding) => {
            let (text, _, broken) = encoding.decode(bytes);
            (text, broken)
        }
        None => str::from_utf8(bytes).map_or((Cow::Borrowed(""), true), |text| (text.into(), false)),
    };
    if !broken {
        return is_readable(&text).then(|| text.into_owned());
    }
    let ascii = bytes.iter().filter(|byte| byte.is_ascii()).count();
    if bytes.len() < LEGACY_TEXT || ascii * 10 < bytes.len() * 9 {
        return None;
    }
    let (text, _, _) = encoding_rs::WINDOWS_1252.decode(bytes);
    is_readable(&text).then(|| text.into_owned())
}

/// UTF-16 as PowerShell encodes it, without a mark: every other byte of western text is zero.
fn unmarked_utf16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    if bytes.len() < 4 || !bytes.len().is_multiple_of(2) || memchr(0, bytes).is_none() {
        return None;
    }
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, units) = (zeros(0), zeros(1), bytes.len() / 2);
    match () {
        () if even == 0 && odd * 2 > units => Some(encoding_rs::UTF_16LE),
        () if odd == 0 && even * 2 > units => Some(encoding_rs::UTF_16BE),
        () => None,
    }
}

/// Whether no control character but those of layout stands in `text`. Bytes are judged many at a time: payloads are
/// long.
fn is_readable(text: &str) -> bool {
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r') || byte == 0x7f;
    // those beyond ASCII begin with this byte
    let begins_control = |(byte, next): (&u8, &u8)| *byte == 0xc2 && *next < 0xa0;
    let bytes = text.as_bytes();
    let pairs = || bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    !bytes.iter().fold(false, |found, byte| found | is_control(*byte))
        && (text.is_ascii() || !pairs().fold(false, |found, pair| found | begins_control(pair)))
}
