//! Connections to Redis.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use std::time::Duration;
use thiserror::Error;

/// Why Redis cannot be used. Holds no part of the URL.
#[derive(Debug, Error)]
pub enum RedisError {
    #[error("the Redis URL cannot be read: {0}")]
    Url(String),
    #[error("Redis cannot be reached: {0}")]
    Unreachable(String),
    #[error("Redis {found} is too old: 7 or newer is needed")]
    TooOld { found: String },
}

pub(super) fn open(url: &str) -> Result<Client, RedisError> {
    Client::open(url).map_err(|error| RedisError::Url(error.kind().to_string_lossy()))
}

trait Lossy {
    fn to_string_lossy(&self) -> String;
}

impl Lossy for redis::ErrorKind {
    fn to_string_lossy(&self) -> String {
        format!("{self:?}")
    }
}

/// Connects; no single answer takes longer than `timeout`.
pub(super) async fn connect(client: &Client, timeout: Duration) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Checks that Redis answers and is new enough.
pub async fn check(url: &str, timeout: Duration) -> Result<(), RedisError> {
    let client = open(url)?;
    let unreachable = |error: redis::RedisError| RedisError::Unreachable(format!("{:?}", error.kind()));
    let mut connection = connect(&client, timeout).await.map_err(unreachable)?;
    let info: String = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await
        .map_err(unreachable)?;
    let version = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"))
        .unwrap_or("0")
        .trim()
        .to_owned();
    let major: u32 = version
        .split('.')
        .next()
        .and_then(|part| part.parse().ok())
        .unwrap_or(0);
    if major < 7 {
        Err(RedisError::TooOld { found: version })
    } else {
        Ok(())
    }
}
