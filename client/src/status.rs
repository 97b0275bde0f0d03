//! How far a command has come, told by the task and watched by who sent it.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tidings_protocol::ErrorCode;
use tokio::sync::watch;

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendStatus {
    /// It waits on this side, or for its answer.
    Pending,
    /// It is durable in the log, and reaches every member.
    Sent,
    /// A message: somebody else's device has it. In direct conversations only.
    Delivered,
    /// A message: somebody else has read it. In direct conversations, and in groups as large as receipts are shown in.
    Read,
    /// It was refused, or given up.
    Failed {
        /// What the server said; what was given up on this side has the nearest code, as [`crate::CommandError::code`] says.
        code: ErrorCode,
        /// Whether the same command with the same id may succeed later.
        retryable: bool,
    },
}

/// The end that tells.
pub(crate) type StatusSender = watch::Sender<SendStatus>;

/// The end that watches.
pub(crate) type StatusReceiver = watch::Receiver<SendStatus>;

pub(crate) fn channel() -> (StatusSender, StatusReceiver) {
    watch::channel(SendStatus::Pending)
}

/// The status now and each change of it, until none can follow. Who looks rarely sees only the newest.
pub(crate) fn changes(mut receiver: StatusReceiver) -> BoxStream<'static, SendStatus> {
    receiver.mark_changed();
    stream::unfold(receiver, async |mut receiver| {
        receiver.changed().await.ok()?;
        let status = *receiver.borrow_and_update();
        Some((status, receiver))
    })
    .boxed()
}
