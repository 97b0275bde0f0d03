//! Journals in memory and in files.

use std::io;
use std::path::{Path, PathBuf};

use crate::lines::{LineReader, LineWriter, ReadError};
use crate::record::{FORMAT, Record};

/// How the names of journals end, before `.gz` where they are compressed.
const ENDING: &str = ".journal.jsonl";

/// What one device of one person did and saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    pub user: String,
    pub device: String,
    /// All lines but the first: record 0 is line 2.
    pub records: Vec<Record>,
}

impl Journal {
    /// Reads a whole journal.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let mut reader = Reader::open(path)?;
        let records: Result<Vec<_>, _> = reader
            .by_ref()
            .map(|line| line.map(|(_, record)| record))
            .collect();
        Ok(Self {
            records: records?,
            user: reader.user,
            device: reader.device,
        })
    }

    /// Writes it as a file; see [`Writer`].
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut writer = Writer::create(path, &self.user, &self.device)?;
        for record in &self.records {
            writer.append(record)?;
        }
        writer.close()
    }
}

/// Writes one journal as it happens.
pub struct Writer {
    lines: LineWriter,
}

impl Writer {
    /// Begins the journal of a device. The name should end in `.journal.jsonl`, or in `.journal.jsonl.gz`, which
    /// compresses it.
    pub fn create(path: &Path, user: &str, device: &str) -> io::Result<Self> {
        let mut lines = LineWriter::create(path)?;
        lines.append(&Record::Client {
            format: FORMAT.to_owned(),
            user: user.to_owned(),
            device: device.to_owned(),
        })?;
        Ok(Self { lines })
    }

    pub fn append(&mut self, record: &Record) -> io::Result<()> {
        self.lines.append(record)
    }

    /// Writes what is buffered; without it, the last lines may be missing.
    pub fn close(self) -> io::Result<()> {
        self.lines.close()
    }
}

/// The journals in a directory, by name.
pub fn journals_in(dir: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let fault = |source| ReadError::File {
        path: dir.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in dir.read_dir().map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.strip_suffix(".gz").unwrap_or(&name).ends_with(ENDING) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads all journals of a directory into memory.
pub fn read_dir(dir: &Path) -> Result<Vec<Journal>, ReadError> {
    journals_in(dir)?.iter().map(|path| Journal::read(path)).collect()
}

/// The records of a journal's file, with their lines.
pub(crate) struct Reader {
    pub(crate) user: String,
    pub(crate) device: String,
    lines: LineReader<Record>,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let mut lines = LineReader::open(path)?;
        match lines.next().transpose()? {
            Some((_, Record::Client { format, user, device })) if format == FORMAT => {
                Ok(Self { user, device, lines })
            }
            Some((_, Record::Client { format, .. })) => {
                Err(lines.fault(&format!("the format is {format:?}; {FORMAT:?} can be read")))
            }
            Some(_) => Err(lines.fault("a journal begins with a `client` record")),
            None => Err(lines.fault("the journal is empty")),
        }
    }
}

impl Iterator for Reader {
    type Item = Result<(u32, Record), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lines.next()
    }
}
