//! Whether a worker works: what its loop notes down, and how that is judged.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::queue::QueueStatus;

/// The loop turns at every heartbeat, each 10 s, if nothing else happens.
const LOOP_STANDS_STILL: Duration = Duration::from_secs(30);

/// The queue is looked at every 2 s as long as there are free slots.
const NOTHING_TAKEN: Duration = Duration::from_secs(15);

/// What a worker's loop tells of itself.
#[derive(Debug)]
pub struct Health {
    notes: Mutex<Notes>,
}

#[derive(Debug)]
struct Notes {
    concurrency: usize,
    in_hand: usize,
    stopping: bool,
    /// Why Redis cannot be used.
    redis: Option<String>,
    /// Why no job can run.
    holding: Option<String>,
    last_turn: Instant,
    last_look: Instant,
    last_claim: Option<Instant>,
}

impl Health {
    /// Of a worker that has not reached Redis yet.
    pub(super) fn new(concurrency: usize) -> Self {
        Self {
            notes: Mutex::new(Notes {
                concurrency,
                in_hand: 0,
                stopping: false,
                redis: Some("Redis has not been reached yet".to_owned()),
                holding: None,
                last_turn: Instant::now(),
                last_look: Instant::now(),
                last_claim: None,
            }),
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn redis_answers(&self) {
        self.notes().redis = None;
    }

    pub(super) fn redis_failed(&self, error: &str) {
        self.notes().redis = Some(error.to_owned());
    }

    pub(super) fn holds(&self, error: Option<&str>) {
        self.notes().holding = error.map(str::to_owned);
    }

    pub(super) fn turned(&self, in_hand: usize, stopping: bool) {
        let mut notes = self.notes();
        (notes.in_hand, notes.stopping) = (in_hand, stopping);
        notes.last_turn = Instant::now();
    }

    /// The queue was looked at for jobs, and `claimed` tells whether there was one.
    pub(super) fn looked(&self, claimed: bool) {
        let mut notes = self.notes();
        notes.last_look = Instant::now();
        if claimed {
            notes.last_claim = Some(Instant::now());
        }
    }

    /// Jobs in hand.
    pub fn in_hand(&self) -> usize {
        self.notes().in_hand
    }

    /// How long ago a job was taken last; `None` where none has been.
    pub fn since_last_claim(&self) -> Option<Duration> {
        self.notes().last_claim.map(|claimed| claimed.elapsed())
    }

    /// Whether the loop turns; an error is the reason why a supervisor should start the worker anew.
    pub fn is_alive(&self) -> Result<(), String> {
        let still = self.notes().last_turn.elapsed();
        if still > LOOP_STANDS_STILL {
            return Err(format!("the worker's loop has stood still for {} s", still.as_secs()));
        }
        Ok(())
    }

    /// Whether jobs can be taken and run.
    pub fn is_ready(&self) -> Result<(), String> {
        self.is_alive()?;
        let notes = self.notes();
        if notes.stopping {
            return Err("the worker is stopping".to_owned());
        }
        match notes.redis.as_ref().or(notes.holding.as_ref()) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Whether the worker does what it should, given what the queue holds.
    pub fn judge(&self, queue: &QueueStatus) -> Result<(), String> {
        self.is_alive()?;
        let notes = self.notes();
        if let Some(error) = notes.redis.as_ref().or(notes.holding.as_ref()) {
            return Err(error.clone());
        }
        let idle = notes.last_look.elapsed();
        let free = notes.concurrency.saturating_sub(notes.in_hand);
        if queue.waiting > 0 && free > 0 && !queue.paused && !notes.stopping && idle > NOTHING_TAKEN {
            return Err(format!("jobs wait, slots are free, and the queue was not looked at for {} s", idle.as_secs()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Health;
    use crate::queue::QueueStatus;

    fn queue(waiting: u64, paused: bool) -> QueueStatus {
        QueueStatus { paused, waiting, ..QueueStatus::default() }
    }

    fn long_ago() -> Instant {
        Instant::now().checked_sub(Duration::from_mins(1)).unwrap()
    }

    #[test]
    fn a_worker_that_takes_nothing_although_jobs_wait_is_unhealthy() {
        let health = Health::new(2);
        health.redis_answers();
        health.turned(1, false);
        health.notes().last_look = long_ago();
        assert!(health.judge(&queue(3, false)).unwrap_err().contains("not looked at"));
        assert_eq!(health.judge(&queue(0, false)), Ok(()));
        assert_eq!(health.judge(&queue(3, true)), Ok(()));
        health.turned(2, false);
        assert_eq!(health.judge(&queue(3, false)), Ok(()));
    }

    #[test]
    fn a_loop_that_stands_still_is_unhealthy_whatever_the_queue() {
        let health = Health::new(1);
        health.redis_answers();
        health.notes().last_turn = long_ago();
        assert!(health.judge(&queue(0, false)).unwrap_err().contains("stood still"));
        assert!(health.is_ready().is_err());
    }
}
