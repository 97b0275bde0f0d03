//! What tests of the lanes are fed with.

use bytes::Bytes;
use chrono::DateTime;
use tidings_domain::event::ConversationEvent;
use tidings_domain::{Event, stored};
use tidings_eventlog::{Recorded, Standing};
use uuid::Uuid;

/// A control event of a conversation in lane 1.
pub(super) fn control(stream: Uuid, seq: u64, event: ConversationEvent) -> Recorded {
    let (kind, ver, payload) = stored::encode(&Event::from(event));
    Recorded {
        lane: 1,
        pos: seq,
        stream,
        seq,
        msg_no: 0,
        kind: kind.0,
        ver,
        control: true,
        actor: Uuid::nil(),
        at: DateTime::UNIX_EPOCH,
        command: Uuid::nil(),
        idx: 0,
        payload: Bytes::from(payload),
        standing: Standing::Whole,
    }
}
