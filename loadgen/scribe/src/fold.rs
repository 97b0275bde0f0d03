//! What the messages of a log say at its end, whatever was edited, taken back, reacted with, pinned or answered in a thread: what
//! history has to tell.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tidings_protocol::{Content, EventData};
use uuid::Uuid;

/// What GraphQL is asked of a message, for [`Told`].
pub const FIELDS: &str = "id seq text editedAt recalledAt withheld pinned thread also everyone attachment { id } \
     forwarded { sender { id } } reactions { emoji count } sender { id }";

/// A message as it is at the end.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says a thing of its own about a message"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub seq: u64,
    pub recalled: bool,
    /// It is kept from everybody: history tells nothing of what it says.
    pub withheld: bool,
    /// The text or the caption. None where there is none, and where it was recalled.
    pub text: Option<String>,
    pub edited: bool,
    /// Who reacts so, by emoji.
    pub reactions: BTreeMap<String, BTreeSet<Uuid>>,
    pub pinned: bool,
    /// What begins the thread in which it stands, and whether the main timeline shows it, too.
    pub thread: Option<Uuid>,
    pub also: bool,
    pub everyone: bool,
    /// Whose words they are, where they are not the sender's own.
    pub forwarded: Option<Uuid>,
    pub attachment: Option<Uuid>,
}

/// The messages of one conversation, by id.
#[derive(Debug, Default)]
pub struct Fold {
    messages: BTreeMap<Uuid, Said>,
    /// Changes that name another place of their message than it has.
    misplaced: Vec<u64>,
}

impl Fold {
    /// Takes the next event.
    pub fn take(&mut self, seq: u64, actor: Uuid, data: EventData) {
        let target = match &data {
            EventData::MessageEdited(edited) => Some((edited.message, edited.message_seq)),
            EventData::MessageRecalled(recalled) => Some((recalled.message, recalled.message_seq)),
            EventData::ReactionChanged(reaction) => Some((reaction.message, reaction.message_seq)),
            EventData::PinChanged(pin) => Some((pin.message, pin.message_seq)),
            EventData::MessageWithheld(changed) => Some((changed.message, changed.message_seq)),
            _ => None,
        };
        if let Some((message, place)) = target
            && self.messages.get(&message).is_none_or(|said| said.seq != place)
        {
            self.misplaced.push(seq);
        }
        match data {
            EventData::MessageSent(sent) => {
                let said = Said {
                    seq,
                    attachment: sent.content.as_ref().and_then(attachment),
                    text: sent.content.and_then(text),
                    thread: sent.thread,
                    also: sent.also,
                    everyone: sent.everyone,
                    forwarded: sent.forwarded.map(|forwarded| forwarded.sender),
                    ..Said::default()
                };
                self.messages.insert(sent.message, said);
            }
            EventData::MessageEdited(edited) => {
                // Behind a recall nothing has an effect.
                if let Some(said) = self.standing(edited.message) {
                    said.text = edited.content.and_then(text);
                    said.edited = true;
                }
            }
            EventData::MessageRecalled(recalled) => {
                if let Some(said) = self.messages.get_mut(&recalled.message) {
                    *said = Said {
                        seq: said.seq,
                        recalled: true,
                        thread: said.thread,
                        also: said.also,
                        ..Said::default()
                    };
                }
            }
            EventData::ReactionChanged(reaction) => {
                let Some(said) = self.standing(reaction.message) else {
                    return;
                };
                let users = said.reactions.entry(reaction.emoji.clone()).or_default();
                if reaction.on {
                    users.insert(actor);
                } else {
                    users.remove(&actor);
                }
                said.reactions.retain(|_, users| !users.is_empty());
            }
            EventData::MessageWithheld(changed) => {
                if let Some(said) = self.standing(changed.message) {
                    said.withheld = changed.withheld;
                }
            }
            EventData::PinChanged(pin) => {
                if let Some(said) = self.standing(pin.message) {
                    said.pinned = pin.on;
                }
            }
            _ => {}
        }
    }

