//! What conversations were, as the log tells it to their members. It is read over few sessions of its own, and folded for few at a time: whoever
//! looks back keeps nobody from messages.

use super::Administration;
use super::tables::unavailable;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use tidings_domain::stored::{self, DecodeError};
use tidings_domain::{Event, GroupName, Past};
use tidings_eventlog::{Log, Marked, Position, ReadError, Wanted};
use tidings_graphql::{Code, Moment, PastMember, PastPlace, PastReaction, PastState, Refusal};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Sessions over which it is read.
const SESSIONS: usize = 2;
/// Pasts that are folded at once, as long as one statement brings what they take; others wait, within the time that their requests have.
const AT_ONCE: usize = 2;
/// Those that take more: whoever looks back into one of these keeps others from these alone.
const LONG_AT_ONCE: usize = 1;
/// Control events that one statement brings.
const PAGE: usize = 1_000;
/// Control events that are looked at to know what a conversation was.
const CONTROLS_MAX: usize = 100_000;
/// Events by which reactions came and went that are looked at for the messages of a page.
const REACTIONS_MAX: usize = 20_000;

/// What is read of the past, and how.
pub(super) struct Pasts {
    log: Log,
    turns: Semaphore,
    long_turns: Semaphore,
}

impl Pasts {
    /// Reads `log`, which tells what reactions are.
    pub(super) fn new(log: &Log) -> Self {
        Self {
            log: log.portion(SESSIONS),
            turns: Semaphore::new(AT_ONCE),
            long_turns: Semaphore::new(LONG_AT_ONCE),
        }
    }
}

impl Administration {
    /// Up to where a conversation had come at a moment; `None` where it had not begun.
    pub(super) async fn place_at(
        &self,
        conversation: Uuid,
        moment: Moment,
    ) -> Result<Option<PastPlace>, Refusal> {
        let log = &self.0.pasts.log;
        let head = log.stream_heads(&[conversation]).await.map_err(failed)?;
        let Some(head) = head.into_iter().flatten().next() else {
            return Ok(None);
        };
        let seq = match moment {
            Moment::Time(time) => log.stream_before(conversation, head.seq, behind(time)).await,
            Moment::Position(position) => {
                self.check_reached(position).await?;
                log.stream_upto(conversation, head.seq, position.pos).await
            }
        };
        let Some(before) = seq.map_err(failed)?.checked_sub(1) else {
            return Ok(None);
        };
        let last = log
            .stream_outlines(conversation, before, before + 1, &Wanted::default(), 1)
            .await
            .map_err(failed)?;
        Ok(last.first().map(|event| PastPlace {
            seq: event.seq,
            position: Position {
                lane: event.lane,
                pos: event.pos,
            },
        }))
    }

    /// Refuses a position that the log has not come to: what will have happened by then is not known.
    async fn check_reached(&self, position: Position) -> Result<(), Refusal> {
        let heads = self.0.pasts.log.heads().await.map_err(failed)?;
        let is_reached = heads
            .iter()
            .any(|head| head.lane == position.lane && head.head >= position.pos);
        if is_reached {
            return Ok(());
        }
        Err(Refusal::invalid(
            "position",
            "the log has not come to the position",
        ))
    }

    /// What a conversation was when it had come to `seq`; `None` where it had not begun.
    pub(super) async fn past_at(&self, conversation: Uuid, seq: u64) -> Result<Option<PastState>, Refusal> {
        let Pasts {
            log,
            turns,
            long_turns,
        } = &self.0.pasts;
        let mut turn = turns.acquire().await.map_err(|_| unavailable())?;
        let untold = Past::UNTOLD.map(|kind| kind.0);
        let (mut past, mut after, mut looked_at) = (Past::default(), 0, 0);
        loop {
            let page = log
                .controls_upto(conversation, (after, seq), &untold, PAGE)
                .await
                .map_err(failed)?;
            for event in page.iter().filter(|event| !untold.contains(&event.kind)) {
                match stored::decode(event.kind, event.ver, &event.payload) {
                    Ok(Event::Conversation(change)) => past.evolve(&change, event.seq, event.at),
                    Ok(_) => {}
                    Err(error) => return Err(unreadable(conversation, event.seq, &error)),
                }
            }
            looked_at += page.len();
            match page.last().filter(|_| page.len() >= PAGE) {
                Some(_) if looked_at >= CONTROLS_MAX => {
                    return Err(Refusal::new(
                        Code::TooLarge,
                        format!("more than {CONTROLS_MAX} events would have to be looked at"),
                    ));
                }
                Some(last) => {
                    if after == 0 {
                        drop(turn);
                        turn = long_turns.acquire().await.map_err(|_| unavailable())?;
                    }
                    after = last.seq;
                }
                None => break,
            }
        }
        drop(turn);
        Ok(told(&past))
    }

