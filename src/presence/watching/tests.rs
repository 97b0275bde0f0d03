use super::answers::{FIND_OUT, PATIENCE};
use super::rooms::TRACKED_WITH_ASKED;
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidings_domain::presence::NAMED_MEMBERS_MAX;

const NODE: Uuid = Uuid::from_u128(100);

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn outbox() -> Arc<Outbox> {
    Arc::new(Outbox::new(8, 1_000))
}

/// Objects that a connection was given, each as text.
fn given(outbox: &Outbox) -> Vec<String> {
    let frames = outbox.take(10).system.into_iter();
    let texts = frames.map(|system| String::from_utf8(system.frame.payload().to_vec()).unwrap());
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// A connection comes to watch three people.
fn come(watching: &mut Watching, connection: u64, outbox: &Arc<Outbox>, now: Instant) -> Arc<AtomicUsize> {
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    let watch = Watch {
        connection,
        user: user(0),
        outbox: Arc::clone(outbox),
        users: (1..=3).map(user).collect(),
        conversations: vec![],
        reply: Box::new(move |state| {
            assert_eq!(state.unwrap().unwrap().users.len(), 3);
            count.fetch_add(1, Ordering::Relaxed);
        }),
    };
    watching.watch(watch, now);
    watching.granted(connection, 1, Ok(granted(vec![])), now);
    answered
}

/// That three people may be watched.
fn granted(conversations: Vec<ConversationId>) -> Granted {
    Granted {
        users: (1..=3).map(user).collect(),
        conversations,
        parted: HashSet::new(),
        last_seen: HashMap::new(),
        shows: Audience::Everyone,
        contacts: HashSet::new(),
    }
}

/// Connections that watch three people who are there, and have been told so.
fn watching(outboxes: &[Arc<Outbox>], now: Instant) -> Watching {
    let mut watching = Watching::default();
    watching.view.lease(NODE, now + Duration::from_hours(1));
    let answers: Vec<_> = (1..)
        .zip(outboxes)
        .map(|(connection, outbox)| come(&mut watching, connection, outbox, now))
        .collect();
    everybody_is_there(&mut watching, now);
    let answered = |answers: &Arc<AtomicUsize>| answers.load(Ordering::Relaxed) == 1;
    assert!(answers.iter().all(answered));
    assert_eq!(watching.tell(), 0, "what was answered is told again");
    watching
}

/// The node says of all about whom it is asked that they are there.
fn everybody_is_there(watching: &mut Watching, now: Instant) {
    for user in watching.take_stale(usize::MAX) {
        watching.found(user, vec![(NODE, Shown::Online)]);
    }
    watching.know(true, now);
    watching.take_in(now, DateTime::UNIX_EPOCH);
}

fn say(watching: &mut Watching, number: u128, shown: Shown, now: Instant) {
    watching.view.said(NODE, user(number), shown);
    watching.take_in(now, DateTime::UNIX_EPOCH);
}

#[test]
fn each_change_is_told_to_each_who_watches_and_what_changes_back_is_not() {
    let (outboxes, start) = ([outbox(), outbox(), outbox()], Instant::now());
    let mut watching = watching(&outboxes, start);
    let later = start + Duration::from_secs(1);
    say(&mut watching, 1, Shown::Away, later);
    say(&mut watching, 4, Shown::Online, later);
    assert_eq!(watching.tell(), 3);
    for outbox in &outboxes {
        let objects = given(outbox);
        assert!(
            objects.len() == 1 && objects[0].contains(r#""status":"away""#),
            "{objects:?}"
        );
    }
    say(&mut watching, 2, Shown::Dnd, later);
    say(&mut watching, 2, Shown::Online, later);
    assert_eq!(watching.tell(), 0);
}

#[test]
fn whoever_comes_between_two_changes_is_told_of_the_second_though_it_is_as_before_for_others() {
    let (early, late, start) = (outbox(), outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&early)], start);
    say(&mut watching, 1, Shown::Away, start);
    // Answered with what has not been told yet.
    come(&mut watching, 2, &late, start);
    say(&mut watching, 1, Shown::Online, start);
    assert_eq!(watching.tell(), 1);
    let objects = given(&late);
    assert!(objects.len() == 1 && !objects[0].contains("away"), "{objects:?}");
    assert!(given(&early).is_empty());
}

