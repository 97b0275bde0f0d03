//! Notices: what somebody is told of their own stream.

use super::event::{LiveEvent, current};
use super::frame::Frame;
use tidings_domain::stored::Kind;
use tidings_eventlog::Recorded;
use tidings_protocol::NoticeRef;

/// A notice, or the word that there is one which cannot be shown.
pub fn notice(recorded: &Recorded) -> LiveEvent {
    let frame = encode(recorded).unwrap_or_else(|| {
        metrics::counter!("tidings_gaps_total", "reason" => "unknown").increment(1);
        notice_gap(recorded.seq, recorded.seq, recorded.at)
    });
    LiveEvent {
        conversation: recorded.stream,
        seq: recorded.seq,
        msg_no: recorded.msg_no,
        joins: None,
        is_notice: true,
        edits: None,
        frame,
    }
}

/// The word that notices are not sent, which stands where the last of them was.
pub fn notice_gap(from: u64, to: u64, at: chrono::DateTime<chrono::Utc>) -> Frame {
    let gap = NoticeRef {
        seq: to,
        kind: "gap",
        at: at.into(),
        data: &format!(r#"{{"from":{from},"to":{to}}}"#),
    };
    Frame::text(gap.to_string().as_bytes())
}

fn encode(recorded: &Recorded) -> Option<Frame> {
    let data = current(recorded)?;
    let notice = NoticeRef {
        seq: recorded.seq,
        kind: Kind(recorded.kind).name()?,
        at: recorded.at.into(),
        data: std::str::from_utf8(&data).ok()?,
    };
    Some(Frame::text(notice.to_string().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::{Value, json};
    use tidings_domain::event::{ConversationMarked, UserEvent};
    use tidings_domain::{ConversationId, stored};
    use tidings_eventlog::Standing;
    use uuid::Uuid;

    fn shown(kind: i16, payload: Vec<u8>) -> Value {
        let recorded = Recorded {
            lane: 0,
            pos: 9,
            stream: Uuid::from_u128(1),
            seq: 3,
            msg_no: 0,
            kind,
            ver: 1,
            control: false,
            actor: Uuid::from_u128(1),
            at: chrono::DateTime::UNIX_EPOCH,
            command: Uuid::nil(),
            idx: 0,
            payload: Bytes::from(payload),
            standing: Standing::Whole,
        };
        let event = notice(&recorded);
        assert_eq!((event.conversation, event.seq), (recorded.stream, 3));
        serde_json::from_slice(event.frame.payload()).unwrap()
    }

    #[test]
    fn a_notice_says_what_the_log_holds_and_one_that_nobody_can_read_is_a_gap() {
        let conversation = ConversationId(Uuid::from_u128(5));
        let event = UserEvent::ConversationMarked(ConversationMarked {
            conversation,
            unread: true,
            seq: Some(4),
        });
        let (kind, _, payload) = stored::encode(&event.into());
        assert_eq!(
            shown(kind.0, payload),
            json!({ "type": "notice", "seq": 3, "kind": "conversation.marked", "at": "1970-01-01T00:00:00.000Z",
                "data": { "conversation": conversation.0, "unread": true, "seq": 4 } })
        );
        // Of a later version.
        let gap = shown(*Kind::NOTICES.end(), b"{}".to_vec());
        assert_eq!((&gap["kind"], &gap["seq"]), (&json!("gap"), &json!(3)));
        assert_eq!(gap["data"], json!({ "from": 3, "to": 3 }));
    }

    #[test]
    fn the_log_finds_the_kinds_that_are_notices() {
        assert_eq!(tidings_eventlog::NOTICES, Kind::NOTICES);
    }
}
