//! A worker's side of the queue: jobs come into its list, and leave it settled.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Job, MAX_DELIVERIES, Priority, Queue, QueueError, Request,
    job::{Envelope, MAX_ENVELOPE, Unreadable, beginning},
    requests::Entry,
    scripts::{self, call, millis},
};
use crate::policy::TenantId;

/// A worker's list, and all that is done with it.
#[derive(Clone)]
pub struct Hands {
    queue: Queue,
    worker: Arc<str>,
}

/// A job in hand.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The job.
    pub job: Job,
    /// As it stands in the list.
    text: Vec<u8>,
}

/// What becomes of a job that was in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Done,
    /// It failed, and is tried again after a while.
    Retry {
        /// How long.
        after: Duration,
        /// Why.
        error: String,
    },
    /// It could not begin. The attempt does not count.
    Later {
        /// How long.
        after: Duration,
    },
    /// It was stopped, and is taken next. The attempt does not count.
    Back,
    /// It failed for good.
    Dead {
        /// Why.
        error: String,
    },
}

/// A job that leaves the worker's hands.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The job.
    pub claim: Claim,
    /// What becomes of it.
    pub fate: Fate,
    /// How long it took.
    pub took: Duration,
    /// Settings that the tenant has now, where they are known.
    pub settings: Option<u64>,
}

/// What one turn at the queue came to.
#[derive(Debug, Default)]
pub struct Turn {
    /// Nothing is taken until someone resumes the queue.
    pub paused: bool,
    /// Ids of jobs that were settled too late: another worker had been given them.
    pub late: Vec<String>,
    /// Jobs that were taken, and wait for another one of their tenant.
    pub put_off: usize,
    /// Jobs taken.
    pub claims: Vec<Claim>,
    /// Requests of other programs that were taken, and are jobs of the list now.
    pub adopted: usize,
    /// What was taken and is no job, now dead.
    pub refused: Vec<Refused>,
    /// Why something of another program could not be looked at: it comes again.
    pub failed: Option<QueueError>,
}

/// What a heartbeat found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The last heartbeat was still there.
    pub was_there: bool,
    /// Jobs that stood in the list without being in hand, and went back.
    pub strays: usize,
}

/// Something in the list that is no job.
#[derive(Debug)]
pub struct Refused {
    /// Its id; one of ours where it had none.
    pub job_id: String,
    /// Its tenant, where it has one.
    pub tenant: Option<String>,
    /// Why it is none.
    pub error: String,
}

/// What maintenance found.
#[derive(Debug, Default)]
pub struct Maintained {
    /// When the next delayed job is due.
    pub next_due: Option<Duration>,
    /// The worker's own heartbeat is there.
    pub was_there: bool,
    /// How many jobs were taken back from workers that are gone.
    pub rescued: usize,
    /// Jobs that too many workers died with, now dead.
    pub buried: Vec<Refused>,
}

/// The outcome of a job, as `recent` keeps it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'l> {
    id: &'l str,
    tenant_id: &'l str,
    outcome: &'static str,
    attempt: u32,
    finished_at: i64,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'l str>,
}

/// A settled job as the scripts take it.
struct Move<'m> {
    op: &'static str,
    text: &'m [u8],
    id: String,
    tenant: String,
    new: Vec<u8>,
    delay: Duration,
    line: String,
}

impl Hands {
    /// The hands of a worker, which must be the only one of that name.
    pub fn new(queue: Queue, worker: &str) -> Self {
        Self { queue, worker: worker.into() }
    }

    /// The queue.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Settles jobs and takes up to `wanted` others, among them the one that [`Blocker::take`](super::Blocker::take) gave.
    pub async fn turn(&self, settled: &[Settled], given: Option<&[u8]>, wanted: usize) -> Result<Turn, QueueError> {
        let moves: Vec<_> = settled.iter().map(Settled::as_move).collect();
        let (paused, put_off, late, taken) = self.send(&moves, given, wanted).await?;
        let mut turn = Turn { paused: paused != 0, late, put_off, ..Turn::default() };
        let mut taken = taken.into_iter();
        let mut foreign = Vec::new();
        while let (Some(is), Some(text), Some(id), Some(tenant)) =
            (taken.next(), taken.next(), taken.next(), taken.next())
        {
            match Envelope::parse(&text) {
                Ok(Envelope::Job(job)) if is == b"run" => turn.claims.push(Claim { job, text }),
                envelope => foreign.push((text, lossy(id), lossy(tenant), envelope)),
            }
        }
        // what has been claimed is claimed, whatever becomes of these
        for (text, id, tenant, envelope) in foreign {
            if let Err(error) = self.take_in(&text, (id, tenant), envelope, &mut turn).await {
                turn.failed = Some(error);
            }
        }
        Ok(turn)
    }

