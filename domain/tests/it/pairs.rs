use crate::harness::*;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tidings_domain::event::{Event, PairChanged};
use tidings_domain::{
    Audience, CONTACTS_MAX, Change, Command, ConversationCommand, DigestKey, Facts, Field, Greeting, Pair,
    PairCommand, REQUESTS_A_DAY, REQUESTS_MAX, Regard, Rejection, Settings, Stream, StreamCommand, Ties,
    Told, UserId, pair_of,
};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const KEEPS: &str = "this user does not want that from you";
const YOU_BLOCK: &str = "you have blocked this user";

const REQUEST: PairCommand = PairCommand::Request { text: None };
const BLOCK: PairCommand = PairCommand::Block { on: true };
const UNBLOCK: PairCommand = PairCommand::Block { on: false };

fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.add_users([user(ANN), user(BEN)]);
    facts
}

/// What two people have done, each time as it was decided.
#[derive(Clone, Default)]
struct Life {
    pair: Pair,
    now: DateTime<Utc>,
    told: Vec<(UserId, Told)>,
}

impl Life {
    fn try_it(&mut self, by: u128, to: u128, command: &PairCommand) -> Result<bool, Rejection> {
        let events = self
            .pair
            .decide((user(by), user(to)), command, &facts(), self.now)?;
        for event in &events {
            self.pair.evolve(event);
            self.told.extend(Told::of(event));
        }
        Ok(!events.is_empty())
    }

    /// Somebody does what is new.
    fn done(mut self, by: u128, to: u128, command: &PairCommand) -> Self {
        assert_eq!(self.try_it(by, to, command), Ok(true), "{command:?}");
        self
    }

    fn nothing(mut self, by: u128, to: u128, command: &PairCommand) -> Self {
        assert_eq!(self.try_it(by, to, command), Ok(false), "{command:?}");
        self
    }

    fn refused(mut self, by: u128, to: u128, command: &PairCommand, rejection: Rejection) -> Self {
        assert_eq!(self.try_it(by, to, command), Err(rejection), "{command:?}");
        self
    }

    fn later(mut self, time: TimeDelta) -> Self {
        self.now += time;
        self
    }

    /// What somebody was told, kind by kind.
    fn heard_by(&self, n: u128) -> Vec<&'static str> {
        let kind = |told: &Told| match told {
            Told::Requested(_) => "requested",
            Told::Accepted(_) => "accepted",
            Told::Declined(_) => "declined",
            Told::Withdrawn(_) => "withdrawn",
            Told::Removed(_) => "removed",
            Told::Blocked(_) => "blocked",
            Told::Invited(_)
            | Told::InvitationEnded(_)
            | Told::Asked(_)
            | Told::Answered(_)
            | Told::JoinAnswered(_) => "of a group",
        };
        let own = self.told.iter().filter(|(to, _)| *to == user(n));
        own.map(|(_, told)| kind(told)).collect()
    }

    fn say(&self, by: u128, command: ConversationCommand) -> Result<(), Rejection> {
        let mut facts = facts();
        facts.set_pair(self.pair);
        facts.add_message(CONVERSATION, MESSAGE, written(by, "hi"));
        decided(&direct(), by, command, &facts)
    }

    fn open(&self, by: u128, to: u128, settings: Settings) -> Result<(), Rejection> {
        let mut facts = facts();
        facts.set_pair(self.pair);
        let regard = Regard {
            settings,
            ..Regard::default()
        };
        facts.add_regard(user(by), user(to), regard);
        decided(
            &[],
            by,
            ConversationCommand::OpenDirect { user: user(to) },
            &facts,
        )
    }
}

fn decided(
    given: &[tidings_domain::ConversationEvent],
    by: u128,
    body: ConversationCommand,
    facts: &Facts,
) -> Result<(), Rejection> {
    let command = Command {
        id: COMMAND,
        actor: user(by),
        conversation: CONVERSATION,
        body,
    };
    fold(given).decide(&command, facts, NOW).map(|_| ())
}

