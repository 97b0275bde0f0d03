//! Why a command was refused. A refusal by a rule is an answer, not a failure.

use chrono::TimeDelta;
use thiserror::Error;

/// The field of a command that a refusal is about, as it is named on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    About,
    Also,
    At,
    Avatar,
    Content,
    Conversation,
    DisplayName,
    Conversations,
    Emoji,
    Everyone,
    ExpiresInS,
    Forward,
    Id,
    Link,
    Members,
    Mentions,
    Message,
    Messages,
    Name,
    Note,
    Reason,
    ReplyTo,
    Role,
    Secret,
    Seq,
    Settings,
    Size,
    Text,
    Thread,
    Until,
    User,
    Uses,
    Users,
}

impl Field {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Also => "also",
            Self::At => "at",
            Self::Avatar => "avatar",
            Self::Content => "content",
            Self::Conversation => "conversation",
            Self::DisplayName => "display_name",
            Self::Conversations => "conversations",
            Self::Emoji => "emoji",
            Self::Everyone => "everyone",
            Self::ExpiresInS => "expires_in_s",
            Self::Forward => "forward",
            Self::Id => "id",
            Self::Link => "link",
            Self::Members => "members",
            Self::Mentions => "mentions",
            Self::Message => "message",
            Self::Messages => "messages",
            Self::Name => "name",
            Self::Note => "note",
            Self::Reason => "reason",
            Self::ReplyTo => "reply_to",
            Self::Role => "role",
            Self::Secret => "secret",
            Self::Seq => "seq",
            Self::Settings => "settings",
            Self::Size => "size",
            Self::Text => "text",
            Self::Thread => "thread",
            Self::Until => "until",
            Self::User => "user",
            Self::Uses => "uses",
            Self::Users => "users",
        }
    }

    /// What it names, for people.
    fn thing(self) -> &'static str {
        match self {
            Self::Avatar | Self::Content => "attachment",
            Self::Forward | Self::Messages | Self::ReplyTo => "message",
            Self::Id => "announcement",
            Self::Members | Self::Users => "user",
            Self::Secret => "link",
            other => other.as_str(),
        }
    }
}

/// A rule's refusal. Nothing was written; the same command is refused again until the state changes or, where a rule counts in time, time has
/// passed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The conversation, user or message does not exist.
    #[error("no such {}", .0.thing())]
    NotFound(Field),
    /// The user may be there, but what the command wants to end or to change of theirs is not: a request, a membership.
    #[error("{reason}")]
    Missing { field: Field, reason: &'static str },
    /// The actor is not a member of the conversation.
    #[error("you are not a member of this conversation")]
    NotAMember,
    /// The actor is a member, but the rules do not allow it this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The same, because of one field: without it the command would be allowed.
    #[error("{reason}")]
    Denied { field: Field, reason: &'static str },
    /// The actor is muted: they write nothing, for so long or until that is ended.
    #[error("you are muted in this group")]
    Muted { wait: Option<TimeDelta> },
    /// The rules allow it so often and no more; once `wait` is over, once more.
    #[error("{reason}")]
    TooOften {
        field: Field,
        reason: &'static str,
        wait: TimeDelta,
    },
    /// The rules allowed it once: what it is about was done too long ago, or is never undone here.
    #[error("it is too late for this {}", .0.as_str())]
    TooLate(Field),
    /// The conversation is already in the wanted state, or the command would leave it in one that cannot be.
    #[error("{0}")]
    Conflict(&'static str),
    /// A field's value cannot be right in any state.
    #[error("{reason}")]
    Invalid { field: Field, reason: &'static str },
    /// A field is longer than its limit, in the unit that the limit is stated in.
    #[error("{} is longer than {max}", .field.as_str())]
    TooLarge { field: Field, max: usize },
}

impl Rejection {
    /// There is no such membership of a user.
    pub(crate) const NO_MEMBER: Self = Self::Missing {
        field: Field::User,
        reason: "this user is not a member of the group",
    };
    /// There is no such request of, or to, a user.
    pub(crate) const NO_REQUEST: Self = Self::Missing {
        field: Field::User,
        reason: "there is no such request",
    };

    pub fn invalid(field: Field, reason: &'static str) -> Self {
        Self::Invalid { field, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_it_is_about() {
        for (field, said) in [
            (Field::User, "no such user"),
            (Field::Members, "no such user"),
            (Field::Forward, "no such message"),
            (Field::Id, "no such announcement"),
        ] {
            assert_eq!(Rejection::NotFound(field).to_string(), said);
        }
        assert_eq!(
            Rejection::TooLate(Field::Message).to_string(),
            "it is too late for this message"
        );
        let long = Rejection::TooLarge {
            field: Field::Mentions,
            max: 100,
        };
        assert_eq!(long.to_string(), "mentions is longer than 100");
    }
}
