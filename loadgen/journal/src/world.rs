//! What is known of a run from outside: by whoever gave people their devices and broke the server.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::lines::{LineReader, LineWriter, ReadError};
use crate::record::Micros;

/// One line of `world.jsonl`, which stands beside the journals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "w", rename_all = "snake_case")]
pub enum World {
    /// Somebody had this device, so that it has a journal. Where there is one such line, there is one for each device.
    Device {
        user: String,
        device: String,
        /// It was ended in the middle of whatever it did: its journal need not have an end.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        killed: bool,
    },
    /// From here on nothing was wrong with the server and the ways to it.
    Healed { at: Micros },
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// By user and device: whether it was killed.
    pub(crate) devices: BTreeMap<(String, String), bool>,
    pub(crate) healed: Option<Micros>,
}

impl Words {
    pub(crate) fn add(&mut self, word: World) {
        match word {
            World::Device { user, device, killed } => {
                self.devices.insert((user, device), killed);
            }
            World::Healed { at } => self.healed = Some(at),
        }
    }

    /// Reads `world.jsonl`; a directory without it says nothing.
    pub(crate) fn read(path: &Path) -> Result<Vec<World>, ReadError> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        let lines = LineReader::<World>::open(path)?;
        lines.map(|line| line.map(|(_, word)| word)).collect()
    }
}

/// Writes `world.jsonl`.
pub fn write_world<'a>(path: &Path, words: impl IntoIterator<Item = &'a World>) -> io::Result<()> {
    let mut lines = LineWriter::create(path)?;
    for word in words {
        lines.append(word)?;
    }
    lines.close()
}
