//! Groups: who may come and go, and who says so.

use super::{Conversation, Shape, THEY_ARE_IN_TOO_MANY, YOU_ARE_IN_TOO_MANY, dedupe};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event, Role};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::pair::{KEEPS_TO_THEMSELVES, YOU_BLOCK};
use crate::rejection::{Field, Rejection};
use crate::text::GroupName;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most members that a group may have.
pub const GROUP_MEMBERS_MAX: usize = 100_000;

/// A group began. `members` holds everybody, the owner first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCreated {
    pub name: GroupName,
    pub owner: UserId,
    pub members: Vec<UserId>,
}

impl Stored for GroupCreated {
    const KIND: Kind = Kind::GROUP_CREATED;
    const NAME: &'static str = "group.created";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::GroupCreated(self).into()
    }
}

/// Somebody came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAdded {
    pub user: UserId,
    pub role: Role,
    /// By which they came in of themselves, where they did by one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub link: Option<Uuid>,
    /// Whether they had asked for it, and were answered by this.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub asked: bool,
    /// Whether they had asked for it, and came in without an answer.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub waited: bool,
}

impl Stored for MemberAdded {
    const KIND: Kind = Kind::MEMBER_ADDED;
    const NAME: &'static str = "member.added";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MemberAdded(self).into()
    }
}

/// Somebody was removed by an owner or admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub user: UserId,
}

impl Stored for MemberRemoved {
    const KIND: Kind = Kind::MEMBER_REMOVED;
    const NAME: &'static str = "member.removed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MemberRemoved(self).into()
    }
}

/// Somebody went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLeft {
    pub user: UserId,
}

impl Stored for MemberLeft {
    const KIND: Kind = Kind::MEMBER_LEFT;
    const NAME: &'static str = "member.left";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MemberLeft(self).into()
    }
}

/// The group has another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRenamed {
    pub name: GroupName,
}

impl Stored for GroupRenamed {
    const KIND: Kind = Kind::GROUP_RENAMED;
    const NAME: &'static str = "group.renamed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::GroupRenamed(self).into()
    }
}

/// A member has another role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleChanged {
    pub user: UserId,
    pub role: Role,
}

impl Stored for RoleChanged {
    const KIND: Kind = Kind::ROLE_CHANGED;
    const NAME: &'static str = "role.changed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::RoleChanged(self).into()
    }
}