#[test]
fn counts_are_told_to_each_who_has_heard_another() {
    let (early, late, start) = (outbox(), outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&early)], start);
    let group = ConversationId(Uuid::from_u128(7));
    let members = 1..=NAMED_MEMBERS_MAX as u128 + 1;
    watching.granted(1, 1, Ok(granted(vec![group])), start);
    let read = Ok((members.map(user).collect(), HashMap::new()));
    watching.members(group, 1, read, start);
    everybody_is_there(&mut watching, start);
    assert_eq!((watching.tell(), watching.tell_counts(start)), (1, 0));
    say(&mut watching, 100, Shown::Offline, start);
    come(&mut watching, 2, &late, start);
    watching.granted(2, 1, Ok(granted(vec![group])), start);
    assert_eq!(watching.tell(), 1);
    say(&mut watching, 100, Shown::Online, start);
    assert_eq!(watching.tell_counts(start), 1);
    let objects = given(&late);
    assert!(objects[1].contains(r#""online":201"#), "{objects:?}");
}

#[test]
fn a_look_up_that_fails_hides_what_was_known_and_is_made_again() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&one)], start);
    watching.doubt();
    watching.granted(1, 2, Err(Refusal::Unavailable), start);
    watching.tell();
    say(&mut watching, 1, Shown::Away, start);
    watching.tell();
    let objects = given(&one);
    assert!(
        objects.len() == 1 && objects[0].contains(r#""unknown":true"#),
        "{objects:?}"
    );
    watching.look_again();
    watching.granted(1, 3, Ok(granted(vec![])), start);
    everybody_is_there(&mut watching, start);
    assert_eq!(watching.tell(), 1);
    assert!(given(&one)[0].contains(&user(3).0.to_string()));
}

#[test]
fn members_who_cannot_be_looked_up_are_not_taken_for_none_and_are_looked_up_again() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&one)], start);
    let group = ConversationId(Uuid::from_u128(7));
    watching.granted(1, 1, Ok(granted(vec![group])), start);
    let members = |members: &[u128]| Ok((members.iter().copied().map(user).collect(), HashMap::new()));
    watching.members(group, 1, members(&[4, 5]), start);
    everybody_is_there(&mut watching, start);
    watching.tell();
    assert!(given(&one)[0].contains(r#"{"online":2}"#));
    watching.doubt();
    watching.members(group, 2, Err(Refusal::Unavailable), start);
    watching.tell();
    let objects = given(&one);
    assert!(
        objects.len() == 1 && objects[0].contains(r#""unknown":true"#),
        "{objects:?}"
    );
    watching.look_again();
    watching.members(group, 3, members(&[4]), start);
    everybody_is_there(&mut watching, start);
    watching.tell();
    let objects = given(&one);
    assert!(objects[0].contains(r#"{"online":1}"#), "{objects:?}");
    assert!(!objects[0].contains(&user(5).0.to_string()));
}

#[test]
fn whoever_is_answered_late_is_not_told_the_list_from_before_but_what_was_asked_for() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&one)], start);
    let watch = Watch {
        connection: 1,
        user: user(0),
        outbox: Arc::clone(&one),
        users: vec![user(1), user(9)],
        conversations: vec![],
        reply: Box::new(|state| assert_eq!(state.unwrap(), None)),
    };
    watching.watch(watch, start);
    let late = start + PATIENCE;
    watching.answer(late);
    assert_eq!(watching.tell(), 0);
    let allowed = Granted {
        users: vec![user(9)],
        ..granted(vec![])
    };
    watching.granted(1, 2, Ok(allowed), late);
    everybody_is_there(&mut watching, late);
    assert_eq!(watching.tell(), 1);
    let objects = given(&one);
    assert!(!objects[0].contains(&user(1).0.to_string()), "{objects:?}");
    assert!(objects[0].contains(&user(9).0.to_string()), "{objects:?}");
}

#[test]
fn a_wish_that_is_refused_leaves_what_was_watched_before() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&one)], start);
    let watch = Watch {
        connection: 1,
        user: user(0),
        outbox: Arc::clone(&one),
        users: vec![user(9)],
        conversations: vec![],
        reply: Box::new(|state| assert!(state.is_err())),
    };
    watching.watch(watch, start);
    watching.granted(1, 2, Err(Refusal::Unavailable), start);
    say(&mut watching, 1, Shown::Away, start);
    assert_eq!(watching.tell(), 1);
    watching.doubt();
    let again = watching.next_errand();
    assert!(matches!(again, Some(Errand::Grant { users, .. }) if users.len() == 3));
}

