//! What the parser refuses, and how it says so.

use tidings_protocol::{
    Action, ClientFrame, ErrorCode, ErrorFrame, EventData, EventKind, Hello, ParseError, ServerFrame, parse,
    split_frame,
};

const ID: &str = "01990000-0000-7000-8000-00000000000a";

#[expect(clippy::unwrap_used, reason = "the ids are written here")]
fn invalid(id: Option<&str>, field: &'static str) -> ParseError {
    ParseError::InvalidArgument {
        id: id.map(|id| id.parse().unwrap()),
        field,
    }
}

#[test]
fn what_is_no_object_is_an_invalid_frame() {
    for text in [
        "",
        "x",
        "[]",
        "1",
        "\"a\"",
        "null",
        "{",
        r#"{"type":"ping"} x"#,
        r#"{"type":}"#,
        "{\"type\":\"\u{1}\"}",
    ] {
        assert_eq!(parse(text), Err(ParseError::InvalidFrame), "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_or_skipped_without_a_deep_stack() {
    let deep = "[".repeat(200_000);
    assert_eq!(parse(&deep), Err(ParseError::InvalidFrame));
    let closed = format!("{deep}{}", "]".repeat(200_000));
    assert_eq!(parse(&closed), Err(ParseError::InvalidFrame));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(200_000), "}".repeat(200_000));
    assert_eq!(parse(&objects), Err(invalid(None, "type")));
    assert!(parse(&format!(r#"{{"type":"ping","unknown":{closed}}}"#)).is_ok());
    for field in ["content", "conversation", "resume"] {
        let text =
            format!(r#"{{"type":"message.send","id":"{ID}","conversation":"{ID}","{field}":{closed}}}"#);
        assert!(
            matches!(parse(&text), Err(ParseError::InvalidArgument { .. })),
            "{field}"
        );
    }
}

#[test]
fn an_unknown_type_is_refused_with_the_id_where_there_is_one() {
    let id = Some(ID.parse().unwrap());
    assert_eq!(
        parse(&format!(r#"{{"id":"{ID}","type":"dance"}}"#)),
        Err(ParseError::UnknownType { id })
    );
    assert_eq!(
        parse(r#"{"type":"dance"}"#),
        Err(ParseError::UnknownType { id: None })
    );
    assert_eq!(
        parse(r#"{"type":"dance","id":7}"#),
        Err(ParseError::UnknownType { id: None })
    );
}

#[test]
fn a_bad_field_is_named() {
    let cases = [
        ("{}".to_owned(), None, "type"),
        (r#"{"type":5}"#.to_owned(), None, "type"),
        (
            format!(r#"{{"type":"group.leave","conversation":"{ID}"}}"#),
            None,
            "id",
        ),
        (
            format!(r#"{{"type":"group.leave","id":"7","conversation":"{ID}"}}"#),
            None,
            "id",
        ),
        (r#"{"type":"ping","id":[]}"#.to_owned(), None, "id"),
        (
            format!(r#"{{"type":"group.leave","id":"{ID}"}}"#),
            Some(ID),
            "conversation",
        ),
        (
            format!(r#"{{"type":"group.leave","id":"{ID}","conversation":null}}"#),
            Some(ID),
            "conversation",
        ),
        (
            format!(r#"{{"type":"read","id":"{ID}","conversation":"{ID}","seq":-1}}"#),
            Some(ID),
            "seq",
        ),
        (
            format!(r#"{{"type":"read","id":"{ID}","conversation":"{ID}","seq":1.5}}"#),
            Some(ID),
            "seq",
        ),
        (
            format!(r#"{{"type":"read","id":"{ID}","conversation":"{ID}","seq":9223372036854775808}}"#),
            Some(ID),
            "seq",
        ),
        (
            format!(r#"{{"type":"message.send","id":"{ID}","conversation":"{ID}","content":"hi"}}"#),
            Some(ID),
            "content",
        ),
        (
            format!(
                r#"{{"type":"message.send","id":"{ID}","conversation":"{ID}","content":{{"kind":"song"}}}}"#
            ),
            Some(ID),
            "content",
        ),
        (
            format!(
                r#"{{"type":"message.send","id":"{ID}","conversation":"{ID}","content":{{"kind":"text","text":"\ud800"}}}}"#
            ),
            Some(ID),
            "content",
        ),
        (
            format!(
                r#"{{"type":"message.send","id":"{ID}","conversation":"{ID}","content":{{"kind":"text","text":"a"}},"mentions":["bob"]}}"#
            ),
            Some(ID),
            "mentions",
        ),
        (
            format!(
                r#"{{"type":"group.role","id":"{ID}","conversation":"{ID}","user":"{ID}","role":"king"}}"#
            ),
            Some(ID),
            "role",
        ),
        // A setting that there is not must not be taken for one that holds.
        (
            format!(
                r#"{{"type":"group.settings","id":"{ID}","conversation":"{ID}","settings":{{"post":"admins","hats":"admins"}}}}"#
            ),
            Some(ID),
            "settings",
        ),
        (
            format!(
                r#"{{"type":"group.settings","id":"{ID}","conversation":"{ID}","settings":{{"post":"nobody"}}}}"#
            ),
            Some(ID),
            "settings",
        ),
        (
            format!(r#"{{"type":"group.settings","id":"{ID}","conversation":"{ID}","settings":[]}}"#),
            Some(ID),
            "settings",
        ),
        (
            format!(r#"{{"type":"hello","device":"{}"}}"#, "x".repeat(65)),
            None,
            "device",
        ),
        // What is sent on says what it said, and nothing else.
        (
            format!(
                r#"{{"type":"message.send","id":"{ID}","conversation":"{ID}","content":{{"kind":"text","text":"a"}},"forward":{{"conversation":"{ID}","message":"{ID}"}}}}"#
            ),
            Some(ID),
            "forward",
        ),
        (r#"{"type":"typing","on":true}"#.to_owned(), None, "conversation"),
    ];
    for (text, id, field) in cases {
        assert_eq!(parse(&text), Err(invalid(id, field)), "{text}");
    }
}

#[test]
fn a_cursor_that_cannot_be_read_counts_as_absent_and_spoils_no_other() {
    let other = "01990000-0000-7000-8000-00000000000a";
    let read = |resume: &str| {
        let text = format!(r#"{{"type":"hello","resume":{resume},"more":true}}"#);
        let Ok(ClientFrame::Hello(hello)) = parse(&text) else {
            panic!("{text}")
        };
        assert!(hello.more);
        (
            hello.resume.conversations.len(),
            hello.resume.notices,
            hello.unreadable,
        )
    };
    for bad in [
        "-4",
        "1.5",
        "\"7\"",
        "[]",
        "{}",
        "true",
        "9223372036854775808",
        "1e400",
    ] {
        let resume = format!(r#"{{"{ID}":{bad},"{other}":3,"self":4}}"#);
        assert_eq!(read(&resume), (1, Some(4), 1), "{bad}");
        assert_eq!(read(&format!(r#"{{"self":{bad}}}"#)), (0, None, 1), "{bad}");
    }
    assert_eq!(read(&format!(r#"{{"nobody":1,"{other}":3,"":2}}"#)), (1, None, 2));
    assert_eq!(read(&format!(r#"{{"{ID}":null,"self":null}}"#)), (0, None, 0));
    assert_eq!(read("null"), (0, None, 0));
    for bad in ["[]", "7", "\"x\""] {
        assert_eq!(read(bad), (0, None, 1), "{bad}");
    }
}

#[test]
fn a_device_has_a_name_of_so_many_characters() {
    let hello = |device: &str| parse(&format!(r#"{{"type":"hello","device":"{device}"}}"#));
    for device in ["", "phone", &"ä".repeat(64)] {
        let Ok(ClientFrame::Hello(read)) = hello(device) else {
            panic!("{device}")
        };
        assert_eq!(read.device.as_deref(), Some(device));
    }
    assert_eq!(hello(&"ä".repeat(65)), Err(invalid(None, "device")));
}

#[test]
fn what_is_printed_of_a_hello_holds_no_token() {
    let hello = Hello {
        token: Some("a.secret.one".to_owned()),
        device: Some("phone".to_owned()),
        ..Hello::default()
    };
    let printed = format!("{hello:?}");
    assert!(
        printed.contains("phone") && !printed.contains("secret"),
        "{printed}"
    );
}

#[test]
fn a_refusal_becomes_an_error_frame() {
    let frame = ErrorFrame::from(invalid(Some(ID), "seq"));
    assert_eq!(frame.code, ErrorCode::InvalidArgument);
    assert_eq!(frame.field.as_deref(), Some("seq"));
    assert_eq!(frame.id, Some(ID.parse().unwrap()));
    assert!(!frame.retryable);
}

#[test]
fn unknown_fields_order_white_space_escapes_and_repeats_do_not_matter() {
    let text = format!(
        " {{ \"later\" : {{\"a\":[1,{{}}]}} , \"seq\":3,\"se\\u0071\" : 4, \"conversation\":\"{ID}\",\r\t\"id\":\"{ID}\", \"type\":\"re\\u0061d\" }} "
    );
    let Ok(ClientFrame::Command(command)) = parse(&text) else {
        panic!("{:?}", parse(&text))
    };
    assert_eq!(
        command.action,
        Action::Read {
            conversation: ID.parse().unwrap(),
            seq: 4,
            thread: None,
        }
    );
}

#[test]
fn a_text_frame_is_split_at_newlines_and_blank_lines_are_skipped() {
    let lines: Vec<_> = split_frame("\n{\"a\":1}\r\n\n  \n{\"b\":2}\n").collect();
    assert_eq!(lines, [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(split_frame("").count(), 0);
}

#[test]
fn what_a_server_says_is_read_wherever_its_type_stands() {
    let event = format!(
        r#"{{"conversation":"{ID}","seq":3,"kind":"member.left","actor":"{ID}","at":"2026-11-23T16:00:00.123Z","data":{{"user":"{ID}"}},"type":"event"}}"#
    );
    let Ok(Some(ServerFrame::Event(event))) = ServerFrame::parse(&event) else {
        panic!("no event")
    };
    assert_eq!((event.seq, &event.kind), (3, &EventKind::MemberLeft));
    assert_ne!(event.decode(), EventData::Unknown);
}

#[test]
fn what_a_later_server_says_does_not_break_this_client() {
    assert!(
        ServerFrame::parse(r#"{"type":"weather","sun":true}"#)
            .unwrap()
            .is_none()
    );
    let text =
        format!(r#"{{"id":"{ID}","type":"error","code":"tired","message":"","retryable":true,"new":1}}"#);
    let Some(ServerFrame::Error(error)) = ServerFrame::parse(&text).unwrap() else {
        panic!("no error")
    };
    assert_eq!(error.code, ErrorCode::Unknown);
    assert_eq!(
        EventData::decode(&EventKind::from("poll.opened"), "{}"),
        EventData::Unknown
    );
    assert_eq!(
        EventData::decode(&EventKind::MessageSent, r#"{"content":7}"#),
        EventData::Unknown
    );
}
