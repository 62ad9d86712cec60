//! Values found in JSON text without parsing it: which ids a policy speaks of, at the speed of a search for bytes.

use std::borrow::Cow;

use memchr::memmem;

/// The texts that stand as values of `key`, wherever in the JSON. What only looks like one, inside another text, is
/// found as well: who asks must live with an id too many.
pub(crate) fn texts<'j>(json: &'j [u8], key: &str) -> impl Iterator<Item = Cow<'j, str>> {
    let needle = format!("\"{key}\"");
    let length = needle.len();
    let starts: Vec<usize> = memmem::find_iter(json, needle.as_bytes()).collect();
    starts.into_iter().filter_map(move |start| value(&json[start + length..]))
}

/// The text behind a key.
fn value(rest: &[u8]) -> Option<Cow<'_, str>> {
    let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest[at] == b'"' {
            break;
        }
        // whatever is escaped is no end
        at += 2;
    }
    let text = std::str::from_utf8(&rest[..at]).ok()?;
    if text.contains('\\') {
        return serde_json::from_str(&format!("\"{text}\"")).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn texts_are_found_wherever_they_stand() {
        let json = br#"{"a":{"id":"one","x":[{"id" : "t\"w\\o"},{"id":null},{"ids":"no"}]},"id":3,"id":"cut"#;
        assert_eq!(texts(json, "id").collect::<Vec<_>>(), ["one", "t\"w\\o"]);
        assert_eq!(texts(b"", "id").count(), 0);
    }
}
