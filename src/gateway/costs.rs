//! What objects cost of their sender's budget, by the work that they make. A plain one costs 1.

use lru::LruCache;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tidings_protocol::{Action, ClientFrame, MessageSend, ParseError};
use tokio::time::Instant;
use uuid::Uuid;

/// Members that a message reaches for one.
const MEMBERS: usize = 250;
/// Events of a `fetch` that cost one.
const EVENTS: u32 = 20;
/// Users named by a `group.create` that cost one: each is looked up.
const NAMED: usize = 20;
/// What is decided alone, or by other people's conversations: a change of members or roles, a renewed token.
const CHANGE: u32 = 5;
/// What is added for what is forwarded: another lane is asked, and it is read from the log and the read models.
const FORWARD: u32 = 4;
/// What is added for a conversation that the user turns out not to be in: what is not there is looked for in the log each time,
/// and nobody else's.
pub(super) const STRANGE: u32 = 9;
/// Conversations whose size is remembered, some 8 MB.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");
/// How long a size is taken for true.
const FRESH: Duration = Duration::from_mins(1);

/// How many members conversations have, about.
pub struct Sizes(Mutex<LruCache<Uuid, (usize, Instant)>>);

impl Sizes {
    pub fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    pub(super) fn note(&self, conversation: Uuid, members: usize, now: Instant) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.put(conversation, (members, now));
    }

    /// The size that was noted last, and whether it is still fresh.
    fn of(&self, conversation: Uuid, now: Instant) -> (usize, bool) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes
            .get(&conversation)
            .map_or((0, false), |(members, at)| (*members, now < *at + FRESH))
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self::new()
    }
}

/// A cost, and the conversation whose size should be asked for because it makes the cost and is not known.
pub(super) struct Cost {
    pub(super) units: NonZeroU32,
    pub(super) unknown: Option<Uuid>,
}

/// What an object costs.
pub(super) fn cost(parsed: &Result<ClientFrame, ParseError>, sizes: &Sizes, now: Instant) -> Cost {
    let mut unknown = None;
    let mut reach = |conversation| {
        let (members, is_fresh) = sizes.of(conversation, now);
        unknown = (!is_fresh).then_some(conversation);
        1 + (members / MEMBERS) as u32
    };
    let units = match parsed {
        Ok(ClientFrame::Command(command)) => match &command.action {
            // What is seen by every member.
            Action::MessageSend(MessageSend {
                conversation,
                forward,
                ..
            }) => {
                let source = if forward.is_some() { FORWARD } else { 0 };
                source + reach(*conversation)
            }
            Action::MessageEdit { conversation, .. }
            | Action::MessageRecall { conversation, .. }
            | Action::MessageReact { conversation, .. }
            | Action::MessagePin { conversation, .. } => reach(*conversation),
            // Strangers can do these again and again.
            Action::GroupLeave { conversation }
            | Action::GroupAccept { conversation }
            | Action::GroupDecline { conversation }
            | Action::GroupJoin {
                conversation: Some(conversation),
                ..
            } => CHANGE + reach(*conversation),
            Action::Fetch { limit, .. } => 1 + limit / EVENTS,
            Action::GroupCreate { members, .. } => CHANGE + (members.len() / NAMED) as u32,
            Action::DirectOpen { .. }
            | Action::GroupAdd { .. }
            | Action::GroupRemove { .. }
            | Action::GroupRename { .. }
            | Action::GroupRole { .. }
            | Action::ProfileUpdate(_)
            | Action::SettingsUpdate(_)
            | Action::ContactRequest { .. }
            | Action::ContactAccept { .. }
            | Action::ContactDecline { .. }
            | Action::ContactWithdraw { .. }
            | Action::ContactRemove { .. }
            | Action::UserBlock { .. }
            | Action::ReportSend { .. }
            | Action::GroupTransfer { .. }
            | Action::GroupSettings { .. }
            | Action::GroupMute { .. }
            | Action::GroupBan { .. }
            | Action::GroupUnban { .. }
            | Action::GroupLinkCreate { .. }
            | Action::GroupLinkRevoke { .. }
            | Action::GroupJoin {
                conversation: None, ..
            }
            | Action::GroupApprove { .. }
            | Action::GroupRefuse { .. }
            | Action::GroupInvite { .. }
            | Action::GroupWithdraw { .. } => CHANGE,
            Action::PresenceWatch { users, conversations } => {
                CHANGE + (users.len() / NAMED + conversations.len()) as u32
            }
            // Each is looked for.
            Action::MessageHide { messages, .. } => 1 + (messages.len() / NAMED) as u32,
            Action::ConversationClear { .. }
            | Action::ConversationMute { .. }
            | Action::ConversationArchive { .. }
            | Action::ConversationMark { .. }
            | Action::ThreadFollow { .. }
            | Action::Read { .. } => 1,
        },
        Ok(ClientFrame::Hello(_)) => CHANGE,
        Ok(_) | Err(_) => 1,
    };
    Cost {
        units: NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN),
        unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::parse;

    #[test]
    fn work_is_paid_for() {
        let (sizes, now) = (Sizes::new(), Instant::now());
        let room = Uuid::from_u128(1);
        let cost = |text: &str| {
            let text = text.replace('R', &room.to_string());
            let parsed = parse(&text);
            let Cost { units, unknown } = cost(&parsed, &sizes, now);
            (units.get(), unknown)
        };
        let send =
            r#"{"type":"message.send","id":"R","conversation":"R","content":{"kind":"text","text":"x"}}"#;
        assert_eq!(cost(send), (1, Some(room)));
        sizes.note(room, 100_000, now);
        assert_eq!(cost(send), (401, None));
        let forward = r#"{"type":"message.send","id":"R","conversation":"R","forward":{"conversation":"R","message":"R"}}"#;
        assert_eq!(cost(forward), (405, None));
        assert_eq!(
            cost(r#"{"type":"fetch","id":"R","conversation":"R","from":1,"limit":1000}"#),
            (51, None)
        );
        assert_eq!(
            cost(r#"{"type":"fetch","id":"R","conversation":"R","from":1,"limit":10}"#),
            (1, None)
        );
        assert_eq!(
            cost(r#"{"type":"read","id":"R","conversation":"R","seq":1}"#),
            (1, None)
        );
        assert_eq!(cost("nonsense"), (1, None));
        assert_eq!(sizes.of(room, now + FRESH), (100_000, false));
    }
}
