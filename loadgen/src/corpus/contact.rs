//! Contacts: people ask each other and are taken or not, some at the same moment, some in front of a block. What has to come of it, [`Pairs`]
//! says; read models are compared with that in the end.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use tidings_client::CommandError;
use tidings_protocol::{Ack, Position};
use tidings_stand::Account;
use uuid::Uuid;

use super::{
    pair::{Lists, Pairs, Wish},
    people::{People, Run},
};

/// How often all plots are played at most.
const ROUNDS_MAX: usize = 3;

/// Of so many people there is one round.
const PEOPLE: usize = 16;

const HELLO: Wish = Wish::Ask(Some("we met at the well"));
const ASK: Wish = Wish::Ask(None);

/// What one of two people does, or both at the same moment; they are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Wants(usize, Wish),
    AtOnce([Wish; 2]),
    Blocks(usize, bool),
}

/// What becomes of two people, one thing after the other.
const PLOTS: [&[Step]; 8] = [
    // Both of one mind.
    &[
        Step::Wants(0, HELLO),
        Step::Wants(0, ASK),
        Step::Wants(1, Wish::Accept),
        Step::Wants(1, Wish::Accept),
        Step::Wants(0, ASK),
    ],
    &[Step::AtOnce([HELLO, ASK])],
    // Not taken, and not heard again.
    &[
        Step::Wants(0, HELLO),
        Step::Wants(1, Wish::Decline),
        Step::Wants(0, ASK),
        Step::Wants(1, Wish::Accept),
        Step::Wants(0, Wish::Withdraw),
        Step::Wants(0, ASK),
    ],
    // Taken back before there is an answer.
    &[
        Step::Wants(0, ASK),
        Step::Wants(0, Wish::Withdraw),
        Step::Wants(1, Wish::Accept),
        Step::Wants(1, Wish::Decline),
        Step::Wants(0, Wish::Withdraw),
    ],
    // Or at that moment.
    &[Step::Wants(0, ASK), Step::AtOnce([Wish::Withdraw, Wish::Accept])],
    // Ended, and asked for again.
    &[
        Step::Wants(1, ASK),
        Step::Wants(0, Wish::Accept),
        Step::Wants(1, Wish::Remove),
        Step::Wants(0, Wish::Remove),
        Step::Wants(0, HELLO),
    ],
    // In front of a block, which nobody can tell; and then they want the same.
    &[
        Step::Blocks(1, true),
        Step::Wants(0, HELLO),
        Step::Wants(1, ASK),
        Step::Blocks(1, false),
        Step::Wants(1, ASK),
    ],
    // Asked and taken back until it is not heard any more.
    &[
        Step::Wants(0, ASK),
        Step::Wants(0, Wish::Withdraw),
        Step::Wants(0, ASK),
        Step::Wants(0, Wish::Withdraw),
        Step::Wants(0, ASK),
        Step::Wants(0, Wish::Withdraw),
        Step::Wants(0, HELLO),
    ],
];

/// What happens to which two of these people right before which of so many messages. Those who block each other are left alone.
pub(crate) fn plots(
    people: &[usize],
    blocked: &BTreeSet<(usize, usize)>,
    messages: usize,
) -> Vec<(usize, [usize; 2], Step)> {
    let near = (1..=3).flat_map(move |distance| people.iter().zip(people.iter().cycle().skip(distance)));
    let mut taken = blocked.clone();
    let pairs =
        near.filter(|(one, other)| one != other && taken.insert((**one.min(other), **one.max(other))));
    let rounds = (people.len() / PEOPLE).clamp(1, ROUNDS_MAX);
    let mut all = Vec::new();
    for (number, ((one, other), plot)) in pairs.zip(PLOTS.repeat(rounds)).enumerate() {
        for (place, step) in (1..).zip(plot) {
            let index = messages * place / (plot.len() + 1) + number;
            all.push((index.min(messages.saturating_sub(1)), [*one, *other], *step));
        }
    }
    all
}

