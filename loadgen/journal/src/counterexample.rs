//! The few lines that contradict a promise, in plain words.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use crate::fault::Fault;

/// The smallest contradiction that was found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Counterexample {
    pub fault: Fault,
    /// What is wrong, in a sentence.
    pub says: String,
    /// The lines that show it.
    pub evidence: Vec<Evidence>,
    /// Contradictions that were found beside this one.
    pub others: u64,
    /// How many were found of each kind, this one included.
    pub counts: BTreeMap<Fault, u64>,
}

/// A line of a journal or of the export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub source: Source,
    /// From 1.
    pub line: u32,
    /// The line itself, or as much of it as fits.
    pub text: String,
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The journal of a device, with its file where it was read from one.
    Journal {
        user: String,
        device: String,
        file: Option<PathBuf>,
    },
    /// The export.
    Log,
}

impl Source {
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Self::Journal { user, .. } => Some(user),
            Self::Log => None,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => out.write_str("the log"),
            Self::Journal { user, device, file } => {
                write!(out, "{user} on {device}")?;
                match file {
                    Some(file) => write!(out, " ({})", file.display()),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.fault, self.says)?;
        for Evidence { source, line, text } in &self.evidence {
            write!(out, "\n  {source}, line {line}:\n    {text}")?;
        }
        match self.others {
            0 => return Ok(()),
            1 => write!(out, "\n  and 1 more contradiction")?,
            others => write!(out, "\n  and {others} more contradictions")?,
        }
        let counts = self
            .counts
            .iter()
            .map(|(fault, count)| format!("{count} {fault}"));
        write!(out, "; in all {}", counts.collect::<Vec<_>>().join(", "))
    }
}
