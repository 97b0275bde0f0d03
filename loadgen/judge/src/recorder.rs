//! Writes one device's journal, with the times of the run's clock.

use std::path::Path;

use anyhow::{Context as _, Result};
use tidings_journal::{Micros, Record, World, Writer, write_world};
use tokio::time::Instant;

/// Everybody's one device.
const DEVICE: &str = "device";

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
        let writer = Writer::create(&path, user, DEVICE);
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

    /// Says in a directory who must have a journal there.
    pub(crate) fn list(dir: &Path, users: impl Iterator<Item = String>) -> Result<()> {
        let words = users.map(|user| World::Device {
            user,
            device: DEVICE.to_owned(),
            killed: false,
        });
        let path = dir.join("world.jsonl");
        let written = write_world(&path, &words.collect::<Vec<_>>());
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn close(mut self) -> Result<()> {
        self.add(|at| Record::End { at })?;
        Ok(self.writer.close()?)
    }
}
