//! Which read models there are.

use crate::announcements::Announcements;
use crate::attachments::Attachments;
use crate::conversations::Conversations;
use crate::groups::Groups;
use crate::history::History;
use crate::inbox::Inbox;
use crate::people::People;
use crate::projection::Projection;
use crate::search::Search;
use crate::unread::Unread;

/// Every projection, by name.
pub fn all() -> [&'static dyn Projection; 9] {
    [
        &Announcements,
        &Attachments,
        &Conversations,
        &Groups,
        &History,
        &Inbox,
        &People,
        &Search,
        &Unread,
    ]
}

/// The projection of that name.
pub fn find(name: &str) -> Option<&'static dyn Projection> {
    all().into_iter().find(|projection| projection.name() == name)
}

/// The names of all projections.
pub fn names() -> [&'static str; 9] {
    all().map(Projection::name)
}

/// The names of those that are to be up to date soon after an event: all that do not lag.
pub fn prompt() -> Vec<&'static str> {
    let prompt = all().into_iter().filter(|projection| !projection.lags());
    prompt.map(Projection::name).collect()
}
