//! Settings of a group: who may do what in it, and how often its members write.

use super::history::History;
use super::slow::SLOW_SECONDS_MAX;
use super::{Conversation, Shape};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whom a setting lets do something. Owners and admins always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    Members,
    Admins,
}

impl Who {
    /// Whether somebody of this role is among them.
    pub fn has(self, role: Role) -> bool {
        self == Self::Members || role >= Role::Admin
    }
}

/// How people come into a group of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// By a link, or not at all: whoever may adds them.
    Invite,
    /// They ask, and whoever may add people says.
    Request,
    /// As they like.
    Open,
}

/// How a group is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Who writes in it.
    pub post: Who,
    /// Who adds people.
    pub invite: Who,
    /// Who pins messages.
    pub pin: Who,
    /// Who mentions everyone.
    pub everyone: Who,
    /// Who replies in threads.
    pub threads: Who,
    /// Who reacts.
    pub react: Who,
    /// Who shows pictures and files.
    pub attach: Who,
    /// Whether its messages may be forwarded.
    pub forward: bool,
    /// What those see who come in.
    pub history: History,
    /// How people come in.
    pub join: Join,
    /// How many seconds members wait between two messages; 0 where they do not.
    pub slow_s: u32,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            post: Who::Members,
            invite: Who::Admins,
            pin: Who::Admins,
            everyone: Who::Admins,
            threads: Who::Members,
            react: Who::Members,
            attach: Who::Members,
            forward: true,
            history: History::Shared,
            join: Join::Invite,
            slow_s: 0,
        }
    }
}

/// Settings that become others. What is not named stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub post: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub invite: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pin: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub everyone: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threads: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub react: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attach: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub forward: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history: Option<History>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub join: Option<Join>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slow_s: Option<u32>,
}

impl GroupSettings {
    /// The settings with a change.
    #[must_use]
    pub fn with(self, change: &SettingsChange) -> Self {
        Self {
            post: change.post.unwrap_or(self.post),
            invite: change.invite.unwrap_or(self.invite),
            pin: change.pin.unwrap_or(self.pin),
            everyone: change.everyone.unwrap_or(self.everyone),
            threads: change.threads.unwrap_or(self.threads),
            react: change.react.unwrap_or(self.react),
            attach: change.attach.unwrap_or(self.attach),
            forward: change.forward.unwrap_or(self.forward),
            history: change.history.unwrap_or(self.history),
            join: change.join.unwrap_or(self.join),
            slow_s: change.slow_s.unwrap_or(self.slow_s),
        }
    }
}

impl SettingsChange {
    /// What of it is otherwise than `settings`.
    fn beyond(&self, settings: &GroupSettings) -> Self {
        fn other<T: PartialEq>(change: Option<T>, now: &T) -> Option<T> {
            change.filter(|change| change != now)
        }
        Self {
            post: other(self.post, &settings.post),
            invite: other(self.invite, &settings.invite),
            pin: other(self.pin, &settings.pin),
            everyone: other(self.everyone, &settings.everyone),
            threads: other(self.threads, &settings.threads),
            react: other(self.react, &settings.react),
            attach: other(self.attach, &settings.attach),
            forward: other(self.forward, &settings.forward),
            history: other(self.history, &settings.history),
            join: other(self.join, &settings.join),
            slow_s: other(self.slow_s, &settings.slow_s),
        }
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The group is set otherwise from now on. Holds what became something else, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSettingsChanged {
    pub settings: SettingsChange,
}

impl Stored for GroupSettingsChanged {
    const KIND: Kind = Kind::GROUP_SETTINGS_CHANGED;
    const NAME: &'static str = "group.settings_changed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::GroupSettingsChanged(self).into()
    }
}

impl Conversation {
    /// How the group is set. A direct conversation is not: everything is for both there.
    pub fn settings(&self) -> &GroupSettings {
        &self.settings
    }

    pub(super) fn change_settings(
        &self,
        actor: UserId,
        change: &SettingsChange,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        self.manager(actor, now)?;
        if change.slow_s.is_some_and(|seconds| seconds > SLOW_SECONDS_MAX) {
            return Err(Rejection::invalid(
                Field::Settings,
                "members wait for six hours at most",
            ));
        }
        let settings = change.beyond(&self.settings);
        if settings.is_nothing() {
            return Ok(vec![]);
        }
        Ok(vec![ConversationEvent::GroupSettingsChanged(
            GroupSettingsChanged { settings },
        )])
    }

    /// Whether a member of this role is among those whom a setting lets do something.
    pub(super) fn lets(&self, role: Role, who: Who) -> bool {
        self.shape != Shape::Group || who.has(role)
    }
}

pub(crate) fn settings_form(form: &mut Form, change: &SettingsChange) {
    form.tag(13);
    let rights = [
        change.post,
        change.invite,
        change.pin,
        change.everyone,
        change.threads,
        change.react,
        change.attach,
    ];
    // Each that is named, by its number: forms of what was written stay when there are more.
    for (number, who) in (1_u8..).zip(rights) {
        if let Some(who) = who {
            form.tag(number);
            form.tag(u8::from(who == Who::Admins));
        }
    }
    if let Some(forward) = change.forward {
        form.tag(64);
        form.tag(u8::from(forward));
    }
    if let Some(join) = change.join {
        form.tag(66);
        form.tag(match join {
            Join::Invite => 0,
            Join::Request => 1,
            Join::Open => 2,
        });
    }
    if let Some(history) = change.history {
        form.tag(67);
        form.tag(u8::from(history == History::Joined));
    }
    if let Some(seconds) = change.slow_s {
        form.tag(65);
        form.number(u64::from(seconds));
    }
}
