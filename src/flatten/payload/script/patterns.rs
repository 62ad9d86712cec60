//! Secrets that no name tells of: what stands at a known place of a command, a header or an address, and tokens that
//! are known by their form. Each pattern is looked for only where one of its words stands; every group of it is a
//! secret.

use std::{
    ops::{BitOrAssign, Range},
    sync::OnceLock,
};

use regex::Regex;

use super::{super::redaction, is_reference, line_before, may_be_secret};

struct Pattern {
    /// In small letters, each of three or more.
    words: &'static [&'static str],
    /// `TOKEN` stands for [`TOKEN`].
    regex: &'static str,
    /// What else must be so of what it finds.
    only: Only,
}

/// What else must be so of what a pattern finds.
#[derive(Clone, Copy, PartialEq)]
enum Only {
    Anything,
    /// No port of an address; the text holds an `@`.
    NoPort,
    /// With a digit: letters alone are words.
    WithDigit,
    /// Base64 of a text with a secret.
    Encoded,
}

/// A word of a command line, in quotes or without, that is no option and no variable.
const TOKEN: &str = r#"(?: [\\`]*"(?P<double>[^"\n]+?)[\\`]*" | '(?P<single>[^'\n]+)' | (?P<open>[^\s"'`|;&<>(){}\#%$/\\*-][^\s"'`|;<>]{0,255}) )"#;

