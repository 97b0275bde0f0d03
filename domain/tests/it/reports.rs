use crate::harness::*;
use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::event::{Event, MessageRecalled, PinChanged, ReportFiled, ReportHandled};
use tidings_domain::report::REPORTS_OF_MESSAGE_MAX;
use tidings_domain::{
    ConversationCommand, ConversationEvent, DigestKey, Facts, Field, Filing, Handling, Reason, Rejection,
    ReportCommand, ReportEvent, ReportId, ReportNote, Reports, Stream, StreamCommand, UserId, reports_of,
};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn reason(reason: &str) -> Reason {
    Reason::parse(reason).unwrap()
}

/// A wish to report what Ben has sent.
fn filing() -> Filing {
    Filing {
        conversation: CONVERSATION,
        message: MESSAGE,
        reason: reason("spam"),
        note: ReportNote::parse("again").ok(),
        takes_reason: true,
        is_member: true,
        sender: Some(user(BEN)),
        versions: 1,
        free_at: None,
    }
}

fn report_of(by: u128) -> ReportId {
    ReportId::of(CONVERSATION, MESSAGE, user(by))
}

fn handle(by: u128, handling: Handling) -> ReportCommand {
    seeing(1, by, handling)
}

/// The same by who has seen it as it was made of so many versions.
fn seeing(versions: u32, by: u128, handling: Handling) -> ReportCommand {
    ReportCommand::Handle {
        report: report_of(by),
        seen: versions,
        handling,
        note: Some(reason("an insult")),
    }
}

/// What was reported of a message, each time as it was decided.
#[derive(Clone, Default)]
struct Life(Reports);

impl Life {
    fn try_it(&mut self, by: u128, command: &ReportCommand) -> Result<Vec<ReportEvent>, Rejection> {
        let events = self.0.decide(user(by), command, NOW)?;
        for event in &events {
            self.0.evolve(event);
        }
        Ok(events)
    }

    /// Somebody does what is new.
    #[track_caller]
    fn done(mut self, by: u128, command: &ReportCommand) -> Self {
        assert_eq!(self.try_it(by, command).map(|events| events.len()), Ok(1));
        self
    }

    #[track_caller]
    fn nothing(mut self, by: u128, command: &ReportCommand) -> Self {
        assert_eq!(self.try_it(by, command), Ok(vec![]));
        self
    }

    #[track_caller]
    fn refused(mut self, by: u128, command: &ReportCommand, rejection: Rejection) -> Self {
        assert_eq!(self.try_it(by, command), Err(rejection));
        self
    }
}

/// Ann has reported it.
fn reported() -> Life {
    Life::default().done(ANN, &ReportCommand::File(filing()))
}

#[test]
fn a_member_reports_a_message_once() {
    let mut life = Life::default();
    let file = ReportCommand::File(filing());
    assert_eq!(
        life.try_it(ANN, &file),
        Ok(vec![ReportEvent::Filed(ReportFiled {
            report: report_of(ANN),
            by: user(ANN),
            conversation: CONVERSATION,
            message: MESSAGE,
            sender: user(BEN),
            reason: reason("spam"),
            note: ReportNote::parse("again").ok(),
            versions: 1,
        })])
    );
    let other = ReportCommand::File(Filing {
        reason: reason("an insult"),
        ..filing()
    });
    // Whatever has become of it.
    let life = life.nothing(ANN, &other).done(CAT, &file);
    let life = life.done(DAN, &handle(ANN, Handling::Dismiss));
    life.nothing(ANN, &file);
}

/// The same of a message of so many versions.
fn edited(versions: u32) -> ReportCommand {
    ReportCommand::File(Filing { versions, ..filing() })
}

#[test]
fn what_a_message_was_made_into_is_reported_once_more_whatever_became_of_the_report() {
    for handling in [None, Some(Handling::Assign), Some(Handling::Dismiss)] {
        let mut life = reported();
        if let Some(handling) = handling {
            life = life.done(DAN, &handle(ANN, handling));
        }
        let events = life.try_it(ANN, &edited(3));
        assert!(
            matches!(events.as_deref(), Ok([ReportEvent::Filed(filed)]) if filed.report == report_of(ANN) && filed.versions == 3),
            "{events:?}"
        );
        // Once, also where an edit is not known of here, and it is settled on its own.
        life.nothing(ANN, &edited(3))
            .nothing(ANN, &edited(2))
            .done(DAN, &seeing(3, ANN, Handling::Dismiss))
            .nothing(ANN, &edited(3))
            .done(ANN, &edited(4));
    }
}

