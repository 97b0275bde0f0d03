//! Telling those who are here what they have not been told.

use super::board::Published;
use super::{Announcements, Foundation};
use crate::lanes::AsOf;
use crate::outcome::Refusal;
use futures_util::StreamExt as _;
use lru::LruCache;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::user::UserCommand;
use tidings_domain::{ANNOUNCEMENTS, CommandId, UserId};
use tidings_projections::{Lately, lately};

/// People who are looked up at once.
const PAGE: usize = 500;
/// Commands that are under way at once: enough to fill batches, and few beside what clients send.
const AT_ONCE: usize = 64;
/// How long those wait who could not be told.
const PAUSE: Duration = Duration::from_millis(250);
/// People of whom it is remembered what they were told last, a few megabytes.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");
/// The consumer that notices come from, for their ids.
const NOTICES: &str = "announcements";

/// Whoever tells people on this node.
pub(super) struct Teller {
    announcements: Announcements,
    /// The order of what somebody was told last, or had no need to be.
    told: LruCache<UserId, u64>,
    time_lines: u64,
}

impl Teller {
    pub(super) fn new(announcements: Announcements) -> Self {
        Self {
            announcements,
            told: LruCache::new(REMEMBERED),
            time_lines: 0,
        }
    }

    /// Goes on for ever.
    pub(super) async fn run(mut self) {
        loop {
            let left = self.tell_all().await;
            let wait = self.announcements.0.crowd.wait();
            if left.is_empty() {
                wait.await;
            } else {
                // Whoever comes meanwhile is no reason to try at once again.
                tokio::time::sleep(PAUSE).await;
                self.announcements.0.crowd.again(left);
            }
        }
    }

    /// Tells those who wait. Returns those who could not be told.
    async fn tell_all(&mut self) -> Vec<UserId> {
        let mut left = vec![];
        loop {
            let users = self.announcements.0.crowd.take(PAGE);
            if users.is_empty() {
                return left;
            }
            let time_lines = self.announcements.0.ground.lanes.time_lines();
            if self.time_lines != time_lines {
                self.told.clear();
                self.time_lines = time_lines;
            }
            // When the board is read, everybody waits again.
            let published = self.announcements.board().published(time_lines);
            if let Some((as_of, published)) = published {
                left.extend(self.tell(users, &published, as_of).await);
            }
        }
    }

    async fn tell(&mut self, users: Vec<UserId>, published: &[Arc<Published>], as_of: AsOf) -> Vec<UserId> {
        let Some(newest) = published.last().map(|last| last.order) else {
            return vec![];
        };
        let (known, unknown): (Vec<UserId>, Vec<UserId>) =
            users.into_iter().partition(|user| self.told.contains(user));
        let mut left = vec![];
        let mut lacks: Vec<(UserId, u64)> = vec![];
        for user in known {
            lacks.push((user, self.told.get(&user).copied().unwrap_or_default()));
        }
        match self.look_up(&unknown, published).await {
            Some(found) => {
                // Read models that do not know somebody yet will.
                left.extend(unknown.iter().filter(|user| !found.contains_key(*user)));
                lacks.extend(found);
            }
            None => left.extend(unknown),
        }
        let ground = &self.announcements.0.ground;
        let telling = lacks.into_iter().map(|(user, told)| async move {
            let missed = published.iter().filter(|one| one.order > told);
            (user, tell_one(ground, user, missed, as_of).await)
        });
        let mut telling = futures_util::stream::iter(telling).buffer_unordered(AT_ONCE);
        let mut done = vec![];
        while let Some((user, told)) = telling.next().await {
            match told {
                Ok(()) => done.push(user),
                Err(refusal) => {
                    tracing::debug!(%user, %refusal, "somebody could not be told an announcement yet");
                    left.push(user);
                }
            }
        }
        drop(telling);
        for user in done {
            self.told.put(user, newest);
        }
        left
    }

    /// Up to where people were told, as far as the read models have come; what was told since, the log does not take again. Nobody is
    /// there of whom it is not known since when they are.
    async fn look_up(&self, users: &[UserId], published: &[Arc<Published>]) -> Option<HashMap<UserId, u64>> {
        if users.is_empty() {
            return Some(HashMap::new());
        }
        let ids: Vec<uuid::Uuid> = users.iter().map(|user| user.0).collect();
        let found = lately(self.announcements.0.ground.log.pool(), &ids).await;
        let found =
            found.inspect_err(|error| tracing::debug!(%error, "who was told what could not be found"));
        let known = found.ok()?.into_iter().filter_map(|lately| {
            let Lately {
                user,
                registered_at,
                announcement,
            } = lately;
            let registered_at = registered_at?;
            let last = published
                .iter()
                .filter(|one| Some(one.announced.id) == announcement);
            let before = published.iter().filter(|one| one.since < registered_at);
            let told = last.chain(before).map(|one| one.order).max();
            Some((UserId(user), told.unwrap_or_default()))
        });
        Some(known.collect())
    }
}

/// Tells somebody, one announcement after the other, so that they stand in their order.
async fn tell_one(
    ground: &Foundation,
    user: UserId,
    missed: impl Iterator<Item = &Arc<Published>>,
    as_of: AsOf,
) -> Result<(), Refusal> {
    for one in missed {
        let id = CommandId::of_reaction(ground.log_id, NOTICES, (ANNOUNCEMENTS, one.made), user);
        let command = UserCommand::Announce(one.announced.clone());
        let accepted = ground.lanes.submit_user(user, id.0, command, Some(as_of)).await?;
        if !accepted.duplicate {
            metrics::counter!("tidings_announcements_told_total").increment(1);
        }
    }
    Ok(())
}
