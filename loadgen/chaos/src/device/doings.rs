//! What a person does on a device: talks, reads, manages groups, and says goodbye.

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_protocol::{Action, Content, FETCH_EVENTS_MAX, Gap, MessageSend, Role, Source};
use uuid::Uuid;

use super::answers::{Answer, Asked, words_of};
use super::{Device, words};
use crate::said::Said;

/// Messages under way at a time, each in another conversation.
const UNDER_WAY: usize = 4;
/// Messages of its own in one conversation that a device may still change.
const OWN_MAX: usize = 8;

impl Device {
    /// Does one thing of those that people do.
    pub(super) fn act(&mut self) {
        match self.random.random_range(0..100) {
            0..54 => {
                if self.scribe.unanswered().len() < UNDER_WAY {
                    self.talk();
                }
            }
            54..66 => {
                if self.scribe.unanswered().len() < UNDER_WAY {
                    self.amend();
                }
            }
            66..68 => self.type_something(),
            68..70 => self.look_back(),
            70..82 => self.read(),
            82..86 => self.do_for_oneself(),
            86..94 => self.manage(),
            94..96 => self.leave(),
            96 => self.make(),
            _ => self.move_on(),
        }
    }

    fn talk(&mut self) {
        let busy = &self.busy;
        let room = self.view.any(&mut self.random, |id, _| !busy.contains(&id));
        if let Some((conversation, _)) = room {
            let length = if self.random.random_ratio(1, 20) {
                3000
            } else {
                self.random.random_range(1..200)
            };
            let text = words(&mut self.random, length);
            let said = self.view.message(&mut self.random, conversation, text);
            self.say(said);
        }
    }

    /// Remembers what can be changed later.
    pub(super) fn keep(&mut self, said: &Said) {
        let own = self.own.entry(said.conversation).or_default();
        match &said.action {
            Action::MessageSend(_) => {
                own.push(said.id);
                own.drain(..own.len().saturating_sub(OWN_MAX));
            }
            Action::MessageRecall { message, .. } => own.retain(|own| own != message),
            _ => {}
        }
    }

    /// Edits or takes back something of its own, or reacts to what was shown last. Nothing is asked for that has been done: such a
    /// command is acked, and leaves nothing in the log.
    fn amend(&mut self) {
        let (busy, own) = (&self.busy, &self.own);
        if self.random.random_ratio(1, 8) {
            return self.forward();
        }
        let kind = self.random.random_range(0..6);
        let room = self.view.any(&mut self.random, |id, room| {
            let has = if kind < 3 {
                room.message.is_some()
            } else {
                own.get(&id).is_some_and(|own| !own.is_empty())
            };
            has && !room.is_staged && !busy.contains(&id)
        });
        let Some((conversation, room)) = room else { return };
        let target = if kind < 3 {
            room.message
        } else {
            own.get(&conversation)
                .and_then(|own| own.choose(&mut self.random))
                .copied()
        };
        let Some(message) = target else { return };
        let action = match kind {
            0..3 => {
                let Some(emoji) = self.emoji.choose(&mut self.random).copied() else {
                    return;
                };
                let on = self.reacted.insert((message, emoji));
                if !on && self.goes_back {
                    return;
                }
                if !on {
                    self.reacted.remove(&(message, emoji));
                }
                Action::MessageReact {
                    conversation,
                    message,
                    emoji: emoji.to_owned(),
                    on,
                }
            }
            _ if kind < 5 => Action::MessageEdit {
                conversation,
                message,
                content: Content::text(words(&mut self.random, 20)),
            },
            _ => Action::MessageRecall {
                conversation,
                message,
            },
        };
        if let Some(said) = Said::amendment(conversation, action) {
            self.say(said);
        }
    }

    /// Sends on what was said last somewhere, to there or elsewhere.
    fn forward(&mut self) {
        let from = self.view.any(&mut self.random, |_, room| room.message.is_some());
        let source = from.and_then(|(conversation, room)| {
            let message = room.message?;
            Some(Source {
                conversation,
                message,
            })
        });
        let busy = &self.busy;
        let to = self.view.any(&mut self.random, |id, _| !busy.contains(&id));
        if let (Some(source), Some((to, _))) = (source, to) {
            self.say(Said::send(MessageSend::forwarding(to, source)));
        }
    }

