use crate::harness::*;
use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::event::{ConversationEvent, Event, MemberLeft};
use tidings_domain::{
    ANNOUNCEMENT_BYTES_MAX, AnnouncementCommand, AnnouncementText, CommandId, Facts, Field, Rejection,
    SCHEDULED_MAX, Stream, StreamCommand,
};
use uuid::Uuid;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn after(seconds: i64) -> DateTime<Utc> {
    NOW + TimeDelta::seconds(seconds)
}

/// What an administrator has done, as it was decided.
#[derive(Default)]
struct Board(Stream);

impl Board {
    fn order(&mut self, now: DateTime<Utc>, command: AnnouncementCommand) -> Result<usize, Rejection> {
        let command = StreamCommand::Announcement {
            actor: user(ANN),
            id: CommandId(Uuid::from_u128(1)),
            command,
        };
        let events = self.0.decide(&command, &Facts::default(), now)?;
        for event in &events {
            self.0.evolve(event);
        }
        // What is kept beside the log is the same.
        assert_eq!(Stream::thaw(&self.0.freeze()), Some(self.0.clone()));
        Ok(events.len())
    }

    fn make(&mut self, n: u128, at: Option<DateTime<Utc>>) -> Result<usize, Rejection> {
        let text = AnnouncementText::parse("the server rests on Sunday").unwrap();
        let (announcement, at) = (Uuid::from_u128(n), at.map(Into::into));
        self.order(
            NOW,
            AnnouncementCommand::Make {
                announcement,
                text,
                at,
            },
        )
    }

    fn cancel(&mut self, n: u128, now: DateTime<Utc>) -> Result<usize, Rejection> {
        let announcement = Uuid::from_u128(n);
        self.order(now, AnnouncementCommand::Cancel { announcement })
    }

    fn publish(&mut self, n: u128, now: DateTime<Utc>) -> Result<usize, Rejection> {
        let announcement = Uuid::from_u128(n);
        self.order(now, AnnouncementCommand::Publish { announcement })
    }
}

#[test]
fn an_announcement_that_waits_is_published_once_and_not_before_its_time() {
    let mut board = Board::default();
    assert_eq!(board.make(7, Some(after(60))), Ok(1));
    assert_eq!(board.publish(7, after(59)), Ok(0));
    assert_eq!(board.publish(7, after(60)), Ok(1));
    assert_eq!(board.publish(7, after(61)), Ok(0));
    assert_eq!(board.publish(8, after(61)), Ok(0));
}

#[test]
fn it_can_be_cancelled_before_its_time_and_not_behind_it() {
    let mut board = Board::default();
    assert_eq!(board.make(7, Some(after(60))), Ok(1));
    assert_eq!(board.cancel(7, after(59)), Ok(1));
    assert_eq!(board.publish(7, after(60)), Ok(0));
    // Whoever asks twice is answered as before.
    assert_eq!(board.cancel(7, after(99)), Ok(0));

    assert_eq!(board.make(8, Some(after(60))), Ok(1));
    let come = Rejection::Conflict("the time of this announcement has come");
    assert_eq!(board.cancel(8, after(60)), Err(come));
    assert_eq!(board.publish(8, after(60)), Ok(1));
    let told = Rejection::Conflict("this announcement was told already");
    assert_eq!(board.cancel(8, after(61)), Err(told.clone()));

    assert_eq!(board.make(9, None), Ok(1));
    assert_eq!(board.cancel(9, NOW), Err(told));
    assert_eq!(board.cancel(10, NOW), Err(Rejection::NotFound(Field::Id)));
}

#[test]
fn its_time_is_to_come_within_a_year_and_no_more_wait_than_may() {
    let mut board = Board::default();
    let past = Rejection::invalid(Field::At, "the time is past");
    assert_eq!(board.make(7, Some(NOW)), Err(past));
    let far = Rejection::invalid(Field::At, "the time is more than a year ahead");
    assert_eq!(board.make(7, Some(NOW + TimeDelta::days(367))), Err(far));
    for n in 0..SCHEDULED_MAX {
        assert_eq!(board.make(n as u128, Some(after(60))), Ok(1));
    }
    let full = Rejection::Conflict("as many announcements wait as may");
    assert_eq!(board.make(1000, Some(after(60))), Err(full));
    assert_eq!(board.make(1000, None), Ok(1));
    assert_eq!(board.cancel(5, NOW), Ok(1));
    assert_eq!(board.make(1001, Some(after(60))), Ok(1));
}

#[test]
fn what_has_become_of_the_newest_thousand_is_known() {
    let mut board = Board::default();
    for n in 0..=1000 {
        assert_eq!(board.make(n, None), Ok(1));
    }
    assert_eq!(board.cancel(0, NOW), Err(Rejection::NotFound(Field::Id)));
    assert!(matches!(board.cancel(1, NOW), Err(Rejection::Conflict(_))));
}

#[test]
fn its_text_has_between_1_and_8192_bytes_and_shows_something() {
    assert!(AnnouncementText::parse("ä".repeat(ANNOUNCEMENT_BYTES_MAX / 2)).is_ok());
    let long = Rejection::TooLarge {
        field: Field::Text,
        max: 8192,
    };
    assert_eq!(
        AnnouncementText::parse("ä".repeat(ANNOUNCEMENT_BYTES_MAX / 2) + "a"),
        Err(long)
    );
    for refused in ["", " \n", "\u{200b}", "a\0b"] {
        assert!(AnnouncementText::parse(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn the_stream_of_announcements_has_no_members_and_keeps_to_itself() {
    let mut board = Board::default();
    board.make(7, None).unwrap();
    let before = board.0.clone();
    board
        .0
        .evolve(&Event::from(ConversationEvent::MemberLeft(MemberLeft {
            user: user(ANN),
        })));
    assert_eq!(board.0, before);
    assert_eq!(board.0.authorize(user(ANN)), Err(Rejection::NotAMember));
}