    /// Makes of an entry of another program what it is: a job, more of one, or dead.
    async fn take_in(
        &self,
        text: &[u8],
        (id, tenant): (String, String),
        envelope: Result<Envelope, Unreadable>,
        turn: &mut Turn,
    ) -> Result<(), QueueError> {
        match envelope {
            Ok(Envelope::Job(job)) => self.adopt(text, Some(job.id), job.tenant_id, job.kinds).await?,
            Ok(Envelope::Bare { tenant, kinds }) => self.adopt(text, None, tenant, kinds).await?,
            Err(error) => {
                let named = Move::unread("dead", text, Vec::new());
                let moved = if id.is_empty() { named } else { Move { id, tenant, ..named } };
                turn.refused.push(self.bury(moved, error.to_string()).await?);
                return Ok(());
            }
        }
        turn.adopted += 1;
        Ok(())
    }

    /// Renews the worker's heartbeat and the marks of its tenants, and puts back into the list what Redis has lost of
    /// it. Jobs that stand there without being known go back: an answer of Redis was lost on the way. `settling` are
    /// those whose settling was sent without an answer: they may be gone from the list for good. `given` is one that
    /// the next turn is about to take.
    pub async fn beat(
        &self,
        in_hand: &[&Claim],
        settling: &[&Claim],
        given: Option<&[u8]>,
    ) -> Result<Beat, QueueError> {
        let mut script = call(&scripts::BEAT);
        script.arg(&*self.worker).arg(in_hand.len());
        let known = || in_hand.iter().chain(settling);
        for claim in known() {
            script.arg(claim.job.tenant_id.as_str()).arg(&claim.job.id).arg(&claim.text);
        }
        let (was_there, listed): (bool, Vec<Vec<u8>>) = self.queue.run("renew a heartbeat", &script).await?;
        let is_known = |text: &[u8]| given == Some(text) || known().any(|claim| claim.text == text);
        let strays: Vec<_> = listed.iter().filter(|text| !is_known(text)).collect();
        if !strays.is_empty() {
            let moves: Vec<_> = strays.iter().map(|text| Move::unread("back", text, (*text).clone())).collect();
            self.send(&moves, None, 0).await?;
        }
        Ok(Beat { was_there, strays: strays.len() })
    }

    /// Puts jobs that are due into the list and, where it may, rescues those of workers that are gone.
    pub async fn maintain(&self, may_rescue: bool) -> Result<Maintained, QueueError> {
        let mut script = call(&scripts::MAINTAIN);
        script.arg(&*self.worker).arg(u8::from(may_rescue));
        let answer: Vec<redis::Value> = self.queue.run("look after the queue", &script).await?;
        let unread = |error| QueueError::of(self.queue.address(), "look after the queue", &error);
        let mut answer = answer.into_iter();
        let mut number = || match answer.next() {
            Some(number) => redis::from_redis_value(number).map_err(|error| unread(error.into())),
            None => Ok(-1_i64),
        };
        let (due, own) = (number()?, number()?);
        let next_due = u64::try_from(due).ok().map(Duration::from_millis);
        let mut maintained = Maintained { next_due, was_there: own == 1, ..Maintained::default() };
        while let (Some(worker), Some(held)) = (answer.next(), answer.next()) {
            // as bytes, since nobody vouches for names
            let worker: Vec<u8> = redis::from_redis_value(worker).map_err(|error| unread(error.into()))?;
            let held: Vec<Vec<u8>> = redis::from_redis_value(held).map_err(|error| unread(error.into()))?;
            for text in held {
                self.rescue(&worker, &text, &mut maintained).await?;
            }
        }
        Ok(maintained)
    }

    async fn rescue(&self, worker: &[u8], text: &[u8], maintained: &mut Maintained) -> Result<(), QueueError> {
        let mut refused = None;
        let found = match Envelope::parse(text) {
            Ok(Envelope::Job(job)) if job.deliveries >= MAX_DELIVERIES => {
                let error = format!("a poison job: {} workers died with it", job.deliveries + 1);
                let (job_id, tenant) = (job.id.clone(), Some(job.tenant_id.to_string()));
                refused = Some(Refused { job_id, tenant, error: error.clone() });
                let claim = Claim { job, text: text.to_vec() };
                let settled = Settled { claim, fate: Fate::Dead { error }, took: Duration::ZERO, settings: None };
                self.take_from(worker, &settled.as_move()).await?
            }
            Ok(Envelope::Job(job)) => {
                let again = Job { deliveries: job.deliveries + 1, ..job };
                self.take_from(worker, &Move::unread("back", text, again.text())).await?
            }
            _ => self.take_from(worker, &Move::unread("back", text, text.to_vec())).await?,
        };
        if found {
            maintained.rescued += 1;
            maintained.buried.extend(refused);
        }
        Ok(())
    }

    async fn take_from(&self, worker: &[u8], moved: &Move<'_>) -> Result<bool, QueueError> {
        let mut script = call(&scripts::RESCUE);
        script.arg(worker);
        moved.add_to(&mut script);
        self.queue.run("rescue a job", &script).await
    }

