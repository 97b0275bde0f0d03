//! Who is on this node: what their devices say, and what is to be published of it. Pure; the time is passed in.
//!
//! Whoever goes stays for a grace, so that nobody flickers who comes back to this node or another.

use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::UserId;
use tidings_domain::presence::{Shown, Status};
use tokio::time::Instant;
use uuid::Uuid;

/// Devices that went lately and still count, of a user. The oldest goes first.
const LINGERING_MAX: usize = 4;

/// A connection, as other services are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub connection: u64,
    /// What its welcome named it.
    pub session: Uuid,
    pub device: Arc<str>,
    pub since: DateTime<Utc>,
    pub status: Status,
}

impl Device {
    /// What a connection says before its client has said anything.
    pub const BEGINS: Status = Status::Online;
}

/// What is to be published of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) user: UserId,
    /// As it was published before.
    pub(super) was: Shown,
    pub(super) shown: Shown,
    pub(super) devices: Vec<Device>,
}

/// The users of this node.
pub(super) struct Here {
    grace: Duration,
    people: HashMap<UserId, Own>,
    /// Of whom something may have changed.
    stirred: HashSet<UserId>,
    /// Whose grace ends, and when.
    due: BTreeSet<(Instant, UserId)>,
}

#[derive(Default)]
struct Own {
    devices: Vec<Device>,
    lingering: Vec<Lingering>,
    published: Shown,
}

struct Lingering {
    until: Instant,
    device: Arc<str>,
    status: Status,
}

impl Own {
    fn shown(&self) -> Shown {
        let present = self.devices.iter().map(|device| device.status);
        Shown::of(present.chain(self.lingering.iter().map(|gone| gone.status)))
    }
}

