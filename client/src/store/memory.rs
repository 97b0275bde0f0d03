//! Commands that live as long as the program.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::{CommandStore, Kept, StoreError};

/// A store in memory, for what has no files. Clones share it: what one connection did not send, the next one does that
/// is given a clone.
#[derive(Debug, Clone)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

#[derive(Debug)]
struct Memory {
    user: Option<Uuid>,
    kept: VecDeque<Kept>,
    bytes: usize,
    bytes_max: usize,
}

impl MemoryStore {
    /// How many bytes of frames it holds, where nothing else is said.
    pub const BYTES_MAX: usize = 4 << 20;

    /// A store that holds frames of at most `bytes_max` bytes together. `user` is whose they are, where that is known.
    pub fn new(user: Option<Uuid>, bytes_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Memory {
            user,
            kept: VecDeque::new(),
            bytes: 0,
            bytes_max,
        })))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(None, Self::BYTES_MAX)
    }
}

impl CommandStore for MemoryStore {
    fn user(&self) -> Option<Uuid> {
        self.memory().user
    }

    fn kept(&self) -> Vec<Kept> {
        self.memory().kept.iter().cloned().collect()
    }

    fn put(&mut self, command: &Kept) -> Result<(), StoreError> {
        let mut memory = self.memory();
        if memory.kept.iter().any(|kept| kept.id == command.id) {
            return Ok(());
        }
        let bytes = memory.bytes + command.frame.len();
        if bytes > memory.bytes_max {
            return Err(StoreError::Full);
        }
        memory.bytes = bytes;
        memory.kept.push_back(command.clone());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn remove(&mut self, ids: &[Uuid]) {
        let mut memory = self.memory();
        memory.kept.retain(|kept| !ids.contains(&kept.id));
        memory.bytes = memory.kept.iter().map(|kept| kept.frame.len()).sum();
    }
}
