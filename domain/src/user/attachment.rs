//! Attachments: files that somebody has stored, to be shown by messages.

use super::User;
use crate::event::{Event, UserEvent};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::text::FileName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Media types that are pictures which every browser shows.
const PICTURES: [&str; 5] = ["image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"];

/// A file was stored. Its id is the id of the command, which the log keeps beside the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentStored {
    pub name: FileName,
    /// As its first bytes say, not its sender.
    #[serde(rename = "type")]
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// Of its bytes, in hexadecimal. Files with the same bytes are stored once.
    pub sha256: String,
    /// Of a picture, in pixels, where they could be found out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u32>,
}

impl AttachmentStored {
    /// Whether a message can show it as a picture.
    pub fn is_picture(&self) -> bool {
        PICTURES.contains(&self.media_type.as_str())
    }
}

impl Stored for AttachmentStored {
    const KIND: Kind = Kind::ATTACHMENT_STORED;
    const NAME: &'static str = "attachment.stored";
    /// How much somebody has stored is decided on.
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::AttachmentStored(self).into()
    }
}

/// A file is gone: no message shows it any more, and none may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRemoved {
    pub attachment: Uuid,
    /// What becomes free, in bytes.
    pub size: u64,
}

impl Stored for AttachmentRemoved {
    const KIND: Kind = Kind::ATTACHMENT_REMOVED;
    const NAME: &'static str = "attachment.removed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::AttachmentRemoved(self).into()
    }
}

/// How much one user may have stored at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub bytes: u64,
    pub files: u64,
}

/// How much a user has stored, or wants to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub bytes: u64,
    pub files: u64,
}

impl Usage {
    pub(super) fn add(&mut self, size: u64) {
        self.bytes = self.bytes.saturating_add(size);
        self.files = self.files.saturating_add(1);
    }

    pub(super) fn take(&mut self, size: u64) {
        self.bytes = self.bytes.saturating_sub(size);
        self.files = self.files.saturating_sub(1);
    }
}

impl User {
    /// Refuses what does not fit beside what is stored.
    pub(super) fn has_room(&self, wanted: Usage, quota: Quota) -> Result<(), Rejection> {
        let bytes = self.usage.bytes.saturating_add(wanted.bytes);
        let files = self.usage.files.saturating_add(wanted.files);
        if bytes > quota.bytes || files > quota.files {
            return Err(Rejection::TooLarge {
                field: Field::Size,
                max: usize::try_from(quota.bytes).unwrap_or(usize::MAX),
            });
        }
        Ok(())
    }

    pub(super) fn store(&self, stored: AttachmentStored, quota: Quota) -> Result<Vec<UserEvent>, Rejection> {
        let wanted = Usage {
            bytes: stored.size,
            files: 1,
        };
        self.has_room(wanted, quota)?;
        Ok(vec![UserEvent::AttachmentStored(stored)])
    }
}
