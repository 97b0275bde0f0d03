//! Given events, when a command, then events or a refusal.

use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::event::{
    DirectOpened, GroupCreated, MemberAdded, MemberLeft, ReportEvent, ReportFiled, RoleChanged,
};
use tidings_domain::{
    Attachment, Command, CommandId, Content, Conversation, ConversationCommand, ConversationEvent,
    ConversationId, Emoji, Facts, Forwarded, GroupName, Line, Message, MessageText, Original, Reactions,
    Reason, Regard, Rejection, ReportId, Reports, Role, Rules, Says, Source, Stream, UserId,
};
use uuid::Uuid;

/// That there is a user, and not what is wanted of them.
pub(crate) fn missing(reason: &'static str) -> Rejection {
    Rejection::Missing {
        field: tidings_domain::Field::User,
        reason,
    }
}

pub(crate) const NO_MEMBER: &str = "this user is not a member of the group";
pub(crate) const NO_REQUEST: &str = "there is no such request";

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
    ConversationCommand::SendMessage(text(words).into())
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
        link: None,
        asked: false,
        waited: false,
    })
}

/// Who had asked for it is let in.
pub(crate) fn let_in(n: u128) -> ConversationEvent {
    ConversationEvent::MemberAdded(MemberAdded {
        user: user(n),
        role: Role::Member,
        link: None,
        asked: true,
        waited: false,
    })
}

