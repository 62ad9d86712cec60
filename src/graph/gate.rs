//! One tenant's gate: while Graph asked for a pause, none of the tenant's requests goes out.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Closed until a point in time, open otherwise.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed_until: Mutex<Option<Instant>>,
}

impl Gate {
    /// Closes the gate for that long from now; a longer pause already asked for stands.
    pub(super) fn close(&self, pause: Duration) {
        if pause.is_zero() {
            return;
        }
        let until = Instant::now() + pause;
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |before| before.max(until)));
    }

    /// Until when the gate is closed, if it is.
    pub(super) fn closed_until(&self) -> Option<Instant> {
        self.closed_until.lock().unwrap_or_else(PoisonError::into_inner).filter(|until| *until > Instant::now())
    }
}
