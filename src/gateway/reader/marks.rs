//! What the user marks for themselves, by events of the user's own stream.

use super::Reader;
use crate::gateway::reply::Reply;
use crate::lanes::{AsOf, SUBJECTS, Seat};
use crate::outcome::{Accepted, Refusal};
use crate::wire::{answer, refused};
use tidings_domain::stored::Kind;
use tidings_domain::{CommandId, ConversationId, Cursor, Mark, Marking, Root, Said, UserCommand};
use tidings_projections::{ended_marks, thread_goes_on, thread_read_seq};
use uuid::Uuid;

impl Reader {
    /// Hands a mark on, with where its conversation is: what came before it from this connection is behind it.
    pub(super) async fn mark(&mut self, id: Uuid, conversation: ConversationId, mark: Mark, reply: Reply) {
        if matches!(mark, Mark::Unread { .. }) {
            // A read that was asked for before would end the mark.
            while self.reading.join_next().await.is_some() {}
            self.gateway.cursors.settle(self.user).await;
        }
        let as_of = self.gateway.lanes.as_of();
        let (place, seat) = match self.place(conversation).await {
            Ok(found) => found.unzip(),
            Err(refusal) => return reply.refuse(refused(Some(id), &refusal)),
        };
        let root = match (seat, mark) {
            (Some(Seat { is_direct: true, .. }), Mark::Thread { .. }) => Ok(Root {
                is_direct: true,
                ..Root::default()
            }),
            (Some(seat), Mark::Thread { thread, said }) => {
                self.root(conversation, seat.visible_from, (thread, said)).await
            }
            _ => Ok(Root::default()),
        };
        let root = match root {
            Ok(root) => root,
            Err(refusal) => return reply.refuse(refused(Some(id), &refusal)),
        };
        let ended = match mark {
            Mark::Unread { on: true } if place.is_some() => self.ended().await,
            _ => vec![],
        };
        let command = UserCommand::Mark(Marking {
            conversation,
            mark,
            place,
            root,
            ended,
        });
        self.wish(id, conversation.0, command, as_of, reply);
    }

    /// The end of a conversation, and the user's seat in it; `None` for somebody who is no member of it, which is for the decision
    /// to say: it may be a repeat.
    async fn place(&self, conversation: ConversationId) -> Result<Option<(Cursor, Seat)>, Refusal> {
        let Some(seat) = self.seat(conversation).await? else {
            return Ok(None);
        };
        let heads = self.gateway.lookups.heads(vec![conversation.0]).await;
        let head = heads.map_err(|error| {
            tracing::debug!(%error, "a conversation to be marked could not be read");
            Refusal::Unavailable
        })?;
        let head = head.into_iter().flatten().next().ok_or(Refusal::Unavailable)?;
        let place = Cursor {
            seq: head.seq,
            msg_no: head.msg_no,
        };
        Ok(Some((place, seat)))
    }

    /// Where marks of the user have ended by themselves, as far as the read models have come. It is needed by those alone who have marked as
    /// much as may be, so not knowing it harms nobody else.
    async fn ended(&self) -> Vec<(ConversationId, u64)> {
        match ended_marks(&self.gateway.models, self.user.0).await {
            Ok(ended) => ended
                .into_iter()
                .map(|(conversation, seq)| (ConversationId(conversation), seq))
                .collect(),
            Err(error) => {
                tracing::debug!(%error, "which marks have ended could not be found");
                vec![]
            }
        }
    }

    /// What is known of a thread: where the message stands that is said to begin it, if the user sees that or a reply to it, and how far it
    /// was read already, as far as the read models have come.
    async fn root(
        &self,
        conversation: ConversationId,
        visible_from: u64,
        (thread, said): (Uuid, Said),
    ) -> Result<Root, Refusal> {
        let log = &self.gateway.log;
        let asked = [(conversation.0, thread)];
        let written = log
            .written(conversation.lane(), SUBJECTS.subjects, &asked)
            .await
            .map_err(|error| {
                tracing::debug!(%error, "a thread could not be looked for");
                Refusal::Unavailable
            })?;
        let seen = match written.first() {
            Some(unseen) if unseen.seq < visible_from => {
                let goes_on = self.goes_on(conversation, visible_from, thread).await?;
                goes_on.then_some(unseen)
            }
            found => found,
        };
        let line = seen.and_then(|writing| Kind(writing.kind).line());
        let read_seq = match said {
            Said::Followed { .. } => 0,
            Said::Read { .. } => thread_read_seq(&self.gateway.models, self.user.0, conversation.0, thread)
                .await
                .map_err(|error| {
                    tracing::debug!(%error, "how far a thread was read could not be found");
                    Refusal::Unavailable
                })?,
        };
        Ok(Root {
            line,
            is_direct: false,
            read_seq,
        })
    }

    /// Whether there are replies that the user sees in a thread whose first message they do not see. Such a reply they may have been told of
    /// before the read models have it.
    async fn goes_on(
        &self,
        conversation: ConversationId,
        visible_from: u64,
        thread: Uuid,
    ) -> Result<bool, Refusal> {
        let gateway = &self.gateway;
        let unknown = |error: &dyn std::fmt::Display| {
            tracing::debug!(%error, "whether a thread goes on could not be found");
            Refusal::Unavailable
        };
        let ask = || thread_goes_on(&gateway.models, conversation.0, thread, visible_from);
        if ask().await.map_err(|error| unknown(&error))? {
            return Ok(true);
        }
        gateway
            .caught_up(&["history"], conversation.lane())
            .await
            .map_err(|error| unknown(&error))?;
        ask().await.map_err(|error| unknown(&error))
    }

    /// The user's seat in a conversation, behind the commands that came before, if they are a member of it.
    pub(super) async fn seat(&self, conversation: ConversationId) -> Result<Option<Seat>, Refusal> {
        match self.gateway.lanes.authorize(conversation, self.user, false).await {
            Ok(seat) => Ok(Some(seat)),
            Err(refusal) if refusal.is_for_strangers() => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Hands a wish for the user's own stream on. The ack names what it is `about`, a conversation or the user, and the seq of the notice.
    pub(super) fn wish(&self, id: Uuid, about: Uuid, command: UserCommand, as_of: AsOf, reply: Reply) {
        let reply = self.answering(id, reply, move |result| {
            let named = |accepted| Accepted {
                stream: about,
                ..accepted
            };
            answer(id, result.map(named))
        });
        let (user, id) = (self.user, CommandId(id));
        self.gateway.lanes.submit_wish(user, id, command, as_of, reply);
    }
}
