//! Settings of groups.

use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{Enum, SimpleObject};
use std::collections::HashMap;
use tidings_projections::groups::{self, History, Join, SettingsChange, Who};
use uuid::Uuid;

/// Whom a setting lets do something. Owners and admins always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum GroupRight {
    Members,
    Admins,
}

/// What those see of a group who come into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum GroupHistory {
    /// All of it, but for what stands before an end of `JOINED`.
    Shared,
    /// What is sent from their joining on.
    Joined,
}

/// How people come into a group of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum GroupJoin {
    /// By a link, or not at all.
    Invite,
    /// They ask, and whoever may add people says.
    Request,
    Open,
}

/// How a group is set.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct GroupSettings {
    /// Who writes in it.
    post: GroupRight,
    /// Who adds people.
    invite: GroupRight,
    /// Who pins messages.
    pin: GroupRight,
    /// Who mentions everyone.
    everyone: GroupRight,
    /// Who replies in threads.
    threads: GroupRight,
    /// Who reacts.
    react: GroupRight,
    /// Who shows pictures and files.
    attach: GroupRight,
    /// Whether its messages may be forwarded.
    forward: bool,
    /// What those see of it who come in.
    history: GroupHistory,
    /// How people come into it of themselves.
    join: GroupJoin,
    /// How many seconds members wait between two messages; 0 where they do not.
    slow_seconds: i32,
}

impl From<Who> for GroupRight {
    fn from(who: Who) -> Self {
        match who {
            Who::Members => Self::Members,
            Who::Admins => Self::Admins,
        }
    }
}

impl From<groups::GroupSettings> for GroupSettings {
    fn from(settings: groups::GroupSettings) -> Self {
        let groups::GroupSettings {
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
        Self {
            post: post.into(),
            invite: invite.into(),
            pin: pin.into(),
            everyone: everyone.into(),
            threads: threads.into(),
            react: react.into(),
            attach: attach.into(),
            forward,
            history: match history {
                History::Shared => GroupHistory::Shared,
                History::Joined => GroupHistory::Joined,
            },
            join: match join {
                Join::Invite => GroupJoin::Invite,
                Join::Request => GroupJoin::Request,
                Join::Open => GroupJoin::Open,
            },
            slow_seconds: i32::try_from(slow_s).unwrap_or(i32::MAX),
        }
    }
}

impl Default for GroupSettings {
    fn default() -> Self {
        groups::GroupSettings::default().into()
    }
}

/// Reads how groups are set; nothing of those where nothing was ever changed. Whoever asks has made sure that the viewer is a member.
pub(crate) struct GroupSettingsOf(pub(super) Database);

impl Loader<Uuid> for GroupSettingsOf {
    type Value = GroupSettings;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, GroupSettings>, NoAnswer> {
        let found = self.0.ask(&groups::settings(conversations.to_vec())).await?;
        let mut changes: HashMap<Uuid, SettingsChange> = HashMap::new();
        for setting in found {
            setting.say(changes.entry(setting.conversation).or_default());
        }
        let changes = changes.into_iter();
        Ok(changes
            .map(|(conversation, change)| {
                (
                    conversation,
                    groups::GroupSettings::default().with(&change).into(),
                )
            })
            .collect())
    }
}
