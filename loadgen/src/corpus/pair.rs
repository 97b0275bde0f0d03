//! What two people are to one another, by what they want of each other: how that has to be answered, what each of them is told of it, and what
//! their lists show in the end. These are the rules of docs/protocol.md, said once more.

use std::collections::{BTreeMap, BTreeSet};

use tidings_protocol::{Action, ContactChanged, ContactRequested, ErrorCode, NoticeData};
use uuid::Uuid;

use super::shut::Refusal;

/// Who has taken back so many requests without an answer is not heard any more.
const TAKEN_BACK_MAX: u8 = 3;

/// What somebody wants of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To be contacts, perhaps with a word to it.
    Ask(Option<&'static str>),
    Accept,
    Decline,
    Withdraw,
    Remove,
}

impl Wish {
    /// The command for it.
    pub(crate) fn action(self, user: Uuid) -> Action {
        match self {
            Self::Ask(text) => Action::ContactRequest {
                user,
                text: text.map(str::to_owned),
            },
            Self::Accept => Action::ContactAccept { user },
            Self::Decline => Action::ContactDecline { user },
            Self::Withdraw => Action::ContactWithdraw { user },
            Self::Remove => Action::ContactRemove { user },
        }
    }
}

/// All who have had to do with each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    /// By the two, the lower id first.
    pairs: BTreeMap<(Uuid, Uuid), Pair>,
    /// By who was told, and of whom.
    told: BTreeMap<(Uuid, Uuid), Vec<NoticeData>>,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    contacts: bool,
    /// Of the lower id, and of the higher one.
    sides: [Side; 2],
}

/// What one of the two has done.
#[derive(Clone, Debug, Default)]
struct Side {
    asks: Option<Asked>,
    /// Less than a week ago, which is longer than a run.
    was_declined: bool,
    /// Requests that were heard and taken back.
    taken_back: u8,
    blocks: bool,
}

/// A request without an answer, as far as who asked knows.
#[derive(Clone, Copy, Debug)]
struct Asked {
    text: Option<&'static str>,
    /// Whether the other one knows of it.
    heard: bool,
}

/// What has become of two people.
#[derive(Clone, Copy, Debug)]
enum Change {
    Requested(Option<&'static str>),
    Accepted,
    Declined,
    Withdrawn,
    Removed,
}

/// What GraphQL shows somebody: others by id, and what goes with requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    pub(crate) contacts: BTreeMap<Uuid, Option<String>>,
    pub(crate) received: BTreeMap<Uuid, Option<String>>,
    pub(crate) sent: BTreeMap<Uuid, Option<String>>,
}

impl Pairs {
    /// A wish has its turn. Answers how it is refused, if it is.
    pub(crate) fn take(&mut self, by: Uuid, whom: Uuid, wish: Wish) -> Option<Refusal> {
        let Pair {
            contacts,
            sides: [low, high],
        } = self.pair(by, whom);
        let (mine, theirs) = if by < whom { (low, high) } else { (high, low) };
        let refused = |code| Some(Refusal::new(code, Some("user")));
        let change = match wish {
            Wish::Ask(_) if mine.blocks => return refused(ErrorCode::Forbidden),
            Wish::Ask(_) | Wish::Accept if *contacts => return None,
            // Requests that cross meet.
            Wish::Ask(_) if theirs.asks.is_some() => Change::Accepted,
            Wish::Ask(_) if mine.asks.is_some() => return None,
            Wish::Ask(text) => Change::Requested(text),
            Wish::Accept | Wish::Decline if !theirs.is_heard() => return refused(ErrorCode::NotFound),
            Wish::Accept if mine.blocks => return refused(ErrorCode::Forbidden),
            Wish::Accept => Change::Accepted,
            Wish::Decline => Change::Declined,
            Wish::Withdraw if mine.asks.is_none() => return refused(ErrorCode::NotFound),
            Wish::Withdraw => Change::Withdrawn,
            Wish::Remove if !*contacts => return None,
            Wish::Remove => Change::Removed,
        };
        let heard = match change {
            Change::Requested(_) => !mine.was_declined && mine.taken_back < TAKEN_BACK_MAX,
            Change::Accepted | Change::Removed => true,
            Change::Withdrawn => mine.is_heard(),
            Change::Declined => false,
        };
        let heard = heard && !theirs.blocks;
        match change {
            Change::Requested(text) => mine.asks = Some(Asked { text, heard }),
            Change::Accepted => {
                *contacts = true;
                for side in [mine, theirs] {
                    *side = Side {
                        blocks: side.blocks,
                        ..Side::default()
                    };
                }
            }
            // To who asked it looks as before.
            Change::Declined => {
                theirs.asks = theirs.asks.map(|asked| Asked {
                    heard: false,
                    ..asked
                });
                (theirs.was_declined, theirs.taken_back) = (true, 0);
            }
            Change::Withdrawn => {
                mine.taken_back = mine.taken_back.saturating_add(1);
                mine.asks = None;
            }
            Change::Removed => *contacts = false,
        }
        self.tell(by, whom, by, change);
        if heard {
            self.tell(whom, by, by, change);
        }
        None
    }

