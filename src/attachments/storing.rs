//! How a file that has come in becomes an attachment.

use super::Shared;
use super::intake::Received;
use super::problems;
use super::refusals;
use super::sniff;
use crate::clock;
use crate::problem::Problem;
use serde::Serialize;
use tidings_domain::event::AttachmentStored;
use tidings_domain::{FileName, UserCommand, UserId};
use uuid::Uuid;

/// What the sender says of a file.
pub(super) struct Claim {
    pub(super) user: Uuid,
    pub(super) name: FileName,
    pub(super) media_type: Option<String>,
}

/// An attachment, as whoever has stored it is told.
#[derive(Debug, Serialize)]
pub(super) struct Stored {
    pub(super) id: Uuid,
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    size: u64,
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

impl Shared {
    /// Stores a file: it is looked at, its bytes are kept, and the log says so. `id` is what it is called from then on; a file that was
    /// stored under it already is that file.
    pub(super) async fn store(&self, id: Uuid, claim: Claim, received: Received) -> Result<Stored, Problem> {
        let stored = self.try_store(id, claim, &received).await;
        if stored.is_err() {
            received.discard(&self.store).await;
        }
        stored
    }

    async fn try_store(&self, id: Uuid, claim: Claim, received: &Received) -> Result<Stored, Problem> {
        self.scanner.look_at(received, &self.store).await?;
        let media_type = sniff::media_type(&received.head, claim.media_type.as_deref());
        let size = sniff::dimensions(&received.head).filter(|_| media_type.starts_with("image/"));
        let event = AttachmentStored {
            name: claim.name,
            media_type,
            size: received.size,
            sha256: received.sha256.clone(),
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
        };
        let keeping = received.keep(&self.store).await;
        keeping.map_err(|error| problems::store(&error))?;
        let command = UserCommand::StoreAttachment {
            stored: event.clone(),
            quota: self.config.quota(),
        };
        let accepted = self
            .lanes
            .submit_user(UserId(claim.user), id, command, None)
            .await;
        accepted.map_err(|refusal| refusals::refusal(&refusal))?;
        match received.is_kept(&self.store).await {
            Ok(true) => {}
            // It was removed with the last attachment that had the same bytes, at this very moment.
            Ok(false) => return Err(problems::away()),
            Err(error) => return Err(problems::store(&error)),
        }
        metrics::counter!("tidings_attachment_bytes_total", "direction" => "in").increment(received.size);
        Ok(Stored {
            id,
            name: event.name.as_str().to_owned(),
            media_type: event.media_type,
            size: event.size,
            sha256: event.sha256,
            width: event.width,
            height: event.height,
        })
    }

    /// The name of a new attachment.
    pub(super) fn mint() -> Uuid {
        clock::id()
    }
}
