//! The plan of a catch-up: what a client is sent of that which it missed, and what it is told instead.

use super::gaps::Gap;
use super::lookups::Range;
use crate::planted;
use tidings_domain::Cursor;
use tidings_eventlog::StreamHead;
use tidings_projections::{Membership, Stretch, Visible};
use uuid::Uuid;

/// What one conversation lacks.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub(super) conversation: Uuid,
    /// The last seq that the client has.
    pub(super) cursor: u64,
    /// The last seq that it may see now.
    pub(super) to: u64,
    /// The conversation's head; `None` for a former member.
    pub(super) head: Option<StreamHead>,
    /// The stored delivery cursor.
    pub(super) delivered: Cursor,
    /// The client itself says that it has everything up to the head.
    pub(super) claimed: bool,
    /// The client says that it has more than there is, for a former member up to their leaving: nothing can be said of what it has.
    pub(super) ahead: bool,
    pub(super) expired_from: Option<u64>,
    /// From where on a former member's device lacks what another one has had, or a device what its user does not see. It is not owed, but said.
    pub(super) settled_from: Option<u64>,
    /// Nothing is owed any more to a former member whose device lacks the leaving: it is shown that, and no way to the rest.
    pub(super) closed: bool,
    /// The joining by which the user is, or was, a member.
    pub(super) joined: u64,
    /// What the user sees, or saw while they were in.
    pub(super) visible: Visible,
}

impl Missing {
    /// `known` is the last seq that the client has; without it, the stored delivery cursor counts. A former member is owed
    /// what came after the stored cursor, up to and including the leave, and nothing else, unless they were here for it (`live`). Nobody is
    /// sent what they never saw.
    pub(super) fn of(membership: &Membership, head: StreamHead, known: Option<u64>, live: bool) -> Self {
        let left = membership.left_seq.is_some();
        let to = membership.left_seq.unwrap_or(head.seq).min(head.seq);
        let stored = if planted::is("late") && membership.delivered_seq.is_none() {
            membership.joined_seq
        } else {
            membership.sent()
        };
        let visible = membership.visible.clone();
        let floor = if left && !live { stored } else { 0 };
        let cursor = known.unwrap_or(stored).max(floor);
        let cursor = (visible.first_from(cursor + 1) - 1).min(to);
        let closed = left && cursor == to && known.is_some_and(|known| known < to);
        let cursor = cursor - u64::from(closed);
        Self {
            conversation: membership.conversation,
            cursor,
            to,
            head: (!left).then_some(head),
            delivered: Cursor {
                seq: membership.delivered_seq.unwrap_or(0),
                msg_no: membership.delivered_msg_no,
            },
            claimed: false,
            ahead: known.is_some_and(|known| known > to),
            expired_from: membership
                .expired_from
                .map(|from| visible.first_from(from))
                .filter(|from| known.is_none() && *from <= cursor),
            settled_from: known
                .filter(|known| *known < cursor && cursor < to)
                .map(|known| known + 1),
            closed,
            joined: membership.joined_seq,
            visible,
        }
    }

    /// Of which event on the newest `events` of those are that the user sees, and how many these are.
    fn newest(&self, events: u64) -> (u64, u64) {
        let stretches = self.visible.stretches(self.cursor + 1, self.to);
        let seen: Vec<Stretch> = stretches.filter(|stretch| stretch.seen).collect();
        let (mut first, mut count) = (self.to + 1, 0);
        for Stretch {
            first: begin, last, ..
        } in seen.into_iter().rev()
        {
            if count == events {
                break;
            }
            let some = (last + 1 - begin).min(events - count);
            (first, count) = (last + 1 - some, count + some);
        }
        (first, count)
    }

    /// What is said of the events `from` to `to` where they are not sent: what the user sees of them and what they do not are told apart.
    fn said(&self, from: u64, to: u64) -> impl Iterator<Item = Range> {
        let stretches = self.visible.stretches(from, to);
        stretches.map(move |stretch| (self.conversation, stretch.first, stretch.last))
    }
}

/// What is sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) ranges: Vec<Range>,
    /// Behind those, in this order: what is left out of a conversation because its user does not see it, and what follows on it.
    pub(super) later: Vec<(Range, Range)>,
}

