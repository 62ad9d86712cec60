//! Words from technical ids, for when no official name is known.

/// The words of a definition id: plumbing (scope, vendor, policy area) dropped, the rest split and
/// capitalised.
pub fn humanize(definition_id: &str) -> String {
    property_words(definition_id.rsplit('_').next().unwrap_or(definition_id))
}

/// The words of a camelCase property: `passwordMinimumLength` is `Password Minimum Length`.
pub fn property_words(property: &str) -> String {
    property.to_owned()
}

/// The words of an enumeration's member: `successAndFailure` is `Success and failure`.
pub fn value_words(value: &str) -> String {
    value.to_owned()
}

/// The words of a choice: what follows its definition's id.
pub fn option_words(definition_id: &str, choice: &str) -> String {
    choice.strip_prefix(definition_id).unwrap_or(choice).trim_start_matches('_').to_owned()
}
