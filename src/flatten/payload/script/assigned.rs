//! Values that are assigned to the name of a secret, in the ways of scripts, command lines and files of settings.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{LONGEST_NAME, is_number, is_reference, is_secret_name, line_before, may_be_secret};
use crate::flatten::secret::{ends_with, starts_with};

/// What follows a name: something that assigns, and a value. `$name = "value"`, `--name value`,
/// `"name": "value"`, `<name>value<`, `-Name name -Value value`, `/v name /d value`, `("name", "value")`.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"(?isx)
        \A (?P<between>
              (?: [\\`]*["'] | ["']?\] | \} )? \s* (?: := | => | = | : ) \s*
            | </key>\s*<[a-z]+>
            | (?:\s[^<>]{0,256})? > \s* (?: <value> \s* )?
            | ["']? PARAMETERS [\ \t]+ -Value [\ \t]+
            | ["']? FLAGS [\ \t]+ /d [\ \t]+
            | ["'] [\ \t]* , [\ \t]*
            | ["'] \s+ value \s* = \s*
            | ["']? [\ \t]+ (?: -?string [\ \t]+ )?
        )
        (?:
            (?: \(\s* | \[[a-z0-9_]+\]\s* | `\r?\n\s* ){0,3}
            (?:
                @["']\r?\n (?P<here> .*?) (?: \n["']@ | \z )
                | [\\`]+" (?P<escaped> [^"\n]*? ) (?: [\\`]*" | \n | \z )
                | " (?P<double> (?: [^"\\`\n] | \\[^\n] | `[^\n] | "" )* ) (?: "| \n | \z )
                | ' (?P<single> (?: [^'\n] | '' )* ) (?: ' | \n | \z )
            )
            | <!\[CDATA\[ (?P<cdata> .*? ) (?: \]\]> | \z )
            | (?P<open> [^\s"'`<>;,|&(){}\[\]\\]+ )
        )
        "#,
    )
});

/// Parameters of a cmdlet beside the two that matter, with their values or without.
const PARAMETERS: &str = r#"(?: [\ \t]+ -[a-z]+ (?: [\ \t]+ (?: "[^"\n]*" | '[^'\n]*' | [^\s"'-]\S* ) )? ){0,5}"#;

/// What `reg add` takes beside them.
const FLAGS: &str = r"(?: [\ \t]+ /(?: t [\ \t]+ [a-z0-9_]+ | s [\ \t]+ \S+ | f | reg:[0-9]{2} ) ){0,4}";

/// A value with or without quotes.
const QUOTED: &str = r#"(?: "(?P<double> [^"\n]+ )" | '(?P<single> [^'\n]+ )' | (?P<open> [^\s"'/-][^\s"']* ) )"#;

/// Pairs of a name and a value in other orders: `"key": "apiToken", "valueString": "…"`, `Name = "…"; Value = "…"`,
/// `-Value … -Name …`, `/d … /v …`.
static PAIRS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let pairs = [
        r#" \\*"(?:key|name|id|settingName)\\*"\s*:\s*\\*"(?P<name>[^"\\]+)\\*"\s*,
        \s*\\*"(?:value[a-z]*|data|string)\\*"\s*:\s*\\*"(?P<value>(?:[^"\\]|\\[^"])*)"#,
        r#"\b (?:value)?name ["']? \s* = \s* ["'](?P<name>[^"'\n]+)["'] (?: \s*[;,]?\s* [a-z0-9_]+ \s*=\s* ["'][^"'\n]*["'] ){0,4}
        \s*[;,]?\s* ["']? (?:value(?:data)?|data) ["']? \s*=\s* QUOTED"#,
        r#"[\ \t] -Value [\ \t]+ QUOTED PARAMETERS [\ \t]+ -Name [\ \t]+ ["']?(?P<name>[a-z0-9_.\ -]+)"#,
        r#"[\ \t] /d [\ \t]+ QUOTED FLAGS [\ \t]+ /v [\ \t]+ ["']?(?P<name>[a-z0-9_.-]+)"#,
    ];
    pairs.iter().filter_map(|pair| regex(&format!("(?isx){pair}"))).collect()
});

/// Letters are ASCII's, and repeats have no bounds: those of Unicode, counted, take a third of a second to be compiled.
fn regex(pattern: &str) -> Option<Regex> {
    let pattern = pattern.replace("PARAMETERS", PARAMETERS).replace("FLAGS", FLAGS).replace("QUOTED", QUOTED);
    Regex::new(&pattern).ok()
}

/// What stands behind a name.
#[derive(Default)]
pub(super) struct Value {
    /// Where the secret stands, if it is one.
    pub(super) secret: Option<Range<usize>>,
    /// Up to where no other name need be looked for.
    pub(super) passed: usize,
}

