//! Conversations, as one of their members sees them.

use super::cursor::{ActivityPlace, InvitationPlace, MemberPlace, MessagePlace};
use super::group_settings::GroupSettings;
use super::id;
use super::invitation::{Invitation, InvitationPage};
use super::link::{InviteLink, LinkPage};
use super::loaders::Loaders;
use super::long::Long;
use super::member::{Member, MemberId, MemberPage, MemberRole};
use super::message::{Message, MessageId, MessagePage};
use super::page::{Entries, List, Page, gather};
use super::past::{self, Past, untold};
use super::request::{JoinRequest, RequestPage};
use super::sanction::{Sanction, SanctionPage};
use super::thread::{self, Thread, ThreadPage};
use super::time::Time;
use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_projections::conversations::Activity;
use tidings_projections::groups::SanctionKind;
use tidings_projections::unread::Marks;
use tidings_projections::{Listed, Range, Select, conversations, unread};
use uuid::Uuid;

/// What sort of conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ConversationKind {
    /// Between two people, for ever.
    Direct,
    /// Among any number of people who come and go.
    Group,
}

/// A page of the viewer's conversations.
pub(crate) type ActivityPage = Page<ActivityPlace>;

/// A conversation of which the viewer is a member.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Conversation {
    #[graphql(skip)]
    pub(crate) id: Uuid,
    /// What it was, where it is told as it was then.
    #[graphql(skip)]
    past: Option<Arc<Past>>,
    /// What the viewer is in it; of the past perhaps nothing.
    #[graphql(skip)]
    role: Option<MemberRole>,
    pub(crate) kind: ConversationKind,
    /// The group's name. Null for a direct conversation, which is shown by its other member.
    pub(crate) title: Option<String>,
    pub(crate) created_at: Time,
    /// The seq of its last event.
    pub(crate) last_seq: Long,
    /// Up to which seq the viewer has read it; 0 before the first time.
    pub(crate) last_read_seq: Long,
    /// Messages that the viewer has not read.
    pub(crate) unread_count: Long,
    #[graphql(skip)]
    pub(crate) last_at: DateTime<Utc>,
}

