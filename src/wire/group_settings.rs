//! Settings of groups.

use super::command::Translated;
use tidings_domain::{ConversationCommand, ConversationId, History, Join, SettingsChange, Who};
use tidings_protocol as protocol;
use uuid::Uuid;

pub(super) fn change(conversation: Uuid, settings: protocol::GroupSettings) -> Translated {
    let protocol::GroupSettings {
        post,
        invite,
        pin,
        everyone,
        threads,
        react,
        attach,
        forward,
        history,
        join,
        slow_s,
    } = settings;
    let change = SettingsChange {
        post: post.map(who),
        invite: invite.map(who),
        pin: pin.map(who),
        everyone: everyone.map(who),
        threads: threads.map(who),
        react: react.map(who),
        attach: attach.map(who),
        forward,
        history: history.map(|history| match history {
            protocol::History::Shared => History::Shared,
            protocol::History::Joined => History::Joined,
        }),
        join: join.map(|join| match join {
            protocol::Join::Invite => Join::Invite,
            protocol::Join::Request => Join::Request,
            protocol::Join::Open => Join::Open,
        }),
        slow_s,
    };
    (
        ConversationId(conversation),
        ConversationCommand::ChangeSettings(change),
    )
}

fn who(who: protocol::Who) -> Who {
    match who {
        protocol::Who::Members => Who::Members,
        protocol::Who::Admins => Who::Admins,
    }
}