    /// Says goodbye, and gives back what still stands in the worker's list; tells how much that was.
    pub async fn leave(&self) -> Result<usize, QueueError> {
        let mut script = call(&scripts::LEAVE);
        script.arg(&*self.worker);
        self.queue.run("take leave", &script).await
    }

    /// A request that another program put into the list becomes a job: taken next, or one with that of its tenant.
    async fn adopt(
        &self,
        text: &[u8],
        id: Option<String>,
        tenant: TenantId,
        kinds: Option<Vec<String>>,
    ) -> Result<(), QueueError> {
        let request = Request { tenant, kinds, delay: Duration::ZERO, priority: Priority::High };
        let entry = Entry { worker: &self.worker, text, id };
        if self.queue.enqueue_entry(&request, Some(entry)).await?.is_some_and(|enqueued| enqueued.duplicate) {
            self.send(&[Move::unread("drop", text, Vec::new())], None, 0).await?;
        }
        Ok(())
    }

    /// What is no job lies dead, so that an operator sees it; what is too long is cut.
    async fn bury(&self, mut moved: Move<'_>, error: String) -> Result<Refused, QueueError> {
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        // by an id, even one of ours, an operator can drop it
        let id = known(&moved.id).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let tenant = known(&moved.tenant);
        let whole = (moved.text.len() <= MAX_ENVELOPE).then(|| std::str::from_utf8(moved.text).ok()).flatten();
        let payload = match whole {
            Some(whole) => whole.to_owned(),
            None => beginning(&String::from_utf8_lossy(&moved.text[..moved.text.len().min(1_000)])),
        };
        let entry = json!({
            "id": id, "tenantId": tenant, "payload": payload, "cut": whole.is_none(), "error": error, "diedAt": now(),
        });
        moved.new = entry.to_string().into_bytes();
        self.send(&[moved], None, 0).await?;
        Ok(Refused { job_id: id, tenant, error })
    }

    async fn send(&self, moves: &[Move<'_>], given: Option<&[u8]>, wanted: usize) -> Result<Answer, QueueError> {
        let mut script = call(&scripts::TURN);
        script.arg(&*self.worker).arg(wanted).arg(given.unwrap_or_default());
        for moved in moves {
            moved.add_to(&mut script);
        }
        self.queue.run("take and settle jobs", &script).await
    }
}

/// Whether the queue is paused, how many jobs wait for their tenant, ids settled too late, and what was taken.
type Answer = (i64, usize, Vec<String>, Vec<Vec<u8>>);

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

impl Settled {
    fn as_move(&self) -> Move<'_> {
        let job = &self.claim.job;
        let (op, delay, new, outcome, error) = match &self.fate {
            Fate::Done => ("done", Duration::ZERO, Vec::new(), "completed", None),
            Fate::Retry { after, error } => {
                let again = Job { attempt: job.attempt + 1, ..job.clone() };
                ("retry", *after, again.text(), "retried", Some(error))
            }
            Fate::Later { after } => ("later", *after, self.claim.text.clone(), "", None),
            Fate::Back => ("back", Duration::ZERO, self.claim.text.clone(), "", None),
            Fate::Dead { error } => ("dead", Duration::ZERO, dead(job, error), "failed", Some(error)),
        };
        let line = Line {
            id: &job.id,
            tenant_id: job.tenant_id.as_str(),
            outcome,
            attempt: job.attempt,
            finished_at: now(),
            duration_ms: millis(self.took),
            settings: self.settings,
            error: error.map(String::as_str),
        };
        // what comes back unharmed is no outcome
        let line = if outcome.is_empty() { String::new() } else { serde_json::to_string(&line).unwrap_or_default() };
        let (id, tenant) = (job.id.clone(), job.tenant_id.to_string());
        Move { op, text: &self.claim.text, id, tenant, new, delay, line }
    }
}

/// A dead job with its reason.
fn dead(job: &Job, error: &str) -> Vec<u8> {
    let mut entry = json!(job);
    entry["error"] = error.into();
    entry["diedAt"] = now().into();
    entry.to_string().into_bytes()
}

impl<'m> Move<'m> {
    /// Of an envelope that may be anything: with id and tenant as far as it names them, as the scripts read them.
    fn unread(op: &'static str, text: &'m [u8], new: Vec<u8>) -> Self {
        let named = (text.len() <= MAX_ENVELOPE).then(|| serde_json::from_slice::<Value>(text).ok()).flatten();
        let field = |name: &str| {
            let field = named.as_ref().and_then(|named| named.get(name)).and_then(Value::as_str);
            field.unwrap_or_default().to_owned()
        };
        let (id, tenant) = (field("id"), field("tenantId"));
        Self { op, text, id, tenant, new, delay: Duration::ZERO, line: String::new() }
    }

    /// In the order that `settle` of the scripts reads.
    fn add_to(&self, script: &mut redis::ScriptInvocation<'_>) {
        script.arg(self.op).arg(self.text).arg(&self.id).arg(&self.tenant);
        script.arg(&self.new).arg(millis(self.delay)).arg(&self.line);
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
