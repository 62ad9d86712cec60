//! When a request is tried again and how long after: what Graph says, else exponential backoff with full jitter.

use std::time::{Duration, SystemTime};

/// Bounds of trying again. A value, so that tests need not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first included.
    pub tries: u32,
    /// Tries in all where more is little use: timeouts, and a host that never answered yet.
    pub short_tries: u32,
    /// The first backoff is up to this long, each further one up to twice as long.
    pub base: Duration,
    /// Longest backoff.
    pub max_backoff: Duration,
    /// A `Retry-After` is honoured up to this long at a time.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 8,
            short_tries: 3,
            base: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            max_retry_after: Duration::from_mins(5),
        }
    }
}

impl RetryPolicy {
    /// The same number of tries without any backoff; a `Retry-After` is still honoured.
    pub fn immediate() -> Self {
        Self { base: Duration::ZERO, max_backoff: Duration::ZERO, ..Self::default() }
    }

    /// The backoff after the given number of tries: anywhere from nothing to the bound, so that clients spread.
    pub(super) fn backoff(&self, tries: u32) -> Duration {
        let bound = self.base.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(self.max_backoff);
        bound.mul_f64(rand::random::<f64>())
    }

    /// The wait that a `Retry-After` header asks for, cut to the bound.
    pub(super) fn retry_after(&self, header: Option<&str>, now: SystemTime) -> Option<Duration> {
        Some(asked_wait(header, now)?.min(self.max_retry_after))
    }
}

/// The wait that a `Retry-After` header asks for, in seconds or until a date.
pub(super) fn asked_wait(header: Option<&str>, now: SystemTime) -> Option<Duration> {
    let header = header?.trim();
    Some(match header.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX),
        Err(_) => httpdate::parse_http_date(header).ok()?.duration_since(now).unwrap_or_default(),
    })
}

/// Whether the same request may succeed a little later.
pub(super) fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 423 | 429 | 500 | 502 | 503 | 504 | 509)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_cut_to_the_bound() {
        let policy = RetryPolicy::default();
        let now = httpdate::parse_http_date("Mon, 02 Nov 2026 10:00:00 GMT").unwrap();
        let read = |header| policy.retry_after(Some(header), now);
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Mon, 02 Nov 2026 10:00:09 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(read("Mon, 02 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("86400"), Some(Duration::from_mins(5)));
        assert_eq!(read("1e300"), Some(Duration::from_mins(5)));
        assert_eq!(read("soon"), None);
        assert_eq!(policy.retry_after(None, now), None);
    }

    #[test]
    fn the_backoff_grows_to_its_bound_and_no_further() {
        let policy = RetryPolicy::default();
        for tries in 1..40 {
            let bound = policy.base.saturating_mul(1 << (tries - 1).min(16)).min(policy.max_backoff);
            assert!(policy.backoff(tries) <= bound);
        }
        let longest = (0..200).map(|_| policy.backoff(30)).max().unwrap();
        assert!(longest > policy.max_backoff / 2, "{longest:?}");
    }
}
