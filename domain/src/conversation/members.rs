//! The members of a conversation.

use super::book::Book;
use crate::id::UserId;
use crate::membership::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) role: Role,
    pub(super) arrival: u64,
    /// The first seq that they see.
    pub(super) visible_from: u64,
}

/// A map from user to member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    book: Book<Member>,
    owners: usize,
}

impl Members {
    pub(super) fn get(&self, user: UserId) -> Option<Member> {
        self.book.get(user)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.book.count()
    }

    /// How many of them are owners.
    pub(super) fn owners(&self) -> usize {
        self.owners
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UserId, Member)> + '_ {
        self.book.iter()
    }

    /// Puts a member in, or otherwise than before; `None` takes the user out.
    pub(super) fn set(&mut self, user: UserId, member: Option<Member>) {
        let before = self.book.set(user, member);
        self.owners = self.owners + is_owner(member) - is_owner(before);
    }
}

fn is_owner(member: Option<Member>) -> usize {
    usize::from(member.is_some_and(|member| member.role == Role::Owner))
}

impl FromIterator<(UserId, Member)> for Members {
    fn from_iter<I: IntoIterator<Item = (UserId, Member)>>(members: I) -> Self {
        let book: Book<Member> = members.into_iter().collect();
        let owners = book.iter().map(|(_, member)| is_owner(Some(member))).sum();
        Self { book, owners }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn owners_are_counted_as_they_come_and_go() {
        let user = |n| UserId(Uuid::from_u128(n));
        let member = |role| {
            Some(Member {
                role,
                arrival: 1,
                visible_from: 1,
            })
        };
        let mut members: Members = (0..3)
            .filter_map(|n| Some((user(n), member(if n == 0 { Role::Owner } else { Role::Member })?)))
            .collect();
        assert_eq!((members.count(), members.owners()), (3, 1));
        for (n, change, owners) in [
            (1, member(Role::Owner), 2),
            (1, member(Role::Owner), 2),
            (0, member(Role::Admin), 1),
            (1, None, 0),
            (1, None, 0),
        ] {
            members.set(user(n), change);
            assert_eq!(members.owners(), owners);
        }
    }
}
