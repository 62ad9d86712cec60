//! The worker's connection to the queue: made again whenever it breaks, for as long as it takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Observer, WorkerEvent, health::Health};
use crate::queue::{Hands, Queue, QueueError, RedisUrl};

/// The pause after the first connection that failed; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause: Redis that is back is used within a second.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The pause after an answer that is a refusal.
const HINDERED_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Link {
    url: RedisUrl,
    worker: String,
    observer: Arc<dyn Observer>,
    health: Arc<Health>,
    hands: Option<Hands>,
    failures: u32,
    gone_since: Option<Instant>,
    was_connected: bool,
    hindered: bool,
    next_try: Instant,
}

impl Link {
    pub(super) fn new(url: RedisUrl, worker: &str, observer: Arc<dyn Observer>, health: Arc<Health>) -> Self {
        Self {
            url,
            worker: worker.to_owned(),
            observer,
            health,
            hands: None,
            failures: 0,
            gone_since: None,
            was_connected: false,
            hindered: false,
            next_try: Instant::now(),
        }
    }

    /// The connection as it stands.
    pub(super) fn hands(&self) -> Option<&Hands> {
        self.hands.as_ref()
    }

    /// Whether something is to be waited for before Redis is asked again.
    pub(super) fn pause_until(&self) -> Option<Instant> {
        (self.next_try > Instant::now()).then_some(self.next_try)
    }

    /// Connects, where that is needed and due; true when the connection is new.
    pub(super) async fn mend(&mut self) -> bool {
        if self.hands.is_some() || self.pause_until().is_some() {
            return false;
        }
        match Queue::connect(&self.url).await {
            Ok(queue) => {
                self.hands = Some(Hands::new(queue, &self.worker));
                true
            }
            Err(error) => {
                self.broke(&error);
                false
            }
        }
    }

    /// Whether Redis was away since the last request that worked.
    pub(super) fn was_away(&self) -> bool {
        self.was_connected && self.gone_since.is_some()
    }

    /// The last request worked: the connection is more than one that stands.
    pub(super) fn worked(&mut self) {
        self.hindered = false;
        self.failures = 0;
        self.health.redis_answers();
        let away = self.gone_since.take();
        if self.was_connected && away.is_none() {
            return;
        }
        let Some(queue) = self.hands.as_ref().map(Hands::queue) else { return };
        let after = away.filter(|_| self.was_connected).map(|since| since.elapsed());
        let server = queue.server();
        let (address, version) = (queue.address(), server.version.as_str());
        self.observer.observe(&WorkerEvent::Connected { address, version, after });
        let policy = server.maxmemory_policy.as_str();
        if !self.was_connected && !policy.is_empty() && policy != "noeviction" {
            self.observer.observe(&WorkerEvent::MayEvict { policy });
        }
        self.was_connected = true;
    }

    /// A request failed: what that means for the next one.
    pub(super) fn broke(&mut self, error: &QueueError) {
        let text = error.to_string();
        self.health.redis_failed(&text);
        let reachable = !error.is_connection() && !matches!(error, QueueError::TooOld { .. });
        if reachable {
            if !std::mem::replace(&mut self.hindered, true) {
                self.observer.observe(&WorkerEvent::Hindered { error: &text });
            }
            self.next_try = Instant::now() + HINDERED_PAUSE;
            return;
        }
        self.hands = None;
        if self.gone_since.is_none() {
            self.gone_since = Some(Instant::now());
            self.observer.observe(&WorkerEvent::Disconnected { error: &text });
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.next_try = Instant::now() + pause.mul_f64(0.5 + rand::random::<f64>() / 2.0);
    }
}
