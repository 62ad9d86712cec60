//! What happens in a worker, told as it happens: the library never prints.

use std::time::Duration;

use crate::queue::Job;

/// Something that happened in a worker.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerEvent<'e> {
    /// Redis answers, at the start or again.
    Connected {
        /// Its address without the password.
        address: &'e str,
        /// Its version.
        version: &'e str,
        /// How long it was gone; `None` at the start.
        after: Option<Duration>,
    },
    /// Redis may throw jobs away when it is full.
    MayEvict {
        /// Its `maxmemory-policy`.
        policy: &'e str,
    },
    /// Redis does not answer. Told once, until it does.
    Disconnected {
        /// Why.
        error: &'e str,
    },
    /// Redis answers and does not do what is asked. Told once, until it does.
    Hindered {
        /// Why.
        error: &'e str,
    },
    /// Someone paused the queue, or resumed it.
    Paused(bool),
    /// A job begins.
    Started {
        /// The job.
        job: &'e Job,
    },
    /// A job is done.
    Completed {
        /// The job.
        job: &'e Job,
        /// How long it took.
        took: Duration,
        /// Settings that the tenant has now.
        settings: u64,
    },
    /// An attempt failed.
    Failed {
        /// The job.
        job: &'e Job,
        /// How long it took.
        took: Duration,
        /// Why, in one line.
        error: &'e str,
        /// What lies behind it, the nearest cause first.
        causes: &'e [String],
        /// When it is tried again; `None` when it is dead.
        retry_after: Option<Duration>,
    },
    /// A job could not begin, and comes again. The attempt does not count.
    PutOff {
        /// The job.
        job: &'e Job,
        /// Why.
        reason: &'e str,
    },
    /// A job was stopped with the worker, and is taken next by another one.
    Returned {
        /// The job.
        job: &'e Job,
    },
    /// Something in the list is no job, or too many workers died with it.
    Refused {
        /// Its id; one of ours where it had none.
        job_id: &'e str,
        /// Its tenant, where it has one.
        tenant: Option<&'e str>,
        /// Why.
        error: &'e str,
    },
    /// A job was not in this worker's hands any more when it was done: it runs, or ran, twice.
    Late {
        /// Its id.
        job_id: &'e str,
    },
    /// Jobs whose answer was lost on the way to this worker went back into the list.
    Strayed {
        /// How many.
        jobs: usize,
    },
    /// Jobs of workers that are gone were taken back.
    Rescued {
        /// How many.
        jobs: usize,
    },
    /// No jobs are taken for a while: what all of them need is not there.
    Holding {
        /// Why.
        error: &'e str,
        /// For how long.
        pause: Duration,
    },
    /// The worker stops: nothing new is taken.
    Stopping {
        /// Jobs in hand.
        in_hand: usize,
    },
}

/// Takes events, and returns soon.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, event: &WorkerEvent<'_>);
}
