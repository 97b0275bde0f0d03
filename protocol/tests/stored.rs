//! What the log holds of a conversation goes out as it is. So each form in which an event was ever stored must read as data of
//! its kind; what a later form adds is ignored here.

use std::{fs, path::PathBuf};

use tidings_protocol::{EventData, EventKind};

/// Kinds from this number on are events of users, which no socket carries in this form.
const USERS_FROM: u16 = 64;

/// The stored events of conversations: their kinds' names, and their payloads.
#[expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]
fn stored() -> Vec<(String, String)> {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/golden");
    let mut stored = vec![];
    for entry in fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        // <number>-<name>.v<version>.json
        let file = path.file_name().unwrap().to_str().unwrap();
        let (number, rest) = file.split_once('-').unwrap();
        let (name, _) = rest.rsplit_once(".v").unwrap();
        if number.parse::<u16>().unwrap() < USERS_FROM {
            stored.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    stored
}

#[test]
fn every_stored_event_of_a_conversation_reads_as_data_of_the_wire() {
    let stored = stored();
    assert!(!stored.is_empty());
    for (name, payload) in stored {
        // Messages have one name here, wherever they stand.
        let name = if name.starts_with("thread.replied") {
            "message.sent"
        } else {
            &name
        };
        let kind = EventKind::from(name);
        assert!(!matches!(kind, EventKind::Other(_)), "{name} has no name here");
        // A message's id is its command's, which the log holds beside the payload.
        let data = match kind {
            EventKind::MessageSent => {
                payload.replacen('{', r#"{"message":"01990000-0000-7000-8000-000000000003","#, 1)
            }
            _ => payload,
        };
        assert_ne!(
            EventData::decode(&kind, &data),
            EventData::Unknown,
            "{name}: {data}"
        );
    }
}
