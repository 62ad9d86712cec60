//! Words from technical ids, for when no official name is known. Graph's ids are mostly lower-case
//! and without word boundaries, so a dictionary finds the words; what is only plumbing is dropped.

mod lexicon;
mod moments;
mod path;
mod strip;
mod values;
mod words;

#[cfg(test)]
mod tests;

use path::Name;
use words::Non;

/// What an id without a single letter or digit is called.
const NAMELESS: &str = "Unnamed";

/// The words of a definition id: plumbing (scope, vendor, policy area, template path) dropped, the
/// last meaningful segment split and capitalised as Graph does.
///
/// Never empty for an id that is not, and never with an underscore or a tilde.
///
/// ```
/// use tenantpilot::flatten::humanize::humanize;
///
/// assert_eq!(humanize("device_vendor_msft_policy_config_defender_allowcloudprotection"), "Allow Cloud Protection");
/// assert_eq!(humanize("device_vendor_msft_policy_config_wifi"), "Wifi");
/// assert_eq!(humanize("com.apple.mcx_DisableGuestAccount"), "Disable Guest Account");
/// ```
pub fn humanize(definition_id: &str) -> String {
    if definition_id.is_empty() {
        return String::new();
    }
    let mut words: Vec<String> = match path::name(definition_id) {
        Name::Words(parts) => parts.into_iter().flat_map(words::words).collect(),
        Name::Joined(part) => return words::joined(&words::words(part)),
        Name::Program(stem) => return format!("{}.exe", stem.to_lowercase()),
    };
    if words.is_empty() {
        words = words::words(definition_id);
        words.retain(|word| word != "policy");
    }
    if words.is_empty() {
        return NAMELESS.to_owned();
    }
    words::write_out(&mut words);
    words::title(&words, if path::is_template(definition_id) { Non::Hyphen } else { Non::Word })
}

/// The words of a camelCase property of a Graph type, capitalised.
///
/// ```
/// use tenantpilot::flatten::humanize::property_words;
///
/// assert_eq!(property_words("passwordMinimumLength"), "Password Minimum Length");
/// assert_eq!(property_words("osMinimumVersion"), "OS Minimum Version");
/// assert_eq!(property_words("bitLockerEnabled"), "BitLocker Enabled");
/// ```
pub fn property_words(property: &str) -> String {
    let words = words::words(property);
    if words.is_empty() { property.to_owned() } else { words::title(&words, Non::Hyphen) }
}

/// A member of an enumeration in words, a duration, a time or a date as people read it. Whatever does not
/// look like one (texts, addresses, paths, numbers, GUIDs, encoded data) is given back as it is.
///
/// ```
/// use tenantpilot::flatten::humanize::value_words;
///
/// assert_eq!(value_words("successAndFailure"), "Success and failure");
/// assert_eq!(value_words("notConfigured"), "Not configured");
/// assert_eq!(value_words("PT12H"), "12 hours");
/// assert_eq!(value_words("https://contoso.com/a"), "https://contoso.com/a");
/// ```
pub fn value_words(value: &str) -> String {
    values::value_words(value)
}

/// Whether a date or a duration says that there is none: `0001-01-01T00:00:00Z`, `PT0S`.
pub fn is_no_moment(value: &str) -> bool {
    moments::is_no_moment(value)
}

/// A choice of the settings catalog in words: what it says beyond the id of its definition. Bare
/// numbers stay, as they do not mean off and on in general; an empty suffix is an empty text.
///
/// ```
/// use tenantpilot::flatten::humanize::option_words;
///
/// assert_eq!(option_words("com.apple.mcx_DisableGuestAccount", "com.apple.mcx_DisableGuestAccount_true"), "True");
/// assert_eq!(option_words("user_vendor_x_mode", "user_vendor_x_mode_1"), "1");
/// assert_eq!(option_words("rule_{name}_appliesto", "rule_{name}_allusers"), "All users");
/// ```
pub fn option_words(definition_id: &str, choice: &str) -> String {
    values::option_words(definition_id, choice)
}
