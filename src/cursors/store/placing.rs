//! Which cursors move, and whether the log has what they name.

use super::Store;
use crate::cursors::gathering::Delivered;
use crate::cursors::{Read, refuse_all};
use crate::outcome::Refusal;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::{ConversationId, Cursor, Field, Rejection, UserId};
use uuid::Uuid;

impl Store {
    /// The conversations of which more is read than is known to be.
    pub(super) fn unread(&self, user: UserId, epoch: u32, reads: &[Read]) -> BTreeSet<ConversationId> {
        let marks = self.ephemeral.read_marks();
        let is_new = |read: &&Read| {
            let known = marks.known(user, read.conversation, epoch);
            known.is_none_or(|known| read.seq > known.seq)
        };
        reads
            .iter()
            .filter(is_new)
            .map(|read| read.conversation)
            .collect()
    }

    /// The delivery cursors that the log is not known to have.
    pub(super) fn unsent(&self, user: UserId, epoch: u32, mut delivered: Delivered) -> Delivered {
        let mut sent = self.sent();
        delivered.retain(|conversation, cursor| {
            let known = sent.known(user, epoch, *conversation);
            known.is_none_or(|known| cursor.seq > known)
        });
        delivered
    }

    /// How far conversations reach, as the log itself says: 0 where there is none.
    pub(super) async fn heads(
        &self,
        conversations: impl Iterator<Item = &ConversationId>,
    ) -> Result<BTreeMap<ConversationId, u64>, String> {
        let conversations: BTreeSet<ConversationId> = conversations.copied().collect();
        if conversations.is_empty() {
            return Ok(BTreeMap::new());
        }
        let streams: Vec<Uuid> = conversations.iter().map(|conversation| conversation.0).collect();
        let heads = self.log.stream_heads(&streams).await;
        let heads = heads.map_err(|error| error.to_string())?;
        let seqs = heads.into_iter().map(|head| head.map_or(0, |head| head.seq));
        Ok(conversations.into_iter().zip(seqs).collect())
    }

    /// Finds what was asked to be read. Refuses what is not there; gives the others, and for each conversation the
    /// furthest of them that is not known to be read.
    pub(super) async fn place(
        &self,
        reads: Vec<Read>,
        unread: &BTreeSet<ConversationId>,
        heads: &BTreeMap<ConversationId, u64>,
    ) -> (Vec<Read>, BTreeMap<ConversationId, Cursor>) {
        let mut furthest: BTreeMap<ConversationId, u64> = BTreeMap::new();
        let mut good = Vec::with_capacity(reads.len());
        for read in reads {
            if !unread.contains(&read.conversation) {
                good.push(read);
                continue;
            }
            let head = heads.get(&read.conversation).copied().unwrap_or(0);
            if read.seq == 0 || read.seq > head {
                let nothing = Rejection::invalid(Field::Seq, "the conversation has no such event");
                (read.reply)(Err(nothing.into()));
                continue;
            }
            let seq = furthest.entry(read.conversation).or_default();
            *seq = (*seq).max(read.seq);
            good.push(read);
        }
        if furthest.is_empty() {
            return (good, BTreeMap::new());
        }
        let places: Vec<(Uuid, u64)> = furthest
            .iter()
            .map(|(conversation, seq)| (conversation.0, *seq))
            .collect();
        let msg_nos = match self.log.msg_nos(&places).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "reads could not be placed");
                refuse_all(good, &Refusal::Unavailable);
                return (vec![], BTreeMap::new());
            }
        };
        let cursors = furthest
            .into_iter()
            .zip(msg_nos)
            .filter_map(|((conversation, seq), msg_no)| {
                msg_no.map(|msg_no| (conversation, Cursor { seq, msg_no }))
            });
        (good, cursors.collect())
    }
}

/// The delivery cursors that conversations reach. What lies beyond was sent of a log that has gone back since: kept, it would hide from
/// later devices what comes to stand there.
pub(super) fn within(mut delivered: Delivered, heads: &BTreeMap<ConversationId, u64>) -> Delivered {
    let all = delivered.len();
    delivered.retain(|conversation, cursor| heads.get(conversation).is_some_and(|head| cursor.seq <= *head));
    let beyond = all - delivered.len();
    if beyond > 0 {
        tracing::warn!(beyond, "delivery cursors lie beyond what the log has");
    }
    delivered
}
