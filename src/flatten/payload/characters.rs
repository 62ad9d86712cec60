//! Of what characters a text is made, found in one pass: most texts are words, in which nothing is wrapped and
//! nothing assigned.

/// The classes that the bytes of a text belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Characters(u8);

/// Letters and digits of ASCII.
const ALPHANUMERIC: u8 = 1;
/// What base64 holds beside them.
const BASE64: u8 = 1 << 1;
/// What base64 for addresses holds instead.
const BASE64_URL: u8 = 1 << 2;
const BLANK: u8 = 1 << 3;
/// What assigns a value, gives one to a command, or parts lines that may.
const ASSIGNMENT: u8 = 1 << 4;
/// What begins an option of a command.
const OPTION: u8 = 1 << 5;
/// What begins XML or JSON.
const OPENING: u8 = 1 << 6;
const OTHER: u8 = 1 << 7;

static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        classes[byte as usize] = class(byte);
        byte -= 1;
    }
    classes
};

const fn class(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => ALPHANUMERIC,
        b'+' => BASE64,
        b'/' => BASE64 | OPTION,
        b'=' => BASE64 | ASSIGNMENT,
        b'-' => BASE64_URL | OPTION,
        b'_' => BASE64_URL,
        b'\n' => BLANK | ASSIGNMENT,
        b' ' | b'\t' | b'\r' | b'\x0c' => BLANK,
        b':' | b'"' | b'\'' | b'|' => OTHER | ASSIGNMENT,
        b'<' => OTHER | ASSIGNMENT | OPENING,
        b'{' | b'[' => OTHER | OPENING,
        _ => OTHER,
    }
}

impl Characters {
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().fold(0, |classes, byte| classes | CLASSES[usize::from(byte)]))
    }

    /// Nothing but base64 of the usual alphabet, with or without line breaks.
    pub(super) fn are_base64(self) -> bool {
        self.are_among(ALPHANUMERIC | BASE64 | BLANK | ASSIGNMENT | OPTION)
    }

    /// As [`Self::are_base64`], of either alphabet.
    pub(super) fn are_any_base64(self) -> bool {
        self.are_among(ALPHANUMERIC | BASE64 | BASE64_URL | BLANK | ASSIGNMENT | OPTION)
    }

    /// Base64 that a decoder takes as it is.
    pub(super) fn are_packed(self) -> bool {
        self.are_among(ALPHANUMERIC | BASE64 | ASSIGNMENT | OPTION)
    }

    /// Whether anything may be assigned, given as an option, or begin XML, JSON or PEM.
    pub(super) fn may_structure(self) -> bool {
        self.0 & (ASSIGNMENT | OPTION | OPENING) != 0
    }

    fn are_among(self, classes: u8) -> bool {
        self.0 & !classes == 0
    }
}
