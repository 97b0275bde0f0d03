//! The root of queries.

use super::admin::Admin;
use super::contact::{self, Contact, ContactRequest};
use super::conversation::Conversation;
use super::cursor::{ActivityPlace, MemberPlace, PersonPlace};
use super::id;
use super::inbox::Inbox;
use super::invitation::GroupInvitation;
use super::loaders::Loaders;
use super::long::Long;
use super::mark::Total;
use super::message::{Message, MessageId};
use super::page::{List, Page};
use super::read_model::{self, ReadModelProgress};
use super::search::{self, SearchConnection, SearchOrder};
use super::user::{self, User};
use crate::errors::{Code, Refusal};
use crate::freshness::Freshness;
use crate::viewer::{auditor, overseer, viewer};
use async_graphql::{Context, ID, Object, Result};
use tidings_projections::people::TieKind;

pub(crate) struct Query;

#[Object]
impl Query {
    /// The viewer.
    async fn me(&self, context: &Context<'_>) -> Result<User> {
        let me = user::by_id(context, viewer(context)?.user).await?;
        Ok(me.ok_or_else(|| Refusal::new(Code::NotFound, "the viewer is not registered here"))?)
    }

    async fn user(&self, context: &Context<'_>, id: ID) -> Result<Option<User>> {
        viewer(context)?;
        Ok(user::by_id(context, id::parse("id", &id)?).await?)
    }

    /// The person of that name, whatever the case of its letters.
    async fn user_by_name(&self, context: &Context<'_>, username: String) -> Result<Option<User>> {
        viewer(context)?;
        Ok(user::by_name(context, &username).await?)
    }

    /// The viewer's conversations, newest activity first.
    async fn conversations(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<ActivityPlace, Conversation>> {
        viewer(context)?;
        let page = Page::parse(first, after, last, before)?;
        let found = context
            .data_unchecked::<Loaders>()
            .activity_pages
            .load_one(page)
            .await?;
        Ok(found
            .unwrap_or_default()
            .into_list(|conversation| (conversation.place(), conversation)))
    }

    /// The viewer's contacts, in the order of their ids.
    async fn contacts(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MemberPlace, Contact>> {
        viewer(context)?;
        contact::contacts(context, Page::parse(first, after, last, before)?).await
    }

    /// Those who ask the viewer to be a contact and have no answer yet, in the order of their ids.
    async fn contact_requests(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MemberPlace, ContactRequest>> {
        viewer(context)?;
        contact::requests(
            context,
            TieKind::Received,
            Page::parse(first, after, last, before)?,
        )
        .await
    }

    /// Those whom the viewer has asked and who have not accepted, in the order of their ids.
    async fn sent_contact_requests(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MemberPlace, ContactRequest>> {
        viewer(context)?;
        contact::requests(context, TieKind::Sent, Page::parse(first, after, last, before)?).await
    }

    /// Those whom the viewer blocks, in the order of their ids.
    async fn blocked(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<PersonPlace, User>> {
        viewer(context)?;
        contact::blocked(context, Page::parse(first, after, last, before)?).await
    }

    /// The groups into which the viewer is invited and has not answered, in the order of their ids. Nothing else is seen of them.
    async fn invitations(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MemberPlace, GroupInvitation>> {
        viewer(context)?;
        let page = Page::parse(first, after, last, before)?;
        let pages = &context.data_unchecked::<Loaders>().invited_pages;
        let entries = pages.load_one(page).await?.unwrap_or_default();
        Ok(entries.into_list(|invitation| (MemberPlace(invitation.conversation), invitation)))
    }

    /// A conversation of which the viewer is a member.
    async fn conversation(&self, context: &Context<'_>, id: ID) -> Result<Option<Conversation>> {
        viewer(context)?;
        let id = id::parse("id", &id)?;
        Ok(context
            .data_unchecked::<Loaders>()
            .conversations
            .load_one(id)
            .await?)
    }

    /// Messages that the viewer has not read, in all conversations but those that are muted.
    async fn unread_total(&self, context: &Context<'_>) -> Result<Long> {
        total(context, Total::Unread).await
    }

    /// Unread messages that mention the viewer: in muted conversations by name, elsewhere with everybody too.
    async fn mention_total(&self, context: &Context<'_>) -> Result<Long> {
        total(context, Total::Mentions).await
    }

    /// A message in a conversation of which the viewer is a member.
    async fn message(&self, context: &Context<'_>, conversation: ID, id: ID) -> Result<Option<Message>> {
        viewer(context)?;
        let conversation = id::parse("conversation", &conversation)?;
        let message = id::parse("id", &id)?;
        let loaders = context.data_unchecked::<Loaders>();
        if loaders.conversations.load_one(conversation).await?.is_none() {
            return Ok(None);
        }
        Ok(loaders
            .messages
            .load_one(MessageId {
                conversation,
                message,
            })
            .await?)
    }

    /// Conversations with messages that no device of the viewer has been sent yet, newest activity first.
    async fn inbox(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Inbox> {
        viewer(context)?;
        let page = Page::parse(first, after, last, before)?;
        let found = context
            .data_unchecked::<Loaders>()
            .pending_pages
            .load_one(page)
            .await?;
        Ok(found
            .unwrap_or_default()
            .into_list(|waiting| (waiting.conversation.place(), waiting)))
    }

    /// Messages in the viewer's conversations, or in one of them, that are found by what is typed: words, of which the last may go on,
    /// `"phrases"`, `-words` that must not be there, and `from:`, `in:`, `before:`, `after:` and `has:`. Nothing that can be typed is
    /// refused. Read models of words may lag behind others.
    async fn search(
        &self,
        context: &Context<'_>,
        query: String,
        conversation: Option<ID>,
        #[graphql(default)] order: SearchOrder,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<SearchConnection> {
        let viewer = viewer(context)?.user;
        let conversation = conversation
            .map(|id| id::parse("conversation", &id))
            .transpose()?;
        let page = Page::parse(first, after, None, None)?;
        Ok(search::find(context, viewer, &query, conversation, order, &page).await?)
    }

    /// What administrators see of the whole server, auditors with them; moderators see the reports. Null for everybody else.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn admin(&self, context: &Context<'_>) -> Result<Option<Admin>> {
        viewer(context)?;
        Ok(overseer(context).is_ok().then_some(Admin))
    }

    /// How far the read models are in each lane of the log. For administrators and auditors.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn read_models(&self, context: &Context<'_>) -> Result<Vec<ReadModelProgress>> {
        auditor(context)?;
        Ok(read_model::all(context.data_unchecked::<Freshness>()))
    }
}

async fn total(context: &Context<'_>, total: Total) -> Result<Long> {
    viewer(context)?;
    let totals = &context.data_unchecked::<Loaders>().totals;
    Ok(Long(totals.load_one(total).await?.unwrap_or(0)))
}