#[test]
fn questions_about_large_conversations_keep_nobody_from_watching() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = Watching::default();
    let group = |number| ConversationId(Uuid::from_u128(number));
    let members = |group: u128| {
        let members = (1..=100_000).map(|member| user(group << 64 | member));
        Ok((members.collect::<Vec<_>>(), HashMap::new()))
    };
    for (number, reading) in (1..=3).zip(1..) {
        watching.ask(vec![], Some(group(number)), Box::new(|_| {}), start);
        watching.members(group(number), reading, members(number), start);
        assert!(watching.sizes().1 <= TRACKED_WITH_ASKED);
    }
    assert_eq!(watching.sizes().1, 100_000);
    // What is too much is not read again for each question.
    watching.ask(vec![], Some(group(3)), Box::new(|_| {}), start);
    assert!(watching.rooms[&group(3)].reading.is_none());
    // Who is watched takes the place of who was asked about.
    come(&mut watching, 1, &one, start);
    watching.granted(1, 1, Ok(granted(vec![group(4)])), start);
    watching.members(group(4), 4, members(4), start);
    assert_eq!(watching.sizes().1, 100_003);
    assert!(!watching.rooms.contains_key(&group(1)));
}

#[test]
fn a_question_is_answered_that_nothing_is_known_and_the_next_one_that_it_is() {
    let (mut watching, start) = (Watching::default(), Instant::now());
    let (answers, told) = std::sync::mpsc::channel();
    let ask = |watching: &mut Watching, now| {
        let answers = answers.clone();
        let reply = Box::new(move |known: Option<&Watching>| {
            answers
                .send(known.is_some_and(|known| known.shown(user(1)).is_some()))
                .unwrap();
        });
        watching.ask(vec![user(1)], None, reply, now);
    };
    ask(&mut watching, start);
    assert_eq!(watching.impatient_at(), Some(start + QUESTION_PATIENCE));
    watching.answer(start + QUESTION_PATIENCE);
    assert_eq!(told.try_recv(), Ok(false));
    watching.view.lease(NODE, start + Duration::from_hours(1));
    ask(&mut watching, start + QUESTION_PATIENCE);
    everybody_is_there(&mut watching, start + QUESTION_PATIENCE);
    assert_eq!(told.try_recv(), Ok(true));
    assert!(watching.is_idle());
    // Nobody asks again, and nothing is found out.
    ask(&mut watching, start);
    watching.know(false, start);
    watching.answer(start + FIND_OUT);
    assert!(told.try_recv().is_ok() && watching.is_idle());
}

#[test]
fn who_has_other_settings_is_looked_up_as_a_viewer_and_as_one_who_is_watched() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[one], start);
    while watching.next_errand().is_some() {}
    watching.settled(user(1));
    let errand = watching.next_errand();
    assert!(matches!(errand, Some(Errand::LastSeen(users)) if users == [user(1)]));
    watching.settled(user(0));
    let errand = watching.next_errand();
    assert!(matches!(errand, Some(Errand::Grant { connection: 1, .. })));
    watching.settled(user(9));
    assert!(watching.next_errand().is_none());
}

/// The connections of which it is looked up next what they may watch, and the conversations whose members are.
fn looked_up(watching: &mut Watching) -> (Vec<u64>, Vec<ConversationId>) {
    let (mut connections, mut conversations) = (vec![], vec![]);
    while let Some(errand) = watching.next_errand() {
        match errand {
            Errand::Grant { connection, .. } => connections.push(connection),
            Errand::Members(conversation, _) => conversations.push(conversation),
            Errand::LastSeen(_) => {}
        }
    }
    connections.sort_unstable();
    (connections, conversations)
}

#[test]
fn what_cannot_be_read_is_looked_up_for_those_alone_whom_it_may_concern() {
    let (one, two, start) = (outbox(), outbox(), Instant::now());
    let mut watching = watching(&[one], start);
    let watch = Watch {
        connection: 2,
        user: user(8),
        outbox: two,
        users: vec![user(9)],
        conversations: vec![],
        reply: Box::new(|_| {}),
    };
    watching.watch(watch, start);
    let (group, other) = (
        ConversationId(Uuid::from_u128(7)),
        ConversationId(Uuid::from_u128(6)),
    );
    let sees = Granted {
        users: vec![user(9)],
        ..granted(vec![group])
    };
    watching.granted(2, 1, Ok(sees), start);
    watching.members(group, 1, Ok((vec![user(8), user(10)], HashMap::new())), start);
    everybody_is_there(&mut watching, start);
    looked_up(&mut watching);
    let nobody = user(12);
    for (conversation, by, connections, conversations) in [
        (other, nobody, vec![], vec![]),
        // In the conversation that the second one watches.
        (group, nobody, vec![2], vec![group]),
        // Perhaps to somebody who watches the one who did it, whether by name or as a member, and by somebody who watches.
        (other, user(9), vec![2], vec![]),
        (other, user(10), vec![2], vec![]),
        (other, user(1), vec![1], vec![]),
        (other, user(8), vec![2], vec![]),
    ] {
        watching.obscured(conversation, by);
        assert_eq!(looked_up(&mut watching), (connections, conversations), "{by:?}");
    }
    watching.doubted(user(0));
    assert_eq!(looked_up(&mut watching), (vec![1], vec![]));
    watching.doubt();
    assert_eq!(looked_up(&mut watching), (vec![1, 2], vec![group]));
}

