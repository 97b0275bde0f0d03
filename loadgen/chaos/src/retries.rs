//! Retry storms: commands of every kind go to all nodes at once, and again later; then their ids with other content.

use std::net::SocketAddr;
use std::time::Duration;

use tidings_protocol::{Ack, Action, Content, MessageSend, Role, Source};
use tokio::time::sleep;
use uuid::Uuid;

use crate::chorus::{Chorus, Sung};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::Clock;
use crate::view::STAGED;

/// How often everybody may be mentioned in a group within an hour.
const EVERYONE_PER_HOUR: usize = 10;
/// Storms of more commands than this try to do it more often.
const EVERYONE_FROM: usize = 14;

/// Who storms, and where.
pub(crate) struct Storm {
    pub(crate) name: String,
    pub(crate) person: Person,
    /// Others, for a group of the storm's own.
    pub(crate) others: [Uuid; 3],
    /// A conversation that others talk in too.
    pub(crate) conversation: Uuid,
    pub(crate) nodes: Vec<SocketAddr>,
    /// Commands beside the first, which makes the group.
    pub(crate) commands: usize,
    /// Between the first time and the next.
    pub(crate) later: Duration,
}

/// What was acked so far.
#[derive(Default)]
struct Acked(Vec<(usize, Said, Ack)>);

impl Acked {
    fn has(&self, number: usize) -> Option<&Said> {
        let mut all = self.0.iter();
        all.find_map(|(acked, said, _)| (*acked == number).then_some(said))
    }
}

impl Storm {
    /// Storms until every command has its answer.
    pub(crate) async fn blow(self, clock: Clock) -> Sung {
        let mut chorus = Chorus::new(clock, &self.name, &self.person, &self.nodes);
        let mut acked = Acked::default();
        let own = self.person.user;
        let create = Action::GroupCreate {
            name: format!("{STAGED} {}", self.name),
            members: self.others[..2].to_vec(),
        };
        let group = match Said::change(own, Uuid::nil(), create) {
            Some(said) => chorus.say(&said).await.map(|ack| (said, ack)),
            None => None,
        };
        // Without a group there is a problem already.
        let Some((create, first)) = group else {
            return chorus.close();
        };
        let group = first.conversation;
        acked.0.push((usize::MAX, create, first));
        for number in 0..self.commands {
            let Some(said) = self.says(number, group, &acked) else {
                continue;
            };
            if let Some(ack) = chorus.say(&said).await {
                acked.0.push((number, said, ack));
            }
        }
        // Who has left may say nothing more.
        if self.commands > EVERYONE_FROM && acked.has(21).is_none() {
            let done = usize::from(acked.has(4).is_some());
            self.call_too_often(group, done, &mut chorus).await;
        }
        sleep(self.later).await;
        for (number, said, first) in acked.0 {
            chorus.say_again(&said, &first).await;
            if let Some(other) = self.otherwise(number, &said) {
                chorus.say_otherwise(&other).await;
            }
        }
        chorus.close()
    }

    /// Mentions everybody as often as that may be done in an hour, and once more. So many times it has been done.
    async fn call_too_often(&self, group: Uuid, done: usize, chorus: &mut Chorus) {
        for number in done..=EVERYONE_PER_HOUR {
            let text = format!("{} calls {number}", self.name);
            let said = Said::send(MessageSend {
                everyone: true,
                ..MessageSend::new(group, Content::text(text))
            });
            if !chorus.call(&said).await {
                return;
            }
        }
        chorus.problems.push(format!(
            "{group} was called more than {EVERYONE_PER_HOUR} times within an hour"
        ));
    }