/// Who had asked for it comes in without an answer.
pub(crate) fn came_unanswered(n: u128, link: Option<Uuid>) -> ConversationEvent {
    ConversationEvent::MemberAdded(MemberAdded {
        user: user(n),
        role: Role::Member,
        link,
        asked: false,
        waited: true,
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

pub(crate) fn left(n: u128) -> ConversationEvent {
    ConversationEvent::MemberLeft(MemberLeft { user: user(n) })
}

pub(crate) const CONVERSATION: ConversationId = ConversationId(Uuid::from_u128(50));
/// What everything is asked for with.
pub(crate) const COMMAND: CommandId = CommandId(Uuid::from_u128(99));
/// A message that [`written`] tells of.
pub(crate) const MESSAGE: Uuid = Uuid::from_u128(70);
pub(crate) const MESSAGE_SEQ: u64 = 7;
pub(crate) const MESSAGE_NO: u64 = 4;

/// A message of another conversation.
pub(crate) const SOURCE: Source = Source {
    conversation: ConversationId(Uuid::from_u128(51)),
    message: Uuid::from_u128(71),
};

pub(crate) fn forward(source: Source) -> ConversationCommand {
    ConversationCommand::SendMessage(Says::Forward(source).into())
}

/// What [`SOURCE`] says, which Dan wrote there.
pub(crate) fn original(content: Content) -> Original {
    Original {
        content,
        forwarded: Forwarded {
            sender: user(DAN),
            at: DateTime::UNIX_EPOCH,
            conversation: SOURCE.conversation,
            message: SOURCE.message,
        },
        stays: false,
    }
}

pub(crate) fn emoji(emoji: &str) -> Emoji {
    Emoji::parse(emoji).unwrap()
}

/// What is known of a message that somebody sent at the beginning of time.
pub(crate) fn written(sender: u128, words: &str) -> Message {
    Message {
        seq: MESSAGE_SEQ,
        msg_no: MESSAGE_NO,
        line: Line::Main,
        sender: user(sender),
        at: DateTime::UNIX_EPOCH,
        content: text(words),
        versions: 1,
        recalled: false,
        forwarded: None,
        reactions: Reactions::default(),
    }
}

/// A report of a message, by which moderators withhold it.
pub(crate) const REPORT: ReportId = ReportId(Uuid::from_u128(72));

/// It is not settled, and about a message that nobody here has sent.
fn unsettled() -> Reports {
    let mut reports = Reports::default();
    reports.evolve(&ReportEvent::Filed(ReportFiled {
        report: REPORT,
        by: user(BEN),
        conversation: CONVERSATION,
        message: MESSAGE,
        sender: UserId(Uuid::max()),
        reason: Reason::parse("an insult").unwrap(),
        note: None,
        versions: 1,
    }));
    reports
}

/// So many people exist.
pub(crate) const PEOPLE: u128 = 200;

/// What is known where nobody has written anything. What is withheld was reported.
pub(crate) fn everybody(rules: Rules) -> Facts {
    let mut facts = Facts::under(rules);
    facts.add_users((0..=PEOPLE).map(user));
    facts.set_reports(unsettled());
    facts
}

/// State and facts, and how late it is.
pub(crate) struct Given {
    state: Conversation,
    facts: Facts,
    now: DateTime<Utc>,
}

pub(crate) struct When(pub(crate) Result<Vec<ConversationEvent>, Rejection>);

pub(crate) fn given(events: impl IntoIterator<Item = ConversationEvent>) -> Given {
    Given {
        state: fold(&events.into_iter().collect::<Vec<_>>()),
        facts: everybody(Rules::default()),
        now: DateTime::UNIX_EPOCH,
    }
}

impl Given {
    /// More people exist than [`PEOPLE`].
    pub(crate) fn with_people(mut self, count: u128) -> Self {
        self.facts.add_users((0..=count).map(user));
        self
    }

    /// The rules are others than usual. To be said first.
    pub(crate) fn under(mut self, rules: Rules) -> Self {
        self.facts = everybody(rules);
        self
    }

    /// Somebody may be put into so many conversations more.
    pub(crate) fn with_room(mut self, n: u128, left: u32) -> Self {
        self.facts.add_room(user(n), left);
        self
    }

    /// What somebody is to somebody else.
    pub(crate) fn with_regard(mut self, actor: u128, other: u128, regard: Regard) -> Self {
        self.facts.add_regard(user(actor), user(other), regard);
        self
    }

    /// [`MESSAGE`] is there.
    pub(crate) fn and(mut self, message: Message) -> Self {
        self.facts.add_message(CONVERSATION, MESSAGE, message);
        self
    }

    /// The reports of what is withheld are others than [`REPORT`].
    pub(crate) fn reported(mut self, reports: &Reports) -> Self {
        self.facts.set_reports(reports.clone());
        self
    }

    /// `owner` stored an attachment at the beginning of time.
    pub(crate) fn stored(mut self, owner: u128, id: u128, is_picture: bool) -> Self {
        let at = DateTime::UNIX_EPOCH;
        self.facts
            .add_attachment(user(owner), Uuid::from_u128(id), Attachment { at, is_picture });
        self
    }

    /// [`SOURCE`] is there for what `actor` sends with [`COMMAND`].
    pub(crate) fn seen(self, actor: u128, original: Original) -> Self {
        self.seen_by(actor, COMMAND, original)
    }

    /// The same for what they send with another command.
    pub(crate) fn seen_by(mut self, actor: u128, command: CommandId, original: Original) -> Self {
        self.facts
            .add_original(user(actor), CONVERSATION, command, original);
        self
    }

    pub(crate) fn after(mut self, seconds: i64) -> Self {
        self.now += TimeDelta::seconds(seconds);
        self
    }

    /// Something is decided, and stands before what comes next.
    #[track_caller]
    pub(crate) fn done(mut self, actor: u128, body: ConversationCommand) -> Self {
        for event in self.when(actor, body).0.unwrap() {
            self.state.evolve(&event);
            self.facts.evolve(CONVERSATION, user(actor), COMMAND, &event);
        }
        self
    }

    /// What was decided is written now, and so many seconds go by.
    pub(crate) fn written(mut self, seconds: i64) -> Self {
        let mut stream = Stream::Conversation(self.state);
        stream.date(self.now);
        let Stream::Conversation(state) = stream else {
            unreachable!("it stays what it is")
        };
        self.state = state;
        self.after(seconds)
    }

    /// What is there is learnt of now, though its time may lie ahead.
    pub(crate) fn learnt(mut self) -> Self {
        let mut stream = Stream::Conversation(self.state);
        stream.cap(self.now);
        let Stream::Conversation(state) = stream else {
            unreachable!("it stays what it is")
        };
        self.state = state;
        self
    }

    pub(crate) fn may_write(&self, actor: u128) -> Result<(), Rejection> {
        self.state.may_write(user(actor), self.now)
    }

    pub(crate) fn when(&self, actor: u128, body: ConversationCommand) -> When {
        let command = Command {
            id: COMMAND,
            actor: user(actor),
            conversation: CONVERSATION,
            body,
        };
        When(self.state.decide(&command, &self.facts, self.now))
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