#[test]
fn a_block_shows_what_going_invisible_shows_and_its_end_what_coming_back_does() {
    let (apart, other, start) = (outbox(), outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&apart)], start);
    // Somebody else watches the same three.
    let watch = Watch {
        connection: 2,
        user: user(9),
        outbox: Arc::clone(&other),
        users: (1..=3).map(user).collect(),
        conversations: vec![],
        reply: Box::new(|state| assert!(state.is_ok())),
    };
    watching.watch(watch, start);
    watching.granted(2, 1, Ok(granted(vec![])), start);
    say(&mut watching, 2, Shown::Offline, start);
    let Some(Errand::LastSeen(gone)) = watching.next_errand() else {
        panic!("who has gone is looked up")
    };
    watching.gone(gone, Some(&HashMap::new()));
    watching.tell();
    assert!(given(&apart)[0].contains("last_seen") && given(&other)[0].contains("last_seen"));
    let hidden = |number: u128| {
        format!(
            r#"{{"type":"presence","user":"{}","online":false}}"#,
            user(number).0
        )
    };
    // One of them was there, and of the other one nothing is told.
    for number in [1, 2] {
        watching.parted(user(number), user(0));
    }
    watching.tell();
    assert_eq!(given(&apart), [hidden(1)]);
    let blocked = || Granted {
        parted: [user(1), user(2)].into(),
        ..granted(vec![])
    };
    watching.granted(1, 3, Ok(blocked()), start);
    for shown in [Shown::Away, Shown::Offline, Shown::Online] {
        say(&mut watching, 1, shown, start);
        while watching.next_errand().is_some() {}
        watching.gone(vec![user(1)], Some(&HashMap::new()));
        watching.tell();
    }
    assert!(given(&apart).is_empty(), "who is parted is told to change");
    assert_eq!(given(&other).len(), 3);
    // Whoever asks again is shown them as before.
    let state = watching.state(1).unwrap();
    let there = state
        .users
        .iter()
        .map(|(_, sight)| (sight.shown, sight.last_seen));
    let nowhere = (Shown::Offline, None);
    assert_eq!(
        there.collect::<Vec<_>>(),
        [nowhere, nowhere, (Shown::Online, None)]
    );
    for number in [1, 2] {
        watching.parted(user(number), user(0));
    }
    watching.granted(1, 5, Ok(granted(vec![])), start);
    watching.tell();
    let objects = given(&apart);
    assert!(
        objects.len() == 1
            && objects[0].contains(&user(1).0.to_string())
            && objects[0].contains(r#""online":true"#),
        "{objects:?}"
    );
    assert!(given(&other).is_empty());
}

#[test]
fn who_is_parted_does_not_count_where_members_are_named_and_does_where_they_are_not() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[one], start);
    let (small, large) = (
        ConversationId(Uuid::from_u128(7)),
        ConversationId(Uuid::from_u128(8)),
    );
    let allowed = |parted: &[u128]| Granted {
        parted: parted.iter().copied().map(user).collect(),
        ..granted(vec![small, large])
    };
    let members = |most: u128| Ok(((0..=most).map(user).collect(), HashMap::new()));
    watching.granted(1, 1, Ok(allowed(&[])), start);
    watching.members(small, 1, members(2), start);
    watching.members(large, 2, members(NAMED_MEMBERS_MAX as u128), start);
    everybody_is_there(&mut watching, start);
    let counts = |watching: &Watching| {
        let counts = watching.state(1).unwrap().conversations;
        counts.into_iter().map(|(_, count)| count).collect::<Vec<_>>()
    };
    assert_eq!(counts(&watching), [3, NAMED_MEMBERS_MAX + 1]);
    watching.parted(user(0), user(2));
    assert_eq!(counts(&watching), [2, NAMED_MEMBERS_MAX + 1]);
    watching.granted(1, 2, Ok(allowed(&[2])), start);
    say(&mut watching, 2, Shown::Offline, start);
    assert_eq!(counts(&watching), [2, NAMED_MEMBERS_MAX]);
    say(&mut watching, 1, Shown::Offline, start);
    assert_eq!(counts(&watching), [1, NAMED_MEMBERS_MAX - 1]);
    watching.granted(1, 2, Ok(allowed(&[])), start);
    assert_eq!(counts(&watching), [1, NAMED_MEMBERS_MAX - 1]);
}

