//! What a person does for themselves on a device: marks, hides, clears, follows threads and reads them, and shows something else of themselves.

use rand::RngExt as _;
use tidings_protocol::{Action, Profile};
use uuid::Uuid;

use super::answers::Asked;
use super::{Device, words};
use crate::said::Said;

impl Device {
    /// Does one such thing. All of them are of the person's own stream, in which a device has one under way at a time.
    pub(super) fn do_for_oneself(&mut self) {
        let kind = self.random.random_range(0..8);
        let seen = self.scribe.seen().all();
        let room = self.view.any(&mut self.random, |id, room| match kind {
            0..3 | 7 => true,
            3 | 4 => room.is_group && room.root.is_some() && seen.contains_key(&id),
            _ => room.message.is_some() && seen.contains_key(&id),
        });
        let Some((conversation, room)) = room else { return };
        let (root, message) = (room.root, room.message);
        let seq = seen.get(&conversation).copied().unwrap_or(1);
        let on = self.random.random();
        let action = match (kind, root, message) {
            (0, ..) => Action::ConversationMute {
                conversation,
                on,
                until: None,
            },
            (1, ..) => Action::ConversationArchive { conversation, on },
            // Where nothing is marked, ending that leaves nothing in the log.
            (2, ..) => Action::ConversationMark {
                conversation,
                unread: true,
            },
            (3, Some(thread), _) => Action::ThreadFollow {
                conversation,
                thread,
                on,
            },
            (4, thread @ Some(_), _) => {
                return self.ask(Asked::Read {
                    id: Uuid::now_v7(),
                    conversation,
                    seq,
                    thread,
                });
            }
            (5, _, Some(message)) if self.hides => Action::MessageHide {
                conversation,
                messages: vec![message],
            },
            (6, ..) if self.hides => Action::ConversationClear {
                conversation,
                seq: seq.saturating_sub(self.random.random_range(0..30)).max(1),
            },
            // It is an event each time, whatever was shown before.
            (7, ..) => Action::ProfileUpdate(Profile {
                about: Some(words(&mut self.random, 3)),
                ..Profile::default()
            }),
            _ => return,
        };
        let user = self.person.user;
        if self.busy.contains(&user) {
            return;
        }
        if let Some(said) = Said::for_oneself(user, action) {
            self.busy.insert(user);
            let at = self.scribe.now();
            self.scribe.send(said.clone());
            self.ask(Asked::ForOneself { at, said });
        }
    }
}
