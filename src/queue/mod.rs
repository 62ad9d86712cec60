//! The queue of jobs: a Redis list that loses nothing.
//!
//! A job is in one place at a time: it waits (`wait`, `delayed`), is in a worker's hands (`proc:<worker>`) or lies
//! dead (`dead`). Every move is one command or one script, so no crash falls between two places. A worker that
//! is gone is known by its heartbeat; any other one gives its jobs back. The promise is at least once: a sync
//! that runs twice does no harm, one that is lost does.
//!
//! Keys begin with `tenantpilot:{intune-sync-queue}:`; the hash tag keeps them in one slot of a cluster. Times are
//! milliseconds by the server's clock, never by that of a worker.

mod address;
mod admin;
mod blocker;
mod connection;
mod error;
mod hands;
mod job;
mod requests;
mod scripts;

use std::time::Duration;

pub use address::{RedisUrl, RedisUrlError};
pub use admin::{JobState, JobView, QueueStatus, WorkerView};
pub use blocker::Blocker;
pub use connection::{Queue, Server};
pub use error::QueueError;
pub use hands::{Beat, Claim, Fate, Hands, Maintained, Refused, Settled, Turn};
pub use job::{Job, Unreadable};
pub use requests::{Enqueued, Priority, Request};

/// The queue's name, as `enqueue --json` tells it.
pub const NAME: &str = "intune-sync-queue";

/// What all keys begin with.
const PREFIX: &str = "tenantpilot:{intune-sync-queue}:";

/// A worker that has not been heard of for so long is gone.
pub const WORKER_LIFE: Duration = Duration::from_secs(30);

/// How long a tenant stays marked as having a job that runs, when nobody renews it.
const ACTIVE_LIFE: Duration = Duration::from_mins(1);

/// How long a job waits for another one of its tenant, before it is looked at again.
const ACTIVE_PAUSE: Duration = Duration::from_secs(3);

/// How long the name of a worker that is gone is kept: its list is looked at so long.
const NAME_KEPT: Duration = Duration::from_mins(10);

/// Dead jobs that are kept.
const MAX_DEAD: usize = 10_000;

/// Outcomes that are kept.
const MAX_RECENT: usize = 1_000;

/// A job whose workers died so often is not tried again.
pub const MAX_DELIVERIES: u32 = 5;
