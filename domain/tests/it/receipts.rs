use crate::harness::*;
use tidings_domain::event::Registered;
use tidings_domain::{ConversationEvent, RECEIPT_MEMBERS_MAX, Receipts, Stream, UserEvent};

/// What members may know of one another once this happened: how far they have read, and how far they were sent.
fn shown(events: impl IntoIterator<Item = ConversationEvent>) -> (bool, bool) {
    let mut stream = Stream::default();
    for event in events {
        stream.evolve(&event.into());
    }
    let Receipts { read, delivered } = stream.receipts();
    (read, delivered)
}

#[test]
fn two_who_talk_see_what_arrives_and_a_group_sees_who_reads() {
    assert_eq!(shown(direct()), (true, true));
    assert_eq!(shown(group()), (true, false));
}

#[test]
fn a_group_that_grows_too_large_shows_nothing_until_it_is_small_again() {
    let crowd = |count: usize| {
        let more = count - fold(&group()).member_count();
        let more = (1000..1000 + more as u128).map(added);
        group().into_iter().chain(more)
    };
    assert_eq!(shown(crowd(RECEIPT_MEMBERS_MAX)), (true, false));
    assert_eq!(shown(crowd(RECEIPT_MEMBERS_MAX + 1)), (false, false));
    assert_eq!(
        shown(crowd(RECEIPT_MEMBERS_MAX + 1).chain([left(BEN)])),
        (true, false)
    );
}

#[test]
fn there_are_none_where_there_is_no_conversation() {
    let mut stream = Stream::default();
    assert_eq!(stream.receipts(), Receipts::default());
    let registered = Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    };
    stream.evolve(&UserEvent::Registered(registered).into());
    assert_eq!(stream.receipts(), Receipts::default());
}