/// What is looked at behind a name, to judge it; a secret ends where it ends. Else a text of names alone would be read
/// once for each of them.
const LONGEST_JUDGED: usize = 512;

/// What is assigned to the name of a secret at `name`.
pub(super) fn value(text: &str, name: &Range<usize>) -> Value {
    let to = text.ceil_char_boundary((name.end + LONGEST_JUDGED).min(text.len()));
    let Some(found) = ASSIGNED.as_ref().and_then(|assigned| assigned.captures(&text[name.end..to])) else {
        return Value::default();
    };
    let group = ["here", "cdata", "double", "escaped", "single", "open"];
    let Some((kind, value)) = group.into_iter().find_map(|kind| Some((kind, found.name(kind)?))) else {
        return Value::default();
    };
    let mut place = name.end + value.start()..name.end + value.end();
    let (own, plain, between) = (&text[name.clone()], value.as_str(), &found["between"]);
    let may_be = !plain.is_empty()
        && may_be_secret(own, plain)
        && !is_reference(plain, kind != "single")
        && !is_elsewhere(own, plain);
    let is_secret = may_be
        && match kind {
            "open" => is_open_value(text, name, between, &place),
            _ => is_quoted_value(text, name, between, plain),
        };
    if !is_secret {
        return Value { secret: None, passed: name.end };
    }
    if place.end == to {
        place.end += end_of(&text[to..], kind);
    }
    Value { passed: place.end, secret: Some(place) }
}

/// How much of `rest` belongs to a value that was cut.
fn end_of(rest: &str, kind: &str) -> usize {
    let end = match kind {
        "here" => rest.find("\n\"@").into_iter().chain(rest.find("\n'@")).min(),
        "cdata" => rest.find("]]>"),
        "single" => rest.find(['\'', '\n']),
        "open" => rest.find(|c: char| c.is_whitespace() || "\"'`<>;,|&(){}[]\\".contains(c)),
        _ => rest.find(['"', '\n']),
    };
    end.unwrap_or(rest.len())
}

/// Places of values in pairs, wherever the name stands.
pub(super) fn pairs(text: &str) -> Vec<Range<usize>> {
    let all = PAIRS.iter().flat_map(|pair| pair.captures_iter(text));
    let secret = all.filter_map(|found| {
        let groups = ["value", "double", "single", "open"];
        let (kind, value) = groups.into_iter().find_map(|kind| Some((kind, found.name(kind)?)))?;
        let (name, plain) = (&found["name"], value.as_str());
        let is_secret = is_secret_name(name)
            && may_be_secret(name, plain)
            && !is_reference(plain, matches!(kind, "double" | "open"));
        is_secret.then(|| value.range())
    });
    secret.collect()
}

/// `--password "x"`, `password = "x"`, `Add("password", "x1")`; but neither `the password "x"` nor the quote that ends
/// `"Enter the password:"`.
fn is_quoted_value(text: &str, name: &Range<usize>, between: &str, value: &str) -> bool {
    if value.starts_with(|c: char| c.is_whitespace() || matches!(c, ')' | ',' | ';'))
        && is_in_quotes(text, name, between)
    {
        return false;
    }
    if between.contains(',') {
        let in_quotes = text[..name.start].ends_with(['"', '\'']);
        return in_quotes && value.len() > 3 && !is_word(value);
    }
    !assigns_nothing(between) || is_argument(text, name) || is_set_by_command(text, name)
}

fn is_open_value(text: &str, name: &Range<usize>, between: &str, place: &Range<usize>) -> bool {
    let mark = text[..name.start].chars().next_back();
    let value = &text[place.clone()];
    if between.contains(',') || is_command(value) {
        return false;
    }
    let assigns = between.trim_matches(['"', '\'']);
    if assigns_nothing(assigns) {
        (is_argument(text, name) || is_set_by_command(text, name)) && !value.starts_with('-')
    } else if assigns.trim_end().ends_with("/d") || starts_with(last_word(assigns), "-value") {
        true
    } else if between.ends_with('>') || between.contains('>') && !between.contains("=>") {
        matches!(mark, Some('<' | ':')) || between.starts_with("</key>")
    } else if between.ends_with([':', '=']) {
        // `PASSWORD=x`, `/password:x`; in an address short tokens are samples
        let is_sample = matches!(mark, Some('?' | '&')) && value.len() < 8 && text[..name.end].ends_with("token");
        !between.starts_with(' ') && !is_sample
    } else {
        // `password: x1` on a line of its own, `"x-api-key: x1"`, `"password": 1234`
        is_alone(text, name, place) || (mark == Some('"') && is_number(value))
    }
}

