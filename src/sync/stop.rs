//! What ends a run early: its user, or its time.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::SyncError;
use crate::store::StoreError;

/// How long the database may take to write what it was given before the run's end.
const GRACE: Duration = Duration::from_secs(10);

/// Ends a run when its user or its time says so. Dropping it ends the timer.
pub(super) struct Stop {
    /// Cancelled by either.
    pub(super) token: CancellationToken,
    /// What the run is allowed.
    pub(super) longest: Duration,
    user: CancellationToken,
    deadline: Instant,
    /// When the run's end was first seen.
    ended: OnceLock<tokio::time::Instant>,
    _timer: DropGuard,
}

impl Stop {
    pub(super) fn new(user: CancellationToken, longest: Duration) -> Self {
        let deadline = Instant::now() + longest;
        let token = user.child_token();
        let ended = CancellationToken::new();
        let (cancelled, over) = (token.clone(), ended.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(longest) => cancelled.cancel(),
                () = over.cancelled() => (),
            }
        });
        Self { token, longest, user, deadline, ended: OnceLock::new(), _timer: ended.drop_guard() }
    }

    /// Does what has no end of its own that is near enough; fails where the run ends before.
    pub(super) async fn bounds<T>(&self, work: impl Future<Output = T>) -> Result<T, SyncError> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(self.reason()),
            done = work => Ok(done),
        }
    }

    /// Waits for a thread that asks the database. After the run's end it has [`GRACE`]: what is being written shall be
    /// written, but a server that has frozen, or a table that somebody has locked, answers no more. The thread is left to
    /// itself then, with the tenant's lock: it ends with the process, or when the database answers.
    pub(super) async fn database<T>(&self, asking: JoinHandle<T>) -> Result<T, SyncError> {
        let over = async {
            self.token.cancelled().await;
            tokio::time::sleep_until(*self.ended.get_or_init(tokio::time::Instant::now) + GRACE).await;
        };
        tokio::select! {
            biased;
            done = asking => Ok(done?),
            () = over => Err(if self.by_user() {
                SyncError::Interrupted
            } else {
                StoreError::NoAnswer { longest: self.longest }.into()
            }),
        }
    }

    /// Why the run ends early.
    pub(super) fn reason(&self) -> SyncError {
        if self.by_user() { SyncError::Interrupted } else { SyncError::Timeout { longest: self.longest } }
    }

    /// What is left of its time.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the user has stopped it.
    pub(super) fn by_user(&self) -> bool {
        self.user.is_cancelled()
    }

    /// Whether its time is over.
    pub(super) fn timed_out(&self) -> bool {
        self.token.is_cancelled() && !self.by_user() && Instant::now() >= self.deadline
    }
}
