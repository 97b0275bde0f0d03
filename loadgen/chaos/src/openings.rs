//! Two people open their conversation at the same moment, at all nodes, with an id each: it is one conversation, and
//! everybody is told of the same beginning.

use std::net::SocketAddr;
use std::time::Duration;

use tidings_protocol::Action;
use tokio::time::sleep;
use uuid::Uuid;

use crate::chorus::{Chorus, Sung};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::Clock;

/// Who opens, and where.
pub(crate) struct Opening {
    pub(crate) name: String,
    pub(crate) pair: [Person; 2],
    pub(crate) nodes: Vec<SocketAddr>,
    /// Between the first time and the next.
    pub(crate) later: Duration,
}

impl Opening {
    /// Opens until both have an answer, and once more.
    pub(crate) async fn open(self, clock: Clock) -> Sung {
        let [one, other] = &self.pair;
        let mut choruses = [one, other].map(|person| Chorus::new(clock, &self.name, person, &self.nodes));
        let opens = |own: Uuid, user| Said::change(own, Uuid::nil(), Action::DirectOpen { user });
        let (Some(first), Some(second)) = (opens(one.user, other.user), opens(other.user, one.user)) else {
            return Sung::default();
        };
        let [here, there] = &mut choruses;
        let (opened, found) = tokio::join!(here.say(&first), there.say(&second));
        if let (Some(opened), Some(found)) = (&opened, &found) {
            here.compare(opened, found);
            here.effects.add("conversations opened from both sides", 1);
            sleep(self.later).await;
            tokio::join!(here.say_again(&first, opened), there.say_again(&second, found));
        } else {
            here.problems
                .push("a conversation was not opened from both sides".to_owned());
        }
        let mut sung = Sung::default();
        for chorus in choruses {
            sung.and(chorus.close());
        }
        sung
    }
}
