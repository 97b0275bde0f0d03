//! One client's stream, with the rooms that it is in and the archives that it follows.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_journal::Via;
use tokio::time::timeout;
use uuid::Uuid;

use super::Place;
use super::archive::{Archive, Then};
use super::stanza::{
    CLIENT, MANAGEMENT, Message, answer, archive_query, archived, bare, condition, iq, is_delayed,
    is_own_presence, join, page_end, presence, resource, unavailable,
};
use super::stream::Stream;
use super::xml::Element;
use crate::seam::{Incoming, Session};

/// How long entering all rooms may take.
const JOIN_LIMIT: Duration = Duration::from_secs(30);

/// The archive's id of the last message seen, by conversation.
pub type Places = HashMap<String, String>;

/// One connection. It catches up from the archives and drops what comes twice at the seam, and nothing else.
pub struct XmppSession {
    stream: Stream,
    nick: String,
    jid: String,
    archives: HashMap<String, Archive>,
    places: Places,
    /// The conversation that each request to an archive is about.
    queries: HashMap<String, String>,
    /// Rooms that have not let the client in yet.
    joining: HashSet<String>,
    synced: bool,
    /// Messages to rooms that the room has not reflected.
    unreflected: HashSet<Uuid>,
    /// Messages to contacts that the server has not acknowledged, with the number of the stanza.
    unacknowledged: VecDeque<(u32, Uuid)>,
    /// Stanzas since stream management began, as both sides count them: modulo 2^32.
    sent: u32,
    received: u32,
    ready: VecDeque<Ready>,
}

/// Something to be given out.
struct Ready {
    incoming: Incoming,
    /// Where the archive has it.
    archived_as: Option<String>,
}

impl From<Incoming> for Ready {
    fn from(incoming: Incoming) -> Self {
        Self {
            incoming,
            archived_as: None,
        }
    }
}

impl XmppSession {
    /// Enters the rooms and asks the archives for what was missed.
    pub(super) async fn begin(
        mut stream: Stream,
        nick: &str,
        jid: &str,
        conversations: &[String],
        places: Places,
    ) -> Result<Self> {
        stream.queue(&Element::new("enable", MANAGEMENT));
        if !stream.answer().await?.is("enabled", MANAGEMENT) {
            bail!("the server has no stream management");
        }
        let archives = conversations.iter();
        let archives = archives.map(|conversation| (conversation.clone(), Archive::default()));
        let mut session = Self {
            stream,
            nick: nick.to_owned(),
            jid: jid.to_owned(),
            archives: archives.collect(),
            places,
            queries: HashMap::new(),
            joining: HashSet::new(),
            synced: conversations.is_empty(),
            unreflected: HashSet::new(),
            unacknowledged: VecDeque::new(),
            sent: 0,
            received: 0,
            ready: VecDeque::new(),
        };
        session.queue(&presence());
        for conversation in conversations {
            if let Place::Room(room) = Place::of(conversation) {
                session.queue(&join(room, nick));
                session.joining.insert(room.to_owned());
            }
        }
        let entering = async {
            while !session.joining.is_empty() {
                let stanza = session.stream.next().await?;
                session.take(&stanza.context("the server closed the stream")?)?;
            }
            anyhow::Ok(())
        };
        timeout(JOIN_LIMIT, entering)
            .await
            .context("rooms were not entered in time")??;
        // Only now: whatever a page does not hold comes live.
        for conversation in conversations {
            let after = session.places.get(conversation).cloned();
            session.ask_archive(conversation, after.as_deref());
        }
        if session.synced {
            session.ready.push_back(Incoming::Synced.into());
        }
        Ok(session)
    }

    fn queue(&mut self, stanza: &Element) {
        self.stream.queue(stanza);
        self.sent = self.sent.wrapping_add(1);
    }

    fn ask_archive(&mut self, conversation: &str, after: Option<&str>) {
        let (to, with) = match Place::of(conversation) {
            Place::Room(room) => (Some(room), None),
            Place::OneWay { from, .. } => (None, Some(from)),
        };
        let id = self.stream.id();
        let query = archive_query(&id, with, after);
        self.queue(&iq("set", &id, to, query));
        self.queries.insert(id, conversation.to_owned());
    }

    fn take(&mut self, element: &Element) -> Result<()> {
        if element.namespace == CLIENT {
            self.received = self.received.wrapping_add(1);
        }
        match (element.namespace.as_str(), element.name.as_str()) {
            (MANAGEMENT, "r") => self.acknowledge(),
            (MANAGEMENT, "a") => {
                let handled = element.attribute("h").and_then(|text| text.parse().ok());
                self.acknowledged(handled.context("an acknowledgement without a number")?);
            }
            (CLIENT, "message") => self.message(element)?,
            (CLIENT, "presence") => self.presence(element)?,
            (CLIENT, "iq") => self.iq(element)?,
            _ => {}
        }
        Ok(())
    }

    /// Says how many stanzas have come. Those that wait to be given out count: the archive has them.
    fn acknowledge(&mut self) {
        let received = self.received.to_string();
        self.stream
            .queue(&Element::new("a", MANAGEMENT).with("h", &received));
    }

    /// The server has taken charge of all stanzas up to this number.
    fn acknowledged(&mut self, handled: u32) {
        while let Some((number, id)) = self.unacknowledged.front().copied() {
            // Numbers wrap around; what is outstanding never spans half of them.
            if handled.wrapping_sub(number) > u32::MAX / 2 {
                break;
            }
            self.unacknowledged.pop_front();
            self.ready.push_back(Incoming::Ack { id, seq: None }.into());
        }
    }

