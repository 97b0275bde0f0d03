//! What people show of themselves, and what they want of others.

use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::event::{Avatar, ProfileUpdated, Registered, SettingsUpdated};
use tidings_domain::{
    About, Attachment, Audience, CommandId, DigestKey, DisplayName, Event, Facts, Field, Rejection, Rules,
    Stream, StreamCommand, User, UserCommand, UserEvent, UserId,
};
use uuid::Uuid;

const ANN: UserId = UserId(Uuid::from_u128(1));
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn ann() -> User {
    let mut ann = User::default();
    ann.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    ann
}

fn profile(name: &str, avatar: Option<Avatar>) -> ProfileUpdated {
    ProfileUpdated {
        display_name: DisplayName::parse(name).ok(),
        about: About::parse("from Turin").ok(),
        avatar,
    }
}

fn update(profile: ProfileUpdated) -> StreamCommand {
    StreamCommand::User {
        user: ANN,
        id: CommandId(Uuid::from_u128(5)),
        command: UserCommand::UpdateProfile(profile),
    }
}

/// What Ann's stream makes of a command, when she has stored a picture and a text a day ago, and Bea a picture.
fn decide(profile: ProfileUpdated, now: DateTime<Utc>) -> Result<Vec<Event>, Rejection> {
    let mut facts = Facts::under(Rules::default());
    for (owner, id, is_picture) in [
        (ANN, 7, true),
        (ANN, 8, false),
        (UserId(Uuid::from_u128(2)), 9, true),
    ] {
        let attachment = Attachment { at: NOW, is_picture };
        facts.add_attachment(owner, Uuid::from_u128(id), attachment);
    }
    Stream::User(ann()).decide(&update(profile), &facts, now)
}

#[test]
fn somebody_shows_another_name_and_picture() {
    for avatar in [None, Some(Avatar(None)), Some(Avatar(Some(Uuid::from_u128(7))))] {
        let wanted = profile("Ann B.", avatar);
        assert_eq!(
            decide(wanted.clone(), NOW),
            Ok(vec![UserEvent::ProfileUpdated(wanted).into()])
        );
    }
}

#[test]
fn who_names_nothing_changes_nothing() {
    assert_eq!(decide(ProfileUpdated::default(), NOW), Ok(vec![]));
    let settings = UserCommand::UpdateSettings(SettingsUpdated::default());
    assert_eq!(ann().decide(settings, NOW), Ok(vec![]));
}

#[test]
fn a_picture_is_one_that_the_user_has_stored_not_long_ago() {
    let avatar = |id| profile("Ann", Some(Avatar(Some(Uuid::from_u128(id)))));
    let missing = Err(Rejection::NotFound(Field::Avatar));
    assert_eq!(decide(avatar(6), NOW), missing);
    assert_eq!(decide(avatar(9), NOW), missing);
    assert_eq!(decide(avatar(7), NOW + TimeDelta::days(2)), missing);
    assert_eq!(
        decide(avatar(8), NOW),
        Err(Rejection::invalid(Field::Avatar, "this attachment is no picture"))
    );
    assert_eq!(update(avatar(7)).attaches(), Some((ANN, Uuid::from_u128(7))));
    // Who is not there has no picture either.
    let nobody = Stream::default().decide(&update(avatar(7)), &Facts::default(), NOW);
    assert_eq!(nobody, Err(Rejection::NotFound(Field::User)));
}

#[test]
fn what_somebody_wants_already_is_not_written_again() {
    let mut ann = ann();
    let quiet = SettingsUpdated {
        receipts: Some(false),
        direct: Some(Audience::Contacts),
        ..SettingsUpdated::default()
    };
    let decided = ann.decide(UserCommand::UpdateSettings(quiet), NOW);
    assert_eq!(decided, Ok(vec![UserEvent::SettingsUpdated(quiet)]));
    ann.evolve(&UserEvent::SettingsUpdated(quiet));
    assert_eq!(ann.decide(UserCommand::UpdateSettings(quiet), NOW), Ok(vec![]));
    // What is named in part is compared in part.
    let part = SettingsUpdated {
        direct: Some(Audience::Contacts),
        ..SettingsUpdated::default()
    };
    assert_eq!(ann.decide(UserCommand::UpdateSettings(part), NOW), Ok(vec![]));
    let back = SettingsUpdated {
        direct: Some(Audience::Everyone),
        ..SettingsUpdated::default()
    };
    let decided = ann.decide(UserCommand::UpdateSettings(back), NOW);
    assert_eq!(decided, Ok(vec![UserEvent::SettingsUpdated(back)]));
}

#[test]
fn settings_survive_a_snapshot() {
    let mut stream = Stream::default();
    stream.evolve(&Event::User(UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    })));
    let wanted = SettingsUpdated {
        last_seen: Some(Audience::Nobody),
        add_me: Some(Audience::Contacts),
        ..SettingsUpdated::default()
    };
    stream.evolve(&UserEvent::SettingsUpdated(wanted).into());
    assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
}

#[test]
fn a_repeat_is_told_by_all_that_is_named() {
    let key = DigestKey::new(b"a secret");
    let digest = |command: StreamCommand| {
        assert!(command.is_own_wish());
        command.digest(&key)
    };
    let names = [
        profile("Ann", None),
        profile("Bea", None),
        profile("Ann", Some(Avatar(None))),
        profile("Ann", Some(Avatar(Some(Uuid::from_u128(7))))),
        ProfileUpdated {
            about: About::parse("").ok(),
            ..profile("Ann", None)
        },
    ];
    let settings = [
        (Some(true), None, None, None),
        (Some(false), None, None, None),
        (None, Some(Audience::Nobody), None, None),
        (None, None, Some(Audience::Nobody), None),
        (None, None, None, Some(Audience::Nobody)),
    ];
    let settings = settings.map(|(receipts, last_seen, direct, add_me)| StreamCommand::User {
        user: ANN,
        id: CommandId(Uuid::from_u128(5)),
        command: UserCommand::UpdateSettings(SettingsUpdated {
            receipts,
            last_seen,
            direct,
            add_me,
        }),
    });
    let all: Vec<i64> = names
        .map(update)
        .into_iter()
        .chain(settings)
        .map(digest)
        .collect();
    let mut different = all.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!((different.len(), all.contains(&0)), (all.len(), false));
}