fn denied(reason: &'static str) -> Rejection {
    Rejection::Denied {
        field: Field::User,
        reason,
    }
}

fn wants(direct: Audience) -> Settings {
    Settings {
        direct,
        ..Settings::default()
    }
}

const GONE: Rejection = Rejection::Missing {
    field: Field::User,
    reason: NO_REQUEST,
};

#[test]
fn who_asks_and_is_accepted_is_a_contact() {
    let life = Life::default()
        .done(ANN, BEN, &REQUEST)
        .nothing(ANN, BEN, &REQUEST)
        .refused(ANN, BEN, &PairCommand::Accept, GONE)
        .done(BEN, ANN, &PairCommand::Accept)
        .nothing(BEN, ANN, &PairCommand::Accept)
        .nothing(ANN, BEN, &REQUEST);
    assert!(life.pair.are_contacts());
    assert_eq!(life.heard_by(BEN), ["requested", "accepted"]);
    assert_eq!(life.heard_by(ANN), ["requested", "accepted"]);
    let ended = life
        .done(BEN, ANN, &PairCommand::Remove)
        .nothing(ANN, BEN, &PairCommand::Remove);
    assert!(!ended.pair.are_contacts());
    assert_eq!(ended.heard_by(ANN).last(), Some(&"removed"));
}

#[test]
fn requests_that_cross_meet() {
    let life = Life::default().done(ANN, BEN, &REQUEST).done(BEN, ANN, &REQUEST);
    assert!(life.pair.are_contacts());
}

#[test]
fn who_is_declined_is_not_told_and_not_heard_for_a_week() {
    let declined = Life::default()
        .done(ANN, BEN, &REQUEST)
        .done(BEN, ANN, &PairCommand::Decline)
        .refused(BEN, ANN, &PairCommand::Decline, GONE)
        .refused(BEN, ANN, &PairCommand::Accept, GONE)
        .nothing(ANN, BEN, &REQUEST);
    assert_eq!(declined.heard_by(ANN), ["requested"]);
    let again = |life: Life| {
        life.done(ANN, BEN, &PairCommand::Withdraw)
            .done(ANN, BEN, &REQUEST)
    };
    let early = again(declined.later(TimeDelta::days(7) - TimeDelta::milliseconds(1)));
    assert_eq!(early.heard_by(BEN), ["requested", "declined"]);
    let late = again(early.later(TimeDelta::milliseconds(1)));
    assert_eq!(late.heard_by(BEN), ["requested", "declined", "requested"]);
}

#[test]
fn who_asks_no_more_is_not_accepted() {
    let life = Life::default()
        .refused(ANN, BEN, &PairCommand::Withdraw, GONE)
        .done(ANN, BEN, &REQUEST)
        .done(ANN, BEN, &PairCommand::Withdraw)
        .refused(BEN, ANN, &PairCommand::Accept, GONE);
    assert_eq!(life.heard_by(BEN), ["requested", "withdrawn"]);
}

#[test]
fn who_asks_and_takes_it_back_again_and_again_is_heard_three_times_until_there_is_an_answer() {
    let often = |mut life: Life| {
        for _ in 0..5 {
            life = life
                .done(ANN, BEN, &REQUEST)
                .done(ANN, BEN, &PairCommand::Withdraw);
        }
        life
    };
    let times = |life: &Life| {
        let heard = life.heard_by(BEN);
        heard.iter().filter(|kind| **kind == "requested").count()
    };
    let life = often(Life::default());
    assert_eq!(times(&life), 3);
    // The other has asked meanwhile: that is an answer, and one of which his own devices are told.
    let life = life
        .done(BEN, ANN, &REQUEST)
        .done(ANN, BEN, &PairCommand::Accept)
        .done(ANN, BEN, &PairCommand::Remove);
    assert_eq!(times(&often(life)), 7);
}

