//! The journal of a device, written by those who speak on it and by the one who listens.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use tidings_journal::Writer;
use tidings_scribe::scribe::{Clock, Scribe, Seen};
use uuid::Uuid;

use super::shared::lock;

/// Records that wait in memory, so that a line is not a lock and a write each.
const WAITING_MAX: usize = 256;

/// Clones write into the same journal.
#[derive(Clone)]
pub(crate) struct Pen {
    open: Arc<Mutex<Option<Open>>>,
    seen: Seen,
}

struct Open {
    scribe: Scribe,
    writer: Writer,
    waiting: usize,
    /// The first line that could not be written.
    lost: Option<std::io::Error>,
}

impl Pen {
    /// Begins a journal in a directory.
    pub(crate) fn create(dir: &Path, clock: Clock, user: Uuid, device: &str) -> Result<Self> {
        let path = dir.join(format!("{user}.{device}.journal.jsonl.gz"));
        let writer = Writer::create(&path, &user.to_string(), device);
        let writer = writer.with_context(|| format!("cannot write {}", path.display()))?;
        let scribe = Scribe::new(clock, user, device);
        Ok(Self {
            seen: scribe.seen().clone(),
            open: Arc::new(Mutex::new(Some(Open {
                scribe,
                writer,
                waiting: 0,
                lost: None,
            }))),
        })
    }

    /// Writes something down; what happens once the journal is closed is not in it.
    pub(crate) fn note(&self, write: impl FnOnce(&mut Scribe)) {
        if let Some(open) = &mut *lock(&self.open) {
            write(&mut open.scribe);
            open.waiting += 1;
            if open.waiting == WAITING_MAX {
                open.write();
            }
        }
    }

    /// The last seq of a conversation that the device was shown or told to be left out; 0 for none.
    pub(crate) fn seen(&self, conversation: Uuid) -> u64 {
        self.seen.of(conversation)
    }

    /// Ends the journal. Whoever is connected then has stayed to the end.
    pub(crate) fn close(&self) -> Result<()> {
        let Some(mut open) = lock(&self.open).take() else {
            return Ok(());
        };
        open.write();
        for record in &open.scribe.close().records {
            open.writer.append(record)?;
        }
        open.writer.close()?;
        open.lost.map_or(Ok(()), |lost| Err(lost.into()))
    }
}

impl Open {
    fn write(&mut self) {
        self.waiting = 0;
        for record in self.scribe.drain() {
            if let Err(error) = self.writer.append(&record) {
                self.lost.get_or_insert(error);
            }
        }
    }
}
