//! Every frame as it stands on the wire, in `golden/`; other rooms read the same files. Set `UPDATE_GOLDEN=1`
//! to write them anew: a changed file is a changed protocol.

#[path = "golden/frames.rs"]
mod frames;

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use frames::{client_frames, server_frames};
use tidings_protocol::{
    ClientFrame, EventData, NoticeData, NoticeRef, ServerFrame, parse,
    schema::{SCHEMA_FILE, async_api, document},
};

#[expect(clippy::unwrap_used, reason = "a test that cannot write its files has failed")]
fn check(file: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("{text}\n")).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(golden.trim_end(), text, "{file} differs");
}

#[test]
fn client_frames_are_written_as_the_golden_files_say_and_read_back() {
    for (name, frame) in client_frames() {
        let text = serde_json::to_string(&frame).unwrap();
        check(&format!("golden/client/{name}.json"), &text);
        assert_eq!(parse(&text).as_ref(), Ok(&frame), "{name}");
    }
}

#[test]
fn a_command_says_of_itself_what_stands_in_its_text() {
    for (name, frame) in client_frames() {
        let ClientFrame::Command(command) = &frame else {
            continue;
        };
        let text = serde_json::to_value(&frame).unwrap();
        assert_eq!(text["type"], command.action.name(), "{name}");
        let conversation = command.action.conversation().map(|id| id.to_string());
        assert_eq!(text["conversation"].as_str(), conversation.as_deref(), "{name}");
    }
}

#[test]
fn server_frames_are_written_as_the_golden_files_say_and_read_back() {
    for (name, frame) in server_frames() {
        let text = frame.encode();
        check(&format!("golden/server/{name}.json"), &text);
        let read = ServerFrame::parse(&text).unwrap().unwrap();
        assert_eq!(read.encode(), text, "{name}");
        match read {
            ServerFrame::Event(event) => assert_ne!(event.decode(), EventData::Unknown, "{name}"),
            // The example of a kind that this version has no name for is called after none.
            ServerFrame::Notice(notice) => {
                assert_eq!(notice.decode() == NoticeData::Unknown, name == "notice", "{name}");
                let borrowed = NoticeRef {
                    seq: notice.seq,
                    kind: &notice.kind,
                    at: notice.at,
                    data: notice.data.get(),
                };
                assert_eq!(borrowed.to_string(), text, "{name}");
            }
            _ => {}
        }
    }
}

/// A file without an example is read by other rooms and held by nothing.
#[test]
fn every_golden_file_has_an_example() {
    for (side, named) in [
        ("client", names(client_frames())),
        ("server", names(server_frames())),
    ] {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("golden")
            .join(side);
        let files: BTreeSet<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(files, named, "{side}");
    }
}

fn names<F>(frames: Vec<(&str, F)>) -> BTreeSet<String> {
    frames
        .into_iter()
        .map(|(name, _)| format!("{name}.json"))
        .collect()
}

#[test]
fn the_committed_schemas_are_current() {
    let documents = [
        (SCHEMA_FILE, document()),
        ("tidings.v1.asyncapi.json", async_api()),
    ];
    for (file, document) in documents {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("schema")
            .join(file);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, format!("{document:#}\n")).unwrap();
        }
        // Compared as values: whether keys keep an order is up to the features of the build.
        let committed: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(committed, document, "{file} differs");
    }
}