#[test]
fn what_a_message_was_made_into_is_reported_also_where_no_more_people_are_kept_and_counts_in_a_day() {
    let mut life = Life::default();
    for n in 0..REPORTS_OF_MESSAGE_MAX as u128 {
        life = life.done(1000 + n, &ReportCommand::File(filing()));
    }
    let wait = TimeDelta::hours(3);
    let full = ReportCommand::File(Filing {
        versions: 2,
        free_at: Some(NOW + wait),
        ..filing()
    });
    let too_often = Rejection::TooOften {
        field: Field::Message,
        reason: "you have reported as many messages as may be in a day",
        wait,
    };
    life.nothing(ANN, &edited(2))
        .refused(1000, &full, too_often)
        .done(1000, &edited(2));
}

#[test]
fn a_reason_that_the_operator_does_not_take_is_refused_unless_it_was_taken_before() {
    let file = ReportCommand::File(Filing {
        takes_reason: false,
        ..filing()
    });
    let refused = Rejection::invalid(
        Field::Reason,
        "the reason is none of those that messages are reported for here",
    );
    reported().refused(CAT, &file, refused).nothing(ANN, &file);
}

#[test]
fn who_may_not_see_a_message_reports_none_and_nobody_reports_themselves() {
    let with = |change: fn(&mut Filing)| {
        let mut filing = filing();
        change(&mut filing);
        ReportCommand::File(filing)
    };
    let stranger = with(|filing| filing.is_member = false);
    let lost = with(|filing| filing.sender = None);
    let own = Rejection::invalid(Field::Message, "you sent this message yourself");
    Life::default()
        .refused(ANN, &stranger, Rejection::NotAMember)
        .refused(ANN, &lost, Rejection::NotFound(Field::Message))
        .refused(BEN, &ReportCommand::File(filing()), own);
}

#[test]
fn so_many_messages_are_reported_in_a_day_and_a_repeat_costs_nothing() {
    let full = |free_at| {
        let free_at = Some(free_at);
        ReportCommand::File(Filing { free_at, ..filing() })
    };
    let wait = TimeDelta::hours(3);
    let too_often = Rejection::TooOften {
        field: Field::Message,
        reason: "you have reported as many messages as may be in a day",
        wait,
    };
    Life::default().refused(ANN, &full(NOW + wait), too_often);
    Life::default().done(ANN, &full(NOW));
    reported().nothing(ANN, &full(NOW + wait));
}

#[test]
fn more_reports_of_a_message_than_are_kept_say_nothing_new() {
    let mut life = Life::default();
    for n in 0..REPORTS_OF_MESSAGE_MAX as u128 {
        life = life.done(1000 + n, &ReportCommand::File(filing()));
    }
    life.nothing(ANN, &ReportCommand::File(filing()));
}

#[test]
fn what_is_made_of_a_report_is_made_once() {
    let looked = reported().done(CAT, &handle(ANN, Handling::Assign));
    let looked = looked.nothing(CAT, &handle(ANN, Handling::Assign));
    // Another one takes it over, and anybody settles it.
    let mut life = looked.done(DAN, &handle(ANN, Handling::Assign));
    assert_eq!(
        life.try_it(CAT, &handle(ANN, Handling::Recall)),
        Ok(vec![ReportEvent::Handled(ReportHandled {
            report: report_of(ANN),
            by: user(CAT),
            action: Handling::Recall,
            note: Some(reason("an insult")),
        })])
    );
    let settled = || Rejection::Conflict("this report is settled already");
    let because = |note: Option<&str>, handling| ReportCommand::Handle {
        report: report_of(ANN),
        seen: 1,
        handling,
        note: note.map(reason),
    };
    reported()
        .done(DAN, &because(None, Handling::Dismiss))
        .nothing(CAT, &because(None, Handling::Dismiss))
        .refused(DAN, &because(Some("nothing"), Handling::Dismiss), settled());
    life.nothing(DAN, &handle(ANN, Handling::Recall))
        .refused(DAN, &because(Some("spam"), Handling::Recall), settled())
        .refused(DAN, &handle(ANN, Handling::Dismiss), settled())
        .refused(CAT, &handle(ANN, Handling::Assign), settled())
        .refused(
            CAT,
            &handle(DAN, Handling::Resolve),
            Rejection::NotFound(Field::Message),
        );
}

