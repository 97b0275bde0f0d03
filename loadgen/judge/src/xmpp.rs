//! XMPP, as ejabberd speaks it: rooms (XEP-0045), archives (XEP-0313), and stream management (XEP-0198). It has no
//! seqs, and no order over both directions of a direct conversation; docs/adapters.md says what is judged.

mod archive;
mod ejabberd;
mod session;
mod stanza;
mod stream;
mod xml;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use tidings_journal::{Kind, Logged, digest};
use uuid::Uuid;

use crate::seam::{Conversation, Person, Server};
pub use ejabberd::Ejabberd;
pub use session::{Places, XmppSession};
use stanza::{
    FORM, Message, archive_query, archived, bare, is_own_presence, join, members, page_end, resource,
    room_settings,
};
pub use stream::Address;
use stream::{Login, Stream};
use xml::Element;

/// A server that lets this machine register accounts (XEP-0077) without TLS.
pub struct Xmpp {
    address: Address,
}

impl Xmpp {
    pub fn new(address: Address) -> Self {
        Self { address }
    }
}

/// Where a conversation is found: its name in the journals says it.
enum Place<'a> {
    /// A room, by its JID.
    Room(&'a str),
    /// What one contact says to another, `from>to`. No JID holds the sign.
    OneWay { from: &'a str, to: &'a str },
}

impl<'a> Place<'a> {
    fn of(conversation: &'a str) -> Self {
        match conversation.split_once('>') {
            Some((from, to)) => Self::OneWay { from, to },
            None => Self::Room(conversation),
        }
    }
}

impl Server for Xmpp {
    type Person = XmppPerson;

    /// An id means nothing to the server: what is sent twice is there twice.
    const REPEATS_ARE_SAFE: bool = false;

    async fn person(&self, name: &str) -> Result<XmppPerson> {
        let password = Uuid::new_v4().to_string();
        let mut stream = Stream::open(&self.address).await?;
        stream.register(name, &password).await?;
        stream.close().await;
        Ok(XmppPerson {
            jid: format!("{name}@{}", self.address.domain),
            username: name.to_owned(),
            password,
            address: self.address.clone(),
            conversations: Mutex::default(),
            connections: AtomicU32::new(0),
        })
    }

    async fn group(&self, name: &str, people: &[&XmppPerson]) -> Result<Conversation> {
        let (owner, others) = people.split_first().context("a group needs an owner")?;
        // Rooms of earlier runs may still be there.
        let room = format!("{name}-{}@{}", owner.username, self.address.rooms);
        let mut stream = owner.log_in("maker").await?;
        stream.queue(&join(&room, &owner.username));
        loop {
            let stanza = stream.answer().await?;
            if stanza.name != "presence" || stanza.attribute("from").map(bare) != Some(&room) {
                continue;
            }
            if stanza.attribute("type") == Some("error") {
                bail!("no room: {}", stanza::condition(&stanza));
            }
            if is_own_presence(&stanza) {
                break;
            }
        }
        let settings = Element::new("query", stanza::MUC_OWNER);
        let offered = stream.ask("get", Some(&room), settings).await?;
        let offered = offered.get("query", stanza::MUC_OWNER);
        let offered = offered.and_then(|query| query.get("x", FORM));
        let answer = room_settings(offered.context("the room has no form")?);
        stream.ask("set", Some(&room), answer).await?;
        let jids: Vec<&str> = others.iter().map(|person| person.jid.as_str()).collect();
        stream.ask("set", Some(&room), members(&jids)).await?;
        stream.close().await;
        let users: Vec<String> = people.iter().map(|person| person.jid.clone()).collect();
        for person in people {
            person.hears(&room);
        }
        Ok(Conversation {
            name: room,
            writers: users.clone(),
            readers: users,
        })
    }

