//! Requests for lanes that this node does not run yet: somebody has added one, and another node was quicker to see it.

use super::Request;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Requests that may wait.
const WAITING: usize = 1024;

#[derive(Default)]
pub(super) struct Lobby {
    waiting: Mutex<Waiting>,
    asked: Notify,
}

#[derive(Default)]
struct Waiting {
    requests: VecDeque<Entered>,
    /// How many have come in ever.
    entered: u64,
}

struct Entered {
    number: u64,
    lane: u8,
    request: Request,
}

impl Lobby {
    /// Lets a request wait for its lane. Gives it back when the lane has `come` meanwhile, with what that says, or when there is
    /// no room.
    pub(super) fn enter<T>(
        &self,
        lane: u8,
        request: Request,
        come: impl Fn() -> Option<T>,
    ) -> Option<(Request, Option<T>)> {
        let mut waiting = self.waiting();
        let queue = come();
        if queue.is_some() || waiting.requests.len() >= WAITING {
            return Some((request, queue));
        }
        let number = waiting.entered;
        waiting.entered += 1;
        waiting.requests.push_back(Entered {
            number,
            lane,
            request,
        });
        drop(waiting);
        self.asked.notify_one();
        None
    }

    /// Takes out what waits for a lane, in order, while nothing can come in.
    pub(super) fn leave(&self, lane: u8, take: impl FnOnce(Vec<Request>)) {
        let mut waiting = self.waiting();
        let (of_lane, others): (VecDeque<_>, VecDeque<_>) = waiting
            .requests
            .drain(..)
            .partition(|entered| entered.lane == lane);
        waiting.requests = others;
        take(of_lane.into_iter().map(|entered| entered.request).collect());
    }

    /// How many have come in ever: whatever the log says from now on counts for them.
    pub(super) fn entered(&self) -> u64 {
        self.waiting().entered
    }

    /// Takes out who was among the first `entered` and is still there.
    pub(super) fn clear(&self, entered: u64) -> Vec<Request> {
        let mut waiting = self.waiting();
        let early = waiting.requests.partition_point(|one| one.number < entered);
        waiting.requests.drain(..early).map(|one| one.request).collect()
    }

    /// Waits until somebody comes in.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Authorize;
    use super::*;
    use tidings_domain::{ConversationId, UserId};
    use tokio::sync::oneshot;
    use uuid::Uuid;

    fn enter(lobby: &Lobby, lane: u8) {
        let (reply, _) = oneshot::channel();
        let request = Request::Authorize(Authorize {
            conversation: ConversationId(Uuid::from_u128(u128::from(lane))),
            user: UserId(Uuid::nil()),
            fresh: false,
            reply,
        });
        assert!(lobby.enter(lane, request, || None::<()>).is_none());
    }

    #[test]
    fn who_comes_in_while_the_log_is_looked_at_waits_for_the_next_look() {
        let lobby = Lobby::default();
        for lane in [7, 8, 7] {
            enter(&lobby, lane);
        }
        let before = lobby.entered();
        // The answer is on its way, and does not know of a lane that was added behind it.
        enter(&lobby, 9);
        lobby.leave(7, |found| assert_eq!(found.len(), 2));
        assert_eq!(lobby.clear(before).len(), 1);
        assert_eq!(lobby.clear(before).len(), 0);
        lobby.leave(9, |found| assert_eq!(found.len(), 1));
    }
}
