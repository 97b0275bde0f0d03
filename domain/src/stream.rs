//! Streams of either kind, for those who carry commands to them: one sort of command, one sort of state.

use crate::administration::ADMINISTRATION;
use crate::announcement::{ANNOUNCEMENTS, AnnouncementCommand, Announcements};
use crate::command::{Command, ConversationCommand};
use crate::conversation::Conversation;
use crate::conversation::forward::Source;
use crate::conversation::history::UNWRITTEN;
use crate::conversation::receipt::Receipts;
use crate::digest::DigestKey;
use crate::event::{Acted, Event, Role};
use crate::facts::{Facts, Need};
use crate::id::{CommandId, UserId, pair_of, reports_of};
use crate::pair::{Pair, PairCommand};
use crate::rejection::Rejection;
use crate::report::{ReportCommand, Reports};
use crate::user::{User, UserCommand};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What decisions about a stream depend on.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are conversations, and they are shared"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// Nothing has happened yet: whether it is a conversation or a user is for its first event to say.
    #[default]
    Empty,
    Conversation(Conversation),
    User(User),
    /// What two people are to one another.
    Pair(Pair),
    /// What was reported of a message.
    Reports(Reports),
    /// What administrators tell everybody.
    Announcements(Announcements),
}

/// A command to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamCommand {
    Conversation(Command),
    /// To the user's own stream.
    User {
        user: UserId,
        id: CommandId,
        command: UserCommand,
    },
    /// To the stream of two people.
    Pair {
        actor: UserId,
        /// The other one.
        user: UserId,
        id: CommandId,
        pair: Uuid,
        command: PairCommand,
    },
    /// To the stream of the reports of a message.
    Reports {
        actor: UserId,
        id: CommandId,
        reports: Uuid,
        command: ReportCommand,
    },
    /// To the administration's stream: what the administrator `actor` is about to do.
    Administration {
        actor: UserId,
        id: CommandId,
        acted: Acted,
    },
    /// To the stream of all announcements, by the administrator `actor`.
    Announcement {
        actor: UserId,
        id: CommandId,
        command: AnnouncementCommand,
    },
}

impl StreamCommand {
    pub fn id(&self) -> Uuid {
        match self {
            Self::Conversation(command) => command.id.0,
            Self::User { id, .. }
            | Self::Pair { id, .. }
            | Self::Reports { id, .. }
            | Self::Administration { id, .. }
            | Self::Announcement { id, .. } => id.0,
        }
    }

    pub fn actor(&self) -> UserId {
        match self {
            Self::Conversation(command) => command.actor,
            Self::User { user, .. } => *user,
            Self::Pair { actor, .. }
            | Self::Reports { actor, .. }
            | Self::Administration { actor, .. }
            | Self::Announcement { actor, .. } => *actor,
        }
    }

    /// The id of the stream that it goes to.
    pub fn stream(&self) -> Uuid {
        match self {
            Self::Conversation(command) => command.conversation.0,
            Self::User { user, .. } => user.0,
            Self::Pair { pair, .. } => *pair,
            Self::Reports { reports, .. } => *reports,
            Self::Administration { .. } => ADMINISTRATION,
            Self::Announcement { .. } => ANNOUNCEMENTS,
        }
    }

    /// [`Command::digest`], and the same of what somebody wants of their own stream; 0 for commands that the server makes itself, whose ids nobody else can use.
    pub fn digest(&self, key: &DigestKey) -> i64 {
        match self {
            Self::Conversation(command) => command.digest(key),
            Self::User {
                user,
                command: UserCommand::Mark(marking),
                ..
            } => marking.digest(*user, key),
            Self::User {
                user,
                command: UserCommand::Hide(hiding),
                ..
            } => hiding.digest(*user, key),
            Self::User {
                user,
                command: UserCommand::UpdateProfile(profile),
                ..
            } => profile.digest(*user, key),
            Self::User {
                user,
                command: UserCommand::UpdateSettings(updated),
                ..
            } => updated.digest(*user, key),
            Self::Pair {
                actor, pair, command, ..
            } => command.digest(*actor, *pair, key),
            Self::Reports {
                actor,
                reports,
                command,
                ..
            } => command.digest(*actor, *reports, key),
            Self::User { .. } | Self::Administration { .. } | Self::Announcement { .. } => 0,
        }
    }