#[test]
fn what_was_reported_once_more_is_not_settled_by_who_has_seen_what_was_reported_before() {
    let seeing = |versions, handling| seeing(versions, ANN, handling);
    let once_more = || Rejection::Conflict("this report was made once more");
    for handling in [
        Handling::Assign,
        Handling::Dismiss,
        Handling::Resolve,
        Handling::Recall,
    ] {
        let life = reported().done(DAN, &seeing(1, handling));
        // It is open, also for who repeats what they did before.
        life.nothing(DAN, &seeing(1, handling))
            .done(ANN, &edited(2))
            .refused(DAN, &seeing(1, handling), once_more())
            .refused(CAT, &seeing(3, handling), once_more())
            .done(DAN, &seeing(2, handling))
            .nothing(DAN, &seeing(2, handling));
    }
}

#[test]
fn nothing_is_withheld_for_a_report_that_is_settled_and_what_was_reported_once_more_is() {
    let withhold = |life: &Life, actor: u128, by: u128| {
        let said = given(group()).and(written(BEN, "hi")).reported(&life.0);
        let command = ConversationCommand::Withhold {
            message: MESSAGE,
            report: report_of(by),
            reason: reason("an address"),
        };
        said.when(actor, command)
    };
    let withheld = |life: &Life| withhold(life, DAN, ANN).0.is_ok_and(|events| events.len() == 1);
    let looked = reported().done(DAN, &handle(ANN, Handling::Assign));
    assert!(withheld(&looked));
    let looked = looked.done(ANN, &edited(2));
    assert!(withheld(&looked));
    // It is nobody's, until somebody takes it who has seen it.
    looked.clone().done(DAN, &seeing(2, ANN, Handling::Assign));
    for handling in [Handling::Dismiss, Handling::Resolve, Handling::Recall] {
        let life = looked.clone().done(CAT, &seeing(2, ANN, handling));
        let settled = Rejection::Conflict("this report is settled already");
        withhold(&life, DAN, ANN).refused(settled);
        assert!(withheld(&life.done(ANN, &edited(3))));
    }
    // Nor for one of their own message, or that there is not.
    for (actor, by) in [(BEN, ANN), (DAN, CAT)] {
        withhold(&looked, actor, by).refused(Rejection::NotFound(Field::Message));
    }
}

#[test]
fn nobody_judges_their_own_message_and_members_are_told_why_one_is_gone() {
    let unsaid = ReportCommand::Handle {
        report: report_of(ANN),
        seen: 1,
        handling: Handling::Recall,
        note: None,
    };
    let why = || Rejection::invalid(Field::Note, "members are told why a message is gone");
    // As if there were none: whose message it is does not learn of its reports.
    reported()
        .refused(
            BEN,
            &handle(ANN, Handling::Dismiss),
            Rejection::NotFound(Field::Message),
        )
        .refused(CAT, &unsaid, why())
        // Who reports may be the one who judges.
        .done(ANN, &handle(ANN, Handling::Recall))
        // A repeat takes the message back where that has failed, so it says why, too.
        .refused(ANN, &unsaid, why())
        .refused(CAT, &unsaid, why())
        .nothing(CAT, &handle(ANN, Handling::Recall));
}

