//! What administrators did, read from the log.

use super::Administration;
use super::tables::unavailable;
use tidings_domain::event::Acted;
use tidings_domain::stored;
use tidings_domain::{ADMINISTRATION, Act, Event};
use tidings_eventlog::Recorded;
use tidings_graphql::{Audited, Part, Refusal};
use tidings_projections::{Order, Range};

impl Administration {
    /// A part of it. Seqs have no gaps, so arithmetic says where it lies.
    pub(super) async fn audited(&self, range: Range<u64>) -> Result<Part<Audited>, Refusal> {
        let log = &self.0.ground.log;
        let failed = |error| {
            tracing::warn!(%error, "the acts of administrators cannot be read");
            unavailable()
        };
        let heads = log.stream_heads(&[ADMINISTRATION]).await.map_err(failed)?;
        let head = heads.into_iter().flatten().next().map_or(0, |head| head.seq);
        let part = Seqs::of(&range, head);
        let rows = usize::try_from(range.rows).unwrap_or(0);
        let mut entries = vec![];
        if part.from <= part.to {
            let records = log.stream(ADMINISTRATION, part.from, part.to, rows).await;
            entries.extend(records.map_err(failed)?.iter().map(read));
        }
        if range.order == Order::Descending {
            entries.reverse();
        }
        Ok(Part {
            entries,
            around: part.around,
        })
    }
}

/// The first and the last seq of a part, and what lies around its range.
#[derive(Debug, PartialEq, Eq)]
struct Seqs {
    from: u64,
    to: u64,
    around: (bool, bool),
}

impl Seqs {
    fn of(range: &Range<u64>, head: u64) -> Self {
        let rows = range.rows.max(0).cast_unsigned();
        let first = range.after.unwrap_or(0).saturating_add(1);
        let last = head.min(range.before.map_or(head, |before| before.saturating_sub(1)));
        let (from, to) = match range.order {
            Order::Ascending => (first, last.min(first.saturating_add(rows).saturating_sub(1))),
            Order::Descending => (first.max(last.saturating_add(1).saturating_sub(rows)), last),
        };
        Self {
            from,
            to,
            around: (
                range.after.is_some_and(|after| after.min(head) > 0),
                range.before.is_some_and(|before| before <= head),
            ),
        }
    }
}

/// An act as it is shown. What was written before reports went without their ids names one, by which it could be found out whose it is.
fn unnamed(acted: Acted) -> (String, String, Option<String>) {
    let Acted { act, target, reason } = acted;
    if act == Act::ReadReport.as_str() {
        (act, target, None)
    } else if target.starts_with("report ") {
        (act, "a report".to_owned(), reason)
    } else {
        (act, target, reason)
    }
}

/// An act. What a later version has written, this one may not read; who wrote it when, it can.
fn read(record: &Recorded) -> Audited {
    let (act, target, reason) = match stored::decode(record.kind, record.ver, &record.payload) {
        Ok(Event::Administration(acted)) => unnamed(acted),
        Ok(_) | Err(_) => ("unknown".to_owned(), String::new(), None),
    };
    Audited {
        seq: record.seq,
        at: record.at,
        by: record.actor,
        act,
        target,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lies_where_arithmetic_says() {
        let seqs = |after, before, order, rows| {
            let range = Range {
                after,
                before,
                order,
                rows,
            };
            let seqs = Seqs::of(&range, 5);
            (seqs.from, seqs.to, seqs.around)
        };
        let nothing = (false, false);
        assert_eq!(seqs(None, None, Order::Ascending, 3), (1, 3, nothing));
        assert_eq!(seqs(None, None, Order::Descending, 3), (3, 5, nothing));
        assert_eq!(seqs(Some(3), None, Order::Ascending, 9), (4, 5, (true, false)));
        assert_eq!(seqs(None, Some(3), Order::Descending, 9), (1, 2, (false, true)));
        assert_eq!(seqs(Some(1), Some(5), Order::Descending, 2), (3, 4, (true, true)));
        let (from, to, around) = seqs(Some(5), None, Order::Ascending, 3);
        assert!(from > to && around == (true, false));
        let (from, to, _) = seqs(None, None, Order::Descending, 0);
        assert!(from > to);
    }
}