    /// Somebody blocks somebody else, or does so no more. What else they are to one another stays.
    pub(crate) fn block(&mut self, by: Uuid, whom: Uuid, on: bool) {
        let [low, high] = &mut self.pair(by, whom).sides;
        let mine = if by < whom { low } else { high };
        mine.blocks = on;
    }

    /// Those of whom anything is known.
    pub(crate) fn people(&self) -> BTreeSet<Uuid> {
        let pairs = self.pairs.keys();
        pairs.flat_map(|(low, high)| [*low, *high]).collect()
    }

    /// What somebody has to be shown.
    pub(crate) fn lists(&self, who: Uuid) -> Lists {
        let mut lists = Lists::default();
        for ((low, high), pair) in &self.pairs {
            let [first, second] = &pair.sides;
            let (other, mine, theirs) = if *low == who {
                (*high, first, second)
            } else if *high == who {
                (*low, second, first)
            } else {
                continue;
            };
            let text = |side: &Side| side.asks.and_then(|asked| asked.text).map(str::to_owned);
            if pair.contacts {
                lists.contacts.insert(other, None);
            }
            if theirs.is_heard() && !mine.blocks {
                lists.received.insert(other, text(theirs));
            }
            if mine.asks.is_some() {
                lists.sent.insert(other, text(mine));
            }
        }
        lists
    }

    /// What somebody has to be told by notices, of each other one in this order.
    pub(crate) fn told(&self, who: Uuid) -> BTreeMap<Uuid, Vec<NoticeData>> {
        let own = self.told.iter().filter(|((told, _), _)| *told == who);
        own.map(|((_, other), notices)| (*other, notices.clone()))
            .collect()
    }

    fn pair(&mut self, one: Uuid, other: Uuid) -> &mut Pair {
        self.pairs.entry((one.min(other), one.max(other))).or_default()
    }

    fn tell(&mut self, who: Uuid, user: Uuid, by: Uuid, change: Change) {
        let changed = ContactChanged { user, by };
        let notice = match change {
            Change::Requested(text) => NoticeData::ContactRequested(ContactRequested {
                user,
                by,
                text: text.map(str::to_owned),
            }),
            Change::Accepted => NoticeData::ContactAccepted(changed),
            Change::Declined => NoticeData::ContactDeclined(changed),
            Change::Withdrawn => NoticeData::ContactWithdrawn(changed),
            Change::Removed => NoticeData::ContactRemoved(changed),
        };
        self.told.entry((who, user)).or_default().push(notice);
    }
}

