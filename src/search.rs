//! Folding of text for searches: one rule for both databases, whatever their locales.

/// The text with its case folded: `Ä` and `ä`, `ß` and `SS`, `Σ` and `ς` are found by each other.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // down, up and down again, character by character: a final sigma folds as any other, `ẞ` as `ß`
    text.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// A LIKE pattern, escaped by `\`, for texts that hold `needle` anywhere.
pub fn containing(needle: &str) -> String {
    let mut pattern = String::from("%");
    for c in folded(needle).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::{containing, folded};

    #[test]
    fn case_folds_beyond_ascii() {
        for (a, b) in [("BitLocker", "BITLOCKER"), ("Größe", "GRÖSSE"), ("ΟΔΟΣ", "οδος"), ("Привет", "пРИВЕТ")]
        {
            assert_eq!(folded(a), folded(b));
        }
    }

    #[test]
    fn a_needle_is_no_pattern() {
        assert_eq!(containing("100%_\\"), r"%100\%\_\\%");
    }
}