impl Sending {
    /// Adds the events of a conversation from `from` on, which its user sees.
    fn add(&mut self, lack: &Missing, from: u64) {
        let mut left_out = None;
        for Stretch { first, last, seen } in lack.visible.stretches(from, lack.to) {
            let range = (lack.conversation, first, last);
            match left_out.take() {
                _ if !seen => left_out = Some(range),
                None => self.ranges.push(range),
                Some(before) => self.later.push((before, range)),
            }
        }
    }
}

/// What a first catch-up does, in this order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Gaps that can be fetched, by conversation.
    pub(super) gaps: Vec<(Uuid, Gap)>,
    /// A former member is owed what is left out.
    pub(super) owing: bool,
    /// What is said to be left out.
    pub(super) left_out: Vec<Range>,
    pub(super) sending: Sending,
}

/// Plans for what is missing, newest activity first: of each conversation its newest `events`, of all together `total`.
/// A conversation that does not fit into what is left of these is told as a gap, and those behind it have their chance.
pub(super) fn plan(missing: &[Missing], events: u64, total: u64) -> Plan {
    let mut plan = Plan::default();
    let mut budget = total;
    for lack in missing {
        let (conversation, left) = (lack.conversation, lack.head.is_none());
        if let Some(from) = lack.expired_from.or(lack.settled_from) {
            plan.left_out.extend(lack.said(from, lack.cursor));
        }
        let (from, wanted) = match lack.newest(events) {
            (_, wanted) if wanted > budget => (lack.to + 1, 0),
            newest => newest,
        };
        budget -= wanted;
        if from > lack.cursor + 1 {
            plan.left_out.extend(lack.said(lack.cursor + 1, from - 1));
            plan.owing |= left && !lack.closed;
        }
        // What another device of somebody who has left has had can be fetched, but not what is older than the membership.
        let settled = lack.settled_from;
        let settled = settled.map(|from| from.max(lack.joined).min(lack.cursor + 1));
        let first = lack.expired_from.or(settled).unwrap_or(lack.cursor + 1);
        let first = lack.visible.first_from(first);
        if first < from && !lack.closed {
            let visible = lack.visible.clone();
            let gap = Gap::new(first, lack.cursor + 1, from - 1, visible, left);
            plan.gaps.push((conversation, gap));
        }
        plan.sending.add(lack, from);
    }
    plan
}

/// All that is missing, for a connection that has been told what it may miss and takes the rest at its own pace.
pub(super) fn everything(missing: &[Missing]) -> Sending {
    let mut sending = Sending::default();
    for lack in missing {
        sending.add(lack, lack.cursor + 1);
    }
    sending
}

#[cfg(test)]
mod tests {
    use super::super::gaps::Gaps;
    use super::super::proof::Answered;
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tidings_domain::History;
    use tidings_projections::{Newcomers, Stay};

