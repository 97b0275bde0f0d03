use super::*;
use crate::lanes::fixture::control;
use crate::lanes::states::StreamState;
use crate::lanes::{Accepted, Authorize, Seat, originals, regards};
use futures_util::future::BoxFuture;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidings_domain::event::{ConversationEvent, GroupRenamed};
use tidings_domain::{
    Command, CommandId, ConversationCommand, ConversationId, GroupName, Original, Says, Source, StreamCommand,
};
use tokio::sync::oneshot;

const LANE: u8 = 1;
const ONE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

/// Nobody is remembered; whoever is asked is told by the test.
struct Strangers;

impl People for Strangers {
    fn remembers(&self, _: &[UserId]) -> Option<HashMap<UserId, u32>> {
        None
    }

    fn existing(&self, _: Vec<UserId>) -> BoxFuture<'_, Option<HashMap<UserId, u32>>> {
        Box::pin(std::future::pending())
    }
}

fn waiting(room: usize) -> Waiting {
    Waiting::new(room, Arc::new(Strangers))
}

fn request(stream: Uuid) -> (Request, oneshot::Receiver<Result<Seat, Refusal>>) {
    let (reply, answer) = oneshot::channel();
    let question = Authorize {
        conversation: ConversationId(stream),
        user: UserId(Uuid::nil()),
        fresh: false,
        reply,
    };
    (Request::Authorize(question), answer)
}

/// Somebody is to be added.
fn naming(stream: Uuid, user: u128) -> (Request, oneshot::Receiver<Result<Accepted, Refusal>>) {
    let (sender, answer) = oneshot::channel();
    let command = StreamCommand::Conversation(Command {
        id: CommandId(Uuid::from_u128(user)),
        actor: UserId(Uuid::nil()),
        conversation: ConversationId(stream),
        body: ConversationCommand::AddMember {
            user: UserId(Uuid::from_u128(user)),
        },
    });
    let request = Request::Command {
        command,
        digest: 0,
        people: vec![],
        rooms: vec![],
        asked: None,
        original: None,
        regards: vec![],
        as_of: None,
        reply: Box::new(move |answer| {
            let _ = sender.send(answer);
        }),
    };
    (request, answer)
}

fn at(guard: u64) -> Known {
    Known::State(Arc::new(StreamState {
        guard,
        ..StreamState::default()
    }))
}

fn renamed(stream: Uuid, seq: u64) -> Recorded {
    let name = GroupName::parse("another").unwrap();
    let renamed = ConversationEvent::GroupRenamed(GroupRenamed { name });
    control(stream, seq, renamed)
}

/// A read of all that is wanted, begun now.
fn begin(waiting: &mut Waiting) -> HashMap<Uuid, Ticket> {
    waiting.wanted.drain(..).collect()
}

/// What comes of it: each stream at a guard.
fn end(waiting: &mut Waiting, sought: HashMap<Uuid, Ticket>, guard: u64) -> Vec<(Uuid, Option<u64>, usize)> {
    let states = sought.keys().map(|stream| (*stream, at(guard))).collect();
    let read = Read {
        sought,
        states: Some(states),
    };
    told(waiting.read(LANE, read))
}

fn told(released: Vec<Released>) -> Vec<(Uuid, Option<u64>, usize)> {
    let guard = |known| match known {
        Known::State(state) => state.guard,
        Known::Unreadable => u64::MAX,
    };
    let released = released.into_iter();
    released
        .map(|one| (one.stream, one.known.map(guard), one.requests.len()))
        .collect()
}

#[test]
fn who_finds_no_room_is_told_and_who_leaves_makes_some() {
    let mut waiting = waiting(2);
    let mut answers: Vec<_> = [ONE, ONE, OTHER]
        .into_iter()
        .map(|stream| {
            let (request, answer) = request(stream);
            assert!(waiting.admit(request, false).is_none());
            answer
        })
        .collect();
    assert!(matches!(answers[2].try_recv(), Ok(Err(Refusal::Overloaded))));
    let sought = begin(&mut waiting);
    assert_eq!(end(&mut waiting, sought, 1), [(ONE, Some(1), 2)]);
    assert!(waiting.is_empty());
    assert!(waiting.admit(request(OTHER).0, false).is_none());
    assert!(
        waiting.admit(request(ONE).0, true).is_some(),
        "who need not wait needs no room"
    );
}

