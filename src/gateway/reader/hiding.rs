//! What the user hides from themselves, by events of the user's own stream.

use super::Reader;
use crate::gateway::Gateway;
use crate::gateway::reply::Reply;
use crate::lanes::SUBJECTS;
use crate::outcome::Refusal;
use crate::wire::{Hide, refused};
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationId, Cursor, Found, Hidden, Hiding, UserCommand};
use tidings_eventlog::ReadError;
use uuid::Uuid;

impl Reader {
    /// Hands on what is to be gone, with where it stands: what came before it from this connection is there.
    pub(super) async fn hide(&mut self, id: Uuid, conversation: ConversationId, hide: Hide, reply: Reply) {
        let as_of = self.gateway.lanes.as_of();
        let visible_from = match self.seat(conversation).await {
            Ok(seat) => seat.map(|seat| seat.visible_from),
            Err(refusal) => return reply.refuse(refused(Some(id), &refusal)),
        };
        let hidden = match find(&self.gateway, conversation, hide, visible_from).await {
            Ok(hidden) => hidden,
            Err(error) => {
                tracing::debug!(%error, "what is to be hidden could not be looked for");
                return reply.refuse(refused(Some(id), &Refusal::Unavailable));
            }
        };
        let command = UserCommand::Hide(Hiding {
            conversation,
            hidden,
            is_member: visible_from.is_some(),
        });
        self.wish(id, conversation.0, command, as_of, reply);
    }
}

/// Where that stands which is to be gone, as far as the user sees it. Of a conversation that is not the user's nothing is looked for.
async fn find(
    gateway: &Gateway,
    conversation: ConversationId,
    hide: Hide,
    visible_from: Option<u64>,
) -> Result<Hidden, ReadError> {
    match hide {
        Hide::Messages(wanted) => {
            let mut found = vec![];
            if let Some(visible_from) = visible_from.filter(|_| !wanted.is_empty()) {
                let asked: Vec<Uuid> = wanted.iter().copied().collect();
                let places = gateway
                    .log
                    .placed(conversation.0, SUBJECTS.subjects, &asked)
                    .await?;
                let seen = places.into_iter().filter(|(_, _, seq, _)| *seq >= visible_from);
                found.extend(seen.map(|(message, kind, seq, msg_no)| Found {
                    message,
                    place: Cursor {
                        seq,
                        // What stands in a thread alone is in no count.
                        msg_no: if Kind(kind).is_countable() { msg_no } else { 0 },
                    },
                }));
            }
            Ok(Hidden::Messages { wanted, found })
        }
        Hide::UpTo(seq) => {
            let mut place = None;
            if visible_from.is_some() && seq > 0 {
                let found = gateway.log.msg_nos(&[(conversation.0, seq)]).await?;
                let msg_no = found.into_iter().next().flatten();
                place = msg_no.map(|msg_no| Cursor { seq, msg_no });
            }
            Ok(Hidden::UpTo { seq, place })
        }
    }
}
