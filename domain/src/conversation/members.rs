//! The members of a conversation. A copy costs about as much as what has changed lately, however many there are: a decision is made on
//! a copy of the state that it may change, and groups are large.

use crate::id::UserId;
use crate::membership::Role;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) role: Role,
    pub(super) arrival: u64,
}

/// A map from user to member.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    /// Shared between copies.
    base: Arc<HashMap<UserId, Member>>,
    /// What is otherwise than in `base`; `None` for who has gone.
    changed: HashMap<UserId, Option<Member>>,
    count: usize,
    owners: usize,
}

impl Members {
    pub(super) fn get(&self, user: UserId) -> Option<Member> {
        match self.changed.get(&user) {
            Some(changed) => *changed,
            None => self.base.get(&user).copied(),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many of them are owners.
    pub(super) fn owners(&self) -> usize {
        self.owners
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (UserId, Member)> + '_ {
        let base = self
            .base
            .iter()
            .filter(|(user, _)| !self.changed.contains_key(user));
        let base = base.map(|(user, member)| (*user, *member));
        let changed = self.changed.iter();
        base.chain(changed.filter_map(|(user, member)| Some((*user, (*member)?))))
    }

    /// Puts a member in, or otherwise than before; `None` takes the user out.
    pub(super) fn set(&mut self, user: UserId, member: Option<Member>) {
        let is_owner =
            |member: Option<Member>| usize::from(member.is_some_and(|member| member.role == Role::Owner));
        let before = self.get(user);
        self.count = self.count + usize::from(member.is_some()) - usize::from(before.is_some());
        self.owners = self.owners + is_owner(member) - is_owner(before);
        self.changed.insert(user, member);
        if self.changed.len() > self.changes_max() {
            self.settle();
        }
    }

    /// So many changes are kept apart that a copy stays cheap, and that it is rarely worth the while to take them in.
    fn changes_max(&self) -> usize {
        64.max(self.base.len() / 64)
    }

    fn settle(&mut self) {
        let base = Arc::make_mut(&mut self.base);
        for (user, member) in self.changed.drain() {
            match member {
                Some(member) => base.insert(user, member),
                None => base.remove(&user),
            };
        }
    }
}

impl FromIterator<(UserId, Member)> for Members {
    fn from_iter<I: IntoIterator<Item = (UserId, Member)>>(members: I) -> Self {
        let base: HashMap<UserId, Member> = members.into_iter().collect();
        Self {
            count: base.len(),
            owners: base.values().filter(|member| member.role == Role::Owner).count(),
            base: Arc::new(base),
            changed: HashMap::new(),
        }
    }
}

/// Who is in counts, not where it is written down.
impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().all(|(user, member)| other.get(user) == Some(member))
    }
}

impl Eq for Members {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        /// Against a plain map, and so that copies go their own ways.
        #[test]
        fn members_are_a_map(
            begun in prop::collection::hash_map(0..200_u128, any::<bool>(), 0..150),
            changes in prop::collection::vec((0..200_u128, prop::option::of(any::<bool>())), 0..300),
            copied in 0..300_usize,
        ) {
            let member = |(n, owner): (u128, bool)| Member {
                role: if owner { Role::Owner } else { Role::Member },
                arrival: n as u64,
            };
            let user = |n| UserId(Uuid::from_u128(n));
            let mut plain: HashMap<UserId, Member> =
                begun.into_iter().map(|(n, owner)| (user(n), member((n, owner)))).collect();
            let mut members: Members = plain.clone().into_iter().collect();
            let mut copy = None;
            for (index, (n, change)) in changes.into_iter().enumerate() {
                if index == copied {
                    copy = Some((members.clone(), plain.clone()));
                }
                let change = change.map(|owner| member((n, owner)));
                members.set(user(n), change);
                match change {
                    Some(member) => plain.insert(user(n), member),
                    None => plain.remove(&user(n)),
                };
                prop_assert_eq!(members.get(user(n)), change);
                prop_assert!(members.changed.len() <= members.changes_max());
            }
            for (members, plain) in copy.into_iter().chain([(members, plain)]) {
                prop_assert_eq!(members.count(), plain.len());
                let owners = plain.values().filter(|member| member.role == Role::Owner);
                prop_assert_eq!(members.owners(), owners.count());
                let rebuilt: Members = plain.clone().into_iter().collect();
                prop_assert_eq!(&members, &rebuilt);
                prop_assert_eq!(members.iter().collect::<HashMap<_, _>>(), plain);
            }
        }
    }

    #[test]
    fn a_copy_shares_what_there_is_until_much_has_changed() {
        let member = Member {
            role: Role::Member,
            arrival: 1,
        };
        let user = |n| UserId(Uuid::from_u128(n));
        for (size, changes) in [(0, 64), (64 * 64, 64), (64 * 100, 100)] {
            let kept: Members = (0..size).map(|n| (user(n), member)).collect();
            let mut copy = kept.clone();
            for n in 0..changes {
                copy.set(user(size + n), Some(member));
                assert!(Arc::ptr_eq(&kept.base, &copy.base), "{n} of {size}");
            }
            copy.set(user(size + changes), Some(member));
            assert!(
                !Arc::ptr_eq(&kept.base, &copy.base) && copy.changed.is_empty(),
                "{size}"
            );
            assert_eq!(copy.count() as u128, size + changes + 1);
        }
    }

    #[test]
    fn sets_of_as_many_others_are_not_the_same() {
        let member = Member {
            role: Role::Member,
            arrival: 1,
        };
        let of = |n: u128| Members::from_iter([(UserId(Uuid::from_u128(n)), member)]);
        assert_ne!(of(1), of(2));
        assert_ne!(of(1), Members::default());
        assert_eq!(of(1), of(1));
    }
}