impl Conversation {
    pub(super) fn create_group(
        &self,
        actor: UserId,
        name: &GroupName,
        members: &[UserId],
        facts: &Facts,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.exists() {
            return Err(Rejection::Conflict("the group exists already"));
        }
        if !facts.has_users(members) {
            return Err(Rejection::NotFound(Field::Members));
        }
        let mut all = vec![actor];
        all.extend(members.iter().copied().filter(|user| *user != actor));
        dedupe(&mut all);
        if all[1..].iter().any(|user| facts.blocks(actor, *user)) {
            return Err(Rejection::Denied {
                field: Field::Members,
                reason: "you have blocked one of these users",
            });
        }
        if !all[1..].iter().all(|user| facts.lets_add(actor, *user)) {
            return Err(Rejection::Denied {
                field: Field::Members,
                reason: "one of these users does not want that from you",
            });
        }
        if all.len() > GROUP_MEMBERS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Members,
                max: GROUP_MEMBERS_MAX,
            });
        }
        if !facts.has_room(actor) {
            return Err(Rejection::Conflict(YOU_ARE_IN_TOO_MANY));
        }
        if !all.iter().all(|user| facts.has_room(*user)) {
            return Err(Rejection::Conflict(
                "one of these users is in too many conversations",
            ));
        }
        let created = GroupCreated {
            name: name.clone(),
            owner: actor,
            members: all,
        };
        Ok(vec![ConversationEvent::GroupCreated(created)])
    }

    pub(super) fn add(
        &self,
        actor: UserId,
        user: UserId,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.inviter(actor, now)?;
        if !facts.has_users(&[user]) {
            return Err(Rejection::NotFound(Field::User));
        }
        if self.is_banned(user, now) {
            return Err(Rejection::Denied {
                field: Field::User,
                reason: "this user is banned from the group",
            });
        }
        if self.is_member(user) {
            return Err(Rejection::Conflict("this user is a member already"));
        }
        // Whoever asks to be let in wants it of the group, whoever of it answers. A refusal would tell of a block.
        if !self.requests.is_open(user, now) {
            let denied = |reason| Rejection::Denied {
                field: Field::User,
                reason,
            };
            if facts.blocks(actor, user) {
                return Err(denied(YOU_BLOCK));
            }
            if !facts.lets_add(actor, user) {
                return Err(denied(KEEPS_TO_THEMSELVES));
            }
        }
        if self.member_count() >= GROUP_MEMBERS_MAX {
            return Err(Rejection::Conflict("the group is full"));
        }
        if !facts.has_room(user) {
            return Err(Rejection::Conflict(THEY_ARE_IN_TOO_MANY));
        }
        let added = ConversationEvent::MemberAdded(MemberAdded {
            user,
            role: Role::Member,
            link: None,
            asked: self.requests.is_open(user, now),
            waited: false,
        });
        Ok(self.withdrawn(user, now).into_iter().chain([added]).collect())
    }

    pub(super) fn rename(
        &self,
        actor: UserId,
        name: &GroupName,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.manager(actor, now)?;
        Ok(vec![ConversationEvent::GroupRenamed(GroupRenamed {
            name: name.clone(),
        })])
    }

    pub(super) fn remove(
        &self,
        actor: UserId,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let own = self.manager(actor, now)?;
        if actor == user {
            return Err(Rejection::invalid(Field::User, "to go yourself, use group.leave"));
        }
        let role = self.role(user).ok_or(Rejection::NO_MEMBER)?;
        if own != Role::Owner && role >= own {
            return Err(Rejection::Forbidden("an admin can remove ordinary members only"));
        }
        let removed = ConversationEvent::MemberRemoved(MemberRemoved { user });
        // The ack names the last event, which is what was asked for.
        Ok(self.end_handed_out(user, now).chain([removed]).collect())
    }

    /// What somebody has handed out ends with them, however they go: their links let nobody in any more, and whom they have invited is invited
    /// no more.
    pub(super) fn end_handed_out(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = ConversationEvent> + '_ {
        self.revoke_links_of(user)
            .chain(self.withdraw_invitations_of(user, now))
    }

    /// Leaving hands the group on: when the last owner goes, the longest-serving admin, or else member, becomes one.
    pub(super) fn leave(
        &self,
        actor: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let role = self.group(actor)?;
        let mut events: Vec<_> = self.end_handed_out(actor, now).collect();
        events.push(ConversationEvent::MemberLeft(MemberLeft { user: actor }));
        if role == Role::Owner && self.members.owners() == 1 {
            let heir = self
                .members
                .iter()
                .filter(|(user, _)| *user != actor)
                .min_by_key(|(user, member)| (std::cmp::Reverse(member.role), member.arrival, *user));
            if let Some((user, _)) = heir {
                events.push(ConversationEvent::RoleChanged(RoleChanged {
                    user,
                    role: Role::Owner,
                }));
            }
        }
        Ok(events)
    }

    pub(super) fn change_role(
        &self,
        actor: UserId,
        user: UserId,
        role: Role,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.group(actor)? != Role::Owner {
            return Err(Rejection::Forbidden("only an owner can change roles"));
        }
        let current = self.role(user).ok_or(Rejection::NO_MEMBER)?;
        if current == role {
            return Err(Rejection::Conflict("this user has that role already"));
        }
        if current == Role::Owner && self.members.owners() == 1 {
            return Err(Rejection::Conflict("a group needs an owner"));
        }
        Ok(vec![ConversationEvent::RoleChanged(RoleChanged { user, role })])
    }

    /// An owner makes somebody else an owner, and is an admin from then on.
    pub(super) fn transfer(&self, actor: UserId, user: UserId) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.group(actor)? != Role::Owner {
            return Err(Rejection::Forbidden("only an owner can hand a group on"));
        }
        if actor == user {
            return Err(Rejection::invalid(Field::User, "it is yours already"));
        }
        let role = self.role(user).ok_or(Rejection::NO_MEMBER)?;
        if role == Role::Owner {
            return Err(Rejection::Conflict("this user is an owner already"));
        }
        let change = |user, role| ConversationEvent::RoleChanged(RoleChanged { user, role });
        Ok(vec![change(user, Role::Owner), change(actor, Role::Admin)])
    }

    pub(super) fn group(&self, actor: UserId) -> Result<Role, Rejection> {
        let role = self.authorize(actor)?;
        if self.shape != Shape::Group {
            return Err(Rejection::invalid(
                Field::Conversation,
                "a direct conversation is not a group",
            ));
        }
        Ok(role)
    }

    /// Refuses who may not add people.
    pub(super) fn inviter(&self, actor: UserId, now: DateTime<Utc>) -> Result<(), Rejection> {
        let role = self.group(actor)?;
        if !self.settings.invite.has(role) {
            return Err(Rejection::Forbidden("only an owner or admin can do this"));
        }
        self.may_speak(actor, role, now)
    }

    /// Refuses who may not govern. Whoever is muted does not: names and reasons are words, and all members are told what is done.
    pub(super) fn manager(&self, actor: UserId, now: DateTime<Utc>) -> Result<Role, Rejection> {
        let role = self.group(actor)?;
        if role < Role::Admin {
            return Err(Rejection::Forbidden("only an owner or admin can do this"));
        }
        self.may_speak(actor, role, now)?;
        Ok(role)
    }
}

pub(crate) fn create_form(form: &mut Form, name: &GroupName, members: &[UserId]) {
    form.tag(2);
    form.text(name.as_str());
    form.users(members);
}

pub(crate) fn add_form(form: &mut Form, user: UserId) {
    form.tag(3);
    form.id(user.0);
}

pub(crate) fn remove_form(form: &mut Form, user: UserId) {
    form.tag(4);
    form.id(user.0);
}

pub(crate) fn leave_form(form: &mut Form) {
    form.tag(5);
}

pub(crate) fn rename_form(form: &mut Form, name: &GroupName) {
    form.tag(6);
    form.text(name.as_str());
}

pub(crate) fn transfer_form(form: &mut Form, user: UserId) {
    form.tag(17);
    form.id(user.0);
}

pub(crate) fn role_form(form: &mut Form, user: UserId, role: Role) {
    form.tag(7);
    form.id(user.0);
    form.text(role.as_str());
}
