//! How much may be used in a time, and what those may use who have a role. Pure.

use crate::role::Role;
use std::cmp::Reverse;
use std::time::Duration;

/// So many in a time in the long run, and so many at once after a quiet while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub number: u32,
    /// The time that earns the number.
    pub per: Duration,
    pub burst: u32,
}

impl Allowance {
    pub fn per_second(number: u32, burst: u32) -> Self {
        let per = Duration::from_secs(1);
        Self { number, per, burst }
    }

    pub fn per_minute(number: u32, burst: u32) -> Self {
        let per = Duration::from_mins(1);
        Self { number, per, burst }
    }

    /// The time that earns one.
    pub(super) fn period(self) -> Duration {
        self.per / self.number.max(1)
    }
}

/// Something for everybody, and something else for each role that has more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByRole<T> {
    everybody: T,
    /// Whoever holds several of these roles goes by the first.
    roles: Vec<(Role, T)>,
}

impl<T> ByRole<T> {
    /// The role that those go by who hold these; `None` where that is what everybody goes by.
    pub fn role(&self, held: &[Role]) -> Option<Role> {
        let mut roles = self.roles.iter().map(|(role, _)| *role);
        roles.find(|role| held.contains(role))
    }

    /// What there is for whoever goes by a role, or by none.
    pub fn get(&self, role: Option<Role>) -> &T {
        let mut roles = self.roles.iter();
        let own = roles.find(|(other, _)| role == Some(*other));
        own.map_or(&self.everybody, |(_, own)| own)
    }

    /// What there is for those who hold these roles.
    pub fn of(&self, held: &[Role]) -> &T {
        self.get(self.role(held))
    }

    /// The same roles with something else for each, and for everybody.
    pub(super) fn map<U>(&self, make: impl Fn(Option<Role>, &T) -> U) -> ByRole<U> {
        let roles = self.roles.iter();
        ByRole {
            everybody: make(None, &self.everybody),
            roles: roles.map(|(role, own)| (*role, make(Some(*role), own))).collect(),
        }
    }
}

impl ByRole<Allowance> {
    /// What roles allow in the time that everybody's is for: a number and a burst each. They only ever give: what is less than everybody
    /// has counts as that. Of several roles the one goes first that allows most in the long run, and then at once.
    pub(super) fn new(everybody: Allowance, roles: impl IntoIterator<Item = (Role, u32, u32)>) -> Self {
        let own = roles.into_iter().map(|(role, number, burst)| {
            let own = Allowance {
                number: number.max(everybody.number),
                burst: burst.max(everybody.burst),
                ..everybody
            };
            (role, own)
        });
        let mut roles: Vec<(Role, Allowance)> = own.filter(|(_, own)| *own != everybody).collect();
        roles.sort_by_key(|(_, own)| Reverse((own.number, own.burst)));
        Self { everybody, roles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowance(number: u32, burst: u32) -> Allowance {
        Allowance::per_second(number, burst)
    }

    #[test]
    fn a_role_that_has_nothing_of_its_own_is_like_none() {
        let all = ByRole::new(
            allowance(10, 100),
            [(Role::Admin, 0, 0), (Role::Bot, 50, 0), (Role::Moderator, 9, 99)],
        );
        for held in [vec![], vec![Role::Admin], vec![Role::Moderator, Role::Auditor]] {
            let found = (all.role(&held), *all.of(&held));
            assert_eq!(found, (None, allowance(10, 100)));
        }
        let bot = (Some(Role::Bot), allowance(50, 100));
        assert_eq!((all.role(&[Role::Bot]), *all.of(&[Role::Bot])), bot);
        let named = all.map(|role, own| (role, own.number));
        assert_eq!(*named.of(&[Role::Admin, Role::Bot]), (Some(Role::Bot), 50));
    }

    #[test]
    fn of_several_roles_the_one_counts_that_has_most_in_the_long_run() {
        let (admin, bot) = ((Role::Admin, 20, 1000), (Role::Bot, 50, 200));
        let both = [Role::Admin, Role::Bot];
        for roles in [[admin, bot], [bot, admin]] {
            let all = ByRole::new(allowance(10, 100), roles);
            assert_eq!(*all.of(&both), allowance(50, 200));
            assert_eq!(*all.of(&[Role::Admin]), allowance(20, 1000));
        }
        let all = ByRole::new(allowance(10, 100), [admin, (Role::Bot, 20, 2000)]);
        assert_eq!(*all.of(&both), allowance(20, 2000));
    }

    #[test]
    fn what_earns_one_is_known_of_any_number() {
        assert_eq!(allowance(200, 1).period(), Duration::from_millis(5));
        assert_eq!(Allowance::per_minute(0, 1).period(), Duration::from_mins(1));
    }

    proptest! {
        #[test]
        fn no_role_takes_anything_away(
            everybody in (1_u32..1000, 1_u32..1000),
            roles in proptest::collection::vec((0_usize..Role::ALL.len(), 0_u32..2000, 0_u32..2000), 0..4),
            held in proptest::collection::vec(0_usize..Role::ALL.len(), 0..4),
        ) {
            let everybody = allowance(everybody.0, everybody.1);
            let roles = roles.into_iter().map(|(role, number, burst)| (Role::ALL[role], number, burst));
            let all = ByRole::new(everybody, roles);
            let held: Vec<Role> = held.into_iter().map(|role| Role::ALL[role]).collect();
            let own = *all.of(&held);
            prop_assert!(own.number >= everybody.number && own.burst >= everybody.burst);
            prop_assert!(held.iter().all(|role| all.of(&[*role]).number <= own.number));
            prop_assert_eq!(all.role(&held).is_none(), own == everybody);
        }
    }
}