impl Side {
    /// Whether they ask, and the other one knows.
    fn is_heard(&self) -> bool {
        self.asks.is_some_and(|asked| asked.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const ASK: Wish = Wish::Ask(None);
    const HELLO: Wish = Wish::Ask(Some("hello"));

    /// What is refused of these wishes, each by Ann or Ben.
    fn refused(pairs: &mut Pairs, wishes: &[(Uuid, Wish)]) -> Vec<Option<ErrorCode>> {
        let mut take = |(by, wish): &(Uuid, Wish)| {
            let whom = if *by == ANN { BEN } else { ANN };
            pairs.take(*by, whom, *wish).map(|refusal| refusal.code)
        };
        wishes.iter().map(&mut take).collect()
    }

    /// Whether they are contacts, whether Ann knows that Ben asks, and whether Ben believes that she does.
    fn shown(pairs: &Pairs) -> [bool; 3] {
        let (ann, ben) = (pairs.lists(ANN), pairs.lists(BEN));
        assert_eq!(ann.contacts.contains_key(&BEN), ben.contacts.contains_key(&ANN));
        [
            ann.contacts.contains_key(&BEN),
            ann.received.contains_key(&BEN),
            ben.sent.contains_key(&ANN),
        ]
    }

    fn told(pairs: &Pairs, who: Uuid, of: Uuid) -> usize {
        pairs.told(who).get(&of).map_or(0, Vec::len)
    }

    #[test]
    fn who_asks_and_is_accepted_is_a_contact_until_one_ends_it() {
        let mut pairs = Pairs::default();
        assert_eq!(refused(&mut pairs, &[(BEN, HELLO), (BEN, ASK)]), [None, None]);
        assert_eq!(shown(&pairs), [false, true, true]);
        assert_eq!(pairs.lists(ANN).received[&BEN], Some("hello".to_owned()));
        let accepts = [(ANN, Wish::Accept), (ANN, Wish::Accept), (BEN, ASK)];
        assert_eq!(refused(&mut pairs, &accepts), [None; 3]);
        assert_eq!(shown(&pairs), [true, false, false]);
        assert_eq!(
            refused(&mut pairs, &[(ANN, Wish::Remove), (BEN, Wish::Remove)]),
            [None; 2]
        );
        assert_eq!(shown(&pairs), [false; 3]);
        let by = |by| ContactChanged { user: BEN, by };
        let requested = NoticeData::ContactRequested(ContactRequested {
            user: BEN,
            by: BEN,
            text: Some("hello".to_owned()),
        });
        let accepted = NoticeData::ContactAccepted(by(ANN));
        let removed = NoticeData::ContactRemoved(by(ANN));
        assert_eq!(
            pairs.told(ANN),
            [(BEN, vec![requested, accepted, removed])].into()
        );
        assert_eq!(told(&pairs, BEN, ANN), 3);
        assert_eq!(pairs.people(), [ANN, BEN].into());
    }

    #[test]
    fn requests_that_cross_meet_whether_they_were_heard_or_not() {
        let mut pairs = Pairs::default();
        assert_eq!(refused(&mut pairs, &[(ANN, ASK), (BEN, HELLO)]), [None; 2]);
        assert_eq!(shown(&pairs), [true, false, false]);
        let mut unheard = Pairs::default();
        unheard.block(ANN, BEN, true);
        assert_eq!(
            refused(&mut unheard, &[(BEN, ASK), (ANN, ASK)]),
            [None, Some(ErrorCode::Forbidden)]
        );
        assert_eq!(shown(&unheard), [false, false, true]);
        assert_eq!(told(&unheard, ANN, BEN), 0);
        unheard.block(ANN, BEN, false);
        assert_eq!(shown(&unheard), [false, false, true], "nor later");
        assert_eq!(refused(&mut unheard, &[(ANN, ASK)]), [None]);
        assert_eq!(shown(&unheard), [true, false, false]);
    }

    #[test]
    fn who_was_declined_or_has_taken_back_too_much_is_not_heard_and_cannot_tell() {
        let mut pairs = Pairs::default();
        assert_eq!(
            refused(&mut pairs, &[(BEN, ASK), (ANN, Wish::Decline)]),
            [None; 2]
        );
        assert_eq!(shown(&pairs), [false, false, true]);
        assert_eq!(
            (told(&pairs, ANN, BEN), told(&pairs, BEN, ANN)),
            (2, 1),
            "who declines is told alone"
        );
        let again = [(BEN, Wish::Withdraw), (BEN, ASK), (ANN, Wish::Accept)];
        let gone = Some(ErrorCode::NotFound);
        assert_eq!(refused(&mut pairs, &again), [None, None, gone]);
        assert_eq!(shown(&pairs), [false, false, true]);

        let mut tired = Pairs::default();
        let once = [(BEN, ASK), (BEN, Wish::Withdraw)];
        assert_eq!(refused(&mut tired, &once.repeat(3)), [None; 6]);
        assert_eq!(told(&tired, ANN, BEN), 6);
        assert_eq!(refused(&mut tired, &[(BEN, ASK)]), [None]);
        assert_eq!(shown(&tired), [false, false, true]);
        assert_eq!(told(&tired, ANN, BEN), 6);
    }

    #[test]
    fn where_nobody_asks_there_is_nothing_to_answer_or_to_take_back() {
        let mut pairs = Pairs::default();
        let wishes = [
            (ANN, Wish::Accept),
            (ANN, Wish::Decline),
            (ANN, Wish::Withdraw),
            (BEN, Wish::Accept),
            (ANN, Wish::Remove),
        ];
        let gone = Some(ErrorCode::NotFound);
        assert_eq!(refused(&mut pairs, &wishes), [gone, gone, gone, gone, None]);
        assert!(pairs.told(ANN).is_empty() && pairs.told(BEN).is_empty());
    }
}
