//! What a user lets others do, and lets them know.

use super::User;
use crate::digest::{DigestKey, Form};
use crate::event::{Event, UserEvent};
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use serde::{Deserialize, Serialize};

/// Somebody wants it otherwise from now on. What is not named stays as it was; of several the last one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsUpdated {
    /// Whether others see how far the user has read and been sent, and the user sees it of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receipts: Option<bool>,
    /// Who sees when the user was last here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_seen: Option<Audience>,
    /// Who may open a direct conversation with the user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direct: Option<Audience>,
    /// Who may put the user into a group without asking.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub add_me: Option<Audience>,
}

impl Stored for SettingsUpdated {
    const KIND: Kind = Kind::SETTINGS_UPDATED;
    const NAME: &'static str = "settings.updated";
    /// What somebody wants is not asked for twice.
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::SettingsUpdated(self).into()
    }
}

/// For whom something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    #[default]
    Everyone,
    /// Those whom the user has taken for contacts, and who have taken the user.
    Contacts,
    Nobody,
}

impl Audience {
    pub const ALL: [Self; 3] = [Self::Everyone, Self::Contacts, Self::Nobody];

    /// As it is written on the wire and in read models.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Contacts => "contacts",
            Self::Nobody => "nobody",
        }
    }

    /// The audience of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.as_str() == name)
    }
}

/// What a user wants, all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub receipts: bool,
    pub last_seen: Audience,
    pub direct: Audience,
    pub add_me: Audience,
}

impl Default for Settings {
    /// As it is for everybody who has said nothing.
    fn default() -> Self {
        Self {
            receipts: true,
            last_seen: Audience::Everyone,
            direct: Audience::Everyone,
            add_me: Audience::Everyone,
        }
    }
}

impl Settings {
    /// The settings as `updated` leaves them.
    #[must_use]
    pub fn with(self, updated: SettingsUpdated) -> Self {
        Self {
            receipts: updated.receipts.unwrap_or(self.receipts),
            last_seen: updated.last_seen.unwrap_or(self.last_seen),
            direct: updated.direct.unwrap_or(self.direct),
            add_me: updated.add_me.unwrap_or(self.add_me),
        }
    }

    /// One byte, from which [`thaw`](Self::thaw) makes them again.
    pub(super) fn freeze(self) -> u8 {
        let audience = |audience: Audience| audience as u8;
        u8::from(self.receipts)
            | audience(self.last_seen) << 1
            | audience(self.direct) << 3
            | audience(self.add_me) << 5
    }

    pub(super) fn thaw(byte: u8) -> Option<Self> {
        let audience = |shift: u8| Audience::ALL.get(usize::from(byte >> shift & 3)).copied();
        let settings = Self {
            receipts: byte & 1 == 1,
            last_seen: audience(1)?,
            direct: audience(3)?,
            add_me: audience(5)?,
        };
        (settings.freeze() == byte).then_some(settings)
    }
}

impl SettingsUpdated {
    /// A fingerprint of what is asked for.
    pub(crate) fn digest(self, user: UserId, key: &DigestKey) -> i64 {
        let mut form = Form::new(key);
        form.id(user.0);
        form.tag(77);
        if let Some(receipts) = self.receipts {
            form.tag(1);
            form.tag(u8::from(receipts));
        }
        for (tag, audience) in [(2, self.last_seen), (3, self.direct), (4, self.add_me)] {
            if let Some(audience) = audience {
                form.tag(tag);
                form.text(audience.as_str());
            }
        }
        form.finish()
    }
}

impl User {
    /// What they want already is not written again.
    pub(super) fn update_settings(&self, updated: SettingsUpdated) -> Vec<UserEvent> {
        if self.settings.with(updated) == self.settings {
            return vec![];
        }
        vec![UserEvent::SettingsUpdated(updated)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_thawed_as_they_were_frozen_and_nothing_else_is() {
        let mut thawed = 0;
        for byte in 0..=u8::MAX {
            if let Some(settings) = Settings::thaw(byte) {
                assert_eq!(settings.freeze(), byte);
                thawed += 1;
            }
        }
        assert_eq!(thawed, 2 * 3 * 3 * 3);
        assert_eq!(
            Settings::thaw(Settings::default().freeze()),
            Some(Settings::default())
        );
    }

    #[test]
    fn an_audience_has_the_name_of_the_wire() {
        for audience in Audience::ALL {
            assert_eq!(Audience::by_name(audience.as_str()), Some(audience));
            assert_eq!(
                serde_json::to_value(audience).unwrap(),
                serde_json::json!(audience.as_str())
            );
        }
        assert_eq!(Audience::by_name("friends"), None);
    }
}
