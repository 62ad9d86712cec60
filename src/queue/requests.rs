//! Asking for a tenant to be synced.

use std::time::Duration;

use super::{
    Job, NAME, Queue, QueueError,
    job::Envelope,
    scripts::{self, call, millis},
};
use crate::policy::TenantId;

/// How often a job that changes while it is amended is looked at again.
const TRIES: u32 = 5;

/// A tenant to sync, as someone asks for it.
#[derive(Debug, Clone)]
pub struct Request {
    /// By id or domain.
    pub tenant: TenantId,
    /// Slugs; `None` is the worker's default.
    pub kinds: Option<Vec<String>>,
    /// How long it shall wait at least.
    pub delay: Duration,
    /// Before or behind the others.
    pub priority: Priority,
}

/// Which end of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Behind all that wait.
    Normal,
    /// Taken next.
    High,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enqueued {
    /// The job that will sync the tenant.
    pub job_id: String,
    /// The tenant.
    pub tenant: TenantId,
    /// Whether it waited already; then its kinds are now those of both requests.
    pub duplicate: bool,
}

impl Enqueued {
    /// The queue's name.
    pub fn queue(&self) -> &'static str {
        NAME
    }
}

/// An entry of the list that another program has put there, in a worker's hands.
pub(super) struct Entry<'e> {
    pub(super) worker: &'e str,
    pub(super) text: &'e [u8],
    pub(super) id: Option<String>,
}

impl Queue {
    /// Puts a tenant into the queue. One that waits already is a duplicate: its kinds are widened, and when this
    /// request is more urgent it moves forward. One that runs gets one job more, for what changed meanwhile.
    pub async fn enqueue(&self, request: &Request) -> Result<Enqueued, QueueError> {
        self.enqueue_entry(request, None).await?.ok_or_else(|| self.restless())
    }

    /// As [`Queue::enqueue`]; a job that is new takes the place of the entry. `None` when that is gone.
    pub(super) async fn enqueue_entry(
        &self,
        request: &Request,
        entry: Option<Entry<'_>>,
    ) -> Result<Option<Enqueued>, QueueError> {
        let (worker, text, own_id) = match entry {
            Some(Entry { worker, text, id }) => (worker, text, id.filter(|id| Job::is_id(id))),
            None => ("", [].as_slice(), None),
        };
        let now = chrono::Utc::now().timestamp_millis();
        let mut job = Job::new(request.tenant.clone(), request.kinds.clone(), now);
        if let Some(id) = own_id {
            job.id = id;
        }
        let enqueued = |id: &[u8], duplicate| {
            let job_id = String::from_utf8_lossy(id).into_owned();
            Enqueued { job_id, tenant: request.tenant.clone(), duplicate }
        };
        for _ in 0..TRIES {
            let mut script = call(&scripts::ENQUEUE);
            script.arg(request.tenant.as_str()).arg(&job.id).arg(job.text()).arg(millis(request.delay));
            script.arg(u8::from(request.priority == Priority::High)).arg(worker).arg(text);
            let answer: Vec<Vec<u8>> = self.run("enqueue a job", &script).await?;
            match answer.as_slice() {
                [] => return Ok(None),
                [id] => return Ok(Some(enqueued(id, false))),
                [id, waiting, place @ ..] => {
                    let is_delayed = place.first().is_some_and(|place| place == b"delayed");
                    let found = enqueued(id, true);
                    if self.amend(request, &found.job_id, waiting, is_delayed).await? {
                        return Ok(Some(found));
                    }
                    // it was claimed in between: the request is one for another job
                }
            }
        }
        Err(self.restless())
    }

    fn restless(&self) -> QueueError {
        let reason = "the job of the tenant changes all the time".to_owned();
        QueueError::Command { what: "enqueue a job", address: self.address().to_owned(), reason }
    }

    /// Makes the job that waits do for this request, too; false when it waits no longer.
    async fn amend(&self, request: &Request, id: &str, old: &[u8], delayed: bool) -> Result<bool, QueueError> {
        let Ok(Envelope::Job(job)) = Envelope::parse(old) else { return Ok(true) };
        let kinds = job.widened(request.kinds.as_deref());
        // a retry keeps its distance: Graph may have asked for it
        let may_hasten = job.attempt == 1;
        let place = match (request.priority, request.delay.is_zero()) {
            (Priority::High, true) if may_hasten => "next",
            (Priority::Normal, true) if may_hasten && delayed => "wait",
            _ => "keep",
        };
        let enough = if may_hasten && delayed { i64::try_from(millis(request.delay)).unwrap_or(-1) } else { -1 };
        if kinds == job.kinds && place == "keep" && enough < 0 {
            return Ok(true);
        }
        let mut script = call(&scripts::AMEND);
        script.arg(request.tenant.as_str()).arg(id).arg(old).arg(Job { kinds, ..job }.text()).arg(place).arg(enough);
        self.run("widen a job", &script).await
    }
}
