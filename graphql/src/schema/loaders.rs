//! Loaders: what the fields of many objects need is gathered and read with one statement.

mod activity;
mod conversations;
mod last_messages;
mod member_pages;
mod mention_counts;
mod message_pages;
mod messages;
mod people;

pub(crate) use member_pages::MemberPage;
pub(crate) use message_pages::MessagePage;
pub(crate) use messages::MessageId;
pub(crate) use people::{named, person};

use super::cursor::Cursor;
use super::page::{Entries, Page};
use crate::database::Database;
use crate::waves::Waves;
use activity::{ActivityPages, PendingPages};
use async_graphql::dataloader::{CacheFactory, DataLoader, HashMapCache, NoCache};
use conversations::Conversations;
use last_messages::LastMessages;
use member_pages::MemberPages;
use mention_counts::MentionCounts;
use message_pages::MessagePages;
use messages::Messages;
use people::People;
use std::collections::HashMap;
use std::hash::Hash;
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

/// The keys of each page, in their order.
fn group<'a, K, P: Eq + Hash>(keys: &'a [K], page: impl Fn(&'a K) -> &'a P) -> HashMap<&'a P, Vec<&'a K>> {
    let mut groups: HashMap<&P, Vec<&K>> = HashMap::new();
    for key in keys {
        groups.entry(page(key)).or_default().push(key);
    }
    groups
}

/// A row of the pages of many lists: the list's number from 1, what lies around the page, and the entry, if there is any.
type PageRow<T> = (i64, (bool, bool), Option<T>);

/// Puts the rows of many lists together, one page for each key.
fn gather<K: Clone, C: Cursor, T>(
    keys: &[&K],
    page: &Page<C>,
    rows: Vec<PageRow<T>>,
) -> Vec<(K, Entries<T>)> {
    let mut lists: Vec<((bool, bool), Vec<T>)> = keys.iter().map(|_| ((false, false), vec![])).collect();
    for (number, around, item) in rows {
        let list = usize::try_from(number - 1)
            .ok()
            .and_then(|index| lists.get_mut(index));
        if let Some(list) = list {
            list.0 = around;
            list.1.extend(item);
        }
    }
    let pages = lists
        .into_iter()
        .map(|((earlier, later), items)| page.entries(items, earlier, later));
    keys.iter().map(|key| (*key).clone()).zip(pages).collect()
}