    /// Whether it is somebody's own wish for their own stream, to which the stream's first event is no answer.
    pub fn is_own_wish(&self) -> bool {
        matches!(
            self,
            Self::User {
                command: UserCommand::Mark(_)
                    | UserCommand::Hide(_)
                    | UserCommand::UpdateProfile(_)
                    | UserCommand::UpdateSettings(_),
                ..
            }
        )
    }

    /// Whether the stream's first event is the answer where there is nothing to do: whoever sends it wants the stream to be there.
    pub fn opens(&self) -> bool {
        match self {
            Self::Conversation(command) => command.opens(),
            Self::User { .. } => !self.is_own_wish(),
            Self::Pair { .. } | Self::Reports { .. } => false,
            Self::Administration { .. } | Self::Announcement { .. } => true,
        }
    }

    /// Whether it asks to be let into a group.
    pub fn asks_to_join(&self) -> bool {
        matches!(self, Self::Conversation(command) if matches!(command.body, ConversationCommand::Join))
    }

    /// Whether whoever sends it stands in front of a group's door, and does so behind it, too: they take back that they ask to be let in, or do not
    /// come though they were invited. Whether one who asks is let in is for the group to say.
    pub fn stays_outside(&self) -> bool {
        let Self::Conversation(command) = self else {
            return false;
        };
        match &command.body {
            ConversationCommand::DeclineInvitation => true,
            // Of members nobody is invited.
            ConversationCommand::WithdrawInvitation { user } => *user == command.actor,
            _ => false,
        }
    }

    /// Whether it takes something back or keeps order. Nobody is made to wait for that: least of all by those against whom it is meant.
    pub fn is_urgent(&self) -> bool {
        use ConversationCommand as Body;
        let command = match self {
            Self::Conversation(command) => command,
            // It has happened already.
            Self::User { command, .. } => {
                return matches!(
                    command,
                    UserCommand::Tell(_) | UserCommand::TellOfAccount(_) | UserCommand::Delete(_)
                );
            }
            Self::Pair { command, .. } => {
                return matches!(command, PairCommand::Block { on: true } | PairCommand::Depart);
            }
            Self::Reports { .. } | Self::Administration { .. } | Self::Announcement { .. } => return false,
        };
        matches!(
            command.body,
            Body::RecallMessage { .. }
                | Body::Moderate { .. }
                | Body::Withhold { .. }
                | Body::ShowAgain { .. }
                | Body::RemoveMember { .. }
                | Body::Ban { .. }
                | Body::MuteMember { .. }
                | Body::ChangeSettings(_)
                | Body::RevokeLink { .. }
                | Body::Refuse { .. }
                | Body::WithdrawInvitation { .. }
                | Body::Depart
        )
    }

