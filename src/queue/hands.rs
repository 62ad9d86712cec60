//! A worker's side of the queue: jobs come into its list, and leave it settled.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    ACTIVE_LIFE, ACTIVE_PAUSE, Job, MAX_DEAD, MAX_DELIVERIES, MAX_RECENT, PREFIX, Priority, Queue, QueueError,
    RedisUrl, Request, WORKER_LIFE,
    connection::{self, BLOCK},
    job::{Envelope, MAX_ENVELOPE, beginning},
    scripts::{self, call, millis},
};

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
    /// What was taken and is no job, now dead.
    pub refused: Vec<Refused>,
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
    /// Jobs of workers that are gone: taken back, and ids of those that were buried.
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

    /// Settles jobs and takes up to `wanted` others, among them the one that [`Blocker::take`] gave.
    pub async fn turn(&self, settled: &[Settled], given: Option<&[u8]>, wanted: usize) -> Result<Turn, QueueError> {
        let moves: Vec<_> = settled.iter().map(Settled::as_move).collect();
        let (paused, late, put_off, taken) = self.exchange(&moves, given, wanted).await?;
        let mut turn = Turn { paused: paused != 0, late, put_off, ..Turn::default() };
        let mut taken = taken.into_iter();
        while let (Some(_), Some(text)) = (taken.next(), taken.next()) {
            match Envelope::parse(&text) {
                Ok(Envelope::Job(job)) => turn.claims.push(Claim { job, text }),
                Ok(Envelope::Bare { tenant, kinds }) => self.adopt(text, tenant, kinds).await?,
                Err(unreadable) => turn.refused.push(self.bury(&text, unreadable.to_string()).await?),
            }
        }
        Ok(turn)
    }

    /// Renews the worker's heartbeat and the marks of its tenants. Jobs that stand in its list without being in hand
    /// go back: an answer of Redis was lost on the way.
    pub async fn beat<'c>(&self, in_hand: impl Iterator<Item = &'c Claim> + Clone) -> Result<usize, QueueError> {
        let mut script = call(&scripts::BEAT);
        script.arg(&*self.worker).arg(millis(WORKER_LIFE)).arg(millis(ACTIVE_LIFE));
        for claim in in_hand.clone() {
            script.arg(claim.job.tenant_id.as_str()).arg(&claim.job.id);
        }
        let listed: Vec<Vec<u8>> = self.queue.run("renew a heartbeat", &script).await?;
        let strays: Vec<_> = listed.iter().filter(|text| !in_hand.clone().any(|claim| claim.text == **text)).collect();
        if !strays.is_empty() {
            let moves: Vec<_> = strays.iter().map(|text| Move::unread("back", text, (*text).clone())).collect();
            self.exchange(&moves, None, 0).await?;
        }
        Ok(strays.len())
    }

    /// Puts jobs that are due into the list, and rescues those of workers that are gone.
    pub async fn maintain(&self) -> Result<Maintained, QueueError> {
        let mut script = call(&scripts::MAINTAIN);
        script.arg(millis(WORKER_LIFE));
        let mut answer: Vec<redis::Value> = self.queue.run("look after the queue", &script).await?;
        let unread = |error| QueueError::of(self.queue.address(), "look after the queue", &error);
        let mut gone = answer.split_off(1.min(answer.len())).into_iter();
        let due: i64 = match answer.pop() {
            Some(due) => redis::from_redis_value(due).map_err(|error| unread(error.into()))?,
            None => -1,
        };
        let next_due = u64::try_from(due).ok().map(Duration::from_millis);
        let mut maintained = Maintained { next_due, ..Maintained::default() };
        while let (Some(worker), Some(held)) = (gone.next(), gone.next()) {
            let worker: String = redis::from_redis_value(worker).map_err(|error| unread(error.into()))?;
            let held: Vec<Vec<u8>> = redis::from_redis_value(held).map_err(|error| unread(error.into()))?;
            for text in held {
                self.rescue(&worker, &text, &mut maintained).await?;
            }
        }
        Ok(maintained)
    }

    async fn rescue(&self, worker: &str, text: &[u8], maintained: &mut Maintained) -> Result<(), QueueError> {
        let (found, refused) = match Envelope::parse(text) {
            Ok(Envelope::Job(job)) if job.deliveries >= MAX_DELIVERIES => {
                let error =
                    format!("a poison job: {} workers died with it, the last one `{worker}`", job.deliveries + 1);
                let refused =
                    Refused { job_id: job.id.clone(), tenant: Some(job.tenant_id.to_string()), error: error.clone() };
                let claim = Claim { job, text: text.to_vec() };
                let settled = Settled { claim, fate: Fate::Dead { error }, took: Duration::ZERO, settings: None };
                (self.take_from(worker, &settled.as_move()).await?, Some(refused))
            }
            Ok(Envelope::Job(job)) => {
                let again = Job { deliveries: job.deliveries + 1, ..job };
                (self.take_from(worker, &Move::unread("back", text, again.text())).await?, None)
            }
            _ => (self.take_from(worker, &Move::unread("back", text, text.to_vec())).await?, None),
        };
        if found {
            maintained.rescued += 1;
            maintained.buried.extend(refused);
        }
        Ok(())
    }

    async fn take_from(&self, worker: &str, moved: &Move<'_>) -> Result<bool, QueueError> {
        let mut script = call(&scripts::RESCUE);
        script.arg(worker).arg(moved.op).arg(moved.text).arg(&moved.id).arg(&moved.tenant).arg(&moved.new);
        script.arg(millis(moved.delay)).arg(&moved.line).arg(MAX_DEAD).arg(MAX_RECENT);
        self.queue.run("rescue a job", &script).await
    }

    /// Says goodbye: the worker's hands must be empty.
    pub async fn leave(&self) -> Result<(), QueueError> {
        let mut commands = redis::pipe();
        commands.zrem(format!("{PREFIX}workers"), &*self.worker).ignore();
        commands.del(format!("{PREFIX}hb:{}", self.worker)).ignore();
        self.queue.ask_all("take leave", commands).await
    }

    /// A request that another program put into the list becomes a job: taken next, or one with that of its tenant.
    async fn adopt(
        &self,
        text: Vec<u8>,
        tenant: crate::policy::TenantId,
        kinds: Option<Vec<String>>,
    ) -> Result<(), QueueError> {
        let request = Request { tenant, kinds, delay: Duration::ZERO, priority: Priority::High };
        let enqueued = self.queue.enqueue(&request).await?;
        let op = if enqueued.duplicate { "drop" } else { "adopted" };
        self.exchange(&[Move::unread(op, &text, Vec::new())], None, 0).await.map(drop)
    }

    /// What is no job lies dead, cut to its beginning.
    async fn bury(&self, text: &[u8], error: String) -> Result<Refused, QueueError> {
        let payload = beginning(&String::from_utf8_lossy(&text[..text.len().min(1_000)]));
        let mut moved = Move::unread("dead", text, Vec::new());
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        // by an id, even one of ours, an operator can drop it
        let id = known(&moved.id).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let tenant = known(&moved.tenant);
        let entry = json!({"id": id, "tenantId": tenant, "payload": payload, "error": error, "diedAt": now()});
        moved.new = entry.to_string().into_bytes();
        let refused = Refused { job_id: id, tenant, error };
        self.exchange(&[moved], None, 0).await?;
        Ok(refused)
    }

    async fn exchange(
        &self,
        moves: &[Move<'_>],
        given: Option<&[u8]>,
        wanted: usize,
    ) -> Result<(i64, Vec<String>, usize, Vec<Vec<u8>>), QueueError> {
        let mut script = call(&scripts::TURN);
        script.arg(&*self.worker).arg(wanted).arg(millis(ACTIVE_LIFE)).arg(millis(ACTIVE_PAUSE));
        script.arg(MAX_ENVELOPE).arg(MAX_DEAD).arg(MAX_RECENT).arg(usize::from(given.is_some()));
        if let Some(given) = given {
            script.arg(given);
        }
        for moved in moves {
            script.arg(moved.op).arg(moved.text).arg(&moved.id).arg(&moved.tenant);
            script.arg(&moved.new).arg(millis(moved.delay)).arg(&moved.line);
        }
        self.queue.run("take and settle jobs", &script).await
    }
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
        let (id, tenant) = (field("id"), field("tenantId").to_ascii_lowercase());
        Self { op, text, id, tenant, new, delay: Duration::ZERO, line: String::new() }
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Waits at the server for a job to come, over a connection of its own.
pub struct Blocker {
    redis: redis::aio::MultiplexedConnection,
    address: String,
    worker: Arc<str>,
    /// The connection's number at the server, by which its wait can be ended.
    pub client_id: i64,
}

impl Blocker {
    /// Connects.
    pub async fn connect(url: &RedisUrl, worker: &str) -> Result<Self, QueueError> {
        let mut redis = connection::open_blocking(url).await?;
        let asked = redis::cmd("CLIENT").arg("ID").query_async(&mut redis).await;
        // a user who may not ask waits to the end
        let client_id = asked.unwrap_or_default();
        Ok(Self { redis, address: url.to_string(), worker: worker.into(), client_id })
    }

    /// Moves the next job into the worker's list, as soon as there is one; `None` when none came for a while.
    /// Never drop this while it waits: the job that comes then would be in the list without anybody's knowing.
    pub async fn take(&mut self) -> Result<Option<Vec<u8>>, QueueError> {
        let mut command = redis::cmd("BLMOVE");
        command.arg(format!("{PREFIX}wait")).arg(format!("{PREFIX}proc:{}", self.worker)).arg("RIGHT").arg("LEFT");
        command.arg(BLOCK.as_secs_f64());
        let taken = command.query_async(&mut self.redis).await;
        taken.map_err(|error| QueueError::of(&self.address, "wait for a job", &error))
    }
}

impl Queue {
    /// Ends the wait of a [`Blocker`], as if its time were over.
    pub async fn unblock(&self, client_id: i64) -> Result<(), QueueError> {
        let mut command = redis::cmd("CLIENT");
        command.arg("UNBLOCK").arg(client_id);
        self.ask::<i64>("end a wait", command).await.map(drop)
    }
}
