//! Loaders: what the fields of many objects need is gathered and read with one statement.

use super::conversation::{ActivityPages, Conversations, MentionCounts};
use super::inbox::PendingPages;
use super::member::MemberPages;
use super::message::{LastMessages, MessagePages, Messages};
use super::user::People;
use crate::database::Database;
use crate::waves::Waves;
use async_graphql::dataloader::{CacheFactory, DataLoader, HashMapCache, NoCache};
use std::time::Duration;
use uuid::Uuid;

/// More keys than one request can ask for.
const BATCH_MAX: usize = 100_000;

/// A loader that also remembers, for as long as the request lasts.
pub(crate) type Remembering<L> = DataLoader<L, HashMapCache>;

/// The loaders of one request.
pub(crate) struct Loaders {
    pub(crate) people: Remembering<People>,
    pub(crate) conversations: Remembering<Conversations>,
    pub(crate) activity_pages: DataLoader<ActivityPages, NoCache>,
    pub(crate) pending_pages: DataLoader<PendingPages, NoCache>,
    pub(crate) messages: Remembering<Messages>,
    pub(crate) last_messages: Remembering<LastMessages>,
    pub(crate) message_pages: DataLoader<MessagePages, NoCache>,
    pub(crate) member_pages: DataLoader<MemberPages, NoCache>,
    pub(crate) mention_counts: Remembering<MentionCounts>,
}

impl Loaders {
    /// Loaders that see what `viewer` may see. What they read is counted against `database`'s budget.
    pub(crate) fn new(database: &Database, viewer: Uuid, waves: &Waves) -> Self {
        let database = || database.clone();
        Self {
            people: batched(People(database()), waves, HashMapCache::default()),
            conversations: batched(
                Conversations {
                    database: database(),
                    viewer,
                },
                waves,
                HashMapCache::default(),
            ),
            activity_pages: batched(
                ActivityPages {
                    database: database(),
                    viewer,
                },
                waves,
                NoCache,
            ),
            pending_pages: batched(
                PendingPages {
                    database: database(),
                    viewer,
                },
                waves,
                NoCache,
            ),
            messages: batched(Messages(database()), waves, HashMapCache::default()),
            last_messages: batched(LastMessages(database()), waves, HashMapCache::default()),
            message_pages: batched(MessagePages(database()), waves, NoCache),
            member_pages: batched(MemberPages(database()), waves, NoCache),
            mention_counts: batched(
                MentionCounts {
                    database: database(),
                    viewer,
                },
                waves,
                HashMapCache::default(),
            ),
        }
    }
}

fn batched<L, C: CacheFactory>(loader: L, waves: &Waves, cache: C) -> DataLoader<L, C> {
    DataLoader::with_cache(loader, waves.spawner(), cache)
        .delay(Duration::ZERO)
        .max_batch_size(BATCH_MAX)
}
