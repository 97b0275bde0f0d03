//! What the user marks for themselves, by events of the user's own stream.

use super::Reader;
use crate::gateway::Gateway;
use crate::gateway::reply::Reply;
use crate::lanes::{self, AsOf, SUBJECTS, Seat};
use crate::outcome::{Accepted, Refusal};
use crate::wire::{answer, refused};
use std::fmt::Display;
use std::future::ready;
use std::sync::Arc;
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
            // One that comes behind it has to find it there: it does not wait aside itself.
            self.aside.settled(conversation.0).await;
        }
        let as_of = self.gateway.lanes.as_of();
        let (place, seat) = match self.place(conversation).await {
            Ok(found) => found.unzip(),
            Err(refusal) => return reply.refuse(refused(Some(id), &refusal)),
        };
        let root = match (seat, mark) {
            (Some(Seat { is_direct: true, .. }), Mark::Thread { .. }) => {
                let root = Root {
                    is_direct: true,
                    ..Root::default()
                };
                Ok((root, None))
            }
            (Some(seat), Mark::Thread { thread, said }) => {
                self.root(conversation, seat.visible_from, (thread, said)).await
            }
            _ => Ok((Root::default(), None)),
        };
        let (root, unseen) = match root {
            Ok(found) => found,
            Err(refusal) => return reply.refuse(refused(Some(id), &refusal)),
        };
        let ended = match mark {
            Mark::Unread { on: true } if place.is_some() => self.ended().await,
            _ => vec![],
        };
        let marking = Marking {
            conversation,
            mark,
            place,
            root,
            ended,
        };
        let Some(unseen) = unseen else {
            return self.wish(id, conversation.0, UserCommand::Mark(marking), as_of, reply);
        };
        let gateway = Arc::clone(&self.gateway);
        let finding = async move {
            let goes_on = unseen.goes_on_by_now(&gateway).await?;
            let line = marking.root.line.filter(|_| goes_on);
            let root = Root { line, ..marking.root };
            Ok::<_, Refusal>(UserCommand::Mark(Marking { root, ..marking }))
        };
        self.wish_aside(id, conversation.0, finding, as_of, reply);
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

    /// What is known of a thread: where the message stands that is said to begin it, and how far it was read already, as far as the read models
    /// have come. It is as where the user sees that message, or a reply to it; where they do not see it, and read models know of no such reply,
    /// whether there is one is still to be found out.
    async fn root(
        &self,
        conversation: ConversationId,
        visible_from: u64,
        (thread, said): (Uuid, Said),
    ) -> Result<(Root, Option<Unseen>), Refusal> {
        let log = &self.gateway.log;
        let asked = [(conversation.0, thread)];
        let written = log
            .written(conversation.lane(), SUBJECTS.subjects, &asked)
            .await
            .map_err(|error| {
                tracing::debug!(%error, "a thread could not be looked for");
                Refusal::Unavailable
            })?;
        let writing = written.first();
        let mut unseen = writing
            .filter(|writing| writing.seq < visible_from)
            .map(|_| Unseen {
                conversation,
                thread,
                visible_from,
            });
        if let Some(below) = unseen
            && below.goes_on(&self.gateway).await?
        {
            unseen = None;
        }
        let line = writing.and_then(|writing| Kind(writing.kind).line());
        let read_seq = match said {
            Said::Followed { .. } => 0,
            Said::Read { .. } => thread_read_seq(&self.gateway.models, self.user.0, conversation.0, thread)
                .await
                .map_err(|error| {
                    tracing::debug!(%error, "how far a thread was read could not be found");
                    Refusal::Unavailable
                })?,
        };
        let root = Root {
            line,
            is_direct: false,
            read_seq,
        };
        Ok((root, unseen))
    }

    /// The user's seat in a conversation, behind the commands that came before, if they are a member of it.
    pub(super) async fn seat(&self, conversation: ConversationId) -> Result<Option<Seat>, Refusal> {
        match self.gateway.lanes.authorize(conversation, self.user, false).await {
            Ok(seat) => Ok(Some(seat)),
            Err(refusal) if refusal.is_for_strangers() => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Hands a wish for the user's own stream on, behind what waits aside and is about the same. The ack names what it is `about`, a conversation or
    /// the user, and the seq of the notice.
    pub(super) fn wish(&mut self, id: Uuid, about: Uuid, command: UserCommand, as_of: AsOf, reply: Reply) {
        if self.aside.has(about) {
            return self.wish_aside(id, about, ready(Ok(command)), as_of, reply);
        }
        let reply = self.noticed(id, about, reply);
        let (user, id) = (self.user, CommandId(id));
        self.gateway.lanes.submit_wish(user, id, command, as_of, reply);
    }

    /// The same of a wish that is not found yet.
    fn wish_aside(
        &mut self,
        id: Uuid,
        about: Uuid,
        finding: impl Future<Output = Result<UserCommand, Refusal>> + Send + 'static,
        as_of: AsOf,
        reply: Reply,
    ) {
        let Some(reply) = self.among_reads(id, reply) else {
            return;
        };
        let reply = self.noticed(id, about, reply);
        let (gateway, user, id) = (Arc::clone(&self.gateway), self.user, CommandId(id));
        self.aside.put(about, finding, move |found| match found {
            Ok(command) => gateway.lanes.submit_wish(user, id, command, as_of, reply),
            Err(refusal) => reply(Err(refusal)),
        });
    }

    /// The way of the answer to a wish.
    fn noticed(&self, id: Uuid, about: Uuid, reply: Reply) -> lanes::Reply {
        self.answering(id, reply, move |result| {
            let named = |accepted| Accepted {
                stream: about,
                ..accepted
            };
            answer(id, result.map(named))
        })
    }
}

/// A thread whose first message the user does not see. It is there for them once they see a reply in it.
#[derive(Clone, Copy)]
struct Unseen {
    conversation: ConversationId,
    thread: Uuid,
    visible_from: u64,
}

impl Unseen {
    /// Whether the read models know of such a reply.
    async fn goes_on(self, gateway: &Gateway) -> Result<bool, Refusal> {
        let Self {
            conversation,
            thread,
            visible_from,
        } = self;
        thread_goes_on(&gateway.models, conversation.0, thread, visible_from)
            .await
            .map_err(|error| unknown(&error))
    }

    /// The same once they have come to all that the log holds by now: the user may have been told of a reply before.
    async fn goes_on_by_now(self, gateway: &Gateway) -> Result<bool, Refusal> {
        gateway
            .caught_up(&["history"], self.conversation.lane())
            .await
            .map_err(|error| unknown(&error))?;
        self.goes_on(gateway).await
    }
}

fn unknown(error: &dyn Display) -> Refusal {
    tracing::debug!(%error, "whether a thread goes on could not be found");
    Refusal::Unavailable
}
