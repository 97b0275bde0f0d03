use crate::harness::*;
use chrono::DateTime;
use tidings_domain::event::{AttachmentRemoved, AttachmentStored, Registered};
use tidings_domain::{
    Content, ConversationCommand, ConversationEvent, Event, Field, FileName, Quota, Rejection, Rules, Stream,
    Usage, User, UserCommand, UserEvent, Window,
};
use uuid::Uuid;

const NOW: DateTime<chrono::Utc> = DateTime::UNIX_EPOCH;

/// An attachment that tests store.
const PICTURE: u128 = 5;
const DAY: i64 = 24 * 60 * 60;

fn image(id: u128) -> Content {
    Content::Image {
        attachment: Uuid::from_u128(id),
        caption: None,
    }
}

fn file(id: u128) -> Content {
    Content::File {
        attachment: Uuid::from_u128(id),
        caption: None,
    }
}

fn send(content: Content) -> ConversationCommand {
    ConversationCommand::SendMessage(content.into())
}

fn sent(content: Content) -> ConversationEvent {
    ConversationEvent::MessageSent(content.into())
}

#[test]
fn who_has_stored_an_attachment_sends_it_as_often_as_they_like() {
    let given = || given(group()).stored(BEN, PICTURE, true);
    given()
        .when(BEN, send(image(PICTURE)))
        .then([sent(image(PICTURE))]);
    given()
        .done(BEN, send(image(PICTURE)))
        .when(BEN, send(file(PICTURE)))
        .then([sent(file(PICTURE))]);
}

#[test]
fn what_nobody_has_stored_or_somebody_else_is_not_there() {
    let given = || given(group()).stored(ANN, PICTURE, true);
    for content in [image(PICTURE), file(PICTURE), image(6)] {
        given()
            .when(BEN, send(content))
            .refused(Rejection::NotFound(Field::Content));
    }
    given()
        .when(DAN, send(image(PICTURE)))
        .refused(Rejection::NotAMember);
}

#[test]
fn what_waited_too_long_is_gone() {
    let given = || given(group()).stored(BEN, PICTURE, true);
    given()
        .after(DAY)
        .when(BEN, send(image(PICTURE)))
        .then([sent(image(PICTURE))]);
    given()
        .after(DAY + 1)
        .when(BEN, send(image(PICTURE)))
        .refused(Rejection::NotFound(Field::Content));
    let soon = Rules {
        attach_window: Window::Seconds(60),
        ..Rules::default()
    };
    self::given(group())
        .under(soon)
        .stored(BEN, PICTURE, true)
        .after(61)
        .when(BEN, send(image(PICTURE)))
        .refused(Rejection::NotFound(Field::Content));
}

#[test]
fn only_a_picture_is_sent_as_one() {
    let given = || given(direct()).stored(BEN, 6, false);
    given().when(BEN, send(image(6))).invalid(Field::Content);
    given().when(BEN, send(file(6))).then([sent(file(6))]);
}

fn stored(size: u64) -> AttachmentStored {
    AttachmentStored {
        name: FileName::parse("a.txt").unwrap(),
        media_type: "text/plain".to_owned(),
        size,
        sha256: "00".to_owned(),
        width: None,
        height: None,
    }
}

fn store(size: u64) -> UserCommand {
    UserCommand::StoreAttachment {
        stored: stored(size),
        quota: Quota { bytes: 100, files: 3 },
    }
}

/// Somebody who has stored files of these sizes.
fn owner(sizes: &[u64]) -> User {
    let mut user = User::default();
    user.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    for size in sizes {
        user.evolve(&UserEvent::AttachmentStored(stored(*size)));
    }
    user
}

#[test]
fn a_user_stores_up_to_the_quota_and_what_is_removed_makes_room() {
    let full = Err(Rejection::TooLarge {
        field: Field::Size,
        max: 100,
    });
    assert_eq!(
        owner(&[60]).decide(store(40), NOW),
        Ok(vec![UserEvent::AttachmentStored(stored(40))])
    );
    assert_eq!(owner(&[60]).decide(store(41), NOW), full);
    assert_eq!(owner(&[1, 1, 1]).decide(store(1), NOW), full);
    assert_eq!(owner(&[60]).decide(store(u64::MAX), NOW), full);
    let mut user = owner(&[60, 20, 1]);
    let removed = AttachmentRemoved {
        attachment: Uuid::from_u128(PICTURE),
        size: 60,
    };
    let events = user
        .decide(UserCommand::RemoveAttachment(removed.clone()), NOW)
        .unwrap();
    assert_eq!(events, [UserEvent::AttachmentRemoved(removed)]);
    user.evolve(&events[0]);
    assert_eq!(user.usage(), Usage { bytes: 21, files: 2 });
    assert!(user.decide(store(79), NOW).is_ok());
    assert_eq!(user.decide(store(80), NOW), full);
}

#[test]
fn who_asks_for_room_is_told_as_who_stores_and_changes_nothing() {
    let ask = |bytes, files| UserCommand::AskRoom {
        wanted: Usage { bytes, files },
        quota: Quota { bytes: 100, files: 3 },
    };
    let full = Err(Rejection::TooLarge {
        field: Field::Size,
        max: 100,
    });
    assert_eq!(owner(&[60]).decide(ask(40, 2), NOW), Ok(vec![]));
    assert_eq!(owner(&[60]).decide(ask(41, 1), NOW), full);
    assert_eq!(owner(&[60]).decide(ask(1, 3), NOW), full);
    assert_eq!(owner(&[60]).decide(ask(u64::MAX, 1), NOW), full);
    assert_eq!(
        User::default().decide(ask(1, 1), NOW),
        Err(Rejection::NotFound(Field::User))
    );
}

#[test]
fn pictures_are_what_every_browser_shows() {
    let is_picture = |media_type: &str| {
        let media_type = media_type.to_owned();
        AttachmentStored {
            media_type,
            ..stored(1)
        }
        .is_picture()
    };
    for picture in ["image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"] {
        assert!(is_picture(picture), "{picture}");
    }
    for other in ["image/svg+xml", "image/tiff", "text/plain", "video/mp4", ""] {
        assert!(!is_picture(other), "{other}");
    }
}

#[test]
fn nobody_stores_before_they_register() {
    assert_eq!(
        User::default().decide(store(1), NOW),
        Err(Rejection::NotFound(Field::User))
    );
}

#[test]
fn what_a_user_has_stored_survives_freezing() {
    let mut stream = Stream::User(owner(&[60, 1]));
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream.clone()));
    stream.evolve(&Event::User(UserEvent::AttachmentStored(stored(7))));
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
}
