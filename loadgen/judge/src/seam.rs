//! The seam between the workload and a chat server: what an adapter must be able to do. See docs/adapters.md.

use std::collections::BTreeMap;

use anyhow::Result;
use tidings_journal::{Logged, Via};
use uuid::Uuid;

/// A chat server under judgement.
pub trait Server: Send + Sync + 'static {
    type Person: Person;

    /// Whether a message that is sent again under its id takes effect once. Where it does not, what was not answered
    /// stays in doubt instead of being sent again.
    const REPEATS_ARE_SAFE: bool;

    /// Makes an account. The name is of lower-case letters and digits, and new to the server.
    fn person(&self, name: &str) -> impl Future<Output = Result<Self::Person>> + Send;

    /// Makes a group of these people.
    fn group(
        &self,
        name: &str,
        members: &[&Self::Person],
    ) -> impl Future<Output = Result<Conversation>> + Send;

    /// Makes the conversation of two people: one where the server puts what both say into one order, else one for each
    /// direction.
    fn direct(&self, pair: [&Self::Person; 2]) -> impl Future<Output = Result<Vec<Conversation>>> + Send;

    /// All that the server has stored of a conversation, in its order, as one of the readers is shown it when nothing is
    /// on its way any more. Seqs are the server's own, or count from 1 where it has none.
    fn export(
        &self,
        conversation: &Conversation,
        reader: &Self::Person,
    ) -> impl Future<Output = Result<Vec<Logged>>> + Send;
}

/// Events in one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// As it stands in the journals.
    pub name: String,
    /// Users who may send.
    pub writers: Vec<String>,
    /// Users whom everything must reach.
    pub readers: Vec<String>,
}

/// A person with one device.
pub trait Person: Send + Sync + 'static {
    type Session: Session;

    /// As it stands in the journals.
    fn user(&self) -> &str;

    /// Opens a connection that goes on where an earlier one stopped, or that shows everything from the beginning. It
    /// returns when messages can be sent.
    fn connect(
        &self,
        place: <Self::Session as Session>::Place,
    ) -> impl Future<Output = Result<Self::Session>> + Send;

    /// How many messages wait to be read, as the server says when nothing is on its way; none where it does not count.
    fn unread(&self, conversation: &Conversation) -> impl Future<Output = Result<Option<u64>>> + Send;
}

/// One connection, from its opening to its end. It never comes back by itself.
pub trait Session: Send + 'static {
    /// What a later connection must know to go on where this one stopped.
    type Place: Default + Clone + Send;

    /// The seqs that the client claimed to have seen when it connected, by conversation; empty where the server has no
    /// seqs.
    fn claims(&self) -> BTreeMap<String, u64>;

    /// Puts a message on its way; the answer comes out of [`Session::next`]. It waits for nothing but room in queues of
    /// its own, of which there must be some for [`UNANSWERED_MAX`] messages. That the connection has ended is no error:
    /// [`Session::next`] says so, and the message stays in doubt.
    fn send(&mut self, id: Uuid, conversation: &str, text: &str) -> impl Future<Output = Result<()>> + Send;

    /// Says that everything up to `seq` is read, as [`Session::send`] does; false where the server takes no such thing.
    fn read(&mut self, conversation: &str, seq: u64) -> impl Future<Output = Result<bool>> + Send;

    /// The next thing that the server said. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = Incoming> + Send;

    /// How often whatever stands between the wire and [`Session::next`] had to put the server right on this connection: repeats
    /// that it dropped, holes that it filled. A run in which that happened fails, for the journals cannot show it.
    fn corrections(&self) -> u64 {
        0
    }

    /// Ends the connection. The place covers what [`Session::next`] gave out, and nothing else.
    fn close(self) -> impl Future<Output = Self::Place> + Send;
}

/// The most messages and reads of one connection that wait for an answer.
pub const UNANSWERED_MAX: usize = 64;

/// One thing that a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The next event of a conversation.
    Delivered {
        conversation: String,
        /// Where the server tells it.
        seq: Option<u64>,
        /// The message's id and text; none for an event that is no message.
        message: Option<(Uuid, String)>,
        via: Via,
    },
    /// The message is durable and will reach every reader.
    Ack { id: Uuid, seq: Option<u64> },
    /// The message did not take effect.
    Refused { id: Uuid, code: String },
    /// The server has confirmed a read.
    Read { conversation: String, seq: u64 },
    /// Everything missed has come out; what follows is live.
    Synced,
    /// The server leaves these seqs out.
    Gap {
        conversation: String,
        from: u64,
        to: u64,
    },
    /// The connection has ended by itself. What has no answer stays in doubt.
    Closed { reason: String },
}
