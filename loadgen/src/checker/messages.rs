//! Acked messages against a list of messages that the server tells.

use std::collections::{BTreeMap, HashMap};

use tidings_protocol::Event;
use uuid::Uuid;

use super::Fault;

/// A message as some part of the server tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) id: Uuid,
    pub(crate) sender: Uuid,
    /// [`super::text_print`] of its text; none of a recalled one.
    pub(crate) text: Option<u64>,
    pub(crate) is_edited: bool,
    pub(crate) is_recalled: bool,
    /// How many react so, by emoji.
    pub(crate) reactions: BTreeMap<String, u64>,
}

/// A conversation as `fetch` told it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) conversation: Uuid,
    /// [`super::event_print`] of every event; seq 1 is the first.
    pub(crate) prints: Vec<u32>,
    pub(crate) messages: Vec<Message>,
    /// Those events that came without what the message said.
    pub(crate) withheld: Vec<Event>,
    /// By seq, the prints that those had before.
    pub(crate) before: HashMap<u64, u32>,
}

/// A message that was acked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) conversation: Uuid,
    pub(crate) author: String,
    pub(crate) message: Message,
}

/// Checks that `found`, in its order, holds exactly the acked messages of a conversation: each once, at its
/// seq, with its text and sender; and that each author's messages were acked in the order of sending, which is
/// the order of `sent`.
pub(crate) fn check_messages(
    place: &'static str,
    conversation: Uuid,
    sent: &[&Sent],
    found: &[Message],
) -> Result<(), Fault> {
    let mut last_of: HashMap<Uuid, u64> = HashMap::new();
    for sent in sent {
        let next = sent.message.seq;
        if let Some(first) = last_of.insert(sent.message.sender, next)
            && first >= next
        {
            let author = sent.author.clone();
            return Err(Fault::Overtaken {
                author,
                conversation,
                first,
                next,
            });
        }
    }
    let mut by_id: HashMap<Uuid, &Message> = HashMap::with_capacity(found.len());
    for message in found {
        if let Some(other) = by_id.insert(message.id, message) {
            let (id, first, second) = (message.id, other.seq, message.seq);
            return Err(Fault::Twice {
                place,
                conversation,
                id,
                first,
                second,
            });
        }
    }
    for Sent {
        author,
        message: acked,
        ..
    } in sent.iter().copied()
    {
        let (id, seq) = (acked.id, acked.seq);
        let Some(message) = by_id.remove(&id) else {
            return Err(Fault::Lost {
                place,
                author: author.clone(),
                conversation,
                seq,
                id,
            });
        };
        if message.seq != seq {
            return Err(Fault::Moved {
                place,
                conversation,
                id,
                acked: seq,
                found: message.seq,
            });
        }
        if message.text != acked.text {
            return Err(Fault::WrongText {
                place,
                conversation,
                seq,
                id,
            });
        }
        let state = |message: &Message| {
            let Message {
                is_edited,
                is_recalled,
                reactions,
                ..
            } = message;
            (*is_edited, *is_recalled, reactions.clone())
        };
        if state(message) != state(acked) {
            return Err(Fault::WrongState {
                place,
                conversation,
                seq,
                id,
                expected: format!("{acked:?}"),
                found: format!("{message:?}"),
            });
        }
        if message.sender != acked.sender {
            return Err(Fault::WrongSender {
                place,
                conversation,
                seq,
                id,
            });
        }
    }
    if let Some(strange) = by_id.values().min_by_key(|message| message.seq) {
        return Err(Fault::Strange {
            place,
            conversation,
            seq: strange.seq,
            id: strange.id,
        });
    }
    for pair in found.windows(2) {
        if pair[0].seq >= pair[1].seq {
            let (before, after) = (pair[0].seq, pair[1].seq);
            return Err(Fault::Disorder {
                place,
                conversation,
                before,
                after,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Uuid = Uuid::from_u128(7);

    fn message(seq: u64) -> Message {
        let sender = Uuid::from_u128(1 + u128::from(seq % 2));
        Message {
            seq,
            id: Uuid::from_u128(100 + u128::from(seq)),
            sender,
            text: Some(seq * 31),
            ..Message::default()
        }
    }

    fn check(seqs: &[u64], found: &[Message]) -> Result<(), Fault> {
        let sent: Vec<Sent> = seqs
            .iter()
            .map(|seq| Sent {
                conversation: ROOM,
                author: "ann".into(),
                message: message(*seq),
            })
            .collect();
        check_messages("history", ROOM, &sent.iter().collect::<Vec<_>>(), found)
    }

    fn found(seqs: &[u64]) -> Vec<Message> {
        seqs.iter().copied().map(message).collect()
    }

    #[test]
    fn what_was_acked_and_found_alike_passes() {
        assert_eq!(check(&[2, 3, 5, 4, 7], &found(&[2, 3, 4, 5, 7])), Ok(()));
    }

    #[test]
    fn a_lost_message_is_found() {
        assert!(matches!(
            check(&[2, 3, 4], &found(&[2, 4])),
            Err(Fault::Lost { seq: 3, .. })
        ));
    }

    #[test]
    fn a_repeated_message_is_found() {
        let mut found = found(&[2, 3, 4]);
        found[2] = Message { seq: 4, ..message(3) };
        assert!(matches!(
            check(&[2, 3], &found),
            Err(Fault::Twice {
                first: 3,
                second: 4,
                ..
            })
        ));
    }

    #[test]
    fn a_moved_message_is_found() {
        let mut found = found(&[2, 3]);
        found[1].seq = 9;
        assert!(matches!(
            check(&[2, 3], &found),
            Err(Fault::Moved {
                acked: 3,
                found: 9,
                ..
            })
        ));
    }

    #[test]
    fn messages_in_the_wrong_order_are_found() {
        let result = check(&[2, 3, 4], &found(&[2, 4, 3]));
        assert!(matches!(
            result,
            Err(Fault::Disorder {
                before: 4,
                after: 3,
                ..
            })
        ));
    }

    #[test]
    fn an_author_whose_messages_overtook_each_other_is_found() {
        let result = check(&[2, 6, 4], &found(&[2, 4, 6]));
        assert!(matches!(
            result,
            Err(Fault::Overtaken {
                first: 6,
                next: 4,
                ..
            })
        ));
    }

    #[test]
    fn a_wrong_text_state_or_sender_and_a_strange_message_are_found() {
        let mut wrong = found(&[2, 3]);
        wrong[0].text = Some(1);
        assert!(matches!(
            check(&[2, 3], &wrong),
            Err(Fault::WrongText { seq: 2, .. })
        ));
        let mut wrong = found(&[2, 3]);
        wrong[1].reactions.insert("+".to_owned(), 1);
        assert!(matches!(
            check(&[2, 3], &wrong),
            Err(Fault::WrongState { seq: 3, .. })
        ));
        let mut wrong = found(&[2, 3]);
        wrong[0].sender = Uuid::nil();
        assert!(matches!(
            check(&[2, 3], &wrong),
            Err(Fault::WrongSender { seq: 2, .. })
        ));
        assert!(matches!(
            check(&[2], &found(&[2, 3])),
            Err(Fault::Strange { seq: 3, .. })
        ));
    }
}
