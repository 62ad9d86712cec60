//! A connection to the queue, and what the server behind it says of itself.

use std::{sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Client, FromRedisValue, ScriptInvocation, aio::MultiplexedConnection};

use super::{PREFIX, QueueError, RedisUrl};
use crate::crypto;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long an answer may take; the largest are lists of some MiB.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the server waits in one `BLMOVE` for a job to come.
pub(super) const BLOCK: Duration = Duration::from_secs(2);

/// The oldest version with `BLMOVE` and `LMOVE`.
const OLDEST: (u32, u32) = (6, 2);

/// The queue, over one connection that carries many requests at once. Clones share the connection.
#[derive(Clone)]
pub struct Queue {
    pub(super) redis: MultiplexedConnection,
    pub(super) address: Arc<str>,
    server: Arc<Server>,
}

/// What a Redis server says of itself.
#[derive(Debug, Clone, Default)]
pub struct Server {
    /// Its version, such as `7.0.15`; empty where it does not say.
    pub version: String,
    /// What it does when it is full, such as `noeviction`; empty where it does not say.
    pub maxmemory_policy: String,
}

impl Queue {
    /// Connects, and refuses a server that is too old. Gives up after a few seconds.
    pub async fn connect(url: &RedisUrl) -> Result<Self, QueueError> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
        let connecting = async {
            let redis = open(url, config).await?;
            let mut queue = Self { redis, address: url.to_string().into(), server: Arc::default() };
            let server = queue.ask_server().await?;
            if is_older(&server.version, OLDEST) {
                return Err(QueueError::TooOld { address: url.to_string(), version: server.version });
            }
            // one that still reads its file tells its version, and nothing else
            queue.ask::<bool>("look at the queue", redis::Cmd::exists(format!("{PREFIX}paused"))).await?;
            queue.server = Arc::new(server);
            Ok(queue)
        };
        let silent = || QueueError::Unreachable { address: url.to_string(), reason: "it does not answer".to_owned() };
        tokio::time::timeout(CONNECT + Duration::from_secs(1), connecting).await.unwrap_or_else(|_| Err(silent()))
    }

    /// What the server said when the connection was made.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The address without its password.
    pub fn address(&self) -> &str {
        &self.address
    }

    async fn ask_server(&self) -> Result<Server, QueueError> {
        let section = async |name: &str| {
            let mut redis = self.redis.clone();
            match redis::cmd("INFO").arg(name).query_async::<String>(&mut redis).await {
                // a user who may not ask is as good as any
                Err(error) if error.code() == Some("NOPERM") => Ok(String::new()),
                said => said.map_err(|error| QueueError::of(&self.address, "tell its version", &error)),
            }
        };
        let (server, memory) = tokio::try_join!(section("server"), section("memory"))?;
        let field = |said: &str, name: &str| {
            let found = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.unwrap_or_default().trim().to_owned()
        };
        Ok(Server { version: field(&server, "redis_version"), maxmemory_policy: field(&memory, "maxmemory_policy") })
    }

    /// Runs one command.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        what: &'static str,
        command: redis::Cmd,
    ) -> Result<T, QueueError> {
        let mut redis = self.redis.clone();
        command.query_async(&mut redis).await.map_err(|error| QueueError::of(&self.address, what, &error))
    }

    /// Runs several commands in one round trip.
    pub(super) async fn ask_all<T: FromRedisValue>(
        &self,
        what: &'static str,
        commands: redis::Pipeline,
    ) -> Result<T, QueueError> {
        let mut redis = self.redis.clone();
        commands.query_async(&mut redis).await.map_err(|error| QueueError::of(&self.address, what, &error))
    }

    /// Runs a script, and loads it where the server has forgotten it.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        what: &'static str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, QueueError> {
        let mut redis = self.redis.clone();
        script.invoke_async(&mut redis).await.map_err(|error| QueueError::of(&self.address, what, &error))
    }
}

/// A connection for `BLMOVE` alone. The server ends the wait, not the client: an answer that is given up on would
/// leave a job in a list that nobody looks at. Only a server that is silent for far longer is given up.
pub(super) async fn open_blocking(url: &RedisUrl) -> Result<MultiplexedConnection, QueueError> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(BLOCK + ANSWER));
    open(url, config).await
}

async fn open(url: &RedisUrl, config: AsyncConnectionConfig) -> Result<MultiplexedConnection, QueueError> {
    crypto::install();
    let failed = |error| QueueError::of(&url.to_string(), "connect", &error);
    let client = Client::open(url.info.clone()).map_err(failed)?;
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)
}

/// Whether a version is older; one that cannot be read is not.
fn is_older(version: &str, than: (u32, u32)) -> bool {
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    matches!((parts.next(), parts.next()), (Some(major), Some(minor)) if (major, minor) < than)
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, is_older};

    #[test]
    fn versions_are_compared_by_number() {
        for (version, older) in [("5.0.14", true), ("6.0.16", true), ("6.2.0", false), ("10.1", false), ("", false)] {
            assert_eq!(is_older(version, OLDEST), older, "{version}");
        }
    }
}