#[test]
fn who_is_blocked_asks_in_vain_and_sees_nothing_of_it() {
    let life = Life::default()
        .done(BEN, ANN, &BLOCK)
        .nothing(BEN, ANN, &BLOCK)
        .done(ANN, BEN, &REQUEST)
        .nothing(ANN, BEN, &REQUEST);
    assert_eq!(life.heard_by(ANN), ["requested"]);
    assert_eq!(life.heard_by(BEN), ["blocked"]);
    let life = life
        .refused(BEN, ANN, &REQUEST, denied(YOU_BLOCK))
        .done(BEN, ANN, &UNBLOCK)
        .refused(BEN, ANN, &PairCommand::Accept, GONE)
        .done(ANN, BEN, &PairCommand::Withdraw)
        .done(ANN, BEN, &REQUEST);
    assert_eq!(life.heard_by(BEN), ["blocked", "blocked", "requested"]);
}

/// Whether Ann has Ben among her contacts, and he her among his.
fn seen(life: &Life) -> [bool; 2] {
    [(ANN, BEN), (BEN, ANN)].map(|(one, other)| life.pair.has_contact(user(one), user(other)))
}

#[test]
fn who_is_accepted_by_somebody_whom_they_block_hears_of_it_when_the_block_ends() {
    let behind = Life::default()
        .done(ANN, BEN, &REQUEST)
        .done(ANN, BEN, &BLOCK)
        .done(BEN, ANN, &PairCommand::Accept)
        .nothing(BEN, ANN, &PairCommand::Accept)
        .nothing(BEN, ANN, &REQUEST);
    assert_eq!(seen(&behind), [false, true]);
    assert_eq!(behind.heard_by(ANN), ["requested", "blocked"]);
    assert_eq!(behind.heard_by(BEN), ["requested", "accepted"]);
    // For Ann nothing has changed: she waits, and ends nothing that there is not.
    let behind = behind.nothing(ANN, BEN, &PairCommand::Remove);
    let over = behind.clone().done(ANN, BEN, &UNBLOCK);
    assert_eq!(seen(&over), [true; 2]);
    assert_eq!(
        over.heard_by(ANN),
        ["requested", "blocked", "blocked", "accepted"]
    );
    assert_eq!(over.heard_by(BEN), ["requested", "accepted"]);
    assert_eq!(over.open(BEN, ANN, wants(Audience::Contacts)), Ok(()));
    // Once she takes her request back he is her contact no more, as he sees it, and she has nothing to hear of.
    let back = behind
        .done(ANN, BEN, &PairCommand::Withdraw)
        .done(ANN, BEN, &UNBLOCK);
    assert_eq!(seen(&back), [false; 2]);
    assert_eq!(
        back.heard_by(ANN),
        ["requested", "blocked", "withdrawn", "blocked"]
    );
    assert_eq!(back.heard_by(BEN), ["requested", "accepted", "removed"]);
}

#[test]
fn who_is_taken_out_by_somebody_whom_they_block_hears_of_it_when_the_block_ends() {
    let behind = Life::default()
        .done(ANN, BEN, &REQUEST)
        .done(BEN, ANN, &PairCommand::Accept)
        .done(ANN, BEN, &BLOCK)
        .done(BEN, ANN, &PairCommand::Remove)
        .nothing(BEN, ANN, &PairCommand::Remove);
    assert_eq!(seen(&behind), [true, false]);
    assert_eq!(behind.heard_by(ANN), ["requested", "accepted", "blocked"]);
    let over = behind.clone().done(ANN, BEN, &UNBLOCK);
    assert_eq!(seen(&over), [false; 2]);
    assert_eq!(over.heard_by(ANN)[3..], ["blocked", "removed"]);
    assert_eq!(over.heard_by(BEN).last(), Some(&"removed"));
    // Who ends it, too, hears of it no more, nor does the other one.
    let both = behind
        .done(ANN, BEN, &PairCommand::Remove)
        .done(ANN, BEN, &UNBLOCK);
    assert_eq!(seen(&both), [false; 2]);
    assert_eq!(both.heard_by(ANN)[3..], ["removed", "blocked"]);
    assert_eq!(both.heard_by(BEN), ["requested", "accepted", "removed"]);
}