impl Here {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            people: HashMap::new(),
            stirred: HashSet::new(),
            due: BTreeSet::new(),
        }
    }

    pub(super) fn arrive(&mut self, user: UserId, device: Device) {
        let own = self.people.entry(user).or_default();
        // Most users have one device, and a vector makes room for four unless told.
        if own.devices.is_empty() {
            own.devices.reserve_exact(1);
        }
        own.devices.push(device);
        self.stirred.insert(user);
    }

    pub(super) fn depart(&mut self, user: UserId, connection: u64, now: Instant) {
        let Some(own) = self.people.get_mut(&user) else {
            return;
        };
        let Some(index) = own
            .devices
            .iter()
            .position(|device| device.connection == connection)
        else {
            return;
        };
        let gone = own.devices.swap_remove(index);
        let until = now + self.grace;
        if own.lingering.len() >= LINGERING_MAX {
            own.lingering.remove(0);
        }
        own.lingering.push(Lingering {
            until,
            device: gone.device,
            status: gone.status,
        });
        self.due.insert((until, user));
        self.stirred.insert(user);
    }

    /// What a device says counts at once, and instead of what it said before it went.
    pub(super) fn say(&mut self, user: UserId, connection: u64, status: Status) {
        let Some(own) = self.people.get_mut(&user) else {
            return;
        };
        let Some(device) = own
            .devices
            .iter_mut()
            .find(|device| device.connection == connection)
        else {
            return;
        };
        let before = std::mem::replace(&mut device.status, status);
        let device = Arc::clone(&device.device);
        let lingering = own.lingering.len();
        own.lingering.retain(|gone| gone.device != device);
        if before != status || own.lingering.len() != lingering {
            self.stirred.insert(user);
        }
    }

    /// When there is next something to do by itself.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes what is to be published by now, of at most `most` users.
    pub(super) fn take(&mut self, now: Instant, most: usize) -> Vec<Change> {
        while let Some((until, user)) = self.due.first().copied().filter(|(until, _)| *until <= now) {
            self.due.remove(&(until, user));
            if let Some(own) = self.people.get_mut(&user) {
                own.lingering.retain(|gone| gone.until > now);
            }
            self.stirred.insert(user);
        }
        let users: Vec<UserId> = self.stirred.iter().copied().take(most).collect();
        let mut changes = Vec::with_capacity(users.len());
        for user in users {
            self.stirred.remove(&user);
            changes.extend(self.publish(user));
        }
        if self.stirred.is_empty() {
            // After a storm it keeps no room.
            self.stirred.shrink_to(most);
        }
        changes
    }

    /// Takes everybody, as if nothing had been published.
    pub(super) fn all(&mut self) -> Vec<Change> {
        let users: Vec<UserId> = self.people.keys().copied().collect();
        self.stirred.clear();
        users
            .into_iter()
            .filter_map(|user| self.publish(user))
            .filter(|change| change.shown != Shown::Offline)
            .collect()
    }

    fn publish(&mut self, user: UserId) -> Option<Change> {
        let own = self.people.get_mut(&user)?;
        let shown = own.shown();
        let change = Change {
            user,
            was: std::mem::replace(&mut own.published, shown),
            shown,
            devices: own.devices.clone(),
        };
        if own.devices.is_empty() && own.lingering.is_empty() {
            self.people.remove(&user);
        }
        Some(change)
    }

    /// How many users are published as there and not hidden.
    #[cfg(test)]
    fn count(&self) -> usize {
        let there = self.people.values().filter(|own| own.published.is_there());
        there.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn user(number: u64) -> UserId {
        UserId(Uuid::from_u128(number.into()))
    }

    fn device(connection: u64) -> Device {
        Device {
            connection,
            session: Uuid::nil(),
            device: format!("{connection}").into(),
            since: DateTime::UNIX_EPOCH,
            status: Status::Online,
        }
    }

    fn shown(changes: &[Change]) -> Vec<(Shown, Shown)> {
        let moved = changes.iter().filter(|change| change.was != change.shown);
        moved.map(|change| (change.was, change.shown)).collect()
    }

    #[test]
    fn a_return_within_the_grace_says_nothing_and_a_later_one_does() {
        let (mut here, start) = (Here::new(GRACE), Instant::now());
        here.arrive(user(1), device(1));
        assert_eq!(shown(&here.take(start, 10)), [(Shown::Offline, Shown::Online)]);
        here.depart(user(1), 1, start);
        assert_eq!(shown(&here.take(start + GRACE / 2, 10)), []);
        here.arrive(user(1), device(2));
        assert_eq!(shown(&here.take(start + 2 * GRACE, 10)), []);
        here.depart(user(1), 2, start + 2 * GRACE);
        assert_eq!(here.due_at(), Some(start + 3 * GRACE));
        let gone = here.take(start + 3 * GRACE, 10);
        assert_eq!(shown(&gone), [(Shown::Online, Shown::Offline)]);
        assert!(here.people.is_empty() && here.due_at().is_none());
    }

    #[test]
    fn who_becomes_invisible_is_gone_at_once_and_stays_so_over_a_reload() {
        let (mut here, start) = (Here::new(GRACE), Instant::now());
        here.arrive(user(1), device(1));
        here.take(start, 10);
        here.say(user(1), 1, Status::Invisible);
        assert_eq!(shown(&here.take(start, 10)), [(Shown::Online, Shown::Hidden)]);
        here.depart(user(1), 1, start);
        here.arrive(user(1), device(2));
        assert_eq!(shown(&here.take(start, 10)), []);
        here.say(user(1), 2, Status::Invisible);
        assert_eq!(shown(&here.take(start + 2 * GRACE, 10)), []);
    }

    #[test]
    fn what_is_said_again_and_is_as_before_is_not_published() {
        let (mut here, start) = (Here::new(GRACE), Instant::now());
        here.arrive(user(1), device(1));
        here.say(user(1), 1, Status::Away);
        assert_eq!(here.take(start, 10).len(), 1);
        here.say(user(1), 1, Status::Away);
        assert!(here.take(start, 10).is_empty());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arrive(u64),
        /// The oldest connection.
        Depart(u64),
        Say(u64, Status),
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let status = prop_oneof![
            Just(Status::Online),
            Just(Status::Away),
            Just(Status::Dnd),
            Just(Status::Invisible)
        ];
        let step = prop_oneof![
            (0..3_u64).prop_map(Step::Arrive),
            (0..3_u64).prop_map(Step::Depart),
            (0..3_u64, status).prop_map(|(user, status)| Step::Say(user, status)),
            (1..15_u64).prop_map(Step::Wait),
        ];
        vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn what_was_published_is_what_devices_say_and_those_that_went_within_the_grace(steps in steps()) {
            let (mut here, mut now) = (Here::new(GRACE), Instant::now());
            let mut published: HashMap<UserId, Shown> = HashMap::new();
            // Devices in the order in which they came, and until when those that went count.
            let mut devices: Vec<(UserId, u64, Status, Option<Instant>)> = vec![];
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Arrive(number) => {
                        next += 1;
                        here.arrive(user(number), device(next));
                        devices.push((user(number), next, Status::Online, None));
                    }
                    Step::Depart(number) => {
                        let there = |device: &&mut (UserId, u64, _, Option<Instant>)| device.0 == user(number) && device.3.is_none();
                        if let Some(found) = devices.iter_mut().find(there) {
                            here.depart(user(number), found.1, now);
                            found.3 = Some(now + GRACE);
                        }
                    }
                    Step::Say(number, status) => {
                        let there = |device: &&mut (UserId, u64, _, Option<Instant>)| device.0 == user(number) && device.3.is_none();
                        if let Some(found) = devices.iter_mut().find(there) {
                            here.say(user(number), found.1, status);
                            found.2 = status;
                        }
                    }
                    Step::Wait(seconds) => now += Duration::from_secs(seconds),
                }
                devices.retain(|device| device.3.is_none_or(|until| until > now));
                for change in here.take(now, 100) {
                    let before = published.insert(change.user, change.shown).unwrap_or_default();
                    prop_assert_eq!(before, change.was);
                }
                for number in 0..3 {
                    let of_user = devices.iter().filter(|device| device.0 == user(number));
                    let gone = of_user.clone().filter(|device| device.3.is_some()).count();
                    // Only so many that went are remembered.
                    if gone <= LINGERING_MAX {
                        let expected = Shown::of(of_user.map(|device| device.2));
                        prop_assert_eq!(published.get(&user(number)).copied().unwrap_or_default(), expected);
                    }
                }
                let there = published.values().filter(|shown| shown.is_there()).count();
                prop_assert_eq!(here.count(), there);
            }
        }
    }
}
