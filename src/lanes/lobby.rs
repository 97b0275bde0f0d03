//! Requests for lanes that this node does not run yet: somebody has added one, and another node was quicker to see it.

use super::Request;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Requests that may wait.
const WAITING: usize = 1024;

#[derive(Default)]
pub(super) struct Lobby {
    waiting: Mutex<VecDeque<(u8, Request)>>,
    asked: Notify,
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
        if queue.is_some() || waiting.len() >= WAITING {
            return Some((request, queue));
        }
        waiting.push_back((lane, request));
        drop(waiting);
        self.asked.notify_one();
        None
    }

    /// Takes out what waits for a lane, in order, while nothing can come in.
    pub(super) fn leave(&self, lane: u8, take: impl FnOnce(Vec<Request>)) {
        let mut waiting = self.waiting();
        let (of_lane, others): (VecDeque<_>, VecDeque<_>) =
            waiting.drain(..).partition(|(wanted, _)| *wanted == lane);
        *waiting = others;
        take(of_lane.into_iter().map(|(_, request)| request).collect());
    }

    /// Takes out everything.
    pub(super) fn clear(&self) -> Vec<Request> {
        self.waiting().drain(..).map(|(_, request)| request).collect()
    }

    /// Waits until somebody comes in.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(u8, Request)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