#[test]
fn what_somebody_has_accepted_and_ended_behind_a_block_is_told_in_its_order() {
    let life = Life::default()
        .done(ANN, BEN, &REQUEST)
        .done(ANN, BEN, &BLOCK)
        .done(BEN, ANN, &REQUEST)
        .done(BEN, ANN, &PairCommand::Remove)
        // As it seems to him she asks no more.
        .refused(BEN, ANN, &PairCommand::Accept, GONE)
        .done(BEN, ANN, &REQUEST)
        .done(ANN, BEN, &UNBLOCK);
    assert_eq!(seen(&life), [false; 2]);
    assert_eq!(life.heard_by(ANN)[2..], ["blocked", "accepted", "removed"]);
    assert_eq!(
        life.heard_by(BEN),
        ["requested", "accepted", "removed", "requested"]
    );
    // His own request is not heard, now or later, and hers meets it.
    let life = life.done(ANN, BEN, &REQUEST);
    assert_eq!(seen(&life), [true; 2]);
}

#[test]
fn a_block_stops_all_that_shows_something_and_lets_take_back() {
    let blocked = Life::default().done(BEN, ANN, &BLOCK);
    let message = MESSAGE;
    let shows = [
        say("hi"),
        ConversationCommand::EditMessage {
            message,
            content: text("ho"),
        },
        ConversationCommand::React {
            message,
            emoji: emoji("👍"),
            on: true,
        },
        ConversationCommand::Pin { message, on: true },
    ];
    for command in shows {
        assert_eq!(Life::default().say(ANN, command.clone()), Ok(()), "{command:?}");
        let refused = |reason| Err(Rejection::Forbidden(reason));
        assert_eq!(blocked.say(ANN, command.clone()), refused(KEEPS), "{command:?}");
        assert_eq!(
            blocked.say(BEN, command.clone()),
            refused(YOU_BLOCK),
            "{command:?}"
        );
    }
    let recall = ConversationCommand::RecallMessage { message };
    assert_eq!(blocked.say(ANN, recall), Ok(()));
}

#[test]
fn a_conversation_is_opened_by_those_whom_the_other_wants() {
    let strangers = Life::default();
    let contacts = Life::default()
        .done(ANN, BEN, &REQUEST)
        .done(BEN, ANN, &PairCommand::Accept);
    let blocked = contacts.clone().done(BEN, ANN, &BLOCK);
    let refused = Err(denied(KEEPS));
    for (wanted, stranger, contact) in [
        (Audience::Everyone, Ok(()), Ok(())),
        (Audience::Contacts, refused.clone(), Ok(())),
        (Audience::Nobody, refused.clone(), refused.clone()),
    ] {
        assert_eq!(strangers.open(ANN, BEN, wants(wanted)), stranger, "{wanted:?}");
        assert_eq!(contacts.open(ANN, BEN, wants(wanted)), contact, "{wanted:?}");
        assert_eq!(blocked.open(ANN, BEN, wants(wanted)), refused, "{wanted:?}");
        assert_eq!(
            blocked.open(BEN, ANN, wants(wanted)),
            Err(denied(YOU_BLOCK)),
            "{wanted:?}"
        );
    }
}

