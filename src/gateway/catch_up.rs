//! Catch-up: what a client missed, from its cursors to now, and then without a seam into live events.
//!
//! The order makes the seam: register with the hub, wait until the read models hold everything that is in the log, read the
//! user's conversations, subscribe, read the heads, see who has been shown out meanwhile, read the log up to them. What
//! happens from then on waits in the outbox; what was read already is dropped there by its seq.

use super::gaps::Gap;
use super::lookups::STREAMS;
use super::writer::{Place, Stop, Writer};
use crate::planted;
use std::time::Duration;
use tidings_domain::Cursor;
use tidings_eventlog::StreamHead;
use tidings_projections::Membership;
use tidings_protocol::{Close, CloseCode, ErrorCode, ErrorFrame, ServerFrame};
use uuid::Uuid;

/// What one conversation lacks.
struct Missing {
    conversation: Uuid,
    /// The last seq that the client has.
    cursor: u64,
    /// The last seq that it may see now.
    to: u64,
    /// The conversation's head; `None` for a former member.
    head: Option<StreamHead>,
    /// The stored delivery cursor.
    delivered: Cursor,
    /// The client itself says that it has everything up to the head.
    claimed: bool,
    /// The client says that it has more than there is: nothing can be said of what it has.
    ahead: bool,
    expired_from: Option<u64>,
    /// From where on a former member's device lacks what another one has had. It is not owed any more, but said.
    settled_from: Option<u64>,
    /// Nothing is owed any more to a former member whose device lacks the leaving: it is shown that, and no way to the rest.
    closed: bool,
    /// The joining by which the user is, or was, a member.
    joined: u64,
}

impl Missing {
    /// `known` is the last seq that the client has; without it, the stored delivery cursor counts. A former member is owed
    /// what came after the stored cursor, up to and including the leave, and nothing else, unless they were here for it (`live`).
    fn of(membership: &Membership, head: StreamHead, known: Option<u64>, live: bool) -> Self {
        let left = membership.left_seq.is_some();
        let to = membership.left_seq.unwrap_or(head.seq).min(head.seq);
        let stored = membership.delivered_seq.unwrap_or(
            membership
                .joined_seq
                .saturating_sub(u64::from(!planted::is("late"))),
        );
        let floor = if left && !live { stored } else { 0 };
        let cursor = known.unwrap_or(stored).max(floor).min(to);
        let closed = cursor == to && known.is_some_and(|known| known < to);
        let cursor = cursor - u64::from(closed);
        Self {
            conversation: membership.conversation,
            cursor,
            to,
            head: (!left).then_some(head),
            delivered: Cursor {
                seq: membership.delivered_seq.unwrap_or(0),
                msg_no: membership.delivered_msg_no,
            },
            claimed: false,
            ahead: known.is_some_and(|known| known > head.seq),
            expired_from: membership
                .expired_from
                .filter(|from| known.is_none() && *from <= cursor),
            settled_from: known
                .filter(|known| *known < cursor && cursor < to)
                .map(|known| known + 1),
            closed,
            joined: membership.joined_seq,
        }
    }
}

impl Writer {
    /// The catch-up of a new connection, within the announced limits; what they cut off is said as a `gap`.
    pub(super) async fn catch_up_first(&mut self) -> Result<(), Stop> {
        let gateway = std::sync::Arc::clone(&self.gateway);
        let (shared, subscriber) = (std::sync::Arc::clone(&self.shared), self.subscriber.clone());
        let patience = Duration::from_millis(gateway.limits.hello_ms);
        let whole = tokio::time::timeout(patience, shared.resume.complete());
        if self.attend(whole).await?.is_err() {
            return Err(Stop::Close(Close {
                reason: "the hello was not finished in time".to_owned(),
                ..Close::new(CloseCode::NoHello)
            }));
        }
        self.attend(gateway.hub.register(&subscriber)).await?;
        let missing = self.missing().await?;
        let limits = &gateway.limits;
        let mut budget = limits.catch_up_total;
        let mut ranges = vec![];
        for conversation in &missing {
            let (id, left) = (conversation.conversation, conversation.head.is_none());
            if let Some(from) = conversation.expired_from.or(conversation.settled_from) {
                self.say_gap(id, from, conversation.cursor).await?;
            }
            let half = u64::from(planted::is("needless-gap"));
            let wanted = (conversation.to - conversation.cursor).min(limits.catch_up_events >> half);
            let wanted = if wanted > budget { 0 } else { wanted };
            budget -= wanted;
            let from = conversation.to - wanted + 1;
            if from > conversation.cursor + 1 {
                self.say_gap(id, conversation.cursor + 1, from - 1).await?;
                self.owing |= left && !conversation.closed;
            }
            // What another device has had can be fetched, but not what is older than the membership.
            let settled = conversation
                .settled_from
                .map(|from| from.max(conversation.joined));
            let first = conversation
                .expired_from
                .or(settled)
                .unwrap_or(conversation.cursor + 1);
            if first < from && !conversation.closed {
                let gap = Gap::new(first, conversation.cursor + 1, from - 1, left);
                self.shared.gaps.tell(id, gap);
            }
            if wanted > 0 {
                ranges.push((id, from, conversation.to));
            }
        }
        if !planted::is("short") {
            self.write_ranges(ranges).await?;
        }
        self.settle(&missing);
        self.synced = true;
        Ok(())
    }

