//! What becomes of jobs that have ended, and of those that could not begin.

use std::time::{Duration, Instant};

use tokio::task::{Id, JoinError};

use super::{InHand, Shift};
use crate::{
    queue::{Fate, Refused, Settled},
    worker::{Outcome, Retry, WorkerEvent},
};

/// How soon a job comes back that someone else's sync of the tenant keeps from beginning.
const BUSY_PAUSE: Duration = Duration::from_secs(5);
/// How soon a job comes back that could not begin for want of what all jobs need.
const NOT_READY_PAUSE: Duration = Duration::from_secs(1);
/// How long a job tries alone after a pause.
const SLOW_TRY: Duration = Duration::from_secs(15);
/// The longest pause of a worker whose jobs cannot begin.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

/// A time without new jobs, and then with one to see.
pub(super) struct Hold {
    pub(super) until: Instant,
    pause: Duration,
    /// What was missing is there. A job that still ends for want of it makes the next pause longer.
    pub(super) disproved: bool,
}

impl Hold {
    /// How many jobs may try after the pause, until one has shown that what was missing is there: one is enough, and one
    /// more where it takes long.
    pub(super) fn tries(&self) -> usize {
        let more = self.until.elapsed().as_secs() / SLOW_TRY.as_secs();
        usize::try_from(more).unwrap_or(usize::MAX).saturating_add(1)
    }
}

impl Shift {
    /// What becomes of a job that has ended.
    pub(super) fn ended(&mut self, ended: Result<(Id, Outcome), JoinError>) {
        let (id, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                let outcome = Outcome::Failed {
                    error: format!("an internal error ended the job: {error}"),
                    causes: Vec::new(),
                    retry: Retry::After(Duration::ZERO),
                };
                (error.id(), outcome)
            }
        };
        let Some(InHand { claim, since }) = self.in_hand.remove(&id) else { return };
        let took = since.elapsed();
        let mut settings = None;
        let fate = match outcome {
            Outcome::Done { settings: now } => {
                settings = Some(now);
                self.tally.completed += 1;
                self.tell(&WorkerEvent::Completed { job: &claim.job, took, settings: now });
                self.release_hold();
                Fate::Done
            }
            Outcome::Failed { error, causes, retry } => {
                let retry_after = self.options().retry.pause(claim.job.attempt, retry);
                self.tally.failed += u64::from(retry_after.is_none());
                let (error, causes) = (error.as_str(), causes.as_slice());
                self.tell(&WorkerEvent::Failed { job: &claim.job, took, error, causes, retry_after });
                self.release_hold();
                match retry_after {
                    Some(after) => Fate::Retry { after, error: error.to_owned() },
                    None => Fate::Dead { error: error.to_owned() },
                }
            }
            Outcome::Busy { reason } => {
                self.tell(&WorkerEvent::PutOff { job: &claim.job, reason: &reason });
                self.release_hold();
                Fate::Later { after: BUSY_PAUSE }
            }
            Outcome::NotReady { error } => {
                self.tell(&WorkerEvent::PutOff { job: &claim.job, reason: &error });
                self.hold(&error);
                Fate::Later { after: NOT_READY_PAUSE }
            }
            Outcome::Stopped => {
                self.tell(&WorkerEvent::Returned { job: &claim.job });
                Fate::Back
            }
        };
        if let Fate::Retry { after, .. } | Fate::Later { after } = fate {
            self.maintain_within(after);
        }
        self.settled.push(Settled { claim, fate, took, settings });
    }

    /// Takes no jobs for a while. Those that began together fail together, which counts once.
    fn hold(&mut self, error: &str) {
        let pause = match &self.hold {
            Some(hold) if hold.until > Instant::now() => return,
            Some(hold) => (hold.pause * 2).min(LONGEST_HOLD),
            None => NOT_READY_PAUSE,
        };
        self.hold = Some(Hold { until: Instant::now() + pause, pause, disproved: false });
        self.worker.health.holds(Some(error));
        self.tell(&WorkerEvent::Holding { error, pause });
    }

    /// A job has found what was missing. One that began before the pause says nothing: it must not cut that short.
    pub(super) fn disprove_hold(&mut self) {
        let since = *self.ready.borrow_and_update();
        let is_after = |hold: &&mut Hold| since.is_some_and(|since| since >= hold.until);
        if let Some(hold) = self.hold.as_mut().filter(is_after) {
            hold.disproved = true;
            self.worker.health.holds(None);
        }
    }

    fn release_hold(&mut self) {
        if self.hold.take().is_some() {
            self.worker.health.holds(None);
        }
    }

    pub(super) fn refused(&mut self, refused: &Refused) {
        self.tally.failed += 1;
        let tenant = refused.tenant.as_deref();
        self.tell(&WorkerEvent::Refused { job_id: &refused.job_id, tenant, error: &refused.error });
    }
}
