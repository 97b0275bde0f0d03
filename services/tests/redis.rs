//! A private Redis through its life, on the real server, spoken to in its inline protocol.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tidings_services::testing::private_redis;
use tidings_services::{Redis, RedisOptions, ServiceError};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_mins(1);

/// Sends one inline command and returns the first line of its answer.
async fn ask(stream: &mut BufReader<TcpStream>, command: &str) -> std::io::Result<String> {
    stream
        .get_mut()
        .write_all(format!("{command}\r\n").as_bytes())
        .await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.trim().to_owned())
}

async fn connect(redis: &Redis) -> BufReader<TcpStream> {
    let mut stream = stranger(redis).await;
    let url = redis.url(0);
    let secret = url.strip_prefix("redis://:").unwrap().split_once('@').unwrap().0;
    assert_eq!(ask(&mut stream, &format!("AUTH {secret}")).await.unwrap(), "+OK");
    stream
}

async fn stranger(redis: &Redis) -> BufReader<TcpStream> {
    BufReader::new(TcpStream::connect(("127.0.0.1", redis.port())).await.unwrap())
}

#[tokio::test]
async fn whoever_cannot_read_the_secret_is_told_nothing() {
    let redis = private_redis().await.unwrap();
    let mut stream = stranger(&redis).await;
    assert!(ask(&mut stream, "GET key").await.unwrap().starts_with("-NOAUTH"));
    let mode = std::fs::metadata(redis.dir().join("secret"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn it_starts_empty_again_on_the_same_port_after_a_kill() {
    let redis = private_redis().await.unwrap();
    let mut stream = connect(&redis).await;
    assert_eq!(ask(&mut stream, "SET key value").await.unwrap(), "+OK");
    redis.kill().await.unwrap();
    assert_eq!(redis.pid(), None);
    assert!(TcpStream::connect(("127.0.0.1", redis.port())).await.is_err());

    redis.restart().await.unwrap();
    assert!(redis.pid().is_some());
    let mut stream = connect(&redis).await;
    assert_eq!(ask(&mut stream, "EXISTS key").await.unwrap(), ":0");
}

#[tokio::test]
async fn settings_of_the_caller_win_and_nothing_is_persisted() {
    let dir = tempfile::tempdir().unwrap();
    let options = RedisOptions::default().with("databases", "20");
    let redis = Redis::start(&dir.path().join("redis"), options).await.unwrap();
    let mut stream = connect(&redis).await;
    assert_eq!(ask(&mut stream, "SELECT 19").await.unwrap(), "+OK");
    assert!(ask(&mut stream, "SELECT 20").await.unwrap().starts_with("-ERR"));
    assert_eq!(ask(&mut stream, "SET key value").await.unwrap(), "+OK");
    let data = std::fs::canonicalize(dir.path().join("redis/elsewhere"));
    let data = data.unwrap_or_else(|_| dir.path().join("redis")).join("data");
    assert!(data.exists());
    redis.stop().await.unwrap();
    let left: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    if let Ok(elsewhere) = std::fs::canonicalize(dir.path().join("redis/elsewhere")) {
        std::fs::remove_dir_all(elsewhere).unwrap();
    }
}

#[tokio::test]
async fn a_paused_server_answers_nothing_until_it_is_resumed() {
    let redis = private_redis().await.unwrap();
    let mut stream = connect(&redis).await;
    assert_eq!(ask(&mut stream, "PING").await.unwrap(), "+PONG");
    redis.pause().await.unwrap();
    let answer = ask(&mut stream, "PING");
    tokio::pin!(answer);
    // A pause can only be seen as an answer that stays out.
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut answer)
            .await
            .is_err()
    );
    redis.resume().await.unwrap();
    assert_eq!(
        tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap(),
        "+PONG"
    );
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let redis = private_redis().await.unwrap();
    let error = Redis::start(redis.dir(), RedisOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::InUse { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let options = RedisOptions::default().with("no-such-setting", "1");
    let error = Redis::start(dir.path(), options).await.unwrap_err().to_string();
    assert!(error.contains("no-such-setting"), "{error}");
}
