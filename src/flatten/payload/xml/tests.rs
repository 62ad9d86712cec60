//! That the short way through an XML text misses nothing.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Clues, Redaction, plain::is_plain, walk};

/// Pieces of XML, whole and broken, with what tells of secrets in all of its places, and what only seems to.
const PIECES: [&str; 56] = [
    "<a>",
    "</a>",
    "<a ",
    ">",
    "/>",
    "<",
    "b=",
    "\"",
    "'",
    "=",
    " ",
    "\n",
    "name",
    "key",
    "value",
    "Password",
    "pass",
    "word",
    "shipping",
    "Token",
    "token=",
    "hunter2!",
    "adminPw",
    "x:",
    "ü",
    "<!--",
    "-->",
    "<?",
    "?>",
    "<![CDATA[",
    "]]>",
    "&#119;",
    "&#xA;",
    "&amp;",
    "{",
    "[",
    "eyJwYXNzd29yZCI6Imh1bnRlcjIhIn0=",
    "eyJwYXNzd29yZCI6Imh1bnRl",
    "cjIhIn0=",
    "MAYCAQEEAQc=",
    "://",
    "@",
    "All files in the Windows folder",
    "net user a hunter2!",
    "7",
    "<key>",
    "</key>",
    "<string>",
    "\u{f000}",
    "&#xF000;",
    "&#xA0;",
    "&#0000000010;",
    "cGFzc3dvcmQ9aHVudGV",
    "yMiEK",
    "PGEgcGFzc3dvcmQ9Imh1bnRlcjIhIi8+",
    "b=PGEgcGFzc3dvcmQ9Imh1bnRlcjIhIi8+/>",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn where_a_text_is_plain_a_reader_finds_nothing(pieces in vec(select(PIECES.to_vec()), 1..24)) {
        let text = format!("<{}", pieces.concat());
        let clues = Clues::of(&text);
        let mut found = Redaction::new(&text, 0);
        if is_plain(&text, &clues, &found) {
            walk(&mut found, clues);
            prop_assert!(!found.is_found(), "{text}");
        }
    }
}
