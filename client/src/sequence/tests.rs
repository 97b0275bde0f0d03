use super::*;
use tidings_protocol::{EventKind, RawValue, Timestamp};

const ROOM: Uuid = Uuid::from_u128(7);

fn event(seq: u64) -> Event {
    Event {
        conversation: ROOM,
        seq,
        kind: EventKind::MessageSent,
        actor: Uuid::nil(),
        at: Timestamp::from_millis(0).unwrap(),
        data: RawValue::from_string("{}".to_owned()).unwrap(),
    }
}

fn queue() -> Queue {
    Queue::new(1, 1 << 20).0
}

fn answer(seqs: impl IntoIterator<Item = u64>, more: bool) -> Events {
    Events {
        id: Uuid::nil(),
        conversation: ROOM,
        events: seqs.into_iter().map(event).collect(),
        more,
        next: None,
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "compared with what the sequencer answers"
)]
fn missing(from: u64, limit: u32) -> Option<Missing> {
    Some(Missing {
        conversation: ROOM,
        from,
        limit,
    })
}

fn sequencer(cursor: u64) -> Sequencer {
    Sequencer::new(
        &Resume {
            conversations: [(ROOM, cursor)].into(),
            notices: None,
        },
        Arc::default(),
    )
}

/// What was put out: events as their seq, gaps as `from..to`.
fn shown(out: &mut Queue) -> Vec<String> {
    std::iter::from_fn(|| out.pop())
        .map(|waiting| match waiting.incoming {
            Incoming::Event(event) => event.seq.to_string(),
            Incoming::Gap(gap) => format!("{}..{}", gap.from, gap.to),
            Incoming::Rewound { to, .. } => format!("back to {to}"),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn repeats_are_dropped_and_the_first_of_an_unknown_conversation_is_taken() {
    let mut sequencer = Sequencer::new(&Resume::default(), Arc::default());
    let mut out = queue();
    for seq in [5, 5, 4, 6, 5, 7] {
        assert_eq!(sequencer.event(event(seq), &mut out), None);
    }
    assert_eq!(shown(&mut out), ["5", "6", "7"]);
    assert_eq!(sequencer.resume().conversations[&ROOM], 7);
}

#[test]
fn a_conversation_that_begins_before_the_cursor_has_gone_back_and_is_shown_from_there() {
    let mut sequencer = sequencer(5);
    let mut out = queue();
    for seq in [3, 3, 4] {
        assert_eq!(sequencer.event(event(seq), &mut out), None);
    }
    assert_eq!(shown(&mut out), ["back to 2", "3", "4"]);
    // Within a connection it is a repeat.
    sequencer.event(event(2), &mut out);
    assert!(!out.is_waiting());
    sequencer.connection_lost();
    sequencer.event(event(1), &mut out);
    sequencer.event(event(2), &mut out);
    assert_eq!(shown(&mut out), ["back to 0", "1", "2"]);
    assert_eq!(sequencer.counts.repeats.load(Ordering::Relaxed), 2);
}

#[test]
fn of_more_cursors_than_servers_take_those_that_moved_last_are_named() {
    let ids = 0..CURSORS_MAX as u128 + 2;
    let resume = Resume {
        conversations: ids.map(|id| (Uuid::from_u128(id), 1)).collect(),
        notices: Some(4),
    };
    assert!(resume.conversations.contains_key(&ROOM));
    let mut sequencer = Sequencer::new(&resume, Arc::default());
    // The oldest of those that have not moved since are left out.
    sequencer.event(event(2), &mut queue());
    sequencer.gap(
        Gap {
            conversation: Uuid::nil(),
            from: 2,
            to: 9,
        },
        &mut queue(),
    );
    let resumed = sequencer.resume();
    assert_eq!(
        (resumed.conversations.len(), resumed.notices),
        (CURSORS_MAX, Some(4))
    );
    let cursor = |id| resumed.conversations.get(&Uuid::from_u128(id)).copied();
    assert_eq!(resumed.conversations[&ROOM], 2);
    assert_eq!([0, 1, 2, 3].map(cursor), [Some(9), None, None, Some(1)]);
}

/// One cursor more than servers take, each at 3, on a connection. Where none has moved, the least id is left out.
fn one_unnamed() -> Sequencer {
    let ids = 0..=CURSORS_MAX as u128;
    let resume = Resume {
        conversations: ids.map(|id| (Uuid::from_u128(id), 3)).collect(),
        notices: Some(3),
    };
    let mut sequencer = Sequencer::new(&resume, Arc::default());
    assert!(!sequencer.resume().conversations.contains_key(&Uuid::nil()));
    sequencer
}

fn event_of(conversation: u128, seq: u64) -> Event {
    Event {
        conversation: Uuid::from_u128(conversation),
        ..event(seq)
    }
}

#[test]
fn what_comes_again_of_a_cursor_that_was_not_named_is_dropped() {
    let mut sequencer = one_unnamed();
    let mut out = queue();
    for seq in [2, 3, 4] {
        assert_eq!(sequencer.event(event_of(0, seq), &mut out), None);
    }
    sequencer.event(event_of(1, 2), &mut out);
    assert_eq!(shown(&mut out), ["4", "back to 1", "2"]);
    assert_eq!(sequencer.counts.repeats.load(Ordering::Relaxed), 0);
    // It has moved since, and is named on the next connection.
    sequencer.connection_lost();
    assert_eq!(sequencer.resume().conversations[&Uuid::nil()], 4);
    sequencer.event(event_of(0, 4), &mut out);
    assert_eq!(shown(&mut out), ["back to 3", "4"]);
}

#[test]
fn where_the_log_has_gone_back_what_was_not_named_may_have_too_and_is_shown() {
    let named = Some(Uuid::from_u128(1));
    for said in [named, None] {
        let mut sequencer = one_unnamed();
        let mut out = queue();
        sequencer.rewind(said, 1, &mut out);
        for seq in [3, 4] {
            assert_eq!(sequencer.event(event_of(0, seq), &mut out), None);
        }
        assert_eq!(shown(&mut out), ["back to 1", "back to 2", "3", "4"]);
    }
    // So it is where a gap comes first.
    let mut sequencer = one_unnamed();
    let mut out = queue();
    sequencer.rewind(named, 1, &mut out);
    let gap = Gap {
        conversation: Uuid::nil(),
        from: 1,
        to: 2,
    };
    assert_eq!(sequencer.gap(gap, &mut out), None);
    sequencer.event(event_of(0, 3), &mut out);
    assert_eq!(shown(&mut out), ["back to 1", "back to 0", "1..2", "3"]);
    // What has not gone back is none of that.
    sequencer.event(event_of(2, 4), &mut out);
    assert_eq!(shown(&mut out), ["4"]);
    // It may come on a later connection.
    let mut sequencer = one_unnamed();
    sequencer.rewind(named, 1, &mut out);
    for _ in 0..2 {
        sequencer.connection_lost();
        sequencer.resume();
    }
    for seq in [3, 3, 4] {
        sequencer.event(event_of(0, seq), &mut out);
    }
    assert_eq!(shown(&mut out), ["back to 1", "back to 2", "3", "4"]);
}

#[test]
fn where_none_of_many_can_be_shown_a_gap_says_so_and_the_rest_is_asked_for() {
    let mut sequencer = sequencer(2);
    let mut out = queue();
    let none = |next| Events {
        next: Some(next),
        ..answer([], true)
    };
    assert_eq!(sequencer.event(event(6000), &mut out), missing(3, 1000));
    assert_eq!(sequencer.filled(none(4504), 3, &mut out), missing(4504, 1000));
    assert_eq!(
        sequencer.filled(answer([5998], true), 4504, &mut out),
        missing(5999, 1)
    );
    assert_eq!(sequencer.filled(none(6000), 5999, &mut out), None);
    let expected = ["3..4503", "4504..5997", "5998", "5999..5999", "6000"];
    assert_eq!(shown(&mut out), expected);
    // The log has gone back meanwhile: nothing is asked for any more.
    assert_eq!(sequencer.event(event(6003), &mut out), missing(6001, 2));
    sequencer.rewind(Some(ROOM), 5000, &mut out);
    assert_eq!(sequencer.filled(none(6003), 6001, &mut out), None);
    assert_eq!(shown(&mut out), ["back to 5000"]);
    assert_eq!(sequencer.resume().conversations[&ROOM], 5000);
}

#[test]
fn a_hole_is_fetched_once_and_later_events_wait_for_it() {
    let mut sequencer = sequencer(2);
    let mut out = queue();
    assert_eq!(sequencer.event(event(5), &mut out), missing(3, 2));
    assert_eq!(sequencer.event(event(6), &mut out), None);
    assert_eq!(sequencer.event(event(8), &mut out), None);
    assert!(!out.is_waiting());
    assert_eq!(sequencer.filled(answer(3..=4, true), 3, &mut out), missing(7, 1));
    assert_eq!(shown(&mut out), ["3", "4", "5", "6"]);
    assert_eq!(sequencer.filled(answer(7..=9, false), 7, &mut out), None);
    assert_eq!(sequencer.event(event(9), &mut out), None);
    assert_eq!(sequencer.event(event(10), &mut out), None);
    assert_eq!(shown(&mut out), ["7", "8", "9", "10"]);
}

#[test]
fn the_missing_event_may_come_by_itself() {
    let mut sequencer = sequencer(2);
    let mut out = queue();
    assert!(sequencer.event(event(4), &mut out).is_some());
    assert_eq!(sequencer.event(event(3), &mut out), None);
    assert_eq!(shown(&mut out), ["3", "4"]);
    assert_eq!(sequencer.filled(answer(3..=4, false), 3, &mut out), None);
    assert!(!out.is_waiting());
}

#[test]
fn what_the_server_does_not_have_becomes_a_gap() {
    let mut sequencer = sequencer(2);
    let mut out = queue();
    assert!(sequencer.event(event(9), &mut out).is_some());
    assert!(sequencer.filled(answer(6..=7, true), 3, &mut out).is_some());
    assert_eq!(shown(&mut out), ["3..5", "6", "7"]);
    assert_eq!(sequencer.filled(answer([], false), 8, &mut out), None);
    assert_eq!(shown(&mut out), ["8..8", "9"]);

    assert!(sequencer.event(event(11), &mut out).is_some());
    assert_eq!(sequencer.unfillable(ROOM, 10, &mut out), None);
    assert_eq!(shown(&mut out), ["10..10", "11"]);
}

/// A queue with room for so many of these events, and nothing else.
fn small_queue(events: usize) -> Queue {
    Queue::new(1, events * (size_of::<Event>() + 2)).0
}

#[test]
fn what_there_is_no_room_for_is_asked_for_again_when_there_is() {
    let mut sequencer = sequencer(0);
    let mut out = small_queue(4);
    for seq in 1..=9 {
        assert_eq!(sequencer.event(event(seq), &mut out), None);
    }
    assert_eq!(shown(&mut out), ["1", "2", "3", "4"]);
    assert!(sequencer.is_behind() && !sequencer.is_whole());
    assert_eq!(sequencer.resume().conversations[&ROOM], 4);
    assert_eq!(sequencer.resumed(), missing(5, 5));
    // There is room for four again, but five are answered: the last is put off once more.
    assert_eq!(sequencer.filled(answer(5..=9, false), 5, &mut out), None);
    assert_eq!(shown(&mut out), ["5", "6", "7", "8"]);
    assert_eq!(sequencer.resumed(), missing(9, 1));
    assert_eq!(sequencer.filled(answer(9..=9, false), 9, &mut out), None);
    assert_eq!(sequencer.event(event(10), &mut out), None);
    assert_eq!(shown(&mut out), ["9", "10"]);
    assert!(!sequencer.is_behind() && sequencer.is_whole());
    let counts = &sequencer.counts;
    assert_eq!(counts.holes.load(Ordering::Relaxed), 0, "nothing was wrong");
    assert_eq!(counts.repeats.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_held_behind_a_hole_makes_way_for_what_fills_it() {
    let mut sequencer = sequencer(0);
    let mut out = small_queue(2);
    assert_eq!(sequencer.event(event(2), &mut out), missing(1, 1));
    assert_eq!(sequencer.event(event(3), &mut out), None);
    assert_eq!(sequencer.event(event(4), &mut out), None);
    assert_eq!(sequencer.filled(answer([1], true), 1, &mut out), None);
    assert!(shown(&mut out).is_empty());
    assert_eq!(sequencer.resumed(), missing(1, 4));
}

#[test]
fn what_came_by_itself_while_it_was_fetched_is_no_gap() {
    let mut sequencer = sequencer(3);
    let mut out = small_queue(2);
    assert_eq!(sequencer.event(event(5), &mut out), missing(4, 1));
    assert_eq!(sequencer.event(event(4), &mut out), None);
    assert_eq!(
        sequencer.event(event(6), &mut out),
        None,
        "there is no room for it"
    );
    assert_eq!(sequencer.filled(answer([4], true), 4, &mut out), None);
    assert_eq!(shown(&mut out), ["4", "5"]);
    assert_eq!(sequencer.resumed(), missing(6, 1));
}

#[test]
fn all_that_was_missed_is_there_only_when_what_was_put_off_is() {
    let mut sequencer = sequencer(0);
    let mut out = small_queue(2);
    for seq in 1..=3 {
        sequencer.event(event(seq), &mut out);
    }
    sequencer.all_sent();
    assert!(!sequencer.has_caught_up());
    shown(&mut out);
    assert!(sequencer.resumed().is_some());
    sequencer.filled(answer([3], false), 3, &mut out);
    assert!(sequencer.has_caught_up());
    assert!(!sequencer.has_caught_up(), "it is said once");
}

#[test]
fn a_gap_that_begins_too_late_is_a_hole_before_it() {
    let mut sequencer = sequencer(10);
    let mut out = queue();
    let gap = Gap {
        conversation: ROOM,
        from: 15,
        to: 30,
    };
    assert_eq!(sequencer.gap(gap, &mut out), missing(11, 4));
    assert_eq!(sequencer.event(event(31), &mut out), None);
    assert_eq!(sequencer.filled(answer(11..=14, true), 11, &mut out), None);
    assert_eq!(shown(&mut out), ["11", "12", "13", "14", "15..30", "31"]);
    assert_eq!(sequencer.counts.holes.load(Ordering::Relaxed), 1);
    let hole = sequencer.counts.last_hole.lock().unwrap().unwrap();
    assert_eq!((hole.conversation, hole.from, hole.to), (ROOM, 11, 14));
}

#[test]
fn a_log_that_went_back_takes_the_cursor_with_it() {
    let mut sequencer = sequencer(10);
    let mut out = queue();
    sequencer.rewind(Some(ROOM), 4, &mut out);
    sequencer.rewind(Some(ROOM), 4, &mut out);
    sequencer.event(event(5), &mut out);
    assert_eq!(shown(&mut out), ["back to 4", "5"]);
    assert_eq!(sequencer.resume().conversations[&ROOM], 5);
}

#[test]
fn a_log_that_has_nothing_for_the_user_may_begin_anywhere() {
    let mut sequencer = sequencer(11);
    let mut out = queue();
    sequencer.rewind(Some(ROOM), 0, &mut out);
    assert!(sequencer.resume().conversations.is_empty());
    for seq in [20, 21] {
        assert_eq!(sequencer.event(event(seq), &mut out), None);
    }
    assert_eq!(shown(&mut out), ["back to 0", "20", "21"]);
    assert_eq!(sequencer.counts.holes.load(Ordering::Relaxed), 0);
}

#[test]
fn a_gap_moves_the_cursor_and_is_told() {
    let mut sequencer = sequencer(17);
    let mut out = queue();
    sequencer.gap(
        Gap {
            conversation: ROOM,
            from: 18,
            to: 5230,
        },
        &mut out,
    );
    sequencer.event(event(5231), &mut out);
    sequencer.gap(
        Gap {
            conversation: ROOM,
            from: 18,
            to: 5230,
        },
        &mut out,
    );
    assert_eq!(shown(&mut out), ["18..5230", "5231"]);
}

#[test]
fn a_lost_connection_forgets_what_was_held_and_keeps_the_cursor() {
    let mut sequencer = sequencer(2);
    let mut out = queue();
    sequencer.event(event(5), &mut out);
    sequencer.connection_lost();
    assert_eq!(sequencer.resume().conversations[&ROOM], 2);
    for seq in 3..=5 {
        assert_eq!(sequencer.event(event(seq), &mut out), None);
    }
    assert_eq!(shown(&mut out), ["3", "4", "5"]);
}
