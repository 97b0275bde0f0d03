//! Connected people who write to each other in pairs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tidings_stand::Node;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::worker::{Pace, Tally, Worker};
use crate::ledger::Acked;
use crate::people::{self, command, connect};
use crate::wire::Socket;

/// Connected people with conversations between them.
pub struct Crowd {
    workers: Vec<Worker>,
    acked: Acked,
}

impl Crowd {
    /// Registers and connects people, and opens conversations between pairs of them.
    pub async fn gather(node: &Node, connections: usize, conversations: usize) -> Result<Self> {
        let people = people::register(node, connections).await?;
        let pairs = pairs(connections, conversations)?;
        let mut members: Vec<Vec<Uuid>> = vec![vec![]; connections];
        let mut opening = JoinSet::new();
        for (first, person) in people.iter().cloned().enumerate() {
            let others: Vec<(usize, Uuid)> = pairs
                .iter()
                .filter(|(one, _)| *one == first)
                .map(|(_, other)| (*other, people[*other].user))
                .collect();
            let address = node.address();
            opening.spawn(async move {
                let mut socket = Socket::connect(address).await?;
                socket.hello(&person.token, "opener", &json!({})).await?;
                socket.synced(|_| {}).await?;
                let mut opened = Vec::with_capacity(others.len());
                for (other, user) in others {
                    let open = json!({"type": "direct.open", "user": user});
                    opened.push((first, other, command(&mut socket, open).await?));
                }
                Ok::<_, anyhow::Error>(opened)
            });
        }
        while let Some(opened) = opening.join_next().await {
            for (first, other, conversation) in opened?? {
                members[first].push(conversation);
                members[other].push(conversation);
            }
        }
        let mut workers = Vec::with_capacity(connections);
        for (person, conversations) in people.iter().zip(members) {
            workers.push(Worker::new(
                connect(node.address(), person, "worker").await?,
                conversations,
            ));
        }
        Ok(Self {
            workers,
            acked: Acked::default(),
        })
    }

    /// Lets everybody send for `length` at a pace, and waits for the last ack.
    pub async fn round(&mut self, pace: Pace, length: Duration) -> Result<Tally> {
        let start = Instant::now();
        let mut running = JoinSet::new();
        let count = self.workers.len();
        for (number, worker) in self.workers.drain(..).enumerate() {
            running.spawn(worker.run(pace.of(number, count), start, length));
        }
        let mut sum = Tally::new(length);
        while let Some(done) = running.join_next().await {
            let (worker, tally, acked) = done??;
            self.workers.push(worker);
            self.acked.merge(acked);
            sum.merge(&tally);
        }
        Ok(sum)
    }

    /// Reads until everybody has everything, and sees that all of it is what was acked. Answers what was looked at.
    pub async fn judge(&mut self) -> Result<String> {
        self.acked.settle()?;
        let acked = Arc::new(std::mem::take(&mut self.acked));
        let mut reading = JoinSet::new();
        for mut worker in self.workers.drain(..) {
            let acked = Arc::clone(&acked);
            reading.spawn(async move {
                worker.read_to(&acked).await?;
                acked.judge(worker.seen())?;
                Ok::<_, anyhow::Error>(worker)
            });
        }
        let mut deliveries = 0;
        while let Some(worker) = reading.join_next().await {
            let worker = worker??;
            deliveries += worker.deliveries();
            self.workers.push(worker);
        }
        let messages = acked.count() as u64;
        // Whoever read has let go of it, so that later rounds are judged together with these.
        self.acked = Arc::into_inner(acked).context("a reader goes on")?;
        if deliveries != messages * 2 {
            bail!("{messages} messages between two each, but {deliveries} deliveries");
        }
        Ok(format!("{messages} messages acked, {deliveries} deliveries"))
    }
}

/// Distinct pairs, so that everybody is in about as many.
fn pairs(people: usize, wanted: usize) -> Result<Vec<(usize, usize)>> {
    if people < 2 || wanted > people * (people - 1) / 2 {
        bail!("{people} people have fewer than {wanted} pairs");
    }
    let pairs = (1..people).flat_map(|step| (0..people).map(move |one| (one, (one + step) % people)));
    let mut chosen = std::collections::BTreeSet::new();
    Ok(pairs
        .filter(|(one, other)| chosen.insert((*one.min(other), *one.max(other))))
        .take(wanted)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_distinct_and_spread() {
        let pairs = pairs(200, 1_000).unwrap();
        assert_eq!(pairs.len(), 1_000);
        let distinct: std::collections::HashSet<_> = pairs
            .iter()
            .map(|(one, other)| (one.min(other), one.max(other)))
            .collect();
        assert_eq!(distinct.len(), 1_000);
        for person in 0..200 {
            let of = pairs
                .iter()
                .filter(|(one, other)| *one == person || *other == person)
                .count();
            assert_eq!(of, 10);
        }
        assert!(super::pairs(3, 4).is_err());
    }
}
