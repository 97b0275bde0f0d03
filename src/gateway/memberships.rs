//! Which conversations a connection may see, and what vouches for it.
//!
//! The read models say it, where they hold everything that anybody has been told. What they have put aside, or not folded
//! yet, is asked of the log; where the log cannot be read either, nobody is shown the conversation.

use super::writer::{Stop, Writer};
use crate::planted;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::stored::{self, DecodeError};
use tidings_domain::{self as domain, ConversationEvent, Event, UserId};
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{LaneHead, Position, Recorded, StreamHead};
use tidings_projections::{Aside, MEMBERSHIP_MODELS, Membership, Memberships, Visible};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How soon read models are looked at again that are further behind than they were said to be.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Control events read from the log at once.
const PAGE: usize = 250;

impl Writer {
    /// The user's memberships, by read models that hold everything up to `known`, and by the log where they cannot.
    ///
    /// What vouches for them is read in the same snapshot. How far the read models have come by this process's memory is
    /// when to look and no more: a crash of the database takes back what was folded last, and memory does not know.
    ///
    /// Besides, of the conversations that `claims` tells of, those in which the user has never been.
    pub(super) async fn vouched(
        &mut self,
        known: &[LaneHead],
        claims: &[Uuid],
    ) -> Result<(Vec<Membership>, Vec<Uuid>), Stop> {
        let gateway = Arc::clone(&self.gateway);
        let user = self.subscriber.user;
        let deadline = Instant::now() + Duration::from_millis(gateway.limits.catch_up_wait_ms);
        let found = loop {
            if planted::is("unvouched") {
                break self.patiently(|| gateway.lookups.memberships(user.0)).await?;
            }
            for LaneHead { lane, head: pos, .. } in known.iter().copied() {
                let (position, left) = (
                    Position { lane, pos },
                    deadline.saturating_duration_since(Instant::now()),
                );
                let passing = gateway.checkpoints.passed_by(&MEMBERSHIP_MODELS, position, left);
                if self.attend(passing).await?.is_err() {
                    return Err(Stop::behind(lane));
                }
            }
            let found = self.patiently(|| gateway.lookups.memberships(user.0)).await?;
            let apart = found.apart.map(lane_of);
            match found.seen.behind(known).or(apart) {
                None => break found,
                Some(lane) if Instant::now() >= deadline => return Err(Stop::behind(lane)),
                Some(_) => self.attend(sleep(LOOK_AGAIN)).await?,
            }
        };
        let strange = never_in(&found, claims);
        Ok((self.resolve_parked(found).await?, strange))
    }

    /// Asks the log about conversations of which events are aside: the user may have come or gone in one of these.
    async fn resolve_parked(&mut self, found: Memberships) -> Result<Vec<Membership>, Stop> {
        let Memberships {
            mut of_user, seen, ..
        } = found;
        let known: HashSet<Uuid> = of_user.iter().map(|membership| membership.conversation).collect();
        let strangers = seen.aside.iter().copied();
        let strangers = strangers.filter(|aside| !known.contains(&aside.conversation));
        let stranger = |aside: Aside| Membership {
            conversation: aside.conversation,
            // Of somebody who has never been a member, as far as is known.
            joined_seq: 0,
            begun_seq: None,
            left_seq: Some(0),
            visible: Visible::since(u64::MAX),
            newcomers: aside.newcomers,
            folded_seq: aside.folded_seq,
            parked: true,
            delivered_seq: None,
            delivered_msg_no: 0,
            expired_from: None,
        };
        of_user.extend(strangers.map(stranger));
        let parked = of_user.iter().filter(|membership| membership.parked);
        let places: Vec<_> = parked
            .map(|membership| (membership.conversation, membership.folded_seq, 0))
            .collect();
        if places.is_empty() {
            return Ok(of_user);
        }
        let user = self.subscriber.user;
        let mut doubtful = HashSet::new();
        let at = by_conversation(&of_user);
        self.each_control_after(places, |recorded| {
            let index = at.get(&recorded.stream);
            if let Some(membership) = index.and_then(|index| of_user.get_mut(*index))
                && let Err(error) = follow(membership, user, &recorded)
            {
                tracing::error!(conversation = %recorded.stream, seq = recorded.seq, %error,
                    "who is in a conversation is in doubt; it is shown to nobody");
                doubtful.insert(recorded.stream);
            }
            Ok(())
        })
        .await?;
        of_user
            .retain(|membership| membership.joined_seq > 0 && !doubtful.contains(&membership.conversation));
        Ok(of_user)
    }

