//! What somebody is told of requests to be let into groups, on their own stream: whoever answers them, that there are some, and whoever has
//! asked, what the answer was.

use crate::event::{Event, UserEvent};
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::user::contact::Told;
use serde::{Deserialize, Serialize};

/// Somebody asks to be let into a group whose requests the user answers. Of others who ask until a time nothing is told, unless somebody has
/// answered all of them before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAsked {
    pub conversation: ConversationId,
    pub user: UserId,
    pub until: Moment,
}

impl Stored for GroupAsked {
    const KIND: Kind = Kind::GROUP_ASKED;
    const NAME: &'static str = "group.asked";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::Told(Told::Asked(self)).into()
    }
}

/// Nobody waits for an answer of the group any more, whose requests the user was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAnswered {
    pub conversation: ConversationId,
}

impl Stored for GroupAnswered {
    const KIND: Kind = Kind::GROUP_ANSWERED;
    const NAME: &'static str = "group.answered";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::Told(Told::Answered(self)).into()
    }
}

/// The user has asked to be let into a group, and was answered. By whom is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinAnswered {
    pub conversation: ConversationId,
    pub approved: bool,
}

impl Stored for JoinAnswered {
    const KIND: Kind = Kind::JOIN_ANSWERED;
    const NAME: &'static str = "join.answered";

    fn into_event(self) -> Event {
        UserEvent::Told(Told::JoinAnswered(self)).into()
    }
}
