//! Where commands are kept from before they are sent until they are answered, so that what ends the program loses none.

mod file;
mod memory;

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

pub use self::{
    file::{FileStore, OpenError},
    memory::MemoryStore,
};

/// A command that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id; for `message.send` also the message's.
    pub id: Uuid,
    /// The frame as it is sent, the same bytes however often.
    pub frame: Arc<str>,
}

impl Kept {
    /// Reads a frame; `None` when it is no command.
    pub fn read(frame: &str) -> Option<Self> {
        let id = field(frame, "id")?;
        Some(Self {
            id,
            frame: frame.into(),
        })
    }

    /// Whether it sends a message.
    pub fn is_message(&self) -> bool {
        let frame: Result<Value, _> = serde_json::from_str(&self.frame);
        frame.is_ok_and(|frame| frame["type"] == "message.send")
    }

    /// The conversation that the command is for, where it names one.
    pub fn conversation(&self) -> Option<Uuid> {
        field(&self.frame, "conversation")
    }
}

fn field(frame: &str, name: &str) -> Option<Uuid> {
    let frame: Value = serde_json::from_str(frame).ok()?;
    frame.get(name)?.as_str()?.parse().ok()
}

/// A store of commands. [`crate::connect_with`] hands it what is to be sent, and sends nothing that it does not have.
///
/// It is called from one thread at a time, which may block.
pub trait CommandStore: Send + 'static {
    /// Whose commands these are. Where it says so, they are sent to a server that knows this user and to no other.
    fn user(&self) -> Option<Uuid>;

    /// All that it has, oldest first.
    fn kept(&self) -> Vec<Kept>;

    /// Takes a command, which need not be safe before the next [`Self::sync`]. One that it has already is no error.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there is no room; the command is not taken then.
    fn put(&mut self, command: &Kept) -> Result<(), StoreError>;

    /// Makes everything safe that was put.
    ///
    /// # Errors
    /// What was put since the last time that it succeeded is not taken then, though it may turn up after a crash.
    fn sync(&mut self) -> Result<(), StoreError>;

    /// Forgets commands that were answered. It need not be safe: one that comes back is sent again, and its id finds
    /// the first answer.
    fn remove(&mut self, ids: &[Uuid]);
}

/// A command was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room until others were answered.
    #[error("the store is full")]
    Full,
    /// It could not be written.
    #[error("the store cannot be written: {0}")]
    Failed(String),
}
