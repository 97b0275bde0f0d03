//! What members report of messages. It stands in a stream that no member is shown, so journals name it by the message.

use serde::{Deserialize, Serialize};
use tidings_journal::digest;
use tidings_protocol::Action;
use uuid::Uuid;

/// A report, as far as the command decides it: its own id, and who sent the message, are the server's to say.
#[derive(Debug, Serialize, Deserialize)]
struct Filed {
    by: Uuid,
    conversation: Uuid,
    message: Uuid,
    reason: String,
    #[serde(default)]
    note: Option<String>,
}

/// The name that journals have for what is reported of a message, in the lane of its conversation.
pub fn about(conversation: Uuid, message: Uuid) -> Uuid {
    let mut bytes = (conversation.as_u128() ^ message.as_u128()).to_be_bytes();
    bytes[15] = conversation.as_bytes()[15];
    Uuid::from_bytes(bytes)
}

/// What a command of `actor` reports: the name that journals have for it, and the digest. None for a command of another sort.
pub fn asked(actor: Uuid, action: &Action) -> Option<(Uuid, u64)> {
    let Action::ReportSend {
        conversation,
        message,
        reason,
        note,
    } = action.clone()
    else {
        return None;
    };
    let filed = Filed {
        by: actor,
        conversation,
        message,
        reason,
        note,
    };
    Some(filed.told())
}

/// The same from the log; none for what has another shape.
pub fn logged(data: &str) -> Option<(Uuid, u64)> {
    let filed: Filed = serde_json::from_str(data).ok()?;
    Some(filed.told())
}

impl Filed {
    fn told(&self) -> (Uuid, u64) {
        let json = serde_json::to_string(self).unwrap_or_default();
        (about(self.conversation, self.message), digest(&json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const ROOM: Uuid = Uuid::from_u128(0x0503);
    const MESSAGE: Uuid = Uuid::from_u128(0x0904);

    fn sent(message: Uuid, reason: &str, note: Option<&str>) -> Action {
        Action::ReportSend {
            conversation: ROOM,
            message,
            reason: reason.to_owned(),
            note: note.map(str::to_owned),
        }
    }

    /// The log's line of a report by Ben.
    fn line(fields: &str) -> Option<(Uuid, u64)> {
        logged(&format!(
            r#"{{"report":"{ANN}","by":"{BEN}","conversation":"{ROOM}","message":"{MESSAGE}","sender":"{ANN}",{fields}}}"#
        ))
    }

    #[test]
    fn what_the_log_has_of_a_report_is_what_was_asked_for() {
        let plain = line(r#""reason":"an insult""#);
        assert!(plain.is_some());
        assert_eq!(asked(BEN, &sent(MESSAGE, "an insult", None)), plain);
        let noted = line(r#""reason":"an insult","note":"not\nthe first""#);
        assert_eq!(
            asked(BEN, &sent(MESSAGE, "an insult", Some("not\nthe first"))),
            noted
        );
        for (actor, other) in [
            (ANN, sent(MESSAGE, "an insult", None)),
            (BEN, sent(ANN, "an insult", None)),
            (BEN, sent(MESSAGE, "spam", None)),
            (BEN, sent(MESSAGE, "an insult", Some("so it is"))),
        ] {
            assert_ne!(asked(actor, &other), plain, "{other:?}");
        }
        assert_eq!(line(r#""why":"an insult""#), None);
        let (conversation, message) = (ROOM, MESSAGE);
        let recalls = Action::MessageRecall {
            conversation,
            message,
        };
        assert_eq!(asked(BEN, &recalls), None);
    }

    #[test]
    fn the_reports_of_a_message_have_a_name_of_their_own_in_the_lane_of_its_conversation() {
        let name = about(ROOM, MESSAGE);
        assert_eq!(name.as_bytes()[15], ROOM.as_bytes()[15]);
        assert!(![ROOM, MESSAGE, about(ROOM, ANN)].contains(&name));
    }
}
