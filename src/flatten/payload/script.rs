//! Secrets in scripts and in whatever no parser reads: obvious assignments, arguments and headers. This is a
//! search, not a parser: what a script computes, or names by one letter, it does not find.

use std::{ops::Range, sync::LazyLock};

use regex::{Captures, Regex};

use super::{
    SECRET,
    names::{is_number, is_secret_name, is_secret_value},
};

/// Patterns that name nothing: PEM, credentials in addresses and headers, PowerShell's secure strings.
static BARE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?isx)
        -----BEGIN\ [A-Z0-9\ ]{0,32}PRIVATE\ KEY-----(?P<pem>.*?)(?:-----END|\z)
        | [a-z][a-z0-9+.-]{1,15}://[^\s/:@"'<>]{0,128}:(?P<address>[^\s/@"'<>$%{(]{1,256})@
        | Authorization\\*["']?\s*[:=,]?\s*\\*["']?(?:Bearer|Basic)\s+(?P<header>[^\s"'\\]{4,})
        | \bBearer\s+(?P<bearer>[A-Za-z0-9._~+/=-]{20,})
        | ConvertTo-SecureString\s+(?:-(?:String|AsPlainText|Force|Key)\s+)*(?:"(?P<secure>[^"$\n]+)"|'(?P<verbatim>[^'\n]+)')
        "#,
    )
    .ok()
});

/// A name, what assigns, and a value: `$name = "value"`, `--name value`, `"name": "value"`, `<name>value<`.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?isx)
        (?P<mark> [\$\-/<] | \\*["'] | \b ) (?P<name> [a-z_][a-z0-9_.:\-]{0,95}[a-z0-9_] )
        (?:
            (?P<between> \\*["']? \s* (?: := | => | = | : ) \s* | ["']?\]? \s* =\s* | </key>\s*<[a-z]+> | (?:\s[^<>]{0,256})?> | [\ \t]+ )
            (?P<value>
                @["']\r?\n (?P<here> .*?) \n["']@
                | <!\[CDATA\[ (?P<cdata> .*? ) (?: \]\]> | \z )
                | \\*" (?P<double> (?: [^"\\\n] | \\[^"\n] | \\\\*" )*? ) (?: \\*" | \n | \z )
                | ' (?P<single> [^'\n]* ) (?: ' | \n | \z )
                | (?P<open> [^\s"'<>;,|&(){}\[\]\\]+ )
            )
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
    if !is_suspicious(text) {
        return None;
    }
    // no pattern, which no build has: then nothing of the text is shown
    let (Some(bare), Some(assigned), Some(pair)) = (BARE.as_ref(), ASSIGNED.as_ref(), PAIR.as_ref()) else {
        return Some(SECRET.to_owned());
    };
    let mut places: Vec<Range<usize>> = Vec::new();
    for found in bare.captures_iter(text) {
        places.extend(found.iter().skip(1).flatten().map(|secret| secret.range()));
    }
    for found in pair.captures_iter(text) {
        if is_secret_name(&found["name"]) && is_secret_value(&found["name"], &found["value"]) {
            places.extend(found.name("value").map(|value| value.range()));
        }
    }
    let mut at = 0;
    while let Some(found) = assigned.captures_at(text, at) {
        match secret(text, &found) {
            Some(place) => {
                at = place.end.max(at + 1);
                places.push(place);
            }
            // inside the value of another name there may be an assignment again
            None => at = found.name("name").map_or(text.len(), |name| name.end()),
        }
        at = text.ceil_char_boundary(at);
    }
    (!places.is_empty()).then(|| replaced(text, places))
}

/// Whether a search is worth its time: something is assigned, given or begun here.
fn is_suspicious(text: &str) -> bool {
    const STEMS: [&str; 9] = ["pass", "pwd", "secret", "token", "key", "psk", "challenge", "string", "blob"];
    let assigns = text.bytes().any(|byte| matches!(byte, b'=' | b':' | b'-' | b' ' | b'<' | b'/' | b'\n'));
    assigns
        && text.len() > 6
        && (contains_any(text, &STEMS)
            || contains_any(text, &["://", "bearer ", "authorization", "info", "pin", "sas", "otp", "jwt"]))
}

/// Whether any of the lower-case `stems` stands in `text`, whatever its case.
fn contains_any(text: &str, stems: &[&str]) -> bool {
    stems
        .iter()
        .any(|stem| text.as_bytes().windows(stem.len()).any(|window| window.eq_ignore_ascii_case(stem.as_bytes())))
}

/// Where the secret of an assignment stands.
fn secret(text: &str, found: &Captures<'_>) -> Option<Range<usize>> {
    let name = found.name("name")?;
    if !is_secret_name(name.as_str()) {
        return None;
    }
    let quoted = ["here", "cdata", "double", "single"].into_iter().find_map(|group| found.name(group));
    let value = quoted.or_else(|| found.name("open"))?;
    let (mark, between) = (&found["mark"], &found["between"]);
    let plain = value.as_str();
    if plain.is_empty() || !is_secret_value(name.as_str(), plain) || is_reference(plain, found.name("single").is_none())
    {
        return None;
    }
    let blank = between.trim().is_empty();
    let argument = (mark == "-" || mark == "/") && !is_word_before(text, name.start() - mark.len());
    let xml = between.ends_with('>');
    let certain = if quoted.is_some() {
        // `--password "x"`, `-Password 'x'`, `password = "x"`; but not `the password "x"`
        !blank || argument
    } else if blank {
        argument && !plain.starts_with('-')
    } else if xml {
        mark == "<" || between.starts_with("</key>")
    } else if between.ends_with(':') || between.ends_with('=') {
        // `PASSWORD=x`, `/password:x`; `mark` is empty or a quote where it is a word of a sentence
        !between.starts_with(' ')
    } else {
        // `password: x1` on a line of its own, `"password": 1234`
        is_alone(text, name.start(), value.end(), mark) || (mark.ends_with('"') && is_number(plain))
    };
    certain.then(|| value.range())
}

/// Whether a value stands for another: a variable, or what a command gives.
fn is_reference(value: &str, expands: bool) -> bool {
    expands && (value.starts_with('$') || value.starts_with('%') && value.ends_with('%'))
}

fn is_word_before(text: &str, at: usize) -> bool {
    text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Whether an assignment without quotes is all of its line, and its value no word of a sentence.
fn is_alone(text: &str, start: usize, end: usize, mark: &str) -> bool {
    let before = text[..start - mark.len()].rsplit('\n').next().unwrap_or_default();
    let after = text[end..].split('\n').next().unwrap_or_default();
    let value = text[..end].rsplit([' ', '\t', '=', ':']).next().unwrap_or_default();
    mark != "$"
        && before.chars().all(|c| c.is_whitespace() || matches!(c, '#' | '/' | ';' | '-' | '*'))
        && after.trim().is_empty()
        && value.bytes().any(|byte| !byte.is_ascii_alphabetic())
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
