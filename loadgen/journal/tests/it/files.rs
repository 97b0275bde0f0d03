//! Journals and exports as files: what is written can be read, and what is broken is named by file and line.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use crate::world::run;
use tempfile::TempDir;
use tidings_journal::{CheckError, FORMAT, Fault, Record, check_dir, read_dir, write_log, write_world};

/// Writes a run into a directory; every other journal is compressed.
fn written(seed: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let run = run(seed);
    for (index, journal) in run.ended().iter().enumerate() {
        let ending = if index % 2 == 0 { "" } else { ".gz" };
        let name = format!("{index}.journal.jsonl{ending}");
        journal.write(&dir.path().join(name)).unwrap();
    }
    write_log(&dir.path().join("log.jsonl.gz"), &run.log).unwrap();
    write_world(&dir.path().join("world.jsonl"), &run.words()).unwrap();
    dir
}

fn checked(dir: &TempDir) -> Result<(), String> {
    let export = dir.path().join("log.jsonl.gz");
    check_dir(dir.path(), &export)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// What is said of a directory with one more journal.
fn with(text: &str) -> String {
    let dir = written(1);
    fs::write(dir.path().join("broken.journal.jsonl"), text).unwrap();
    checked(&dir)
        .unwrap_err()
        .replace(&dir.path().display().to_string(), "DIR")
}

fn client(user: &str) -> String {
    format!("{{\"r\":\"client\",\"format\":\"{FORMAT}\",\"user\":\"{user}\",\"device\":\"phone\"}}\n")
}

#[test]
fn what_is_written_is_read_and_checked_as_in_memory() {
    for seed in 0..10 {
        let dir = written(seed);
        let run = run(seed);
        let (mut read, mut journals) = (read_dir(dir.path()).unwrap(), run.ended());
        for all in [&mut read, &mut journals] {
            all.sort_by(|one, other| (&one.user, &one.device).cmp(&(&other.user, &other.device)));
        }
        assert_eq!(read, journals);
        let of_files = check_dir(dir.path(), &dir.path().join("log.jsonl.gz")).unwrap();
        assert_eq!(of_files, run.check().unwrap());
    }
}

#[test]
fn a_counterexample_shows_the_lines_of_the_files() {
    let dir = written(1);
    let stranger = concat!(
        r#"{"r":"connected","at":1,"resume":{}}"#,
        "\n",
        r#"{"r":"delivered","at":2,"conversation":"nowhere","seq":1,"digest":0,"via":"live"}"#,
        "\n",
        r#"{"r":"end","at":3}"#,
        "\n"
    );
    fs::write(dir.path().join("9.journal.jsonl"), client("eve") + stranger).unwrap();
    let wrong = check_dir(dir.path(), &dir.path().join("log.jsonl.gz")).unwrap_err();
    let CheckError::Wrong(wrong) = wrong else {
        panic!("{wrong}")
    };
    assert_eq!(wrong.fault, Fault::UnknownConversation);
    let shown = wrong
        .to_string()
        .replace(&dir.path().display().to_string(), "DIR");
    assert_eq!(
        shown,
        "unknown-conversation: eve on phone knows of the conversation nowhere, which the log does not have\n  \
         eve on phone (DIR/9.journal.jsonl), line 3:\n    \
         {\"r\":\"delivered\",\"at\":2,\"conversation\":\"nowhere\",\"seq\":1,\"digest\":0,\"via\":\"live\"}"
    );
}

#[test]
fn half_a_line_is_named() {
    let half = client("eve") + "{\"r\":\"synced\",\"at\":5}\n{\"r\":\"synced\",\"at\"";
    assert_eq!(
        with(&half),
        "DIR/broken.journal.jsonl, line 3: the line is cut off"
    );
}

#[test]
fn a_line_that_is_no_record_is_named() {
    let said = with(&(client("eve") + "{\"r\":\"sneezed\",\"at\":5}\n"));
    assert!(
        said.starts_with("DIR/broken.journal.jsonl, line 2: unknown variant `sneezed`"),
        "{said}"
    );
}

#[test]
fn another_version_is_named() {
    let said =
        with("{\"r\":\"client\",\"format\":\"tidings-journal/99\",\"user\":\"eve\",\"device\":\"phone\"}\n");
    let expected = format!(
        "DIR/broken.journal.jsonl, line 1: the format is \"tidings-journal/99\"; {FORMAT:?} can be read"
    );
    assert_eq!(said, expected);
}

#[test]
fn a_journal_needs_its_first_line() {
    assert_eq!(with(""), "DIR/broken.journal.jsonl, line 1: the journal is empty");
    let said = with("{\"r\":\"synced\",\"at\":5}\n");
    assert_eq!(
        said,
        "DIR/broken.journal.jsonl, line 1: a journal begins with a `client` record"
    );
}

#[test]
fn a_compressed_file_that_is_cut_off_is_named() {
    let dir = written(1);
    let path = dir.path().join("1.journal.jsonl.gz");
    let mut bytes = Vec::new();
    fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
    fs::File::create(&path)
        .unwrap()
        .write_all(&bytes[..bytes.len() / 2])
        .unwrap();
    let said = checked(&dir).unwrap_err();
    assert!(said.contains("1.journal.jsonl.gz, line "), "{said}");
}

#[test]
fn an_export_that_cannot_be_read_is_named() {
    let dir = written(1);
    let export = dir.path().join("log.jsonl");
    let said = |text: &str| {
        fs::write(&export, text).unwrap();
        let error = check_dir(dir.path(), &export).unwrap_err();
        error
            .to_string()
            .replace(&dir.path().display().to_string(), "DIR")
    };
    let message = r#"{"conversation":"c","seq":1,"kind":"message","actor":"a","digest":1}"#;
    assert_eq!(
        said(&format!("{message}\n")),
        "DIR/log.jsonl, line 1: a message has an id"
    );
    assert!(said("{}\n").starts_with("DIR/log.jsonl, line 1: missing field"));
    fs::remove_file(&export).unwrap();
    let missing = check_dir(dir.path(), &export).unwrap_err().to_string();
    assert!(missing.contains("log.jsonl: No such file"), "{missing}");
}

#[test]
fn a_directory_without_journals_does_not_pass() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("log.jsonl"), "").unwrap();
    let empty = check_dir(dir.path(), &dir.path().join("log.jsonl")).unwrap_err();
    assert!(matches!(empty, CheckError::Empty(_)), "{empty}");
    let nowhere = check_dir(Path::new("/nowhere"), &dir.path().join("log.jsonl")).unwrap_err();
    assert!(matches!(nowhere, CheckError::Read(_)), "{nowhere}");
}

#[test]
fn a_record_is_one_line_of_json() {
    let record = Record::Gap {
        at: 7,
        conversation: "c".to_owned(),
        from: 1,
        to: 3,
    };
    let line = r#"{"r":"gap","at":7,"conversation":"c","from":1,"to":3}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), line);
    assert_eq!(serde_json::from_str::<Record>(line).unwrap(), record);
}
