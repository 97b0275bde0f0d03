//! Threads: what hangs below a message of a group's main timeline.

use super::cursor::MessagePlace;
use super::loaders::Loaders;
use super::message::{Message, MessageId};
use super::page::{Entries, List, Page, gather, group};
use super::past::Past;
use super::time::Time;
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_projections::{history, unread};
use uuid::Uuid;

/// A thread: a message of the main timeline with the replies that hang below it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Thread {
    #[graphql(skip)]
    root: MessageId,
    #[graphql(skip)]
    last_seq: i64,
    /// What its conversation was, where it is told as it was then.
    #[graphql(skip)]
    pub(crate) past: Option<Arc<Past>>,
    /// Replies that were not recalled, are not withheld, and that the viewer sees; of a thread that began before what they see, of the newest 1,000.
    pub(crate) reply_count: i32,
    /// When the last reply came, recalled or not. Null where nobody has replied yet.
    last_reply_at: Option<Time>,
}

#[ComplexObject]
impl Thread {
    /// The id of the message that it hangs below, also where the viewer does not see that.
    async fn id(&self) -> ID {
        self.root.message.into()
    }

    /// The message that it hangs below. Null when the viewer has hidden it, or does not see it.
    async fn root(&self, context: &Context<'_>) -> Result<Option<Message>> {
        if let Some(past) = &self.past {
            return past.one(context, self.root.message).await;
        }
        let messages = &context.data_unchecked::<Loaders>().messages;
        Ok(messages.load_one(self.root).await?)
    }

    /// Whether the viewer follows it: who has not said otherwise follows a thread that they began, have replied in or were mentioned in.
    async fn following(&self, context: &Context<'_>) -> Result<bool> {
        Ok(self.state(context).await?.following)
    }

    /// Replies that the viewer has not read, at most 1,000. A reply of one's own reads those before it.
    async fn unread_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(self.state(context).await?.unread)
    }

    /// The replies in the order of their seq, those that the main timeline shows, too, and those that were recalled: `first` and
    /// `after` count from the oldest, `last` and `before` from the newest.
    async fn replies(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<List<MessagePlace, Message>> {
        let page = Page::parse(first, after, last, before)?;
        if let Some(past) = &self.past {
            let entries = past.replies(context, self.root.message, page).await?;
            return Ok(entries.into_list(|message| (MessagePlace(message.seq.0), message)));
        }
        let key = ReplyPage {
            root: self.root,
            page,
        };
        let pages = &context.data_unchecked::<Loaders>().reply_pages;
        let entries = pages.load_one(key).await?.unwrap_or_default();
        Ok(entries.into_list(|message| (MessagePlace(message.seq.0), message)))
    }
}

impl Thread {
    /// A thread in which nobody has replied yet.
    pub(super) fn without_replies(root: MessageId) -> Self {
        Self {
            root,
            last_seq: 0,
            past: None,
            reply_count: 0,
            last_reply_at: None,
        }
    }

    /// That of the past is nobody's own.
    async fn state(&self, context: &Context<'_>) -> Result<ThreadState> {
        if self.past.is_some() {
            return Ok(ThreadState::default());
        }
        let states = &context.data_unchecked::<Loaders>().thread_states;
        Ok(states.load_one(self.root).await?.unwrap_or_default())
    }

    /// Its place among the threads of its conversation: what was active last stands first.
    pub(crate) fn place(&self) -> MessagePlace {
        MessagePlace(self.last_seq)
    }
}

impl From<history::Thread> for Thread {
    fn from(thread: history::Thread) -> Self {
        Self {
            root: MessageId {
                conversation: thread.conversation,
                message: thread.root,
            },
            last_seq: thread.last_seq,
            past: None,
            reply_count: i32::try_from(thread.replies).unwrap_or(i32::MAX),
            last_reply_at: Some(Time(thread.last_at)),
        }
    }
}

