//! What the parts of this machine can do at best, to be measured in the same run as what stands beside it. Each ceiling
//! checks that what it counted has really happened.

mod append_loop;
mod echo;
mod frame_reader;
mod inserts;
mod meter;
mod pipeline;
mod raw_frames;
mod run;
mod scratch;

pub use append_loop::{AppendLoop, append_loop};
pub use echo::{Echo, EchoAndCommit, Times as EchoTimes, echo_and_commit};
pub use frame_reader::{FrameReader, frame_reader};
pub use inserts::{Inserts, batched_inserts, copy_in};
pub use meter::Rounds;
pub use pipeline::{Pipeline, redis_pipeline};
pub use raw_frames::{RawFrames, raise_file_limit, raw_frames, raw_frames_in_flight, raw_frames_to};
pub use run::{Args, Ceiling, name_stores, run};

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::timeout;

/// Bytes of an event of a chat message.
const PAYLOAD: usize = 200;
/// Bytes of a WebSocket frame with such an event.
const FRAME: usize = 360;

/// No single answer of a store or a socket takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for an answer, though not for ever.
async fn within<T, E>(what: impl Display, answer: impl Future<Output = Result<T, E>>) -> Result<T>
where
    Result<T, E>: anyhow::Context<T, E>,
{
    let answered = timeout(PATIENCE, answer).await;
    let answered = answered.with_context(|| format!("{what}: no answer within {PATIENCE:?}"))?;
    answered.with_context(|| format!("{what} failed"))
}