/// Whether a name and its value stand side by side, with nothing but the value's type between them.
fn assigns_nothing(between: &str) -> bool {
    let between = between.trim_start_matches(['"', '\'']).trim();
    between.is_empty() || between.trim_start_matches('-').eq_ignore_ascii_case("string")
}

fn last_word(text: &str) -> &str {
    text.split_ascii_whitespace().next_back().unwrap_or_default()
}

/// Whether the quote behind `between` ends the text that the name stands in.
fn is_in_quotes(text: &str, name: &Range<usize>, between: &str) -> bool {
    let line = line_before(text, name.start);
    let count = |quote: char| line.matches(quote).count() + between.matches(quote).count();
    count('"') % 2 == 1 || count('\'') % 2 == 1
}

/// `--name` and `/name`, but neither `./get-token` nor `a/token`.
fn is_argument(text: &str, name: &Range<usize>) -> bool {
    let before = &text[..name.start];
    match (before.strip_suffix('-'), before.strip_suffix('/')) {
        (Some(before), _) => !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'),
        (_, Some(before)) => {
            before.is_empty()
                || before.ends_with(|c: char| {
                    c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '=' | '(' | '[' | '{' | '`')
                })
        }
        _ => false,
    }
}

/// Whether the name stands behind a command that takes a name and its value: `setx API_KEY x`,
/// `defaults write com.contoso.app Token -string x`, `Add :Password string x`, `Set-ItemProperty $path Password x`.
fn is_set_by_command(text: &str, name: &Range<usize>) -> bool {
    let line = line_before(text, name.start);
    let mut words = line.trim_end_matches([':', '"', '\'']).split_ascii_whitespace().rev();
    let [last, before, first] = [words.next(), words.next(), words.next()].map(Option::unwrap_or_default);
    let is = |word: &str, known: &str| word.trim_start_matches(['"', '\'']).eq_ignore_ascii_case(known);
    let is_setter = ["setx", "setenv", "set-variable"].iter().any(|setter| is(last, setter));
    let is_list = line.ends_with(':') && (is(last, "add") || is(last, "set"));
    let has_path = ["set-itemproperty", "new-itemproperty"].iter().any(|cmdlet| is(before, cmdlet));
    is_setter || is_list || has_path || (is(before, "write") && is(first, "defaults"))
}

/// Whether an assignment without quotes is all of its line or of the text in quotes around it, and its value no word of
/// a sentence.
fn is_alone(text: &str, name: &Range<usize>, value: &Range<usize>) -> bool {
    let to = text.ceil_char_boundary((value.end + LONGEST_NAME).min(text.len()));
    let before = line_before(text, name.start);
    let after = text[value.end..to].split('\n').next().unwrap_or_default();
    let is_mark = |c: char| c.is_whitespace() || matches!(c, '#' | '/' | ';' | '-' | '*');
    let has_digit = text[value.clone()].bytes().any(|byte| byte.is_ascii_digit());
    let is_comment = || before.trim_start().starts_with(['#', '/', ';']) && value.len() > 5 && has_digit;
    let is_line = after.trim().is_empty() && (before.chars().all(is_mark) || is_comment());
    let is_quoted = || before.ends_with(['"', '\'']) && before.chars().next_back() == after.chars().next();
    let value = &text[value.clone()];
    !is_word(value) && value.len() > 3 && (is_line || is_quoted())
}

fn is_word(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A cmdlet: `ConvertTo-SecureString`.
fn is_command(value: &str) -> bool {
    const VERBS: [&str; 12] =
        ["Add", "ConvertFrom", "ConvertTo", "Get", "Import", "Invoke", "Join", "New", "Out", "Read", "Select", "Test"];
    let is_noun = |noun: &str| noun.starts_with(|c: char| c.is_ascii_uppercase()) && is_word(noun);
    value.split_once('-').is_some_and(|(verb, noun)| VERBS.contains(&verb) && is_noun(noun))
}

/// Whether a value is none of a name that has another meaning there: `for /f "tokens=2*"`, `max_tokens=4096`,
/// `PWD=/usr/bin`, `dscl . -passwd /Users/a`.
fn is_elsewhere(name: &str, value: &str) -> bool {
    value.starts_with(".*")
        || value.starts_with("[^")
        || (ends_with(name, "tokens")
            && value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'-' | b'*')))
        || (value.starts_with('/') && (name.eq_ignore_ascii_case("pwd") || name == "passwd"))
}

#[cfg(test)]
mod tests {
    use super::{ASSIGNED, PAIRS};

    #[test]
    fn every_pattern_can_be_read() {
        assert!(ASSIGNED.is_some());
        assert_eq!(PAIRS.len(), 4);
    }
}
