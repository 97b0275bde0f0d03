//! A conversation: who is in it, and what its members may do. Each noun has its events and rules in a file of its own.

pub mod direct;
pub mod edit;
pub mod everyone;
pub mod forward;
mod frozen;
pub mod group;
mod members;
pub mod message;
pub mod pin;
pub mod reaction;
pub mod recall;
pub mod receipt;
pub mod thread;

use crate::command::{Command, ConversationCommand};
use crate::event::{ConversationEvent, Role, RoleChanged};
use crate::facts::Facts;
use crate::id::UserId;
use crate::membership::Membership;
use crate::rejection::Rejection;
use chrono::{DateTime, Utc};
use everyone::Calls;
use members::{Member, Members};
use pin::Pins;

pub use everyone::EVERYONE_PER_HOUR;
pub use group::GROUP_MEMBERS_MAX;
pub use message::MENTIONS_MAX;

/// What decisions about a conversation depend on. Only control events change it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    shape: Shape,
    members: Members,
    /// Grows by one with each member who comes in, so that members have an order of arrival.
    arrivals: u64,
    pins: Pins,
    calls: Calls,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Absent,
    Direct,
    Group,
}

impl Conversation {
    pub fn exists(&self) -> bool {
        self.shape != Shape::Absent
    }

    pub fn is_member(&self, user: UserId) -> bool {
        self.members.get(user).is_some()
    }

    pub fn role(&self, user: UserId) -> Option<Role> {
        self.members.get(user).map(|member| member.role)
    }

    pub fn member_count(&self) -> usize {
        self.members.count()
    }

    pub fn members(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().map(|(user, _)| user)
    }

    /// Refuses unless `user` is in the conversation. One that does not exist has no members: a stranger is told no more of one
    /// that does.
    pub fn authorize(&self, user: UserId) -> Result<Role, Rejection> {
        self.role(user).ok_or(Rejection::NotAMember)
    }

    /// Whether it is a conversation of two.
    pub fn is_direct(&self) -> bool {
        self.shape == Shape::Direct
    }

    /// Decides a command. An empty answer means that the conversation already is as the command wants it.
    pub fn decide(
        &self,
        command: &Command,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let actor = command.actor;
        match &command.body {
            ConversationCommand::OpenDirect { user } => self.open_direct(actor, *user, facts),
            ConversationCommand::CreateGroup { name, members } => {
                self.create_group(actor, name, members, facts)
            }
            ConversationCommand::AddMember { user } => self.add(actor, *user, facts),
            ConversationCommand::RemoveMember { user } => self.remove(actor, *user),
            ConversationCommand::Leave => self.leave(actor),
            ConversationCommand::Rename { name } => self.rename(actor, name),
            ConversationCommand::ChangeRole { user, role } => self.change_role(actor, *user, *role),
            ConversationCommand::SendMessage(send) => self.send(command, send, facts, now),
            ConversationCommand::EditMessage { message, content } => {
                self.edit(command.conversation, actor, *message, content, facts, now)
            }
            ConversationCommand::RecallMessage { message } => {
                self.recall(command.conversation, actor, *message, facts, now)
            }
            ConversationCommand::React { message, emoji, on } => {
                self.react(command.conversation, actor, *message, emoji, *on, facts)
            }
            ConversationCommand::Pin { message, on } => {
                self.pin(command.conversation, actor, *message, *on, facts)
            }
        }
    }

    /// Folds one event. Total: any event in any state is taken as the fact that it is.
    pub fn evolve(&mut self, event: &ConversationEvent) {
        match event.membership() {
            Membership::Joined(joined) => {
                for (user, role) in joined.iter() {
                    self.insert(user, role);
                }
            }
            Membership::Left(user) => {
                self.members.set(user, None);
            }
            Membership::Unchanged => {}
        }
        match event {
            ConversationEvent::DirectOpened(_) => self.shape = Shape::Direct,
            ConversationEvent::GroupCreated(_) => self.shape = Shape::Group,
            ConversationEvent::RoleChanged(RoleChanged { user, role }) => {
                if let Some(member) = self.members.get(*user) {
                    self.members.set(
                        *user,
                        Some(Member {
                            role: *role,
                            ..member
                        }),
                    );
                }
            }
            ConversationEvent::PinChanged(changed) => self.pins.set(changed),
            ConversationEvent::MessageSent(sent) => {
                if sent.everyone {
                    self.calls.add();
                }
            }
            ConversationEvent::MemberAdded(_)
            | ConversationEvent::MemberRemoved(_)
            | ConversationEvent::MemberLeft(_)
            | ConversationEvent::GroupRenamed(_)
            | ConversationEvent::MessageEdited(_)
            | ConversationEvent::MessageRecalled(_)
            | ConversationEvent::ReactionChanged(_) => {}
        }
    }

    /// What was folded since the last time that was said happened then: see [`Stream::date`](crate::Stream::date).
    pub(crate) fn date(&mut self, at: DateTime<Utc>) {
        self.calls.date(at);
    }

    fn insert(&mut self, user: UserId, role: Role) {
        self.arrivals += 1;
        let arrival = self
            .members
            .get(user)
            .map_or(self.arrivals, |member| member.arrival);
        self.members.set(user, Some(Member { role, arrival }));
    }
}

const YOU_ARE_IN_TOO_MANY: &str = "you are in too many conversations";
const THEY_ARE_IN_TOO_MANY: &str = "this user is in too many conversations";

/// Drops repeats, keeping the first of each.
fn dedupe(users: &mut Vec<UserId>) {
    let mut seen = std::collections::HashSet::with_capacity(users.len());
    users.retain(|user| seen.insert(*user));
}
