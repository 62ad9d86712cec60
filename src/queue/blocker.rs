//! Waiting at the server for a job to come.

use std::sync::Arc;

use super::{
    PREFIX, Queue, QueueError, RedisUrl,
    connection::{self, BLOCK},
};

/// Waits for a job, over a connection of its own.
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