#[test]
fn what_was_heard_while_a_stream_was_read_is_folded_behind_it() {
    let mut waiting = waiting(9);
    waiting.admit(request(ONE).0, false);
    let sought = begin(&mut waiting);
    for seq in [6, 7] {
        waiting.heard(&renamed(ONE, seq));
    }
    waiting.heard(&renamed(OTHER, 8));
    assert_eq!(end(&mut waiting, sought, 6), [(ONE, Some(7), 1)]);
}

#[test]
fn what_was_read_before_something_was_missed_is_read_again() {
    let mut waiting = waiting(9);
    waiting.admit(request(ONE).0, false);
    let early = begin(&mut waiting);
    waiting.moved(ONE);
    waiting.moved(OTHER);
    assert!(end(&mut waiting, early, 6).is_empty());
    let later = begin(&mut waiting);
    assert_eq!(later.len(), 1, "of others nobody has to know");
    for seq in 0..=HEARD as u64 {
        waiting.heard(&renamed(ONE, 7 + seq));
    }
    assert!(end(&mut waiting, later, 6).is_empty());
    let forgotten = begin(&mut waiting);
    waiting.forget();
    assert!(end(&mut waiting, forgotten, 6).is_empty());
    let last = begin(&mut waiting);
    assert_eq!(end(&mut waiting, last, 7), [(ONE, Some(7), 1)]);
}

#[test]
fn what_a_read_has_not_come_to_is_read_next_and_with_what_was_heard_since() {
    let mut waiting = waiting(9);
    let three = Uuid::from_u128(3);
    waiting.admit(request(ONE).0, false);
    waiting.admit(request(OTHER).0, false);
    let mut sought = begin(&mut waiting);
    waiting.admit(request(three).0, false);
    waiting.heard(&renamed(OTHER, 7));
    let read = Read {
        sought: sought.clone(),
        states: Some(vec![(ONE, at(5))]),
    };
    assert_eq!(told(waiting.read(LANE, read)), [(ONE, Some(5), 1)]);
    let first = waiting.wanted.remove(0);
    assert_eq!(Some(first), sought.remove_entry(&OTHER));
    assert_eq!(
        end(&mut waiting, HashMap::from([first]), 6),
        [(OTHER, Some(7), 1)]
    );
    // One that is wished for again meanwhile is not put back.
    let old = begin(&mut waiting);
    assert_eq!(old.keys().collect::<Vec<_>>(), [&three]);
    waiting.moved(three);
    let read = Read {
        sought: old,
        states: Some(vec![]),
    };
    assert!(waiting.read(LANE, read).is_empty());
    assert_eq!(waiting.wanted.len(), 1);
}

#[test]
fn a_stream_that_cannot_be_read_refuses_those_who_wait_for_it() {
    let mut waiting = waiting(9);
    let (request, mut answer) = request(ONE);
    waiting.admit(request, false);
    let sought = begin(&mut waiting);
    let failed = Read { sought, states: None };
    assert!(waiting.read(LANE, failed).is_empty() && waiting.is_empty());
    assert!(matches!(answer.try_recv(), Ok(Err(Refusal::Unavailable))));
}

#[test]
fn who_names_somebody_waits_for_the_look_up_and_those_behind_with_them() {
    let mut waiting = waiting(9);
    let (add, _answer) = naming(ONE, 7);
    // Before it, what waits for nothing more; behind it, what waits for it.
    assert!(waiting.admit(request(ONE).0, true).is_some());
    assert!(waiting.admit(add, true).is_none());
    assert!(waiting.admit(request(ONE).0, true).is_none());
    assert!(
        waiting.admit(request(OTHER).0, true).is_some(),
        "nobody else waits"
    );
    let users = waiting.take_unknown();
    assert_eq!(users, [UserId(Uuid::from_u128(7))]);
    // Who comes now is not among those who are being looked up.
    let (late, _answer) = naming(ONE, 8);
    assert!(waiting.admit(late, true).is_none());
    let found = HashMap::from([(UserId(Uuid::from_u128(7)), 9)]);
    let released = waiting.looked_up(Some(&found), |_| true);
    let people: Vec<usize> = released[0]
        .requests
        .iter()
        .map(|request| match request {
            Request::Command { people, .. } => people.len(),
            Request::Authorize(_) => 0,
        })
        .collect();
    assert_eq!(people, [1, 0]);
    assert_eq!(waiting.take_unknown(), [UserId(Uuid::from_u128(8))]);
    let released = told(waiting.looked_up(Some(&HashMap::new()), |_| true));
    assert_eq!(released, [(ONE, None, 1)]);
    assert!(waiting.is_empty() && waiting.count == 0);
}

