//! How far a command is, told by the task and read by its handle.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum SendStatus {
    /// It waits on this side.
    Queued,
    /// It was given to the socket at least once.
    Sent,
    /// It is durable.
    Acked,
    /// It was refused or never sent.
    Failed,
    /// It was sent, and the answer never came.
    Unknown,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct StatusCell(Arc<AtomicU8>);

impl StatusCell {
    pub(crate) fn set(&self, status: SendStatus) {
        self.0.store(status as u8, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> SendStatus {
        match self.0.load(Ordering::Relaxed) {
            0 => SendStatus::Queued,
            1 => SendStatus::Sent,
            2 => SendStatus::Acked,
            3 => SendStatus::Failed,
            _ => SendStatus::Unknown,
        }
    }
}