    fn type_something(&mut self) {
        if let Some((conversation, _)) = self.view.any(&mut self.random, |_, _| true) {
            self.client.typing(conversation, self.random.random());
        }
    }

    /// Fetches some of what was shown.
    fn look_back(&mut self) {
        let room = self.view.any(&mut self.random, |_, room| !room.shown.is_empty());
        let Some((conversation, room)) = room else { return };
        let to = *room.shown.end();
        let from = self.random.random_range(*room.shown.start()..=to);
        let gap = Gap {
            conversation,
            from,
            to,
        };
        self.asked.push(words_of("look back", &gap));
        let client = self.client.clone();
        let limit = (to - from + 1).min(u64::from(FETCH_EVENTS_MAX)) as u32;
        self.answers.push(Box::pin(async move {
            let fetched = client.fetch(conversation, from, limit).await;
            Answer::SeenAgain(gap, fetched)
        }));
    }

    fn say(&mut self, said: Said) {
        self.busy.insert(said.conversation);
        self.scribe.send(said.clone());
        self.ask(Asked::Say(said));
    }

    /// Reads up to what was shown, or somewhat less.
    fn read(&mut self) {
        let seen = self.scribe.seen().all();
        let room = self.view.any(&mut self.random, |id, _| seen.contains_key(&id));
        let Some((conversation, _)) = room else { return };
        let back = self.random.random_range(0..3);
        let seq = seen
            .get(&conversation)
            .copied()
            .unwrap_or(1)
            .saturating_sub(back)
            .max(1);
        self.ask(Asked::Read {
            id: Uuid::now_v7(),
            conversation,
            seq,
            thread: None,
        });
    }

    /// Changes something about an own group.
    fn manage(&mut self) {
        let (own, busy) = (self.person.user, &self.busy);
        let room = self.view.any(&mut self.random, |id, room| {
            room.is_group && !room.is_staged && room.owner == own && !busy.contains(&id)
        });
        let Some((conversation, room)) = room else { return };
        let somebody = self.people.choose(&mut self.random).copied();
        let Some(user) = somebody.filter(|user| *user != own) else {
            return;
        };
        let inside = room.members.contains(&user);
        let action = match self.random.random_range(0..4) {
            0 => Action::GroupRename {
                conversation,
                name: words(&mut self.random, 3),
            },
            1 if inside => Action::GroupRole {
                conversation,
                user,
                role: if self.random.random() {
                    Role::Admin
                } else {
                    Role::Member
                },
            },
            _ if inside => Action::GroupRemove { conversation, user },
            _ => Action::GroupAdd { conversation, user },
        };
        self.change(conversation, action);
    }

    fn leave(&mut self) {
        let (own, busy) = (self.person.user, &self.busy);
        let room = self.view.any(&mut self.random, |id, room| {
            room.is_group && !room.is_staged && room.owner != own && !busy.contains(&id)
        });
        if let Some((conversation, _)) = room {
            self.change(conversation, Action::GroupLeave { conversation });
        }
    }

    fn change(&mut self, conversation: Uuid, action: Action) {
        if let Some(said) = Said::change(self.person.user, conversation, action) {
            self.say(said);
        }
    }

    /// Makes a group with some others.
    fn make(&mut self) {
        let own = self.person.user;
        let count = self.random.random_range(1..5);
        let others = self.people.iter().copied().filter(|user| *user != own);
        let members = others.sample(&mut self.random, count);
        let name = words(&mut self.random, 3);
        let action = Action::GroupCreate { name, members };
        if let Some(said) = Said::change(own, Uuid::nil(), action) {
            let at = self.scribe.now();
            self.ask(Asked::Make { at, said });
        }
    }

    pub(super) fn say_farewells(&mut self) {
        let Some(farewells) = &mut self.farewells else {
            return;
        };
        let next: Vec<Uuid> = farewells.difference(&self.busy).copied().collect();
        farewells.retain(|conversation| !next.contains(conversation));
        for conversation in next {
            self.say(Said::text(conversation, "farewell".to_owned()));
        }
    }
}
