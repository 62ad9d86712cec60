//! What is left out of cells of tables, so that what tells rows apart can be seen.

use std::borrow::Cow;

/// A name of which the middle is left out as far as it is too long: its end tells it from others,
/// `Attack Surface Re… > Block Win32 API calls`.
pub(super) fn without_middle(name: &str, width: usize) -> Cow<'_, str> {
    const LEFT_OUT: &str = "… > ";
    if name.chars().count() <= width {
        return name.into();
    }
    let ends = || name.match_indices(" > ").map(|(at, parted)| &name[at + parted.len()..]);
    let room = |end: &str| width.checked_sub(LEFT_OUT.chars().count() + end.chars().count());
    match ends().find(|end| room(end).is_some()).or_else(|| ends().last()) {
        Some(end) => {
            let beginning: String = name.chars().take(room(end).unwrap_or_default()).collect();
            format!("{}{LEFT_OUT}{end}", beginning.trim_end()).into()
        }
        None => name.into(),
    }
}

/// Characters that two values may share at their beginning before it is left out.
const SHARED: usize = 16;

/// The values of a change without the words that both begin with, where these are long.
pub(crate) fn without_beginning<'v>(before: &'v str, now: &'v str) -> (Cow<'v, str>, Cow<'v, str>) {
    let same = before.char_indices().zip(now.chars()).take_while(|((_, a), b)| a == b);
    let end = same.last().map_or(0, |((at, c), _)| at + c.len_utf8());
    // one may be a beginning of the other
    let words = before[..end].trim_end_matches(|c: char| !c.is_whitespace()).trim_end();
    if words.chars().count() < SHARED {
        return (before.into(), now.into());
    }
    let rest = |value: &str| format!("…{}", &value[words.len()..]).into();
    (rest(before), rest(now))
}

#[cfg(test)]
mod tests {
    use super::{without_beginning, without_middle};

    #[test]
    fn a_name_that_is_too_long_keeps_its_end() {
        let name = "Attack Surface Reduction Rules > Rules > Block Win32 API calls";
        assert_eq!(without_middle(name, 80), name);
        assert_eq!(without_middle(name, 40), "Attack… > Rules > Block Win32 API calls");
        assert_eq!(without_middle(name, 30), "Attac… > Block Win32 API calls");
        assert_eq!(without_middle(name, 10), "… > Block Win32 API calls");
        assert_eq!(without_middle("Minimum password length", 10), "Minimum password length");
    }

    #[test]
    fn what_two_long_values_begin_with_alike_is_left_out() {
        let parted = |before: &str, now: &str| {
            let (before, now) = without_beginning(before, now);
            (before.into_owned(), now.into_owned())
        };
        let [one, two, three] = ["2802b872-ccfb-4b0b", "f6fadfa7-e5c1-4b62", "5a3c0c3e-0d6a-4f3f"];
        assert_eq!(
            parted(&format!("{one}; {two}"), &format!("{one}; {two}; {three}")),
            (format!("… {two}"), format!("… {two}; {three}"))
        );
        assert_eq!(parted("Block", "Audit"), ("Block".to_owned(), "Audit".to_owned()));
        assert_eq!(parted("12 hours", "12 days"), ("12 hours".to_owned(), "12 days".to_owned()));
        assert_eq!(parted("", "a long value that came"), (String::new(), "a long value that came".to_owned()));
    }
}