#[test]
fn accounts_that_do_not_answer_harm_those_alone_who_need_them() {
    let mut waiting = waiting(9);
    let (add, mut answer) = naming(ONE, 7);
    waiting.admit(add, true);
    waiting.admit(request(ONE).0, true);
    waiting.take_unknown();
    assert_eq!(told(waiting.looked_up(None, |_| true)), [(ONE, None, 1)]);
    assert!(matches!(answer.try_recv(), Ok(Err(Refusal::Unavailable))));
    assert!(waiting.is_empty() && waiting.count == 0);
}

#[test]
fn a_state_and_people_are_waited_for_both_whichever_comes_first() {
    let mut waiting = waiting(9);
    let found = HashMap::from([(UserId(Uuid::from_u128(7)), 9)]);
    // A stream that does not exist is not kept by the lane; it comes with those who waited.
    let (add, _answer) = naming(ONE, 7);
    waiting.admit(add, false);
    waiting.take_unknown();
    let sought = begin(&mut waiting);
    assert_eq!(end(&mut waiting, sought, 0), [(ONE, Some(0), 0)]);
    assert_eq!(
        told(waiting.looked_up(Some(&found), |_| false)),
        [(ONE, Some(0), 1)]
    );
    // One that began meanwhile, or that the lane has let go, is read again.
    for began in [true, false] {
        let (add, _answer) = naming(ONE, 7);
        waiting.admit(add, false);
        waiting.take_unknown();
        let sought = begin(&mut waiting);
        let guard = u64::from(!began);
        assert_eq!(end(&mut waiting, sought, guard), [(ONE, Some(guard), 0)]);
        if began {
            waiting.heard(&renamed(ONE, 1));
        }
        assert!(told(waiting.looked_up(Some(&found), |_| false)).is_empty());
        let sought = begin(&mut waiting);
        assert_eq!(end(&mut waiting, sought, 2), [(ONE, Some(2), 1)]);
    }
    let (add, _answer) = naming(ONE, 7);
    waiting.admit(add, false);
    waiting.take_unknown();
    assert!(told(waiting.looked_up(Some(&found), |_| false)).is_empty());
    let sought = begin(&mut waiting);
    assert_eq!(end(&mut waiting, sought, 2), [(ONE, Some(2), 1)]);
}

/// Somebody sends on what another conversation holds.
fn forwarding(stream: Uuid) -> (Request, oneshot::Receiver<Result<Accepted, Refusal>>) {
    let source = Source {
        conversation: ConversationId(OTHER),
        message: Uuid::from_u128(9),
    };
    let (sender, answer) = oneshot::channel();
    let actor = UserId(Uuid::from_u128(8));
    let command = StreamCommand::Conversation(Command {
        id: CommandId(Uuid::from_u128(8)),
        actor,
        conversation: ConversationId(stream),
        body: ConversationCommand::SendMessage(Says::Forward(source).into()),
    });
    let (_, seat) = oneshot::channel();
    let request = Request::Command {
        command,
        digest: 0,
        people: vec![],
        rooms: vec![],
        asked: Some(Asked::Original(originals::Asked { source, actor, seat })),
        original: None,
        regards: vec![],
        as_of: None,
        reply: Box::new(move |answer| {
            let _ = sender.send(answer);
        }),
    };
    (request, answer)
}

/// What comes of the look-up that has waited longest.
fn found(waiting: &mut Waiting, original: Result<Option<Original>, Refusal>) -> Found {
    let answer = original.map(Answer::Original);
    let Sought { stream, ticket, .. } = waiting.originals.sought.pop_front().unwrap();
    Found {
        kind: Kind::Original,
        stream,
        ticket,
        answer,
    }
}