#[test]
fn people_are_put_into_groups_by_those_whom_they_want() {
    let add = ConversationCommand::AddMember { user: user(DAN) };
    let create = ConversationCommand::CreateGroup {
        name: name("us"),
        members: vec![user(DAN)],
    };
    let regard = |add_me, is_contact, is_blocked| Regard {
        settings: Settings {
            add_me,
            ..Settings::default()
        },
        is_contact,
        is_blocked,
        ..Regard::default()
    };
    for (regard, lets) in [
        (regard(Audience::Everyone, false, false), true),
        (regard(Audience::Everyone, true, true), false),
        (regard(Audience::Contacts, true, false), true),
        (regard(Audience::Contacts, false, false), false),
        (regard(Audience::Nobody, true, false), false),
    ] {
        let mut facts = Facts::default();
        facts.add_users([user(ANN), user(DAN)]);
        facts.add_regard(user(ANN), user(DAN), regard);
        let of = |field, reason| Err(Rejection::Denied { field, reason });
        let (added, created) = (
            decided(&group(), ANN, add.clone(), &facts),
            decided(&[], ANN, create.clone(), &facts),
        );
        if lets {
            assert_eq!((added, created), (Ok(()), Ok(())), "{regard:?}");
        } else {
            let one = of(Field::Members, "one of these users does not want that from you");
            assert_eq!((added, created), (of(Field::User, KEEPS), one), "{regard:?}");
        }
    }
}

#[test]
fn whoever_blocks_somebody_brings_them_nowhere_and_learns_nothing_of_them() {
    let blocks = |is_blocked| Regard {
        is_blocked,
        blocks: true,
        ..Regard::default()
    };
    let keeps_away = Regard {
        is_blocked: true,
        ..Regard::default()
    };
    for (of_dan, of_cat) in [
        (blocks(false), Regard::default()),
        (blocks(true), Regard::default()),
        // What another one wants does not show either.
        (blocks(false), keeps_away),
    ] {
        let mut facts = Facts::default();
        facts.add_users([user(ANN), user(CAT), user(DAN)]);
        facts.add_regard(user(ANN), user(DAN), of_dan);
        facts.add_regard(user(ANN), user(CAT), of_cat);
        for members in [vec![user(DAN)], vec![user(CAT), user(DAN)]] {
            let create = ConversationCommand::CreateGroup {
                name: name("us"),
                members,
            };
            let one = Rejection::Denied {
                field: Field::Members,
                reason: "you have blocked one of these users",
            };
            assert_eq!(decided(&[], ANN, create, &facts), Err(one));
        }
        for bring in [
            ConversationCommand::AddMember { user: user(DAN) },
            ConversationCommand::Invite { user: user(DAN) },
        ] {
            assert_eq!(decided(&group(), ANN, bring, &facts), Err(denied(YOU_BLOCK)));
        }
    }
    // Who is blocked invites as others do.
    let mut facts = Facts::default();
    facts.add_users([user(ANN), user(DAN)]);
    facts.add_regard(user(ANN), user(DAN), keeps_away);
    let invite = ConversationCommand::Invite { user: user(DAN) };
    assert_eq!(decided(&group(), ANN, invite, &facts), Ok(()));
}

#[test]
fn contacts_requests_and_blocks_have_their_limits() {
    let decide = |ties, command: &PairCommand| {
        let mut facts = facts();
        let regard = Regard {
            ties,
            ..Regard::default()
        };
        facts.add_regard(user(ANN), user(BEN), regard);
        let events = Pair::default().decide((user(ANN), user(BEN)), command, &facts, NOW);
        events.map(|events| events.len())
    };
    let none = Ties::default();
    let (contacts, requests) = (CONTACTS_MAX, REQUESTS_MAX);
    let full = Ties { contacts, ..none };
    assert!(matches!(decide(full, &REQUEST), Err(Rejection::Conflict(_))));
    let full = Ties { requests, ..none };
    assert!(matches!(decide(full, &REQUEST), Err(Rejection::Conflict(_))));
    let full = Ties {
        today: REQUESTS_A_DAY,
        free_at: Some(NOW + TimeDelta::hours(3)),
        ..none
    };
    let Err(Rejection::TooOften { wait, .. }) = decide(full, &REQUEST) else {
        panic!("a 51st request of a day is let through");
    };
    assert_eq!(wait, TimeDelta::hours(3));
    let full = Ties {
        blocks: tidings_domain::pair::block::BLOCKS_MAX,
        ..none
    };
    assert!(matches!(decide(full, &BLOCK), Err(Rejection::Conflict(_))));
    for most in [&REQUEST, &BLOCK] {
        assert_eq!(decide(none, most), Ok(1));
    }
}

