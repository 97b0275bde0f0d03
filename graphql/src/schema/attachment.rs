//! Files that messages show.

use super::long::Long;
use super::time::Time;
use crate::backend::Backend;
use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use crate::loader::Loader;
use crate::viewer::viewer;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_projections::attachments;
use uuid::Uuid;

/// How large thumbnails can be, in pixels of the longer side.
const THUMBNAILS: [i32; 2] = [480, 1280];

/// A file that a message shows.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Attachment {
    #[graphql(skip)]
    pub(crate) id: Uuid,
    name: Arc<str>,
    /// Its media type, as its bytes say.
    #[graphql(name = "type")]
    media_type: Arc<str>,
    /// In bytes.
    size: Long,
    /// Of its bytes, in hexadecimal.
    sha256: Arc<str>,
    /// Of a picture, in pixels, where they could be found out.
    width: Option<i32>,
    height: Option<i32>,
}

/// Where whoever has this ticket fetches a file without a header.
pub(crate) fn address(attachment: Uuid, ticket: &str) -> String {
    format!("/attachments/{attachment}?t={ticket}")
}

#[ComplexObject]
impl Attachment {
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// Where it can be fetched without a header, by whoever has the address, while the viewer may see it and until `expiresAt`.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn url(&self, context: &Context<'_>) -> Result<String> {
        let (ticket, _) = self.link(context)?;
        Ok(address(self.id, &ticket))
    }

    /// The same, smaller: 480 or 1280 pixels on the longer side. Null for what is no picture.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn thumbnail_url(
        &self,
        context: &Context<'_>,
        #[graphql(default = 480)] size: i32,
    ) -> Result<Option<String>> {
        if !THUMBNAILS.contains(&size) {
            return Err(Refusal::invalid("size", "thumbnails have a size of 480 or 1280").into());
        }
        if self.width.is_none() {
            return Ok(None);
        }
        let (ticket, _) = self.link(context)?;
        Ok(Some(format!(
            "/attachments/{}/thumbnail?size={size}&t={ticket}",
            self.id
        )))
    }

    /// Until when its addresses hold.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn expires_at(&self, context: &Context<'_>) -> Result<Time> {
        Ok(Time(self.link(context)?.1))
    }
}

impl Attachment {
    fn link(&self, context: &Context<'_>) -> Result<(String, chrono::DateTime<chrono::Utc>)> {
        let viewer = viewer(context)?;
        let backend = context.data_unchecked::<Arc<dyn Backend>>();
        Ok(backend.ticket(viewer.user, self.id))
    }
}

impl From<attachments::Attachment> for Attachment {
    fn from(attachment: attachments::Attachment) -> Self {
        Self {
            id: attachment.id,
            name: attachment.name,
            media_type: attachment.media_type,
            size: Long(attachment.size),
            sha256: attachment.sha256,
            width: attachment.width,
            height: attachment.height,
        }
    }
}

/// Reads attachments by id. Whoever asks has made sure that the viewer may see a message that shows each.
pub(crate) struct Attachments(pub(super) Database);

impl Loader<Uuid> for Attachments {
    type Value = Attachment;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Attachment>, NoAnswer> {
        let found = self.0.ask(&attachments::attachments(ids.to_vec())).await?;
        let found = found.into_iter().map(Attachment::from);
        Ok(found.map(|attachment| (attachment.id, attachment)).collect())
    }
}
