//! The one list of names that hold secrets, in whatever spelling and wherever they stand.

use std::sync::LazyLock;

use super::search::WordSearch;

/// What all but a few names of secrets hold, as it is looked for in long texts: a search for two letters alone would
/// stop at every other word, so what stands around `pw` is looked for as well.
pub(in crate::flatten) const STEMS: [&str; 38] = [
    "pass",
    "pwd",
    "pw=",
    "pw ",
    "pw:",
    "pw<",
    "pw>",
    "pw\"",
    "pw'",
    "pw\\",
    "pw\t",
    "pw\n",
    "pw\r",
    "$pw",
    "npw",
    "_pw",
    "-pw",
    "secret",
    "token",
    "key",
    "psk",
    "challenge",
    "connectionstring",
    "connection_string",
    "connection-string",
    "connection string",
    "boarding",
    "pin",
    "pfx",
    "sas",
    "otp",
    "jwt",
    "kennwort",
    "wachtwoord",
    "pswd",
    "contrase",
    "senha",
    "code",
];

/// How names end that hold a secret even where they are ids, letters only and in small ones.
const CERTAIN: [&str; 25] = [
    "accesskey",
    "accesstoken",
    "advancedthreatprotectionoffboarding",
    "advancedthreatprotectiononboarding",
    "apikey",
    "apitoken",
    "authtoken",
    "clientsecret",
    "connectionstring",
    "enrollmenttoken",
    "offboardingblob",
    "offboardinginfo",
    "onboardingblob",
    "onboardinginfo",
    "passphrase",
    "passwd",
    "password",
    "presharedkey",
    "privatekey",
    "productkey",
    "psk",
    "registrationtoken",
    "scepchallenge",
    "secretkey",
    "sharedsecret",
];

/// How other names of secrets end.
const ENDINGS: [&str; 67] = [
    "accountkey",
    "acctkey",
    "activationcode",
    "activationkey",
    "aeskey",
    "agentkey",
    "analyticskey",
    "authkey",
    "authorizationcode",
    "authorizationkey",
    "challenge",
    "companykey",
    "connectorkey",
    "contrasena",
    "contraseña",
    "customerkey",
    "deploymentkey",
    "encryptionkey",
    "enrollkey",
    "enrollmentcode",
    "enrollmentkey",
    "functionkey",
    "functionskey",
    "hmackey",
    "inpkey",
    "installationkey",
    "installkey",
    "invitationcode",
    "kennwort",
    "keymaterial",
    "licensekey",
    "masterkey",
    "motdepasse",
    "nessuskey",
    "networkkey",
    "passcode",
    "passwordformatstring",
    "passwort",
    "passwrd",
    "pfxblob",
    "pidkey",
    "pincode",
    "privkey",
    "provisioningkey",
    "pswd",
    "pwd",
    "recoverykey",
    "registrationcode",
    "registrationkey",
    "secret",
    "secretreferencevalueid",
    "servicekey",
    "setupkey",
    "sharedkey",
    "signingkey",
    "sitekey",
    "storagekey",
    "subscriptionkey",
    "symmkey",
    "tenantkey",
    "token",
    "unlockcode",
    "wachtwoord",
    "wepkey",
    "withlicense",
    "workspacekey",
    "wpakey",
];

/// Words that name a secret only where they stand for themselves: `bypass` and `mapping` end in them.
const WORDS: [&str; 10] = ["jwt", "otp", "pass", "passkey", "pin", "psk", "pw", "sas", "senha", "skey"];

/// Names that are secrets as they stand; those with `exit` leave a kiosk.
const WHOLE: [&str; 6] =
    ["company_code", "exit_lock_task_mode_code", "key_info", "kioskModeExitCode", "qrCodeContent", "qrCodeImage"];

/// The header of a request that says who asks, whatever stands before it.
const AUTHORIZATION: &str = "authorization";

/// What may follow such a name without making it another one.
const TAILS: [&str; 10] =
    ["base64", "confirm", "data", "encrypted", "hash", "plain", "plaintext", "string", "text", "value"];

/// Names that end so and tell nothing: of an assembly, and of flags.
const PUBLIC: [&str; 2] = ["publickeytoken", "publickey"];

/// Programs whose names end like those of secrets.
const PROGRAMS: [&str; 6] = ["1password", "keepass", "lastpass", "nordpass", "onepassword", "protonpass"];

/// Beginnings of names that tell what is to be done about a secret: `requirePassword`, `userRightsCreateToken`.
const ABOUT: [&str; 17] = [
    "allow",
    "block",
    "configure",
    "disable",
    "disallow",
    "enable",
    "force",
    "hide",
    "maximum",
    "minimum",
    "numberof",
    "prevent",
    "prompt",
    "remember",
    "require",
    "show",
    "userrights",
];

/// Beginnings of names that tell what becomes of a secret, unless the value says otherwise: `changePassword`.
const DEEDS: [&str; 6] = ["change", "forgot", "migrate", "reset", "rotate", "sync"];

/// What names of times begin with.
const TIMES: [&str; 3] = ["days", "delay", "timeout"];

/// Those that other words begin with, as `issuer` does: only where the word ends there.
const ABOUT_WORDS: [&str; 7] = ["ask", "can", "has", "is", "must", "save", "use"];

/// No name of a secret is longer; what comes before its last letters does not matter.
const LONGEST: usize = 96;

