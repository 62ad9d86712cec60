//! A token bucket: no 20 seconds see more requests than the rate allows.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Graph counts requests over this long.
const WINDOW: Duration = Duration::from_secs(20);

/// The pace of one tenant.
#[derive(Debug)]
pub(super) struct Bucket {
    burst: f64,
    per_second: f64,
    level: Mutex<Level>,
}

/// What was in the bucket at a time; below zero it is owed by those that wait.
#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A bucket for a rate per 20 seconds. Burst and refill share the rate, so that it holds for every window.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        let burst = (rate / 10).max(20).min(rate.div_ceil(2)).max(1);
        let refill = f64::from(rate.saturating_sub(burst).max(1));
        let burst = f64::from(burst);
        Self { burst, per_second: refill / WINDOW.as_secs_f64(), level: Mutex::new(Level { tokens: burst, at: now }) }
    }

    /// The most requests that may go out at once.
    pub(super) fn burst(&self) -> usize {
        // At most a tenth of a u32, and never negative.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by construction")]
        let burst = self.burst as usize;
        burst
    }

    /// Takes tokens for requests and tells how long to wait before sending them.
    pub(super) fn take(&self, requests: u32, now: Instant) -> Duration {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.saturating_duration_since(level.at).as_secs_f64() * self.per_second;
        level.tokens = (level.tokens + gained).min(self.burst) - f64::from(requests);
        level.at = level.at.max(now);
        if level.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-level.tokens / self.per_second) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as fast as the bucket lets, and gives the most requests that any window held.
    fn busiest_window(rate: u32, cost: u32) -> u32 {
        let start = Instant::now();
        let bucket = Bucket::new(rate, start);
        let mut now = start;
        let mut sent: Vec<(Instant, u32)> = Vec::new();
        while now < start + WINDOW * 3 {
            now += bucket.take(cost, now);
            sent.push((now, cost));
            now += Duration::from_micros(100);
        }
        let in_window =
            |from: Instant| sent.iter().filter(|(at, _)| (from..from + WINDOW).contains(at)).map(|(_, n)| n).sum();
        sent.iter().map(|(from, _)| in_window(*from)).max().unwrap()
    }

    #[test]
    fn no_window_holds_more_requests_than_the_rate() {
        for (rate, cost) in [(500, 1), (500, 20), (100, 20), (40, 20), (7, 1), (1000, 7)] {
            let busiest = busiest_window(rate, cost);
            assert!(busiest <= rate, "{busiest} of {rate} in batches of {cost}");
            assert!(busiest * 2 >= rate, "only {busiest} of {rate} in batches of {cost}");
        }
    }
}