#[test]
fn who_shows_contacts_alone_when_they_were_last_there_shows_it_to_those_who_are_some() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&one)], start);
    let tied = |contacts: &[u128]| Granted {
        contacts: contacts.iter().copied().map(user).collect(),
        ..granted(vec![])
    };
    watching.granted(1, 1, Ok(tied(&[2])), start);
    let last = LastSeen {
        at: None,
        shown_to: Audience::Contacts,
    };
    for number in [1, 2] {
        say(&mut watching, number, Shown::Offline, start);
        watching.gone(vec![user(number)], Some(&HashMap::from([(user(number), last)])));
    }
    watching.tell();
    let seen = |objects: &[String], number: u128| {
        let id = user(number).0.to_string();
        let mut of_user = objects.iter().filter(|object| object.contains(&id));
        of_user.next().map(|object| object.contains("last_seen"))
    };
    let objects = given(&one);
    assert_eq!((seen(&objects, 1), seen(&objects, 2)), (Some(false), Some(true)));
    // One of them becomes a contact, and the other one is none any more.
    for number in [1, 2] {
        watching.tied(user(0), user(number));
    }
    watching.tell();
    let objects = given(&one);
    assert_eq!((seen(&objects, 1), seen(&objects, 2)), (None, Some(false)));
    watching.granted(1, 3, Ok(tied(&[1])), start);
    watching.tell();
    let objects = given(&one);
    assert_eq!((seen(&objects, 1), seen(&objects, 2)), (Some(true), None));
    // Whoever shows it to contacts alone is shown it of them alone.
    watching.gone(vec![user(2)], Some(&HashMap::new()));
    let shows = |shows| Granted { shows, ..tied(&[1]) };
    let told = |watching: &Watching| {
        let users = watching.state(1).unwrap().users;
        let told = users.iter().map(|(_, sight)| sight.last_seen.is_some());
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(&watching), [true, true, false]);
    watching.granted(1, 3, Ok(shows(Audience::Contacts)), start);
    assert_eq!(told(&watching), [true, false, false]);
    watching.granted(1, 3, Ok(shows(Audience::Nobody)), start);
    assert_eq!(told(&watching), [false, false, false]);
}

#[test]
fn who_has_no_room_is_told_everything_when_there_is_some() {
    let (slow, start) = (outbox(), Instant::now());
    let mut watching = watching(&[Arc::clone(&slow)], start);
    let mut shown = [Shown::Away, Shown::Online].into_iter().cycle();
    for second in 1..20 {
        let now = start + Duration::from_secs(second);
        say(&mut watching, 1, shown.next().unwrap(), now);
        watching.tell();
    }
    let before = given(&slow).len();
    assert!(before < 19, "{before} were given");
    assert_eq!(watching.tell(), 1);
    let objects = given(&slow);
    assert!(
        objects.len() == 1 && objects[0].contains("presence.state"),
        "{objects:?}"
    );
    assert_eq!(watching.tell(), 0);
}

#[test]
fn however_often_somebody_leaves_each_who_watches_them_is_looked_up_once_and_last() {
    let (outboxes, start) = ([outbox(), outbox()], Instant::now());
    let mut watching = watching(&outboxes, start);
    while watching.next_errand().is_some() {}
    for _ in 0..100 {
        watching.moved(ConversationId(Uuid::nil()), user(1), false);
        watching.doubt();
    }
    say(&mut watching, 2, Shown::Offline, start);
    let mut kinds = vec![];
    while let Some(errand) = watching.next_errand() {
        kinds.push(match errand {
            Errand::LastSeen(_) => "last seen",
            Errand::Members(..) => "members",
            Errand::Grant { number, users, .. } => {
                assert_eq!((number, users.len()), (102, 3));
                "grant"
            }
        });
    }
    assert_eq!(kinds, ["last seen", "grant", "grant"]);
}

#[test]
fn when_a_connection_is_gone_nothing_is_left_of_it() {
    let (one, start) = (outbox(), Instant::now());
    let mut watching = watching(&[one], start);
    watching.unwatch(1);
    assert_eq!(watching.sizes(), (0, 0));
    assert!(watching.is_idle() && watching.view.everybody().is_empty());
}
