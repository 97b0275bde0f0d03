use crate::harness::*;
use tidings_domain::event::ReactionChanged;
use tidings_domain::{
    ConversationCommand, ConversationEvent, Emoji, Field, Message, Reactions, Rejection, Rules,
};

fn react(with: &str, on: bool) -> ConversationCommand {
    ConversationCommand::React {
        message: MESSAGE,
        emoji: emoji(with),
        on,
    }
}

fn changed(with: &str, on: bool) -> ConversationEvent {
    ConversationEvent::ReactionChanged(ReactionChanged {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        emoji: emoji(with),
        on,
    })
}

/// The `n`th of many emoji.
fn nth(n: u32) -> Emoji {
    emoji(&char::from_u32(0x1f400 + n).unwrap().to_string())
}

/// A message of Ann's with reactions of whom it is known whether Ben has them.
fn with(reactions: impl IntoIterator<Item = (Emoji, bool)>) -> Given {
    let mut known = Reactions::default();
    for (emoji, mine) in reactions {
        known.add(emoji, user(BEN), mine);
    }
    given(group()).and(Message {
        reactions: known,
        ..written(ANN, "hi")
    })
}

#[test]
fn a_member_reacts_and_takes_it_back() {
    with([]).when(BEN, react("👍", true)).then([changed("👍", true)]);
    with([(emoji("👍"), true)])
        .when(BEN, react("👍", false))
        .then([changed("👍", false)]);
    given(direct())
        .and(written(BEN, "hi"))
        .when(BEN, react("👍", true))
        .then([changed("👍", true)]);
}

#[test]
fn what_people_see_as_one_emoji_is_one() {
    for spelled in ["❤", "❤️", "❤\u{fe0e}"] {
        with([])
            .when(BEN, react(spelled, true))
            .then([changed("❤️", true)]);
        let put = with([(emoji("❤️"), true)]);
        put.when(BEN, react(spelled, true)).then([]);
        put.when(BEN, react(spelled, false)).then([changed("❤️", false)]);
        // What was put there in other ways goes as it stands there.
        let several = [(emoji("❤"), true), (emoji("❤️"), true), (emoji("👍"), true)];
        with(several)
            .when(BEN, react(spelled, false))
            .then([changed("❤", false), changed("❤️", false)]);
        with([(emoji("❤"), true)])
            .when(BEN, react(spelled, true))
            .then([]);
        with([(emoji("❤"), false)])
            .when(BEN, react(spelled, false))
            .then([]);
    }
}

#[test]
fn what_is_so_already_appends_nothing() {
    with([(emoji("👍"), true)]).when(BEN, react("👍", true)).then([]);
    with([(emoji("👍"), false)])
        .when(BEN, react("👍", false))
        .then([]);
    with([]).when(BEN, react("👍", false)).then([]);
    with([])
        .done(BEN, react("👍", true))
        .when(BEN, react("👍", true))
        .then([]);
    with([])
        .done(BEN, react("👍", true))
        .when(BEN, react("👍", false))
        .then([changed("👍", false)]);
    with([])
        .done(BEN, react("👍", true))
        .when(CAT, react("👍", true))
        .then([changed("👍", true)]);
}

#[test]
fn strangers_do_not_react_and_what_is_unknown_or_recalled_is_not_found() {
    with([])
        .when(DAN, react("👍", true))
        .refused(Rejection::NotAMember);
    given(group())
        .when(DAN, react("👍", true))
        .refused(Rejection::NotAMember);
    let not_found = Rejection::NotFound(Field::Message);
    given(group())
        .when(BEN, react("👍", true))
        .refused(not_found.clone());
    with([])
        .done(ANN, ConversationCommand::RecallMessage { message: MESSAGE })
        .when(BEN, react("👍", true))
        .refused(not_found);
}

#[test]
fn a_message_has_twenty_different_reactions_at_most() {
    let of_others = |count| with((0..count).map(|n| (nth(n), false)));
    of_others(19)
        .when(BEN, react("👍", true))
        .then([changed("👍", true)]);
    of_others(20).when(BEN, react("👍", true)).conflicts();
    // What others have on it can be had by more.
    let third = ConversationEvent::ReactionChanged(ReactionChanged {
        message: MESSAGE,
        message_seq: MESSAGE_SEQ,
        emoji: nth(3),
        on: true,
    });
    let react_third = ConversationCommand::React {
        message: MESSAGE,
        emoji: nth(3),
        on: true,
    };
    of_others(20).when(BEN, react_third).then([third]);
    of_others(19)
        .done(CAT, react("👍", true))
        .when(BEN, react("👎", true))
        .conflicts();
    of_others(19)
        .done(CAT, react("👍", true))
        .done(CAT, react("👍", false))
        .when(BEN, react("👎", true))
        .then([changed("👎", true)]);
    // Who takes off what others have too makes no room.
    with((0..20).map(|n| (nth(n), n == 3)))
        .done(BEN, react(nth(3).as_str(), false))
        .when(BEN, react("👎", true))
        .conflicts();
}

#[test]
fn what_one_takes_off_another_keeps() {
    with([])
        .done(BEN, react("👍", true))
        .done(CAT, react("👍", true))
        .done(BEN, react("👍", false))
        .when(CAT, react("👍", true))
        .then([]);
}

#[test]
fn where_more_were_used_than_are_told_of_there_is_no_room_for_another() {
    let mut known = Reactions::default();
    known.add(emoji("👍"), user(BEN), false);
    known.and_more();
    let crowded = given(group()).and(Message {
        reactions: known,
        ..written(ANN, "hi")
    });
    crowded.when(BEN, react("👎", true)).conflicts();
    crowded.when(BEN, react("👍", true)).then([changed("👍", true)]);
}

#[test]
fn one_person_does_not_use_up_alone_what_a_message_takes() {
    let mut known = Reactions::default();
    for n in 0..64 {
        known.add_tried(nth(n), user(BEN));
    }
    let tried = given(group()).and(Message {
        reactions: known,
        ..written(ANN, "hi")
    });
    tried.when(BEN, react("👍", true)).conflicts();
    let again = nth(7);
    tried
        .when(BEN, react(again.as_str(), true))
        .then([changed(again.as_str(), true)]);
    tried.when(CAT, react("👍", true)).then([changed("👍", true)]);
    // What is put there in the same batch counts.
    let mut one_more = given(group()).and(written(ANN, "hi"));
    for n in 0..64 {
        let emoji = nth(n);
        one_more = one_more
            .done(BEN, react(emoji.as_str(), true))
            .done(BEN, react(emoji.as_str(), false));
    }
    one_more.when(BEN, react("👍", true)).conflicts();
    one_more.when(CAT, react("👍", true)).then([changed("👍", true)]);
}

#[test]
fn one_person_has_so_many_reactions_on_a_message_at_most() {
    let rules = Rules {
        reactions_of_user: 2,
        ..Rules::default()
    };
    let two = given(group())
        .under(rules)
        .and(written(ANN, "hi"))
        .done(BEN, react("👍", true))
        .done(BEN, react("👎", true));
    two.when(BEN, react("❤", true)).conflicts();
    two.when(BEN, react("👍", false)).then([changed("👍", false)]);
    two.when(CAT, react("❤", true)).then([changed("❤️", true)]);
    two.done(BEN, react("👍", false))
        .when(BEN, react("❤", true))
        .then([changed("❤️", true)]);
}
