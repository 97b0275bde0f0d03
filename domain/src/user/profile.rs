//! What a user shows of themselves to everybody: a name, some words, a picture.

use super::User;
use crate::digest::{DigestKey, Form};
use crate::event::{Event, UserEvent};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::text::{About, DisplayName};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Somebody shows something else of themselves. What is not named stays as it was; of several the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileUpdated {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub display_name: Option<DisplayName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub about: Option<About>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub avatar: Option<Avatar>,
}

impl Stored for ProfileUpdated {
    const KIND: Kind = Kind::PROFILE_UPDATED;
    const NAME: &'static str = "profile.updated";

    fn into_event(self) -> Event {
        UserEvent::ProfileUpdated(self).into()
    }
}

/// The picture of a user: an attachment of theirs, or none, which is the empty text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Avatar(pub Option<Uuid>);

impl Serialize for Avatar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(attachment) => serializer.collect_str(&attachment),
            None => serializer.serialize_str(""),
        }
    }
}

impl<'de> Deserialize<'de> for Avatar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let attachment = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(Some(attachment)))
    }
}

impl ProfileUpdated {
    /// A fingerprint of what is asked for.
    pub(crate) fn digest(&self, user: UserId, key: &DigestKey) -> i64 {
        let mut form = Form::new(key);
        form.id(user.0);
        form.tag(76);
        let Self {
            display_name,
            about,
            avatar,
        } = self;
        if let Some(name) = display_name {
            form.tag(1);
            form.text(name.as_str());
        }
        if let Some(about) = about {
            form.tag(2);
            form.text(about.as_str());
        }
        if let Some(Avatar(attachment)) = avatar {
            form.tag(3);
            form.id(attachment.unwrap_or_default());
        }
        form.finish()
    }

    /// The attachment that is to be the user's picture.
    pub fn picture(&self) -> Option<Uuid> {
        self.avatar.and_then(|Avatar(attachment)| attachment)
    }

    /// Refuses a picture that `user` may not show.
    pub(crate) fn check(&self, user: UserId, facts: &Facts, now: DateTime<Utc>) -> Result<(), Rejection> {
        self.picture().map_or(Ok(()), |picture| {
            facts.may_show((user, picture), true, Field::Avatar, now)
        })
    }
}

impl User {
    pub(super) fn update_profile(profile: ProfileUpdated) -> Vec<UserEvent> {
        if profile == ProfileUpdated::default() {
            return vec![];
        }
        vec![UserEvent::ProfileUpdated(profile)]
    }
}
