//! A chat log: who said what, in order.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context as _, Result};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// The longest text, in bytes; the server's own limit. Longer ones are cut at a character.
const TEXT_BYTES_MAX: usize = 8192;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Line {
    pub(crate) user: String,
    pub(crate) text: String,
}

/// Reads a log of one JSON object `{"ts","user","text"}` a line, plain or gzip, up to `limit` lines. Texts that
/// are blank are skipped, those that are too long are cut.
pub(crate) fn read_log(path: &Path, limit: usize) -> Result<Vec<Line>> {
    let shown = path.display();
    let mut file = BufReader::new(File::open(path).with_context(|| format!("cannot open {shown}"))?);
    let packed = file
        .fill_buf()
        .with_context(|| format!("cannot read {shown}"))?
        .starts_with(&[0x1F, 0x8B]);
    let plain: Box<dyn Read> = if packed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut lines = Vec::new();
    for (index, text) in BufReader::new(plain).lines().enumerate() {
        if lines.len() == limit {
            break;
        }
        let text = text.with_context(|| format!("cannot read {shown}"))?;
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&text)
            .with_context(|| format!("line {} of {shown} is not of a chat log", index + 1))?;
        lines.extend(fit(line));
    }
    Ok(lines)
}

fn fit(mut line: Line) -> Option<Line> {
    if line.text.trim().is_empty() {
        return None;
    }
    line.text.truncate(line.text.floor_char_boundary(TEXT_BYTES_MAX));
    Some(line)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn plain_and_packed_logs_read_alike_without_blank_texts_and_with_long_ones_cut() {
        let long = "ü".repeat(5000);
        let text = format!(
            "{{\"ts\":1,\"user\":\"ann\",\"text\":\"hi\"}}\n\n{{\"ts\":2,\"user\":\"bob\",\"text\":\"  \"}}\n\
             {{\"ts\":3,\"user\":\"bob\",\"text\":\"{long}\"}}\n"
        );
        let directory = std::env::temp_dir().join(format!("chat-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let (plain, packed) = (directory.join("log.jsonl"), directory.join("log.jsonl.gz"));
        std::fs::write(&plain, &text).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        std::fs::write(&packed, encoder.finish().unwrap()).unwrap();

        let lines = read_log(&plain, usize::MAX).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1].text.len(), TEXT_BYTES_MAX);
        assert_eq!(read_log(&packed, usize::MAX).unwrap(), lines);
        assert_eq!(read_log(&packed, 1).unwrap().len(), 1);
        std::fs::write(&plain, "nonsense").unwrap();
        assert!(read_log(&plain, 9).is_err());
        std::fs::remove_dir_all(directory).unwrap();
    }
}
