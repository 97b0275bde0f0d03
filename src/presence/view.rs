//! Who is there on all nodes, as far as somebody here wants to know. Pure; the time is passed in.
//!
//! A user is there if a node says so whose lease has not run out. A lease that cannot be read holds until its end: what Redis has
//! forgotten, its node says again before that.

use std::collections::{BTreeMap, HashMap, HashSet};
use tidings_domain::UserId;
use tidings_domain::presence::Shown;
use tokio::time::Instant;
use uuid::Uuid;

/// What is known of all nodes.
#[derive(Default)]
pub(super) struct View {
    nodes: BTreeMap<Uuid, Lease>,
    people: HashMap<UserId, Person>,
    /// Those of whom something is new.
    changed: HashSet<UserId>,
}

/// Until when what a node said counts.
#[derive(Clone, Copy)]
struct Lease {
    ends: Instant,
    /// It was lengthened because it could not be read, which happens once.
    is_held: bool,
}

#[derive(Default)]
struct Person {
    /// Nodes where they are, and how.
    at: Vec<(Uuid, Shown)>,
    /// Whether all nodes were asked once.
    known: bool,
}

impl Person {
    fn shown(&self) -> Shown {
        let shown = self.at.iter().map(|(_, shown)| *shown).max();
        shown.unwrap_or_default().to_others()
    }

    fn set(&mut self, node: Uuid, shown: Shown) {
        self.at.retain(|(other, _)| *other != node);
        if shown != Shown::Offline {
            self.at.push((node, shown));
        }
    }
}

impl View {
    /// A node's lease was read. Returns whether the node is new here, so that it has to be asked about everybody.
    pub(super) fn lease(&mut self, node: Uuid, ends: Instant) -> bool {
        let mut lease = Lease { ends, is_held: false };
        // It may be from before the node could not be heard.
        if let Some(held) = self
            .nodes
            .get(&node)
            .filter(|held| held.is_held && held.ends > ends)
        {
            lease = *held;
        }
        self.nodes.insert(node, lease).is_none()
    }

    /// A node's lease has run out, which says nothing of one that could not be heard until just now.
    pub(super) fn ran_out(&mut self, node: Uuid, at: Instant) {
        if self.nodes.get(&node).is_some_and(|lease| !lease.is_held) {
            self.gone(node, at);
        }
    }

    /// A node has gone: what it said counts until then and no longer.
    pub(super) fn gone(&mut self, node: Uuid, until: Instant) {
        if let Some(lease) = self.nodes.get_mut(&node) {
            lease.ends = until.min(lease.ends);
        }
    }

    /// What nodes said counts until then at least, for they could not be heard. Of a node that is not heard after that either, it does no
    /// more.
    pub(super) fn hold(&mut self, until: Instant) {
        for lease in self.nodes.values_mut() {
            if !std::mem::replace(&mut lease.is_held, true) {
                lease.ends = until.max(lease.ends);
            }
        }
    }

    /// Ends leases. Only for a time at which leases were just read.
    pub(super) fn expire(&mut self, now: Instant) {
        let before = self.nodes.len();
        self.nodes.retain(|_, lease| lease.ends > now);
        if self.nodes.len() == before {
            return;
        }
        for (user, person) in &mut self.people {
            let was = person.shown();
            person.at.retain(|(node, _)| self.nodes.contains_key(node));
            if person.shown() != was {
                self.changed.insert(*user);
            }
        }
    }

    /// The nodes that are known.
    pub(super) fn nodes(&self) -> Vec<Uuid> {
        self.nodes.keys().copied().collect()
    }

    /// From now on it matters whether this user is there. Returns whether it did not before.
    pub(super) fn track(&mut self, user: UserId) -> bool {
        let mut is_new = false;
        self.people.entry(user).or_insert_with(|| {
            is_new = true;
            Person::default()
        });
        is_new
    }

    pub(super) fn forget(&mut self, user: UserId) {
        self.people.remove(&user);
        self.changed.remove(&user);
    }

    pub(super) fn everybody(&self) -> Vec<UserId> {
        self.people.keys().copied().collect()
    }

    /// A node said how one of its users is there.
    pub(super) fn said(&mut self, node: Uuid, user: UserId, shown: Shown) {
        if self.nodes.contains_key(&node) {
            self.put(user, [(node, shown)]);
        }
    }

    /// Nodes were asked about a user; those that are not among the answers keep what they said.
    pub(super) fn found(&mut self, user: UserId, answers: impl IntoIterator<Item = (Uuid, Shown)>) {
        self.put(user, answers);
        if let Some(person) = self.people.get_mut(&user) {
            person.known = true;
        }
    }

    fn put(&mut self, user: UserId, answers: impl IntoIterator<Item = (Uuid, Shown)>) {
        let Some(person) = self.people.get_mut(&user) else {
            return;
        };
        let was = person.shown();
        for (node, shown) in answers {
            person.set(node, shown);
        }
        if person.shown() != was {
            self.changed.insert(user);
        }
    }

    /// How others see a user; `None` while not all nodes were asked.
    pub(super) fn shown(&self, user: UserId) -> Option<Shown> {
        let person = self.people.get(&user).filter(|person| person.known)?;
        Some(person.shown())
    }

    /// Those who may be seen differently since this was last called.
    pub(super) fn take_changed(&mut self) -> Vec<UserId> {
        self.changed.drain().collect()
    }

