//! Where Redis is: `redis://…`, `rediss://…` with TLS, or a socket.

use std::fmt;

use redis::IntoConnectionInfo as _;
use url::Url;

/// An address of Redis. Its `Display` and `Debug` hold no password.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) info: redis::ConnectionInfo,
    shown: String,
}

/// An address that names no Redis. The text itself is never repeated: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisUrlError {
    /// Another scheme, or none.
    #[error("the Redis address is no URL: use `redis://HOST:PORT`, `rediss://HOST:PORT` or `unix:///PATH`")]
    Scheme,
    /// The right scheme, and something wrong behind it.
    #[error("the Redis address cannot be read: {reason}")]
    Unreadable {
        /// What is wrong, without the address.
        reason: String,
    },
}

impl RedisUrl {
    /// Reads an address as `REDIS_URL` holds it.
    pub fn parse(address: &str) -> Result<Self, RedisUrlError> {
        let address = address.trim();
        let schemes = ["redis://", "rediss://", "unix://", "redis+unix://"];
        if !schemes.iter().any(|scheme| address.starts_with(scheme)) {
            return Err(RedisUrlError::Scheme);
        }
        let url = Url::parse(address).map_err(|error| RedisUrlError::Unreadable { reason: error.to_string() })?;
        let info = address.into_connection_info().map_err(|error| RedisUrlError::Unreadable {
            // the client's own words for it; a detail would be the address
            reason: error.to_string().split(" - ").next().unwrap_or_default().to_lowercase(),
        })?;
        Ok(Self { info, shown: without_password(url) })
    }
}

/// The address as it may be shown: user, host, port and database.
fn without_password(mut url: Url) -> String {
    url.set_query(None);
    url.set_fragment(None);
    // a URL without a host has neither
    if !url.username().is_empty() && url.password().is_none() {
        // who writes one thing before the `@` mostly means the password
        let _ = url.set_username("***");
    }
    let _ = url.set_password(None);
    url.to_string()
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::{RedisUrl, RedisUrlError};

    #[test]
    fn an_address_shows_everything_but_its_password() {
        for (address, shown) in [
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379"),
            ("redis://:hunter2@cache.example/3", "redis://cache.example/3"),
            ("rediss://ops:hunter2@cache.example:6380/0?protocol=resp3", "rediss://ops@cache.example:6380/0"),
            ("redis://hunter2@cache.example", "redis://***@cache.example"),
            ("unix:///run/redis.sock?pass=hunter2&db=1", "unix:///run/redis.sock"),
        ] {
            let url = RedisUrl::parse(address).unwrap();
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_being_repeated() {
        for address in ["", "127.0.0.1:6379", "http://:hunter2@cache", "postgres://u:hunter2@h/d"] {
            assert_eq!(RedisUrl::parse(address).unwrap_err(), RedisUrlError::Scheme, "{address}");
        }
        for address in ["redis://:hunter2@host:port", "redis://:hunter2@host/database"] {
            let error = RedisUrl::parse(address).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