impl People {
    /// Has two people take the next step, and looks at the answers.
    pub(super) async fn tie(&mut self, pair: [usize; 2], step: Step) -> Result<()> {
        match step {
            Step::Wants(number, wish) => {
                let (by, whom) = (pair[number], pair[1 - number]);
                let answer = self.want(by, wish.action(self.user(whom))).await?.await?;
                self.came(by, whom, wish, &answer)
            }
            Step::AtOnce(wishes) => {
                let [one, other] = pair;
                // Neither has anything else to do first.
                self.settled(one).await?;
                self.settled(other).await?;
                let first = self.want(one, wishes[0].action(self.user(other))).await?;
                let second = self.want(other, wishes[1].action(self.user(one))).await?;
                let answers = [first.await?, second.await?];
                for number in in_order(&answers) {
                    let (by, whom) = (pair[number], pair[1 - number]);
                    self.came(by, whom, wishes[number], &answers[number])?;
                }
                self.shared.did("crossed");
                Ok(())
            }
            Step::Blocks(number, on) => {
                self.rest(None).await?;
                self.block(pair[number], pair[1 - number], on).await
            }
        }
    }

    /// Takes the answer to what somebody wanted of somebody else.
    fn came(&mut self, by: usize, whom: usize, wish: Wish, answer: &Result<Ack, CommandError>) -> Result<()> {
        let (actor, user) = (self.user(by), self.user(whom));
        match (answer, self.pairs.take(actor, user, wish)) {
            // Its place would tell what the other one has done.
            (Ok(ack), None) if (ack.conversation, ack.seq) == (actor, 0) => {
                self.shared.did(wish.action(user).name());
                let at = self.tied_at.entry(ack.position.lane).or_insert(ack.position);
                *at = ack.position.max(*at);
            }
            (Err(CommandError::Refused(error)), Some(refusal)) if refusal.fits(error) => {
                self.shared.did("refusals");
            }
            (answer, refusal) => bail!(
                "{actor} wants of {user} to {wish:?}, which should be refused with {refusal:?}; the answer is {answer:?}"
            ),
        }
        Ok(())
    }
}

/// Whose turn came first: of what was acked, the log decides; what was refused came behind that, or it would not have been.
fn in_order(answers: &[Result<Ack, CommandError>; 2]) -> [usize; 2] {
    let place = |answer: &Result<Ack, CommandError>| answer.as_ref().map_or(u64::MAX, |ack| ack.position.pos);
    if place(&answers[1]) < place(&answers[0]) {
        [1, 0]
    } else {
        [0, 1]
    }
}

/// Compares what people are shown of each other; answers of how many.
pub(crate) async fn look(run: &Run) -> Result<usize> {
    let mut after: BTreeMap<u16, Position> = run.tied_at.clone();
    for position in run.people.iter().flat_map(|person| &person.parted_at) {
        let at = after.entry(position.lane).or_insert(*position);
        *at = (*position).max(*at);
    }
    let concerned = run.pairs.people();
    let concerned = run
        .people
        .iter()
        .filter(|person| concerned.contains(&person.account.user));
    let mut looked = 0;
    for person in concerned {
        compare(&person.name, &person.account, &run.pairs, &after).await?;
        looked += 1;
    }
    Ok(looked)
}

/// What somebody is shown by read models that have passed all of these positions.
async fn compare(
    name: &str,
    account: &Account,
    pairs: &Pairs,
    after: &BTreeMap<u16, Position>,
) -> Result<()> {
    let mut told = Lists::default();
    // A query waits for one lane, and read models never go back.
    for position in after.values() {
        told = Lists {
            contacts: shown(account, "contacts", "", *position).await?,
            received: shown(account, "contactRequests", "text", *position).await?,
            sent: shown(account, "sentContactRequests", "text", *position).await?,
        };
    }
    let due = pairs.lists(account.user);
    ensure!(told == due, "{name} is shown {told:?}; that should be {due:?}");
    Ok(())
}

/// Somebody in a list.
#[derive(Deserialize)]
struct Tie {
    user: Named,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: Uuid,
}

