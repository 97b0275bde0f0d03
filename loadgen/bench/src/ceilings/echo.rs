//! The least that a durable message can take: there and back over a socket, and one commit.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tidings_eventlog::{Appender, Batch};
use tidings_stand::Stand;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::append::{fresh_log, message, stream_of};
use super::{FRAME, PAYLOAD};
use crate::pacer::Pacer;
use crate::report::Latencies;

/// Latencies of both, and of one after the other from when it was due.
pub struct EchoAndCommit {
    pub echo: Latencies,
    pub commit: Latencies,
    pub both: Latencies,
}

/// Sends a message to an echo and commits one event, so often a second.
pub async fn echo_and_commit(stand: &Stand, rate: f64, length: Duration) -> Result<EchoAndCommit> {
    let appender = Appender::new(fresh_log(stand).await?);
    appender.warm().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr()?), listener.accept());
    let (mut near, (mut far, _)) = (near?, far?);
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    // Aborted when this function ends.
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut frame = [0; FRAME];
        while far.read_exact(&mut frame).await.is_ok() && far.write_all(&frame).await.is_ok() {}
    });
    let (turn, mut calls) = mpsc::channel(64);
    let _pacer = Pacer::start(rate, length, vec![turn]);
    let mut times = EchoAndCommit {
        echo: Latencies::new(),
        commit: Latencies::new(),
        both: Latencies::new(),
    };
    let (stream, payload) = (stream_of(0), Bytes::from(vec![b'x'; PAYLOAD]));
    let mut frame = [b'x'; FRAME];
    while let Some(due) = calls.recv().await {
        let begun = Instant::now();
        near.write_all(&frame).await?;
        near.read_exact(&mut frame).await?;
        let echoed = Instant::now();
        let mut batch = Batch::new(0);
        batch.push(&message(stream, &payload));
        appender.append(&batch).await.context("a commit failed")?;
        let committed = Instant::now();
        times.echo.record(echoed - begun);
        times.commit.record(committed - echoed);
        times.both.record(committed - due);
    }
    Ok(times)
}