#[test]
fn nobody_is_a_contact_of_themselves_or_of_nobody() {
    let decide = |to| Pair::default().decide((user(ANN), user(to)), &REQUEST, &facts(), NOW);
    assert!(matches!(
        decide(ANN),
        Err(Rejection::Invalid {
            field: Field::User,
            ..
        })
    ));
    assert_eq!(decide(CAT), Err(Rejection::NotFound(Field::User)));
}

#[test]
fn a_greeting_says_something_and_is_short() {
    assert!(Greeting::parse(" hi ").is_ok_and(|text| text.as_str() == "hi"));
    assert!(Greeting::parse(&"ä".repeat(256)).is_ok());
    assert!(matches!(
        Greeting::parse(&"ä".repeat(257)),
        Err(Rejection::TooLarge {
            field: Field::Text,
            ..
        })
    ));
    assert!(Greeting::parse(" ").is_err() && Greeting::parse("a\u{7}").is_err());
}

fn sent(command: PairCommand) -> StreamCommand {
    StreamCommand::Pair {
        actor: user(ANN),
        user: user(BEN),
        id: COMMAND,
        pair: pair_of(CONVERSATION),
        command,
    }
}

#[test]
fn a_command_to_a_pair_says_whose_it_is_and_what_it_needs() {
    let commands = [
        REQUEST,
        PairCommand::Request {
            text: Greeting::parse("hi").ok(),
        },
        PairCommand::Accept,
        PairCommand::Decline,
        PairCommand::Withdraw,
        PairCommand::Remove,
        BLOCK,
        UNBLOCK,
    ];
    let key = DigestKey::new(b"a secret");
    let digests: std::collections::BTreeSet<i64> = commands
        .iter()
        .map(|command| sent(command.clone()).digest(&key))
        .collect();
    assert_eq!(digests.len(), commands.len());
    let command = sent(REQUEST);
    assert_eq!(
        (command.actor(), command.id(), command.stream(), command.opens()),
        (user(ANN), COMMAND.0, pair_of(CONVERSATION), false)
    );
    assert_eq!(command.regards(), [user(BEN)]);
    assert_eq!(
        command.needs().find_map(tidings_domain::Need::users),
        Some(&[user(BEN)][..])
    );
    let decided = Stream::default().decide(&command, &facts(), NOW).unwrap();
    assert!(matches!(
        &decided[..],
        [Event::Pair(PairChanged { heard: true, .. })]
    ));
}

