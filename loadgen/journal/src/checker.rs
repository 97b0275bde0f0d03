//! Decides whether what clients saw can be true together with the log.
//!
//! Journals are followed one at a time ([`follow`]), beside the log; what needs more than one of them is noted and
//! settled at the end ([`settle`]). Deliveries are compared at once and not kept.

mod blocks;
mod follow;
mod found;
mod heard;
mod hidden;
mod messages;
mod order;
mod owed;
mod reach;
mod recalls;
mod settle;
mod times;
mod told;
mod unread;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::counterexample::{Counterexample, Evidence, Source};
use crate::export::{Export, Place};
use crate::journal::{Journal, Reader, journals_in};
use crate::lines::{LineReader, ReadError};
use crate::names::Names;
use crate::record::Record;
use crate::summary::Summary;
use crate::world::Words;
use follow::Follower;
use found::{Found, Line};
use messages::Messages;
use times::Times;
use told::Told;

/// The most characters of a line that a counterexample shows.
const TEXT_MAX: usize = 400;

/// Checks journals in memory against the log.
pub fn check(journals: &[Journal], export: &Export) -> Result<Summary, Counterexample> {
    let mut run = Run::new(export);
    for journal in journals {
        let mut follower = Follower::new(&mut run, &journal.user, &journal.device, None);
        for (line, record) in (2..).zip(&journal.records) {
            follower.take(line, record);
        }
        follower.end();
    }
    run.verdict(|journal, line| {
        let index = (line as usize).checked_sub(2);
        let record = index.and_then(|index| journals[journal].records.get(index));
        record.map_or_else(String::new, json)
    })
}

/// Why a directory of journals did not pass.
#[derive(Debug, Error)]
pub enum CheckError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("there are no journals in {}", .0.display())]
    Empty(PathBuf),
    #[error(transparent)]
    Wrong(#[from] Counterexample),
}

/// Checks the journals of a directory against an export. One journal is read at a time, and none is kept.
pub fn check_dir(dir: &Path, export: &Path) -> Result<Summary, CheckError> {
    let paths = journals_in(dir)?;
    if paths.is_empty() {
        return Err(CheckError::Empty(dir.to_owned()));
    }
    let world = Words::read(&dir.join("world.jsonl"))?;
    let export = Export::read(export)?.with_world(world);
    let mut run = Run::new(&export);
    for path in &paths {
        let reader = Reader::open(path)?;
        let (user, device) = (reader.user.clone(), reader.device.clone());
        let mut follower = Follower::new(&mut run, &user, &device, Some(path.clone()));
        for line in reader {
            let (line, record) = line?;
            follower.take(line, &record);
        }
        follower.end();
    }
    Ok(run.verdict(|journal, line| text_of(&paths[journal], line))?)
}

/// The line of a file as it stands.
fn text_of(path: &Path, line: u32) -> String {
    let Ok(mut lines) = LineReader::<Record>::open(path) else {
        return String::new();
    };
    for _ in 1..line {
        if !matches!(lines.text(), Ok(Some(_))) {
            return String::new();
        }
    }
    lines.text().ok().flatten().unwrap_or_default().to_owned()
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What is known of a run so far.
struct Run<'e> {
    export: &'e Export,
    /// Those of the export, and others that only journals name.
    users: Names,
    conversations: Names,
    devices: Vec<Source>,
    messages: Messages,
    times: Times,
    /// Users and the conversations of which something reached them.
    reached: HashSet<(u32, u32)>,
    told: Told,
    notes: Notes,
    found: Found,
    summary: Summary,
}

/// What can be decided only when all journals are read.
#[derive(Default)]
struct Notes {
    suspects: Vec<order::Suspect>,
    absences: Vec<reach::Absence>,
    catches: Vec<reach::Catch>,
    stays: Vec<reach::Stay>,
    beginnings: Vec<reach::Beginning>,
    reads: unread::Reads,
    counts: Vec<unread::Count>,
    heard: Vec<heard::Heard>,
    recalled: Vec<recalls::Recalled>,
    hides: hidden::Hides,
    blocks: blocks::Blocks,
    unsaid: Vec<hidden::Unsaid>,
    /// Whether deliveries came with seqs.
    with_seqs: bool,
}

impl Notes {
    /// Whether clients are shown seqs. Where nobody was shown anything, nothing but messages is known to be shown.
    fn shows_seqs(&self) -> bool {
        self.with_seqs
    }
}

impl<'e> Run<'e> {
    fn new(export: &'e Export) -> Self {
        Self {
            export,
            users: export.users.clone(),
            conversations: export.names.clone(),
            devices: Vec::new(),
            messages: Messages::default(),
            times: Times::new(export),
            reached: HashSet::new(),
            told: Told::default(),
            notes: Notes::default(),
            found: Found::default(),
            summary: Summary::default(),
        }
    }

    /// The device of a journal, in words.
    fn device(&self, journal: u32) -> String {
        match &self.devices[journal as usize] {
            Source::Journal { user, device, .. } => format!("{user} on {device}"),
            Source::Log => String::new(),
        }
    }

    /// `text` gives the line of a journal.
    fn verdict(mut self, text: impl Fn(usize, u32) -> String) -> Result<Summary, Counterexample> {
        settle::settle(&mut self);
        let Some((contradiction, others)) = self.found.smallest() else {
            return Ok(self.summary);
        };
        let evidence = contradiction.lines.iter().map(|line| match *line {
            Line::Journal { journal, line } => Evidence {
                source: self.devices[journal as usize].clone(),
                line,
                text: shortened(text(journal as usize, line)),
            },
            Line::Log(place) => self.logged(place),
            Line::Torn { line } => Evidence {
                source: Source::Log,
                line,
                text: String::new(),
            },
        });
        Err(Counterexample {
            fault: contradiction.fault,
            says: contradiction.says.clone(),
            evidence: evidence.collect(),
            others,
            counts: self.found.counts().clone(),
        })
    }

    fn logged(&self, place: Place) -> Evidence {
        Evidence {
            source: Source::Log,
            line: self.export.entry(place).map_or(0, |entry| entry.line),
            text: shortened(self.export.logged(place).as_ref().map(json).unwrap_or_default()),
        }
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}
