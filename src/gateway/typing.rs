//! How often somebody is shown typing. Each time reaches every member, so repeats and haste are dropped before they cost
//! anybody anything.

use lru::LruCache;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tidings_domain::{ConversationId, UserId};
use tokio::time::Instant;

/// What has not changed is shown again after this long: clients let it fade after some seconds.
const AGAIN: Duration = Duration::from_secs(3);
/// In the long run a person's typing is shown once in this time, over all conversations and devices.
const PERIOD: Duration = Duration::from_millis(500);
/// How many times at once, after a quiet while.
const BURST: u32 = 10;
/// Conversations remembered of a user.
const CONVERSATIONS: usize = 4;
/// Users remembered. Who is forgotten may be shown once more.
const USERS: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

/// What was shown of those who typed lately.
pub struct Typing(Mutex<LruCache<UserId, Hand>>);

struct Hand {
    /// When the budget is whole again.
    whole_at: Instant,
    /// The newest first.
    shown: VecDeque<(ConversationId, bool, Instant)>,
}

impl Typing {
    pub fn new() -> Self {
        Self(Mutex::new(LruCache::new(USERS)))
    }

    /// Whether members should be shown that `user` types, or has stopped. Says so once, and then counts it as shown.
    pub(super) fn is_news(&self, user: UserId, conversation: ConversationId, on: bool, now: Instant) -> bool {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hand = users.get_or_insert_mut(user, || Hand {
            whole_at: now,
            shown: VecDeque::with_capacity(CONVERSATIONS),
        });
        let known = hand.shown.iter().position(|(shown, ..)| *shown == conversation);
        if let Some(index) = known
            && let Some((_, was_on, at)) = hand.shown.get(index)
            && *was_on == on
            && now < *at + AGAIN
        {
            return false;
        }
        let whole_at = hand.whole_at.max(now) + PERIOD;
        if whole_at > now + PERIOD * BURST {
            return false;
        }
        hand.whole_at = whole_at;
        if let Some(index) = known {
            hand.shown.remove(index);
        }
        hand.shown.truncate(CONVERSATIONS - 1);
        hand.shown.push_front((conversation, on, now));
        true
    }
}

impl Default for Typing {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const USER: UserId = UserId(Uuid::from_u128(1));

    fn room(number: u128) -> ConversationId {
        ConversationId(Uuid::from_u128(number))
    }

    #[test]
    fn what_has_not_changed_is_shown_once_in_a_while() {
        let (typing, start) = (Typing::new(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert!(typing.is_news(USER, room(1), true, at(0)));
        assert!(!typing.is_news(USER, room(1), true, at(2_999)));
        assert!(typing.is_news(USER, room(2), true, at(2_999)));
        assert!(typing.is_news(USER, room(1), false, at(2_999)));
        assert!(typing.is_news(USER, room(1), true, at(3_000)));
        assert!(typing.is_news(USER, room(2), true, at(5_999)));
        assert!(typing.is_news(UserId(Uuid::nil()), room(1), true, at(0)));
    }

    #[test]
    fn haste_is_dropped_whatever_changes() {
        let (typing, start) = (Typing::new(), Instant::now());
        let shown = |from: u64, to: u64| {
            (from..to)
                .filter(|ms| {
                    let now = start + Duration::from_millis(*ms);
                    typing.is_news(USER, room(u128::from(ms % 7)), ms % 2 == 0, now)
                })
                .count()
        };
        assert_eq!(shown(0, 400), 10);
        assert_eq!(shown(400, 10_400), 20);
    }
}
