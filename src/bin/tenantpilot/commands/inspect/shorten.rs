//! What is left out of cells of tables, so that what tells rows apart can be seen.

use std::borrow::Cow;

/// A name of which the middle is left out as far as it is too long: its end tells it from others,
/// `Attack Surface Re… > Block Win32 API calls`.
pub(super) fn without_middle(name: &str, width: usize) -> Cow<'_, str> {
    const LEFT_OUT: &str = "… > ";
    if name.chars().count() <= width {
        return name.into();
    }
    let ends = || name.match_indices(" > ").map(|(at, parted)| (at, &name[at + parted.len()..]));
    let room = |end: &str| width.checked_sub(LEFT_OUT.chars().count() + end.chars().count());
    match ends().find(|(_, end)| room(end).is_some()).or_else(|| ends().last()) {
        Some((at, end)) => {
            let (above, room) = (&name[..at], room(end).unwrap_or_default());
            // of a long part in front of the end the last letters are what differs
            let (first, last) = if room < FOR_BOTH { (room, 0) } else { (room - room / 2, room / 2) };
            let first: String = above.chars().take(first).collect();
            let last = above.char_indices().rev().take(last).last().map_or("", |(at, _)| &above[at..]);
            let parted = if last.is_empty() { LEFT_OUT.to_owned() } else { format!("…{} > ", last.trim_start()) };
            format!("{}{parted}{end}", first.trim_end()).into()
        }
        None => name.into(),
    }
}

/// Characters that are enough to show both the first and the last of something.
const FOR_BOTH: usize = 16;

/// Characters that two values may share at their beginning before it is left out.
const SHARED: usize = 16;

/// Characters of what they share that are shown where no word begins.
const SHOWN: usize = 8;

/// Characters of a word that is shown whole: an id has 36.
const LONGEST_WORD: usize = 40;

/// The values of a change without what both begin with, up to the word in which they part, where that is long.
pub(crate) fn without_beginning<'v>(before: &'v str, now: &'v str) -> (Cow<'v, str>, Cow<'v, str>) {
    let same: Vec<usize> =
        before.char_indices().zip(now.chars()).take_while(|((_, a), b)| a == b).map(|((at, _), _)| at).collect();
    let end = same.last().map_or(0, |at| at + before[*at..].chars().next().map_or(0, char::len_utf8));
    let last = |is: fn(char) -> bool, within: usize| {
        let (at, mark) = before[..end].char_indices().rev().take(within).find(|(_, c)| is(*c))?;
        Some(at + mark.len_utf8())
    };
    let word = last(char::is_whitespace, LONGEST_WORD).or_else(|| last(|c| !c.is_alphanumeric(), SHARED));
    let near = same.len().checked_sub(SHOWN).map_or(0, |at| same[at]);
    // one may be a beginning of the other
    let cut = word.unwrap_or(near);
    if before[..cut].chars().count() < SHARED {
        return (before.into(), now.into());
    }
    let rest = |value: &str| format!("…{}", &value[cut..]).into();
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
        let rule = |what: &str| format!("Rules > Contoso - Block SMB {what} internet > Action");
        assert_eq!(without_middle(&rule("outbound to"), 36), "Rules > Conto…d to internet > Action");
        assert_eq!(without_middle(&rule("inbound from"), 36), "Rules > Conto…from internet > Action");
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
            (format!("…{two}"), format!("…{two}; {three}"))
        );
        let page = |year: &str| format!("https://contoso.sharepoint.com/sites/intranet/Start-{year}.aspx");
        assert_eq!(parted(&page("2025"), &page("2026")), ("…2025.aspx".to_owned(), "…2026.aspx".to_owned()));
        let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";
        assert_eq!(
            parted(&format!("{hash}1"), &format!("{hash}2")),
            ("…a3bf4f1b1".to_owned(), "…a3bf4f1b2".to_owned())
        );
        assert_eq!(parted("Block", "Audit"), ("Block".to_owned(), "Audit".to_owned()));
        assert_eq!(parted("12 hours", "12 days"), ("12 hours".to_owned(), "12 days".to_owned()));
        assert_eq!(parted("", "a long value that came"), (String::new(), "a long value that came".to_owned()));
    }
}
