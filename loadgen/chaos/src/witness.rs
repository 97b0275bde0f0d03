//! A bare connection of somebody who only asks. What the server shows meanwhile is written down too: it counts as having
//! reached the person. Notices are kept: whoever claims none is sent all that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Result, bail};
use tidings_journal::{Journal, Micros};
use tidings_protocol::{Ack, Action, ErrorFrame, Gap, ServerFrame};
use uuid::Uuid;

use crate::http::Person;
use crate::said::Said;
use crate::scribe::{Clock, Scribe};
use crate::wire::{LONG_LIMIT, Wire};

/// What a node says to a command.
pub(crate) enum Answer {
    Ack(Ack),
    Refused(ErrorFrame),
}

/// One place to connect to, and what came from there.
pub(crate) struct Witness {
    person: Person,
    device: String,
    node: SocketAddr,
    wire: Option<Wire>,
    /// What it claims to have seen.
    cursors: BTreeMap<Uuid, u64>,
    scribe: Scribe,
    /// The kinds of notices that came.
    noticed: BTreeSet<String>,
}

impl Witness {
    /// `journal` tells the journals of one device apart.
    pub(crate) fn new(clock: Clock, person: &Person, device: &str, journal: &str, node: SocketAddr) -> Self {
        Self {
            person: person.clone(),
            device: device.to_owned(),
            node,
            wire: None,
            cursors: BTreeMap::new(),
            scribe: Scribe::new(clock, person.user, journal),
            noticed: BTreeSet::new(),
        }
    }

    /// It is to be told of this conversation from its beginning, whatever the person's other devices had.
    pub(crate) fn knowing_nothing_of(mut self, conversation: Uuid) -> Self {
        self.cursors.insert(conversation, 0);
        self
    }

    /// Sends commands, on a new connection where none stands.
    pub(crate) async fn send(&mut self, commands: &[(Uuid, Action)]) -> Result<()> {
        self.come().await?.send(commands).await
    }

    /// Connects where no connection stands.
    pub(crate) async fn come(&mut self) -> Result<&mut Wire> {
        Ok(match &mut self.wire {
            Some(wire) => wire,
            empty => {
                self.scribe.connecting();
                let token = &self.person.token;
                let wire = Wire::connect(self.node, token, &self.device, &self.cursors, LONG_LIMIT).await?;
                self.scribe.connected(&self.cursors, wire.limits());
                empty.insert(wire)
            }
        })
    }

    /// Sends a command so many times at once, and waits for as many answers. What else comes meanwhile is written down.
    pub(crate) async fn ask(&mut self, said: &Said, times: usize) -> Result<Vec<Answer>> {
        let command = (said.id, said.action.clone());
        self.send(&vec![command; times]).await?;
        let mut answers = Vec::with_capacity(times);
        while answers.len() < times {
            match self.next().await? {
                ServerFrame::Ack(ack) if ack.id == said.id => answers.push(Answer::Ack(ack)),
                ServerFrame::Error(error) if error.id == Some(said.id) => {
                    answers.push(Answer::Refused(error));
                }
                _ => {}
            }
        }
        Ok(answers)
    }

    /// Fetches an event of a conversation once more, on the connection that stands.
    pub(crate) async fn fetch(&mut self, conversation: Uuid, seq: u64) -> Result<()> {
        let id = Uuid::now_v7();
        let action = Action::Fetch {
            conversation,
            from: seq,
            limit: 1,
        };
        self.send(&[(id, action)]).await?;
        loop {
            match self.next().await? {
                ServerFrame::Events(events) if events.id == id => {
                    let gap = Gap {
                        conversation,
                        from: seq,
                        to: seq,
                    };
                    self.scribe.filled(&gap, &events);
                    return Ok(());
                }
                ServerFrame::Error(error) if error.id == Some(id) => bail!("not fetched: {}", error.message),
                _ => {}
            }
        }
    }

    /// The next object, written down where it is an event. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame> {
        let wire = self
            .wire
            .as_mut()
            .ok_or_else(|| anyhow::anyhow!("no connection"))?;
        let frame = wire.next().await?;
        self.note(&frame);
        Ok(frame)
    }

    /// The kinds of notices that came so far.
    pub(crate) fn noticed(&self) -> impl Iterator<Item = &str> {
        self.noticed.iter().map(String::as_str)
    }

    /// A command that went out at this time has made a conversation.
    pub(crate) fn made(&mut self, at: Micros, said: &Said, ack: &Ack) {
        self.scribe.made(at, said, ack);
    }

    pub(crate) fn now(&self) -> Micros {
        self.scribe.now()
    }

    /// Ends the connection. What was read from it has reached the person.
    pub(crate) fn hang_up(&mut self) {
        if let Some(wire) = self.wire.take() {
            for frame in wire.end() {
                self.note(&frame);
            }
        }
        self.scribe.disconnected();
    }

    pub(crate) fn close(mut self) -> Journal {
        self.hang_up();
        self.scribe.close()
    }

    fn note(&mut self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Event(event) => self.scribe.shown(event),
            ServerFrame::Gap(gap) => self.scribe.gap(gap),
            ServerFrame::Synced => self.scribe.synced(),
            ServerFrame::Notice(notice) => {
                self.noticed.insert(notice.kind.clone());
            }
            _ => {}
        }
    }
}
