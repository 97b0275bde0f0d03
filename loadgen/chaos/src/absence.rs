//! Somebody is removed from a group while they are away, and perhaps let in again before they come back: they are owed what
//! happened up to the removal and from the return on, and nothing of what lies between.

use std::net::SocketAddr;
use std::time::Duration;

use tidings_protocol::Action;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::chorus::{Chorus, Sung};
use crate::hand::{Hand, Order};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::Clock;
use crate::view::STAGED;

/// How long the device may take to be shown that there is a group.
const SEEN_LIMIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// Who removes whom.
pub(crate) struct Absence<'a> {
    pub(crate) name: String,
    pub(crate) owner: Person,
    /// Another member, who stays.
    pub(crate) other: Uuid,
    /// The only device of whoever is removed.
    pub(crate) away: &'a Hand,
    pub(crate) nodes: Vec<SocketAddr>,
    /// How long they stay away.
    pub(crate) lasts: Duration,
    /// Whether the device comes back with what it knew.
    pub(crate) keeps: bool,
    /// Whether they are let in again.
    pub(crate) again: bool,
}

impl Absence<'_> {
    pub(crate) async fn play(self, clock: Clock) -> Sung {
        let mut chorus = Chorus::new(clock, &self.name, &self.owner, &self.nodes);
        let (own, user) = (self.owner.user, self.away.user);
        let create = Action::GroupCreate {
            name: format!("{STAGED} {}", self.name),
            members: vec![user, self.other],
        };
        let made = match Said::change(own, Uuid::nil(), create) {
            Some(said) => chorus.say(&said).await,
            None => None,
        };
        // Without a group there is a problem already.
        let Some(conversation) = made.map(|ack| ack.conversation) else {
            return chorus.close();
        };
        let deadline = Instant::now() + SEEN_LIMIT;
        while self.away.seen.of(conversation) == 0 && Instant::now() < deadline {
            sleep(POLL).await;
        }
        let order = if self.keeps { Order::Away } else { Order::Replace };
        self.away.order(order(self.lasts)).await;
        let back_at = Instant::now() + self.lasts;
        let text = |text: &str| Some(Said::text(conversation, text.to_owned()));
        let change = |action| Said::change(own, conversation, action);
        let mut steps = vec![
            text("before"),
            change(Action::GroupRemove { conversation, user }),
            text("without them"),
        ];
        if self.again {
            steps.extend([change(Action::GroupAdd { conversation, user }), text("with them")]);
        }
        for said in steps.into_iter().flatten() {
            let acked = chorus.say(&said).await.is_some();
            let removed = matches!(said.action, Action::GroupRemove { .. });
            if acked && removed && Instant::now() < back_at {
                chorus.effects.add("removed while away", 1);
            }
        }
        chorus.close()
    }
}