/// Whether `name`, of whatever spelling, is that of a secret: `client_secret`, `com.contoso.ApiToken`,
/// `./Vendor/MSFT/WiFi/…/Password`.
pub(in crate::flatten) fn is_secret_name(name: &str) -> bool {
    static MAYBE: LazyLock<WordSearch> =
        LazyLock::new(|| WordSearch::new([&STEMS[..], &["license", "string"]].concat()));
    let last = || last_parts(name).next().unwrap_or(name);
    if WHOLE.iter().any(|whole| name.eq_ignore_ascii_case(whole)) || last().eq_ignore_ascii_case(AUTHORIZATION) {
        return true;
    }
    let name = tail(name);
    let ends_with_pw = || super::ends_with(name.trim_end_matches(|c: char| !c.is_ascii_alphabetic()), "pw");
    if !MAYBE.is_match(name) && !ends_with_pw() {
        return false;
    }
    let mut letters = letters(name);
    loop {
        let shorter = TAILS.iter().find_map(|tail| letters.strip_suffix(tail)).filter(|left| is_ending(left));
        match shorter {
            Some(left) => letters.truncate(left.len()),
            None => break,
        }
    }
    (is_ending(&letters) || WORDS.contains(&last_word(name).as_str())) && !is_program(name)
}

/// Whether `name` is that of a PIN.
pub(super) fn is_pin(name: &str) -> bool {
    last_word(tail(name)) == "pin"
}

/// Whether `name` is that of a header that says who asks, behind a word for the way in which it does.
pub(super) fn is_authorization(name: &str) -> bool {
    super::ends_with(name, AUTHORIZATION)
}

/// Whether a name is a program's, or says what goes around something: `ProxyByPass`.
fn is_program(name: &str) -> bool {
    let last = name.rsplit(['_', '/', '.', '-', ':', ' ']).next().unwrap_or_default().to_ascii_lowercase();
    last.ends_with("bypass") || PROGRAMS.contains(&last.as_str())
}

/// Whether an id ends like the name of a key, a password or a token that signs in: `…_api_key`. Other tokens and PINs
/// are not among them, as Graph tells by type which values of the catalog are secrets; those of a browser's templates
/// are texts to it.
pub(in crate::flatten) fn is_secret_id(id: &str) -> bool {
    let letters = letters(tail(id));
    let own = ["text", "value"].iter().find_map(|tail| letters.strip_suffix(tail)).unwrap_or(&letters);
    CERTAIN.iter().any(|ending| own.ends_with(ending)) && !is_about(id) && !is_program(id)
}

/// As [`is_secret_id`], of what people are shown: a sentence that ends so is about something else.
pub(in crate::flatten) fn is_secret_label(label: &str) -> bool {
    label.split_whitespace().count() <= 3 && is_secret_id(label)
}

/// Whether a name tells what is to be done about a secret.
pub(in crate::flatten) fn is_about(name: &str) -> bool {
    begins_with(name, &ABOUT) || parts(name).any(|part| ABOUT_WORDS.iter().any(|word| begins(part, word)))
}

/// Whether a name tells what becomes of a secret.
pub(super) fn is_deed(name: &str) -> bool {
    begins_with(name, &DEEDS)
}

/// Whether a name is that of a time.
pub(super) fn is_time(name: &str) -> bool {
    begins_with(name, &TIMES)
}

fn begins_with(name: &str, beginnings: &[&str]) -> bool {
    parts(name).any(|part| beginnings.iter().any(|beginning| super::starts_with(part, beginning)))
}

/// The last parts of a name: what stands before a slash is somebody's or something's own name.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    last_parts(tail(name).rsplit('/').next().unwrap_or_default())
}

/// Whether `part` begins with `word` as a word of its own: `isSet`, `IS_SET`, but not `issuer`.
fn begins(part: &str, word: &str) -> bool {
    let Some((word, rest)) = part.split_at_checked(word.len()).filter(|(begin, _)| begin.eq_ignore_ascii_case(word))
    else {
        return false;
    };
    let capitals = word.ends_with(|c: char| c.is_ascii_uppercase());
    !rest.starts_with(|c: char| if capitals { c.is_ascii_alphabetic() } else { c.is_ascii_lowercase() })
}

/// The part after the last separator, and the last two parts together.
pub(super) fn last_parts(name: &str) -> impl Iterator<Item = &str> {
    let starts = name.rmatch_indices(['_', '/', '.', '-', ':']).map(|(at, separator)| at + separator.len());
    starts.chain([0]).take(2).map(|start| &name[start..])
}

/// The end of a name, which is what tells: longer ones are somebody's attempt to keep a program busy.
pub(in crate::flatten) fn tail(name: &str) -> &str {
    &name[name.ceil_char_boundary(name.len().saturating_sub(LONGEST))..]
}

/// The letters of a name, small ones; what is not ASCII is none of a secret's name, unless it comes last.
fn letters(name: &str) -> String {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    name.chars().filter(|c| c.is_ascii_alphabetic() || !c.is_ascii()).flat_map(char::to_lowercase).collect()
}

fn is_ending(letters: &str) -> bool {
    let singular = letters.strip_suffix('s').unwrap_or(letters);
    let mut endings = CERTAIN.iter().chain(&ENDINGS);
    endings.any(|ending| letters.ends_with(ending) || singular.ends_with(ending))
        && !PUBLIC.iter().any(|public| letters.ends_with(public))
}

/// The last word of a name, by its capitals and signs.
fn last_word(name: &str) -> String {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let mut start = name.len();
    let mut after = None;
    for (at, c) in name.char_indices().rev() {
        let boundary = !c.is_ascii_alphabetic() || (c.is_ascii_lowercase() && after.is_some_and(char::is_uppercase));
        if boundary {
            break;
        }
        start = at;
        if c.is_ascii_uppercase() && after.is_some_and(|after: char| after.is_ascii_lowercase()) {
            break;
        }
        after = Some(c);
    }
    name[start..].to_ascii_lowercase()
}
