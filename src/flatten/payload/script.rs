//! Secrets in scripts and in whatever no parser reads: obvious assignments, arguments and headers. This is a
//! search, not a parser: what a script computes, or names by one letter, it does not find.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::SECRET;
use crate::flatten::secret::{self, is_number, is_secret_name, may_be_secret};

/// Longer names are cut before and after what tells of a secret.
const LONGEST_NAME: usize = 96;

/// Patterns that name nothing: PEM, credentials in addresses and headers, PowerShell's secure strings.
static BARE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?isx)
        -----BEGIN\ [A-Z0-9\ ]{0,32}PRIVATE\ KEY-----(?P<pem>.*?)(?:-----END|\z)
        | [a-z][a-z0-9+.-]{1,15}://[^\s/:@"'<>]{0,128}:(?P<address>[^\s/@"'<>$%{(]{1,256})@
        | Authorization\\*["']?\s*[:=,]?\s*\\*["']?(?:Bearer|Basic)\s+(?P<header>[^\s"'\\]{4,})
        | \bBearer\s+(?P<bearer>[A-Za-z0-9._~+/=-]{20,})
        | ConvertTo-SecureString\s+(?:-(?:String|AsPlainText|Force|Key)\s+)*(?:"(?P<secure>[^"$\n]+)"|'(?P<verbatim>[^'\n]+)')
        | (?:"(?P<piped>[^"$\n]{1,256})"|'(?P<piped_verbatim>[^'\n]{1,256})')\s*\|\s*ConvertTo-SecureString
        | \$pw\s*=\s*(?:"(?P<pw>[^"$\n]{1,256})"|'(?P<pw_verbatim>[^'\n]{1,256})')
        | [?&;]sig=(?P<signature>[A-Za-z0-9%+/_=-]{16,})
        | \.azurewebsites\.net/[^\s"'<>?]{0,256}\?(?:[^\s"'<>]{0,256}[&;])?code=(?P<function>[A-Za-z0-9%+/_=-]{16,})
        | //hooks\.slack\.com/(?:services|workflows|triggers)/(?P<slack>[A-Za-z0-9/_-]{16,})
        | //(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/(?P<discord>[0-9]+/[A-Za-z0-9_-]{16,})
        | //[a-z0-9.-]{1,64}/webhookb?2?/(?P<teams>[A-Za-z0-9@/_-]{32,})
        | \beyJ[A-Za-z0-9_-]{8,}\.(?P<jwt>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})
        | \bnet(?:\.exe)?\s+user\s+(?:"[^"\n]{1,64}"|'[^'\n]{1,64}'|[^\s/"'|;&]{1,64})\s+(?:"(?P<user>[^"$%\n]{1,128})"|'(?P<user_verbatim>[^'\n]{1,128})'|(?P<user_open>[^\s/"'$%*|;&<>]{1,128}))
        | \bcurl(?:\.exe)?\s[^\n|;]{0,256}?(?:-u|--user)[\s=]{1,4}["']?[^\s:"'$]{1,128}:(?P<curl>[^\s"'$]{1,256})
        "#,
    )
    .ok()
});

/// What begins a secret that has no name.
const MARKS: [&str; 13] = [
    ADDRESS,
    "-----begin",
    "bearer",
    "authoriz",
    "securestring",
    "$pw",
    "sig=",
    "azurewebsites",
    "hook",
    "eyj",
    "net user",
    "net.exe user",
    "curl",
];
const ADDRESS: &str = "://";

/// What is part of a secret's name, and then the marks.
static STEMS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| secret::search(&clues()));

/// What tells of a secret, in small letters: a text without any of it names none and holds none.
pub(super) fn clues() -> Vec<&'static str> {
    [&secret::STEMS[..], &MARKS].concat()
}

/// What follows a name: something that assigns, and a value. `$name = "value"`, `--name value`,
/// `"name": "value"`, `<name>value<`.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?isx)
        \A (?P<between> \\*["']? \s* (?: := | => | = | : ) \s* | ["']?\]? \s* =\s* | </key>\s*<[a-z]+> | (?:\s[^<>]{0,256})?> | [\ \t]+ )
        (?:
            @["']\r?\n (?P<here> .*?) \n["']@
            | <!\[CDATA\[ (?P<cdata> .*? ) (?: \]\]> | \z )
            | \\*" (?P<double> (?: [^"\\\n] | \\[^"\n] | \\\\*" )*? ) (?: \\*" | \n | \z )
            | ' (?P<single> [^'\n]* ) (?: ' | \n | \z )
            | (?P<open> [^\s"'<>;,|&(){}\[\]\\]+ )
        )
        "#,
    )
    .ok()
});

/// The name of a pair, and its value: `"key": "apiToken", "valueString": "…"`.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?isx) \\*"(?:key|name|id|settingName)\\*"\s*:\s*\\*"(?P<name>[^"\\]{1,96})\\*"\s*,
        \s*\\*"(?:value[a-z]*|data|string)\\*"\s*:\s*\\*"(?P<value>(?:[^"\\]|\\[^"])*)"#,
    )
    .ok()
});

