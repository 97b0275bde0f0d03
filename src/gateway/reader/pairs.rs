//! What somebody wants of somebody else: to be contacts, or to have nothing to do with them.

use super::Reader;
use crate::gateway::reply::Reply;
use crate::outcome::Accepted;
use crate::wire::answer;
use tidings_domain::{CommandId, ConversationId, PairCommand, UserId};
use uuid::Uuid;

impl Reader {
    /// Hands it on. The ack names the user, and no seq: the stream of two people holds what one of them must not know of the other.
    pub(super) fn pair(
        &self,
        id: Uuid,
        direct: ConversationId,
        user: UserId,
        command: PairCommand,
        reply: Reply,
    ) {
        let own = self.user.0;
        let reply = self.answering(id, reply, move |result| {
            let named = |accepted| Accepted {
                stream: own,
                seq: 0,
                ..accepted
            };
            answer(id, result.map(named))
        });
        let (two, id) = ((self.user, user), CommandId(id));
        self.gateway.lanes.submit_pair(direct, two, id, command, reply);
    }
}
