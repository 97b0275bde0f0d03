//! What can be wrong.

use uuid::Uuid;

/// The first difference between what should be and what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{author}'s message {id} was acked as seq {seq} of {conversation} and is not in the {place}")]
    Lost {
        place: &'static str,
        author: String,
        conversation: Uuid,
        seq: u64,
        id: Uuid,
    },
    #[error("message {id} stands twice in the {place} of {conversation}, at seq {first} and {second}")]
    Twice {
        place: &'static str,
        conversation: Uuid,
        id: Uuid,
        first: u64,
        second: u64,
    },
    #[error("message {id} of {conversation} was acked as seq {acked} and stands at {found} in the {place}")]
    Moved {
        place: &'static str,
        conversation: Uuid,
        id: Uuid,
        acked: u64,
        found: u64,
    },
    #[error("message {id} (seq {seq} of {conversation}) has another text in the {place} than was sent")]
    WrongText {
        place: &'static str,
        conversation: Uuid,
        seq: u64,
        id: Uuid,
    },
    #[error("message {id} (seq {seq} of {conversation}) should be {expected} in the {place}, and is {found}")]
    WrongState {
        place: &'static str,
        conversation: Uuid,
        seq: u64,
        id: Uuid,
        expected: String,
        found: String,
    },
    #[error(
        "message {id} of {conversation} was recalled, and {reader}, who connected later, was shown what it said"
    )]
    ShownRecalled {
        reader: String,
        conversation: Uuid,
        id: Uuid,
    },
    #[error(
        "what message {id} of {conversation} says was left out of the log at seq {seq}, and nobody recalled it"
    )]
    Withheld { conversation: Uuid, seq: u64, id: Uuid },
    #[error("{reader} could not react to message {id} of {conversation}, which nobody had recalled")]
    NotReacted {
        reader: String,
        conversation: Uuid,
        id: Uuid,
    },
    #[error("message {id} (seq {seq} of {conversation}) has another sender in the {place}")]
    WrongSender {
        place: &'static str,
        conversation: Uuid,
        seq: u64,
        id: Uuid,
    },
    #[error("message {id} at seq {seq} of {conversation} in the {place} was never acked to anybody")]
    Strange {
        place: &'static str,
        conversation: Uuid,
        seq: u64,
        id: Uuid,
    },
    #[error("the {place} of {conversation} goes from seq {before} to {after}")]
    Disorder {
        place: &'static str,
        conversation: Uuid,
        before: u64,
        after: u64,
    },
    #[error(
        "{author} sent two messages to {conversation}; the first was acked as seq {first}, the next as {next}"
    )]
    Overtaken {
        author: String,
        conversation: Uuid,
        first: u64,
        next: u64,
    },
    #[error("{reader} was not sent seq {from} to {to} of {conversation}")]
    NotDelivered {
        reader: String,
        conversation: Uuid,
        from: u64,
        to: u64,
    },
    #[error("{reader} was sent seq {seq} of {conversation} again on the same device")]
    DeliveredTwice {
        reader: String,
        conversation: Uuid,
        seq: u64,
    },
    #[error("{reader} was sent seq {got} of {conversation} where {expected} was next")]
    DeliveredOutOfOrder {
        reader: String,
        conversation: Uuid,
        expected: u64,
        got: u64,
    },
    #[error("{reader} was sent another event at seq {seq} of {conversation} than others")]
    DeliveredOther {
        reader: String,
        conversation: Uuid,
        seq: u64,
    },
    #[error("{reader} was sent seq {seq} of {conversation}, which does not exist")]
    DeliveredInvented {
        reader: String,
        conversation: Uuid,
        seq: u64,
    },
    #[error("{reader} was told of a gap, seq {from} to {to} of {conversation}, in live traffic")]
    GapWhileLive {
        reader: String,
        conversation: Uuid,
        from: u64,
        to: u64,
    },
    #[error("{reader}'s connection repeated {repeats} events and left {holes} holes that had to be fetched")]
    Corrected {
        reader: String,
        repeats: u64,
        holes: u64,
    },
    #[error("{reader} is told {got} unread messages in {conversation}; it should be {expected}")]
    WrongUnread {
        reader: String,
        conversation: Uuid,
        expected: u64,
        got: u64,
    },
    #[error("{reader}'s inbox holds {got} messages of {conversation}; it should be {expected}")]
    WrongPending {
        reader: String,
        conversation: Uuid,
        expected: u64,
        got: u64,
    },
    #[error("{author}'s message {id} to {conversation} was not acked: {error}")]
    NotAcked {
        author: String,
        conversation: Uuid,
        id: Uuid,
        error: String,
    },
    #[error("{reader}'s connection ended: {error}")]
    ConnectionLost { reader: String, error: String },
}