#[test]
fn what_moderators_take_back_is_gone_in_conversations_of_any_kind() {
    let moderate = || ConversationCommand::Moderate {
        message: MESSAGE,
        reason: reason("an insult"),
    };
    let recalled = || {
        ConversationEvent::MessageRecalled(MessageRecalled {
            message: MESSAGE,
            message_seq: MESSAGE_SEQ,
            message_no: MESSAGE_NO,
            reason: Some(reason("an insult")),
        })
    };
    for events in [group(), direct()] {
        // Dan is no member, and it is late.
        let given = given(events).and(written(ANN, "hi")).after(1_000_000);
        given.when(DAN, moderate()).then([recalled()]);
        given.done(DAN, moderate()).when(CAT, moderate()).then([]);
    }
    let unpinned = ConversationEvent::PinChanged(PinChanged {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        on: false,
    });
    let pin = ConversationCommand::Pin {
        message: MESSAGE,
        on: true,
    };
    given(group())
        .and(written(BEN, "hi"))
        .done(ANN, pin)
        .when(DAN, moderate())
        .then([unpinned, recalled()]);
    given(group())
        .when(DAN, moderate())
        .refused(Rejection::NotFound(Field::Message));
}

fn sent(command: ReportCommand) -> StreamCommand {
    StreamCommand::Reports {
        actor: user(ANN),
        id: COMMAND,
        reports: reports_of(CONVERSATION, MESSAGE),
        command,
    }
}

#[test]
fn a_command_to_reports_says_whose_it_is_and_what_was_found_out_is_no_part_of_it() {
    let key = DigestKey::new(b"a secret");
    let digest = |filing: Filing| sent(ReportCommand::File(filing)).digest(&key);
    let stands = digest(filing());
    let others = [
        Filing {
            reason: reason("an insult"),
            ..filing()
        },
        Filing {
            note: None,
            ..filing()
        },
    ];
    assert!(others.into_iter().all(|other| digest(other) != stands));
    let found = Filing {
        takes_reason: false,
        is_member: false,
        sender: None,
        versions: 2,
        free_at: Some(NOW),
        ..filing()
    };
    assert_eq!(digest(found), stands);
    let command = sent(ReportCommand::File(filing()));
    let stream = reports_of(CONVERSATION, MESSAGE);
    assert_eq!(
        (command.actor(), command.id(), command.stream(), command.opens()),
        (user(ANN), COMMAND.0, stream, false)
    );
    assert!(command.needs().next().is_none() && command.regards().is_empty());
    let mut stream = Stream::default();
    let decided = stream.decide(&command, &Facts::default(), NOW).unwrap();
    assert!(matches!(&decided[..], [Event::Report(ReportEvent::Filed(_))]));
    for event in &decided {
        stream.evolve(event);
    }
    assert_eq!((stream.entry_count(), stream.member_count()), (1, 0));
    assert_eq!(stream.authorize(UserId(user(ANN).0)), Err(Rejection::NotAMember));
}

#[test]
fn reports_are_thawed_as_they_were_frozen() {
    let mut life = reported().done(CAT, &edited(70_000));
    for handling in [
        None,
        Some(Handling::Assign),
        Some(Handling::Dismiss),
        Some(Handling::Resolve),
        Some(Handling::Recall),
    ] {
        let mut one = life.clone();
        if let Some(handling) = handling {
            let without = ReportCommand::Handle {
                report: report_of(CAT),
                seen: 70_000,
                handling: Handling::Dismiss,
                note: None,
            };
            one = one.done(DAN, &handle(ANN, handling)).done(DAN, &without);
            assert_eq!(Handling::named(handling.as_str()), Some(handling));
        }
        let stream = Stream::Reports(one.0);
        assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
    }
    life.0 = Reports::default();
    assert_eq!(
        Stream::thaw(&Stream::Reports(life.0.clone()).freeze()),
        Some(Stream::Reports(life.0))
    );
    assert_eq!(Handling::named("hide"), None);
}

#[test]
fn a_note_has_lines_and_an_end() {
    assert!(ReportNote::parse("one\nanother").is_ok());
    assert!(ReportNote::parse(&"ä".repeat(1000)).is_ok());
    assert!(matches!(
        ReportNote::parse(&"ä".repeat(1001)),
        Err(Rejection::TooLarge {
            field: Field::Note,
            ..
        })
    ));
    assert!(ReportNote::parse(" \n").is_err() && ReportNote::parse("a\u{7}").is_err());
}