#[test]
fn who_sends_something_on_waits_for_it_with_those_behind_them_and_nobody_else_does() {
    let mut waiting = waiting(9);
    let (forward, mut answer) = forwarding(ONE);
    assert!(waiting.admit(forward, true).is_none());
    assert!(waiting.admit(request(ONE).0, true).is_none());
    assert!(waiting.admit(request(OTHER).0, true).is_some());
    let found = found(&mut waiting, Ok(None));
    assert_eq!(told(waiting.found(found, |_| true)), [(ONE, None, 2)]);
    assert!(answer.try_recv().is_err(), "it is for the lane to decide");
    assert!(waiting.is_empty() && waiting.count == 0);
}

#[test]
fn a_look_up_that_fails_harms_who_sends_it_on_alone() {
    let mut waiting = waiting(9);
    let (one, mut first) = forwarding(ONE);
    let (other, mut second) = forwarding(ONE);
    for request in [one, other, request(ONE).0] {
        waiting.admit(request, true);
    }
    let failed = found(&mut waiting, Err(Refusal::Unavailable));
    assert_eq!(told(waiting.found(failed, |_| true)), [(ONE, None, 0)]);
    assert!(matches!(first.try_recv(), Ok(Err(Refusal::Unavailable))));
    // The state that it waits for as well comes later, or it was read in between.
    let found = found(&mut waiting, Ok(None));
    assert!(told(waiting.found(found, |_| false)).is_empty());
    let sought = begin(&mut waiting);
    assert_eq!(end(&mut waiting, sought, 2), [(ONE, Some(2), 2)]);
    assert!(second.try_recv().is_err());
    assert!(waiting.is_empty() && waiting.count == 0);
}

#[tokio::test]
async fn nobody_waits_for_a_silent_lane_longer_than_from_their_coming_on() {
    let (mut waiting, patience) = (waiting(99), Duration::from_mins(1));
    for _ in 0..3 * LOOK_UPS {
        waiting.admit(forwarding(ONE).0, true);
    }
    let come = Instant::now();
    let deadlines = Arc::new(Mutex::new(vec![]));
    // One place after the other becomes free, and the next one takes it.
    while deadlines.lock().unwrap().len() < 3 * LOOK_UPS {
        let told = Arc::clone(&deadlines);
        waiting.find(patience, move |_, deadline| {
            told.lock().unwrap().push(deadline);
            std::future::ready(Err(Refusal::Unavailable))
        });
        waiting.next().await;
    }
    let deadlines = deadlines.lock().unwrap();
    assert!(deadlines.iter().all(|deadline| *deadline <= come + patience));
    assert!(deadlines.is_sorted());
}

/// Somebody is to be added whose wishes in that are looked up.
fn wanting(stream: Uuid) -> Request {
    let (mut request, _) = naming(stream, 7);
    if let Request::Command { command, asked, .. } = &mut request {
        *asked = regards::Asked::by(command).map(Asked::Regards);
    }
    request
}

#[tokio::test]
async fn a_flood_of_one_kind_keeps_nobody_from_what_is_looked_up_elsewhere() {
    let forward = || forwarding(ONE).0;
    let want = || wanting(ONE);
    let kinds: [&dyn Fn() -> Request; 2] = [&forward, &want];
    for (flood, other) in [(kinds[0], kinds[1]), (kinds[1], kinds[0])] {
        let mut waiting = waiting(99);
        for _ in 0..3 * LOOK_UPS {
            waiting.admit(flood(), true);
        }
        waiting.admit(other(), true);
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        // Neither a lane nor a table says anything.
        waiting.find(Duration::from_mins(1), move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::pending()
        });
        assert_eq!(begun.load(Ordering::Relaxed), LOOK_UPS + 1);
    }
}

#[tokio::test]
async fn what_was_found_while_the_lane_was_busy_is_taken_in_one_go() {
    let mut waiting = waiting(9);
    for _ in 0..3 {
        waiting.admit(forwarding(ONE).0, true);
    }
    let ended = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ended);
    waiting.find(Duration::from_mins(1), move |_, _| {
        let count = Arc::clone(&count);
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Answer::Original(None))
        }
    });
    while ended.load(Ordering::Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
    let arrived = waiting.next().await;
    assert_eq!((arrived.len(), waiting.originals.under_way), (3, 0));
    let mut released = 0;
    for one in arrived {
        if let Arrived::Found(found) = one {
            released += waiting
                .found(found, |_| true)
                .iter()
                .map(|released| released.requests.len())
                .sum::<usize>();
        }
    }
    assert_eq!(released, 3);
}
