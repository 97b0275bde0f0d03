//! Counts of unread messages, against the log and what was read.

use std::collections::{HashMap, HashSet};

use super::Run;
use super::found::Line;
use crate::export::{Conversation, Entry, Place};
use crate::fault::Fault;
use crate::record::{Kind, Micros};

/// Confirmed reads by user and conversation: when, and up to which seq.
pub(super) type Reads = HashMap<(u32, u32), Vec<(Micros, u64)>>;

/// A count that a server gave.
pub(super) struct Count {
    pub(super) journal: u32,
    pub(super) line: u32,
    pub(super) user: u32,
    pub(super) conversation: u32,
    pub(super) at: Micros,
    pub(super) unread: u64,
}

/// Compares all counts. What was on its way at the time widens what is right: the log reached at least as far as somebody
/// knew, and not to a message that was sent only later.
pub(super) fn settle(run: &mut Run<'_>, first_sent: impl Fn(Place) -> Option<Micros>) {
    for count in std::mem::take(&mut run.notes.counts) {
        let conversation = &run.export.conversations[count.conversation as usize];
        let known = run.times.of(count.conversation);
        let low = known
            .iter()
            .rposition(|known| known.at <= count.at)
            .map_or(0, |index| index as u64 + 1);
        let later = (low + 1..=conversation.head()).find(|seq| {
            let place = Place {
                conversation: count.conversation,
                seq: *seq,
            };
            first_sent(place).is_some_and(|at| at > count.at)
        });
        let high = later.map_or(conversation.head(), |seq| seq - 1);
        let reads = run.notes.reads.get(&(count.user, count.conversation));
        let reads = reads.map_or(&[][..], Vec::as_slice);
        let read = |until: Micros| {
            let read = reads.iter().filter(|(at, _)| *at <= until).map(|(_, seq)| *seq);
            read.max().unwrap_or(0)
        };
        let hides = &run.notes.hides;
        let gone = |until: Micros, unheard: HashSet<u32>| Gone {
            read: read(until).max(hides.cleared(count.user, count.conversation, until)),
            hidden: hides.messages(count.user, count.conversation, until),
            unheard,
        };
        let blocks = &run.notes.blocks;
        let all_gone = gone(Micros::MAX, blocks.possible(count.user, count.at));
        let known_gone = gone(count.at, blocks.certain(count.user, count.at));
        let (least, _) = range(conversation, count.user, &all_gone, low, high);
        let (_, most) = range(conversation, count.user, &known_gone, low, high);
        if (least..=most).contains(&count.unread) {
            continue;
        }
        let device = run.device(count.journal);
        let name = run.export.names.name(count.conversation);
        let right = if least == most {
            format!("{least}")
        } else {
            format!("{least} to {most}")
        };
        let line = Line::Journal {
            journal: count.journal,
            line: count.line,
        };
        let head = Line::Log(Place {
            conversation: count.conversation,
            seq: high,
        });
        run.found.add(Fault::Unread, [line, head], || {
            format!(
                "{device} was told of {} unread messages in {name} when the log reached seq {high} and everything up to \
                 seq {} had been read; there were {right}",
                count.unread,
                read(count.at),
            )
        });
    }
}

/// What counts for somebody no more.
#[derive(Default)]
struct Gone {
    /// Everything up to here was read, or cleared.
    read: u64,
    /// These messages are hidden, by seq.
    hidden: HashSet<u64>,
    /// What these people say, whom they block.
    unheard: HashSet<u32>,
}