    /// The heads of the conversations are newer than what the read models hold: the user may have been shown out between.
    /// Only the log can tell, and is asked where a conversation's newest control event has not been folded.
    pub(super) async fn note_later_leaves(
        &mut self,
        memberships: &mut [Membership],
        heads: &[Option<StreamHead>],
    ) -> Result<(), Stop> {
        let unfolded = |(membership, head): &(&Membership, &Option<StreamHead>)| {
            membership.left_seq.is_none() && head.is_some_and(|head| head.guard > membership.folded_seq)
        };
        let doubtful: Vec<_> = memberships
            .iter()
            .zip(heads)
            .filter(unfolded)
            .map(|(membership, _)| (membership.conversation, membership.folded_seq, 0))
            .collect();
        if doubtful.is_empty() {
            return Ok(());
        }
        let user = self.subscriber.user;
        let at = by_conversation(memberships);
        self.each_control_after(doubtful, |recorded| {
            let index = at.get(&recorded.stream);
            if let Some(membership) = index.and_then(|index| memberships.get_mut(*index))
                && let Err(error) = follow(membership, user, &recorded)
            {
                // It will be folded, put aside, or left to a newer node; until then nobody can tell.
                tracing::warn!(conversation = %recorded.stream, seq = recorded.seq, %error, "a membership is in doubt");
                return Err(Stop::behind(recorded.lane));
            }
            Ok(())
        })
        .await
    }

    /// Reads the control events behind some places of the log, stream by stream and page by page: there may be any number.
    async fn each_control_after(
        &mut self,
        mut places: Vec<(Uuid, u64, u64)>,
        mut take: impl FnMut(Recorded) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let log = self.gateway.log.clone();
        loop {
            let page = self.patiently(|| log.controls_after(&places, PAGE)).await?;
            let next = page.last().filter(|_| page.len() == PAGE);
            let next = next.map(|last| (last.stream, last.seq));
            page.into_iter().try_for_each(&mut take)?;
            let Some((stream, seq)) = next else {
                return Ok(());
            };
            // Those before it are read to their ends.
            places.drain(..places.iter().position(|place| place.0 == stream).unwrap_or(0));
            if let Some(place) = places.first_mut() {
                place.1 = seq;
            }
        }
    }
}

/// The place of each conversation among these: somebody may be in very many.
pub(super) fn by_conversation(memberships: &[Membership]) -> HashMap<Uuid, usize> {
    let places = memberships.iter().enumerate();
    places
        .map(|(index, membership)| (membership.conversation, index))
        .collect()
}

/// Those of these conversations in which the user has never been. Of one that is aside only the log can tell, and where very many
/// are, not all of them are known.
fn never_in(found: &Memberships, conversations: &[Uuid]) -> Vec<Uuid> {
    if !found.seen.names_all_aside() {
        return vec![];
    }
    let of_user = found.of_user.iter().map(|membership| membership.conversation);
    let aside = found.seen.aside.iter().map(|aside| aside.conversation);
    let known: HashSet<Uuid> = of_user.chain(aside).collect();
    let strange = conversations
        .iter()
        .filter(|conversation| !known.contains(conversation));
    strange.copied().collect()
}

/// Takes a membership past one more control event of its conversation.
fn follow(membership: &mut Membership, user: UserId, recorded: &Recorded) -> Result<(), DecodeError> {
    let event = stored::decode(recorded.kind, recorded.ver, &recorded.payload)?;
    membership.folded_seq = recorded.seq;
    let Event::Conversation(event) = event else {
        return Ok(());
    };
    if let ConversationEvent::GroupSettingsChanged(changed) = &event
        && let Some(history) = changed.settings.history
    {
        membership.turn(history, recorded.seq, recorded.msg_no);
    }
    match event.membership() {
        domain::Membership::Joined(joined) if joined.contains(user) => {
            membership.join(recorded.seq, recorded.msg_no);
        }
        domain::Membership::Left(left) if left == user => membership.leave(recorded.seq),
        _ => {}
    }
    Ok(())
}
