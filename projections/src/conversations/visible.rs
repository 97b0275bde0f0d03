//! What somebody sees of a conversation: everything from a seq on by their latest membership, and what earlier ones showed them (ADR 59).

use crate::error::{ProjectionError, within};
use crate::select::Sql;
use tidings_eventlog::Pool;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static VISIBLE: Sql = Sql::new(include_str!("visible.sql"));

/// Earlier memberships that count, of one person in one conversation. What somebody saw by those before is as if they had not been there.
const STAYS: usize = 100;

/// A membership that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// The first seq that was seen by it.
    pub from: u64,
    /// The leaving, which is the last.
    pub to: u64,
}

/// What somebody sees of a conversation, or saw while they were in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    /// Earlier memberships by which they saw what they do not see by the latest. Each begins and ends behind the one before.
    stays: Vec<Stay>,
    /// The first seq that they see by the latest.
    latest: u64,
}

/// Seqs in a row, all of which somebody sees, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub first: u64,
    pub last: u64,
    pub seen: bool,
}

impl Visible {
    /// Everything from a seq on.
    pub fn since(latest: u64) -> Self {
        Self {
            stays: vec![],
            latest,
        }
    }

    /// The same, and what earlier memberships showed, in the order in which they ended.
    pub fn with(mut self, stays: impl IntoIterator<Item = Stay>) -> Self {
        let latest = self.latest;
        for Stay { from, to } in stays {
            self.latest = from;
            self.renew(to, latest);
        }
        self.latest = latest;
        self
    }

    /// The latest membership ended by the event at `left`, and they are in again, by which they see everything from `latest` on.
    pub fn renew(&mut self, left: u64, latest: u64) {
        let ended = Stay {
            from: self.latest,
            to: left,
        };
        // What a later membership shows as well need not be kept of an earlier one.
        self.stays
            .retain(|stay| stay.from < ended.from && stay.from < latest);
        if ended.from < latest {
            self.stays.push(ended);
        }
        self.stays.drain(..self.stays.len().saturating_sub(STAYS));
        self.latest = latest;
    }

    /// The first seq that they see by the latest membership.
    pub fn latest(&self) -> u64 {
        self.latest
    }

    /// Whether an event at `at` shows them what stands at `seq`, which is itself or comes before it: whether they saw both by one membership.
    pub fn shows(&self, seq: u64, at: u64) -> bool {
        self.latest <= seq || self.stays.iter().any(|stay| stay.from <= seq && at <= stay.to)
    }

    /// The first seq from `seq` on that they see.
    pub fn first_from(&self, seq: u64) -> u64 {
        let stay = self.stays.iter().find(|stay| seq <= stay.to);
        seq.max(stay.map_or(self.latest, |stay| stay.from))
    }

    /// The last seq that they see without a break from `seq` on, which they see.
    pub fn last_from(&self, seq: u64) -> u64 {
        let mut next = seq;
        for stay in &self.stays {
            if stay.from <= next {
                next = next.max(stay.to + 1);
            }
        }
        if self.latest <= next { u64::MAX } else { next - 1 }
    }

    /// The seqs from `first` to `last`, in stretches.
    pub fn stretches(&self, first: u64, last: u64) -> impl Iterator<Item = Stretch> {
        let mut next = first;
        std::iter::from_fn(move || {
            if next > last {
                return None;
            }
            let (first, seen_from) = (next, self.first_from(next));
            let seen = seen_from == first;
            let end = if seen {
                self.last_from(first)
            } else {
                seen_from - 1
            };
            next = end.min(last) + 1;
            Some(Stretch {
                first,
                last: next - 1,
                seen,
            })
        })
    }

    /// Of a row that may be of nobody, who sees nothing.
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let number = |number: i64| number as u64;
        let latest: Option<i64> = row.try_get("visible_from")?;
        let starts: Option<Vec<i64>> = row.try_get("stay_starts")?;
        let ends: Option<Vec<i64>> = row.try_get("stay_ends")?;
        let stays = starts
            .unwrap_or_default()
            .into_iter()
            .zip(ends.unwrap_or_default());
        let stays = stays.map(|(from, to)| Stay {
            from: number(from),
            to: number(to),
        });
        Ok(Self::since(latest.map_or(u64::MAX, number)).with(stays))
    }
}

