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

impl Queue {
    /// Puts a tenant into the queue. One that waits already is a duplicate: its kinds are widened, and when this
    /// request is more urgent it moves forward. One that runs gets one job more, for what changed meanwhile.
    pub async fn enqueue(&self, request: &Request) -> Result<Enqueued, QueueError> {
        for _ in 0..TRIES {
            let job = Job::new(request.tenant.clone(), request.kinds.clone(), chrono::Utc::now().timestamp_millis());
            let high = request.priority == Priority::High;
            let answer: (String, Option<Vec<u8>>, Option<String>) = {
                let mut script = call(&scripts::ENQUEUE);
                script.arg(request.tenant.as_str()).arg(&job.id).arg(job.text());
                script.arg(millis(request.delay)).arg(u8::from(high));
                padded(self.run("enqueue a job", &script).await?)
            };
            let (job_id, Some(old), place) = answer else {
                return Ok(Enqueued { job_id: answer.0, tenant: request.tenant.clone(), duplicate: false });
            };
            if self.amend(request, &job_id, &old, place.as_deref() == Some("delayed")).await? {
                return Ok(Enqueued { job_id, tenant: request.tenant.clone(), duplicate: true });
            }
            // it was claimed in between: the request is one for another job
        }
        let reason = "the job of the tenant changes all the time".to_owned();
        Err(QueueError::Command { what: "enqueue a job", address: self.address().to_owned(), reason })
    }

    /// Makes the job that waits do for this request, too; false when it waits no longer.
    async fn amend(&self, request: &Request, id: &str, old: &[u8], delayed: bool) -> Result<bool, QueueError> {
        let Ok(Envelope::Job(job)) = Envelope::parse(old) else { return Ok(true) };
        let kinds = job.widened(request.kinds.as_deref());
        // a retry keeps its distance: Graph may have asked for it
        let hastens = request.delay.is_zero() && (request.priority == Priority::High || delayed) && job.attempt == 1;
        if kinds == job.kinds && !hastens {
            return Ok(true);
        }
        let place = match (hastens, request.priority) {
            (false, _) => "keep",
            (true, Priority::Normal) => "wait",
            (true, Priority::High) => "next",
        };
        let mut script = call(&scripts::AMEND);
        script.arg(request.tenant.as_str()).arg(id).arg(old).arg(Job { kinds, ..job }.text()).arg(place);
        self.run("widen a job", &script).await
    }
}

/// The answer of one that is new is shorter.
fn padded(mut answer: Vec<Vec<u8>>) -> (String, Option<Vec<u8>>, Option<String>) {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let place = (answer.len() > 2).then(|| text(answer.remove(2)));
    let old = (answer.len() > 1).then(|| answer.remove(1));
    (answer.pop().map(text).unwrap_or_default(), old, place)
}
