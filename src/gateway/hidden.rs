//! Events on their way to somebody who has hidden messages from themselves, or does not see them: these keep their places and lose their
//! words, as if they had been recalled.

use super::Gateway;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{ConversationEvent, Event, UserId};
use tidings_eventlog::{ReadError, Recorded, Standing};
use tidings_projections::{Visible, hidden_among};
use uuid::Uuid;

/// Withdraws from events of a conversation what `user`, who sees so much of it, does not see, and what they have hidden, as far as the read
/// models have come.
pub(super) async fn withhold(
    gateway: &Gateway,
    (user, visible): (UserId, &Visible),
    conversation: Uuid,
    events: &mut [Recorded],
) -> Result<(), ReadError> {
    let messages: Vec<Option<u64>> = events.iter().map(message_seq).collect();
    let seqs: Vec<u64> = messages.iter().flatten().copied().collect();
    if seqs.is_empty() {
        return Ok(());
    }
    let hidden = hidden_among(&gateway.hidden, user.0, conversation, &seqs)
        .await
        .map_err(|error| ReadError::Database(error.to_string()))?;
    for (event, message) in events.iter_mut().zip(messages) {
        if message.is_some_and(|seq| !visible.shows(seq, event.seq) || hidden.has(seq)) {
            event.standing = Standing::Withdrawn;
        }
    }
    Ok(())
}

/// The place of the message whose words an event holds.
fn message_seq(recorded: &Recorded) -> Option<u64> {
    match Kind(recorded.kind) {
        kind if kind.is_message() => Some(recorded.seq),
        Kind::MESSAGE_EDITED => match stored::decode(recorded.kind, recorded.ver, &recorded.payload) {
            Ok(Event::Conversation(ConversationEvent::MessageEdited(edited))) => Some(edited.message_seq),
            _ => None,
        },
        _ => None,
    }
}
