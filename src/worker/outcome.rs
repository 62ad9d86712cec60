//! What a handler says of a job, and when one that failed is tried again.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Told by a handler as soon as what all jobs need is there. A worker that took none for want of it, and then one to
/// see, takes as many as it may again before that one has ended.
#[derive(Debug, Clone, Default)]
pub struct Ready(watch::Sender<Option<Instant>>);

impl Ready {
    /// It is there for a job that began at `since`. One that began before it was missed says nothing.
    pub fn tell(&self, since: Instant) {
        self.0.send_if_modified(|latest| {
            let is_later = latest.is_none_or(|latest| latest < since);
            if is_later {
                *latest = Some(since);
            }
            is_later
        });
    }

    /// When the job began that began last of those that told it.
    pub(super) fn latest(&self) -> watch::Receiver<Option<Instant>> {
        self.0.subscribe()
    }
}

/// What became of an attempt.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// Done.
    Done {
        /// Settings that the tenant has now.
        settings: u64,
    },
    /// Failed.
    Failed {
        /// Why, in one line.
        error: String,
        /// What lies behind it, the nearest cause first.
        causes: Vec<String>,
        /// Whether another attempt may help.
        retry: Retry,
    },
    /// Someone else is at it: the tenant's turn comes later.
    Busy {
        /// Who, or what.
        reason: String,
    },
    /// What every job needs is not there: no job is taken for a while.
    NotReady {
        /// What, and why.
        error: String,
    },
    /// The worker's stop ended it.
    Stopped,
}

/// Whether another attempt may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail in the same way.
    Never,
    /// It may, though not sooner than that.
    After(Duration),
}

/// When and how often a job is tried again.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub attempts: u32,
    /// The longest pause after the first attempt; each further one doubles it.
    pub base: Duration,
    /// The longest pause of all.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, base: Duration::from_secs(10), longest: Duration::from_mins(15) }
    }
}

impl RetryPolicy {
    /// The pause after attempt number `attempt`; `None` when that was the last one. Exponential with full jitter, so
    /// that what failed together does not come back together.
    pub fn pause(&self, attempt: u32, retry: Retry) -> Option<Duration> {
        let Retry::After(least) = retry else { return None };
        if attempt >= self.attempts {
            return None;
        }
        let most = self.base.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(self.longest);
        Some(most.mul_f64(rand::random::<f64>()).max(self.base / 10).max(least))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Retry, RetryPolicy};

    #[test]
    fn pauses_grow_to_a_bound_and_never_undercut_what_graph_asked_for() {
        let policy = RetryPolicy::default();
        for attempt in 1..5 {
            for _ in 0..100 {
                let pause = policy.pause(attempt, Retry::After(Duration::ZERO)).unwrap();
                assert!(pause >= Duration::from_secs(1) && pause <= Duration::from_secs(10 << (attempt - 1)));
                let asked = Duration::from_mins(20);
                assert_eq!(policy.pause(attempt, Retry::After(asked)), Some(asked));
            }
        }
    }

    #[test]
    fn the_last_attempt_and_the_hopeless_one_are_not_repeated() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.pause(5, Retry::After(Duration::ZERO)), None);
        assert_eq!(policy.pause(1, Retry::Never), None);
    }
}