async fn shown(
    account: &Account,
    list: &str,
    more: &str,
    after: Position,
) -> Result<BTreeMap<Uuid, Option<String>>> {
    let query = format!(
        "query($after: String) {{ {list}(first: 100, after: $after) {{ nodes {{ user {{ id }} {more} }} \
         pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let pointer = format!("/{list}");
    let nodes = account.query_all(&query, json!({}), &pointer, Some(after));
    let mut shown = BTreeMap::new();
    for node in nodes.await? {
        let Tie { user, text } = serde_json::from_value(node).context("somebody in another shape")?;
        let twice = shown.insert(user.id, text).is_some();
        ensure!(!twice, "{} is in {list} twice", user.id);
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use tidings_protocol::{ErrorCode, ErrorFrame, Timestamp};

    use super::*;

    fn acked(pos: u64) -> Ack {
        Ack {
            id: Uuid::nil(),
            conversation: Uuid::nil(),
            seq: 0,
            position: Position { lane: 1, pos },
            at: Timestamp::from_millis(0).unwrap(),
            duplicate: false,
            data: None,
        }
    }

    #[test]
    fn of_two_at_once_the_log_says_who_was_first_and_a_refusal_that_it_was_not() {
        let refused = || {
            let gone = ErrorFrame::new(None, ErrorCode::NotFound, "no");
            Err(CommandError::Refused(gone))
        };
        assert_eq!(in_order(&[Ok(acked(4)), Ok(acked(5))]), [0, 1]);
        assert_eq!(in_order(&[Ok(acked(5)), Ok(acked(4))]), [1, 0]);
        assert_eq!(in_order(&[Ok(acked(5)), refused()]), [0, 1]);
        assert_eq!(in_order(&[refused(), Ok(acked(5))]), [1, 0]);
    }

    #[test]
    fn every_plot_is_played_in_its_order_by_two_who_do_not_block_each_other() {
        let people: Vec<usize> = (1..12).collect();
        let blocked: BTreeSet<(usize, usize)> = [(1, 2), (4, 5), (5, 7)].into();
        let all = plots(&people, &blocked, 300);
        let mut played: BTreeMap<[usize; 2], Vec<(usize, Step)>> = BTreeMap::new();
        for (index, pair, step) in all {
            let [one, other] = pair;
            assert!(index < 300 && !blocked.contains(&(one.min(other), one.max(other))));
            played.entry(pair).or_default().push((index, step));
        }
        let steps = |played: &Vec<(usize, Step)>| -> Vec<Step> {
            assert!(played.is_sorted_by_key(|(index, _)| *index));
            played.iter().map(|(_, step)| *step).collect()
        };
        let played: Vec<Vec<Step>> = played.values().map(steps).collect();
        assert_eq!(played.len(), PLOTS.len());
        for plot in PLOTS {
            assert!(played.iter().any(|steps| *steps == plot), "{plot:?}");
        }
        assert!(plots(&[1], &BTreeSet::new(), 300).is_empty());
        assert!(
            plots(&people, &BTreeSet::new(), 1)
                .iter()
                .all(|(index, ..)| *index == 0)
        );
    }

    /// What the plots want is met by all that there is to be answered.
    #[test]
    fn in_the_plots_everything_is_wanted_and_some_of_it_refused() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let mut acked: BTreeSet<&str> = BTreeSet::new();
        let mut refused: Vec<ErrorCode> = Vec::new();
        for plot in PLOTS {
            let mut pairs = Pairs::default();
            let users = [one, other];
            let mut take =
                |number: usize, wish: Wish| match pairs.take(users[number], users[1 - number], wish) {
                    Some(refusal) => refused.push(refusal.code),
                    None => {
                        acked.insert(wish.action(other).name());
                    }
                };
            for step in plot {
                match *step {
                    Step::Wants(number, wish) => take(number, wish),
                    Step::AtOnce(wishes) => {
                        for (number, wish) in wishes.into_iter().enumerate() {
                            take(number, wish);
                        }
                    }
                    Step::Blocks(..) => {}
                }
            }
        }
        let all = [
            "contact.accept",
            "contact.decline",
            "contact.remove",
            "contact.request",
            "contact.withdraw",
        ];
        assert_eq!(acked, all.into());
        assert!(refused.contains(&ErrorCode::NotFound));
    }
}
