//! Texts that nobody vouches for, on their way to a terminal.

use std::{borrow::Cow, io};

use serde_json::ser::{CompactFormatter, Formatter};

/// Characters that move the cursor, colour, hide or reorder what is shown.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text with unsafe characters spelled out; line breaks stay.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unsafe(c) && c != '\n')
}

/// The text on one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let blank = |c: char| matches!(c, '\n' | '\r' | '\t');
    if text.contains(blank) {
        let joined = text.split(blank).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        return Cow::Owned(escaped(&joined, is_unsafe).into_owned());
    }
    escaped(text, is_unsafe)
}

fn escaped(text: &str, unsafe_here: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unsafe_here) {
        return Cow::Borrowed(text);
    }
    let spell = |c: char| if unsafe_here(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(text.chars().map(spell).collect())
}

/// JSON whose strings hold no unsafe character raw: `\u202e` says the same to a parser and nothing to a
/// terminal.
#[derive(Default)]
pub(crate) struct SafeJson(CompactFormatter);

impl Formatter for SafeJson {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        writer.write_all(escaped(fragment, is_unsafe).as_bytes())
    }

    // unsafe characters stand in the strings of raw JSON alone; between them are blanks at most
    fn write_raw_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        writer.write_all(escaped(fragment, |c| is_unsafe(c) && !c.is_ascii_whitespace()).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize as _;

    use super::{SafeJson, one_line, shown};

    #[test]
    fn nothing_that_steers_a_terminal_is_shown_raw() {
        assert_eq!(shown("a\u{1b}[31mb\u{202e}c\u{9b}\n"), "a\\u001b[31mb\\u202ec\\u009b\n");
        assert_eq!(one_line("a\r\nb\tc\u{7}"), "a b c\\u0007");
    }

    #[test]
    fn json_says_the_same_with_escapes() {
        let mut out = Vec::new();
        let text = "x\u{202e}\u{9b}\u{7f}\u{1b}\"";
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut out, SafeJson::default())).unwrap();
        assert!(out.is_ascii());
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