const PATTERNS: [Pattern; 30] = [
    Pattern {
        words: &["-----begin"],
        regex: r#"-----BEGIN\ (?:[A-Z0-9\ ]{0,32}PRIVATE\ KEY(?:\ BLOCK)?|OpenVPN\ Static\ key\ V1)-----([^"'].*?)(?:-----END|\z)"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["://"],
        regex: r#"[a-z][a-z0-9+.-]{1,15}://[^\s/:"'<>]{0,128}:([^\s/"'<>$%{(][^\s/"'<>]{0,255})@"#,
        only: Only::NoPort,
    },
    Pattern {
        words: &["authorization"],
        regex: r#"Authorization[\\`]*["']?\s*(?:[:=,]\s*[\\`]*["']?(?:[a-z]{2,12}\s+)?|[\\`]*["']?(?:Bearer|Basic)\s+)(?P<open>[^\s"'\\`$<{(%][^\s"'\\`]{3,})"#,
        only: Only::Anything,
    },
    Pattern { words: &["bearer"], regex: r"\bBearer\s+([A-Za-z0-9._~+/=-]{20,})", only: Only::WithDigit },
    Pattern {
        words: &["securestring"],
        regex: r"ConvertTo-SecureString\b (?: [\s(] | `\r?\n | -(?:Force|AsPlainText)(?::\$true)?\b | -(?:String|s)\b:? | -Key\s+\([^)\n]{0,128}\) | -Key\s+\$\w+ )+ TOKEN",
        only: Only::Anything,
    },
    Pattern {
        words: &["securestring"],
        regex: r#"(?:"([^"\n]{1,256})"|'([^'\n]{1,256})')\s*\|\s*ConvertTo-SecureString"#,
        only: Only::Anything,
    },
    Pattern { words: &["sig="], regex: r"[?&;]sig=([A-Za-z0-9%+/_=-]{6,})", only: Only::Anything },
    Pattern {
        words: &["azurewebsites"],
        regex: r#"\.azurewebsites\.(?:net|us)/[^\s"'<>?]{0,256}\?(?:[^\s"'<>]{0,256}[&;])?code=([A-Za-z0-9%+/_=-]{16,})"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["hook"],
        regex: r"//(?:hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{16,})|(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/([0-9]+/[A-Za-z0-9_-]{16,})|[a-z0-9.-]{1,64}/webhookb?2?/([A-Za-z0-9@/_-]{32,}))",
        only: Only::Anything,
    },
    Pattern {
        words: &["eyj"],
        regex: r"\beyJ[A-Za-z0-9_-]{8,}\.(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})",
        only: Only::Anything,
    },
    Pattern {
        words: &["ghp_", "github_pat", "glpat-", "xox", "8q~"],
        regex: r"\b(ghp_[a-z0-9]{30,}|github_pat_[a-z0-9_]{30,}|glpat-[a-z0-9_-]{16,}|xox[bp]-[a-z0-9-]{20,}|[a-z0-9_~.-]{3}8Q~[a-z0-9_~.-]{30,})",
        only: Only::Anything,
    },
    Pattern {
        words: &["net use", "net.exe", "net1"],
        regex: r#"(?:^|[^.\w-])net1?(?:\.exe)?["']?[\ \t]+users?[\ \t]+(?:/\S+[\ \t]+)*(?:"[^"\n]{1,64}"|'[^'\n]{1,64}'|[^\s/"'|;&\#>)}]{1,64})(?:[\ \t]+/\S+)*[\ \t]+TOKEN"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["net use", "net.exe"],
        regex: r#"\bnet(?:\.exe)?[\ \t]+use[\ \t][^\n]{0,96}?(?:/u(?:ser)?:(?:"[^"\n]{1,64}"|\S{1,64})[\ \t]+TOKEN|(?:\\\\\S{1,256}|https?://\S{1,256})[\ \t]+(?:"([^"\n]{1,256})"|([^\s/"'$%][^\s"']{0,255}))[\ \t]+/u)"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["curl"],
        regex: r#"\bcurl(?:\.exe)?(?:[^\n|;&$`]|\\\r?\n|\$[a-z_{]){0,128}?(?:[\s]-[a-z]*u[\ \t]*|[\s]--(?:proxy-)?user[\ \t=]+)["']?(?:\$[a-z0-9_]{1,64}|[^\s:"'0-9$\\][^\s:"']{0,127}):([^\s"'$\\][^\s"']{0,255})"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["psexec", "az login", "docker login", "pass"],
        regex: r"\b(?:psexec(?:64)?(?:\.exe)?|az[\ \t]+login|docker[\ \t]+login|sshpass)\b[^\n;|&]{0,200}?[\ \t]-p[\ \t]*TOKEN",
        only: Only::Anything,
    },
    Pattern { words: &["schtasks"], regex: r"\bschtasks\b[^\n]{0,256}?/rp[\ \t]+TOKEN", only: Only::Anything },
    Pattern {
        words: &["dscl", "key", "security import", "pass"],
        regex: r#"\b(?:dscl\b[^\n]{0,128}?-passwd[\ \t]+(?:"[^"\n]{1,128}"|\S{1,128})|security[\ \t]+(?:[a-z-]{1,24}keychain|import|add-generic-password|set-key-partition-list)\b[^\n;|&]{0,128}?[\ \t]-[pkw])[\ \t]+TOKEN"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["pass", "sudo -s", "kinit", "realm join"],
        regex: r#"\becho[\ \t]+(?:["']?[^\s:"']{1,64}:([^\s"'|]{1,256})["']?[\ \t]*\|[\ \t]*(?:sudo[\ \t]+)?chpasswd|(?:"([^"\n]{1,256})"|'([^'\n]{1,256})'|([^\s"'|$]{1,256}))[\ \t]*\|[\ \t]*(?:sudo[\ \t]+-S\b|(?:sudo[\ \t]+)?(?:passwd\b[^\n|;]{0,64}--stdin|kinit\b|realm[\ \t]+join\b)))"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["networkcredential", "x509certificate2", "pass"],
        regex: r#"(?:(?:NetworkCredential|X509Certificate2)(?:\]::new)?\([^,\n()]{1,128},|\bSetPassword(?:["']?\s*[(,]|\ ))\s*["']([^"'\n]{1,256})["']"#,
        only: Only::Anything,
    },
    Pattern { words: &["cid="], regex: r#"\bcid=["']?([0-9a-f]{32}-[0-9a-f]{2})\b"#, only: Only::Anything },
    Pattern { words: &["ipk"], regex: r"[/-]ipk[\ \t]+([a-z0-9]{5}(?:-[a-z0-9]{5}){4})\b", only: Only::Anything },
    // a product key, wherever else it stands
    Pattern { words: &["key"], regex: r"\b(?-i:([A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}))\b", only: Only::WithDigit },
    Pattern {
        words: &["certutil", "sqlcmd", "autologon", "airportnetwork"],
        regex: r#"\b(?:certutil\b[^\n;|&]{0,200}?[\ \t]-p[\ \t]+|sqlcmd\b[^\n;|&]{0,200}?[\ \t](?-i:-P)[\ \t]*|autologon(?:64(?:\.exe)?|\.exe)["']?[\ \t]+(?:/accepteula[\ \t]+)?[^\s/]\S{0,64}[\ \t]+\S{1,64}[\ \t]+|setairportnetwork[\ \t]+\S{1,32}[\ \t]+(?:"[^"\n]{1,64}"|'[^'\n]{1,64}'|\S{1,64})[\ \t]+)TOKEN"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["pass"],
        regex: r#"\b(?:sc(?:\.exe)?[\ \t][^\n]{0,256}?password=[\ \t]+TOKEN|user\ name\s+\S{1,64}\s+password\s+[\\]*["']([^"'\\\n]{1,256}))"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["mount"],
        regex: r#"\bmount(?:_[a-z]+|\ -t\ [a-z0-9]+)\b[^\n]{0,128}?//[^\s/:@"']{1,128}:([^\s@/"']{1,256})@"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["bios", "utf-16/>"],
        regex: r#"<utf-16/>([^"'<\n]{1,128})|\b(?:SaveBiosSettings|SetBiosPassword)["']?\s*\(\s*["']([^"'\n]{1,256})["']|\bDellSmbios:[a-z\\]+Password["']?[\ \t]+TOKEN"#,
        only: Only::Anything,
    },
    Pattern {
        words: &["mapnetworkdrive", "getbytes"],
        regex: r#"\b(?:MapNetworkDrive\s*\(?\s*(?:[^,\n]{1,128},){4}\s*["']([^"'\n]{1,256})["']|GetBytes\s*\(\s*["'][^"':\n]{0,64}:([^\s"'/\\][^"'\n]{0,255})["'])"#,
        only: Only::Anything,
    },
    Pattern { words: &["eyj"], regex: r#"[\ \t]-t[\ \t]+["']?(eyJ[A-Za-z0-9+/=_-]{40,})"#, only: Only::Anything },
    Pattern {
        words: &["private-lines"],
        regex: r"Private-Lines:\s*[0-9]+\r?\n(.*?)(?:\nPrivate-MAC|\z)",
        only: Only::Anything,
    },
    Pattern {
        words: &["-enc", "-ec ", "frombase64"],
        regex: r#"(?:[\ \t]-e[a-z]{1,14}[\ \t]+["']?|FromBase64String\s*\(\s*["'])([A-Za-z0-9+/=]{16,})"#,
        only: Only::Encoded,
    },
];

const _: () = assert!(PATTERNS.len() <= u32::BITS as usize, "a set has a bit for each");

static COMPILED: [OnceLock<Option<Regex>>; PATTERNS.len()] = [const { OnceLock::new() }; PATTERNS.len()];

/// Some of the patterns.
#[derive(Clone, Copy, Default)]
pub(super) struct Set(u32);

impl BitOrAssign for Set {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The words of all patterns, each once.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let all = || PATTERNS.iter().flat_map(|pattern| pattern.words).copied();
    all().enumerate().filter(move |(at, word)| !all().take(*at).any(|other| other == *word)).map(|(_, word)| word)
}

/// The patterns that `word` asks for.
pub(super) fn asked_by(word: &str) -> Set {
    let asked = PATTERNS.iter().enumerate().filter(|(_, pattern)| pattern.words.contains(&word));
    Set(asked.fold(0, |set, (at, _)| set | 1 << at))
}

/// Where secrets stand by the patterns of `asked`.
pub(super) fn found(text: &str, asked: Set) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for (at, pattern) in PATTERNS.iter().enumerate() {
        if asked.0 & (1 << at) == 0 || (pattern.only == Only::NoPort && !text.contains('@')) {
            continue;
        }
        let compiled =
            COMPILED[at].get_or_init(|| Regex::new(&format!("(?isx){}", pattern.regex.replace("TOKEN", TOKEN))).ok());
        for found in compiled.iter().flat_map(|regex| regex.captures_iter(text)) {
            let open = found.name("open").map(|open| open.range());
            let single = found.name("single").map(|single| single.range());
            let groups = found.iter().skip(1).flatten().map(|group| group.range());
            places.extend(groups.filter(|place| {
                let value = &text[place.clone()];
                let fits = match pattern.only {
                    Only::Anything => true,
                    Only::NoPort => !is_port(value),
                    Only::WithDigit => value.bytes().any(|byte| byte.is_ascii_digit()),
                    Only::Encoded => redaction::encodes_secret(value),
                };
                fits && may_be_secret("", value)
                    && !is_reference(value, single.as_ref() != Some(place))
                    && !(open.as_ref() == Some(place) && is_prose(text, place))
            }));
        }
    }
    places
}

/// `https://proxy:8080?user=a@b`: what follows the colon is no password.
fn is_port(value: &str) -> bool {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&digits)
        && value[digits..].chars().next().is_some_and(|next| matches!(next, '?' | '#' | ';' | ','))
}

/// Whether a word is one of a sentence, as in `# net user lists the users of`: letters alone, in a comment or before
/// another word or a variable.
fn is_prose(text: &str, place: &Range<usize>) -> bool {
    let word = &text[place.clone()];
    if !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    let is_scheme = ["bearer", "basic"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
    let line = line_before(text, place.start);
    let next = text[place.end..].trim_start_matches([' ', '\t']).chars().next();
    is_scheme
        || line.contains('#')
        || next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '$' | '{' | '<' | '(' | '%'))
}

#[cfg(test)]
mod tests {
    use super::{PATTERNS, Regex, TOKEN};

    #[test]
    fn every_pattern_can_be_read() {
        for pattern in PATTERNS {
            let regex = pattern.regex.replace("TOKEN", TOKEN);
            assert!(Regex::new(&format!("(?isx){regex}")).is_ok(), "{regex}");
        }
    }
}
