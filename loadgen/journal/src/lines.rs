//! Files of JSON lines, plain or compressed with gzip as their names say.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

const BUFFER_BYTES: usize = 128 << 10;

/// Why a journal or an export cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        path: PathBuf,
        line: u32,
        reason: String,
    },
}

/// Writes values as lines.
pub(crate) struct LineWriter {
    sink: Sink,
}

enum Sink {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl LineWriter {
    /// Begins a new file; one that ends in `.gz` is compressed.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
        let sink = if is_compressed(path) {
            Sink::Gzip(Box::new(GzEncoder::new(file, Compression::fast())))
        } else {
            Sink::Plain(file)
        };
        Ok(Self { sink })
    }

    pub(crate) fn append(&mut self, value: &impl Serialize) -> io::Result<()> {
        let sink: &mut dyn Write = match &mut self.sink {
            Sink::Plain(file) => file,
            Sink::Gzip(file) => file,
        };
        serde_json::to_writer(&mut *sink, value)?;
        sink.write_all(b"\n")
    }

    /// Writes what is buffered. Without it, an error of the last writes goes unseen.
    pub(crate) fn close(self) -> io::Result<()> {
        match self.sink {
            Sink::Plain(mut file) => file.flush(),
            Sink::Gzip(file) => file.finish()?.flush(),
        }
    }
}

/// The lines of a file, as values, with their numbers from 1.
pub(crate) struct LineReader<T> {
    path: PathBuf,
    source: BufReader<Box<dyn Read>>,
    line: u32,
    text: String,
    kind: PhantomData<T>,
}

impl<T: DeserializeOwned> LineReader<T> {
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::File {
            path: path.to_owned(),
            source,
        })?;
        let source: Box<dyn Read> = if is_compressed(path) {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file)))
        } else {
            Box::new(file)
        };
        Ok(Self {
            path: path.to_owned(),
            source: BufReader::with_capacity(BUFFER_BYTES, source),
            line: 0,
            text: String::new(),
            kind: PhantomData,
        })
    }

    /// The next line as it stands, without its end.
    pub(crate) fn text(&mut self) -> Result<Option<&str>, ReadError> {
        self.text.clear();
        self.line += 1;
        match self.source.read_line(&mut self.text) {
            Ok(0) => Ok(None),
            Ok(_) if self.text.ends_with('\n') => Ok(Some(self.text.trim_end())),
            Ok(_) => Err(self.fault("the line is cut off")),
            Err(error) => Err(self.fault(&error.to_string())),
        }
    }

    pub(crate) fn fault(&self, reason: &str) -> ReadError {
        ReadError::Line {
            path: self.path.clone(),
            line: self.line,
            reason: reason.to_owned(),
        }
    }
}

impl<T: DeserializeOwned> Iterator for LineReader<T> {
    type Item = Result<(u32, T), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let parsed = match self.text() {
            Ok(None) => return None,
            Ok(Some(text)) => serde_json::from_str(text),
            Err(error) => return Some(Err(error)),
        };
        Some(match parsed {
            Ok(value) => Ok((self.line, value)),
            Err(error) => Err(self.fault(&error.to_string())),
        })
    }
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}
