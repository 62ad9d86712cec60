//! Text without spaces into words, and words as people write them.

use super::lexicon::Lexicon;

/// What follows in one text is dropped: no real id comes near it, and what is hostile must cost little.
const MOST_BYTES: usize = 400;

/// A hump of camelCase is mostly one word: only longer ones are looked into.
const LONG_HUMP: usize = 12;

/// A hump that would have a shorter part is one word.
const SHORTEST_PART: usize = 4;

const BEGINNINGS: [&str; 3] = ["de", "re", "un"];
const ENDINGS: [&str; 16] = [
    "able", "ed", "er", "ers", "es", "ies", "ing", "ity", "ization", "ize", "ized", "izing", "ly", "ment", "s", "tion",
];

/// The words of `text`, lower-case.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for chunk in chunks(&text[..text.floor_char_boundary(MOST_BYTES)]) {
        let from = found.len();
        let by_case = has_humps(chunk);
        for hump in humps(chunk) {
            split_hump(hump, by_case, &mut found);
        }
        join_endings(&mut found, from, by_case);
        join_names(&mut found, from, by_case);
    }
    found
}

/// Runs of letters and digits, with the dots (or `_`) that stand between digits: `tls1_2`.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let between_digits = move |at: usize| {
        let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        at > 0 && digit(text.as_bytes().get(at - 1)) && digit(text.as_bytes().get(at + 1))
    };
    let mut start = 0;
    let ends = text
        .char_indices()
        .chain([(text.len(), ' ')])
        .filter(move |&(at, c)| !(c.is_alphanumeric() || (matches!(c, '.' | '_') && between_digits(at))));
    let chunks = ends.map(move |(at, c)| {
        let chunk = &text[start..at];
        start = (at + c.len_utf8()).min(text.len());
        chunk
    });
    chunks.filter(|chunk| !chunk.is_empty())
}

/// Whether capitals start words in `chunk`.
fn has_humps(chunk: &str) -> bool {
    let mut pairs = chunk.chars().zip(chunk.chars().skip(1));
    pairs.any(|(before, c)| before.is_lowercase() && c.is_uppercase())
}

/// Splits where the case or the kind of character changes: `iCloudV2Backup` is `i Cloud V 2 Backup`.
pub(super) fn humps(chunk: &str) -> Vec<&str> {
    let mut humps = Vec::new();
    let mut start = 0;
    let mut before = None;
    let mut chars = chunk.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if before.is_some_and(|before| is_boundary(before, c, chars.peek().map(|&(_, next)| next))) {
            humps.push(&chunk[start..at]);
            start = at;
        }
        before = Some(c);
    }
    humps.push(&chunk[start..]);
    humps
}

fn is_boundary(before: char, c: char, next: Option<char>) -> bool {
    if before.is_alphabetic() != c.is_alphabetic() {
        return true;
    }
    // In `VPNTunnel` the `T` starts a word, in `URLs` the `L` does not.
    let starts_word = next.is_some_and(|next| next.is_lowercase() && next != 's');
    c.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && starts_word))
}

fn split_hump(hump: &str, by_case: bool, found: &mut Vec<String>) {
    let lower = hump.to_lowercase();
    if lower.len() < 2 || !lower.bytes().all(|b| b.is_ascii_lowercase()) || (by_case && lower.len() < LONG_HUMP) {
        found.push(lower.replace('_', "."));
        return;
    }
    let split = Lexicon::get().split(&lower);
    if by_case && split.iter().any(|word| word.len() < SHORTEST_PART) {
        found.push(lower);
    } else {
        found.extend(split);
    }
}

/// Joins endings and beginnings that are no words to the word that they belong to: no list holds all
/// forms of a word, so `virtualize` may come as `virtual ize`.
fn join_endings(words: &mut Vec<String>, from: usize, by_case: bool) {
    let mut joined: Vec<String> = Vec::with_capacity(words.len() - from);
    for word in words.drain(from..) {
        match joined.last_mut() {
            Some(before) if is_fragment_pair(before, &word, by_case) => before.push_str(&word),
            _ => joined.push(word),
        }
    }
    words.append(&mut joined);
}