/// The thread that a message of a group begins, or would begin. None below what stands in a thread itself. Whoever asks has made sure that
/// the viewer is a member.
pub(crate) async fn below(context: &Context<'_>, root: MessageId) -> Result<Option<Thread>> {
    let loaders = context.data_unchecked::<Loaders>();
    // Replies go on below what the viewer has hidden, and are listed.
    if let Some(thread) = loaders.threads.load_one(root).await? {
        return Ok(Some(thread));
    }
    let message = loaders.messages.load_one(root).await?;
    let begins = message.is_some_and(|message| message.thread.is_none());
    Ok(begins.then(|| Thread::without_replies(root)))
}

/// A thread, as the viewer has it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ThreadState {
    following: bool,
    unread: i32,
}

/// Reads how the viewer has threads, where the viewer is a member.
pub(crate) struct ThreadStates {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<MessageId> for ThreadStates {
    type Value = ThreadState;

    async fn load(&self, roots: &[MessageId]) -> Result<HashMap<MessageId, ThreadState>, NoAnswer> {
        let conversations = roots.iter().map(|root| root.conversation).collect();
        let messages = roots.iter().map(|root| root.message).collect();
        let states = unread::thread_states(self.viewer, conversations, messages);
        let found = self.database.ask(&states).await?.into_iter();
        let state = found.map(|state| {
            let root = MessageId {
                conversation: state.conversation,
                message: state.root,
            };
            let (following, unread) = (state.following, i32::try_from(state.unread).unwrap_or(i32::MAX));
            (root, ThreadState { following, unread })
        });
        Ok(state.collect())
    }
}

/// Reads in how many threads something is unread that the viewer follows, by conversation.
pub(crate) struct UnreadThreads {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for UnreadThreads {
    type Value = i64;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, i64>, NoAnswer> {
        let counts = unread::unread_threads(self.viewer, conversations.to_vec());
        Ok(self.database.ask(&counts).await?.into_iter().collect())
    }
}

/// Reads threads by their roots. Whoever asks has made sure that the viewer is a member.
pub(crate) struct Threads {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<MessageId> for Threads {
    type Value = Thread;

    async fn load(&self, roots: &[MessageId]) -> Result<HashMap<MessageId, Thread>, NoAnswer> {
        let conversations = roots.iter().map(|root| root.conversation).collect();
        let messages = roots.iter().map(|root| root.message).collect();
        let threads = history::threads(self.viewer, conversations, messages);
        let found = self.database.ask(&threads).await?;
        let found = found.into_iter().map(Thread::from);
        Ok(found.map(|thread| (thread.root, thread)).collect())
    }
}

/// Reads pages of threads, of many conversations at once. Whoever asks has made sure that the viewer is a member.
pub(crate) struct ThreadPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

/// A page of a conversation's threads, the one that was active last first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ThreadPage {
    pub(crate) conversation: Uuid,
    pub(crate) page: Page<MessagePlace>,
}

impl Loader<ThreadPage> for ThreadPages {
    type Value = Entries<Thread>;

    async fn load(&self, keys: &[ThreadPage]) -> Result<HashMap<ThreadPage, Entries<Thread>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations = keys.iter().map(|key| key.conversation).collect();
            let range = page.range(false, |place| place.0);
            let threads = history::thread_activity(self.viewer, conversations, &range);
            let rows = self.database.ask(&threads).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}

/// Reads pages of replies, of many threads at once. Whoever asks has made sure that the viewer is a member.
pub(crate) struct ReplyPages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

/// A page of the replies in a thread, in the order of their seq.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReplyPage {
    root: MessageId,
    page: Page<MessagePlace>,
}

impl Loader<ReplyPage> for ReplyPages {
    type Value = Entries<Message>;

    async fn load(&self, keys: &[ReplyPage]) -> Result<HashMap<ReplyPage, Entries<Message>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations = keys.iter().map(|key| key.root.conversation).collect();
            let roots = keys.iter().map(|key| key.root.message).collect();
            let range = page.range(true, |place| place.0);
            let replies = history::replies(self.viewer, conversations, roots, &range);
            let rows = self.database.ask(&replies).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