    /// [`Command::needs`].
    pub fn needs(&self) -> impl Iterator<Item = Need<'_>> {
        let (command, user) = match self {
            Self::Conversation(command) => (Some(command), None),
            Self::Pair { user, .. } => (None, Some(Need::Users(std::slice::from_ref(user)))),
            Self::User { .. }
            | Self::Reports { .. }
            | Self::Administration { .. }
            | Self::Announcement { .. } => (None, None),
        };
        command.into_iter().flat_map(Command::needs).chain(user)
    }

    /// Whether it depends on what two people are to one another, if its conversation is or becomes a direct one.
    pub fn meets(&self) -> bool {
        matches!(self, Self::Conversation(command) if command.meets())
    }

    /// The stream that it depends on beside its own: that of two people, where [it does](Self::meets), or that of a message's reports.
    pub fn beside(&self) -> Option<Uuid> {
        let Self::Conversation(command) = self else {
            return None;
        };
        let conversation = command.conversation;
        match &command.body {
            ConversationCommand::Withhold { message, .. } => Some(reports_of(conversation, *message)),
            _ => command.meets().then(|| pair_of(conversation)),
        }
    }

    /// People whom it wants something of, who may not want that or not so often.
    pub fn regards(&self) -> &[UserId] {
        match self {
            Self::Conversation(command) => command.brings(),
            Self::Pair { user, .. } => std::slice::from_ref(user),
            Self::User { .. }
            | Self::Reports { .. }
            | Self::Administration { .. }
            | Self::Announcement { .. } => &[],
        }
    }

    /// Whether it puts the actor into a conversation as well as those whom it names.
    pub fn brings_actor(&self) -> bool {
        matches!(self, Self::Conversation(command) if command.brings_actor())
    }

    /// [`Command::attaches`], with who must have stored it.
    pub fn attaches(&self) -> Option<(UserId, Uuid)> {
        match self {
            Self::Conversation(command) => command.attaches().map(|attachment| (command.actor, attachment)),
            Self::User {
                user,
                command: UserCommand::UpdateProfile(profile),
                ..
            } => profile.picture().map(|picture| (*user, picture)),
            Self::User { .. }
            | Self::Pair { .. }
            | Self::Reports { .. }
            | Self::Administration { .. }
            | Self::Announcement { .. } => None,
        }
    }

    /// [`Command::forwards`], with who forwards it.
    pub fn forwards(&self) -> Option<(UserId, Source)> {
        match self {
            Self::Conversation(command) => command.forwards().map(|source| (command.actor, source)),
            Self::User { .. }
            | Self::Pair { .. }
            | Self::Reports { .. }
            | Self::Administration { .. }
            | Self::Announcement { .. } => None,
        }
    }
}

