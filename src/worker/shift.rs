//! The worker's loop: one owner of the connection and of everything in hand.

mod ended;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    task::{Id, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    Options, Outcome, Tally, Worker, WorkerEvent,
    link::Link,
    metrics,
    waiting::{Answer, Waiting},
};
use crate::queue::{Claim, Fate, Job, QueueError, Settled};
use ended::Hold;

/// How often the heartbeat is renewed; it lasts three times as long.
const BEAT: Duration = Duration::from_secs(10);
/// How often delayed jobs and workers that are gone are looked after: between this and twice this.
const MAINTAIN: Duration = Duration::from_secs(5);
/// How soon a queue that is paused, or one that is nearly drained, is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long nobody is rescued after Redis was away, or its clock jumped: all workers renew their heartbeats meanwhile.
const MERCY: Duration = Duration::from_secs(12);
/// How long jobs may take to end once they were told to.
const GRACE: Duration = Duration::from_secs(10);
/// How long a worker with empty hands tries to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);
struct InHand {
    claim: Claim,
    since: Instant,
}

/// A worker at work.
pub(super) struct Shift {
    worker: Worker,
    link: Link,
    waiting: Waiting,
    stop: CancellationToken,
    /// Tells jobs in hand to stop.
    stop_jobs: CancellationToken,
    running: JoinSet<Outcome>,
    in_hand: HashMap<Id, InHand>,
    settled: Vec<Settled>,
    /// Whether `settled` was sent before and the answer is not known.
    unsure: bool,
    given: Option<Vec<u8>>,
    paused: bool,
    /// The list was empty: the next job comes through the wait.
    dry: bool,
    next_beat: Instant,
    next_maintenance: Instant,
    next_look: Instant,
    rescues_from: Instant,
    has_beaten: bool,
    /// Whether it was told that the server refuses to let us wait.
    wait_refused: bool,
    hold: Option<Hold>,
    /// When the job began that has found last what all jobs need.
    ready: watch::Receiver<Option<Instant>>,
    stopping: Option<Instant>,
    tally: Tally,
}

impl Shift {
    pub(super) fn new(worker: Worker, stop: CancellationToken) -> Self {
        let (url, name) = (worker.url.clone(), worker.name.clone());
        let now = Instant::now();
        Self {
            link: Link::new(url.clone(), &name, worker.observer.clone(), worker.health.clone()),
            waiting: Waiting::start(url, name),
            ready: worker.ready.latest(),
            worker,
            stop,
            stop_jobs: CancellationToken::new(),
            running: JoinSet::new(),
            in_hand: HashMap::new(),
            settled: Vec::new(),
            unsure: false,
            given: None,
            paused: false,
            dry: false,
            next_beat: now,
            next_maintenance: now,
            next_look: now,
            rescues_from: now,
            has_beaten: false,
            wait_refused: false,
            hold: None,
            stopping: None,
            tally: Tally::default(),
        }
    }

    pub(super) async fn work<H, F>(mut self, handler: H) -> Tally
    where
        H: Fn(Job, CancellationToken) -> F + Send + Sync,
        F: Future<Output = Outcome> + Send + 'static,
    {
        loop {
            self.note_stop().await;
            if self.is_over() {
                break;
            }
            self.worker.health.turned(self.in_hand.len(), self.stopping.is_some());
            self.mend().await;
            if let Err(error) = self.visit(&handler).await {
                self.link.broke(&error);
            }
            if !self.is_over() {
                self.wait().await;
            }
        }
        self.leave().await;
        self.tally
    }

    /// Connects where that is needed, unless the worker is stopped meanwhile.
    async fn mend(&mut self) {
        tokio::select! {
            mended = self.link.mend() => if mended {
                let now = Instant::now();
                (self.next_beat, self.next_look, self.dry) = (now, now, false);
                if self.link.was_away() {
                    self.rescues_from = now + MERCY;
                }
            },
            () = self.stop.cancelled(), if self.stopping.is_none() => {}
        }
    }

    fn tell(&self, event: &WorkerEvent<'_>) {
        metrics::count(event);
        self.worker.observer.observe(event);
    }

    fn options(&self) -> Options {
        self.worker.options
    }

    /// Everything that is due at the queue.
    async fn visit<H, F>(&mut self, handler: &H) -> Result<(), QueueError>
    where
        H: Fn(Job, CancellationToken) -> F + Sync,
        F: Future<Output = Outcome> + Send + 'static,
    {
        if self.link.hands().is_none() || self.link.pause_until().is_some() {
            return Ok(());
        }
        let now = Instant::now();
        if now >= self.next_beat {
            self.beat().await?;
        }
        // what goes wrong there must not keep jobs from being taken
        let maintained = if now >= self.next_maintenance { self.maintain().await } else { Ok(()) };
        self.exchange(handler).await?;
        maintained?;
        self.link.worked();
        if self.options().drain && self.stopping.is_none() && self.is_drained().await? {
            self.begin_stop();
        }
        Ok(())
    }

