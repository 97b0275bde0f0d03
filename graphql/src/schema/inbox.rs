//! The inbox: what no device of the viewer has been sent yet.

use super::conversation::{self, Conversation};
use super::cursor::{ActivityPlace, MessagePlace};
use super::loaders::MessagePage;
use super::long::Long;
use super::message::Message;
use super::page::{List, Page, PageArguments};
use async_graphql::connection::{ConnectionNameType, EdgeNameType};
use async_graphql::{ComplexObject, Context, OutputType, Result, SimpleObject};
use tokio_postgres::Row;

/// A conversation with undelivered messages.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex, name = "InboxEntry")]
pub(crate) struct Waiting {
    pub(crate) conversation: Conversation,
    /// How many messages wait.
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
        let page = Page::parse(PageArguments {
            first,
            after,
            last,
            before,
        })?;
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

impl Waiting {
    pub(crate) fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            conversation: Conversation::read(row)?,
            pending_count: Long(row.try_get("pending_count")?),
            delivered_seq: row.try_get("delivered_seq")?,
        })
    }
}