impl Stream {
    /// Decides a command. An empty answer means that the stream already is as the command wants it.
    pub fn decide(
        &self,
        command: &StreamCommand,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<Event>, Rejection> {
        match command {
            StreamCommand::Conversation(command) => {
                let events = match self {
                    Self::Conversation(conversation) => conversation.decide(command, facts, now),
                    Self::Empty
                    | Self::User(_)
                    | Self::Pair(_)
                    | Self::Reports(_)
                    | Self::Announcements(_) => Conversation::default().decide(command, facts, now),
                };
                events.map(|events| events.into_iter().map(Event::from).collect())
            }
            StreamCommand::User {
                user: id, command, ..
            } => {
                if let (UserCommand::UpdateProfile(profile), Self::User(_)) = (command, self) {
                    profile.check(*id, facts, now)?;
                }
                let events = match self {
                    Self::User(user) => user.decide(command.clone(), now),
                    Self::Empty
                    | Self::Conversation(_)
                    | Self::Pair(_)
                    | Self::Reports(_)
                    | Self::Announcements(_) => User::default().decide(command.clone(), now),
                };
                events.map(|events| events.into_iter().map(Event::from).collect())
            }
            StreamCommand::Pair {
                actor, user, command, ..
            } => {
                let pair = self.pair().copied().unwrap_or_default();
                let events = pair.decide((*actor, *user), command, facts, now);
                events.map(|events| events.into_iter().map(Event::Pair).collect())
            }
            StreamCommand::Reports { actor, command, .. } => {
                let events = match self {
                    Self::Reports(reports) => reports.decide(*actor, command, now),
                    Self::Empty
                    | Self::Conversation(_)
                    | Self::User(_)
                    | Self::Pair(_)
                    | Self::Announcements(_) => Reports::default().decide(*actor, command, now),
                };
                events.map(|events| events.into_iter().map(Event::Report).collect())
            }
            StreamCommand::Administration { acted, .. } => Ok(vec![Event::Administration(acted.clone())]),
            StreamCommand::Announcement { command, .. } => {
                let events = match self {
                    Self::Announcements(announcements) => announcements.decide(command, now),
                    Self::Empty
                    | Self::Conversation(_)
                    | Self::User(_)
                    | Self::Pair(_)
                    | Self::Reports(_) => Announcements::default().decide(command, now),
                };
                events.map(|events| events.into_iter().map(Event::Announcement).collect())
            }
        }
    }

    /// Folds one event that is decided and has no place yet. Total: what does not belong to the stream leaves it as it is.
    pub fn evolve(&mut self, event: &Event) {
        self.evolve_at(event, UNWRITTEN);
    }

    /// The same of one that stands at `seq`.
    pub fn evolve_at(&mut self, event: &Event, seq: u64) {
        if matches!(self, Self::Empty) {
            *self = match event {
                Event::Conversation(_) => Self::Conversation(Conversation::default()),
                Event::User(_) => Self::User(User::default()),
                Event::Pair(_) => Self::Pair(Pair::default()),
                Event::Report(_) => Self::Reports(Reports::default()),
                // Nothing is decided by it.
                Event::Administration(_) => Self::Empty,
                Event::Announcement(_) => Self::Announcements(Announcements::default()),
            };
        }
        match (self, event) {
            (Self::Conversation(conversation), Event::Conversation(event)) => {
                conversation.evolve_at(event, seq);
            }
            (Self::User(user), Event::User(event)) => user.evolve(event),
            (Self::Pair(pair), Event::Pair(event)) => pair.evolve(event),
            (Self::Reports(reports), Event::Report(event)) => reports.evolve(event),
            (Self::Announcements(announcements), Event::Announcement(event)) => announcements.evolve(event),
            // No stream holds events of another sort.
            (
                Self::Empty
                | Self::Conversation(_)
                | Self::User(_)
                | Self::Pair(_)
                | Self::Reports(_)
                | Self::Announcements(_),
                _,
            ) => {}
        }
    }

    /// What was folded since this was called last happened then. Events that are decided have no time before they are written.
    pub fn date(&mut self, at: DateTime<Utc>) {
        if let Self::Conversation(conversation) = self {
            conversation.date(at);
        }
    }

    /// What lies ahead of `now` in it counts as happening now. Where the log's time is ahead, it stands nearly still until clocks have come to
    /// it, and whoever waited by it would wait as long: so they wait from when their act was learnt of.
    pub fn cap(&mut self, now: DateTime<Utc>) {
        if let Self::Conversation(conversation) = self {
            conversation.cap(now);
        }
    }

    /// [`Conversation::authorize`]; nobody is a member of what is no conversation.
    pub fn authorize(&self, user: UserId) -> Result<Role, Rejection> {
        match self {
            Self::Conversation(conversation) => conversation.authorize(user),
            Self::Empty | Self::User(_) | Self::Pair(_) | Self::Reports(_) | Self::Announcements(_) => {
                Err(Rejection::NotAMember)
            }
        }
    }

    /// [`Conversation::may_write`]; nobody writes in what is no conversation.
    pub fn may_write(&self, user: UserId, now: DateTime<Utc>) -> Result<(), Rejection> {
        match self {
            Self::Conversation(conversation) => conversation.may_write(user, now),
            Self::Empty | Self::User(_) | Self::Pair(_) | Self::Reports(_) | Self::Announcements(_) => {
                Err(Rejection::NotAMember)
            }
        }
    }

    /// [`Conversation::visible_from`]; nobody sees anything of what is no conversation.
    pub fn visible_from(&self, user: UserId) -> Option<u64> {
        match self {
            Self::Conversation(conversation) => conversation.visible_from(user),
            Self::Empty | Self::User(_) | Self::Pair(_) | Self::Reports(_) | Self::Announcements(_) => None,
        }
    }

    /// How many members the conversation has; none, where it is no conversation.
    pub fn member_count(&self) -> usize {
        match self {
            Self::Conversation(conversation) => conversation.member_count(),
            Self::Empty | Self::User(_) | Self::Pair(_) | Self::Reports(_) | Self::Announcements(_) => 0,
        }
    }

    /// Whether what is said in it may be forwarded.
    pub fn lets_forward(&self) -> bool {
        match self {
            Self::Conversation(conversation) => conversation.settings().forward,
            Self::Empty | Self::User(_) | Self::Pair(_) | Self::Reports(_) | Self::Announcements(_) => true,
        }
    }

    /// How many things the state lists one by one, about: who is in a conversation or muted there or banned, what a user has marked and read.
    pub fn entry_count(&self) -> usize {
        match self {
            Self::Empty | Self::Pair(_) => 0,
            Self::Conversation(conversation) => conversation.entries(),
            Self::User(user) => user.entry_count(),
            Self::Reports(reports) => reports.count(),
            Self::Announcements(announcements) => announcements.entry_count(),
        }
    }

    /// What two people are to one another, where it is theirs.
    pub fn pair(&self) -> Option<&Pair> {
        match self {
            Self::Pair(pair) => Some(pair),
            Self::Empty
            | Self::Conversation(_)
            | Self::User(_)
            | Self::Reports(_)
            | Self::Announcements(_) => None,
        }
    }

    /// What was reported of a message, where it is that.
    pub fn reports(&self) -> Option<&Reports> {
        match self {
            Self::Reports(reports) => Some(reports),
            Self::Empty | Self::Conversation(_) | Self::User(_) | Self::Pair(_) | Self::Announcements(_) => {
                None
            }
        }
    }

    /// Whether it is a conversation of two, which has neither threads nor roles.
    pub fn is_direct(&self) -> bool {
        matches!(self, Self::Conversation(conversation) if conversation.is_direct())
    }

    /// What its members may know of one another; nothing, where it is no conversation.
    pub fn receipts(&self) -> Receipts {
        match self {
            Self::Conversation(conversation) => conversation.receipts(),
            Self::Empty | Self::User(_) | Self::Pair(_) | Self::Reports(_) | Self::Announcements(_) => {
                Receipts::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ConversationEvent, DirectOpened, Registered, UserEvent};
    use crate::id::ConversationId;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn leave() -> StreamCommand {
        StreamCommand::Conversation(Command {
            id: CommandId(Uuid::nil()),
            actor: user(1),
            conversation: ConversationId(Uuid::from_u128(9)),
            body: ConversationCommand::Leave,
        })
    }

    fn registered() -> Event {
        let registered = Registered {
            username: "ann".to_owned(),
            display_name: "Ann".to_owned(),
        };
        UserEvent::Registered(registered).into()
    }

    #[test]
    fn the_first_event_says_what_a_stream_is_and_no_other_changes_that() {
        let opened = Event::from(ConversationEvent::DirectOpened(DirectOpened {
            users: [user(1), user(2)],
        }));
        let mut stream = Stream::default();
        stream.evolve(&opened);
        let conversation = stream.clone();
        assert!(stream.authorize(user(1)).is_ok() && stream.member_count() == 2);
        stream.evolve(&registered());
        assert_eq!(stream, conversation);
        let mut stream = Stream::default();
        stream.evolve(&registered());
        let user_stream = stream.clone();
        stream.evolve(&opened);
        assert_eq!(stream, user_stream);
        assert_eq!(stream.member_count(), 0);
    }

    #[test]
    fn a_stream_that_is_no_conversation_has_no_members() {
        let mut stream = Stream::default();
        let decide = |stream: &Stream| stream.decide(&leave(), &Facts::default(), DateTime::UNIX_EPOCH);
        assert_eq!(decide(&stream), Err(Rejection::NotAMember));
        stream.evolve(&registered());
        assert_eq!(decide(&stream), Err(Rejection::NotAMember));
        assert_eq!(stream.authorize(user(1)), Err(Rejection::NotAMember));
    }

    #[test]
    fn a_command_says_whose_it_is_and_where_it_goes() {
        let register = StreamCommand::User {
            user: user(1),
            id: CommandId(Uuid::from_u128(5)),
            command: UserCommand::ExpireInbox(crate::event::InboxExpired::default()),
        };
        assert_eq!(
            (register.id(), register.actor(), register.stream()),
            (Uuid::from_u128(5), user(1), user(1).0)
        );
        assert_eq!(
            (
                register.digest(&DigestKey::new(b"a secret")),
                register.needs().count()
            ),
            (0, 0)
        );
        assert_eq!(
            (leave().id(), leave().actor(), leave().stream()),
            (Uuid::nil(), user(1), Uuid::from_u128(9))
        );
        assert_ne!(leave().digest(&DigestKey::new(b"a secret")), 0);
    }
}
