//! The question who may see a conversation, answered behind the commands that were queued before it.

use super::LaneTask;
use crate::lanes::states::{Found, Loaded, catch_up, read};
use crate::lanes::{Authorize, Refusal, Seat, Writes};
use std::collections::HashMap;
use tidings_eventlog::ReadError;
use uuid::Uuid;

impl LaneTask {
    /// Answers who may see which conversation.
    pub(super) async fn authorize(&mut self, questions: Vec<Authorize>) {
        let (known, reach) = match self.look_up(&questions).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(lane = self.lane, %error, "membership could not be looked up");
                (HashMap::new(), HashMap::new())
            }
        };
        let now = crate::clock::now();
        for question in questions {
            let stream = question.conversation.0;
            let answer = match known.get(&stream).and_then(Loaded::state) {
                None => Err(Refusal::Unavailable),
                Some(state) => match state.stream.authorize(question.user) {
                    Ok(_) => Ok(Seat {
                        members: state.stream.member_count(),
                        is_direct: state.stream.is_direct(),
                        receipts: state.stream.receipts(),
                        lets_forward: state.stream.lets_forward(),
                        writes: Writes::of(&state.stream.may_write(question.user, now)),
                        visible_from: state.stream.visible_from(question.user).unwrap_or(u64::MAX),
                        reach: reach.get(&stream).copied().unwrap_or(0),
                    }),
                    Err(rejection) => Err(rejection.into()),
                },
            };
            // The asking connection may be gone.
            let _ = question.reply.send(answer);
        }
    }

    /// The states of the conversations asked about, and how far those reach that need a fresh answer.
    async fn look_up(
        &mut self,
        questions: &[Authorize],
    ) -> Result<(HashMap<Uuid, Loaded>, HashMap<Uuid, u64>), ReadError> {
        let fresh = questions.iter().filter(|question| question.fresh);
        let fresh: Vec<Uuid> = fresh.map(|question| question.conversation.0).collect();
        let reach = self.refresh(&fresh).await?;
        let streams = questions.iter().map(|question| question.conversation.0).collect();
        let Found {
            loaded: mut known,
            missing,
            behind,
        } = self.states.look_up(streams);
        let states = read(&self.log, self.lane, &missing).await?;
        known.extend(self.take_in(states, true));
        let states = catch_up(&self.log, self.lane, behind).await?;
        known.extend(self.take_in(states, true));
        Ok((known, reach))
    }

    /// Reads how far streams reach, and takes note of those states that the log has moved past.
    async fn refresh(&mut self, streams: &[Uuid]) -> Result<HashMap<Uuid, u64>, ReadError> {
        let mut reach = HashMap::with_capacity(streams.len());
        if streams.is_empty() {
            return Ok(reach);
        }
        let heads = self.log.stream_heads(streams).await?;
        for (stream, head) in streams.iter().copied().zip(heads) {
            match head {
                Some(head) => {
                    self.states.stands_at(stream, head.guard);
                    reach.insert(stream, head.seq);
                }
                None => self.states.forget(stream),
            }
        }
        Ok(reach)
    }
}
