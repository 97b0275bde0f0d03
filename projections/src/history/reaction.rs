//! Reactions: one row for each message, emoji and person.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::ReactionChanged;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// What some people have reacted to a message with.
#[derive(Clone, Debug)]
pub struct Reaction {
    /// The seq of the message.
    pub message_seq: i64,
    pub conversation: Uuid,
    pub emoji: String,
    /// How many people.
    pub count: i64,
    /// Whether the viewer is one of them.
    pub viewer_reacted: bool,
}

static REACTIONS: Sql = Sql::new(include_str!("reactions.sql"));
static PEOPLE: Sql = Sql::new(include_str!("reaction_people.sql"));

/// What has been reacted to each message, each emoji once, in the order in which they came. A message is named by its
/// conversation and its seq, at the same place of both lists.
pub fn reactions(viewer: Uuid, conversations: Vec<Uuid>, seqs: Vec<i64>) -> Select<Reaction> {
    Select::new(&REACTIONS, Reaction::read)
        .with(conversations)
        .with(seqs)
        .with(viewer)
}

/// A part of those who have reacted to a message with an emoji, in the order of their ids. Message and emoji are named by
/// what stands at the same place of the three lists.
pub fn reaction_people(
    conversations: Vec<Uuid>,
    seqs: Vec<i64>,
    emojis: Vec<String>,
    range: &Range<Uuid>,
) -> Select<Listed<Uuid>> {
    let read = |row: &Row| Listed::read(row, "user_id", |row| row.try_get("user_id"));
    Select::new(&PEOPLE, read)
        .with(conversations)
        .with(seqs)
        .with(emojis)
        .within(range)
}

impl Reaction {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            message_seq: row.try_get("message_seq")?,
            conversation: row.try_get("conversation")?,
            emoji: row.try_get("emoji")?,
            count: row.try_get("count")?,
            viewer_reacted: row.try_get("viewer_reacted")?,
        })
    }
}

/// Conversation, seq of the message, emoji and person.
type Key<'a> = (Uuid, i64, &'a str, Uuid);

/// What a batch does to reactions.
#[derive(Default)]
pub(super) struct Reactions<'a>(BTreeMap<Key<'a>, Change>);

/// What a batch does to one reaction: it may go, and it may come behind that.
#[derive(Default)]
struct Change {
    goes: bool,
    /// The message, and the seq of the event that it comes with.
    comes: Option<(Uuid, i64)>,
}

impl<'a> Reactions<'a> {
    pub(super) fn fold(&mut self, fact: &Fact<'a>, changed: &'a ReactionChanged) {
        let key = (
            fact.stream(),
            changed.message_seq as i64,
            changed.emoji.as_str(),
            fact.record.actor,
        );
        let change = self.0.entry(key).or_default();
        if changed.on {
            // One that is there already keeps its place.
            change.comes.get_or_insert((changed.message, fact.seq()));
        } else {
            *change = Change {
                goes: true,
                comes: None,
            };
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        let gone: Vec<&Key<'_>> = self
            .0
            .iter()
            .filter_map(|(key, change)| change.goes.then_some(key))
            .collect();
        if !gone.is_empty() {
            let (conversations, seqs, emojis, users) = columns(&gone);
            run(
                transaction,
                schema,
                include_str!("reaction_gone.sql"),
                &[&conversations, &seqs, &emojis, &users],
            )
            .await?;
        }
        let (come, places): (Vec<&Key<'_>>, Vec<(Uuid, i64)>) = self
            .0
            .iter()
            .filter_map(|(key, change)| change.comes.map(|place| (key, place)))
            .unzip();
        if !come.is_empty() {
            let (conversations, seqs, emojis, users) = columns(&come);
            let (messages, own_seqs): (Vec<Uuid>, Vec<i64>) = places.into_iter().unzip();
            run(
                transaction,
                schema,
                include_str!("reaction.sql"),
                &[&conversations, &seqs, &emojis, &users, &messages, &own_seqs],
            )
            .await?;
        }
        Ok(())
    }
}

type Columns<'a> = (Vec<Uuid>, Vec<i64>, Vec<&'a str>, Vec<Uuid>);

fn columns<'a>(keys: &[&Key<'a>]) -> Columns<'a> {
    (
        keys.iter().map(|(conversation, ..)| *conversation).collect(),
        keys.iter().map(|(_, seq, ..)| *seq).collect(),
        keys.iter().map(|(.., emoji, _)| *emoji).collect(),
        keys.iter().map(|(.., user)| *user).collect(),
    )
}