/// A step in the lives of two people.
#[derive(Clone, Debug)]
enum Step {
    Does(bool, PairCommand),
    Days(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let command = prop_oneof![
        3 => Just(REQUEST),
        2 => Just(PairCommand::Accept),
        2 => Just(PairCommand::Decline),
        2 => Just(PairCommand::Withdraw),
        1 => Just(PairCommand::Remove),
        2 => Just(BLOCK),
        2 => Just(UNBLOCK),
    ];
    let step = prop_oneof![
        12 => (any::<bool>(), command).prop_map(|(by, command)| Step::Does(by, command)),
        1 => (1..9i64).prop_map(Step::Days),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    /// Two worlds: in one of them Ann blocks Ben now and then, in the other one she never does, and does what she did in the first
    /// one otherwise. Ben cannot tell in which of them he is by what he is answered and told of contacts.
    #[test]
    fn who_is_blocked_cannot_tell(steps in steps()) {
        let (mut real, mut other) = (Life::default(), Life::default());
        for step in steps {
            match step {
                Step::Days(days) => {
                    real = real.later(TimeDelta::days(days));
                    other = other.later(TimeDelta::days(days));
                }
                Step::Does(true, PairCommand::Block { on }) => {
                    let _ = real.try_it(ANN, BEN, &PairCommand::Block { on });
                }
                Step::Does(true, command) => {
                    if real.try_it(ANN, BEN, &command) == Ok(true) {
                        let same = other.try_it(ANN, BEN, &command);
                        // What Ben has accepted behind her block she takes back by ending what came of it.
                        let same = match command {
                            PairCommand::Withdraw if same.is_err() => {
                                other.try_it(ANN, BEN, &PairCommand::Remove)
                            }
                            _ => same,
                        };
                        prop_assert!(same.is_ok());
                    }
                }
                Step::Does(false, command) => {
                    let (answer, same) = (real.try_it(BEN, ANN, &command), other.try_it(BEN, ANN, &command));
                    prop_assert_eq!(answer, same);
                }
            }
            prop_assert_eq!(real.heard_by(BEN), other.heard_by(BEN));
            let by_ben = |life: &Life| life.pair.has_contact(user(BEN), user(ANN));
            prop_assert_eq!(by_ben(&real), by_ben(&other));
            // What Ann sees is as it would be, too, as soon as her block is over.
            if !real.pair.blocks(user(ANN), user(BEN)) {
                let by_ann = |life: &Life| life.pair.has_contact(user(ANN), user(BEN));
                prop_assert_eq!(by_ann(&real), by_ann(&other));
            }
        }
    }

    /// Nothing is opened or said where one blocks the other, and everything where nobody does.
    #[test]
    fn guards_hold_and_states_are_thawed_as_they_were_frozen(steps in steps()) {
        let mut life = Life::default();
        for step in steps {
            match step {
                Step::Days(days) => life = life.later(TimeDelta::days(days)),
                Step::Does(by, command) => {
                    let (by, to) = if by { (ANN, BEN) } else { (BEN, ANN) };
                    let (before, heard) = (life.pair, life.heard_by(to).len());
                    let _ = life.try_it(by, to, &command);
                    if before.blocks(user(to), user(by)) {
                        prop_assert_eq!(life.heard_by(to).len(), heard);
                    }
                }
            }
            let (ann, ben) = (
                life.pair.blocks(user(ANN), user(BEN)),
                life.pair.blocks(user(BEN), user(ANN)),
            );
            let [of_ann, of_ben] = seen(&life);
            prop_assert!(ann || ben || of_ann == of_ben, "without a block both see the same");
            for (by, to, own, other) in [(ANN, BEN, ann, ben), (BEN, ANN, ben, ann)] {
                let reason = if own { Some(YOU_BLOCK) } else { other.then_some(KEEPS) };
                prop_assert_eq!(life.say(by, say("hi")).err(), reason.map(Rejection::Forbidden));
                prop_assert_eq!(life.open(by, to, Settings::default()).err(), reason.map(denied));
            }
            let stream = Stream::Pair(life.pair);
            prop_assert_eq!(Stream::thaw(&stream.freeze()), Some(stream));
        }
    }
}

#[test]
fn what_changed_is_told_to_who_did_it_and_who_hears_it() {
    let changed = |heard, only: Option<u128>| PairChanged {
        by: user(ANN),
        user: user(BEN),
        change: Change::Accepted,
        heard,
        only: only.map(user),
    };
    let told =
        |heard, only| -> Vec<UserId> { Told::of(&changed(heard, only)).map(|(user, _)| user).collect() };
    assert_eq!(told(true, None), [user(ANN), user(BEN)]);
    assert_eq!(told(false, None), [user(ANN)]);
    // Of what was done behind a block, then and once it is over.
    assert_eq!(told(false, Some(ANN)), [user(ANN)]);
    assert_eq!(told(true, Some(BEN)), [user(BEN)]);
}
