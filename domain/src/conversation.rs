//! A conversation: who is in it, and what its members may do.

use crate::command::{Command, ConversationCommand};
use crate::event::{
    Content, ConversationEvent, DirectOpened, GroupCreated, GroupRenamed, MemberAdded, MemberLeft,
    MemberRemoved, MessageSent, Role, RoleChanged,
};
use crate::facts::Facts;
use crate::id::UserId;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// The most members that a group may have.
pub const GROUP_MEMBERS_MAX: usize = 100_000;
/// The most people that one message may mention.
pub const MENTIONS_MAX: usize = 100;

/// What decisions about a conversation depend on. Only control events change it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    shape: Shape,
    members: HashMap<UserId, Member>,
    /// Grows by one with each event folded, so that members have an order of arrival.
    arrivals: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    #[default]
    Absent,
    Direct,
    Group,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    role: Role,
    arrival: u64,
}

impl Conversation {
    pub fn exists(&self) -> bool {
        self.shape != Shape::Absent
    }

    pub fn is_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }

    pub fn role(&self, user: UserId) -> Option<Role> {
        self.members.get(&user).map(|member| member.role)
    }

    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    pub fn members(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.keys().copied()
    }

    /// Refuses unless `user` is in the conversation. One that does not exist has no members: a stranger is told no more of one
    /// that does.
    pub fn authorize(&self, user: UserId) -> Result<Role, Rejection> {
        self.role(user).ok_or(Rejection::NotAMember)
    }

    /// Decides a command. An empty answer means that the conversation already is as the command wants it.
    ///
    /// `_now` is there for rules that depend on time; none of today's does.
    pub fn decide(
        &self,
        command: &Command,
        facts: &Facts,
        _now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let actor = command.actor;
        match &command.body {
            ConversationCommand::OpenDirect { user } => self.open_direct(actor, *user),
            ConversationCommand::CreateGroup { name, members } => {
                if self.exists() {
                    return Err(Rejection::Conflict("the group exists already"));
                }
                let mut all = vec![actor];
                all.extend(members.iter().copied().filter(|user| *user != actor));
                dedupe(&mut all);
                if all.len() > GROUP_MEMBERS_MAX {
                    return Err(Rejection::TooLarge {
                        field: Field::Members,
                        max: GROUP_MEMBERS_MAX,
                    });
                }
                let created = GroupCreated {
                    name: name.clone(),
                    owner: actor,
                    members: all,
                };
                Ok(vec![ConversationEvent::GroupCreated(created)])
            }
            ConversationCommand::AddMember { user } => {
                self.manager(actor)?;
                if self.is_member(*user) {
                    return Err(Rejection::Conflict("this user is a member already"));
                }
                if self.members.len() >= GROUP_MEMBERS_MAX {
                    return Err(Rejection::Conflict("the group is full"));
                }
                Ok(vec![ConversationEvent::MemberAdded(MemberAdded {
                    user: *user,
                    role: Role::Member,
                })])
            }
            ConversationCommand::RemoveMember { user } => self.remove(actor, *user),
            ConversationCommand::Leave => self.leave(actor),
            ConversationCommand::Rename { name } => {
                self.manager(actor)?;
                Ok(vec![ConversationEvent::GroupRenamed(GroupRenamed {
                    name: name.clone(),
                })])
            }
            ConversationCommand::ChangeRole { user, role } => self.change_role(actor, *user, *role),
            ConversationCommand::SendMessage {
                content,
                reply_to,
                mentions,
            } => {
                self.authorize(actor)?;
                if !matches!(content, Content::Text { .. }) {
                    return Err(Rejection::NotFound(Field::Content));
                }
                if mentions.len() > MENTIONS_MAX {
                    return Err(Rejection::TooLarge {
                        field: Field::Mentions,
                        max: MENTIONS_MAX,
                    });
                }
                if reply_to.is_some_and(|message| !facts.has_message(command.conversation, message)) {
                    return Err(Rejection::NotFound(Field::ReplyTo));
                }
                let mut mentions = mentions.clone();
                dedupe(&mut mentions);
                if !mentions.iter().all(|user| self.is_member(*user)) {
                    return Err(Rejection::invalid(
                        Field::Mentions,
                        "only members can be mentioned",
                    ));
                }
                let sent = MessageSent {
                    content: content.clone(),
                    reply_to: *reply_to,
                    mentions,
                };
                Ok(vec![ConversationEvent::MessageSent(sent)])
            }
        }
    }

    /// Folds one event. Total: any event in any state is taken as the fact that it is.
    pub fn evolve(&mut self, event: &ConversationEvent) {
        self.arrivals += 1;
        match event {
            ConversationEvent::DirectOpened(DirectOpened { users }) => {
                self.shape = Shape::Direct;
                for user in users {
                    self.insert(*user, Role::Member);
                }
            }
            ConversationEvent::GroupCreated(GroupCreated { owner, members, .. }) => {
                self.shape = Shape::Group;
                for user in members {
                    self.insert(*user, Role::Member);
                    self.arrivals += 1;
                }
                self.insert(*owner, Role::Owner);
            }
            ConversationEvent::MemberAdded(MemberAdded { user, role }) => self.insert(*user, *role),
            ConversationEvent::MemberRemoved(MemberRemoved { user })
            | ConversationEvent::MemberLeft(MemberLeft { user }) => {
                self.members.remove(user);
            }
            ConversationEvent::RoleChanged(RoleChanged { user, role }) => {
                if let Some(member) = self.members.get_mut(user) {
                    member.role = *role;
                }
            }
            ConversationEvent::GroupRenamed(_) | ConversationEvent::MessageSent(_) => {}
        }
    }

    fn insert(&mut self, user: UserId, role: Role) {
        let arrival = self.arrivals;
        self.members
            .entry(user)
            .and_modify(|member| member.role = role)
            .or_insert(Member { role, arrival });
    }

    fn open_direct(&self, actor: UserId, user: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        if actor == user {
            return Err(Rejection::invalid(
                Field::User,
                "a direct conversation needs two people",
            ));
        }
        if self.exists() {
            return Ok(vec![]);
        }
        let users = if actor <= user {
            [actor, user]
        } else {
            [user, actor]
        };
        Ok(vec![ConversationEvent::DirectOpened(DirectOpened { users })])
    }

    fn remove(&self, actor: UserId, user: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        let own = self.manager(actor)?;
        if actor == user {
            return Err(Rejection::invalid(Field::User, "to go yourself, use group.leave"));
        }
        let role = self.role(user).ok_or(Rejection::NotFound(Field::User))?;
        if own != Role::Owner && role >= own {
            return Err(Rejection::Forbidden("an admin can remove ordinary members only"));
        }
        Ok(vec![ConversationEvent::MemberRemoved(MemberRemoved { user })])
    }

    /// Leaving hands the group on: when the last owner goes, the longest-serving admin, or else member, becomes one.
    fn leave(&self, actor: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        let role = self.group(actor)?;
        let mut events = vec![ConversationEvent::MemberLeft(MemberLeft { user: actor })];
        if role == Role::Owner && self.owners() == 1 {
            let heir = self
                .members
                .iter()
                .filter(|(user, _)| **user != actor)
                .min_by_key(|(user, member)| (std::cmp::Reverse(member.role), member.arrival, **user));
            if let Some((user, _)) = heir {
                events.push(ConversationEvent::RoleChanged(RoleChanged {
                    user: *user,
                    role: Role::Owner,
                }));
            }
        }
        Ok(events)
    }

    fn change_role(
        &self,
        actor: UserId,
        user: UserId,
        role: Role,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.group(actor)? != Role::Owner {
            return Err(Rejection::Forbidden("only an owner can change roles"));
        }
        let current = self.role(user).ok_or(Rejection::NotFound(Field::User))?;
        if current == role {
            return Err(Rejection::Conflict("this user has that role already"));
        }
        if current == Role::Owner && self.owners() == 1 {
            return Err(Rejection::Conflict("a group needs an owner"));
        }
        Ok(vec![ConversationEvent::RoleChanged(RoleChanged { user, role })])
    }

    fn owners(&self) -> usize {
        self.members
            .values()
            .filter(|member| member.role == Role::Owner)
            .count()
    }

    fn group(&self, actor: UserId) -> Result<Role, Rejection> {
        let role = self.authorize(actor)?;
        if self.shape != Shape::Group {
            return Err(Rejection::invalid(
                Field::Conversation,
                "a direct conversation is not a group",
            ));
        }
        Ok(role)
    }

    fn manager(&self, actor: UserId) -> Result<Role, Rejection> {
        let role = self.group(actor)?;
        if role < Role::Admin {
            return Err(Rejection::Forbidden("only an owner or admin can do this"));
        }
        Ok(role)
    }
}

/// Drops repeats, keeping the first of each.
fn dedupe(users: &mut Vec<UserId>) {
    let mut seen = std::collections::HashSet::with_capacity(users.len());
    users.retain(|user| seen.insert(*user));
}