    /// The command of this number; none when what it stands on did not come about.
    fn says(&self, number: usize, group: Uuid, acked: &Acked) -> Option<Said> {
        let own = self.person.user;
        let [first, second, third] = self.others;
        let text = format!("{} {number}", self.name);
        let conversation = group;
        let change = |action| Said::change(own, group, action);
        let first_message = || acked.has(1).map(|said| said.id);
        let amendment = |action| Said::amendment(conversation, action);
        let for_oneself = |action| Said::for_oneself(own, action);
        match number {
            1 => Some(Said::text(group, text)),
            2 => Some(Said::message(group, text, first_message(), vec![first, second])),
            3 => Some(Said::send(MessageSend {
                thread: Some(first_message()?),
                also: true,
                ..MessageSend::new(group, Content::text(text))
            })),
            4 => Some(Said::send(MessageSend {
                everyone: true,
                ..MessageSend::new(group, Content::text(text))
            })),
            5 => {
                let message = first_message()?;
                let source = Source {
                    conversation,
                    message,
                };
                Some(Said::send(MessageSend::forwarding(self.conversation, source)))
            }
            6 => amendment(Action::MessageEdit {
                conversation,
                message: first_message()?,
                content: Content::text(text),
            }),
            7 => amendment(Action::MessageReact {
                conversation,
                message: first_message()?,
                emoji: "👍".to_owned(),
                on: true,
            }),
            8 => amendment(Action::MessagePin {
                conversation,
                message: first_message()?,
                on: true,
            }),
            9 => for_oneself(Action::MessageHide {
                conversation,
                messages: vec![first_message()?],
            }),
            10 => for_oneself(Action::ConversationMute {
                conversation,
                on: true,
                until: None,
            }),
            11 => for_oneself(Action::ConversationArchive {
                conversation,
                on: true,
            }),
            12 => for_oneself(Action::ConversationMark {
                conversation,
                unread: true,
            }),
            13 => for_oneself(Action::ThreadFollow {
                conversation,
                thread: first_message()?,
                on: false,
            }),
            14 => for_oneself(Action::ConversationClear { conversation, seq: 1 }),
            15 => amendment(Action::MessageRecall {
                conversation,
                message: first_message()?,
            }),
            16 => change(Action::GroupAdd {
                conversation,
                user: third,
            }),
            17 => change(Action::GroupRole {
                conversation,
                user: third,
                role: Role::Admin,
            }),
            18 => change(Action::GroupRename {
                conversation,
                name: text,
            }),
            19 => change(Action::GroupRemove {
                conversation,
                user: third,
            }),
            20 => change(Action::GroupRole {
                conversation,
                user: first,
                role: Role::Owner,
            }),
            // While there is another owner, leaving is one event.
            21 => {
                acked.has(20)?;
                change(Action::GroupLeave { conversation })
            }
            22 => Said::change(own, Uuid::nil(), Action::DirectOpen { user: third }),
            // The first too.
            _ => Some(Said::text(self.conversation, text)),
        }
    }

    /// Something else under the same id.
    fn otherwise(&self, number: usize, said: &Said) -> Option<Said> {
        let (own, id) = (self.person.user, said.id);
        let name = "something else".to_owned();
        let other = match &said.action {
            // Its id would belong to another conversation.
            Action::DirectOpen { .. } => return None,
            Action::GroupCreate { members, .. } => {
                let members = members.clone();
                Said::change(own, Uuid::nil(), Action::GroupCreate { name, members })
            }
            // Of the same kind, or of another.
            Action::MessageSend(MessageSend {
                content: Some(_),
                reply_to: None,
                thread: None,
                everyone: false,
                ..
            }) if number.is_multiple_of(2) => Some(Said::message(
                said.conversation,
                format!("{} {number}", self.name),
                None,
                vec![own],
            )),
            Action::ConversationMute { .. }
            | Action::ConversationArchive { .. }
            | Action::ConversationMark { .. }
            | Action::ConversationClear { .. }
            | Action::ThreadFollow { .. }
            | Action::MessageHide { .. } => {
                let conversation = said.action.conversation()?;
                let seq = 2;
                let other = match said.action {
                    Action::ConversationClear { .. } => Action::ConversationClear { conversation, seq },
                    // Of another kind.
                    _ => Action::ConversationArchive {
                        conversation,
                        on: false,
                    },
                };
                Said::for_oneself(own, other)
            }
            Action::GroupRole {
                conversation, user, ..
            } => {
                let (conversation, user, role) = (*conversation, *user, Role::Member);
                let action = Action::GroupRole {
                    conversation,
                    user,
                    role,
                };
                Said::change(own, conversation, action)
            }
            _ => Some(Said::text(said.conversation, name)),
        };
        other.map(|other| Said { id, ..other })
    }
}
