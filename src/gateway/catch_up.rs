//! Catch-up: what a client missed, from its cursors to now, and then without a seam into live events.
//!
//! The order makes the seam: register with the hub, wait until the read models hold everything that is in the log, read the
//! user's conversations, subscribe, read the heads, see who has been shown out meanwhile, read the log up to them. What
//! happens from then on waits in the outbox; what was read already is dropped there by its seq.

use super::Frame;
use super::lookups::Range;
use super::writer::{Place, Stop, Writer};
use crate::hub::encode;
use std::time::Duration;
use tidings_domain::{ConversationEvent, Cursor, Event, UserId, stored};
use tidings_eventlog::{LaneHead, Position, Recorded, StreamHead};
use tidings_projections::Membership;
use tidings_protocol::{Close, CloseCode, ErrorCode, ErrorFrame, Gap, ServerFrame};
use uuid::Uuid;

/// Events read from the log at once, about.
const PAGE: u64 = 500;

/// What one conversation lacks.
struct Missing {
    conversation: Uuid,
    /// The last seq that the client has.
    cursor: u64,
    /// The last seq that it may see now.
    to: u64,
    /// Set where `to` is the conversation's head.
    head: Option<StreamHead>,
    delivered_seq: u64,
    expired_from: Option<u64>,
}

impl Missing {
    /// `known` is the last seq that the client says it has; without it, the stored delivery cursor counts.
    fn of(membership: &Membership, head: StreamHead, known: Option<u64>) -> Self {
        // A former member may see what happened up to and including the leave.
        let to = membership.left_seq.unwrap_or(head.seq).min(head.seq);
        let stored = membership
            .delivered_seq
            .unwrap_or(membership.joined_seq.saturating_sub(1));
        let cursor = known.unwrap_or(stored).min(to);
        Self {
            conversation: membership.conversation,
            cursor,
            to,
            head: (to == head.seq).then_some(head),
            delivered_seq: membership.delivered_seq.unwrap_or(0),
            expired_from: membership
                .expired_from
                .filter(|from| known.is_none() && *from <= cursor),
        }
    }
}

impl Writer {
    /// The catch-up of a new connection, within the announced limits; what they cut off is said as a `gap`.
    pub(super) async fn catch_up_first(&mut self) -> Result<(), Stop> {
        let gateway = std::sync::Arc::clone(&self.gateway);
        let subscriber = self.subscriber.clone();
        self.attend(gateway.hub.register(&subscriber)).await?;
        let missing = self.missing().await?;
        let limits = &gateway.limits;
        let mut budget = limits.catch_up_total;
        let mut ranges = vec![];
        for conversation in &missing {
            if let Some(from) = conversation.expired_from {
                self.say_gap(conversation.conversation, from, conversation.cursor)
                    .await?;
            }
            let wanted = (conversation.to - conversation.cursor).min(limits.catch_up_events);
            let wanted = if wanted > budget { 0 } else { wanted };
            budget -= wanted;
            let from = conversation.to - wanted + 1;
            if from > conversation.cursor + 1 {
                self.say_gap(conversation.conversation, conversation.cursor + 1, from - 1)
                    .await?;
            }
            if wanted > 0 {
                ranges.push((conversation.conversation, from, conversation.to));
            }
        }
        self.write_ranges(ranges).await?;
        self.settle(&missing);
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
        let limit = Duration::from_millis(gateway.limits.catch_up_wait_ms);
        for LaneHead { lane, head } in known.iter().copied() {
            let position = Position { lane, pos: head };
            if self
                .attend(gateway.checkpoints.passed(position, limit))
                .await?
                .is_err()
            {
                tracing::warn!(lane, "a connection found the read models too far behind");
                return Err(Stop::Close(Close {
                    reason: "read models are behind".to_owned(),
                    ..Close::new(CloseCode::GoingAway).with_retry_after_ms(1000)
                }));
            }
        }
        let user = self.subscriber.user.0;
        let mut memberships = self.patiently(|| gateway.lookups.memberships(user)).await?;
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
        let heads = self.patiently(|| gateway.lookups.heads(streams.clone())).await?;
        self.note_later_leaves(&mut memberships, &heads, &known).await?;

        let resume = std::mem::take(&mut self.resume).conversations;
        let mut missing = Vec::with_capacity(memberships.len());
        let mut ahead = vec![];
        for (membership, head) in memberships.iter().zip(heads) {
            let Some(head) = head else { continue };
            let known = match self.places.get(&membership.conversation) {
                Some(place) => Some(place.cursor.seq),
                None => resume.get(&membership.conversation).copied(),
            };
            if known.is_some_and(|cursor| cursor > head.seq) {
                ahead.push(membership.conversation);
            }
            missing.push((head.last_at, Missing::of(membership, head, known)));
        }
        for conversation in ahead {
            let message = format!("resume: the cursor of {conversation} is ahead of the conversation");
            let refusal = ErrorFrame::new(None, ErrorCode::InvalidArgument, message).with_field("resume");
            self.shared.outbox.system(&ServerFrame::Error(refusal), None);
        }
        self.write_system().await?;
        missing.sort_by_key(|(last_at, _)| std::cmp::Reverse(*last_at));
        Ok(missing
            .into_iter()
            .map(|(_, conversation)| conversation)
            .collect())
    }

