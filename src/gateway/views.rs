//! What the user of a connection sees of conversations of which they do not see all: an edit of a message that they do not see comes to
//! them without its words.

use std::collections::HashMap;
use tidings_projections::Visible;
use uuid::Uuid;

/// What is known of a conversation.
#[derive(Clone, Debug)]
enum View {
    Known(Visible),
    /// Their latest membership shows them the conversation from this seq on; nobody has looked what earlier ones showed them.
    Latest(u64),
    /// They have come in by this event, and nobody has looked what they see.
    Joined(u64),
}

/// The conversations of which a user may not see all. Of the others they do.
#[derive(Debug, Default)]
pub(super) struct Views(HashMap<Uuid, View>);

impl Views {
    /// What they see is known.
    pub(super) fn note(&mut self, conversation: Uuid, visible: Visible) {
        if visible.latest() > 1 {
            self.0.insert(conversation, View::Known(visible));
        } else {
            self.0.remove(&conversation);
        }
    }

    /// What they see by their latest membership is known, and nothing of earlier ones.
    pub(super) fn note_latest(&mut self, conversation: Uuid, latest: u64) {
        if latest > 1 {
            self.0.insert(conversation, View::Latest(latest));
        } else {
            self.0.remove(&conversation);
        }
    }

    /// They come in by the event at `seq`.
    pub(super) fn joined(&mut self, conversation: Uuid, seq: u64) {
        self.0.insert(conversation, View::Joined(seq));
    }

    /// Whether the event at `at` shows them what stands at `seq` before it; `None` where that has to be found out.
    pub(super) fn shows(&self, conversation: Uuid, seq: u64, at: u64) -> Option<bool> {
        match self.0.get(&conversation) {
            None => Some(true),
            Some(View::Known(visible)) => Some(visible.shows(seq, at)),
            // Events from before it are those of earlier ones: they have left and come back meanwhile.
            Some(View::Latest(latest)) => (at >= *latest).then_some(seq >= *latest),
            // Whatever they see begins with their joining at the latest.
            Some(View::Joined(joined)) if *joined <= seq => Some(true),
            Some(View::Joined(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_projections::Stay;

    #[test]
    fn what_stands_before_a_joining_is_found_out_once() {
        let (mut views, room) = (Views::default(), Uuid::from_u128(1));
        let shows = |views: &Views, seq| views.shows(room, seq, 20);
        assert_eq!(shows(&views, 1), Some(true));
        views.joined(room, 5);
        assert_eq!((shows(&views, 4), shows(&views, 5)), (None, Some(true)));
        views.note(room, Visible::since(5));
        assert_eq!((shows(&views, 4), shows(&views, 5)), (Some(false), Some(true)));
        views.joined(room, 9);
        views.note(room, Visible::since(1));
        assert_eq!(shows(&views, 1), Some(true));
    }

    #[test]
    fn what_is_looked_up_late_does_not_forget_what_an_earlier_membership_showed() {
        let (mut views, room) = (Views::default(), Uuid::from_u128(1));
        // They came in by 5 and saw it from 3 on, were out from 10 on, and are back by 15 when an edit at 9 has them looked up.
        views.joined(room, 5);
        assert_eq!(views.shows(room, 4, 9), None);
        views.note_latest(room, 15);
        assert_eq!(views.shows(room, 4, 9), None, "that is not the membership of 15");
        assert_eq!(views.shows(room, 6, 9), None);
        assert_eq!(views.shows(room, 6, 16), Some(false));
        assert_eq!(views.shows(room, 15, 16), Some(true));
        views.note(room, Visible::since(15).with([Stay { from: 3, to: 10 }]));
        assert_eq!(views.shows(room, 4, 9), Some(true));
        assert_eq!(views.shows(room, 4, 16), Some(false));
        // Whoever sees all of it by now saw all of it.
        views.note_latest(room, 1);
        assert_eq!(views.shows(room, 2, 9), Some(true));
    }

    #[test]
    fn what_an_earlier_membership_showed_is_shown_by_its_own_events_alone() {
        let (mut views, room) = (Views::default(), Uuid::from_u128(1));
        views.note(room, Visible::since(15).with([Stay { from: 5, to: 10 }]));
        for (seq, at, shows) in [(6, 9, true), (4, 9, false), (6, 16, false), (15, 16, true)] {
            assert_eq!(views.shows(room, seq, at), Some(shows), "{seq} at {at}");
        }
    }
}
