//! Who is in a conversation, and as what.

use crate::event::{ConversationEvent, DirectOpened, GroupCreated, MemberAdded, MemberLeft, MemberRemoved};
use crate::id::UserId;
use serde::{Deserialize, Serialize};

/// What a member of a group may do. Owners may do everything, admins manage ordinary members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Member,
    Admin,
    Owner,
}

impl Role {
    /// The role's name on the wire and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// Who comes into a conversation or goes by an event of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'a> {
    /// Everybody stays where they are.
    Unchanged,
    Joined(Joined<'a>),
    Left(UserId),
}

/// People who come in together. Somebody who is in already stays in, and takes the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined<'a> {
    users: &'a [UserId],
    role: Role,
    /// Has this role instead, and comes in also where `users` leave them out.
    owner: Option<UserId>,
}

impl<'a> Joined<'a> {
    /// Who comes in, in order, with the role that each has from then on.
    pub fn iter(self) -> impl Iterator<Item = (UserId, Role)> + 'a {
        let missing = self.owner.filter(|owner| !self.users.contains(owner));
        let users = self.users.iter().copied();
        users.chain(missing).map(move |user| {
            let role = if self.owner == Some(user) {
                Role::Owner
            } else {
                self.role
            };
            (user, role)
        })
    }

    pub fn contains(self, user: UserId) -> bool {
        self.owner == Some(user) || self.users.contains(&user)
    }
}

impl ConversationEvent {
    /// Who comes in or goes by it. The one place that knows which events change who is in a conversation.
    pub fn membership(&self) -> Membership<'_> {
        let joined = |users, role, owner| Membership::Joined(Joined { users, role, owner });
        match self {
            Self::DirectOpened(DirectOpened { users }) => joined(users.as_slice(), Role::Member, None),
            Self::GroupCreated(GroupCreated { owner, members, .. }) => {
                joined(members.as_slice(), Role::Member, Some(*owner))
            }
            Self::MemberAdded(MemberAdded { user, role, .. }) => joined(std::slice::from_ref(user), *role, None),
            Self::MemberRemoved(MemberRemoved { user }) | Self::MemberLeft(MemberLeft { user }) => {
                Membership::Left(*user)
            }
            Self::GroupRenamed(_)
            | Self::RoleChanged(_)
            | Self::GroupSettingsChanged(_)
            | Self::MemberMuted(_)
            // Whoever was in is out by an event of its own.
            | Self::MemberBanned(_)
            | Self::MemberUnbanned(_)
            | Self::LinkCreated(_)
            | Self::LinkRevoked(_)
            | Self::JoinRequested(_)
            | Self::JoinRefused(_)
            // Whoever accepts comes in by an event of its own.
            | Self::InvitationSent(_)
            | Self::InvitationAccepted(_)
            | Self::InvitationDeclined(_)
            | Self::InvitationWithdrawn(_)
            | Self::MessageSent(_)
            | Self::MessageEdited(_)
            | Self::MessageRecalled(_)
            | Self::ReactionChanged(_)
            | Self::PinChanged(_)
            | Self::MessageWithheld(_) => Membership::Unchanged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::GroupName;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn created(owner: u128, members: &[u128]) -> ConversationEvent {
        ConversationEvent::GroupCreated(GroupCreated {
            name: GroupName::parse("friends").unwrap(),
            owner: user(owner),
            members: members.iter().copied().map(user).collect(),
        })
    }

    fn joined(event: &ConversationEvent) -> Vec<(UserId, Role)> {
        match event.membership() {
            Membership::Joined(joined) => joined.iter().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_group_begins_with_its_members_and_its_owner_once() {
        let all = [(user(1), Role::Owner), (user(2), Role::Member)];
        assert_eq!(joined(&created(1, &[1, 2])), all);
        assert_eq!(joined(&created(1, &[2])), [all[1], all[0]]);
        let event = created(1, &[2]);
        let Membership::Joined(joined) = event.membership() else {
            panic!("{event:?}")
        };
        assert!(joined.contains(user(1)) && joined.contains(user(2)) && !joined.contains(user(3)));
    }

    #[test]
    fn who_is_added_comes_with_a_role_and_who_leaves_or_is_removed_goes() {
        let added = MemberAdded {
            user: user(3),
            role: Role::Admin,
            link: None,
            asked: false,
            waited: false,
        };
        assert_eq!(
            joined(&ConversationEvent::MemberAdded(added)),
            [(user(3), Role::Admin)]
        );
        let gone = [
            ConversationEvent::MemberLeft(MemberLeft { user: user(3) }),
            ConversationEvent::MemberRemoved(MemberRemoved { user: user(3) }),
        ];
        for event in gone {
            assert_eq!(event.membership(), Membership::Left(user(3)));
        }
    }
}
