//! The inbox: what no device of the viewer has been sent yet.

use super::conversation::{self, ActivityPage, Conversation, read_pages};
use super::cursor::{ActivityPlace, MessagePlace};
use super::long::Long;
use super::message::{Message, MessagePage};
use super::page::{Entries, List, Page};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::connection::{ConnectionNameType, EdgeNameType};
use async_graphql::{ComplexObject, Context, OutputType, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::inbox;
use uuid::Uuid;

/// A conversation with undelivered messages.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex, name = "InboxEntry")]
pub(crate) struct Waiting {
    pub(crate) conversation: Conversation,
    /// How many messages wait: 0, where all are of people whom the viewer blocks.
    pub(crate) pending_count: Long,
    #[graphql(skip)]
    pub(crate) delivered_seq: i64,
}

/// A page of the inbox.
pub(crate) type Inbox = List<ActivityPlace, Waiting, InboxName, InboxName>;

/// Names the types of the list.
pub(crate) struct InboxName;

impl ConnectionNameType for InboxName {
    fn type_name<T: OutputType>() -> String {
        "InboxConnection".to_owned()
    }
}

impl EdgeNameType for InboxName {
    fn type_name<T: OutputType>() -> String {
        "InboxEdge".to_owned()
    }
}

#[ComplexObject]
impl Waiting {
    /// The messages that wait, in the order of their seq.
    async fn messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MessagePlace, Message>> {
        let page = Page::parse(first, after, last, before)?;
        let conversation = self.conversation.id;
        conversation::messages(
            context,
            MessagePage {
                conversation,
                floor: self.delivered_seq,
                page,
            },
        )
        .await
    }
}

impl From<inbox::Waiting> for Waiting {
    fn from(found: inbox::Waiting) -> Self {
        Self {
            conversation: found.conversation.into(),
            pending_count: Long(found.pending_count),
            delivered_seq: found.delivered_seq,
        }
    }
}

/// Reads pages of the viewer's conversations with messages that no device of the viewer has been sent.
pub(crate) struct PendingPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<ActivityPage> for PendingPages {
    type Value = Entries<Waiting>;

    async fn load(&self, pages: &[ActivityPage]) -> Result<HashMap<ActivityPage, Self::Value>, NoAnswer> {
        read_pages(&self.database, pages, |range| inbox::waiting(self.viewer, range)).await
    }
}
