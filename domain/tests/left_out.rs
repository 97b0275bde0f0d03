//! A process that takes a kind for unknown. It does so for all of its life, so this test has one to itself.

use tidings_domain::stored::{DecodeError, Kind, decode, leave_out};

#[test]
fn a_kind_that_is_left_out_is_unknown_and_no_other_is() {
    let read = |kind: Kind| {
        let moved = r#"{"read":{},"delivered":{}}"#;
        let payload = if kind == Kind::CURSORS_MOVED {
            moved
        } else {
            r#"{"name":"Tea"}"#
        };
        decode(kind.0, 1, payload.as_bytes())
    };
    leave_out(vec![Kind::CURSORS_MOVED]);
    assert!(matches!(
        read(Kind::CURSORS_MOVED),
        Err(DecodeError::UnknownKind(65))
    ));
    assert_eq!(
        (Kind::CURSORS_MOVED.name(), Kind::by_name("cursors.moved")),
        (None, None)
    );
    assert!(read(Kind::GROUP_RENAMED).is_ok());

    // What was said first counts.
    leave_out(vec![Kind::GROUP_RENAMED]);
    assert!(read(Kind::CURSORS_MOVED).is_err() && read(Kind::GROUP_RENAMED).is_ok());
}
