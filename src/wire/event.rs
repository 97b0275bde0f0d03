//! Events on the wire, encoded once for all who receive them.

use super::frame::Frame;
use super::message;
use crate::planted;
use std::borrow::Cow;
use std::io::Write as _;
use std::sync::Arc;
use tidings_domain::stored::{self, DecodeError, Kind};
use tidings_domain::{ConversationEvent, Event, Membership, UserId};
use tidings_eventlog::{Recorded, Standing};
use tidings_protocol::{EventRef, Gap, ServerFrame};
use uuid::Uuid;

/// An event as it goes to outboxes. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct LiveEvent {
    pub conversation: Uuid,
    pub seq: u64,
    pub msg_no: u64,
    /// Who becomes a member by it, where that is one person.
    pub joins: Option<UserId>,
    /// A notice of somebody's own stream: it does not wait behind what is said in conversations.
    pub is_notice: bool,
    /// Which message it edits, where it does and has words.
    pub edits: Option<Arc<Edits>>,
    pub frame: Frame,
}

/// The message that an event edits.
#[derive(Debug)]
pub struct Edits {
    /// Its seq.
    pub message_seq: u64,
    /// The event as those are shown it who do not see the message: without words.
    pub withheld: Frame,
}

impl LiveEvent {
    /// The event as somebody is shown it who sees the conversation from this seq on.
    pub fn seen_from(&self, visible_from: u64) -> &Frame {
        match &self.edits {
            Some(edits) if edits.message_seq < visible_from => &edits.withheld,
            _ => &self.frame,
        }
    }
}

/// An event of a conversation, or the word that there is one which cannot be shown.
pub fn shown(recorded: &Recorded) -> LiveEvent {
    encode(recorded).unwrap_or_else(|| {
        metrics::counter!("tidings_gaps_total", "reason" => "unknown").increment(1);
        let (conversation, seq) = (recorded.stream, recorded.seq);
        LiveEvent {
            conversation,
            seq,
            msg_no: recorded.msg_no,
            joins: None,
            is_notice: false,
            edits: None,
            frame: gap(conversation, seq, seq),
        }
    })
}

/// The word that events of a conversation are not sent.
pub fn gap(conversation: Uuid, from: u64, to: u64) -> Frame {
    let gap = ServerFrame::Gap(Gap {
        conversation,
        from,
        to,
    });
    Frame::text(gap.encode().as_bytes())
}

/// Encodes an event of a conversation. `None` for a kind that has no place on the wire or that this version cannot read.
pub fn encode(recorded: &Recorded) -> Option<LiveEvent> {
    let standing = match recorded.standing {
        _ if planted::is("unrecalled") => Standing::Whole,
        Standing::Withheld if planted::is("unwithheld") => Standing::Whole,
        standing => standing,
    };
    Some(LiveEvent {
        conversation: recorded.stream,
        seq: recorded.seq,
        msg_no: recorded.msg_no,
        joins: joins(recorded),
        is_notice: false,
        frame: frame(recorded, standing)?,
        edits: edits(recorded),
    })
}

/// An event of a conversation, without its words unless it stands as a whole.
fn frame(recorded: &Recorded, standing: Standing) -> Option<Frame> {
    let kind = Kind(recorded.kind);
    let says_something = kind.is_message() || kind == Kind::MESSAGE_EDITED;
    let data = if says_something && !standing.is_whole() {
        let withheld = standing == Standing::Withheld;
        Cow::Owned(message::withdrawn(
            recorded.command,
            &decode(recorded)?,
            withheld,
        )?)
    } else {
        whole(recorded, kind)?
    };
    let event = EventRef {
        conversation: recorded.stream,
        seq: recorded.seq,
        kind: kind.wire_name()?,
        actor: recorded.actor,
        at: recorded.at.into(),
        data: std::str::from_utf8(&data).ok()?,
    };
    Some(Frame::text(&event.encode()))
}

/// Which message an event edits that has words still.
fn edits(recorded: &Recorded) -> Option<Arc<Edits>> {
    if !recorded.standing.is_whole() || Kind(recorded.kind) != Kind::MESSAGE_EDITED {
        return None;
    }
    let Event::Conversation(ConversationEvent::MessageEdited(edited)) = decode(recorded)? else {
        return None;
    };
    Some(Arc::new(Edits {
        message_seq: edited.message_seq,
        withheld: frame(recorded, Standing::Withdrawn)?,
    }))
}

/// The data of an event with all that it was stored with.
fn whole(recorded: &Recorded, kind: Kind) -> Option<Cow<'_, [u8]>> {
    let payload = current(recorded)?;
    if kind.is_message() {
        if is_forwarded(&payload) {
            return message::forwarded(recorded.command, &decode(recorded)?).map(Cow::Owned);
        }
        // The message's id is the command's id, which the log keeps in a column of its own.
        let mut data = Vec::with_capacity(payload.len() + 52);
        // Writing to a Vec cannot fail.
        let _ = write!(data, r#"{{"message":"{}","#, recorded.command);
        // A message without any field is spoilt, and what comes behind the id would be no JSON.
        let fields = payload.get(1..).filter(|fields| !fields.starts_with(b"}"))?;
        data.extend_from_slice(fields);
        return Some(Cow::Owned(data));
    }
    Some(payload)
}

