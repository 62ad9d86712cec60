//! Values in words: members of enumerations, and choices of the settings catalog.

use super::humanize;
use super::lexicon::Lexicon;
use super::moments::moment_words;
use super::strip::starts_with;
use super::words::{capitalised, humps, sentence, words};

/// No member of an enumeration is longer; encoded data often is.
const LONGEST_MEMBER: usize = 80;

/// No more members stand in one text of flags.
const MOST_FLAGS: usize = 32;

/// A member of an enumeration in words, or several of them with commas between, anything else as it is.
pub(super) fn value_words(value: &str) -> String {
    let flags = || value.split(',').map(str::trim_ascii_start);
    let words = if let Some(kind) = value.strip_prefix("#microsoft.graph.") {
        is_identifier(kind).then(|| sentence(&words(kind)))
    } else if !value.contains(',') {
        member_words(value)
    } else if flags().take(MOST_FLAGS + 1).count() <= MOST_FLAGS {
        flags().map(member_words).collect::<Option<Vec<_>>>().map(|words| words.join(", "))
    } else {
        None
    };
    words.or_else(|| moment_words(value)).unwrap_or_else(|| value.to_owned())
}

/// Members that say nothing in words, or something else, as Graph spells them: `lanManagerAuthenticationLevel`, `platformType`.
const UNREADABLE: [(&str, &str); 7] = [
    ("mac", "macOS"),
    ("lmAndNltm", "LM and NTLM"),
    ("lmAndNtlmV2", "LM and NTLMv2"),
    ("lmNtlmV2AndNotLm", "NTLMv2 and not LM"),
    ("lmNtlmV2AndNotLmOrNtm", "NTLMv2 and not LM or NTLM"),
    ("microsoftChapVersionTwo", "Microsoft CHAP version 2"),
    ("requireNtmlV2And128BitEncryption", "Require NTLMv2 and 128-bit encryption"),
];

/// The words of what looks like a member of an enumeration.
fn member_words(value: &str) -> Option<String> {
    if !is_identifier(value) {
        None
    } else if let Some((_, words)) = UNREADABLE.iter().find(|(member, _)| *member == value) {
        Some((*words).to_owned())
    } else if let Some(name) = Lexicon::get().name(&value.to_ascii_lowercase()).filter(|_| value != "wiFi") {
        // `ikEv2`: in a name that Graph writes in its own way no capital starts a word
        Some(name.to_owned())
    } else if value.bytes().all(|b| b.is_ascii_lowercase()) {
        // a word in small letters that no list holds may as well be a name that somebody gave
        Lexicon::get().knows(value).then(|| capitalised(value))
    } else if let Some((kind, size)) = sized(value) {
        member_words(kind).map(|kind| format!("{kind}-{size}"))
    } else {
        (is_version(value) || is_camel_case(value)).then(|| sentence(&words(value)))
    }
}

fn is_identifier(value: &str) -> bool {
    value.len() <= LONGEST_MEMBER
        && value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether capitals start words here, and are not the noise of base64 or of a hash.
fn is_camel_case(value: &str) -> bool {
    let humps = humps(value);
    let short = humps.iter().filter(|hump| hump.len() == 1).count();
    let has_capital = value.bytes().any(|b| b.is_ascii_uppercase());
    let is_quiet = short <= 1 + humps.len() / 6 && value.len() >= 2 * humps.len();
    // `b2bCollaborationGuest`: letters that stand alone belong to a number
    let is_number = |at: usize| humps.get(at).is_some_and(|hump| hump.bytes().all(|b| b.is_ascii_digit()));
    let belongs = |at: usize| is_number(at) || is_number(at + 1) || at.checked_sub(1).is_some_and(is_number);
    let is_worded = || humps.iter().enumerate().all(|(at, hump)| hump.len() > 2 || belongs(at));
    has_capital && !value.contains('_') && (is_quiet || is_worded())
}

/// The size behind the name of an algorithm, `sha2_256`: what is longer than a digit is no minor version.
fn sized(value: &str) -> Option<(&str, &str)> {
    let (kind, size) = value.rsplit_once('_')?;
    (is_version(kind) && size.len() > 1 && size.bytes().all(|b| b.is_ascii_digit())).then_some((kind, size))
}

/// Whether an identifier is small letters and a version: `tls1_2`, `windows10`.
fn is_version(value: &str) -> bool {
    let version = value.trim_start_matches(|c: char| c.is_ascii_lowercase());
    value.len() - version.len() > 1
        && (1..=5).contains(&version.len())
        && version.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && !version.starts_with('_')
        && !version.ends_with('_')
}

/// What a choice says beyond the id of its definition, in words.
pub(super) fn option_words(definition_id: &str, choice: &str) -> String {
    let Some(suffix) = suffix(definition_id, choice) else { return humanize(choice) };
    if suffix.contains(' ') {
        return capitalised(suffix.trim());
    }
    let suffix = suffix.trim_matches('_');
    if suffix.bytes().all(|b| !b.is_ascii_alphabetic()) {
        return suffix.to_owned();
    }
    sentence(&words(suffix))
}

/// The part of `choice` that its definition's id does not hold, from a `_` on.
fn suffix<'a>(definition_id: &str, choice: &'a str) -> Option<&'a str> {
    let pairs = choice.char_indices().zip(definition_id.chars());
    let same = pairs.take_while(|((_, c), d)| c.eq_ignore_ascii_case(d));
    let shared = same.last().map_or(0, |((at, c), _)| at + c.len_utf8());
    if shared == definition_id.len() {
        if shared == choice.len() {
            return Some("");
        }
        if let Some(rest) = choice[shared..].strip_prefix('_') {
            return Some(own_part(definition_id, rest));
        }
    }
    let boundary = choice[..shared].rfind('_')?;
    Some(&choice[boundary + 1..]).filter(|rest| !rest.is_empty() && shared < choice.len())
}

/// `rest` without the element of the setting that some templates repeat before the value: `..._drop_0`.
fn own_part<'a>(definition_id: &str, rest: &'a str) -> &'a str {
    let setting = definition_id.rsplit('_').next().unwrap_or_default();
    match rest.rsplit_once('_') {
        Some((element, value)) if !setting.is_empty() && starts_with(element, setting) => value,
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::value_words;

    #[test]
    fn members_with_digits_are_words_too() {
        for (value, words) in [
            ("lmAndNltm", "LM and NTLM"),
            ("updateOutsideOfTimeWindows", "Update outside of time windows"),
            ("windows10IoTEnterprise", "Windows 10 IoT enterprise"),
            ("windows10EnterpriseN", "Windows 10 Enterprise N"),
            ("oneDriveForBusiness", "OneDrive for Business"),
            ("softwareOath", "Software OATH"),
            ("microsoftAuthenticatorPush", "Microsoft Authenticator push"),
            ("surfaceHub2", "Surface Hub 2"),
            ("q4bMeetingRoom", "Q4b meeting room"),
            ("ciscoAnyConnectV2", "Cisco AnyConnect v2"),
            ("ikEv2", "IKEv2"),
            ("l2tp", "L2TP"),
            ("wiFi", "Wi-Fi"),
            ("sha2_256", "SHA2-256"),
            ("b2bCollaborationGuest", "B2B collaboration guest"),
            ("coreMicrosoftApps", "Core Microsoft apps"),
            ("sha1_96", "SHA1-96"),
            ("tls1_2", "TLS 1.2"),
            ("#microsoft.graph.iosCompliancePolicy", "iOS compliance policy"),
        ] {
            assert_eq!(value_words(value), words, "{value}");
        }
    }
}
