//! What acks and deliveries say, in a form that stays small, and whether they agree.

use std::collections::HashMap;

use anyhow::{Result, bail};
use uuid::Uuid;

/// What one connection was sent of a conversation: a run without a break, as a number that stands for its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub first: u64,
    /// The seq that comes next.
    pub next: u64,
    print: u64,
}

impl Run {
    /// An empty run that begins with `first`.
    pub fn begin(first: u64) -> Self {
        Self {
            first,
            next: first,
            print: 0,
        }
    }

    /// Takes the next event in.
    ///
    /// # Errors
    /// When it is not the next one.
    pub fn take(&mut self, seq: u64, message: Uuid) -> Result<()> {
        if seq != self.next {
            bail!("seq {seq} came where {} was to come", self.next);
        }
        self.next += 1;
        let (high, low) = message.as_u64_pair();
        let mixed = (high ^ low.rotate_left(31) ^ seq).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.print = (self.print.rotate_left(5) ^ mixed).wrapping_mul(0x2545_f491_4f6c_dd1d);
        Ok(())
    }
}

/// What one connection saw.
#[derive(Default)]
pub struct Seen(HashMap<Uuid, Run>);

impl Seen {
    /// Takes a delivery in. What comes first of a conversation is where its run begins.
    pub fn take(&mut self, conversation: Uuid, seq: u64, message: Uuid) -> Result<()> {
        self.0
            .entry(conversation)
            .or_insert_with(|| Run::begin(seq))
            .take(seq, message)
    }

    /// The last seq seen of a conversation; 0 where nothing was.
    pub fn last(&self, conversation: Uuid) -> u64 {
        self.0.get(&conversation).map_or(0, |run| run.next - 1)
    }

    pub fn runs(&self) -> impl Iterator<Item = (Uuid, Run)> {
        self.0.iter().map(|(conversation, run)| (*conversation, *run))
    }
}

/// What was acked, by conversation: seq and message.
#[derive(Default)]
pub struct Acked(HashMap<Uuid, Vec<(u64, Uuid)>>);

impl Acked {
    pub fn note(&mut self, conversation: Uuid, seq: u64, message: Uuid) {
        self.0.entry(conversation).or_default().push((seq, message));
    }

    pub fn merge(&mut self, other: Self) {
        for (conversation, acks) in other.0 {
            self.0.entry(conversation).or_default().extend(acks);
        }
    }

    /// How many messages were acked.
    pub fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The last seq acked of a conversation; 0 where none was.
    pub fn head(&self, conversation: Uuid) -> u64 {
        let acks = self.0.get(&conversation);
        acks.and_then(|acks| acks.iter().map(|(seq, _)| *seq).max())
            .unwrap_or(0)
    }

    /// Puts the acks in order and sees that no seq is missing or was given twice.
    pub fn settle(&mut self) -> Result<()> {
        for (conversation, acks) in &mut self.0 {
            acks.sort_unstable();
            for pair in acks.windows(2) {
                if pair[1].0 != pair[0].0 + 1 {
                    bail!(
                        "{conversation}: after seq {} the acks go on with {}",
                        pair[0].0,
                        pair[1].0
                    );
                }
            }
        }
        Ok(())
    }

    /// Sees that a connection was sent exactly what was acked, in that order, to the end. Call [`Acked::settle`] first.
    pub fn judge(&self, seen: &Seen) -> Result<()> {
        for (conversation, run) in seen.runs() {
            let Some(acks) = self.0.get(&conversation) else {
                bail!("{conversation}: deliveries, but no ack");
            };
            let mut expected = Run::begin(run.first);
            for (seq, message) in acks.iter().filter(|(seq, _)| *seq >= run.first) {
                expected.take(*seq, *message)?;
            }
            if expected.next != run.next {
                bail!(
                    "{conversation}: acked up to {}, delivered up to {}",
                    expected.next - 1,
                    run.next - 1
                );
            }
            if expected != run {
                bail!(
                    "{conversation}: from {} on, others were delivered than were acked",
                    run.first
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn acked(seqs: impl Iterator<Item = u64>) -> Acked {
        let mut acked = Acked::default();
        for seq in seqs {
            acked.note(id(1), seq, id(u128::from(seq)));
        }
        acked
    }

    #[test]
    fn what_was_acked_and_delivered_in_order_passes() {
        let mut acked = acked((2..=9).rev());
        let mut seen = Seen::default();
        for seq in 4..=9 {
            seen.take(id(1), seq, id(u128::from(seq))).unwrap();
        }
        acked.settle().unwrap();
        acked.judge(&seen).unwrap();
        assert_eq!((acked.head(id(1)), seen.last(id(1))), (9, 9));
    }

    #[test]
    fn gaps_repeats_losses_and_swaps_are_found() {
        let mut seen = Seen::default();
        seen.take(id(1), 4, id(4)).unwrap();
        assert!(seen.take(id(1), 6, id(6)).is_err());
        assert!(seen.take(id(1), 4, id(4)).is_err());
        assert!(acked([2, 3, 5].into_iter()).settle().is_err());
        assert!(acked([2, 3, 3].into_iter()).settle().is_err());
        let mut acked = acked(4..=6);
        acked.settle().unwrap();
        assert!(acked.judge(&seen).is_err(), "the last two are missing");
        seen.take(id(1), 5, id(6)).unwrap();
        seen.take(id(1), 6, id(5)).unwrap();
        assert!(acked.judge(&seen).is_err(), "two are swapped");
    }
}
