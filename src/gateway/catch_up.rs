//! Catch-up: what a client missed, from its cursors to now, and then without a seam into live events.
//!
//! The order makes the seam: register with the hub, wait until the read models hold everything that is in the log, read the
//! user's conversations, subscribe, read the heads, see who has been shown out meanwhile, read the log up to them, see that it
//! has not gone back. What happens from then on waits in the outbox; what was read already is dropped there by its seq.

use super::lookups::{Range, STREAMS};
use super::memberships::by_conversation;
use super::plan::{Missing, Sending, everything, plan};
use super::writer::{Stop, Writer, gone_back};
use crate::planted;
use std::time::Duration;
use tidings_domain::Cursor;
use tidings_eventlog::LaneHead;
use tidings_protocol::{Close, CloseCode, ErrorCode, ErrorFrame, ServerFrame};
use tokio::time::Instant;
use uuid::Uuid;

/// Cursors that are refused at once, so that not all of them wait to be written.
const REFUSALS: usize = 100;

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
        let began = Instant::now();
        self.attend(gateway.hub.register(&subscriber)).await?;
        // From here on the hub closes it when the log goes back. Where it has since the connection began, nobody did, and what the
        // client says would be taken for something of the time before.
        if gateway.hub.time_lines() != self.shared.time_lines {
            return Err(Stop::Close(gone_back()));
        }
        let begun = gateway.hub.places();
        let missing = self.missing().await?;
        let limits = &gateway.limits;
        let events = limits.catch_up_events >> u64::from(planted::is("needless-gap"));
        let plan = plan(&missing, events, limits.catch_up_total);
        self.owing |= plan.owing;
        // Before they are said, so that whoever is told of a gap can fetch it.
        for (conversation, gap) in plan.gaps {
            self.shared.gaps.tell(conversation, gap);
        }
        self.say_gaps(&plan.left_out).await?;
        if !planted::is("short") {
            self.write_sending(plan.sending).await?;
        }
        self.catch_up_notices(events).await?;
        self.check_time_line(&begun).await?;
        self.settle(&missing);
        self.synced = true;
        metrics::histogram!("tidings_catch_up_seconds").record(began.elapsed());
        Ok(())
    }

    /// The catch-up of a connection whose outbox overflowed: everything, at the pace at which the client takes it.
    pub(super) async fn catch_up_lagged(&mut self) -> Result<(), Stop> {
        metrics::counter!("tidings_slow_catch_ups_total").increment(1);
        let (hub, subscriber) = (self.gateway.hub.clone(), self.subscriber.clone());
        self.attend(hub.register(&subscriber)).await?;
        let begun = hub.places();
        let missing = self.missing().await?;
        let unseen = self.unseen(&missing);
        self.say_gaps(&unseen).await?;
        self.write_sending(everything(&missing)).await?;
        self.catch_up_notices(u64::MAX).await?;
        self.check_time_line(&begun).await?;
        self.settle(&missing);
        Ok(())
    }

    /// Writes what is sent, and says between what of it their user never saw.
    async fn write_sending(&mut self, sending: Sending) -> Result<(), Stop> {
        self.write_ranges(sending.ranges).await?;
        for (left_out, range) in sending.later {
            self.say_gaps(&[left_out]).await?;
            self.write_ranges(vec![range]).await?;
        }
        Ok(())
    }

    /// Whether what was read since the hub was at `begun` is of the log that it goes on with. One that has gone back may have been
    /// read before the hub knows of it: what it sends next does not follow what was read.
    async fn check_time_line(&mut self, begun: &[LaneHead]) -> Result<(), Stop> {
        let gateway = std::sync::Arc::clone(&self.gateway);
        // The hub may have come further meanwhile than the log that was read; and it is known before the log is asked.
        let held = gateway.hub.places();
        let now = self.patiently(|| gateway.lookups.lanes()).await?;
        if goes_on(begun, &now) && goes_on(&held, &now) {
            Ok(())
        } else {
            Err(Stop::Close(gone_back()))
        }
    }

    /// What every conversation of the user lacks, newest activity first.
    async fn missing(&mut self) -> Result<Vec<Missing>, Stop> {
        let gateway = std::sync::Arc::clone(&self.gateway);
        // Whatever anybody has been told before this connection came is among it, also what the hub has still to see.
        let known = self.patiently(|| gateway.lookups.lanes()).await?;
        let resume = self.shared.resume.take();
        self.notices = resume.notices.unwrap_or(self.notices);
        let resume = resume.conversations;
        let claims = resume.iter().filter(|(_, seq)| **seq > 0);
        let claims: Vec<Uuid> = claims.map(|(conversation, _)| *conversation).collect();
        let (mut memberships, strange) = self.vouched(&known, &claims).await?;
        let current: Vec<Uuid> = memberships
            .iter()
            .filter(|membership| membership.left_seq.is_none())
            .map(|membership| membership.conversation)
            .collect();
        let subscriber = self.subscriber.clone();
        let left = self.attend(gateway.hub.subscribe(&subscriber, &current)).await?;
        let at = by_conversation(&memberships);
        for (conversation, seq) in left {
            let gone = at
                .get(&conversation)
                .and_then(|index| memberships.get_mut(*index));
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

        let mut missing = Vec::with_capacity(memberships.len());
        // A log that has gone back may not know any more that somebody was let in. What comes next begins with the next joining.
        let mut ahead: Vec<(Uuid, u64)> = strange
            .into_iter()
            .map(|conversation| (conversation, 0))
            .collect();
        for (membership, head) in memberships.iter().zip(heads) {
            let Some(head) = head else { continue };
            self.views
                .note(membership.conversation, membership.visible.clone());
            let written = self.places.get(membership.conversation);
            let said = resume.get(&membership.conversation).copied();
            // What came up while this connection lived begins with the first joining, for there was none before: other devices may
            // have had it, this one not.
            let joined = self.synced.then(|| membership.before());
            let known = written.map(|place| place.cursor.seq).or(said).or(joined);
            let claimed = written.is_none() && said == Some(head.seq);
            let lack = Missing {
                claimed,
                ..Missing::of(membership, head, known, self.synced)
            };
            if lack.ahead {
                ahead.push((lack.conversation, lack.to));
            }
            missing.push((head.last_at, lack));
        }
        for some in ahead.chunks(REFUSALS) {
            for (conversation, head) in some {
                let message = format!("resume: the cursor of {conversation} is ahead of the conversation");
                let refusal = ErrorFrame::new(None, ErrorCode::InvalidArgument, message)
                    .with_field("resume")
                    .with_head(*conversation, *head);
                self.shared.outbox.system(&ServerFrame::Error(refusal), None);
            }
            self.write_system().await?;
        }
        self.write_system().await?;
        missing.sort_by_key(|(last_at, _)| std::cmp::Reverse(*last_at));
        Ok(missing
            .into_iter()
            .map(|(_, conversation)| conversation)
            .collect())
    }

    /// What this connection is never sent of conversations that it has been sent something of: their user was out, and never saw it.
    fn unseen(&self, missing: &[Missing]) -> Vec<Range> {
        let known = missing
            .iter()
            .filter(|lack| self.places.get(lack.conversation).is_some());
        known
            .filter_map(|lack| Some((lack.conversation, lack.settled_from?, lack.cursor)))
            .collect()
    }

    /// Every conversation stands where its catch-up ended. A gap that was told counts as sent, too.
    fn settle(&mut self, missing: &[Missing]) {
        for lack in missing {
            let conversation = lack.conversation;
            let known = self.places.get(conversation);
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
                    self.places.close_at(conversation, cursor);
                }
                continue;
            };
            let cursor = Cursor {
                seq: head.seq,
                msg_no: head.msg_no,
            };
            if lack.delivered.seq >= head.seq && lack.expired_from.is_none() {
                self.places.keep(conversation, cursor);
            } else if lack.claimed || lack.ahead {
                if lack.claimed {
                    self.receipts.claimed(conversation, cursor);
                }
                self.places.close_at(conversation, cursor);
            } else {
                self.open_place(conversation, cursor);
            }
        }
    }
}

/// Whether a log that is at `now` has what it had when it was at `held`, by lane.
fn goes_on(held: &[LaneHead], now: &[LaneHead]) -> bool {
    held.iter().all(|held| {
        let mut lanes = now.iter();
        lanes.any(|now| now.lane == held.lane && now.epoch == held.epoch && now.head >= held.head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_in_its_time_line_and_never_loses_a_lane() {
        let at = |lane, epoch, head| LaneHead { lane, head, epoch };
        let held = [at(0, 1, 5), at(1, 1, 7)];
        assert!(goes_on(&held, &[at(1, 1, 7), at(0, 1, 6), at(2, 1, 1)]));
        assert!(!goes_on(&held, &[at(0, 1, 4), at(1, 1, 7)]));
        assert!(!goes_on(&held, &[at(0, 2, 9), at(1, 2, 9)]));
        assert!(!goes_on(&held, &[at(0, 1, 5)]));
    }
}
