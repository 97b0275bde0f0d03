//! Bodies of bounded length.

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use std::time::Duration;
use tokio::time::timeout;

/// How much of a body that is too long is read and dropped, so that its sender comes to read the answer: to close on unread
/// bytes resets the connection, and the reset overtakes the answer.
const DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long that may take.
const DRAIN: Duration = Duration::from_secs(5);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// Its sender is gone, or sends what is no body.
    Broken,
}

/// Reads a body of at most `most` bytes, whether or not its length was declared. One that is declared to be longer is not read in the hope of
/// that many.
pub async fn read_body(body: Body, most: usize) -> Result<Bytes, BodyError> {
    let declared = body.size_hint().lower();
    let mut stream = body.into_data_stream();
    if declared > most as u64 {
        // All of what is longer still would not be dropped either.
        if declared <= DRAINED_BYTES_MAX as u64 {
            let _ = timeout(DRAIN, drain(&mut stream)).await;
        }
        return Err(BodyError::TooLarge);
    }
    let mut whole = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        if whole.len() + chunk.len() > most {
            drop(whole);
            // What is still not there when the time is up is not waited for.
            let _ = timeout(DRAIN, drain(&mut stream)).await;
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

async fn drain(stream: &mut BodyDataStream) {
    let mut drained = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        drained += chunk.len();
        if drained > DRAINED_BYTES_MAX {
            return;
        }
    }
}