    fn message(&mut self, element: &Element) -> Result<()> {
        if element.attribute("type") == Some("error") {
            let id = element.attribute("id").and_then(|id| id.parse().ok());
            if let Some(id) = id {
                self.unreflected.remove(&id);
                self.unacknowledged.retain(|(_, open)| *open != id);
                let code = condition(element);
                self.ready.push_back(Incoming::Refused { id, code }.into());
            }
            return Ok(());
        }
        if let Some((query, message)) = archived(element) {
            let Some(conversation) = self.queries.get(query).cloned() else {
                return Ok(());
            };
            // The archive of a person holds both directions.
            if !matches!(Place::of(&conversation), Place::OneWay { from, .. } if from != bare(&message.from))
            {
                if let Some(archive) = self.archives.get_mut(&conversation) {
                    archive.paged(&message);
                }
                self.give_out(&conversation, message);
            }
            return Ok(());
        }
        let Some(from) = element.attribute("from").map(bare) else {
            return Ok(());
        };
        let (conversation, by) = if element.attribute("type") == Some("groupchat") {
            (from.to_owned(), from)
        } else if is_delayed(element) {
            // The offline store repeats what the archive has, this side of the client's place and beyond it.
            return Ok(());
        } else {
            (format!("{from}>{}", self.jid), self.jid.as_str())
        };
        let Some(message) = Message::read(element, by) else {
            return Ok(());
        };
        if message.archived_as.is_none() {
            bail!("a message of {conversation} does not say where it stands in the archive");
        }
        let archive = self.archives.get_mut(&conversation);
        if let Some(message) = archive.and_then(|archive| archive.live(message)) {
            self.give_out(&conversation, message);
        }
        Ok(())
    }

    /// The message's turn has come.
    fn give_out(&mut self, conversation: &str, message: Message) {
        // What the room shows to all, and has archived, it has accepted.
        if resource(&message.from) == self.nick && self.unreflected.remove(&message.id) {
            let (id, seq) = (message.id, None);
            self.ready.push_back(Incoming::Ack { id, seq }.into());
        }
        let incoming = Incoming::Delivered {
            conversation: conversation.to_owned(),
            seq: None,
            message: Some((message.id, message.text)),
            via: if self.synced { Via::Live } else { Via::CatchUp },
        };
        self.ready.push_back(Ready {
            incoming,
            archived_as: message.archived_as,
        });
    }

    fn presence(&mut self, element: &Element) -> Result<()> {
        let room = element.attribute("from").map(bare).unwrap_or_default();
        match element.attribute("type") {
            Some("error") if self.joining.contains(room) => {
                bail!("{room} lets nobody in: {}", condition(element));
            }
            Some("unavailable") if is_own_presence(element) => bail!("put out of {room}"),
            None if is_own_presence(element) => {
                self.joining.remove(room);
            }
            _ => {}
        }
        Ok(())
    }

    fn iq(&mut self, element: &Element) -> Result<()> {
        if matches!(element.attribute("type"), Some("get" | "set")) {
            self.queue(&answer(element));
            return Ok(());
        }
        let query = element.attribute("id").unwrap_or_default();
        let Some(conversation) = self.queries.remove(query) else {
            return Ok(());
        };
        let Some(end) = page_end(element) else {
            bail!("no archive of {conversation}: {}", condition(element));
        };
        let then = self.archives.get_mut(&conversation);
        match then.map(|archive| archive.page_ended(end)) {
            Some(Then::Ask(after)) => self.ask_archive(&conversation, after.as_deref()),
            Some(Then::GiveOut(held)) => {
                for message in held {
                    self.give_out(&conversation, message);
                }
                if self.archives.values().all(Archive::is_caught_up) {
                    self.synced = true;
                    self.ready.push_back(Incoming::Synced.into());
                }
            }
            None => {}
        }
        Ok(())
    }
}

impl Session for XmppSession {
    type Place = Places;

    fn claims(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    async fn send(&mut self, id: Uuid, conversation: &str, text: &str) -> Result<()> {
        match Place::of(conversation) {
            Place::Room(room) => {
                self.queue(&Message::write(room, "groupchat", id, text));
                self.unreflected.insert(id);
            }
            Place::OneWay { to, .. } => {
                self.queue(&Message::write(to, "chat", id, text));
                self.unacknowledged.push_back((self.sent, id));
                self.stream.queue(&Element::new("r", MANAGEMENT));
            }
        }
        Ok(())
    }

    async fn read(&mut self, _: &str, _: u64) -> Result<bool> {
        Ok(false)
    }

    async fn next(&mut self) -> Incoming {
        loop {
            if let Some(Ready {
                incoming,
                archived_as,
            }) = self.ready.pop_front()
            {
                if let (Incoming::Delivered { conversation, .. }, Some(place)) = (&incoming, archived_as) {
                    self.places.insert(conversation.clone(), place);
                }
                return incoming;
            }
            let taken = match self.stream.next().await {
                Ok(Some(element)) => self.take(&element),
                Ok(None) => Err(anyhow::anyhow!("the server closed the stream")),
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                return Incoming::Closed {
                    reason: format!("{error:#}"),
                };
            }
        }
    }

    async fn close(mut self) -> Places {
        self.queue(&unavailable());
        // What is not acknowledged would be sent again, as if the archive were not there.
        self.acknowledge();
        self.stream.close().await;
        self.places
    }
}
