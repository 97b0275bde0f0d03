//! What a person's devices were sent, against the log.

use super::{Fault, Journal, Log};

/// A person, and the devices in the order of their use.
pub(crate) struct Reader<'a> {
    pub(crate) name: &'a str,
    /// The first event that the person must be sent.
    pub(crate) from: u64,
    pub(crate) devices: Vec<&'a Journal>,
}

/// Checks one member of one conversation: every device was sent one run of the log,
/// each event once, in order, and the same that all see; each next device begins no later than where the last
/// one ended. A new device may begin earlier, for the stored delivery cursor may lag behind.
pub(crate) fn check_deliveries(reader: &Reader<'_>, log: &Log) -> Result<(), Fault> {
    let conversation = log.conversation;
    let name = || reader.name.to_owned();
    let end = log.prints.len() as u64 + 1;
    // The seq that the next device must not begin after.
    let mut due = reader.from;
    for journal in &reader.devices {
        if let Some(fault) = journal.fault() {
            return Err(fault.clone());
        }
        let mut next_here = None;
        for segment in journal.segments(conversation) {
            let expected = next_here.unwrap_or(due);
            if segment.first > expected {
                let (from, to) = (expected, segment.first - 1);
                return Err(Fault::NotDelivered {
                    reader: name(),
                    conversation,
                    from,
                    to,
                });
            }
            if next_here.is_some() && segment.first < expected {
                return Err(Fault::DeliveredTwice {
                    reader: name(),
                    conversation,
                    seq: segment.first,
                });
            }
            for (seq, print) in (segment.first..).zip(&segment.prints) {
                match log.prints.get(seq as usize - 1) {
                    Some(other) if other == print || log.before.get(&seq) == Some(print) => {}
                    Some(_) => {
                        return Err(Fault::DeliveredOther {
                            reader: name(),
                            conversation,
                            seq,
                        });
                    }
                    None => {
                        return Err(Fault::DeliveredInvented {
                            reader: name(),
                            conversation,
                            seq,
                        });
                    }
                }
            }
            next_here = Some(segment.next());
        }
        due = due.max(next_here.unwrap_or(0));
    }
    if due < end {
        return Err(Fault::NotDelivered {
            reader: name(),
            conversation,
            from: due,
            to: end - 1,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tidings_protocol::{Event, EventKind, Gap, RawValue, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::checker::event_print;

    const ROOM: Uuid = Uuid::from_u128(7);

    fn event(seq: u64) -> Event {
        Event {
            conversation: ROOM,
            seq,
            kind: EventKind::MessageSent,
            actor: Uuid::nil(),
            at: Timestamp::from_millis(0).unwrap(),
            data: RawValue::from_string(format!(r#"{{"text":"{seq}"}}"#)).unwrap(),
        }
    }

    fn journal(seqs: impl IntoIterator<Item = u64>) -> Journal {
        let mut journal = Journal::new("ann");
        for seq in seqs {
            journal.record(&event(seq));
        }
        journal
    }

    fn check(devices: &[Journal], head: u64) -> Result<(), Fault> {
        let prints = (1..=head).map(|seq| event_print(&event(seq))).collect();
        let log = Log {
            conversation: ROOM,
            prints,
            ..Log::default()
        };
        check_deliveries(
            &Reader {
                name: "ann",
                from: 1,
                devices: devices.iter().collect(),
            },
            &log,
        )
    }

    #[test]
    fn one_device_that_was_sent_all_passes() {
        assert_eq!(check(&[journal(1..=9)], 9), Ok(()));
    }

    #[test]
    fn a_new_device_may_begin_where_the_last_ended_or_before() {
        assert_eq!(check(&[journal(1..=5), journal(6..=9)], 9), Ok(()));
        assert_eq!(check(&[journal(1..=5), journal(4..=9)], 9), Ok(()));
        assert_eq!(check(&[journal(1..=9), journal([])], 9), Ok(()));
    }

    #[test]
    fn a_loss_is_found_at_the_start_between_devices_and_at_the_end() {
        let lost = |from, to| {
            Err(Fault::NotDelivered {
                reader: "ann".to_owned(),
                conversation: ROOM,
                from,
                to,
            })
        };
        assert_eq!(check(&[journal(2..=9)], 9), lost(1, 1));
        assert_eq!(check(&[journal(1..=5), journal(8..=9)], 9), lost(6, 7));
        assert_eq!(check(&[journal(1..=8)], 9), lost(9, 9));
        assert_eq!(check(&[journal([])], 9), lost(1, 9));
    }

    #[test]
    fn a_skip_a_repeat_and_a_swap_are_found() {
        for seqs in [[1, 2, 4], [1, 2, 2], [1, 3, 2]] {
            let result = check(&[journal(seqs)], 4);
            assert!(
                matches!(result, Err(Fault::DeliveredOutOfOrder { .. })),
                "{seqs:?} {result:?}"
            );
        }
    }

    #[test]
    fn another_event_at_a_seq_is_found() {
        let mut journal = journal(1..=3);
        let mut other = event(4);
        other.actor = ROOM;
        journal.record(&other);
        assert!(matches!(
            check(&[journal], 4),
            Err(Fault::DeliveredOther { seq: 4, .. })
        ));
    }

    #[test]
    fn what_was_recalled_may_have_been_shown_as_it_was_before() {
        let mut log = Log {
            conversation: ROOM,
            prints: (1..=4).map(|seq| event_print(&event(seq))).collect(),
            ..Log::default()
        };
        log.prints[3] = 7;
        let journal = journal(1..=4);
        let check = |log: &Log| {
            let (name, devices) = ("ann", vec![&journal]);
            let reader = Reader {
                name,
                from: 1,
                devices,
            };
            check_deliveries(&reader, log)
        };
        assert!(matches!(check(&log), Err(Fault::DeliveredOther { seq: 4, .. })));
        log.before.insert(4, event_print(&event(4)));
        assert_eq!(check(&log), Ok(()));
    }

    #[test]
    fn an_event_that_the_log_does_not_have_is_found() {
        assert!(matches!(
            check(&[journal(1..=5)], 4),
            Err(Fault::DeliveredInvented { seq: 5, .. })
        ));
    }

    #[test]
    fn a_gap_of_catching_up_must_be_fetched_in_full() {
        let mut journal = journal(1..=3);
        journal.gap(
            Gap {
                conversation: ROOM,
                from: 4,
                to: 6,
            },
            true,
        );
        for seq in 7..=9 {
            journal.record(&event(seq));
        }
        journal.fetched(ROOM, &[event(4), event(5)]);
        journal.record(&event(10));
        assert!(matches!(
            check(std::slice::from_ref(&journal), 10),
            Err(Fault::NotDelivered { from: 6, to: 6, .. })
        ));
        journal.fetched(ROOM, &[event(6)]);
        assert_eq!(check(std::slice::from_ref(&journal), 10), Ok(()));
        journal.fetched(ROOM, &[event(6)]);
        assert!(matches!(
            check(std::slice::from_ref(&journal), 10),
            Err(Fault::DeliveredTwice { seq: 6, .. })
        ));
    }

    #[test]
    fn a_gap_in_live_traffic_is_a_fault() {
        let mut journal = journal(1..=3);
        journal.gap(
            Gap {
                conversation: ROOM,
                from: 4,
                to: 6,
            },
            false,
        );
        assert!(matches!(
            check(&[journal], 6),
            Err(Fault::GapWhileLive { from: 4, to: 6, .. })
        ));
    }
}