    async fn direct(&self, [one, other]: [&XmppPerson; 2]) -> Result<Vec<Conversation>> {
        let ways = [(one, other), (other, one)].map(|(from, to)| {
            let name = format!("{}>{}", from.jid, to.jid);
            to.hears(&name);
            Conversation {
                name,
                writers: vec![from.jid.clone()],
                readers: vec![to.jid.clone()],
            }
        });
        Ok(ways.into())
    }

    async fn export(&self, conversation: &Conversation, reader: &XmppPerson) -> Result<Vec<Logged>> {
        let name = &conversation.name;
        let mut stream = reader.log_in("exporter").await?;
        let messages = all(&mut stream, &Place::of(name)).await?;
        stream.close().await;
        // Who takes part was settled before the first message, and is not in the archive.
        let joined = Logged {
            conversation: name.clone(),
            seq: 1,
            kind: Kind::Joined,
            actor: conversation.writers.first().cloned().unwrap_or_default(),
            id: None,
            digest: 0,
            whole: None,
            of: None,
            withheld: false,
            stored: None,
            users: conversation.readers.clone(),
        };
        let messages = (2..).zip(messages).map(|(seq, message)| Logged {
            conversation: name.clone(),
            seq,
            kind: Kind::Message,
            actor: match Place::of(name) {
                Place::Room(_) => format!("{}@{}", resource(&message.from), self.address.domain),
                Place::OneWay { from, .. } => from.to_owned(),
            },
            id: Some(message.id),
            digest: digest(&message.text),
            whole: None,
            of: None,
            withheld: false,
            stored: None,
            users: vec![],
        });
        Ok(std::iter::once(joined).chain(messages).collect())
    }
}

/// A registered person. The nick in every room is the name.
pub struct XmppPerson {
    jid: String,
    username: String,
    password: String,
    address: Address,
    /// What reaches the person.
    conversations: Mutex<Vec<String>>,
    connections: AtomicU32,
}

impl Person for XmppPerson {
    type Session = XmppSession;

    fn user(&self) -> &str {
        &self.jid
    }

    async fn connect(&self, place: Places) -> Result<XmppSession> {
        // An earlier stream that is still being closed would take the rooms along when both had one resource.
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let stream = self.log_in(&format!("judged{number}")).await?;
        let conversations = self.conversations.lock();
        let conversations = conversations.unwrap_or_else(PoisonError::into_inner).clone();
        XmppSession::begin(stream, &self.username, &self.jid, &conversations, place).await
    }

    async fn unread(&self, _: &Conversation) -> Result<Option<u64>> {
        // Counting is left to clients.
        Ok(None)
    }
}

impl XmppPerson {
    async fn log_in(&self, device: &str) -> Result<Stream> {
        let login = Login {
            username: &self.username,
            password: &self.password,
            resource: device,
        };
        Stream::log_in(&self.address, &login).await
    }

    fn hears(&self, conversation: &str) {
        let mut conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        conversations.push(conversation.to_owned());
    }
}

/// All messages of a conversation, in the order of the archive.
async fn all(stream: &mut Stream, place: &Place<'_>) -> Result<Vec<Message>> {
    let (to, with) = match place {
        Place::Room(room) => (Some(*room), None),
        Place::OneWay { from, .. } => (None, Some(*from)),
    };
    let mut messages = Vec::new();
    let mut after = None;
    loop {
        let id = stream.id();
        let query = archive_query(&id, with, after.as_deref());
        stream.queue(&stanza::iq("set", &id, to, query));
        let end = loop {
            let answer = stream.answer().await?;
            if let Some((of, message)) = archived(&answer)
                && of == id
            {
                // The archive of a person holds both directions.
                if with.is_none_or(|with| bare(&message.from) == with) {
                    messages.push(message);
                }
            } else if answer.name == "iq" && answer.attribute("id") == Some(&id) {
                break page_end(&answer)
                    .with_context(|| format!("no archive: {}", stanza::condition(&answer)))?;
            }
        };
        if end.complete || end.last.is_none() {
            return Ok(messages);
        }
        after = end.last;
    }
}