#[ComplexObject]
impl Conversation {
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// What the viewer is in it. An error of a moment at which they were no member of it.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn my_role(&self) -> Result<MemberRole> {
        let no_member = || Refusal::invalid("myRole", "the viewer was no member then");
        Ok(self.role.ok_or_else(no_member)?)
    }

    /// It as it was at a time, or when the log had come to an ack's position, whichever of both is given: its title, settings, members and their
    /// roles, messages with what they said then, threads, reactions and pins. The viewer sees no more of it than now, and of what was recalled since
    /// nothing of what it said. Null where it had not begun, and where the viewer does not see what happened last then. What is the viewer's own is
    /// empty, lists for owners and admins are null, and what must say something and is not told of the past is an error that names the field:
    /// `mutedMembers`, `seenBy` and `deliveredTo`. People are shown as they are now.
    async fn as_of(
        &self,
        context: &Context<'_>,
        time: Option<Time>,
        position: Option<String>,
    ) -> Result<Option<Conversation>> {
        let moment = past::moment(self.id, time, position.as_deref())?;
        past::conversation(context, self.id, moment).await
    }

    /// When the last thing happened in it.
    async fn last_activity_at(&self, context: &Context<'_>) -> Result<Time> {
        match &self.past {
            Some(past) => past.active_at(context).await,
            None => Ok(Time(self.last_at)),
        }
    }

    /// Those who are members now, in the order of their ids.
    async fn members(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MemberPlace, Member>> {
        let page = Page::parse(first, after, last, before)?;
        if let Some(past) = &self.past {
            return Ok(past.members(&page));
        }
        let key = MemberPage {
            conversation: self.id,
            page,
        };
        let entries = context
            .data_unchecked::<Loaders>()
            .member_pages
            .load_one(key)
            .await?
            .unwrap_or_default();
        Ok(entries.into_list(|member| (MemberPlace(member.user), member)))
    }

    /// One of those who are members now, by the id of the person. Null of everybody else.
    async fn member(&self, context: &Context<'_>, user: ID) -> Result<Option<Member>> {
        let user = id::parse("user", &user)?;
        if let Some(past) = &self.past {
            return Ok(past.member(user));
        }
        let id = MemberId {
            conversation: self.id,
            user,
        };
        Ok(context.data_unchecked::<Loaders>().members.load_one(id).await?)
    }

    /// How the group is set. Null for a direct conversation, in which everything is for both.
    async fn settings(&self, context: &Context<'_>) -> Result<Option<GroupSettings>> {
        if self.kind == ConversationKind::Direct {
            return Ok(None);
        }
        if let Some(past) = &self.past {
            return Ok(Some(past.settings()));
        }
        let settings = &context.data_unchecked::<Loaders>().group_settings;
        Ok(Some(settings.load_one(self.id).await?.unwrap_or_default()))
    }

    /// Those who are muted in the group, in the order of their ids, whether they are in or not.
    async fn muted_members(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<MemberPlace, Sanction>> {
        if self.past.is_some() {
            return Err(untold("mutedMembers"));
        }
        self.sanctions(context, SanctionKind::Muted, first, after).await
    }

    /// Those who are banned from the group now, in the order of their ids, for its owners and admins. Null to others.
    async fn banned(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Option<List<MemberPlace, Sanction>>> {
        if !self.manages() {
            return Ok(None);
        }
        self.sanctions(context, SanctionKind::Banned, first, after)
            .await
            .map(Some)
    }

    /// The group's links that nobody has revoked, those that are over or used up included, for its owners and admins. Null to others.
    async fn links(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Option<List<MemberPlace, InviteLink>>> {
        if !self.manages() {
            return Ok(None);
        }
        let key = LinkPage {
            conversation: self.id,
            page: Page::parse(first, after, None, None)?,
        };
        let pages = &context.data_unchecked::<Loaders>().link_pages;
        let entries = pages.load_one(key).await?.unwrap_or_default();
        Ok(Some(entries.into_list(|link| (MemberPlace(link.link), link))))
    }

    /// Those who ask to be let into the group, in the order of their ids, for its owners and admins. Null to others.
    async fn join_requests(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Option<List<MemberPlace, JoinRequest>>> {
        if !self.manages() {
            return Ok(None);
        }
        let key = RequestPage {
            conversation: self.id,
            page: Page::parse(first, after, None, None)?,
        };
        let pages = &context.data_unchecked::<Loaders>().request_pages;
        let entries = pages.load_one(key).await?.unwrap_or_default();
        Ok(Some(
            entries.into_list(|request| (MemberPlace(request.user), request)),
        ))
    }

    /// Those who are invited into the group and have not answered, in the order of their ids, once for each who has invited them, for its owners
    /// and admins. Null to others.
    async fn invitations(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Option<List<InvitationPlace, Invitation>>> {
        if !self.manages() {
            return Ok(None);
        }
        let key = InvitationPage {
            conversation: self.id,
            page: Page::parse(first, after, None, None)?,
        };
        let pages = &context.data_unchecked::<Loaders>().invitation_pages;
        let entries = pages.load_one(key).await?.unwrap_or_default();
        Ok(Some(
            entries.into_list(|invitation| (invitation.place(), invitation)),
        ))
    }

    /// Unread messages that mention the viewer, by name or with everybody.
    async fn mention_count(&self, context: &Context<'_>) -> Result<Long> {
        if self.past.is_some() {
            return Ok(Long(0));
        }
        let counts = &context.data_unchecked::<Loaders>().mention_counts;
        Ok(Long(counts.load_one(self.id).await?.unwrap_or(0)))
    }

    /// Whether the viewer has muted it: its unread messages are not in `unreadTotal`.
    async fn muted(&self, context: &Context<'_>) -> Result<bool> {
        Ok(self.marks(context).await?.muted)
    }

    /// When it ends that it is muted. Null where it is not, or for ever.
    async fn muted_until(&self, context: &Context<'_>) -> Result<Option<Time>> {
        Ok(self.marks(context).await?.muted_until.map(Time))
    }

    /// Whether the viewer has put it away. It comes back with the next message, if it is not muted, and with the next that mentions
    /// the viewer.
    async fn archived(&self, context: &Context<'_>) -> Result<bool> {
        Ok(self.marks(context).await?.archived)
    }

    /// Whether the viewer wants it shown as unread, whatever has been read of it. It ends when the viewer reads there or writes.
    async fn marked_unread(&self, context: &Context<'_>) -> Result<bool> {
        Ok(self.marks(context).await?.unread)
    }

    /// How many of its members are there. Null while the server does not know.
    async fn online_count(&self, context: &Context<'_>) -> Result<Option<i32>> {
        if self.past.is_some() {
            return Ok(None);
        }
        let counts = &context.data_unchecked::<Loaders>().online_counts;
        Ok(counts.load_one(self.id).await?)
    }

    /// The messages that it keeps in view, at most 250, the one that was pinned last first.
    async fn pins(&self, context: &Context<'_>) -> Result<Vec<Message>> {
        if let Some(past) = &self.past {
            return past.pins(context).await;
        }
        let pins = &context.data_unchecked::<Loaders>().pins;
        Ok(pins.load_one(self.id).await?.unwrap_or_default())
    }

    /// The last message of its main timeline.
    async fn last_message(&self, context: &Context<'_>) -> Result<Option<Message>> {
        if let Some(past) = &self.past {
            return past.last_message(context).await;
        }
        Ok(context
            .data_unchecked::<Loaders>()
            .last_messages
            .load_one(self.id)
            .await?)
    }

    /// Its threads, the one with the newest reply first.
    async fn threads(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<MessagePlace, Thread>> {
        let page = Page::parse(first, after, None, None)?;
        if let Some(past) = &self.past {
            let entries = past.threads(context, &page).await?;
            return Ok(entries.into_list(|thread| (thread.place(), thread)));
        }
        let key = ThreadPage {
            conversation: self.id,
            page,
        };
        let pages = &context.data_unchecked::<Loaders>().thread_pages;
        let entries = pages.load_one(key).await?.unwrap_or_default();
        Ok(entries.into_list(|thread| (thread.place(), thread)))
    }

    /// Threads that the viewer follows in which they have not read everything.
    async fn unread_threads(&self, context: &Context<'_>) -> Result<i32> {
        if self.past.is_some() {
            return Ok(0);
        }
        let counts = &context.data_unchecked::<Loaders>().unread_threads;
        let count = counts.load_one(self.id).await?.unwrap_or(0);
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// The thread below a message of a group's main timeline, which may have no replies yet.
    async fn thread(&self, context: &Context<'_>, root: ID) -> Result<Option<Thread>> {
        let message = id::parse("root", &root)?;
        if self.kind == ConversationKind::Direct {
            return Ok(None);
        }
        if let Some(past) = &self.past {
            return past.thread(context, message).await;
        }
        let root = MessageId {
            conversation: self.id,
            message,
        };
        thread::below(context, root).await
    }

    /// Its main timeline in the order of seqs, without what stands in threads alone: `first` and `after` count from the oldest, `last` and `before` from the newest.
    async fn messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MessagePlace, Message>> {
        let page = Page::parse(first, after, last, before)?;
        if let Some(past) = &self.past {
            let entries = past.messages(context, &page).await?;
            return Ok(entries.into_list(|message| (MessagePlace(message.seq.0), message)));
        }
        messages(
            context,
            MessagePage {
                conversation: self.id,
                floor: 0,
                page,
            },
        )
        .await
    }
}

impl Conversation {
    /// Whether it shows the viewer what is for owners and admins, which is told of the present alone.
    fn manages(&self) -> bool {
        self.past.is_none() && self.role.is_some_and(|role| role != MemberRole::Member)
    }

    async fn sanctions(
        &self,
        context: &Context<'_>,
        kind: SanctionKind,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<MemberPlace, Sanction>> {
        let key = SanctionPage {
            conversation: self.id,
            kind,
            page: Page::parse(first, after, None, None)?,
        };
        let pages = &context.data_unchecked::<Loaders>().sanction_pages;
        let entries = pages.load_one(key).await?.unwrap_or_default();
        Ok(entries.into_list(|sanction| (MemberPlace(sanction.user), sanction)))
    }

    async fn marks(&self, context: &Context<'_>) -> Result<Marks> {
        if self.past.is_some() {
            return Ok(Marks::default());
        }
        let marks = &context.data_unchecked::<Loaders>().marks;
        Ok(marks.load_one(self.id).await?.unwrap_or_default())
    }

    /// Its place among the conversations of the viewer.
    pub(crate) fn place(&self) -> ActivityPlace {
        ActivityPlace {
            at: self.last_at,
            conversation: self.id,
        }
    }
}

impl From<conversations::Conversation> for Conversation {
    fn from(found: conversations::Conversation) -> Self {
        Self {
            id: found.id,
            past: None,
            role: Some(MemberRole::named(&found.role)),
            kind: if found.kind == "direct" {
                ConversationKind::Direct
            } else {
                ConversationKind::Group
            },
            title: found.title,
            created_at: Time(found.created_at),
            last_seq: Long(found.last_seq),
            last_read_seq: Long(found.read_seq),
            unread_count: Long(found.unread_count),
            last_at: found.last_at,
        }
    }
}

impl From<Arc<Past>> for Conversation {
    fn from(past: Arc<Past>) -> Self {
        Self {
            id: past.conversation,
            role: past.role(),
            kind: if past.state.is_direct {
                ConversationKind::Direct
            } else {
                ConversationKind::Group
            },
            title: past.state.title.clone(),
            created_at: Time(past.state.created_at),
            last_seq: Long(past.seq),
            last_read_seq: Long(0),
            unread_count: Long(0),
            last_at: past.state.changed_at,
            past: Some(past),
        }
    }
}

/// A page of messages as a client sees it.
pub(crate) async fn messages(context: &Context<'_>, key: MessagePage) -> Result<List<MessagePlace, Message>> {
    let entries = context
        .data_unchecked::<Loaders>()
        .message_pages
        .load_one(key)
        .await?
        .unwrap_or_default();
    Ok(entries.into_list(|message| (MessagePlace(message.seq.0), message)))
}

/// Reads conversations by id, where the viewer is a member.
pub(crate) struct Conversations {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for Conversations {
    type Value = Conversation;

    async fn load(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Conversation>, NoAnswer> {
        let found = self
            .database
            .ask(&conversations::by_id(self.viewer, ids.to_vec()))
            .await?;
        let found = found.into_iter().map(Conversation::from);
        Ok(found
            .map(|conversation| (conversation.id, conversation))
            .collect())
    }
}

/// Reads pages of the viewer's conversations, newest activity first.
pub(crate) struct ActivityPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<ActivityPage> for ActivityPages {
    type Value = Entries<Conversation>;

    async fn load(&self, pages: &[ActivityPage]) -> Result<HashMap<ActivityPage, Self::Value>, NoAnswer> {
        read_pages(&self.database, pages, |range| {
            conversations::activity(self.viewer, range)
        })
        .await
    }
}

/// Reads pages of conversations, newest activity first.
pub(super) async fn read_pages<R, T: From<R>>(
    database: &Database,
    pages: &[ActivityPage],
    select: impl Fn(&Range<Activity>) -> Select<Listed<R>>,
) -> Result<HashMap<ActivityPage, Entries<T>>, NoAnswer> {
    let mut answers = HashMap::with_capacity(pages.len());
    for page in pages {
        let range = page.range(false, |place| (place.at, place.conversation));
        let rows = database.ask(&select(&range)).await?;
        answers.extend(gather(&[page], page, rows));
    }
    Ok(answers)
}

/// Reads how often the viewer is mentioned in what they have not read.
pub(crate) struct MentionCounts {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for MentionCounts {
    type Value = i64;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, i64>, NoAnswer> {
        let counts = unread::mention_counts(self.viewer, conversations.to_vec());
        Ok(self.database.ask(&counts).await?.into_iter().collect())
    }
}
