//! What somebody wants of somebody else: to be contacts, or to have nothing to do with them.

use super::Reader;
use super::commands::charge;
use crate::gateway::reply::Reply;
use crate::outcome::{Accepted, Refusal};
use crate::wire::answer;
use tidings_domain::{CommandId, ConversationId, PairCommand, UserId};
use tokio::time::Instant;
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
        let (budget, began) = (self.registered.budget.clone(), Instant::now());
        let acks = self.gateway.counters.acks.clone();
        let own = self.user.0;
        let reply = Box::new(move |result: Result<Accepted, Refusal>| {
            if let Err(refusal) = &result {
                charge(&budget, refusal);
            }
            let result = result.map(|accepted| Accepted {
                stream: own,
                seq: 0,
                ..accepted
            });
            reply.send(&answer(id, result));
            acks.record(began.elapsed());
        });
        let (two, id) = ((self.user, user), CommandId(id));
        self.gateway.lanes.submit_pair(direct, two, id, command, reply);
    }
}