    fn standing(&mut self, message: Uuid) -> Option<&mut Said> {
        self.messages.get_mut(&message).filter(|said| !said.recalled)
    }

    /// Where each message stands.
    pub fn places(&self) -> impl Iterator<Item = (Uuid, u64)> {
        self.messages.iter().map(|(id, said)| (*id, said.seq))
    }

    /// Without the messages that somebody does not see.
    pub fn without(&mut self, hidden: impl Fn(&Uuid, &Said) -> bool) {
        self.messages.retain(|id, said| !hidden(id, said));
    }

    /// The messages below which somebody has replied, with how many replies were neither recalled nor are withheld.
    pub fn threads(&self) -> BTreeMap<Uuid, u64> {
        let mut threads = BTreeMap::new();
        for said in self.messages.values() {
            if let Some(root) = said.thread {
                *threads.entry(root).or_default() += u64::from(!said.recalled && !said.withheld);
            }
        }
        threads
    }

    /// How history tells it differently, in words; `None` where it does not.
    pub fn differs(&self, told: &BTreeMap<Uuid, Told>) -> Option<String> {
        if let Some(seq) = self.misplaced.first() {
            return Some(format!(
                "seq {seq} of the log changes a message that does not stand where it says"
            ));
        }
        for (id, said) in &self.messages {
            let expected = Told::from(said);
            match told.get(id) {
                Some(told) if *told == expected => {}
                told => return Some(format!("{id} should be {expected:?} in history, and is {told:?}")),
            }
        }
        let strange = told.keys().find(|id| !self.messages.contains_key(id));
        strange.map(|id| format!("{id} is in history and not in the log"))
    }
}

/// A message as history tells it, read from [`FIELDS`] of GraphQL.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says a thing of its own about a message"
)]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Node")]
pub struct Told {
    pub seq: u64,
    pub text: Option<String>,
    pub edited: bool,
    pub recalled: bool,
    pub withheld: bool,
    /// How many react so, by emoji.
    pub reactions: BTreeMap<String, usize>,
    pub pinned: bool,
    pub thread: Option<Uuid>,
    pub also: bool,
    pub everyone: bool,
    pub forwarded: Option<Uuid>,
    pub attachment: Option<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "as GraphQL answers")]
struct Node {
    seq: u64,
    text: Option<String>,
    edited_at: Option<String>,
    recalled_at: Option<String>,
    #[serde(default)]
    withheld: bool,
    pinned: bool,
    thread: Option<Uuid>,
    #[serde(default)]
    also: bool,
    #[serde(default)]
    everyone: bool,
    forwarded: Option<Forwarded>,
    attachment: Option<Named>,
    reactions: Vec<Reaction>,
}

#[derive(Deserialize)]
struct Forwarded {
    sender: Named,
}

#[derive(Deserialize)]
struct Named {
    id: Uuid,
}

#[derive(Deserialize)]
struct Reaction {
    emoji: String,
    count: usize,
}

impl From<Node> for Told {
    fn from(node: Node) -> Self {
        let reactions = node.reactions.into_iter();
        Self {
            seq: node.seq,
            text: node.text,
            edited: node.edited_at.is_some(),
            recalled: node.recalled_at.is_some(),
            withheld: node.withheld,
            reactions: reactions
                .map(|reaction| (reaction.emoji, reaction.count))
                .collect(),
            pinned: node.pinned,
            thread: node.thread,
            also: node.also,
            everyone: node.everyone,
            forwarded: node.forwarded.map(|forwarded| forwarded.sender.id),
            attachment: node.attachment.map(|attachment| attachment.id),
        }
    }
}

