use crate::harness::*;
use tidings_domain::event::{MessageEdited, MessageRecalled, ReactionChanged};
use tidings_domain::{
    Aspect, CommandId, ConversationEvent, ConversationId, Facts, Line, Message, Need, Reactions,
};
use uuid::Uuid;

const OTHER: Uuid = Uuid::from_u128(71);

/// Ben did something in front of what is decided next. What he sends is the message [`OTHER`].
fn before(facts: &mut Facts, event: impl Into<ConversationEvent>) {
    facts.evolve(CONVERSATION, user(BEN), CommandId(OTHER), &event.into());
}

fn sent() -> ConversationEvent {
    ConversationEvent::MessageSent(text("hi").into())
}

fn about_a_message() -> [ConversationEvent; 3] {
    let (message, message_seq) = (MESSAGE, MESSAGE_SEQ);
    [
        ConversationEvent::MessageEdited(MessageEdited {
            message,
            message_seq,
            content: text("ho"),
        }),
        ConversationEvent::MessageRecalled(MessageRecalled {
            message,
            message_seq,
            message_no: MESSAGE_NO,
            reason: None,
        }),
        ConversationEvent::ReactionChanged(ReactionChanged {
            message,
            message_seq,
            emoji: emoji("👍"),
            on: true,
        }),
    ]
}

#[test]
fn a_message_that_stands_before_in_the_batch_is_there_and_has_no_place_yet() {
    let need = |message, aspect| Need::Message { message, aspect };
    let mut facts = Facts::default();
    facts.add_presence(CONVERSATION, MESSAGE, user(CAT), (Line::Main, MESSAGE_SEQ));
    assert!(!facts.has_message(CONVERSATION, OTHER));
    assert!(facts.has_message(CONVERSATION, MESSAGE) && facts.message(CONVERSATION, MESSAGE).is_none());
    before(&mut facts, sent());
    assert!(facts.has_message(CONVERSATION, OTHER) && facts.message(CONVERSATION, OTHER).is_none());
    assert!(!facts.is_coming(CONVERSATION, need(OTHER, Aspect::Presence)));
    assert!(facts.is_coming(CONVERSATION, need(OTHER, Aspect::Message)));
    assert!(facts.is_coming(CONVERSATION, need(OTHER, Aspect::Reactions)));
    assert!(!facts.is_coming(CONVERSATION, need(MESSAGE, Aspect::Reactions)));
    assert!(!facts.is_coming(ConversationId(OTHER), need(OTHER, Aspect::Message)));
}

#[test]
fn a_message_is_touched_by_what_is_about_it_in_the_same_batch() {
    for event in about_a_message() {
        // Whether anything is known of it or not.
        for known in [None, Some(written(BEN, "hi"))] {
            let mut facts = Facts::default();
            if let Some(known) = known {
                facts.add_message(CONVERSATION, MESSAGE, known);
            }
            before(&mut facts, sent());
            assert!(!facts.is_touched(CONVERSATION, MESSAGE) && !facts.is_touched(CONVERSATION, OTHER));
            before(&mut facts, event.clone());
            assert!(facts.is_touched(CONVERSATION, MESSAGE), "{event:?}");
            assert!(!facts.is_touched(ConversationId(OTHER), MESSAGE));
        }
    }
}

#[test]
fn what_several_commands_know_of_a_message_is_added_up() {
    let reactions = |some: &[(&str, u128, bool)], more: bool| {
        let mut reactions = Reactions::default();
        for (name, actor, mine) in some {
            reactions.add(emoji(name), user(*actor), *mine);
        }
        if more {
            reactions.and_more();
        }
        reactions
    };
    let anns = [("👍", ANN, true), ("👎", ANN, false)];
    let bens = [("👍", BEN, true), ("❤", BEN, false)];
    for (first, second) in [(true, false), (false, true), (true, true), (false, false)] {
        let mut facts = Facts::default();
        for (some, more) in [(&anns, first), (&bens, second)] {
            let message = Message {
                reactions: reactions(some, more),
                ..written(CAT, "hi")
            };
            facts.add_message(CONVERSATION, MESSAGE, message);
            facts.add_presence(CONVERSATION, MESSAGE, user(CAT), (Line::Main, MESSAGE_SEQ));
        }
        let known = facts.message(CONVERSATION, MESSAGE).unwrap();
        let all = reactions(&[anns, bens].concat(), first || second);
        assert_eq!(known.reactions, all, "{first} {second}");
    }
}

#[test]
fn a_message_that_cannot_be_read_is_there_and_nothing_is_decided_about_it() {
    let need = |message, aspect| Need::Message { message, aspect };
    let mut facts = Facts::default();
    facts.add_unreadable(CONVERSATION, MESSAGE);
    facts.add_message(CONVERSATION, OTHER, written(BEN, "hi"));
    assert!(facts.has_message(CONVERSATION, MESSAGE) && facts.message(CONVERSATION, MESSAGE).is_none());
    for aspect in [Aspect::Message, Aspect::Reactions] {
        assert!(facts.is_unreadable(CONVERSATION, need(MESSAGE, aspect)));
        assert!(!facts.is_coming(CONVERSATION, need(MESSAGE, aspect)));
        assert!(!facts.is_unreadable(CONVERSATION, need(OTHER, aspect)));
    }
    // An answer to it needs no more than that it is there.
    assert!(!facts.is_unreadable(CONVERSATION, need(MESSAGE, Aspect::Presence)));
    assert!(!facts.is_unreadable(ConversationId(OTHER), need(MESSAGE, Aspect::Message)));
    assert!(!facts.is_unreadable(CONVERSATION, Need::Users(&[user(ANN)])));
}
