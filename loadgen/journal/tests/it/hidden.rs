//! What people hide from themselves is withheld where they fetch it, counts for them no more, and is nobody else's affair.

use std::collections::BTreeMap;

use tidings_journal::{Counterexample, Export, Fault, Journal, Kind, Logged, Record, Summary, Via, check};
use uuid::Uuid;

const MESSAGE: Uuid = Uuid::from_u128(1);
const REPLY: Uuid = Uuid::from_u128(2);

/// Ann says something to Ben, and something more in a thread below it.
fn log() -> Vec<Logged> {
    let event = |seq, kind, id: Option<Uuid>| Logged {
        conversation: "c".to_owned(),
        seq,
        kind,
        actor: "ann".to_owned(),
        id,
        digest: seq * 10,
        whole: None,
        of: None,
        withheld: false,
        stored: None,
        users: vec![],
    };
    vec![
        Logged {
            users: vec!["ann".to_owned(), "ben".to_owned()],
            digest: 0,
            ..event(1, Kind::Joined, None)
        },
        event(2, Kind::Message, Some(MESSAGE)),
        event(3, Kind::Reply, Some(REPLY)),
    ]
}

fn shown(at: u64, seq: u64, withheld: bool, via: Via) -> Record {
    Record::Delivered {
        at,
        conversation: "c".to_owned(),
        seq: Some(seq),
        id: [None, Some(MESSAGE), Some(REPLY)][seq as usize - 1],
        digest: if withheld || seq == 1 { 0 } else { seq * 10 },
        whole: None,
        withheld,
        via,
    }
}

fn journal(user: &str, records: Vec<Record>) -> Journal {
    let (user, device) = (user.to_owned(), "phone".to_owned());
    Journal {
        user,
        device,
        records,
    }
}

fn came(at: u64) -> Vec<Record> {
    let resume = BTreeMap::new();
    vec![
        Record::Connecting { at },
        Record::Connected { at: at + 1, resume },
        shown(at + 2, 1, false, Via::CatchUp),
        Record::Synced { at: at + 3 },
    ]
}

/// Ann says her lines at 20 and 30.
fn ann() -> Journal {
    let mut records = came(10);
    for (at, id, seq) in [(20, MESSAGE, 2), (30, REPLY, 3)] {
        let conversation = "c".to_owned();
        let digest = seq * 10;
        records.extend([
            Record::Send {
                at,
                id,
                conversation,
                digest,
            },
            Record::Ack {
                at: at + 1,
                id,
                seq: Some(seq),
                stored: None,
            },
            shown(at + 2, seq, false, Via::Live),
        ]);
    }
    records.push(Record::End { at: 900 });
    journal("ann", records)
}

/// Ben is shown all of it, does this with it at 100, and fetches the message once more at 200.
fn ben(hides: Vec<Record>, withheld: bool, via: Via) -> Journal {
    let mut records = came(11);
    records.extend([2, 3].map(|seq| shown(20 + seq * 10, seq, false, Via::Live)));
    records.extend(hides);
    records.push(shown(200, 2, withheld, via));
    records.push(Record::End { at: 900 });
    journal("ben", records)
}

fn hidden(messages: Vec<Uuid>) -> Record {
    Record::Hidden {
        at: 101,
        asked: 100,
        conversation: "c".to_owned(),
        messages,
    }
}

fn cleared(seq: u64) -> Record {
    Record::Cleared {
        at: 101,
        asked: 100,
        conversation: "c".to_owned(),
        seq,
    }
}

fn blocked(user: &str, on: bool) -> Record {
    Record::Blocked {
        at: 103 - u64::from(on),
        asked: 102 - u64::from(on),
        user: user.to_owned(),
        on,
    }
}

fn judged(ben: Journal, unread: u64) -> Result<Summary, Counterexample> {
    let (at, conversation) = (500, "c".to_owned());
    let count = Record::Unread {
        at,
        conversation,
        count: unread,
    };
    let mut list = journal("ben", vec![count, Record::End { at }]);
    "list".clone_into(&mut list.device);
    check(&[ann(), ben, list], &log().into_iter().collect::<Export>())
}

#[test]
fn what_somebody_hides_or_clears_is_withheld_where_they_fetch_it() {
    let summary = judged(ben(vec![hidden(vec![MESSAGE])], true, Via::Fetch), 0).unwrap();
    assert_eq!((summary.withheld, summary.hidden), (1, 1));
    judged(ben(vec![cleared(2)], true, Via::Fetch), 0).unwrap();
    // For a moment perhaps with its words.
    judged(ben(vec![hidden(vec![MESSAGE])], false, Via::Fetch), 0).unwrap();
}

#[test]
fn nothing_else_is_withheld() {
    let fault = |hides, via| judged(ben(hides, true, via), 1).unwrap_err().counts;
    assert!(fault(vec![], Via::Fetch).contains_key(&Fault::ShownOther));
    assert!(fault(vec![hidden(vec![REPLY])], Via::Fetch).contains_key(&Fault::ShownOther));
    assert!(fault(vec![cleared(1)], Via::Fetch).contains_key(&Fault::ShownOther));
    let early = Record::Hidden {
        at: 301,
        asked: 300,
        conversation: "c".to_owned(),
        messages: vec![MESSAGE],
    };
    assert!(fault(vec![early], Via::Fetch).contains_key(&Fault::ShownOther));
    // What comes by itself comes as it is.
    let by_itself = fault(vec![hidden(vec![MESSAGE])], Via::Live);
    assert!(by_itself.contains_key(&Fault::ShownOther));
}

#[test]
fn what_somebody_hides_clears_or_has_from_those_whom_they_block_counts_for_them_no_more() {
    for (hides, unread) in [
        (vec![], 1),
        (vec![hidden(vec![MESSAGE])], 0),
        (vec![hidden(vec![REPLY])], 1),
        (vec![cleared(1)], 1),
        (vec![cleared(3)], 0),
        (vec![blocked("ann", true)], 0),
        (vec![blocked("ann", true), blocked("ann", false)], 1),
        (vec![blocked("cy", true)], 1),
    ] {
        let ben = || ben(hides.clone(), false, Via::Fetch);
        judged(ben(), unread).unwrap();
        assert_eq!(judged(ben(), 1 - unread).unwrap_err().fault, Fault::Unread);
    }
}
