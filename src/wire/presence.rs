//! Who is there.

use super::command::Wanted;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use tidings_domain::presence::{Shown, Status, WATCHED_CONVERSATIONS_MAX, WATCHED_USERS_MAX};
use tidings_domain::{ConversationId, Field, Rejection, UserId};
use tidings_protocol::{
    self as protocol, ClientFrame, OnlineCount, Presence, PresenceCount, PresenceState, Reachable, Seen,
    ServerFrame, parse_spelled,
};
use uuid::Uuid;

/// What somebody is shown of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    pub shown: Shown,
    /// When they were last there, where it may be known.
    pub last_seen: Option<DateTime<Utc>>,
}

/// All that a connection watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    pub users: Vec<(UserId, Sight)>,
    /// How many members of each are there.
    pub conversations: Vec<(ConversationId, usize)>,
}

pub(super) fn watch(users: Vec<Uuid>, conversations: Vec<Uuid>) -> Result<Wanted, Rejection> {
    let too_many = |field, max| Err(Rejection::TooLarge { field, max });
    if users.len() > WATCHED_USERS_MAX {
        return too_many(Field::Users, WATCHED_USERS_MAX);
    }
    if conversations.len() > WATCHED_CONVERSATIONS_MAX {
        return too_many(Field::Conversations, WATCHED_CONVERSATIONS_MAX);
    }
    let users: BTreeSet<Uuid> = users.into_iter().collect();
    let conversations: BTreeSet<Uuid> = conversations.into_iter().collect();
    Ok(Wanted::Watch {
        users: users.into_iter().map(UserId).collect(),
        conversations: conversations.into_iter().map(ConversationId).collect(),
    })
}

/// What a device says of its user.
pub fn status(value: protocol::Status) -> Status {
    match value {
        protocol::Status::Online => Status::Online,
        protocol::Status::Away => Status::Away,
        protocol::Status::Dnd => Status::Dnd,
        protocol::Status::Invisible => Status::Invisible,
    }
}

/// What a client says of its user in objects that come with its hello. It counts from the beginning, so that whoever hides is not shown
/// before.
pub fn said_with_hello(objects: &[String]) -> Option<Status> {
    let said = objects.iter().filter(|object| object.contains(r#""status""#));
    said.rev().find_map(|object| match parse_spelled(object).0 {
        Ok(ClientFrame::Status { value }) => Some(status(value)),
        _ => None,
    })
}

/// The object that shows how somebody is there, or that they are not.
pub fn presence(user: UserId, sight: Sight) -> String {
    let (user, seen) = (user.0, seen(sight));
    ServerFrame::Presence(Presence { user, seen }).encode()
}

/// The object that shows how many members of a conversation are there.
pub fn presence_count(conversation: ConversationId, online: usize) -> String {
    let count = PresenceCount {
        conversation: conversation.0,
        online: count(online),
    };
    ServerFrame::PresenceCount(count).encode()
}

/// All that a connection watches, or that nobody knows who is there. `id` is of the command that it answers.
pub fn presence_state(id: Option<Uuid>, watched: Option<Watched>) -> ServerFrame {
    let unknown = watched.is_none();
    let Watched { users, conversations } = watched.unwrap_or_default();
    let counted = |(conversation, online): (ConversationId, usize)| {
        let online = count(online);
        (conversation.0, OnlineCount { online })
    };
    ServerFrame::PresenceState(PresenceState {
        id,
        users: users
            .into_iter()
            .map(|(user, sight)| (user.0, seen(sight)))
            .collect(),
        conversations: conversations.into_iter().map(counted).collect(),
        unknown,
    })
}

fn count(online: usize) -> u32 {
    u32::try_from(online).unwrap_or(u32::MAX)
}

fn seen(sight: Sight) -> Seen {
    let status = match sight.shown {
        Shown::Away => Some(Reachable::Away),
        Shown::Dnd => Some(Reachable::Dnd),
        Shown::Offline | Shown::Online | Shown::Hidden => None,
    };
    let online = sight.shown.is_there();
    let last_seen = sight.last_seen.filter(|_| !online).map(Into::into);
    Seen {
        online,
        status,
        last_seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_hides_is_shown_as_one_who_is_not_there() {
        let (user, at) = (UserId(Uuid::from_u128(1)), DateTime::UNIX_EPOCH);
        let shown = |shown| {
            let last_seen = Some(at);
            presence(user, Sight { shown, last_seen })
        };
        assert_eq!(shown(Shown::Hidden), shown(Shown::Offline));
        assert!(shown(Shown::Hidden).contains(r#""online":false,"last_seen":"1970"#));
        assert!(shown(Shown::Dnd).ends_with(r#""online":true,"status":"dnd"}"#));
    }

    #[test]
    fn what_is_said_with_the_hello_is_the_last_that_is_said_there() {
        let said = |objects: &[&str]| {
            let objects: Vec<String> = objects.iter().map(|object| (*object).to_owned()).collect();
            said_with_hello(&objects)
        };
        let hidden = r#"{"type":"status","value":"invisible"}"#;
        let away = r#"{"type":"status","value":"away"}"#;
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[r#"{"type":"ping"}"#, hidden]), Some(Status::Invisible));
        assert_eq!(said(&[hidden, away]), Some(Status::Away));
        assert_eq!(said(&[r#"{"type":"status","value":"asleep"}"#]), None);
    }

    #[test]
    fn what_is_too_long_to_be_watched_is_refused_by_its_field() {
        let ids = |count: usize| (0..count).map(|n| Uuid::from_u128(n as u128)).collect();
        let field = |watched: Result<Wanted, Rejection>| match watched {
            Err(Rejection::TooLarge { field, .. }) => Some(field),
            _ => None,
        };
        assert_eq!(field(watch(ids(200), ids(5))), None);
        assert_eq!(field(watch(ids(201), ids(5))), Some(Field::Users));
        assert_eq!(field(watch(ids(200), ids(6))), Some(Field::Conversations));
    }
}
