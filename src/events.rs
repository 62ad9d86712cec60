//! What happens during a sync, told as it happens: the library never prints.

use std::time::Duration;

use crate::{policy::TenantId, report::Problem};

/// Something that happened during a tenant's sync.
#[derive(Debug)]
#[non_exhaustive]
pub enum SyncEvent<'e> {
    /// A sync began.
    TenantStarted,
    /// The tenant's lock is held by another sync, which is waited for.
    WaitingForLock,
    /// A kind's first page is asked for.
    KindStarted {
        /// Slug.
        kind: &'static str,
    },
    /// Policies were read and flattened, or found unchanged.
    PoliciesRead {
        /// Slug.
        kind: &'static str,
        /// How many more.
        policies: u64,
        /// How many settings they have.
        settings: u64,
    },
    /// Rows were written.
    RowsWritten {
        /// How many more policies are safe.
        policies: u64,
    },
    /// Official names of settings are read, which may take a while.
    ReadingNames {
        /// Of how many settings; none where it is done.
        settings: usize,
    },
    /// Graph asked for patience.
    Throttled {
        /// How long all requests of the tenant wait.
        wait: Duration,
    },
    /// A file or policy was not taken, or came incomplete.
    Problem(&'e Problem),
    /// A kind is done with.
    KindFinished {
        /// Slug.
        kind: &'static str,
        /// Whether its list was read to its end.
        listed: bool,
    },
}

/// Takes events, from any thread, and returns soon.
pub trait Reporter: Send + Sync {
    /// Something happened in the sync of `tenant`.
    fn report(&self, tenant: &TenantId, event: &SyncEvent<'_>);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: &TenantId, _: &SyncEvent<'_>) {}
}