    /// The heads of the conversations are newer than what the read models are sure to hold: the user may have been shown out
    /// between. Only the log can tell, and is asked where a conversation's newest control event may be one of that time.
    async fn note_later_leaves(
        &mut self,
        memberships: &mut [Membership],
        heads: &[Option<StreamHead>],
        known: &[LaneHead],
    ) -> Result<(), Stop> {
        let mut doubtful = vec![];
        for (membership, head) in memberships.iter().zip(heads) {
            let conversation = membership.conversation;
            // Not by the cursors that the client claims: they are its word alone.
            let told = membership.joined_seq;
            if head.is_some_and(|head| membership.left_seq.is_none() && head.guard > told) {
                let lane = known.iter().find(|lane| lane.lane == conversation.as_bytes()[15]);
                doubtful.push((conversation, told, lane.map_or(0, |lane| lane.head)));
            }
        }
        if doubtful.is_empty() {
            return Ok(());
        }
        let (log, user) = (self.gateway.log.clone(), self.subscriber.user);
        for recorded in self.patiently(|| log.controls_after(&doubtful)).await? {
            let membership = memberships
                .iter_mut()
                .find(|membership| membership.conversation == recorded.stream);
            if let Some(membership) = membership {
                membership.left_seq = left_after(membership.left_seq, user, &recorded);
            }
        }
        Ok(())
    }

    async fn say_gap(&mut self, conversation: Uuid, from: u64, to: u64) -> Result<(), Stop> {
        let gap = ServerFrame::Gap(Gap {
            conversation,
            from,
            to,
        });
        self.write(&[Frame::text(gap.encode().as_bytes())]).await
    }

    /// Writes ranges of streams from the log, some at a time.
    async fn write_ranges(&mut self, ranges: Vec<Range>) -> Result<(), Stop> {
        let gateway = std::sync::Arc::clone(&self.gateway);
        for page in pages(ranges) {
            let events = self.patiently(|| gateway.lookups.ranges(page.clone())).await?;
            let mut frames = Vec::with_capacity(events.len());
            for event in events.iter().filter_map(encode) {
                self.wrote(&event);
                frames.push(event.frame);
            }
            self.write(&frames).await?;
            self.write_system().await?;
        }
        Ok(())
    }

    /// Every conversation stands where its catch-up ended. A gap that was told is delivered too.
    fn settle(&mut self, missing: &[Missing]) {
        for conversation in missing {
            let known = self.places.get(&conversation.conversation);
            let place = match conversation.head {
                Some(head) => Place {
                    cursor: Cursor {
                        seq: head.seq,
                        msg_no: head.msg_no,
                    },
                    noted: conversation.delivered_seq >= head.seq && conversation.expired_from.is_none(),
                },
                // Of a conversation that the user has left, what was written is told.
                None if known.is_some_and(|place| place.cursor.seq == conversation.to) => continue,
                None => Place {
                    cursor: Cursor {
                        seq: conversation.to,
                        msg_no: 0,
                    },
                    noted: true,
                },
            };
            self.places.insert(conversation.conversation, place);
        }
    }
}

/// By which event the user is out after this one, if any.
fn left_after(before: Option<u64>, user: UserId, recorded: &Recorded) -> Option<u64> {
    let event = stored::decode(recorded.kind, recorded.ver, &recorded.payload);
    match event {
        Ok(Event::Conversation(ConversationEvent::MemberRemoved(removed))) if removed.user == user => {
            Some(recorded.seq)
        }
        Ok(Event::Conversation(ConversationEvent::MemberLeft(left))) if left.user == user => {
            Some(recorded.seq)
        }
        Ok(Event::Conversation(ConversationEvent::MemberAdded(added))) if added.user == user => None,
        _ => before,
    }
}

/// Cuts ranges into pages of about [`PAGE`] events.
fn pages(ranges: Vec<Range>) -> Vec<Vec<Range>> {
    let mut pages = vec![];
    let mut page = vec![];
    let mut room = PAGE;
    for (conversation, mut from, to) in ranges {
        while from <= to {
            let count = (to - from + 1).min(room);
            page.push((conversation, from, from + count - 1));
            from += count;
            room -= count;
            if room == 0 {
                pages.push(std::mem::take(&mut page));
                room = PAGE;
            }
        }
    }
    if !page.is_empty() {
        pages.push(page);
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_event_once() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let cut = pages(vec![(a, 1, 700), (b, 5, 5), (a, 701, 1000)]);
        assert_eq!(
            cut,
            vec![
                vec![(a, 1, 500)],
                vec![(a, 501, 700), (b, 5, 5), (a, 701, 999)],
                vec![(a, 1000, 1000)]
            ]
        );
    }
}
