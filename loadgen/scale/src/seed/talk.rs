//! Groups in which much is said, written in stretches straight into the log of a stopped node.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::{
    CommandId, Content, ConversationCommand, ConversationId, DigestKey, GroupName, MessageText, UserId,
};
use tidings_eventlog::{Log, LogConfig};
use uuid::Uuid;

use super::author::{Author, Room, Stream, Times};
use super::copy::Table;
use super::{EVENT, make_segments, move_back, write_heads};
use crate::search::{GROUPS, Script, Speech, WRITERS};
use tidings_bench::database::Database;

/// How far back it begins. Months are what a search walks through.
const SPAN: TimeDelta = TimeDelta::days(365);
/// The last stretch begins so long before now.
const LATELY: TimeDelta = TimeDelta::hours(6);

/// What has been said so far, and where.
pub(crate) struct Talk {
    speech: Arc<Speech>,
    people: Vec<Stream>,
    groups: Vec<Room>,
    said: u64,
    /// Messages, and bytes of their texts, by script.
    messages: [u64; Script::ALL.len()],
    bytes: [u64; Script::ALL.len()],
    until: DateTime<Utc>,
}

impl Talk {
    /// Makes the groups and who writes in them. `readers` have registered, in this order; nothing else may have happened.
    pub(crate) async fn begin(database_url: &str, speech: Arc<Speech>, readers: &[Uuid]) -> Result<Self> {
        let database = Database::open(database_url).await?;
        let from = move_back(&database, SPAN).await?;
        let config = LogConfig::from_url(database_url)?;
        let log = Log::new(config.pool()?, config.timeout);
        let known = log.stream_heads(readers).await?;
        let known: Option<Vec<Stream>> = known.iter().map(|head| head.as_ref().map(Stream::of)).collect();
        let known = known.context("a reader is not registered")?;
        let talk = Self {
            messages: [0; Script::ALL.len()],
            bytes: [0; Script::ALL.len()],
            groups: vec![],
            people: known,
            said: 0,
            speech,
            until: from,
        };
        let (identity, readers) = (log.identity().await?, readers.len());
        let times = Times {
            from: from + TimeDelta::seconds(1),
            step: TimeDelta::milliseconds(1),
        };
        talk.write(database_url, 100_000, times, move |talk, author| {
            talk.gather(author, identity, readers)
        })
        .await
    }

    /// Says so many more things: the first time evenly until some hours ago, then evenly until now.
    pub(crate) async fn say(self, database_url: &str, count: u64) -> Result<Self> {
        ensure!(count > 0, "nothing to say");
        let database = Database::open(database_url).await?;
        let now = database.query_one("SELECT now()", &[]).await?;
        let now: DateTime<Utc> = now.try_get(0)?;
        let end = if self.said == 0 { now - LATELY } else { now };
        let step = (end - self.until) / i32::try_from(count + 1).context("so many do not fit")?;
        let times = Times {
            from: self.until + step,
            step,
        };
        self.write(database_url, count, times, move |talk, author| {
            (0..count).try_for_each(|_| talk.say_next(author))
        })
        .await
    }

    /// How many messages there are.
    pub(crate) fn said(&self) -> u64 {
        self.said
    }

    /// Bytes of their texts, by script.
    pub(crate) fn bytes(&self) -> [u64; Script::ALL.len()] {
        self.bytes
    }

    /// Of one message of a script.
    pub(crate) fn mean_bytes(&self, script: Script) -> f64 {
        let script = script as usize;
        self.bytes[script] as f64 / self.messages[script].max(1) as f64
    }

    /// The ids of the groups, by number.
    pub(crate) fn groups(&self) -> Vec<Uuid> {
        self.groups.iter().map(|room| room.stream.id).collect()
    }

    /// Lets something happen in the log, of which each lane takes at most so many events.
    async fn write(
        mut self,
        database_url: &str,
        events: u64,
        times: Times,
        happen: impl FnOnce(&mut Self, &mut Author) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let database = Database::open(database_url).await?;
        let config = LogConfig::from_url(database_url)?;
        let log = Log::new(config.pool()?, config.timeout);
        let heads = log.heads().await?;
        let highest = heads.iter().map(|lane| lane.head).max().unwrap_or(0);
        make_segments(&database, highest + events).await?;
        let mut tables = vec![];
        for _ in &heads {
            tables.push(Table::open(database_url, EVENT).await?);
        }
        let key = DigestKey::new(&log.secret().await?);
        let mut author = Author::new(&heads, tables, key, times);
        let writing = tokio::task::spawn_blocking(move || {
            let happened = happen(&mut self, &mut author);
            (self, author, happened)
        });
        let (mut talk, author, happened) = writing.await?;
        // Where a table broke off, it knows better why.
        let ends = author.close().await?;
        happened?;
        talk.until = ends.iter().map(|(_, at)| *at).max().unwrap_or(talk.until);
        let rooms = talk.groups.iter().map(|room| room.stream);
        let streams = talk.people.iter().copied().chain(rooms).collect();
        write_heads(database_url, &database, streams, &ends).await?;
        Ok(talk)
    }

    /// Registers who writes, and has the first writer of each group make it.
    fn gather(&mut self, author: &mut Author, log: Uuid, readers_count: usize) -> Result<()> {
        for number in 0..WRITERS {
            let person = author.register(number)?;
            self.people.push(person);
        }
        for group in 0..GROUPS {
            let readers = (0..readers_count).filter(|reader| Speech::hears(*reader, group));
            let writers = Speech::writers_of(group).map(|writer| self.people[readers_count + writer].id);
            let writers: Vec<Uuid> = writers.collect();
            let members = readers.map(|reader| self.people[reader].id);
            let members = members.chain(writers[1..].iter().copied()).map(UserId);
            let owner = UserId(writers[0]);
            let command = author.command_id();
            let mut room = Room::new(ConversationId::group(log, owner, CommandId(command)));
            let create = ConversationCommand::CreateGroup {
                name: GroupName::parse(&format!("group {group}"))?,
                members: members.collect(),
            };
            author.command(&mut room, owner.0, command, create)?;
            self.groups.push(room);
        }
        Ok(())
    }

    fn say_next(&mut self, author: &mut Author) -> Result<()> {
        let said = self.speech.said(self.said);
        self.said += 1;
        self.messages[said.script as usize] += 1;
        self.bytes[said.script as usize] += said.text.len() as u64;
        let writer = self.people[self.people.len() - WRITERS + said.writer].id;
        let content = Content::Text {
            text: MessageText::parse(said.text)?,
        };
        let command = author.command_id();
        let message = ConversationCommand::SendMessage(content.into());
        author.command(&mut self.groups[said.group], writer, command, message)
    }
}