/// The text with its secrets replaced; `None` where there are none.
pub(super) fn without_secrets(text: &str) -> Option<String> {
    if !may_assign(text) {
        return None;
    }
    // no pattern, which no build has: then nothing of the text is shown
    let Some(stems) = STEMS.as_ref() else { return Some(SECRET.to_owned()) };
    let mut places: Vec<Range<usize>> = Vec::new();
    let (mut done, mut bare, mut named, mut addressed) = (0, false, false, None);
    for stem in stems.find_iter(text) {
        if let Some(mark) = stem.pattern().as_usize().checked_sub(secret::STEMS.len()) {
            bare |= MARKS[mark] != ADDRESS || *addressed.get_or_insert_with(|| text.contains('@'));
        } else if stem.start() >= done {
            let name = around(text, stem.range());
            done = name.end;
            if is_secret_name(&text[name.clone()]) {
                named = true;
                let place = assigned(text, name);
                done = place.as_ref().map_or(done, |place| place.end);
                places.extend(place);
            }
        }
    }
    if bare {
        for found in BARE.as_ref()?.captures_iter(text) {
            places.extend(found.iter().skip(1).flatten().map(|secret| secret.range()));
        }
    }
    if named && text.contains('"') {
        for found in PAIR.as_ref()?.captures_iter(text) {
            if is_secret_name(&found["name"]) && may_be_secret(&found["name"], &found["value"]) {
                places.extend(found.name("value").map(|value| value.range()));
            }
        }
    }
    (!places.is_empty()).then(|| replaced(text, places))
}

/// Whether anything is assigned, given or begun in `text`; most texts are words.
fn may_assign(text: &str) -> bool {
    let mut before = b'\n';
    text.bytes().any(|byte| {
        let mark = matches!(byte, b'=' | b':' | b'<' | b'\n')
            || (matches!(byte, b'-' | b'/') && matches!(before, b' ' | b'-'));
        before = byte;
        mark
    }) || text.starts_with('-')
        || text.contains("SecureString")
        || begins_as_token(text)
}

/// Whether a text that is otherwise made like words begins as a token does that is nothing but one.
pub(super) fn begins_as_token(text: &str) -> bool {
    text.starts_with("eyJ") || text.starts_with("Bearer ")
}

/// The whole name that `part` of it stands in.
fn around(text: &str, part: Range<usize>) -> Range<usize> {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let (before, after) = (&text.as_bytes()[..part.start], &text.as_bytes()[part.end..]);
    let start = part.start - before.iter().rev().take(LONGEST_NAME).take_while(|byte| belongs(byte)).count();
    let end = part.end + after.iter().take(LONGEST_NAME).take_while(|byte| belongs(byte)).count();
    // `--password-` is named `password`
    let trim = |byte: &u8| matches!(byte, b'-' | b'.');
    let marks = text.as_bytes()[start..part.start].iter().take_while(|byte| trim(byte)).count();
    let rest = text.as_bytes()[part.end..end].iter().rev().take_while(|byte| trim(byte)).count();
    start + marks..end - rest
}

/// Where the secret that is assigned to `name` stands.
fn assigned(text: &str, name: Range<usize>) -> Option<Range<usize>> {
    let found = ASSIGNED.as_ref()?.captures(&text[name.end..])?;
    let quoted = ["here", "cdata", "double", "single"].into_iter().find_map(|group| found.name(group));
    let value = quoted.or_else(|| found.name("open"))?;
    let place = name.end + value.start()..name.end + value.end();
    let (own, plain, between) = (&text[name.clone()], value.as_str(), &found["between"]);
    if plain.is_empty() || !may_be_secret(own, plain) || is_reference(plain, found.name("single").is_none()) {
        return None;
    }
    let mark = text[..name.start].chars().next_back();
    let blank = between.trim().is_empty();
    let argument = matches!(mark, Some('-' | '/')) && !is_word_before(text, name.start - 1);
    let certain = if quoted.is_some() {
        // `--password "x"`, `-Password 'x'`, `password = "x"`; but not `the password "x"`
        !blank || argument
    } else if blank {
        argument && !plain.starts_with('-')
    } else if between.ends_with('>') {
        matches!(mark, Some('<' | ':')) || between.starts_with("</key>")
    } else if between.ends_with([':', '=']) {
        // `PASSWORD=x`, `/password:x`
        !between.starts_with(' ')
    } else {
        // `password: x1` on a line of its own, `"password": 1234`
        is_alone(text, &name, &place) || (mark == Some('"') && is_number(plain))
    };
    certain.then_some(place)
}

/// Whether a value stands for another: a variable, or what a command gives.
fn is_reference(value: &str, expands: bool) -> bool {
    expands && (value.starts_with('$') || value.starts_with('%') && value.ends_with('%'))
}

fn is_word_before(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Whether an assignment without quotes is all of its line, and its value no word of a sentence.
fn is_alone(text: &str, name: &Range<usize>, value: &Range<usize>) -> bool {
    let from = text.floor_char_boundary(name.start.saturating_sub(LONGEST_NAME));
    let to = text.ceil_char_boundary(value.end + LONGEST_NAME);
    let before = text[from..name.start].rsplit('\n').next().unwrap_or_default();
    let after = text[value.end..to].split('\n').next().unwrap_or_default();
    before.chars().all(|c| c.is_whitespace() || matches!(c, '#' | '/' | ';' | '-' | '*'))
        && after.trim().is_empty()
        && text[value.clone()].bytes().any(|byte| !byte.is_ascii_alphabetic())
        && value.len() > 3
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
