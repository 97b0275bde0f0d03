//! What was acked of edits, recalls and reactions, and what messages are after them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::{Message, Sent};

/// What was acked, by message.
#[derive(Debug, Default)]
pub(crate) struct Amendments(HashMap<Uuid, Amended>);

#[derive(Debug, Default)]
struct Amended {
    /// By seq, the print of the text.
    edits: BTreeMap<u64, u64>,
    /// The first recall's seq.
    recalled: Option<u64>,
    /// By seq: who, with what, and whether on.
    reactions: BTreeMap<u64, (Uuid, &'static str, bool)>,
}

impl Amendments {
    pub(crate) fn edited(&mut self, message: Uuid, seq: u64, text: u64) {
        self.of(message).edits.insert(seq, text);
    }

    pub(crate) fn recalled(&mut self, message: Uuid, seq: u64) {
        let recalled = &mut self.of(message).recalled;
        *recalled = Some(recalled.map_or(seq, |first| first.min(seq)));
    }

    pub(crate) fn reacted(&mut self, message: Uuid, seq: u64, user: Uuid, emoji: &'static str, on: bool) {
        self.of(message).reactions.insert(seq, (user, emoji, on));
    }

    pub(crate) fn is_recalled(&self, message: Uuid) -> bool {
        self.0
            .get(&message)
            .is_some_and(|amended| amended.recalled.is_some())
    }

    /// The messages that were recalled by now.
    pub(crate) fn all_recalled(&self) -> HashSet<Uuid> {
        let recalled = self.0.iter().filter(|(_, amended)| amended.recalled.is_some());
        recalled.map(|(message, _)| *message).collect()
    }

    /// The text of the edit that stands at this seq.
    pub(crate) fn edit_at(&self, message: Uuid, seq: u64) -> Option<u64> {
        self.0.get(&message)?.edits.get(&seq).copied()
    }

    /// How many edits, recalls and reactions were acked.
    pub(crate) fn counts(&self) -> [usize; 3] {
        self.0
            .values()
            .fold([0; 3], |[edits, recalls, reactions], amended| {
                [
                    edits + amended.edits.len(),
                    recalls + usize::from(amended.recalled.is_some()),
                    reactions + amended.reactions.len(),
                ]
            })
    }

    /// What the log has at the message's own seq now: the text that was sent, unless it was recalled.
    pub(crate) fn in_log(&self, sent: &Sent) -> Sent {
        let is_recalled = self.is_recalled(sent.message.id);
        let text = sent.message.text.filter(|_| !is_recalled);
        Sent {
            message: Message {
                text,
                ..sent.message.clone()
            },
            ..sent.clone()
        }
    }

    /// What history tells of the message now. A recall wins, whatever its seq.
    pub(crate) fn in_history(&self, sent: &Sent) -> Sent {
        let message = &sent.message;
        let message = match self.0.get(&message.id) {
            None => message.clone(),
            Some(amended) if amended.recalled.is_some() => Message {
                text: None,
                is_recalled: true,
                ..message.clone()
            },
            Some(amended) => {
                let last = amended.edits.values().next_back().copied();
                Message {
                    text: last.or(message.text),
                    is_edited: last.is_some(),
                    reactions: amended.reactions(),
                    ..message.clone()
                }
            }
        };
        Sent {
            message,
            ..sent.clone()
        }
    }

    fn of(&mut self, message: Uuid) -> &mut Amended {
        self.0.entry(message).or_default()
    }
}

impl Amended {
    fn reactions(&self) -> BTreeMap<String, u64> {
        let mut on = BTreeSet::new();
        for reaction in self.reactions.values() {
            let (user, emoji, is_on) = *reaction;
            if is_on {
                on.insert((emoji, user));
            } else {
                on.remove(&(emoji, user));
            }
        }
        let mut counts = BTreeMap::new();
        for (emoji, _) in on {
            *counts.entry(emoji.to_owned()).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: Uuid = Uuid::from_u128(9);
    const ANN: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    fn sent() -> Sent {
        Sent {
            conversation: Uuid::nil(),
            author: "ann".to_owned(),
            message: Message {
                seq: 2,
                id: MESSAGE,
                sender: ANN,
                text: Some(7),
                ..Message::default()
            },
        }
    }

    #[test]
    fn the_last_edit_and_the_last_word_of_each_person_count() {
        let mut amendments = Amendments::default();
        // Acks come in any order.
        amendments.edited(MESSAGE, 5, 50);
        amendments.edited(MESSAGE, 3, 30);
        amendments.reacted(MESSAGE, 6, ANN, "+", true);
        amendments.reacted(MESSAGE, 8, BOB, "+", false);
        amendments.reacted(MESSAGE, 7, BOB, "+", true);
        amendments.reacted(MESSAGE, 9, BOB, "-", true);
        let told = amendments.in_history(&sent()).message;
        assert_eq!(
            (told.text, told.is_edited, told.is_recalled),
            (Some(50), true, false)
        );
        assert_eq!(told.reactions, [("+".to_owned(), 1), ("-".to_owned(), 1)].into());
        assert_eq!(amendments.in_log(&sent()), sent());
        assert_eq!(amendments.edit_at(MESSAGE, 3), Some(30));
        assert_eq!(amendments.counts(), [2, 0, 4]);
    }

    #[test]
    fn a_recall_leaves_nothing_but_the_place() {
        let mut amendments = Amendments::default();
        amendments.edited(MESSAGE, 5, 50);
        amendments.recalled(MESSAGE, 4);
        amendments.reacted(MESSAGE, 6, ANN, "+", true);
        let told = amendments.in_history(&sent()).message;
        assert_eq!((told.text, told.is_edited, told.is_recalled), (None, false, true));
        assert!(told.reactions.is_empty());
        assert_eq!(amendments.in_log(&sent()).message.text, None);
    }

    #[test]
    fn a_message_that_nobody_touched_stays_as_it_was_sent() {
        let amendments = Amendments::default();
        assert_eq!(amendments.in_history(&sent()), sent());
        assert_eq!(amendments.in_log(&sent()), sent());
    }
}
