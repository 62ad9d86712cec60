//! Secrets that no name tells of: what stands at a known place of a command, a header or an address, and tokens that
//! are known by their form. Each pattern is looked for only where one of its words stands; every group of it is a
//! secret.

use std::{
    ops::{BitOrAssign, Range},
    sync::OnceLock,
};

use regex::Regex;

use super::{is_reference, may_be_secret};

struct Pattern {
    /// In small letters. None may begin before a stem of a secret's name that it holds: the search finds the first alone.
    words: &'static [&'static str],
    /// `TOKEN` stands for [`TOKEN`].
    regex: &'static str,
}

/// A word of a command line, in quotes or without, that is no option and no variable.
const TOKEN: &str = r#"(?: [\\`]*"(?P<double>[^"\n]{1,256}?)[\\`]*" | '(?P<single>[^'\n]{1,256})' | (?P<open>[^\s"'`|;&<>(){}\#%$/\\*-][^\s"'`|;<>]{0,255}) )"#;

/// The address with a password is the one pattern that also asks for an `@`.
const ADDRESS: &str = "://";

const PATTERNS: [Pattern; 21] = [
    Pattern {
        words: &["-----begin"],
        regex: r"-----BEGIN\ [A-Z0-9\ ]{0,32}PRIVATE\ KEY-----(?:\s|\\r|\\n)+(.*?)(?:-----END|\z)",
    },
    Pattern {
        words: &[ADDRESS],
        regex: r#"[a-z][a-z0-9+.-]{1,15}://[^\s/:"'<>]{0,128}:([^\s/"'<>$%{(][^\s/"'<>]{0,255})@"#,
    },
    Pattern {
        words: &["authoriz"],
        regex: r#"Authorization[\\`]*["']?\s*(?:[:=,]\s*[\\`]*["']?(?:[a-z]{2,12}\s+)?|[\\`]*["']?(?:Bearer|Basic)\s+)([^\s"'\\`$<{(%][^\s"'\\`]{7,})"#,
    },
    Pattern { words: &["bearer"], regex: r"\bBearer\s+([A-Za-z0-9._~+/=-]{20,})" },
    Pattern {
        words: &["securestring"],
        regex: r"ConvertTo-SecureString\b (?: [\s(] | `\r?\n | -(?:Force|AsPlainText)(?::\$true)?\b | -(?:String|s)\b:? | -Key\s+\([^)\n]*\) | -Key\s+\$\w+ )+ TOKEN",
    },
    Pattern {
        words: &["securestring"],
        regex: r#"(?:"([^"\n]{1,256})"|'([^'\n]{1,256})')\s*\|\s*ConvertTo-SecureString"#,
    },
    Pattern { words: &["sig="], regex: r"[?&;]sig=([A-Za-z0-9%+/_=-]{6,})" },
    Pattern {
        words: &["azurewebsites"],
        regex: r#"\.azurewebsites\.(?:net|us)/[^\s"'<>?]{0,256}\?(?:[^\s"'<>]{0,256}[&;])?code=([A-Za-z0-9%+/_=-]{16,})"#,
    },
    Pattern {
        words: &["hook"],
        regex: r"//(?:hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{16,})|(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/([0-9]+/[A-Za-z0-9_-]{16,})|[a-z0-9.-]{1,64}/webhookb?2?/([A-Za-z0-9@/_-]{32,}))",
    },
    Pattern { words: &["eyj"], regex: r"\beyJ[A-Za-z0-9_-]{8,}\.(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})" },
    Pattern {
        words: &["ghp_", "github_pat", "glpat-", "xox", "8q~"],
        regex: r"\b(ghp_[a-z0-9]{30,}|github_pat_[a-z0-9_]{30,}|glpat-[a-z0-9_-]{16,}|xox[bp]-[a-z0-9-]{20,}|[a-z0-9_~.-]{3}8Q~[a-z0-9_~.-]{30,})",
    },
    Pattern {
        words: &["net use", "net.exe", "net1"],
        regex: r#"(?:^|[^.\w-])net1?(?:\.exe)?["']?[\ \t]+users?[\ \t]+(?:/\S+[\ \t]+)*(?:"[^"\n]{1,64}"|'[^'\n]{1,64}'|[^\s/"'|;&\#>)}]{1,64})(?:[\ \t]+/\S+)*[\ \t]+TOKEN"#,
    },
    Pattern {
        words: &["net use", "net.exe"],
        regex: r#"\bnet(?:\.exe)?[\ \t]+use[\ \t][^\n]{0,256}?(?:/u(?:ser)?:(?:"[^"\n]{1,64}"|\S{1,64})[\ \t]+TOKEN|(?:\\\\\S{1,256}|https?://\S{1,256})[\ \t]+(?:"([^"\n]{1,256})"|([^\s/"'$%][^\s"']{0,255}))[\ \t]+/u)"#,
    },
    Pattern {
        words: &["curl"],
        regex: r#"\bcurl(?:\.exe)?(?:[^\n|;&$`]|\\\r?\n|\$[a-z_{]){0,128}?(?:[\s]-[a-z]*u[\ \t]*|[\s]--(?:proxy-)?user[\ \t=]+)["']?(?:\$[a-z0-9_]{1,64}|[^\s:"'0-9$\\][^\s:"']{0,127}):([^\s"'$\\][^\s"']{0,255})"#,
    },
    Pattern {
        words: &["psexec", "az login", "docker login", "pass"],
        regex: r"\b(?:psexec(?:64)?(?:\.exe)?|az[\ \t]+login|docker[\ \t]+login|sshpass)\b[^\n;|&]{0,200}?[\ \t]-p[\ \t]*TOKEN",
    },
    Pattern { words: &["schtasks"], regex: r"\bschtasks\b[^\n]{0,256}?/rp[\ \t]+TOKEN" },
    Pattern {
        words: &["dscl", "key", "security import"],
        regex: r#"\b(?:dscl\b[^\n]{0,128}?-passwd[\ \t]+(?:"[^"\n]{1,128}"|\S{1,128})|security[\ \t]+(?:[a-z-]{1,24}keychain|import|add-generic-password|set-key-partition-list)\b[^\n;|&]{0,128}?[\ \t]-[pkw])[\ \t]+TOKEN"#,
    },
    Pattern {
        words: &["pass", "sudo -s"],
        regex: r#"\becho[\ \t]+(?:["']?[^\s:"']{1,64}:([^\s"'|]{1,256})["']?[\ \t]*\|[\ \t]*(?:sudo[\ \t]+)?chpasswd|(?:"([^"\n]{1,256})"|'([^'\n]{1,256})'|([^\s"'|$]{1,256}))[\ \t]*\|[\ \t]*sudo[\ \t]+-S\b)"#,
    },
    Pattern {
        words: &["networkcred", "x509certificate2", "pass"],
        regex: r#"(?:(?:NetworkCredential|X509Certificate2)(?:\]::new)?\([^,\n()]{1,128},|\bSetPassword["']?\s*[(,])\s*["']([^"'\n]{1,256})["']"#,
    },
    Pattern { words: &["cid="], regex: r#"\bcid=["']?([0-9a-f]{32}-[0-9a-f]{2})\b"# },
    Pattern { words: &["/ipk"], regex: r"/ipk[\ \t]+([a-z0-9]{5}(?:-[a-z0-9]{5}){4})\b" },
];

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
        let is_address = pattern.words.contains(&ADDRESS);
        if asked.0 & (1 << at) == 0 || (is_address && !text.contains('@')) {
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
                may_be_secret("", value)
                    && !is_reference(value, single.as_ref() != Some(place))
                    && !is_example(value)
                    && (pattern.words != ["bearer"] || value.bytes().any(|byte| byte.is_ascii_digit()))
                    && !(is_address && is_port(value))
                    && !(open.as_ref() == Some(place) && is_prose(text, place))
            }));
        }
    }
    places
}

/// What documents write where a secret would stand.
fn is_example(value: &str) -> bool {
    const EXAMPLES: [&str; 7] = ["pass", "passwd", "password", "pw", "secret", "token", "authentication"];
    EXAMPLES.iter().any(|example| value.eq_ignore_ascii_case(example))
}

/// `https://proxy:8080?user=a@b`: what follows the colon is no password.
fn is_port(value: &str) -> bool {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&digits) && value[digits..].chars().next().is_none_or(|next| matches!(next, '?' | '#' | ';' | ','))
}

/// Whether a word is one of a sentence, as in `# net user lists the users of`: letters alone, in a comment or before
/// another word.
fn is_prose(text: &str, place: &Range<usize>) -> bool {
    if !text[place.clone()].bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    let line = text[..place.start].rsplit('\n').next().unwrap_or_default();
    let next = text[place.end..].trim_start_matches([' ', '\t']).chars().next();
    line.contains('#') || next.is_some_and(char::is_alphanumeric)
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
