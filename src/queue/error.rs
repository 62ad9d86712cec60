//! Why the queue could not be asked.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Longest text of Redis that a message repeats.
const MAX_TEXT: usize = 200;

/// Why something could not be done with the queue. Messages are one line without secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// Nobody answers at the address, or the connection broke.
    #[error("cannot reach Redis at {address}: {reason}")]
    Unreachable {
        /// The address without its password.
        address: String,
        /// The innermost cause.
        reason: String,
    },
    /// The user or the password is wrong, or missing.
    #[error("Redis at {address} refuses the user or the password: {reason}")]
    Refused {
        /// The address without its password.
        address: String,
        /// What Redis said.
        reason: String,
    },
    /// Redis is older than 6.2, which has neither `BLMOVE` nor `LMOVE`.
    #[error("Redis at {address} is version {version}, and 6.2 is the oldest that the queue works with")]
    TooOld {
        /// The address without its password.
        address: String,
        /// Its version.
        version: String,
    },
    /// Redis has reached `maxmemory`, and may not evict.
    #[error("Redis at {address} is full: it has reached `maxmemory`")]
    Full {
        /// The address without its password.
        address: String,
    },
    /// Any other refusal.
    #[error("Redis at {address} failed to {what}: {reason}")]
    Command {
        /// What was asked of it.
        what: &'static str,
        /// The address without its password.
        address: String,
        /// What Redis said.
        reason: String,
    },
    /// A job that is nowhere in the queue.
    #[error("there is no job `{id}` that waits, runs or lies dead")]
    UnknownJob {
        /// Its id.
        id: String,
    },
    /// A job that is in a worker's hands.
    #[error("job `{id}` is running on worker `{worker}`")]
    Running {
        /// Its id.
        id: String,
        /// Who runs it.
        worker: String,
    },
    /// A dead entry that never was a job.
    #[error("entry `{id}` is no job that could be tried again")]
    NoJob {
        /// Its id.
        id: String,
    },
    /// A job that is not dead and needs no retry.
    #[error("job `{id}` is not dead: it waits already")]
    NotDead {
        /// Its id.
        id: String,
    },
}

impl QueueError {
    pub(super) fn of(address: &str, what: &'static str, error: &RedisError) -> Self {
        let address = address.to_owned();
        let reason = one_line(&detail(error));
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Refused { address, reason },
            _ if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => Self::Refused { address, reason },
            _ if error.code() == Some("OOM") || reason.contains("OOM command not allowed") => Self::Full { address },
            // a primary that was demoted keeps its connections: a new one may lead to the primary of today
            ErrorKind::Server(
                ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown | ServerErrorKind::ReadOnly,
            ) => Self::Unreachable { address, reason },
            _ if reason.contains("READONLY") => Self::Unreachable { address, reason },
            ErrorKind::Io => Self::Unreachable { address, reason },
            _ if error.is_connection_dropped() || error.is_timeout() => Self::Unreachable { address, reason },
            _ => Self::Command { what, address, reason },
        }
    }

    /// Whether a new connection may help.
    pub fn is_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { .. })
    }
}

fn detail(error: &RedisError) -> String {
    // the client's `Display` repeats the kind before what the server or the system said
    error.detail().map_or_else(|| error.to_string(), str::to_owned)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_TEXT).collect()
}
