//! One member of a group: reads everything, and writes when it is its part.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::room::Room;
use crate::ledger::{Acked, Seen};
use crate::people::Person;
use crate::wire::{Object, Socket, parse};

/// As long as most of what people write.
const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, and everybody in the room has seen it do so before.";

pub(super) struct Member {
    socket: Socket,
    room: Arc<Room>,
    place: usize,
    seen: Seen,
}

impl Member {
    pub(super) async fn connect(
        server: SocketAddr,
        person: &Person,
        room: Arc<Room>,
        place: usize,
    ) -> Result<Self> {
        let mut socket = Socket::connect(server).await?;
        socket.hello(&person.token, "member", &json!({})).await?;
        socket.synced(|_| {}).await?;
        Ok(Self {
            socket,
            room,
            place,
            seen: Seen::default(),
        })
    }

    /// Answers pings until others are there too: with ten thousand of them that takes longer than a server waits for a pong.
    pub(super) async fn wait_for<T>(&mut self, others: impl Future<Output = T>) -> Result<()> {
        let mut others = std::pin::pin!(others);
        loop {
            tokio::select! {
                ready = self.socket.readable() => {
                    ready?;
                    self.read(&mut vec![], &mut Acked::default())?;
                    self.socket.flush().await?;
                }
                _ = &mut others => return Ok(()),
            }
        }
    }

    /// Its number in the group.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Reads until told that the round has ended; with `sends`, writes too: when it is called, or else as often as the
    /// group's window lets it.
    pub(super) async fn run(
        mut self,
        sends: bool,
        mut calls: Option<mpsc::Receiver<Instant>>,
        mut ended: watch::Receiver<bool>,
    ) -> Result<(Self, Acked)> {
        let mut acked = Acked::default();
        let mut flying: Vec<Uuid> = vec![];
        let mut sending = sends;
        let room = Arc::clone(&self.room);
        loop {
            let next = async {
                match &mut calls {
                    Some(calls) => calls.recv().await,
                    None => room.may_send().await.then(Instant::now),
                }
            };
            tokio::select! {
                ready = self.socket.readable() => {
                    ready?;
                    self.read(&mut flying, &mut acked)?;
                    self.socket.flush().await?;
                }
                due = next, if sending => match due {
                    Some(due) if room.is_sending() => {
                        let id = Uuid::now_v7();
                        flying.push(id);
                        room.sent(id, due);
                        let message = json!({
                            "type": "message.send", "id": id, "conversation": room.conversation,
                            "content": {"kind": "text", "text": TEXT},
                        });
                        self.socket.queue(message.to_string().as_bytes());
                        self.socket.flush().await?;
                    }
                    _ => sending = false,
                },
                _ = ended.changed(), if flying.is_empty() => {
                    return Ok((self, acked));
                }
            }
        }
    }

    fn read(&mut self, flying: &mut Vec<Uuid>, acked: &mut Acked) -> Result<()> {
        let Self {
            socket, room, seen, ..
        } = self;
        let mut wrong = None;
        socket.read(|object| match parse(object) {
            Object::Event {
                conversation,
                seq,
                message: Some(message),
            } => match seen.take(conversation, seq, message) {
                Ok(()) => room.delivered(seq, message),
                Err(error) => wrong = Some(error.to_string()),
            },
            Object::Ack {
                id,
                conversation,
                seq,
            } => {
                flying.retain(|flying| *flying != id);
                acked.note(conversation, seq, id);
            }
            Object::Error { text } => wrong = Some(text),
            Object::Event { message: None, .. } | Object::Other => {}
        })?;
        match wrong {
            None => Ok(()),
            Some(wrong) => bail!(wrong),
        }
    }
}
