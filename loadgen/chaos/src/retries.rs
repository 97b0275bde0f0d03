//! Retry storms: commands of every kind go to all nodes at once, and again later; then their ids with other content.

use std::net::SocketAddr;
use std::time::Duration;

use tidings_protocol::{Ack, Action, Content, MessageSend, Role};
use tokio::time::sleep;
use uuid::Uuid;

use crate::chorus::{Chorus, Sung};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::Clock;
use crate::view::STAGED;

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
        sleep(self.later).await;
        for (number, said, first) in acked.0 {
            chorus.say_again(&said, &first).await;
            if let Some(other) = self.otherwise(number, &said) {
                chorus.say_otherwise(&other).await;
            }
        }
        chorus.close()
    }

    /// The command of this number; none when what it stands on did not come about.
    fn says(&self, number: usize, group: Uuid, acked: &Acked) -> Option<Said> {
        let own = self.person.user;
        let [first, second, third] = self.others;
        let text = format!("{} {number}", self.name);
        let conversation = group;
        let change = |action| Said::change(own, group, action);
        match number {
            1 => Some(Said::text(group, text)),
            2 => {
                let answered = acked.has(1).map(|said| said.id);
                Some(Said::message(group, text, answered, vec![first, second]))
            }
            3..=6 => {
                let message = acked.has(1)?.id;
                let action = match number {
                    3 => Action::MessageEdit {
                        conversation,
                        message,
                        content: Content::text(text),
                    },
                    4 => Action::MessageReact {
                        conversation,
                        message,
                        emoji: "👍".to_owned(),
                        on: true,
                    },
                    5 => Action::MessagePin {
                        conversation,
                        message,
                        on: true,
                    },
                    _ => Action::MessageRecall {
                        conversation,
                        message,
                    },
                };
                Said::amendment(conversation, action)
            }
            7 => change(Action::GroupAdd {
                conversation,
                user: third,
            }),
            11 => change(Action::GroupRole {
                conversation,
                user: third,
                role: Role::Admin,
            }),
            9 => change(Action::GroupRename {
                conversation,
                name: text,
            }),
            10 => change(Action::GroupRemove {
                conversation,
                user: third,
            }),
            8 => change(Action::GroupRole {
                conversation,
                user: first,
                role: Role::Owner,
            }),
            // While there is another owner, leaving is one event.
            12 => {
                acked.has(11)?;
                change(Action::GroupLeave { conversation })
            }
            13 => Said::change(own, Uuid::nil(), Action::DirectOpen { user: third }),
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
            Action::MessageSend(MessageSend { reply_to: None, .. }) if number.is_multiple_of(2) => {
                Some(Said::message(
                    said.conversation,
                    format!("{} {number}", self.name),
                    None,
                    vec![own],
                ))
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