    /// What nodes were known is worth nothing, for nobody has looked for a while.
    pub(super) fn forget_nodes(&mut self) {
        self.nodes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::time::Duration;

    const LEASE: Duration = Duration::from_secs(15);

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn node(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn seen(view: &mut View, now: Instant) -> Shown {
        view.lease(node(1), now + LEASE);
        view.track(user(1));
        view.found(user(1), [(node(1), Shown::Online)]);
        view.shown(user(1)).unwrap()
    }

    #[test]
    fn who_was_never_asked_about_is_not_known() {
        let (mut view, now) = (View::default(), Instant::now());
        view.track(user(1));
        assert_eq!(view.shown(user(1)), None);
        assert_eq!(seen(&mut view, now), Shown::Online);
        assert_eq!(view.shown(user(2)), None);
    }

    #[test]
    fn what_redis_forgot_holds_until_the_end_of_the_lease() {
        let (mut view, now) = (View::default(), Instant::now());
        seen(&mut view, now);
        view.take_changed();
        // After a FLUSHALL nothing is read of the node.
        view.found(user(1), []);
        view.expire(now + LEASE / 2);
        assert_eq!(view.shown(user(1)), Some(Shown::Online));
        assert!(view.take_changed().is_empty());
        view.expire(now + LEASE);
        assert_eq!(view.shown(user(1)), Some(Shown::Offline));
        assert_eq!(view.take_changed(), [user(1)]);
    }

    #[test]
    fn a_node_that_left_counts_for_the_grace_and_no_longer() {
        let (mut view, now) = (View::default(), Instant::now());
        seen(&mut view, now);
        view.gone(node(1), now + LEASE / 3);
        view.expire(now + LEASE / 4);
        assert_eq!(view.shown(user(1)), Some(Shown::Online));
        view.expire(now + LEASE / 3);
        assert_eq!(view.shown(user(1)), Some(Shown::Offline));
    }

    #[test]
    fn while_nothing_could_be_read_nobody_is_taken_for_gone() {
        let (mut view, now) = (View::default(), Instant::now());
        seen(&mut view, now);
        view.hold(now + 4 * LEASE);
        view.expire(now + 3 * LEASE);
        assert_eq!(view.shown(user(1)), Some(Shown::Online));
        // Once, and not for ever.
        view.hold(now + 8 * LEASE);
        view.expire(now + 5 * LEASE);
        assert_eq!(view.shown(user(1)), Some(Shown::Offline));
    }

    #[test]
    fn a_node_that_hides_somebody_hides_them_from_all() {
        let (mut view, now) = (View::default(), Instant::now());
        seen(&mut view, now);
        view.lease(node(2), now + LEASE);
        view.said(node(2), user(1), Shown::Hidden);
        assert_eq!(view.shown(user(1)), Some(Shown::Offline));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Lease(u128),
        Gone(u128),
        Said(u128, u128, Shown),
        /// Some seconds pass, and leases are read.
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let shown = prop_oneof![
            Just(Shown::Offline),
            Just(Shown::Away),
            Just(Shown::Dnd),
            Just(Shown::Online),
            Just(Shown::Hidden)
        ];
        let step = prop_oneof![
            (0..3_u128).prop_map(Step::Lease),
            (0..3_u128).prop_map(Step::Gone),
            (0..3_u128, 0..3_u128, shown).prop_map(|(node, user, shown)| Step::Said(node, user, shown)),
            (1..12_u64).prop_map(Step::Wait),
        ];
        vec(step, 0..80)
    }

    proptest! {
        #[test]
        fn whoever_is_there_is_so_by_the_best_word_of_a_node_that_lives(steps in steps()) {
            let (mut view, mut now) = (View::default(), Instant::now());
            let mut ends: HashMap<u128, Instant> = HashMap::new();
            let mut words: HashMap<(u128, u128), Shown> = HashMap::new();
            for number in 0..3 {
                view.track(user(number));
                view.found(user(number), []);
            }
            let mut told: HashMap<UserId, Shown> = HashMap::new();
            for step in steps {
                match step {
                    Step::Lease(number) => {
                        view.lease(node(number), now + LEASE);
                        ends.insert(number, now + LEASE);
                    }
                    Step::Gone(number) => {
                        view.gone(node(number), now);
                        ends.entry(number).and_modify(|end| *end = (*end).min(now));
                    }
                    Step::Said(number, of, shown) => {
                        view.said(node(number), user(of), shown);
                        if ends.contains_key(&number) {
                            words.insert((number, of), shown);
                        }
                    }
                    Step::Wait(seconds) => {
                        now += Duration::from_secs(seconds);
                    }
                }
                view.expire(now);
                ends.retain(|_, end| *end > now);
                words.retain(|(number, _), _| ends.contains_key(number));
                for changed in view.take_changed() {
                    told.insert(changed, view.shown(changed).unwrap());
                }
                for number in 0..3 {
                    let of_user = words.iter().filter(|((_, of), _)| *of == number);
                    let best = of_user.map(|(_, shown)| *shown).max().unwrap_or_default().to_others();
                    prop_assert_eq!(view.shown(user(number)), Some(best));
                    // Whoever is told of changes alone knows the same.
                    prop_assert_eq!(told.get(&user(number)).copied().unwrap_or_default(), best);
                }
            }
        }
    }
}
