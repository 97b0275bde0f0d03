//! The log as the checker takes it, from events that a member was shown.

use tidings_journal::{Kind, Logged, whole};
use tidings_protocol::{Event, EventData};
use uuid::Uuid;

use crate::said::{is_withheld, says};

/// The event as a line of an export. Of other events than messages it does not tell which command made them.
pub fn logged(event: &Event) -> Logged {
    let data = event.decode();
    let withheld = is_withheld(&data);
    let (mut id, mut of) = (None, None);
    let (kind, users) = match &data {
        EventData::MessageSent(sent) => {
            id = Some(sent.message);
            let is_main = sent.thread.is_none() || sent.also;
            (if is_main { Kind::Message } else { Kind::Reply }, vec![])
        }
        EventData::MessageEdited(edited) => {
            of = Some(edited.message);
            (Kind::Edited, vec![])
        }
        EventData::MessageRecalled(recalled) => {
            of = Some(recalled.message);
            (Kind::Recalled, vec![])
        }
        EventData::MessageWithheld(changed) => {
            of = Some(changed.message);
            let kind = if changed.withheld {
                Kind::Withheld
            } else {
                Kind::Shown
            };
            (kind, vec![])
        }
        EventData::ReactionChanged(reaction) => {
            of = Some(reaction.message);
            (Kind::Other, vec![])
        }
        EventData::PinChanged(pin) => {
            of = Some(pin.message);
            (Kind::Other, vec![])
        }
        EventData::DirectOpened(opened) => (Kind::Joined, opened.users.to_vec()),
        EventData::GroupCreated(created) => (Kind::Joined, created.members.clone()),
        EventData::MemberAdded(added) => (Kind::Joined, vec![added.user]),
        EventData::MemberRemoved(removed) => (Kind::Left, vec![removed.user]),
        EventData::MemberLeft(left) => (Kind::Left, vec![left.user]),
        _ => (Kind::Other, vec![]),
    };
    let actor = event.actor.to_string();
    Logged {
        conversation: event.conversation.to_string(),
        seq: event.seq,
        kind,
        id,
        digest: if withheld { 0 } else { says(&data) },
        whole: (!withheld).then(|| whole(event.kind.as_str(), &actor, event.at.millis(), event.data.get())),
        actor,
        of,
        withheld,
        stored: None,
        users: users.iter().map(Uuid::to_string).collect(),
    }
}
