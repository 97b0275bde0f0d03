//! Stands between the handles and the connection's task, and passes on nothing that the store does not have.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::{
    CommandError,
    flight::Request,
    handle::Outgoing,
    store::{CommandStore, Kept, StoreError},
};

/// How many commands one sync of the store makes safe, at most.
const BATCH_MAX: usize = 256;

/// Commands whose answers are final, on their way out of the store. It holds no more than the store did.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    ids: Mutex<Vec<Uuid>>,
    more: Notify,
}

impl Settled {
    pub(crate) fn push(&self, id: Uuid) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        self.more.notify_one();
    }

    fn take(&self) -> Vec<Uuid> {
        std::mem::take(&mut *self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The store, and what is in it and not with the connection's task yet.
pub(crate) struct Keeper<S> {
    store: S,
    requests: mpsc::Receiver<Request>,
    task: mpsc::Sender<Outgoing>,
    ready: VecDeque<Request>,
    /// What the store has, so that none is under way twice.
    ids: HashSet<Uuid>,
    settled: Arc<Settled>,
}

impl<S: CommandStore> Keeper<S> {
    /// One that begins with what the store has had before.
    pub(crate) fn new(
        store: S,
        requests: mpsc::Receiver<Request>,
        task: mpsc::Sender<Outgoing>,
        ready: VecDeque<Request>,
        settled: Arc<Settled>,
    ) -> Self {
        Self {
            store,
            requests,
            task,
            ids: ready.iter().map(|request| request.id).collect(),
            ready,
            settled,
        }
    }

    /// Runs until the connection has ended for good, and lets the store go.
    pub(crate) async fn run(mut self) {
        let mut open = true;
        let mut over = false;
        while !over {
            let mut batch = Vec::new();
            tokio::select! {
                () = self.task.closed() => over = true,
                permit = self.task.reserve(), if !self.ready.is_empty() => {
                    if let Ok(permit) = permit
                        && let Some(request) = self.ready.pop_front()
                    {
                        permit.send(Outgoing::Command(request));
                    }
                    continue;
                }
                () = self.settled.more.notified() => {}
                request = self.requests.recv(), if open => match request {
                    Some(request) => batch.push(request),
                    None => open = false,
                },
            }
            while !batch.is_empty()
                && batch.len() < BATCH_MAX
                && let Ok(request) = self.requests.try_recv()
            {
                batch.push(request);
            }
            let written = tokio::task::spawn_blocking(move || {
                self.write(batch);
                self
            });
            match written.await {
                Ok(keeper) => self = keeper,
                // The store has panicked, which the runtime has reported, or the runtime ends.
                Err(_) => return,
            }
        }
        for request in self.ready {
            request.give_up(CommandError::Closed { sent: false });
        }
    }

    /// Lets the store forget what was answered, and take what is new.
    fn write(&mut self, batch: Vec<Request>) {
        let settled = self.settled.take();
        if !settled.is_empty() {
            self.store.remove(&settled);
            for id in &settled {
                self.ids.remove(id);
            }
        }
        if batch.is_empty() {
            return;
        }
        let mut taken = Vec::with_capacity(batch.len());
        for request in batch {
            match self.put(&request) {
                Ok(()) => taken.push(request),
                Err(error) => request.refuse(error),
            }
        }
        match self.store.sync() {
            Ok(()) => {
                for mut request in taken {
                    request.taken();
                    self.ready.push_back(request);
                }
            }
            Err(error) => {
                for request in taken {
                    self.ids.remove(&request.id);
                    request.refuse(CommandError::NotKept(error.clone()));
                }
            }
        }
    }

    fn put(&mut self, request: &Request) -> Result<(), CommandError> {
        if !self.ids.insert(request.id) {
            return Err(CommandError::UnderWay);
        }
        let kept = Kept {
            id: request.id,
            frame: Arc::clone(&request.text),
        };
        self.store.put(&kept).map_err(|error: StoreError| {
            self.ids.remove(&request.id);
            CommandError::NotKept(error)
        })
    }
}
