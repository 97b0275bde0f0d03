//! What others are shown of a user's cursors when they have moved.

use super::Store;
use crate::cursors::Read;
use crate::cursors::gathering::Delivered;
use crate::delivery::Audience;
use crate::fanout::ReadMark;
use crate::outcome::{Accepted, Refusal};
use lru::LruCache;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_domain::{ConversationId, Receipts, UserId};
use tidings_eventlog::Position;
use tidings_projections::{are_direct, withheld};
use uuid::Uuid;

/// Conversations of which it is remembered what they are, some 5 MB.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");

/// Conversations that no read model has, of one gathering. While read models are far behind, of the rest nothing is shown.
const NEW_MAX: usize = 64;

/// From whom somebody's receipts are kept.
#[derive(Default)]
pub(super) struct Withheld {
    from: BTreeMap<ConversationId, BTreeSet<UserId>>,
    is_unknown: bool,
}

impl Withheld {
    /// Who is shown how far `user` has come. Their own devices always are.
    fn audience(&self, user: UserId, conversation: ConversationId) -> Audience {
        match self.from.get(&conversation) {
            _ if self.is_unknown => Audience::User(user),
            None => Audience::All,
            Some(from) if from.contains(&user) => Audience::User(user),
            Some(from) => Audience::AllBut(from.iter().copied().collect()),
        }
    }
}

/// Which conversations show their members how far the others have been sent them.
pub(in crate::cursors) struct Tellers(Mutex<LruCache<ConversationId, bool>>);

impl Tellers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    pub(in crate::cursors) fn known(&self, conversation: ConversationId) -> Option<bool> {
        self.lock().get(&conversation).copied()
    }

    fn note(&self, conversation: ConversationId, tells: bool) {
        self.lock().put(conversation, tells);
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<ConversationId, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// The conversations among these whose members may know of deliveries. One of which that cannot be found out shows nothing this
    /// time: receipts may be lost.
    pub(super) async fn telling(&self, user: UserId, delivered: &Delivered) -> BTreeSet<ConversationId> {
        let is_unknown = |conversation: &ConversationId| self.tellers.known(*conversation).is_none();
        let mut unknown: BTreeSet<Uuid> = delivered
            .keys()
            .copied()
            .filter(is_unknown)
            .map(|conversation| conversation.0)
            .collect();
        if !unknown.is_empty() {
            let asked: Vec<Uuid> = unknown.iter().copied().collect();
            match are_direct(&self.models, &asked).await {
                Ok(found) => {
                    for (conversation, direct) in found {
                        unknown.remove(&conversation);
                        // How many members a direct one has plays no part.
                        let tells = Receipts::of(direct, 2).delivered;
                        self.tellers.note(ConversationId(conversation), tells);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "it could not be found out which conversations are direct");
                    unknown.clear();
                }
            }
        }
        // What is so new that no read model has it, its lane knows.
        for conversation in unknown.into_iter().map(ConversationId).take(NEW_MAX) {
            if let Ok(seat) = self.lanes.authorize(conversation, user, false).await {
                self.tellers.note(conversation, seat.receipts.delivered);
            }
        }
        let tells = |conversation: &ConversationId| self.tellers.known(*conversation) == Some(true);
        delivered.keys().copied().filter(tells).collect()
    }

    /// From whom the user's receipts are kept in these conversations. Where that cannot be found out all are kept from others: receipts may
    /// be lost.
    pub(super) async fn withheld(&self, user: UserId, telling: BTreeSet<ConversationId>) -> Withheld {
        if telling.is_empty() {
            return Withheld::default();
        }
        let asked: Vec<Uuid> = telling.iter().map(|conversation| conversation.0).collect();
        match withheld(&self.models, user.0, &asked).await {
            Ok(found) => {
                let mut from: BTreeMap<ConversationId, BTreeSet<UserId>> = BTreeMap::new();
                for (conversation, other) in found {
                    let of = from.entry(ConversationId(conversation)).or_default();
                    of.insert(UserId(other));
                }
                Withheld {
                    from,
                    is_unknown: false,
                }
            }
            Err(error) => {
                tracing::debug!(%error, "from whom receipts are kept could not be found out");
                Withheld {
                    is_unknown: true,
                    ..Withheld::default()
                }
            }
        }
    }

    /// Acks reads with how far the user has read, and shows that, together with what was `delivered` where that is shown. Whatever
    /// else the reads did stands no further than `behind`.
    pub(super) fn answer(
        &self,
        user: UserId,
        epoch: u32,
        reads: Vec<Read>,
        mut delivered: Delivered,
        behind: Option<Position>,
        withheld: &Withheld,
    ) {
        let at = crate::clock::now();
        let mut shown = BTreeMap::new();
        for read in reads {
            let Some(mark) = self.ephemeral.read_marks().known(user, read.conversation, epoch) else {
                // So many are remembered that this one was forgotten at once; the next try finds it in the log.
                (read.reply)(Err(Refusal::Overloaded));
                continue;
            };
            shown.insert(read.conversation, (mark, read.seat.receipts));
            (read.reply)(Ok(Accepted {
                stream: read.conversation.0,
                seq: mark.seq,
                position: behind
                    .filter(|behind| behind.pos > mark.position.pos)
                    .unwrap_or(mark.position),
                at,
                pending: false,
                duplicate: false,
            }));
        }
        for (conversation, (mark, receipts)) in shown {
            let audience = if receipts.read {
                withheld.audience(user, conversation)
            } else {
                Audience::User(user)
            };
            let sent = delivered.remove(&conversation).map(|cursor| cursor.seq);
            // What is read was sent.
            let sent = receipts.delivered.then(|| sent.unwrap_or(0).max(mark.seq));
            self.ephemeral.receipt(user, conversation, mark, sent, audience);
        }
        for (conversation, cursor) in delivered {
            // It was recalled before; so many are remembered that it may be forgotten.
            if let Some(mark) = self.ephemeral.read_marks().known(user, conversation, epoch) {
                let audience = withheld.audience(user, conversation);
                self.show_delivered(user, conversation, mark, cursor.seq, audience);
            }
        }
    }

    fn show_delivered(
        &self,
        user: UserId,
        conversation: ConversationId,
        mark: ReadMark,
        seq: u64,
        audience: Audience,
    ) {
        let seq = seq.max(mark.seq);
        self.ephemeral
            .receipt(user, conversation, mark, Some(seq), audience);
    }
}