    /// How many jobs may be taken now.
    fn wanted(&self) -> usize {
        let held = self.hold.as_ref().is_some_and(|hold| hold.until > Instant::now());
        if self.stopping.is_some() || held {
            return 0;
        }
        let free = self.options().concurrency.saturating_sub(self.in_hand.len());
        let most = match self.hold.as_ref().filter(|hold| !hold.disproved) {
            Some(hold) => {
                // those that began before say nothing
                let trying = self.in_hand.values().filter(|held| held.since >= hold.until).count();
                free.min(hold.tries().saturating_sub(trying))
            }
            None => free,
        };
        most.saturating_sub(usize::from(self.waiting.is_asked()))
    }

    /// Settles what is done, and takes what there is room for.
    async fn exchange<H, F>(&mut self, handler: &H) -> Result<(), QueueError>
    where
        H: Fn(Job, CancellationToken) -> F + Sync,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let wanted = self.wanted();
        let due = Instant::now() >= self.next_look;
        let takes = wanted > 0 && !self.dry && due;
        if self.settled.is_empty() && self.given.is_none() && !takes {
            self.wait_for_a_job(wanted, due);
            return Ok(());
        }
        let Some(hands) = self.link.hands() else { return Ok(()) };
        let wanted = if takes || self.given.is_some() { wanted } else { 0 };
        let unsure = std::mem::replace(&mut self.unsure, true);
        let turn = hands.turn(&self.settled, self.given.as_deref(), wanted).await?;
        self.unsure = false;
        self.settled.clear();
        self.given = None;
        if wanted > 0 {
            self.worker.health.looked(!turn.claims.is_empty());
        }
        // what was sent twice because the first answer was lost has been settled by the first
        for job_id in turn.late.iter().filter(|_| !unsure) {
            self.tell(&WorkerEvent::Late { job_id });
        }
        for refused in &turn.refused {
            self.refused(refused);
        }
        if turn.paused != self.paused {
            self.paused = turn.paused;
            self.tell(&WorkerEvent::Paused(self.paused));
        }
        if turn.put_off > 0 {
            self.maintain_within(Duration::from_secs(3));
        }
        // what was adopted waits in the list
        self.dry = turn.claims.len() + turn.refused.len() + turn.adopted < wanted;
        if self.paused || (self.dry && self.options().drain) {
            self.dry = false;
            self.next_look = Instant::now() + LOOK_AGAIN;
        }
        for claim in turn.claims {
            self.begin(claim, handler);
        }
        self.wait_for_a_job(self.wanted(), Instant::now() >= self.next_look);
        turn.failed.map_or(Ok(()), Err)
    }

    /// Lets the server tell when a job comes.
    fn wait_for_a_job(&mut self, wanted: usize, due: bool) {
        if wanted > 0 && self.dry && due && !self.paused && !self.options().drain {
            self.waiting.ask();
        }
    }

    fn begin<H, F>(&mut self, claim: Claim, handler: &H)
    where
        H: Fn(Job, CancellationToken) -> F + Sync,
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.tell(&WorkerEvent::Started { job: &claim.job });
        let since = Instant::now();
        let running = self.running.spawn(handler(claim.job.clone(), self.stop_jobs.clone()));
        self.in_hand.insert(running.id(), InHand { claim, since });
    }

    /// Waits until something is to be done.
    async fn wait(&mut self) {
        let mut until = self.next_beat.min(self.next_maintenance);
        if let Some(pause) = self.link.pause_until() {
            until = pause;
        } else if self.link.hands().is_some() && !self.dry && self.wanted() > 0 {
            until = until.min(self.next_look);
        }
        if let Some(hold) = self.hold.as_ref().filter(|hold| hold.until > Instant::now()) {
            until = until.min(hold.until);
        }
        if let Some(since) = self.stopping {
            let told = since + self.options().shutdown_timeout;
            let deadline = if self.stop_jobs.is_cancelled() { told + GRACE } else { told };
            until = until.min(deadline).min(Instant::now() + LOOK_AGAIN);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled(), if self.stopping.is_none() => {}
            Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                self.ended(ended);
                while let Some(ended) = self.running.try_join_next_with_id() {
                    self.ended(ended);
                }
            }
            answer = self.waiting.answer(), if self.waiting.is_asked() => match answer {
                Answer::Given(text) => {
                    self.given = Some(text);
                    self.dry = false;
                }
                // waited for again, without another look
                Answer::Nothing => {
                    self.wait_refused = false;
                    self.worker.health.looked(false);
                }
                Answer::Failed(error) => self.wait_failed(&error),
            },
            Ok(()) = self.ready.changed() => self.disprove_hold(),
            () = tokio::time::sleep_until(until.into()) => {}
        }
    }

    /// The queue is looked at now and then instead.
    fn wait_failed(&mut self, error: &QueueError) {
        self.dry = false;
        self.next_look = Instant::now() + 2 * LOOK_AGAIN;
        // a server that is full refuses this move, and not our scripts, which begin with nothing
        let expected = error.is_connection() || matches!(error, QueueError::Full { .. });
        if !expected && !std::mem::replace(&mut self.wait_refused, true) {
            self.tell(&WorkerEvent::Hindered { error: &error.to_string() });
        }
    }

    async fn beat(&mut self) -> Result<(), QueueError> {
        let Some(hands) = self.link.hands() else { return Ok(()) };
        let mut in_hand: Vec<_> = self.in_hand.values().map(|held| &held.claim).collect();
        let mut settling: Vec<_> = self.settled.iter().map(|settled| &settled.claim).collect();
        if !self.unsure {
            in_hand.append(&mut settling);
        }
        let beat = hands.beat(&in_hand, &settling, self.given.as_deref()).await?;
        if beat.strays > 0 {
            self.tell(&WorkerEvent::Strayed { jobs: beat.strays });
        }
        if !beat.was_there && self.has_beaten {
            self.rescues_from = Instant::now() + MERCY;
        }
        self.has_beaten = true;
        self.next_beat = Instant::now() + BEAT;
        metrics::keep_up();
        Ok(())
    }

    async fn maintain(&mut self) -> Result<(), QueueError> {
        let Some(hands) = self.link.hands() else { return Ok(()) };
        let maintained = hands.maintain(Instant::now() >= self.rescues_from).await?;
        if !maintained.was_there {
            self.rescues_from = Instant::now() + MERCY;
        }
        if maintained.rescued > 0 {
            self.tell(&WorkerEvent::Rescued { jobs: maintained.rescued });
        }
        for refused in &maintained.buried {
            self.refused(refused);
        }
        // with jitter, since there is no leader and workers start together
        self.next_maintenance = Instant::now() + MAINTAIN.mul_f64(1.0 + rand::random::<f64>());
        if let Some(due) = maintained.next_due {
            self.maintain_within(due);
        }
        Ok(())
    }

    fn maintain_within(&mut self, time: Duration) {
        self.next_maintenance = self.next_maintenance.min(Instant::now() + time + Duration::from_millis(5));
    }

    async fn is_drained(&mut self) -> Result<bool, QueueError> {
        let idle = self.in_hand.is_empty() && self.settled.is_empty() && self.given.is_none();
        let Some(hands) = self.link.hands().filter(|_| idle) else { return Ok(false) };
        Ok(hands.queue().pending().await? == 0)
    }

    async fn note_stop(&mut self) {
        if self.stop.is_cancelled() && self.stopping.is_none() {
            self.begin_stop();
            // nobody waits out the wait; where the server does not know how, it ends by itself
            if let (Some(hands), true) = (self.link.hands(), self.waiting.is_asked()) {
                drop(hands.queue().unblock(self.waiting.client_id()).await);
            }
        }
        if let Some(since) = self.stopping
            && since.elapsed() >= self.options().shutdown_timeout
        {
            self.stop_jobs.cancel();
        }
    }

    fn begin_stop(&mut self) {
        self.stopping = Some(Instant::now());
        self.tell(&WorkerEvent::Stopping { in_hand: self.in_hand.len() });
    }

    fn is_over(&self) -> bool {
        let Some(since) = self.stopping else { return false };
        if !self.in_hand.is_empty() {
            return since.elapsed() >= self.options().shutdown_timeout + GRACE;
        }
        let nothing_left = self.settled.is_empty() && self.given.is_none() && !self.waiting.is_asked();
        nothing_left || since.elapsed() >= self.options().shutdown_timeout.max(GOODBYE)
    }

    /// Gives back what is still in hand, and takes leave.
    async fn leave(&mut self) {
        let held: Vec<_> = self.in_hand.drain().collect();
        for (_, InHand { claim, since }) in held {
            self.tell(&WorkerEvent::Returned { job: &claim.job });
            self.settled.push(Settled { claim, fate: Fate::Back, took: since.elapsed(), settings: None });
        }
        let Some(hands) = self.link.hands() else { return };
        let goodbye = async {
            if !self.settled.is_empty() || self.given.is_some() {
                hands.turn(&self.settled, self.given.as_deref(), 0).await?;
            }
            // the server may still move a job into the list: then the name must stay, for others to find it
            if self.waiting.is_asked() { Ok(0) } else { hands.leave().await }
        };
        match tokio::time::timeout(GOODBYE, goodbye).await {
            Ok(Ok(0)) => {}
            Ok(Ok(jobs)) => self.tell(&WorkerEvent::Strayed { jobs }),
            // what could not be given back is rescued by another worker
            Ok(Err(error)) => tracing::warn!(%error, "the queue was not told that the worker is gone"),
            Err(_) => tracing::warn!("the queue was not told that the worker is gone: it does not answer"),
        }
    }
}
