//! What people mark for themselves.

use tidings_domain::Mark;
use tidings_protocol::Timestamp;

pub(super) fn mute(on: bool, until: Option<Timestamp>) -> Mark {
    Mark::Muted {
        on,
        until: until.map(|until| until.0.into()),
    }
}

pub(super) fn archive(on: bool) -> Mark {
    Mark::Archived { on }
}

pub(super) fn mark(unread: bool) -> Mark {
    Mark::Unread { on: unread }
}
