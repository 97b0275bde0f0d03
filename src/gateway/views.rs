//! From where on the user of a connection sees conversations of which they do not see all: an edit of a message from before that comes to
//! them without its words.

use std::collections::HashMap;
use uuid::Uuid;

/// What is known of a conversation.
#[derive(Clone, Copy, Debug)]
enum View {
    /// The first seq that they see.
    From(u64),
    /// They have come in by this event, and nobody has looked what they see.
    Joined(u64),
}

/// The conversations of which a user may not see all. Of the others they do.
#[derive(Debug, Default)]
pub(super) struct Views(HashMap<Uuid, View>);

impl Views {
    /// The first seq that they see is known.
    pub(super) fn note(&mut self, conversation: Uuid, visible_from: u64) {
        if visible_from > 1 {
            self.0.insert(conversation, View::From(visible_from));
        } else {
            self.0.remove(&conversation);
        }
    }

    /// They come in by the event at `seq`.
    pub(super) fn joined(&mut self, conversation: Uuid, seq: u64) {
        self.0.insert(conversation, View::Joined(seq));
    }

    /// Whether they see what stands at `seq`; `None` where that has to be found out.
    pub(super) fn sees(&self, conversation: Uuid, seq: u64) -> Option<bool> {
        match self.0.get(&conversation) {
            None => Some(true),
            Some(View::From(from)) => Some(*from <= seq),
            // Whatever they see begins with their joining at the latest.
            Some(View::Joined(joined)) if *joined <= seq => Some(true),
            Some(View::Joined(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_joining_is_found_out_once() {
        let (mut views, room) = (Views::default(), Uuid::from_u128(1));
        assert_eq!(views.sees(room, 1), Some(true));
        views.joined(room, 5);
        assert_eq!((views.sees(room, 4), views.sees(room, 5)), (None, Some(true)));
        views.note(room, 5);
        assert_eq!(
            (views.sees(room, 4), views.sees(room, 5)),
            (Some(false), Some(true))
        );
        views.joined(room, 9);
        views.note(room, 1);
        assert_eq!(views.sees(room, 1), Some(true));
    }
}