    /// What people had reacted with to messages of a conversation when it had come to `seq`, of each in the order in which it came; `None` where
    /// that is too much to look at.
    pub(super) async fn reactions_at(
        &self,
        conversation: Uuid,
        messages: &[u64],
        seq: u64,
    ) -> Result<Option<Vec<PastReaction>>, Refusal> {
        let log = &self.0.pasts.log;
        let marked = log.marks_upto(conversation, messages, seq, REACTIONS_MAX).await;
        Ok(marked.map_err(failed)?.map(reactions))
    }
}

/// The first moment that is told as another time than this one.
fn behind(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis() + 1).unwrap_or(time)
}

fn told(past: &Past) -> Option<PastState> {
    let created_at = past.begun_at()?;
    let members = past.members().map(|(user, member)| PastMember {
        user: user.0,
        role: member.role.as_str(),
        joined_at: member.joined_at,
    });
    Some(PastState {
        is_direct: past.is_direct(),
        title: past.name().map(GroupName::as_str).map(str::to_owned),
        created_at,
        changed_at: past.changed_at().unwrap_or(created_at),
        settings: *past.settings(),
        members: members.collect(),
        pins: past.pins().collect(),
    })
}

/// Each emoji of a message once, with those who had put it there, whom the log tells in the order of their ids.
fn reactions(marked: Vec<Marked>) -> Vec<PastReaction> {
    let mut each: BTreeMap<(u64, Bytes), (u64, Vec<Uuid>)> = BTreeMap::new();
    for one in marked {
        let (first, users) = each.entry((one.subject, one.mark)).or_insert((one.seq, vec![]));
        *first = one.seq.min(*first);
        users.push(one.actor);
    }
    let mut reactions: Vec<(u64, PastReaction)> = each
        .into_iter()
        .filter_map(|((message, mark), (first, users))| {
            // What is no text is no emoji.
            let emoji = String::from_utf8(mark.to_vec()).ok()?;
            let reaction = PastReaction {
                message,
                emoji,
                users,
            };
            Some((first, reaction))
        })
        .collect();
    reactions.sort_by_key(|(first, reaction)| (reaction.message, *first));
    reactions.into_iter().map(|(_, reaction)| reaction).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn failed(error: ReadError) -> Refusal {
    tracing::warn!(%error, "what a conversation was cannot be read");
    unavailable()
}

/// Of an event that this version cannot read, another may tell what it changed.
fn unreadable(conversation: Uuid, seq: u64, error: &DecodeError) -> Refusal {
    tracing::warn!(%conversation, seq, %error, "an event of what a conversation was cannot be read");
    unavailable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_time_has_all_of_its_millisecond() {
        let time = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_234);
        let next = time + TimeDelta::milliseconds(1);
        for micros in [0, 1, 999] {
            assert_eq!(behind(time + TimeDelta::microseconds(micros)), next);
        }
    }

    #[test]
    fn emoji_come_in_the_order_in_which_they_came() {
        let marked = |subject, mark: &'static str, actor, seq| Marked {
            subject,
            mark: Bytes::from_static(mark.as_bytes()),
            actor: Uuid::from_u128(actor),
            seq,
        };
        let found = reactions(vec![
            marked(2, "a", 1, 9),
            marked(2, "a", 2, 7),
            marked(2, "b", 1, 6),
            marked(3, "a", 1, 5),
        ]);
        let told: Vec<_> = found
            .iter()
            .map(|found| (found.message, found.emoji.as_str(), found.users.len()))
            .collect();
        assert_eq!(told, [(2, "b", 1), (2, "a", 2), (3, "a", 1)]);
    }
}