fn is_fragment_pair(before: &str, word: &str, by_case: bool) -> bool {
    let ends_in_digit = before.ends_with(|c: char| c.is_ascii_digit());
    match word {
        "st" | "nd" | "rd" | "th" => ends_in_digit,
        // `M365`, `3D`
        _ if is_letter(before) => word.starts_with(|c: char| c.is_ascii_digit()),
        _ if is_letter(word) => ends_in_digit,
        // `windowsSMode`: what is short and has a capital is a word
        _ if by_case && word.len() < SHORTEST_PART => false,
        _ if ENDINGS.contains(&word) => before.len() > 2 && !ends_in_digit,
        _ => word.len() > 3 && BEGINNINGS.contains(&before),
    }
}

/// Whether `word` is a single letter that is no word.
fn is_letter(word: &str) -> bool {
    word != "a" && word.len() == 1 && word.bytes().all(|b| b.is_ascii_lowercase())
}

/// Joins what belongs to one name: `bit locker`, `ip v 6`, `windows hello`. Without humps only digits and names of
/// several words are joined, as the splitting has weighed the letters already.
fn join_names(words: &mut Vec<String>, from: usize, by_case: bool) {
    let mut at = from;
    while at < words.len() {
        let longest = (words.len() - at).min(4);
        let joined = (1..=longest).rev().find_map(|count| {
            let together = words[at..at + count].concat();
            let name = match together.as_str() {
                "wifi" if by_case => Some("Wi-Fi"),
                _ if count == 1 => None,
                together => Lexicon::get().name(together),
            };
            let allowed = by_case || together.contains(|c: char| c.is_ascii_digit());
            name.filter(|name| allowed || name.contains(' ')).map(|name| (count, name))
        });
        if let Some((count, name)) = joined {
            words.splice(at..at + count, [name.to_owned()]);
        }
        at += 1;
    }
}

/// Writes out what ids shorten: `loc 05` is `location 5`.
pub(super) fn write_out(words: &mut [String]) {
    for word in words {
        if word == "loc" {
            "location".clone_into(word);
        } else if word.len() == 2 && word.starts_with('0') && word.bytes().all(|b| b.is_ascii_digit()) {
            word.remove(0);
        }
    }
}

/// How `non` stands before another word.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Non {
    /// As people write it: `Non-Critical`.
    Hyphen,
    /// As Graph makes names of camelCase: `Non Microsoft`.
    Word,
}

/// The words in one line, each capitalised as Graph does, names as they are written.
pub(super) fn title(words: &[String], non: Non) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(if non == Non::Hyphen && line.ends_with("Non") { '-' } else { ' ' });
        }
        let is_plain = |word: &str| !word.bytes().any(|b| b.is_ascii_uppercase());
        match word.split_once(' ').filter(|_| is_plain(word)) {
            // no product: `time windows`
            Some((first, second)) => line.extend([capitalised(first), " ".into(), capitalised(second)]),
            None => line.push_str(&capitalised(word)),
        }
    }
    line
}

/// The words run together with a capital each: `MaxPollInterval`.
pub(super) fn joined(words: &[String]) -> String {
    words.iter().map(|word| capitalised(word)).collect()
}

/// The words in one line as a sentence: only the first capitalised, names as they are written.
pub(super) fn sentence(words: &[String]) -> String {
    let mut line = words.first().map(|word| capitalised(word)).unwrap_or_default();
    for word in words.iter().skip(1) {
        line.push(' ');
        match word.as_bytes() {
            // an edition: `enterpriseN`
            [letter @ b'b'..=b'z'] => line.push(char::from(letter.to_ascii_uppercase())),
            _ => line.push_str(Lexicon::get().name(word).unwrap_or(word)),
        }
    }
    line
}

/// A word with a capital, unless it is a name that is written otherwise: `iCloud`.
pub(super) fn capitalised(word: &str) -> String {
    let lexicon = Lexicon::get();
    if let Some(name) = lexicon.name(word) {
        return name.to_owned();
    }
    // `3D`
    if word.strip_prefix(|c: char| c.is_ascii_digit()).is_some_and(is_letter) {
        return word.to_uppercase();
    }
    let mut chars = word.chars();
    match chars.next() {
        Some(first) if !lexicon.is_written_so(word) => first.to_uppercase().chain(chars).collect(),
        _ => word.to_owned(),
    }
}
