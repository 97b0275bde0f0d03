//! The order of one sender: commands of one connection to one conversation take effect in the order sent.

use std::collections::HashMap;

use super::Run;
use super::found::Line;
use crate::fault::Fault;

/// One try to send a message, on a connection.
pub(super) struct Try {
    pub(super) connection: u32,
    pub(super) sent: u32,
    pub(super) line: u32,
    pub(super) answer: Answer,
}

/// What is known of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Open,
    Acked,
    Refused,
    Unsettled,
}

/// Two messages of a device in the wrong order, unless another device sent the later one too.
pub(super) struct Suspect {
    journal: u32,
    before: Placed,
    after: Placed,
}

/// A try whose message is in the log.
#[derive(Clone, Copy, Debug)]
struct Placed {
    connection: u32,
    sent: u32,
    line: u32,
    conversation: u32,
    seq: u64,
    /// Whether it took effect.
    sure: bool,
}

/// Finds pairs that contradict the order of a device's tries.
///
/// A message takes effect by one of its tries, and by none later than the first sure one that reached the server. So *a*
/// stands before *b* when on each connection on which *b* was tried, *a* was tried before it.
pub(super) fn find(run: &mut Run<'_>, journal: u32, tries: &[Try]) {
    let mut by_conversation: HashMap<u32, Vec<Placed>> = HashMap::new();
    for tried in tries.iter().filter(|tried| tried.answer != Answer::Refused) {
        let sent = run.messages.get(tried.sent);
        let Some(place) = run.export.place(sent.id) else {
            continue;
        };
        let same = run.export.entry(place).is_some_and(|entry| {
            let content = sent.content;
            entry.says(content.digest) && place.conversation == content.conversation
        });
        if same {
            by_conversation
                .entry(place.conversation)
                .or_default()
                .push(Placed {
                    connection: tried.connection,
                    sent: tried.sent,
                    line: tried.line,
                    conversation: place.conversation,
                    seq: place.seq,
                    // What was not answered may have been turned away with an answer that was lost.
                    sure: tried.answer == Answer::Acked,
                });
        }
    }
    for placed in by_conversation.values() {
        run.notes.suspects.extend(pairs(journal, placed));
    }
}

/// The pairs of one conversation, at most one for each later message.
fn pairs(journal: u32, placed: &[Placed]) -> Vec<Suspect> {
    let mut positions: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, one) in placed.iter().enumerate() {
        positions.entry(one.sent).or_default().push(index);
    }
    // On each connection, the first try of the later message counts.
    let first_tries = |after: u32| {
        let mut tries = positions[&after].clone();
        tries.dedup_by_key(|index| placed[*index].connection);
        tries
    };
    let tried_before = |before: u32, after: usize| {
        positions[&before].iter().any(|index| {
            let one = placed[*index];
            one.sure && *index < after && one.connection == placed[after].connection
        })
    };
    let mut suspects = Vec::new();
    // The highest seq on the connection so far.
    let mut highest = 0;
    for (index, after) in placed.iter().enumerate() {
        if index > 0 && placed[index - 1].connection != after.connection {
            highest = 0;
        }
        if highest > after.seq && positions[&after.sent][0] == index {
            let tries = first_tries(after.sent);
            let earlier = placed[..index].iter().rev();
            let earlier = earlier.take_while(|one| one.connection == after.connection);
            let before = earlier.filter(|one| one.seq > after.seq).find(|one| {
                let before = one.sent;
                tries.iter().all(|after| tried_before(before, *after))
            });
            suspects.extend(before.map(|before| Suspect {
                journal,
                before: *before,
                after: *after,
            }));
        }
        if after.sure {
            highest = highest.max(after.seq);
        }
    }
    suspects
}

/// Settles the suspects when everything that was sent is known.
pub(super) fn settle(run: &mut Run<'_>) {
    for suspect in std::mem::take(&mut run.notes.suspects) {
        let Suspect {
            journal,
            before,
            after,
        } = suspect;
        let id = run.messages.get(after.sent).id;
        // Another device may have brought it into the log earlier.
        if run.messages.of(id).any(|sent| sent.journal != journal) {
            continue;
        }
        let device = run.device(journal);
        let conversation = run.export.names.name(before.conversation);
        let lines = [before.line, after.line].map(|line| Line::Journal { journal, line });
        run.found.add(Fault::SenderOrder, lines, || {
            format!(
                "{device} sent two messages to {conversation} one after the other on one connection; the first has seq {}, \
                 the second seq {}",
                before.seq, after.seq
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries as connection, message and whether they are sure. A message's number is its seq.
    fn suspected(tries: &[(u32, u32, bool)]) -> Vec<(u64, u64)> {
        let placed = |(line, (connection, sent, sure)): (u32, &(u32, u32, bool))| Placed {
            connection: *connection,
            sent: *sent,
            line,
            conversation: 0,
            seq: u64::from(*sent),
            sure: *sure,
        };
        let placed: Vec<_> = (1..).zip(tries).map(placed).collect();
        let suspects = pairs(0, &placed);
        suspects
            .iter()
            .map(|suspect| (suspect.before.seq, suspect.after.seq))
            .collect()
    }

    #[test]
    fn messages_of_one_connection_stand_in_the_order_sent() {
        assert_eq!(suspected(&[(1, 1, true), (1, 2, true), (1, 3, true)]), []);
        assert_eq!(suspected(&[(1, 1, true), (1, 3, true), (1, 2, true)]), [(3, 2)]);
        assert_eq!(
            suspected(&[(1, 3, true), (2, 2, true)]),
            [],
            "connections may race"
        );
    }

    #[test]
    fn a_retry_may_have_been_the_first_to_arrive() {
        // Neither arrived by the first connection; the second brought them the other way round.
        assert_eq!(
            suspected(&[(1, 3, true), (1, 2, true), (2, 2, true), (2, 3, true)]),
            []
        );
        assert_eq!(
            suspected(&[(1, 3, true), (1, 2, true), (2, 3, true), (2, 2, true)]),
            [(3, 2)]
        );
        assert_eq!(
            suspected(&[(1, 3, true), (1, 2, true), (2, 2, true)]),
            [],
            "3 arrived after all"
        );
    }

    #[test]
    fn a_try_without_effect_keeps_nothing_behind_it() {
        assert_eq!(suspected(&[(1, 3, false), (1, 2, true), (1, 3, true)]), []);
        assert_eq!(suspected(&[(1, 3, true), (1, 2, false), (1, 2, true)]), [(3, 2)]);
    }
}