impl From<&Said> for Told {
    fn from(said: &Said) -> Self {
        let withheld = said.withheld.then(|| Said {
            seq: said.seq,
            withheld: true,
            pinned: said.pinned,
            thread: said.thread,
            also: said.also,
            ..Said::default()
        });
        let said = withheld.as_ref().unwrap_or(said);
        Self {
            seq: said.seq,
            text: said.text.clone(),
            edited: said.edited,
            recalled: said.recalled,
            withheld: said.withheld,
            reactions: said
                .reactions
                .iter()
                .map(|(emoji, users)| (emoji.clone(), users.len()))
                .collect(),
            pinned: said.pinned,
            thread: said.thread,
            also: said.also,
            everyone: said.everyone,
            forwarded: said.forwarded,
            attachment: said.attachment,
        }
    }
}

fn text(content: Content) -> Option<String> {
    match content {
        Content::Text { text } => Some(text),
        Content::Image { caption, .. } | Content::File { caption, .. } => caption,
    }
}

fn attachment(content: &Content) -> Option<Uuid> {
    match content {
        Content::Text { .. } => None,
        Content::Image { attachment, .. } | Content::File { attachment, .. } => Some(*attachment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::EventKind;

    const ANN: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);
    const MESSAGE: Uuid = Uuid::from_u128(9);

    /// The message at the end of these events, each with its actor.
    fn end(events: &[(Uuid, &str, &str)]) -> Told {
        let mut fold = Fold::default();
        for (seq, (actor, kind, fields)) in (1..).zip(events) {
            let data = format!(r#"{{"message":"{MESSAGE}","message_seq":1{fields}}}"#);
            let data = EventData::decode(&EventKind::from(*kind), &data);
            assert_ne!(data, EventData::Unknown);
            fold.take(seq, *actor, data);
        }
        Told::from(&fold.messages[&MESSAGE])
    }

    const SENT: (Uuid, &str, &str) = (ANN, "message.sent", r#","content":{"kind":"text","text":"a"}"#);
    const EDITED: (Uuid, &str, &str) = (ANN, "message.edited", r#","content":{"kind":"text","text":"b"}"#);
    const RECALLED: (Uuid, &str, &str) = (ANN, "message.recalled", r#","message_no":1"#);
    const ON: (Uuid, &str, &str) = (BOB, "reaction.changed", r#","emoji":"+","on":true"#);
    const PINNED: (Uuid, &str, &str) = (BOB, "pin.changed", r#","on":true"#);
    const OFF: (Uuid, &str, &str) = (BOB, "reaction.changed", r#","emoji":"+","on":false"#);

    #[test]
    fn the_last_edit_and_the_last_word_of_each_who_reacts_count() {
        let told = end(&[SENT, ON, EDITED, (ANN, ON.1, ON.2), OFF, ON]);
        assert_eq!(
            (told.text.as_deref(), told.edited, told.recalled),
            (Some("b"), true, false)
        );
        assert_eq!(told.reactions, [("+".to_owned(), 2)].into());
        assert_eq!(end(&[SENT, ON, OFF]).reactions, [].into());
    }

    #[test]
    fn a_change_that_names_another_place_is_found() {
        let mut fold = Fold::default();
        let data = format!(r#"{{"message":"{MESSAGE}"{}}}"#, SENT.2);
        fold.take(2, ANN, EventData::decode(&EventKind::MessageSent, &data));
        let told = [(MESSAGE, Told::from(&fold.messages[&MESSAGE]))].into();
        assert_eq!(fold.differs(&told), None);
        let data = format!(r#"{{"message":"{MESSAGE}","message_seq":1{}}}"#, OFF.2);
        fold.take(3, BOB, EventData::decode(&EventKind::ReactionChanged, &data));
        assert!(fold.differs(&told).is_some());
    }

    #[test]
    fn a_recall_wins_over_what_comes_behind_it() {
        let gone = end(&[SENT, RECALLED]);
        assert_eq!(
            (gone.text.as_deref(), gone.edited, gone.recalled),
            (None, false, true)
        );
        assert_eq!(
            end(&[SENT, ON, PINNED, EDITED, RECALLED, EDITED, ON, PINNED]),
            gone
        );
    }

    #[test]
    fn what_is_withheld_says_nothing_until_it_is_shown_again() {
        const WITHHELD: (Uuid, &str, &str) = (BOB, "message.withheld", r#","message_no":1,"withheld":true"#);
        const SHOWN: (Uuid, &str, &str) = (BOB, "message.withheld", r#","message_no":1,"withheld":false"#);
        let told = end(&[SENT, ON, PINNED, EDITED, WITHHELD]);
        assert_eq!(
            (told.text.as_deref(), told.edited, told.withheld),
            (None, false, true)
        );
        assert!(told.reactions.is_empty() && told.pinned);
        assert_eq!(
            end(&[SENT, ON, PINNED, EDITED, WITHHELD, SHOWN]),
            end(&[SENT, ON, PINNED, EDITED])
        );
        assert!(!end(&[SENT, WITHHELD, RECALLED]).withheld);
    }

    #[test]
    fn the_last_word_about_a_pin_counts() {
        const UNPINNED: (Uuid, &str, &str) = (ANN, PINNED.1, r#","on":false"#);
        assert!(end(&[SENT, PINNED]).pinned);
        assert!(!end(&[SENT, PINNED, UNPINNED]).pinned);
        assert!(end(&[SENT, UNPINNED, PINNED]).pinned);
    }

    #[test]
    fn a_reply_stays_in_its_thread_and_counts_there_unless_it_is_withheld_or_recalled() {
        let reply = Uuid::from_u128(10);
        let fields = format!(
            r#"{{"message":"{reply}","content":{{"kind":"text","text":"c"}},"thread":"{MESSAGE}","everyone":true}}"#
        );
        let mut fold = Fold::default();
        fold.take(2, BOB, EventData::decode(&EventKind::MessageSent, &fields));
        assert_eq!(fold.threads(), [(MESSAGE, 1)].into());
        assert!(Told::from(&fold.messages[&reply]).everyone);
        for (seq, withheld, count) in [(3, true, 0), (4, false, 1)] {
            let changed =
                format!(r#"{{"message":"{reply}","message_seq":2,"message_no":0,"withheld":{withheld}}}"#);
            fold.take(seq, BOB, EventData::decode(&EventKind::MessageWithheld, &changed));
            assert_eq!(fold.threads(), [(MESSAGE, count)].into());
        }
        let recalled = format!(r#"{{"message":"{reply}","message_seq":2,"message_no":0}}"#);
        fold.take(5, BOB, EventData::decode(&EventKind::MessageRecalled, &recalled));
        assert_eq!(fold.threads(), [(MESSAGE, 0)].into());
        let told = Told::from(&fold.messages[&reply]);
        assert_eq!(
            (told.thread, told.everyone, told.recalled),
            (Some(MESSAGE), false, true)
        );
    }

    #[test]
    fn what_history_tells_differently_is_found() {
        let mut fold = Fold::default();
        let data = format!(r#"{{"message":"{MESSAGE}"{}}}"#, SENT.2);
        fold.take(1, ANN, EventData::decode(&EventKind::MessageSent, &data));
        let right = Told::from(&fold.messages[&MESSAGE]);
        let told = |told: &Told| [(MESSAGE, told.clone())].into();
        assert_eq!(fold.differs(&told(&right)), None);
        for wrong in [
            Told {
                text: Some("b".to_owned()),
                ..right.clone()
            },
            Told {
                edited: true,
                ..right.clone()
            },
            Told {
                reactions: [("+".to_owned(), 1)].into(),
                ..right.clone()
            },
            Told {
                pinned: true,
                ..right.clone()
            },
            Told {
                everyone: true,
                ..right.clone()
            },
            Told {
                thread: Some(ANN),
                ..right.clone()
            },
        ] {
            assert!(fold.differs(&told(&wrong)).is_some(), "{wrong:?}");
        }
        assert!(fold.differs(&BTreeMap::new()).is_some());
        let more = [(MESSAGE, right.clone()), (ANN, right)].into();
        assert!(fold.differs(&more).is_some());
    }
}
