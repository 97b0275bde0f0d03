//! Writes one device's journal, with the times of the run's clock.

use std::path::Path;

use anyhow::{Context as _, Result};
use tidings_journal::{Micros, Record, Writer};
use tokio::time::Instant;

/// The clock that all journals of a run share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

/// An open journal.
pub(crate) struct Recorder {
    writer: Writer,
    clock: Clock,
}

impl Recorder {
    /// Begins the journal `NAME.journal.jsonl` in a directory.
    pub(crate) fn create(dir: &Path, name: &str, user: &str, clock: Clock) -> Result<Self> {
        let path = dir.join(format!("{name}.journal.jsonl"));
        let writer = Writer::create(&path, user, "device");
        Ok(Self {
            writer: writer.with_context(|| format!("cannot write {}", path.display()))?,
            clock,
        })
    }

    /// Writes down what happens now.
    pub(crate) fn add(&mut self, record: impl FnOnce(Micros) -> Record) -> Result<()> {
        let now = u64::try_from(self.clock.0.elapsed().as_micros()).unwrap_or(Micros::MAX);
        Ok(self.writer.append(&record(now))?)
    }

    pub(crate) fn close(self) -> Result<()> {
        Ok(self.writer.close()?)
    }
}