/// What `user` sees of a conversation, as far as the read models have come; nothing where its events are aside.
pub async fn visible(
    pool: &Pool,
    user: Uuid,
    conversation: Uuid,
) -> Result<Option<Visible>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&VISIBLE.text(client.home())).await?;
        let row = client.query_one(&statement, &[&conversation, &user]).await?;
        let parked: bool = row.try_get("parked")?;
        let visible = Visible::read(&row)?;
        Ok::<_, ProjectionError>((!parked).then_some(visible))
    };
    within(pool.timeout(), reading).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn stay((from, to): (u64, u64)) -> Stay {
        Stay { from, to }
    }

    #[test]
    fn what_a_later_membership_shows_as_well_is_not_kept_of_an_earlier_one() {
        // In from the fifth event on, and again twice, the last time with all that the second time showed.
        let mut visible = Visible::since(5);
        visible.renew(10, 15);
        assert_eq!(visible, Visible::since(15).with([stay((5, 10))]));
        visible.renew(20, 12);
        assert_eq!(visible, Visible::since(12).with([stay((5, 10))]));
        visible.renew(30, 1);
        assert_eq!(visible, Visible::since(1));
    }

    #[test]
    fn the_newest_hundred_memberships_count() {
        let mut visible = Visible::since(1);
        let times = STAYS as u64 + 2;
        for time in 1..=times {
            visible.renew(10 * time - 5, 10 * time);
        }
        assert_eq!(visible.stays.len(), STAYS);
        assert_eq!((visible.first_from(1), visible.last_from(20)), (20, 25));
        let all = (0..times).map(|time| stay(((10 * time).max(1), 10 * time + 5)));
        assert_eq!(Visible::since(10 * times).with(all), visible);
    }

    /// Memberships one after the other, each as what it showed, the last of which has not ended.
    fn life() -> impl Strategy<Value = Vec<(u64, u64)>> {
        let stay = (1_u64..5, 0_u64..12, 0_u64..6);
        vec(stay, 1..7).prop_map(|stays| {
            let mut at = 0;
            let showed = stays.into_iter().map(|(out, before, lasting)| {
                let joined = at + out;
                at = joined + lasting;
                (joined.saturating_sub(before).max(1), at)
            });
            let mut showed: Vec<_> = showed.collect();
            if let Some(last) = showed.last_mut() {
                last.1 = u64::MAX;
            }
            showed
        })
    }

    proptest! {
        #[test]
        fn somebody_sees_what_any_of_their_memberships_showed(life in life(), first in 1_u64..40, more in 0_u64..40) {
            let (latest, ended) = life.split_last().unwrap();
            let visible = Visible::since(latest.0).with(ended.iter().copied().map(stay));
            let shows = |seq: u64, at: u64| life.iter().any(|(from, to)| *from <= seq && at <= *to);
            let sees = |seq: u64| shows(seq, seq);
            for at in 1..60_u64 {
                for seq in 1..=at {
                    prop_assert_eq!(visible.shows(seq, at), shows(seq, at), "{} at {}", seq, at);
                }
                prop_assert_eq!(Some(visible.first_from(at)), (at..1_000).find(|seq| sees(*seq)));
            }
            let last = first + more;
            let (mut next, mut before) = (first, None);
            for stretch in visible.stretches(first, last) {
                prop_assert_eq!(stretch.first, next);
                prop_assert!((stretch.first..=stretch.last).all(|seq| sees(seq) == stretch.seen));
                prop_assert_ne!(before, Some(stretch.seen));
                (next, before) = (stretch.last + 1, Some(stretch.seen));
            }
            prop_assert_eq!(next, last + 1);
        }
    }
}
