//! Ids. The last byte of a stream's id is its lane, chosen when the id is minted.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id! {
    /// A user, and the stream of what happens to that user.
    UserId
}
id! {
    /// A conversation, and its stream.
    ConversationId
}
id! {
    /// A client's id for one command: its idempotency key. A message's id is the id of the command that sent it.
    CommandId
}

id! {
    /// What one person has reported of one message.
    ReportId
}

impl UserId {
    /// Puts `lane` into the last byte of `random`, which makes it the id of a user on that lane.
    pub fn mint(random: Uuid, lane: u8) -> Self {
        Self(on_lane(*random.as_bytes(), lane))
    }

    /// The lane that holds the user's stream.
    pub fn lane(self) -> u8 {
        self.0.as_bytes()[15]
    }
}

impl CommandId {
    /// The command by which a consumer of the log reacts to an event (a stream, and a seq there) on a user's stream: the same each time
    /// that it reads the event. `log` is the log's own id, which keeps the result unguessable: nobody can use the id first.
    pub fn of_reaction(log: Uuid, consumer: &str, event: (Uuid, u64), user: UserId) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"reaction");
        hash.update(log.as_bytes());
        hash.update(event.0.as_bytes());
        hash.update(event.1.to_be_bytes());
        hash.update(user.0.as_bytes());
        hash.update(consumer.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl CommandId {
    /// The command that says that an attachment is gone, which happens once, whoever finds that out and however often.
    pub fn of_removal(log: Uuid, attachment: Uuid) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"removal");
        hash.update(log.as_bytes());
        hash.update(attachment.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl ConversationId {
    /// The one direct conversation of a pair, whoever asks first and however often.
    ///
    /// `log` is the log's own id. It keeps the result unguessable, so that nobody can probe whether two others talk.
    pub fn direct(log: Uuid, one: UserId, other: UserId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        derive(b"direct", log, low.0, high.0, low.lane())
    }

    /// The group that `creator`'s command makes: a retry of the command finds the same group.
    pub fn group(log: Uuid, creator: UserId, command: CommandId) -> Self {
        derive(b"group", log, creator.0, command.0, creator.lane())
    }

    /// The lane that holds the conversation's stream.
    pub fn lane(self) -> u8 {
        self.0.as_bytes()[15]
    }
}

/// The stream of what two people are to one another, by their direct conversation, and on its lane: a message there is written only where that
/// stream stands as it was decided on.
pub fn pair_of(direct: ConversationId) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(b"pair");
    hash.update(direct.0.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    on_lane(bytes, direct.lane())
}

/// The stream of the reports of a message, on its conversation's lane: a report lies behind all that the message had said.
pub fn reports_of(conversation: ConversationId, message: Uuid) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(b"reports");
    hash.update(conversation.0.as_bytes());
    hash.update(message.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    on_lane(bytes, conversation.lane())
}

impl ReportId {
    /// The one report of a message that somebody makes.
    pub fn of(conversation: ConversationId, message: Uuid, by: UserId) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"report");
        hash.update(conversation.0.as_bytes());
        hash.update(message.as_bytes());
        hash.update(by.0.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

fn derive(label: &[u8], log: Uuid, first: Uuid, second: Uuid, lane: u8) -> ConversationId {
    let mut hash = Sha256::new();
    hash.update(label);
    hash.update(log.as_bytes());
    hash.update(first.as_bytes());
    hash.update(second.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ConversationId(on_lane(bytes, lane))
}

fn on_lane(bytes: [u8; 16], lane: u8) -> Uuid {
    let mut bytes = *uuid::Builder::from_custom_bytes(bytes).as_uuid().as_bytes();
    bytes[15] = lane;
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: u128, lane: u8) -> UserId {
        UserId::mint(Uuid::from_u128(n << 8), lane)
    }

    #[test]
    fn a_direct_conversation_is_the_same_from_both_sides() {
        let (log, a, b) = (Uuid::from_u128(9), user(1, 2), user(2, 3));
        assert_eq!(
            ConversationId::direct(log, a, b),
            ConversationId::direct(log, b, a)
        );
        assert_ne!(
            ConversationId::direct(log, a, b),
            ConversationId::direct(Uuid::from_u128(8), a, b)
        );
        assert_eq!(ConversationId::direct(log, a, b).lane(), 2);
    }

    #[test]
    fn what_two_people_are_to_one_another_lies_beside_their_conversation() {
        let direct = ConversationId::direct(Uuid::from_u128(9), user(1, 2), user(2, 3));
        let pair = pair_of(direct);
        assert_eq!(pair, pair_of(direct));
        assert_ne!(pair, direct.0);
        assert_eq!(ConversationId(pair).lane(), direct.lane());
    }

    #[test]
    fn the_reports_of_a_message_lie_beside_its_conversation_and_each_person_has_one() {
        let conversation = ConversationId::direct(Uuid::from_u128(9), user(1, 2), user(2, 3));
        let (one, other) = (Uuid::from_u128(5), Uuid::from_u128(6));
        assert_eq!(reports_of(conversation, one), reports_of(conversation, one));
        assert_ne!(reports_of(conversation, one), reports_of(conversation, other));
        assert_eq!(
            ConversationId(reports_of(conversation, one)).lane(),
            conversation.lane()
        );
        let report = ReportId::of(conversation, one, user(1, 2));
        assert_eq!(report, ReportId::of(conversation, one, user(1, 2)));
        assert_ne!(report, ReportId::of(conversation, one, user(2, 3)));
        assert_ne!(report, ReportId::of(conversation, other, user(1, 2)));
    }

    #[test]
    fn a_reaction_has_one_id_for_each_event_and_user() {
        let (log, stream) = (Uuid::from_u128(9), Uuid::from_u128(5));
        let id = CommandId::of_reaction(log, "expiry", (stream, 7), user(1, 2));
        assert_eq!(id, CommandId::of_reaction(log, "expiry", (stream, 7), user(1, 2)));
        for other in [
            CommandId::of_reaction(Uuid::from_u128(8), "expiry", (stream, 7), user(1, 2)),
            CommandId::of_reaction(log, "notices", (stream, 7), user(1, 2)),
            CommandId::of_reaction(log, "expiry", (Uuid::from_u128(6), 7), user(1, 2)),
            CommandId::of_reaction(log, "expiry", (stream, 8), user(1, 2)),
            CommandId::of_reaction(log, "expiry", (stream, 7), user(2, 2)),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_removal_has_one_id_for_each_attachment_and_no_reaction_has_it() {
        let (log, attachment) = (Uuid::from_u128(9), Uuid::from_u128(5));
        let id = CommandId::of_removal(log, attachment);
        assert_eq!(id, CommandId::of_removal(log, attachment));
        for other in [
            CommandId::of_removal(Uuid::from_u128(8), attachment),
            CommandId::of_removal(log, Uuid::from_u128(6)),
            CommandId::of_reaction(log, "", (attachment, 0), user(1, 2)),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_minted_id_carries_its_lane() {
        assert_eq!(user(77, 200).lane(), 200);
        assert_eq!(
            ConversationId::group(Uuid::nil(), user(5, 3), CommandId(Uuid::nil())).lane(),
            3
        );
    }
}
