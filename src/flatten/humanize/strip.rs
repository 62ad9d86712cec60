//! Beginnings and ends of ids taken off, whatever their case.

/// The security zones of Internet Explorer, which its settings carry in front of their names.
const ZONES: [&str; 5] = ["internet", "intranet", "localmachine", "restrictedsites", "trustedsites"];

/// What a zone's policies name without the `allow` that their ids have.
const NOUNS: [&str; 2] = ["automaticprompting", "userdata"];

/// `internetzoneallowscriptlets` without its zone; a zone's template is named after its zone.
pub(super) fn without_zone(name: &str) -> &str {
    if strip_end(name, "zonetemplate").is_some() {
        return strip_start(name, "allows").or_else(|| strip_start(name, "allow")).unwrap_or(name);
    }
    let locked_down = strip_start(name, "lockeddown");
    let zone = ZONES.iter().find_map(|zone| strip_start(locked_down.unwrap_or(name), zone));
    let own = zone.and_then(|rest| strip_start(rest, "zone").or(locked_down.and(Some(rest))));
    let Some(own) = own.filter(|own| !own.is_empty()) else { return name };
    let noun = strip_start(own, "allow").filter(|noun| NOUNS.iter().any(|known| starts_with(noun, known)));
    noun.unwrap_or(own)
}

/// A security feature of Internet Explorer is a category, and what it is turned on for is its policy.
pub(super) fn without_feature(name: &str) -> &str {
    let explorer = "internetexplorerprocesses";
    strip_end(name, explorer).map_or(name, |feature| &name[feature.len()..])
}

/// `allowsubfolders245` without the number of its text: Office counts its texts in three digits.
pub(super) fn without_text_number(name: &str) -> &str {
    let words = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if name.len() - words.len() == 3 && !words.is_empty() { words } else { name }
}

/// Whether `text` starts with `start`, whatever their case.
pub(super) fn starts_with(text: &str, start: &str) -> bool {
    strip_start(text, start).is_some()
}

/// `text` without `start`, whatever their case.
pub(super) fn strip_start<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start).then(|| &text[start.len()..])
}

/// `text` without `end`, whatever their case, when something is left.
pub(super) fn strip_end<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(end.len()).filter(|at| *at > 0)?;
    text.get(at..)?.eq_ignore_ascii_case(end).then(|| &text[..at])
}
