//! What frames are made of: how it is written, read and compared.

use std::collections::BTreeSet;

use tidings_protocol::{
    CloseCode, ErrorCode, Event, EventKind, EventRef, Position, RawValue, Resume, ServerFrame, Timestamp,
    encode_events,
};
use uuid::Uuid;

const ID: &str = "01990000-0000-7000-8000-00000000000a";

#[test]
fn cursors_are_written_and_read_back_whichever_there_are() {
    let conversation: Uuid = ID.parse().unwrap();
    for (conversations, notices, text) in [
        (vec![], None, "{}".to_owned()),
        (vec![], Some(4), r#"{"self":4}"#.to_owned()),
        (vec![(conversation, 0)], None, format!(r#"{{"{ID}":0}}"#)),
        (
            vec![(conversation, 7)],
            Some(0),
            format!(r#"{{"{ID}":7,"self":0}}"#),
        ),
    ] {
        let resume = Resume {
            conversations: conversations.into_iter().collect(),
            notices,
        };
        assert_eq!(resume.is_empty(), text == "{}");
        assert_eq!(serde_json::to_string(&resume).unwrap(), text);
        assert_eq!(serde_json::from_str::<Resume>(&text).unwrap(), resume);
    }
    for bad in ["[]", r#"{"nobody":1}"#, r#"{"self":-1}"#, r#"{"self":null}"#] {
        assert!(serde_json::from_str::<Resume>(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_fast_encoding_of_an_event_equals_the_derived_one() {
    let id: Uuid = ID.parse().unwrap();
    let at = Timestamp::from_millis(1_795_449_600_000).unwrap();
    let data = r#"{"message":"01990000-0000-7000-8000-00000000000a"}"#;
    let kind = EventKind::MessageRecalled;
    let fast = EventRef {
        conversation: id,
        seq: 9,
        kind: kind.as_str(),
        actor: id,
        at,
        data,
    }
    .encode();
    let event = Event {
        conversation: id,
        seq: 9,
        kind,
        actor: id,
        at,
        data: RawValue::from_string(data.into()).unwrap(),
    };
    let derived = serde_json::to_string(&event).unwrap();
    assert_eq!(String::from_utf8(fast.clone()).unwrap(), derived);

    for count in 0..3 {
        let next = (count == 0).then_some(4502);
        let text = encode_events(id, id, std::iter::repeat_n(&fast[..], count), count == 1, next);
        let Some(ServerFrame::Events(events)) = ServerFrame::parse(str::from_utf8(&text).unwrap()).unwrap()
        else {
            panic!("not events")
        };
        assert_eq!(events.events, vec![event.clone(); count]);
        assert_eq!((events.more, events.next), (count == 1, next));
    }
}

#[test]
fn events_are_the_same_where_all_of_them_is() {
    let id: Uuid = ID.parse().unwrap();
    let event = Event {
        conversation: id,
        seq: 9,
        kind: EventKind::MemberLeft,
        actor: id,
        at: Timestamp::from_millis(1_000).unwrap(),
        data: RawValue::from_string("{}".into()).unwrap(),
    };
    assert_eq!(event.clone(), event);
    let others: [fn(&mut Event); 6] = [
        |event| event.conversation = Uuid::nil(),
        |event| event.seq += 1,
        |event| event.kind = EventKind::MessageSent,
        |event| event.actor = Uuid::nil(),
        |event| event.at = Timestamp::from_millis(1_001).unwrap(),
        |event| event.data = RawValue::from_string("[]".into()).unwrap(),
    ];
    for (index, change) in others.into_iter().enumerate() {
        let mut other = event.clone();
        change(&mut other);
        assert_ne!(other, event, "{index}");
    }
}

#[test]
fn a_moment_is_as_many_milliseconds_as_it_was_made_of() {
    for (millis, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_795_449_600_123, "2026-11-23T16:00:00.123Z"),
    ] {
        let at = Timestamp::from_millis(millis).unwrap();
        assert_eq!((at.millis(), at.to_string()), (millis, text.to_owned()));
        assert_eq!(
            serde_json::from_str::<Timestamp>(&format!("\"{text}\"")).unwrap(),
            at
        );
    }
    assert!(Timestamp::from_millis(i64::MAX).is_none());
    let elsewhere = serde_json::from_str::<Timestamp>(r#""1970-01-01T02:00:00+02:00""#).unwrap();
    assert_eq!(elsewhere.millis(), 0);
}

#[test]
fn positions_are_written_lane_colon_pos() {
    assert_eq!("3:42".parse(), Ok(Position { lane: 3, pos: 42 }));
    assert_eq!(Position { lane: 3, pos: 42 }.to_string(), "3:42");
    for text in [
        "", ":", "3", "3:", ":4", "+3:4", "3:-4", "a:b", "99999:1", "1:2:3",
    ] {
        assert!(text.parse::<Position>().is_err(), "{text}");
    }
}

#[test]
fn codes_are_stable() {
    let names = [
        "invalid_frame",
        "unknown_type",
        "invalid_argument",
        "unauthenticated",
        "forbidden",
        "not_found",
        "not_a_member",
        "conflict",
        "too_large",
        "rate_limited",
        "overloaded",
        "unavailable",
    ];
    assert_eq!(ErrorCode::ALL.map(|code| code.to_string()), names);
    for (code, name) in ErrorCode::ALL.into_iter().zip(names) {
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{name}\""));
        assert_eq!(
            code.retryable(),
            ["rate_limited", "overloaded", "unavailable"].contains(&name)
        );
    }
    let numbers = [4000, 4001, 4002, 4003, 4029, 4500, 4501, 4503, 1009];
    assert_eq!(CloseCode::ALL.map(CloseCode::code), numbers);
    for code in CloseCode::ALL {
        let reconnect = !matches!(code.code(), 4500..=4999 | 1009);
        assert_eq!(code.reconnect(), reconnect, "{code:?}");
        assert_eq!(CloseCode::from_code(code.code()), Some(code));
        assert!((1..=123).contains(&code.reason().len()), "{code:?}");
    }
    let reasons: BTreeSet<_> = CloseCode::ALL.into_iter().map(CloseCode::reason).collect();
    assert_eq!(reasons.len(), CloseCode::ALL.len());
    assert_eq!(CloseCode::from_code(4999), None);
    // Numbers of others: what blames the client is final, and nothing else.
    for (code, reconnects) in [
        (1000, true),
        (1001, true),
        (1002, false),
        (1003, false),
        (1006, true),
        (1007, false),
        (1008, false),
        (1009, false),
        (1011, true),
        (4499, true),
        (4500, false),
        (4999, false),
        (5000, true),
    ] {
        assert_eq!(CloseCode::reconnects(code), reconnects, "{code}");
    }
}
