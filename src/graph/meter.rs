//! What requests cost: counted per kind, and told while it happens.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// Counts of one kind, or of whatever shares the meter.
#[derive(Debug, Default)]
pub struct Meter {
    requests: AtomicU64,
    throttled: AtomicU64,
    waits: Mutex<Waits>,
    waiting: watch::Sender<Option<Instant>>,
}

/// Waits that overlap count once, so that the time waited never exceeds the time passed.
#[derive(Debug, Default)]
struct Waits {
    waiters: usize,
    since: Option<Instant>,
    done: Duration,
}

impl Meter {
    /// A meter at zero.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// HTTP requests sent to Graph; a `$batch` is one.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Answers with status 429, those inside a `$batch` among them.
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Time during which at least one request was held back because Graph throttled or failed.
    pub fn waited(&self) -> Duration {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.done + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// [`Meter::waited`] in milliseconds.
    pub fn waited_ms(&self) -> u64 {
        u64::try_from(self.waited().as_millis()).unwrap_or(u64::MAX)
    }

    /// Tells until when requests are held back, and `None` when they go on.
    pub fn subscribe(&self) -> watch::Receiver<Option<Instant>> {
        self.waiting.subscribe()
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// Sleeps until then, counted and told; ends tidily when it is dropped half-way.
    pub(super) async fn wait_until(&self, until: Instant) {
        let now = Instant::now();
        if until <= now {
            return;
        }
        {
            let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            waits.waiters += 1;
            waits.since.get_or_insert(now);
        }
        self.waiting.send_modify(|told| *told = Some(told.map_or(until, |before| before.max(until))));
        let _ending = Ending(self);
        tokio::time::sleep_until(until.into()).await;
    }
}

/// Ends one wait.
struct Ending<'a>(&'a Meter);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut waits = self.0.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.waiters -= 1;
        if waits.waiters == 0 {
            if let Some(since) = waits.since.take() {
                waits.done += since.elapsed();
            }
            self.0.waiting.send_replace(None);
        }
    }
}