    /// The catch-up of a connection whose outbox overflowed: everything, at the pace at which the client takes it.
    pub(super) async fn catch_up_lagged(&mut self) -> Result<(), Stop> {
        metrics::counter!("tidings_slow_catch_ups_total").increment(1);
        let (hub, subscriber) = (self.gateway.hub.clone(), self.subscriber.clone());
        self.attend(hub.register(&subscriber)).await?;
        let missing = self.missing().await?;
        let ranges = missing
            .iter()
            .filter(|conversation| conversation.to > conversation.cursor)
            .map(|conversation| {
                (
                    conversation.conversation,
                    conversation.cursor + 1,
                    conversation.to,
                )
            })
            .collect();
        self.write_ranges(ranges).await?;
        self.settle(&missing);
        Ok(())
    }

    /// What every conversation of the user lacks, newest activity first.
    async fn missing(&mut self) -> Result<Vec<Missing>, Stop> {
        let gateway = std::sync::Arc::clone(&self.gateway);
        // Whatever anybody has been told before this connection came is among it, also what the hub has still to see.
        let known = self.patiently(|| gateway.lookups.lanes()).await?;
        let mut memberships = self.vouched(&known).await?;
        let current: Vec<Uuid> = memberships
            .iter()
            .filter(|membership| membership.left_seq.is_none())
            .map(|membership| membership.conversation)
            .collect();
        let subscriber = self.subscriber.clone();
        let left = self.attend(gateway.hub.subscribe(&subscriber, &current)).await?;
        for (conversation, seq) in left {
            let gone = memberships
                .iter_mut()
                .find(|membership| membership.conversation == conversation);
            // A hub that is behind may see an old leave of somebody who is in again.
            if let Some(membership) = gone.filter(|membership| seq > membership.joined_seq) {
                membership.left_seq = Some(seq);
            }
        }
        let streams: Vec<Uuid> = memberships
            .iter()
            .map(|membership| membership.conversation)
            .collect();
        let mut heads = Vec::with_capacity(streams.len());
        for some in streams.chunks(STREAMS) {
            heads.extend(self.patiently(|| gateway.lookups.heads(some.to_vec())).await?);
        }
        self.note_later_leaves(&mut memberships, &heads).await?;

        let resume = self.shared.resume.take().conversations;
        let mut missing = Vec::with_capacity(memberships.len());
        let mut ahead = vec![];
        for (membership, head) in memberships.iter().zip(heads) {
            let Some(head) = head else { continue };
            let written = self.places.get(&membership.conversation);
            let said = resume.get(&membership.conversation).copied();
            // What came up while this connection lived begins with the first joining, for there was none before: other devices may
            // have had it, this one not.
            let joined = self.synced.then(|| membership.before());
            let known = written.map(|place| place.cursor.seq).or(said).or(joined);
            if known.is_some_and(|cursor| cursor > head.seq) {
                ahead.push((membership.conversation, head.seq));
            }
            let claimed = written.is_none() && said == Some(head.seq);
            let lack = Missing {
                claimed,
                ..Missing::of(membership, head, known, self.synced)
            };
            missing.push((head.last_at, lack));
        }
        for (conversation, head) in ahead {
            let message = format!("resume: the cursor of {conversation} is ahead of the conversation");
            let refusal = ErrorFrame::new(None, ErrorCode::InvalidArgument, message)
                .with_field("resume")
                .with_head(conversation, head);
            self.shared.outbox.system(&ServerFrame::Error(refusal), None);
        }
        self.write_system().await?;
        missing.sort_by_key(|(last_at, _)| std::cmp::Reverse(*last_at));
        Ok(missing
            .into_iter()
            .map(|(_, conversation)| conversation)
            .collect())
    }

    /// Every conversation stands where its catch-up ended. A gap that was told counts as sent, too.
    fn settle(&mut self, missing: &[Missing]) {
        for lack in missing {
            let conversation = lack.conversation;
            let known = self.places.get(&conversation);
            let Some(head) = lack.head else {
                // Of a conversation that the user has left, only what was written can be proved, and that a lapse was told.
                if lack.expired_from.is_some() {
                    self.receipts.open_to(conversation, lack.delivered);
                }
                if known.is_none_or(|place| place.cursor.seq != lack.to) {
                    let cursor = Cursor {
                        seq: lack.to,
                        msg_no: 0,
                    };
                    self.places.insert(conversation, Place { cursor, open: false });
                }
                continue;
            };
            let cursor = Cursor {
                seq: head.seq,
                msg_no: head.msg_no,
            };
            if lack.delivered.seq >= head.seq && lack.expired_from.is_none() {
                let open = known.is_some_and(|place| place.open);
                self.places.insert(conversation, Place { cursor, open });
            } else if lack.claimed || lack.ahead {
                if lack.claimed {
                    self.receipts.claimed(conversation, cursor);
                }
                self.places.insert(conversation, Place { cursor, open: false });
            } else {
                self.open_place(conversation, cursor);
            }
        }
    }
}
