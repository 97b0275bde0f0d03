//! Given events, when a command, then events or a refusal.

use chrono::DateTime;
use tidings_domain::event::{DirectOpened, GroupCreated, MemberAdded, RoleChanged};
use tidings_domain::{
    Command, CommandId, Content, Conversation, ConversationCommand, ConversationEvent, ConversationId, Facts,
    GroupName, MessageText, Rejection, Role, UserId,
};
use uuid::Uuid;

pub(crate) fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

pub(crate) const ANN: u128 = 1;
pub(crate) const BEN: u128 = 2;
pub(crate) const CAT: u128 = 3;
pub(crate) const DAN: u128 = 4;

pub(crate) fn name(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

pub(crate) fn text(text: &str) -> Content {
    Content::Text {
        text: MessageText::parse(text).unwrap(),
    }
}

pub(crate) fn say(words: &str) -> ConversationCommand {
    ConversationCommand::SendMessage {
        content: text(words),
        reply_to: None,
        mentions: vec![],
    }
}

/// Ann owns a group of Ann, Ben and Cat.
pub(crate) fn group() -> Vec<ConversationEvent> {
    vec![ConversationEvent::GroupCreated(GroupCreated {
        name: name("friends"),
        owner: user(ANN),
        members: vec![user(ANN), user(BEN), user(CAT)],
    })]
}

/// Ann and Ben talk.
pub(crate) fn direct() -> Vec<ConversationEvent> {
    vec![ConversationEvent::DirectOpened(DirectOpened {
        users: [user(ANN), user(BEN)],
    })]
}

pub(crate) fn added(n: u128) -> ConversationEvent {
    ConversationEvent::MemberAdded(MemberAdded {
        user: user(n),
        role: Role::Member,
    })
}

pub(crate) fn role(n: u128, role: Role) -> ConversationEvent {
    ConversationEvent::RoleChanged(RoleChanged { user: user(n), role })
}

pub(crate) fn fold(events: &[ConversationEvent]) -> Conversation {
    let mut state = Conversation::default();
    for event in events {
        state.evolve(event);
    }
    state
}

pub(crate) struct Given(Conversation);

pub(crate) struct When(Result<Vec<ConversationEvent>, Rejection>);

pub(crate) fn given(events: impl IntoIterator<Item = ConversationEvent>) -> Given {
    Given(fold(&events.into_iter().collect::<Vec<_>>()))
}

impl Given {
    pub(crate) fn when(&self, actor: u128, body: ConversationCommand) -> When {
        let command = Command {
            id: CommandId(Uuid::from_u128(99)),
            actor: user(actor),
            conversation: ConversationId(Uuid::from_u128(50)),
            body,
        };
        When(self.0.decide(&command, &Facts::default(), DateTime::UNIX_EPOCH))
    }
}

impl When {
    #[track_caller]
    pub(crate) fn then(self, events: impl IntoIterator<Item = ConversationEvent>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    #[track_caller]
    pub(crate) fn refused(self, rejection: Rejection) {
        assert_eq!(self.0, Err(rejection));
    }

    #[track_caller]
    pub(crate) fn forbidden(self) {
        assert!(matches!(self.0, Err(Rejection::Forbidden(_))), "{:?}", self.0);
    }

    #[track_caller]
    pub(crate) fn conflicts(self) {
        assert!(matches!(self.0, Err(Rejection::Conflict(_))), "{:?}", self.0);
    }

    #[track_caller]
    pub(crate) fn invalid(self, wrong: tidings_domain::Field) {
        assert!(
            matches!(self.0, Err(Rejection::Invalid { field, .. }) if field == wrong),
            "{:?}",
            self.0
        );
    }
}