/// Whether a stored message says that it was sent on. What people say cannot look like that: a quotation mark in it stands behind a
/// backslash.
fn is_forwarded(payload: &[u8]) -> bool {
    const FIELD: &str = r#""forwarded":{"#;
    std::str::from_utf8(payload).is_ok_and(|payload| payload.contains(FIELD))
}

/// Who comes in by an event that brings one person in. Where a conversation begins, it begins for all.
fn joins(recorded: &Recorded) -> Option<UserId> {
    if !recorded.control || recorded.seq == 1 {
        return None;
    }
    let decoded = stored::decode(recorded.kind, recorded.ver, &recorded.payload);
    let Ok(Event::Conversation(event)) = decoded else {
        return None;
    };
    match event.membership() {
        Membership::Joined(joined) => joined.iter().next().map(|(user, _)| user),
        _ => None,
    }
}

/// The payload in today's version: as stored, or lifted.
pub(super) fn current(recorded: &Recorded) -> Option<Cow<'_, [u8]>> {
    let kind = Kind(recorded.kind);
    if recorded.ver == kind.version() {
        return Some(Cow::Borrowed(&recorded.payload));
    }
    decode(recorded).map(|event| Cow::Owned(stored::encode(&event).2))
}

fn decode(recorded: &Recorded) -> Option<Event> {
    let decoded = stored::decode(recorded.kind, recorded.ver, &recorded.payload);
    let report = |error: &DecodeError| {
        tracing::error!(lane = recorded.lane, pos = recorded.pos, %error, "an event cannot be shown");
    };
    decoded.inspect_err(report).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::{Value, json};

    const MESSAGE: Uuid = Uuid::from_u128(7);

    fn recorded(kind: Kind, payload: &Value, standing: Standing) -> Recorded {
        Recorded {
            lane: 0,
            pos: 9,
            stream: Uuid::from_u128(1),
            seq: 3,
            msg_no: 2,
            kind: kind.0,
            ver: kind.version(),
            control: false,
            actor: Uuid::from_u128(2),
            at: chrono::DateTime::UNIX_EPOCH,
            command: MESSAGE,
            idx: 0,
            payload: Bytes::from(payload.to_string()),
            standing,
        }
    }

    fn data(kind: Kind, payload: &Value, standing: Standing) -> Value {
        let event = encode(&recorded(kind, payload, standing)).unwrap();
        let object: Value = serde_json::from_slice(event.frame.payload()).unwrap();
        assert_eq!(
            (&object["seq"], &object["actor"]),
            (&json!(3), &json!(Uuid::from_u128(2)))
        );
        object["data"].clone()
    }

    #[test]
    fn what_was_recalled_keeps_its_place_and_loses_its_words() {
        let reply_to = Uuid::from_u128(5);
        let sent = json!({ "content": { "kind": "text", "text": "secret" }, "reply_to": reply_to,
            "mentions": [Uuid::from_u128(6)] });
        assert_eq!(
            data(Kind::MESSAGE_SENT, &sent, Standing::Whole)["content"]["text"],
            "secret"
        );
        assert_eq!(
            data(Kind::MESSAGE_SENT, &sent, Standing::Withdrawn),
            json!({ "message": MESSAGE, "content": null, "reply_to": reply_to })
        );
        assert_eq!(
            data(Kind::MESSAGE_SENT, &sent, Standing::Withheld),
            json!({ "message": MESSAGE, "content": null, "withheld": true, "reply_to": reply_to })
        );
        let (thread, mut replied) = (Uuid::from_u128(4), sent.clone());
        (replied["thread"], replied["also"]) = (json!(thread), json!(true));
        replied["thread_author"] = json!(Uuid::from_u128(6));
        assert_eq!(
            data(Kind::THREAD_REPLIED_ALSO, &replied, Standing::Withdrawn),
            json!({ "message": MESSAGE, "content": null, "reply_to": reply_to, "thread": thread, "thread_author": Uuid::from_u128(6), "also": true })
        );
        let edited =
            json!({ "message": reply_to, "message_seq": 1, "content": { "kind": "text", "text": "secret" } });
        assert_eq!(data(Kind::MESSAGE_EDITED, &edited, Standing::Whole), edited);
        assert_eq!(
            data(Kind::MESSAGE_EDITED, &edited, Standing::Withdrawn),
            json!({ "message": reply_to, "message_seq": 1, "content": null })
        );
        assert_eq!(
            data(Kind::MESSAGE_EDITED, &edited, Standing::Withheld),
            json!({ "message": reply_to, "message_seq": 1, "content": null })
        );
        // So it comes to those, too, who do not see the message.
        let event = encode(&recorded(Kind::MESSAGE_EDITED, &edited, Standing::Whole)).unwrap();
        let shown = |from| -> Value { serde_json::from_slice(event.seen_from(from).payload()).unwrap() };
        assert_eq!(shown(1)["data"], edited);
        assert_eq!(shown(2)["data"]["content"], json!(null));
        assert_eq!(shown(2)["seq"], 3);
        // One that cannot be read is not shown in any way.
        let spoilt = json!({ "content": "secret" });
        assert!(encode(&recorded(Kind::MESSAGE_SENT, &spoilt, Standing::Withdrawn)).is_none());
    }
}