/// The least and the most unread messages that a user has while the log grows from `low` to `high`. Who sends has read everything
/// before, what was said before somebody came in is not unread to them, what was recalled is unread to nobody, nor what is withheld as long as
/// it is, nor anything to those who block its sender, and what stands in a thread alone neither counts nor reads.
fn range(conversation: &Conversation, user: u32, gone: &Gone, low: u64, high: u64) -> (u64, u64) {
    let changes = conversation.changes.get(&user).map_or(&[][..], Vec::as_slice);
    let joins = |seq| changes.iter().any(|change| change.joins && change.seq == seq);
    let counts = |seq| {
        let entry = conversation.entry(seq);
        let heard = |entry: &Entry| entry.kind == Kind::Message && !gone.unheard.contains(&entry.actor);
        entry.is_some_and(heard) && !gone.hidden.contains(&seq)
    };
    let (mut count, mut least, mut most) = (0, u64::MAX, 0);
    // Up to where everything is read.
    let mut position = 0;
    // What does not count for the time being, and what never will.
    let (mut off, mut recalled) = (HashSet::new(), HashSet::new());
    for (seq, entry) in (1..=high).zip(&conversation.entries) {
        let own = entry.kind == Kind::Message && entry.actor == user;
        if seq <= gone.read || own || (entry.kind == Kind::Joined && joins(seq)) {
            (count, position) = (0, seq);
        } else if let Some(message) = conversation.recalls.get(&seq) {
            recalled.insert(*message);
            if off.insert(*message) && *message > position && counts(*message) {
                count -= 1;
            }
        } else if let Some((message, withheld)) = conversation.withholdings.get(&seq) {
            let is_other = if *withheld {
                off.insert(*message)
            } else {
                !recalled.contains(message) && off.remove(message)
            };
            if is_other && *message > position && counts(*message) {
                count = if *withheld { count - 1 } else { count + 1 };
            }
        } else {
            count += u64::from(counts(seq));
        }
        if seq >= low {
            (least, most) = (least.min(count), most.max(count));
        }
    }
    (least.min(count), most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Export;
    use crate::record::Logged;
    use uuid::Uuid;

    /// A log of one conversation: `+a` joins, `a` says something, `a/` in a thread alone, `a-3` takes the message at seq 3 back, `a<3` withholds it
    /// and `a>3` shows it again.
    fn log(text: &str) -> Export {
        let line = |(seq, word): (u64, &str)| {
            let sign = word.chars().find(|char| ['-', '<', '>'].contains(char));
            let (word, changed) = sign.and_then(|sign| word.split_once(sign)).unwrap_or((word, ""));
            let user = word.trim_start_matches('+');
            let joins = user != word;
            let (user, threaded) = match user.strip_suffix('/') {
                Some(user) => (user, true),
                None => (user, false),
            };
            let of = changed.parse().ok().map(Uuid::from_u128);
            Logged {
                conversation: "c".to_owned(),
                seq,
                kind: match sign {
                    Some('<') => Kind::Withheld,
                    Some('>') => Kind::Shown,
                    Some(_) => Kind::Recalled,
                    None if joins => Kind::Joined,
                    None if threaded => Kind::Reply,
                    None => Kind::Message,
                },
                actor: user.to_owned(),
                id: (!joins).then(|| Uuid::from_u128(seq.into())),
                digest: 0,
                whole: None,
                of,
                withheld: false,
                stored: None,
                users: if joins { vec![user.to_owned()] } else { vec![] },
            }
        };
        (1..).zip(text.split(' ')).map(line).collect()
    }

    #[test]
    fn joining_reading_and_sending_read_everything_before() {
        let export = log("+a +b a a b a a +b a");
        let conversation = &export.conversations[0];
        let b = export.users.find("b").unwrap();
        let at = |head, read| range(conversation, b, &up_to(read), head, head).0;
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 7, 8, 9].map(|head| at(head, 0)),
            [0, 0, 1, 2, 0, 1, 2, 0, 1]
        );
        assert_eq!(at(7, 6), 1);
        assert_eq!(at(7, 99), 0);
        assert_eq!(
            range(conversation, b, &up_to(0), 4, 7),
            (0, 2),
            "while three more come"
        );
    }

    #[test]
    fn what_was_recalled_is_unread_to_nobody_once() {
        let export = log("+a +b a a a-3 a-3 a b a-4 a a-10");
        let conversation = &export.conversations[0];
        let b = export.users.find("b").unwrap();
        let at = |head, read| range(conversation, b, &up_to(read), head, head).0;
        assert_eq!(
            [3, 4, 5, 6, 7, 8, 9, 10, 11].map(|head| at(head, 0)),
            [1, 2, 1, 1, 2, 0, 0, 1, 0]
        );
        assert_eq!(at(5, 3), 1, "one that was read");
        assert_eq!(
            range(conversation, b, &up_to(0), 4, 5),
            (1, 2),
            "while it is recalled"
        );
    }

    #[test]
    fn what_is_withheld_is_unread_to_nobody_until_it_is_shown_again() {
        let export = log("+a +b a a a<3 a<3 a>3 a<4 b a>4 a a<11 a-11 a>11");
        let conversation = &export.conversations[0];
        let b = export.users.find("b").unwrap();
        let at = |head| range(conversation, b, &up_to(0), head, head).0;
        assert_eq!(
            [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map(at),
            [2, 1, 1, 2, 1, 0, 0, 1, 0, 0, 0]
        );
    }

    #[test]
    fn what_stands_in_a_thread_alone_neither_counts_nor_reads() {
        let export = log("+a +b a a/ b/ a-4 a");
        let conversation = &export.conversations[0];
        let b = export.users.find("b").unwrap();
        let at = |head| range(conversation, b, &up_to(0), head, head).0;
        assert_eq!([3, 4, 5, 6, 7].map(at), [1, 1, 1, 1, 2]);
    }

    #[test]
    fn what_somebody_hides_does_not_count_whether_recalled_or_not() {
        let export = log("+a +b a a a a-4 a");
        let conversation = &export.conversations[0];
        let b = export.users.find("b").unwrap();
        let hiding = |hidden: &[u64]| {
            let gone = Gone {
                hidden: hidden.iter().copied().collect(),
                ..Gone::default()
            };
            range(conversation, b, &gone, 7, 7).0
        };
        assert_eq!(hiding(&[]), 3);
        assert_eq!(hiding(&[3]), 2);
        assert_eq!(hiding(&[3, 4]), 2, "one that was recalled");
        assert_eq!(hiding(&[1, 2, 6]), 3, "no messages");
    }

    #[test]
    fn what_somebody_says_whom_they_block_does_not_count_recalled_or_not() {
        let export = log("+a +b +c a c a-4 c a");
        let conversation = &export.conversations[0];
        let [b, c] = ["b", "c"].map(|name| export.users.find(name).unwrap());
        let blocking = |unheard: &[u32]| {
            let gone = Gone {
                unheard: unheard.iter().copied().collect(),
                ..Gone::default()
            };
            range(conversation, b, &gone, 8, 8).0
        };
        assert_eq!(blocking(&[]), 3);
        assert_eq!(blocking(&[c]), 1);
        let a = export.users.find("a").unwrap();
        assert_eq!(blocking(&[a]), 2, "one that was recalled");
        assert_eq!(blocking(&[a, c]), 0);
    }

    fn up_to(read: u64) -> Gone {
        Gone {
            read,
            ..Gone::default()
        }
    }
}