    fn head(seq: u64) -> StreamHead {
        StreamHead {
            stream: Uuid::nil(),
            seq,
            msg_no: seq,
            guard: 1,
            last_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn member(number: u128) -> Membership {
        Membership {
            conversation: Uuid::from_u128(number),
            joined_seq: 1,
            begun_seq: None,
            left_seq: None,
            visible: Visible::since(1),
            newcomers: Newcomers::default(),
            folded_seq: 1,
            parked: false,
            delivered_seq: None,
            delivered_msg_no: 0,
            expired_from: None,
        }
    }

    #[test]
    fn what_does_not_fit_is_said_and_what_fits_behind_it_is_sent() {
        let lack = |number, known, reach| Missing::of(&member(number), head(reach), Some(known), false);
        let plan = plan(&[lack(1, 0, 9), lack(2, 10, 14), lack(3, 0, 2)], 5, 8);
        let of = |number: u128| Uuid::from_u128(number);
        assert_eq!(plan.sending.ranges, [(of(1), 5, 9), (of(3), 1, 2)]);
        assert_eq!(plan.left_out, [(of(1), 1, 4), (of(2), 11, 14)]);
        assert!(!plan.owing);
        let gap = |from, to| Gap::new(from, from, to, Visible::since(1), false);
        assert_eq!(plan.gaps, [(of(1), gap(1, 4)), (of(2), gap(11, 14))]);
    }

    #[test]
    fn what_just_fits_is_sent() {
        let lack = |number, known, reach| Missing::of(&member(number), head(reach), Some(known), false);
        let missing = [lack(1, 0, 5), lack(2, 5, 5), lack(3, 0, 2)];
        let plan = plan(&missing, 5, 7);
        let of = |number: u128| Uuid::from_u128(number);
        assert_eq!(plan.sending.ranges, [(of(1), 1, 5), (of(3), 1, 2)]);
        assert!(plan.left_out.is_empty() && plan.gaps.is_empty());
        assert_eq!(everything(&missing), plan.sending);
    }

    #[test]
    fn without_a_cursor_of_the_client_what_was_delivered_counts_or_else_the_joining() {
        let joined = Membership {
            joined_seq: 5,
            ..member(1)
        };
        let lack = Missing::of(&joined, head(9), None, false);
        assert_eq!((lack.cursor, lack.to, lack.joined, lack.ahead), (4, 9, 5, false));
        assert_eq!(
            (lack.delivered, lack.head),
            (Cursor { seq: 0, msg_no: 0 }, Some(head(9)))
        );
        let delivered = Membership {
            delivered_seq: Some(7),
            delivered_msg_no: 6,
            ..joined
        };
        let lack = Missing::of(&delivered, head(9), None, false);
        assert_eq!(
            (lack.cursor, lack.delivered.seq, lack.delivered.msg_no),
            (7, 7, 6)
        );
        assert_eq!(Missing::of(&delivered, head(9), Some(2), false).cursor, 2);
        // Who was in before, and has been sent nothing of that either.
        let again = Membership {
            begun_seq: Some(0),
            delivered_seq: None,
            ..delivered.clone()
        };
        assert_eq!(Missing::of(&again, head(9), None, false).cursor, 0);
        // What is said to be had and is not there yet.
        let lack = Missing::of(&delivered, head(9), Some(10), false);
        assert_eq!(
            (lack.cursor, lack.to, lack.ahead, lack.closed),
            (9, 9, true, false)
        );
        assert!(!Missing::of(&delivered, head(9), Some(9), false).ahead);
    }

    #[test]
    fn what_has_lapsed_is_said_to_a_device_without_a_cursor_and_can_be_fetched() {
        let lapsed = Membership {
            delivered_seq: Some(10),
            expired_from: Some(4),
            ..member(1)
        };
        let of = |known| Missing::of(&lapsed, head(12), known, false);
        let sent = plan(&[of(None)], 5, 100);
        assert_eq!(sent.left_out, [(lapsed.conversation, 4, 10)]);
        assert_eq!(sent.sending.ranges, [(lapsed.conversation, 11, 12)]);
        assert_eq!(
            sent.gaps,
            [(lapsed.conversation, Gap::new(4, 11, 10, Visible::since(1), false))]
        );
        // None of it fits: what lapsed and what is left out are one gap, of which the latter is owed.
        let cut = plan(&[of(None)], 5, 1);
        assert_eq!(
            cut.left_out,
            [(lapsed.conversation, 4, 10), (lapsed.conversation, 11, 12)]
        );
        assert_eq!(
            cut.gaps,
            [(lapsed.conversation, Gap::new(4, 11, 12, Visible::since(1), false))]
        );
        assert_eq!(of(Some(6)).expired_from, None);
        let later = Membership {
            expired_from: Some(11),
            ..lapsed.clone()
        };
        assert_eq!(Missing::of(&later, head(12), None, false).expired_from, None);
    }

    #[test]
    fn what_another_device_of_a_former_member_has_had_is_said_and_can_be_fetched_from_the_joining_on() {
        let former = |joined_seq| Membership {
            joined_seq,
            left_seq: Some(12),
            delivered_seq: Some(8),
            ..member(1)
        };
        for (joined, first) in [(3, 7), (8, 8)] {
            let former = former(joined);
            let lack = Missing::of(&former, head(40), Some(6), false);
            assert_eq!((lack.cursor, lack.settled_from, lack.closed), (8, Some(7), false));
            let sent = plan(&[lack], 5, 100);
            assert_eq!(sent.left_out, [(former.conversation, 7, 8)]);
            assert_eq!(sent.sending.ranges, [(former.conversation, 9, 12)]);
            assert_eq!(
                sent.gaps,
                [(
                    former.conversation,
                    Gap::new(first, 9, 8, Visible::since(1), true)
                )]
            );
            assert!(!sent.owing);
        }
        // Who was here when they left gets all of it, and nobody more than there is.
        let here = Missing::of(&former(3), head(40), Some(6), true);
        assert_eq!((here.cursor, here.settled_from), (6, None));
        assert_eq!(Missing::of(&former(3), head(11), Some(6), true).to, 11);
        assert_eq!(
            Missing::of(&former(3), head(40), Some(9), false).settled_from,
            None
        );
    }

    #[test]
    fn a_former_member_who_has_had_all_is_shown_the_leave_and_no_way_to_the_rest() {
        let had = Membership {
            joined_seq: 3,
            left_seq: Some(12),
            delivered_seq: Some(12),
            ..member(1)
        };
        let lack = Missing::of(&had, head(40), Some(6), false);
        assert_eq!((lack.cursor, lack.settled_from, lack.closed), (11, Some(7), true));
        let sent = plan(std::slice::from_ref(&lack), 3, 100);
        assert_eq!(sent.left_out, [(had.conversation, 7, 11)]);
        assert_eq!(sent.sending.ranges, [(had.conversation, 12, 12)]);
        assert!(sent.gaps.is_empty() && !sent.owing);
        let cut = plan(&[lack], 3, 0);
        assert!(cut.gaps.is_empty() && !cut.owing && cut.sending.ranges.is_empty());
        let itself = Missing::of(&had, head(40), Some(12), false);
        assert_eq!((itself.cursor, itself.closed, itself.ahead), (12, false, false));
        // What was said since is none of theirs, not even how much that is.
        for known in [13, 39, 40, 41] {
            let beyond = Missing::of(&had, head(40), Some(known), false);
            assert_eq!((beyond.to, beyond.closed, beyond.ahead), (12, false, true));
            assert_eq!(plan(&[beyond], 3, 100).sending, Sending::default());
        }
    }

    #[test]
    fn what_a_member_does_not_see_is_said_and_neither_sent_nor_fetched() {
        // They were in before, and came back by the eighth event.
        let back = Membership {
            joined_seq: 8,
            begun_seq: Some(0),
            visible: Visible::since(8),
            delivered_seq: Some(7),
            ..member(1)
        };
        for known in [0, 3] {
            let lack = Missing::of(&back, head(12), Some(known), false);
            assert_eq!((lack.cursor, lack.settled_from), (7, Some(known + 1)));
            assert!(!lack.closed && !lack.ahead);
            let sent = plan(std::slice::from_ref(&lack), 10, 100);
            assert_eq!(sent.left_out, [(back.conversation, known + 1, 7)]);
            assert_eq!(sent.sending.ranges, [(back.conversation, 8, 12)]);
            assert!(sent.gaps.is_empty() && !sent.owing);
            assert_eq!(everything(std::slice::from_ref(&lack)), sent.sending);
            // What does not fit can be fetched, and no more than that.
            let cut = plan(&[lack], 2, 100);
            let gap = Gap::new(8, 8, 10, Visible::since(8), false);
            assert_eq!(cut.gaps, [(back.conversation, gap)]);
            assert_eq!(cut.sending.ranges, [(back.conversation, 11, 12)]);
        }
        // Nothing is said to a device that has come as far, nor to one of which nothing is known.
        for known in [None, Some(7), Some(9)] {
            let lack = Missing::of(&back, head(12), known, false);
            assert_eq!((lack.cursor, lack.settled_from), (known.unwrap_or(7), None));
        }
        // The same of somebody who has left again, and of a connection that was there all the time.
        let gone = Membership {
            left_seq: Some(10),
            ..back.clone()
        };
        for live in [false, true] {
            let lack = Missing::of(&gone, head(12), Some(2), live);
            assert_eq!((lack.cursor, lack.to, lack.closed), (7, 10, false));
        }
        // The log has gone back behind the joining.
        let lack = Missing::of(&back, head(5), Some(2), false);
        assert_eq!(everything(&[lack]), Sending::default());
    }

    #[test]
    fn what_an_earlier_membership_showed_is_sent_and_what_was_never_seen_is_said_between() {
        // They were in from the third event to the tenth, and came back by the fifteenth.
        let visible = Visible::since(15).with([Stay { from: 3, to: 10 }]);
        let back = Membership {
            joined_seq: 15,
            begun_seq: Some(2),
            visible: visible.clone(),
            ..member(1)
        };
        let of = |known| Missing::of(&back, head(18), known, false);
        let range = |from: u64, to: u64| -> Range { (back.conversation, from, to) };
        let behind = [(range(11, 14), range(15, 18))];
        let whole = plan(&[of(None)], 100, 100);
        assert!(whole.left_out.is_empty() && whole.gaps.is_empty());
        assert_eq!(whole.sending.ranges, [range(3, 10)]);
        assert_eq!(whole.sending.later, behind);
        assert_eq!(everything(&[of(None)]), whole.sending);
        // A device that has some of it goes on there, and one that was told of the leaving begins with what its user never saw.
        let some = plan(&[of(Some(8))], 100, 100).sending;
        assert_eq!(
            (&some.ranges[..], &some.later[..]),
            (&[range(9, 10)][..], &behind[..])
        );
        let rest = plan(&[of(Some(12))], 100, 100);
        assert_eq!(rest.left_out, [range(13, 14)]);
        assert_eq!(
            (&rest.sending.ranges[..], rest.sending.later.len()),
            (&[range(15, 18)][..], 0)
        );
        // Of what does not fit, what can be fetched and what cannot are told apart.
        for (events, left_out, ranges, later) in [
            (6, vec![range(3, 8)], vec![range(9, 10)], &behind[..]),
            (
                4,
                vec![range(3, 10), range(11, 14)],
                vec![range(15, 18)],
                &behind[..0],
            ),
            (
                2,
                vec![range(3, 10), range(11, 14), range(15, 16)],
                vec![range(17, 18)],
                &behind[..0],
            ),
        ] {
            let cut = plan(&[of(None)], events, 100);
            assert_eq!(cut.left_out, left_out);
            assert_eq!((&cut.sending.ranges, &cut.sending.later[..]), (&ranges, later));
            let to = left_out.last().map_or(0, |(.., to)| *to);
            let gap = Gap::new(3, 3, to, visible.clone(), false);
            assert_eq!(cut.gaps, [(back.conversation, gap)]);
        }
        // The same of somebody who has left again, of whom another device has had the events up to the eighth.
        let gone = Membership {
            left_seq: Some(18),
            delivered_seq: Some(8),
            ..back.clone()
        };
        let cut = plan(&[Missing::of(&gone, head(30), Some(5), false)], 2, 100);
        assert_eq!(
            cut.left_out,
            [range(6, 8), range(9, 10), range(11, 14), range(15, 16)]
        );
        let gap = Gap::new(9, 9, 16, visible.clone(), true);
        assert!(cut.owing && cut.gaps == [(back.conversation, gap)]);
        // And where all of it has expired.
        let lapsed = |from| Membership {
            delivered_seq: Some(14),
            expired_from: Some(from),
            ..back.clone()
        };
        let told = plan(&[Missing::of(&lapsed(6), head(18), None, false)], 100, 100);
        assert_eq!(told.left_out, [range(6, 10), range(11, 14)]);
        let gap = Gap::new(6, 15, 14, visible, false);
        assert_eq!(told.gaps, [(back.conversation, gap)]);
        assert_eq!(Missing::of(&lapsed(12), head(18), None, false).expired_from, None);
    }

    #[test]
    fn a_former_member_is_owed_what_came_up_to_the_leave_and_nothing_else() {
        let former = Membership {
            joined_seq: 3,
            left_seq: Some(12),
            delivered_seq: Some(4),
            ..member(1)
        };
        let lack = Missing::of(&former, head(40), None, false);
        assert_eq!((lack.cursor, lack.to, lack.head), (4, 12, None));
        let sent = plan(std::slice::from_ref(&lack), 3, 100);
        assert_eq!(sent.sending.ranges, [(former.conversation, 10, 12)]);
        assert_eq!(sent.left_out, [(former.conversation, 5, 9)]);
        assert!(sent.owing && sent.gaps.len() == 1);
        // Another device has had it all: this one is shown the leave.
        let had = Membership {
            delivered_seq: Some(12),
            ..former
        };
        let lack = Missing::of(&had, head(40), Some(6), false);
        assert!(
            lack.closed
                && plan(std::slice::from_ref(&lack), 3, 100).sending.ranges == [(had.conversation, 12, 12)]
        );
    }

    /// What happens in a group, and to somebody who comes and goes.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Comes,
        Goes,
        /// Newcomers see all from now on, or no more.
        Turns,
        Says,
        /// A device has everything that it may have.
        Proves,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Comes),
            3 => Just(Step::Goes),
            2 => Just(Step::Turns),
            5 => Just(Step::Says),
            1 => Just(Step::Proves),
        ]
    }

    /// A group, and somebody in it.
    struct Life {
        membership: Membership,
        /// What newcomers see behind each event, and before the first.
        histories: Vec<History>,
        /// The joining and the leaving of each membership.
        stays: Vec<(u64, u64)>,
        proved: u64,
    }

    impl Life {
        fn of(steps: Vec<Step>) -> Self {
            let nobody = Membership {
                joined_seq: 0,
                left_seq: Some(0),
                visible: Visible::since(u64::MAX),
                ..member(1)
            };
            let mut life = Self {
                membership: nobody,
                histories: vec![History::Shared; 2],
                stays: vec![],
                proved: 0,
            };
            for step in steps {
                life.take(step);
            }
            life
        }

        fn take(&mut self, step: Step) {
            let seq = self.histories.len() as u64;
            let history = self.histories[self.histories.len() - 1];
            let is_in = self.is_in();
            match step {
                Step::Comes if !is_in => {
                    self.membership.join(seq, 0);
                    self.stays.push((seq, u64::MAX));
                    self.histories.push(history);
                }
                Step::Goes if is_in => {
                    self.membership.leave(seq);
                    if let Some(stay) = self.stays.last_mut() {
                        stay.1 = seq;
                    }
                    self.histories.push(history);
                }
                Step::Turns => {
                    let turned = match history {
                        History::Shared => History::Joined,
                        History::Joined => History::Shared,
                    };
                    self.membership.turn(turned, seq, 0);
                    self.histories.push(turned);
                }
                Step::Says => self.histories.push(history),
                Step::Proves => {
                    self.proved = self.last();
                    if !self.stays.is_empty() {
                        self.membership.delivered_seq = Some(self.proved);
                    }
                }
                Step::Comes | Step::Goes => {}
            }
        }

        fn head(&self) -> u64 {
            self.histories.len() as u64 - 1
        }

        fn is_in(&self) -> bool {
            self.stays.last().is_some_and(|stay| stay.1 == u64::MAX)
        }

        /// The last event that they may have.
        fn last(&self) -> u64 {
            self.stays.last().map_or(0, |stay| stay.1.min(self.head()))
        }

        fn was_in(&self, seq: u64) -> bool {
            self.stays
                .iter()
                .any(|(joined, left)| (*joined..=*left).contains(&seq))
        }

        /// Whether they were in, or came in when all since had been shared.
        fn saw(&self, seq: u64) -> bool {
            let shared = |joined: u64| {
                let mut since = self.histories[seq as usize - 1..=joined as usize].iter();
                since.all(|history| *history == History::Shared)
            };
            self.was_in(seq)
                || self
                    .stays
                    .iter()
                    .any(|(joined, _)| seq < *joined && shared(*joined))
        }
    }

    proptest! {
        /// Whoever comes and goes is sent, or can fetch, what they were in for and have not had, and nothing that they never saw.
        #[test]
        fn however_often_somebody_comes_and_goes_they_have_what_they_saw_and_nothing_else(
            steps in vec(step(), 1..60),
            known in prop::option::of(0_u64..60),
            events in 1_u64..20,
            total in 0_u64..40,
        ) {
            let life = Life::of(steps);
            prop_assume!(!life.stays.is_empty());
            let known = known.map(|known| known.min(life.head()));
            let (of, last) = (life.membership.conversation, life.last());
            let lack = Missing::of(&life.membership, head(life.head()), known, false);
            let Plan { gaps, left_out, sending, .. } = plan(std::slice::from_ref(&lack), events, total);

            // In this order, without a hole.
            let later = sending.later.iter().flat_map(|(left_out, range)| [(*left_out, false), (*range, true)]);
            let said = left_out.iter().map(|range| (*range, false));
            let ranges = sending.ranges.iter().map(|range| (*range, true));
            let told: Vec<(Range, bool)> = said.chain(ranges).chain(later).collect();
            let begin = known.map_or(lack.cursor, |known| known.min(last));
            let mut next = begin + 1;
            for ((_, from, to), _) in &told {
                prop_assert_eq!(*from, next);
                next = to + 1;
            }
            prop_assert_eq!(next, last + 1);

            let is_sent = |seq: u64| told.iter().any(|((_, from, to), sent)| *sent && (*from..=*to).contains(&seq));
            let fetchable = Gaps::default();
            for (conversation, gap) in gaps {
                fetchable.tell(conversation, gap);
            }
            let owed = fetchable.owed(of, 1, &Answered::default());
            let is_fetched = |seq: u64| {
                owed.as_ref().is_some_and(|owed| (owed.from..=owed.to).contains(&seq) && owed.visible.shows(seq, seq))
            };
            let sent = (1..=life.head()).filter(|seq| is_sent(*seq)).count() as u64;
            prop_assert!(sent <= events.min(total));
            for seq in 1..=life.head() {
                let comes = is_sent(seq) || is_fetched(seq);
                prop_assert!(!comes || life.saw(seq), "{} was never seen", seq);
                let is_owed = match known {
                    Some(known) if life.is_in() => seq > known && life.saw(seq),
                    _ => seq <= last && seq > life.proved.max(known.unwrap_or(0)) && life.was_in(seq),
                };
                prop_assert!(comes || !is_owed, "{} is owed", seq);
            }

            // Whoever was there all the time and takes it at their own pace has all of it.
            let known = known.unwrap_or(0);
            let lack = Missing::of(&life.membership, head(life.head()), Some(known), true);
            let sending = everything(&[lack]);
            let later = sending.later.iter().map(|(_, range)| range);
            let sent: Vec<u64> = sending.ranges.iter().chain(later).flat_map(|(_, from, to)| *from..=*to).collect();
            let seen: Vec<u64> = (known + 1..=last).filter(|seq| life.saw(*seq)).collect();
            prop_assert_eq!(sent, seen);
        }

        #[test]
        fn everything_is_sent_or_said_once_and_in_order(
            lacks in vec((0_u64..40, 0_u64..40), 0..12),
            events in 1_u64..20,
            total in 0_u64..60,
        ) {
            let missing: Vec<Missing> = (1..)
                .zip(&lacks)
                .map(|(number, (known, more))| {
                    Missing::of(&member(number), head(known + more), Some(*known), false)
                })
                .collect();
            let plan = plan(&missing, events, total);
            let count = |ranges: &[Range]| ranges.iter().map(|(_, from, to)| to + 1 - from).sum::<u64>();
            prop_assert!(count(&plan.sending.ranges) <= total);
            for lack in &missing {
                let of = |range: &&Range| range.0 == lack.conversation;
                let sent: Vec<_> = plan.sending.ranges.iter().filter(of).copied().collect();
                let said: Vec<_> = plan.left_out.iter().filter(of).copied().collect();
                prop_assert!(sent.len() <= 1 && said.len() <= 1 && count(&sent) <= events);
                // First what is said, then what is sent, without a hole between.
                let mut next = lack.cursor + 1;
                for (_, from, to) in said.into_iter().chain(sent) {
                    prop_assert_eq!(from, next);
                    next = to + 1;
                }
                prop_assert_eq!(next, lack.to + 1);
            }
        }
    }
}
