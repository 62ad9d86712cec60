//! Durations, times and dates as Graph writes them, as people read them.

use chrono::{DateTime, NaiveTime, Timelike as _};

/// The least date of Graph's: nothing happens, or nothing has happened.
const NEVER: &str = "0001-01-01";

/// A duration (`PT12H`), time of day (`08:00:00.0000000`) or date in words; anything else is none.
pub(super) fn moment_words(value: &str) -> Option<String> {
    match value.as_bytes() {
        [b'P', ..] => duration(value),
        [_, _, b':', ..] => time_of_day(value),
        [_, _, _, _, b'-', ..] if value.starts_with(NEVER) => {
            let time = &value[NEVER.len()..];
            (time.is_empty() || time.starts_with("T00:00:00")).then(|| "Never".to_owned())
        }
        [_, _, _, _, b'-', _, _, b'-', _, _, b'T', ..] => {
            let time = DateTime::parse_from_rfc3339(value).ok()?.to_utc();
            let format = match time.num_seconds_from_midnight() {
                0 => "%Y-%m-%d",
                seconds if seconds % 60 == 0 => "%Y-%m-%d %H:%M UTC",
                _ => "%Y-%m-%d %H:%M:%S UTC",
            };
            Some(time.format(format).to_string())
        }
        _ => None,
    }
}

/// Whether a date or duration says that there is none.
pub(super) fn is_no_moment(value: &str) -> bool {
    match value.as_bytes() {
        [b'P', ..] => value.bytes().all(|byte| !(b'1'..=b'9').contains(&byte)) && duration(value).is_some(),
        [b'0', b'0', b'0', b'1', ..] => value.starts_with(NEVER),
        _ => false,
    }
}

/// An ISO 8601 duration, in the units that it was given in.
fn duration(value: &str) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    let mut nothing = None;
    let mut in_time = false;
    let mut rest = value.strip_prefix('P')?;
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            if in_time || time.is_empty() {
                return None;
            }
            (in_time, rest) = (true, time);
            continue;
        }
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (count, tail) = rest.split_at(digits);
        let unit = match (tail.chars().next()?, in_time) {
            ('Y', false) => "year",
            ('M', false) => "month",
            ('W', false) => "week",
            ('D', false) => "day",
            ('H', true) => "hour",
            ('M', true) => "minute",
            ('S', true) => "second",
            _ => return None,
        };
        rest = &tail[1..];
        if count.parse::<f64>().ok().filter(|count| count.is_finite())? == 0.0 {
            nothing = Some(format!("0 {unit}s"));
        } else {
            let whole = count.trim_start_matches('0');
            let count = if whole.starts_with('.') { &count[count.len() - whole.len() - 1..] } else { whole };
            words.push(format!("{count} {unit}{}", if count == "1" { "" } else { "s" }));
        }
    }
    if words.is_empty() { nothing } else { Some(words.join(" ")) }
}

/// `08:00:00.0000000` is `08:00`.
fn time_of_day(value: &str) -> Option<String> {
    let time = NaiveTime::parse_from_str(value, "%H:%M:%S%.f").ok()?;
    Some(time.format(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string())
}

#[cfg(test)]
mod tests {
    use super::{is_no_moment, moment_words};

    #[test]
    fn durations_times_and_dates_are_readable() {
        for (value, words) in [
            ("PT12H", "12 hours"),
            ("PT1H", "1 hour"),
            ("P90D", "90 days"),
            ("P1DT12H30M", "1 day 12 hours 30 minutes"),
            ("PT720M", "720 minutes"),
            ("PT0S", "0 seconds"),
            ("P0D", "0 days"),
            ("PT1.5S", "1.5 seconds"),
            ("PT00.5S", "0.5 seconds"),
            ("P1M", "1 month"),
            ("08:00:00.0000000", "08:00"),
            ("23:59:30", "23:59:30"),
            ("0001-01-01T00:00:00Z", "Never"),
            ("0001-01-01T00:00:00", "Never"),
            ("0001-01-01", "Never"),
            ("2026-03-01T00:00:00Z", "2026-03-01"),
            ("2026-03-01T18:00:00Z", "2026-03-01 18:00 UTC"),
            ("2025-09-30T13:38:39.7201956Z", "2025-09-30 13:38:39 UTC"),
            ("2026-03-01T18:00:00+02:00", "2026-03-01 16:00 UTC"),
        ] {
            assert_eq!(moment_words(value).as_deref(), Some(words), "{value}");
        }
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for value in [
            "P",
            "PT",
            "P1",
            "P1H",
            "PT1D",
            "P1DT",
            "PTT1H",
            "PDF",
            "P.D",
            "P1..5D",
            "Pä",
            "Password",
            "25:00:00",
            "12:34",
            "aa:bb:cc:dd:ee:ff",
            "10:20:30:40:50:60",
            "2026-13-01T00:00:00Z",
            "2026-03-01",
            "0001-01-01T10:00:00Z",
            "äb-c",
            "äää-a",
            "",
            "€:",
        ] {
            assert_eq!(moment_words(value), None, "{value}");
        }
    }

    #[test]
    fn nothing_is_told_from_something() {
        assert!(["PT0S", "P0D", "0001-01-01T00:00:00Z"].into_iter().all(is_no_moment));
        assert!(!["PT10S", "P", "Potato", "2026-01-01", "00:00:00"].into_iter().any(is_no_moment));
    }
}
