//! Connections to Redis.

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo as _, TlsCertificates};
use socket2::TcpKeepalive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// How a certificate in a PEM file begins.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How long a connection may be silent before it is asked whether the other end is still there, how often it is asked then, and
/// how long what was sent may go without a word that it came.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_RETRIES: u32 = 3;
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Why Redis cannot be used. Holds no part of the URL.
#[derive(Debug, Error)]
pub enum RedisError {
    #[error("the Redis URL cannot be read: {0}")]
    Url(String),
    #[error("{} holds no certificates that can be read", .0.display())]
    Authority(PathBuf),
    #[error("Redis cannot be reached: {0}")]
    Unreachable(String),
    #[error("Redis {found} is too old: 7 or newer is needed")]
    TooOld { found: String },
}

/// Opens no connection yet. At a `rediss://` URL the server must be who its name says; the certificates in the file `authority`
/// are trusted then instead of the system's.
pub(super) fn open(url: &str, authority: Option<&Path>) -> Result<Client, RedisError> {
    // Another test or part of this process may have been first; the one cryptography is as good as the other.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wrong = |error: redis::RedisError| RedisError::Url(error.kind().to_string_lossy());
    let info = lively(url.into_connection_info().map_err(wrong)?);
    let Some(path) = authority else {
        return Client::open(info).map_err(wrong);
    };
    if !url.starts_with("rediss://") {
        return Err(RedisError::Url("an authority is for `rediss://`".into()));
    }
    let certificates = std::fs::read(path).map_err(|_| RedisError::Authority(path.to_owned()))?;
    if !certificates.windows(BEGIN.len()).any(|part| part == BEGIN) {
        return Err(RedisError::Authority(path.to_owned()));
    }
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(certificates),
    };
    Client::build_with_tls(info, certificates).map_err(wrong)
}

/// Notices a server that has gone without a word, and sends small commands at once.
fn lively(info: ConnectionInfo) -> ConnectionInfo {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(USER_TIMEOUT);
    info.set_tcp_settings(settings)
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
pub async fn check(url: &str, authority: Option<&Path>, timeout: Duration) -> Result<(), RedisError> {
    let client = open(url, authority)?;
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
