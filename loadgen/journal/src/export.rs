//! The log that a server exported: every conversation's events by seq, and who was in it when.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use uuid::Uuid;

use crate::lines::{LineReader, LineWriter, ReadError};
use crate::names::Names;
use crate::record::{Kind, Logged, Stored};
use crate::world::{Words, World};

/// The log in memory, about 100 bytes a message.
#[derive(Debug, Default)]
pub struct Export {
    pub(crate) users: Names,
    pub(crate) names: Names,
    /// By the number of the name.
    pub(crate) conversations: Vec<Conversation>,
    /// Where each message stands.
    places: HashMap<Uuid, Place>,
    /// Where each message was first taken back, if it was.
    recalls: HashMap<Uuid, Place>,
    /// Of each message that was ever withheld, from where on and up to where, one time after the other.
    withheld: HashMap<Uuid, Vec<Spell>>,
    /// Messages that stand twice: the first place and the other.
    pub(crate) repeats: Vec<(Place, Place)>,
    /// What is known of the run beside it.
    pub(crate) world: Words,
    lines: u32,
}

/// The log of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// The event of seq n stands at n - 1.
    pub(crate) entries: Vec<Entry>,
    /// By user and seq: whether the user is in from there on.
    pub(crate) changes: HashMap<u32, Vec<Change>>,
    /// By the seq of a recall, that of the message which it takes back, where no other did so before.
    pub(crate) recalls: HashMap<u64, u64>,
    /// By the seq of what withholds a message or shows it again, that of the message, and whether it is withheld from there on.
    pub(crate) withholdings: HashMap<u64, (u64, bool)>,
    /// The first line whose seq does not follow the one before, with that line and the seq.
    pub(crate) torn: Option<(u32, u64)>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    /// Of other events than messages, the command, where the export tells it.
    pub(crate) id: Option<Uuid>,
    pub(crate) digest: u64,
    pub(crate) whole: Option<u64>,
    pub(crate) of: Option<Uuid>,
    pub(crate) withheld: bool,
    pub(crate) stored: Option<Stored>,
    pub(crate) actor: u32,
    /// Where the export has it, from 1.
    pub(crate) line: u32,
    pub(crate) kind: Kind,
}

impl Entry {
    /// The message of which it says what that said.
    fn says_of(&self) -> Option<Uuid> {
        match self.kind {
            Kind::Message | Kind::Reply => self.id,
            Kind::Edited => self.of,
            Kind::Joined | Kind::Left | Kind::Recalled | Kind::Withheld | Kind::Shown | Kind::Other => None,
        }
    }

    /// Whether this may be the digest of what it says.
    pub(crate) fn says(&self, digest: u64) -> bool {
        self.withheld || self.digest == digest
    }
}

/// Where a membership begins or ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) joins: bool,
}

/// An event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) conversation: u32,
    pub(crate) seq: u64,
}

/// From where on what a message said is kept from everybody, and where that ends, if it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    pub(crate) from: Place,
    pub(crate) to: Option<Place>,
}

/// What a user has to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// In the conversation when it happened.
    Member,
    /// Not in then, but from this later seq on.
    Later(u64),
    /// Not in then, nor later.
    Never,
}

impl Export {
    /// Reads an export, `log.jsonl` or `log.jsonl.gz`.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let mut export = Self::default();
        let mut lines = LineReader::<Logged>::open(path)?;
        while let Some(line) = lines.next() {
            let (_, logged) = line?;
            if logged.kind.is_message() && logged.id.is_none() {
                return Err(lines.fault("a message has an id"));
            }
            export.add(&logged);
        }
        Ok(export)
    }

    /// With what is known of the run from outside.
    #[must_use]
    pub fn with_world(mut self, words: impl IntoIterator<Item = World>) -> Self {
        words.into_iter().for_each(|word| self.world.add(word));
        self
    }

    fn add(&mut self, logged: &Logged) {
        self.lines += 1;
        let number = self.names.number(&logged.conversation);
        if number as usize == self.conversations.len() {
            self.conversations.push(Conversation::default());
        }
        let actor = self.users.number(&logged.actor);
        let conversation = &mut self.conversations[number as usize];
        let seq = conversation.head() + 1;
        if logged.seq != seq {
            // Nothing behind it has a place of its own.
            conversation.torn.get_or_insert((self.lines, logged.seq));
        }
        if conversation.torn.is_some() {
            return;
        }
        conversation.entries.push(Entry {
            id: logged.id,
            digest: logged.digest,
            whole: logged.whole,
            of: logged.of,
            withheld: logged.withheld,
            stored: logged.stored,
            actor,
            line: self.lines,
            kind: logged.kind,
        });
        if matches!(logged.kind, Kind::Joined | Kind::Left) {
            for user in &logged.users {
                let user = self.users.number(user);
                let joins = logged.kind == Kind::Joined;
                let changes = conversation.changes.entry(user).or_default();
                changes.push(Change { seq, joins });
            }
        }
        let place = Place {
            conversation: number,
            seq,
        };
        if logged.kind == Kind::Recalled
            && let Some(message) = logged.of
            && let Some(target) = self.places.get(&message)
            && target.conversation == number
            && !self.recalls.contains_key(&message)
        {
            self.conversations[number as usize]
                .recalls
                .insert(seq, target.seq);
            self.recalls.insert(message, place);
            // What is withheld is shown again right before it is taken back, by the same command: nobody sees it in between.
            let spells = self.withheld.get_mut(&message);
            let before = |spell: &&mut Spell| spell.to.is_some_and(|to| to.seq + 1 == seq);
            if let Some(spell) = spells.and_then(|spells| spells.last_mut()).filter(before) {
                spell.to = Some(place);
            }
        }
        let withheld = logged.kind == Kind::Withheld;
        if (withheld || logged.kind == Kind::Shown)
            && let Some(message) = logged.of
            && let Some(target) = self.places.get(&message)
            && target.conversation == number
            && self.is_withheld(message) != withheld
        {
            self.conversations[number as usize]
                .withholdings
                .insert(seq, (target.seq, withheld));
            let spells = self.withheld.entry(message).or_default();
            match spells.last_mut() {
                Some(spell) if !withheld => spell.to = Some(place),
                _ => spells.push(Spell {
                    from: place,
                    to: None,
                }),
            }
        }
        if let Some(id) = logged.id {
            match self.places.get(&id) {
                Some(first) => self.repeats.push((*first, place)),
                None => {
                    self.places.insert(id, place);
                }
            }
        }
    }

    pub(crate) fn place(&self, id: Uuid) -> Option<Place> {
        self.places.get(&id).copied()
    }

    pub(crate) fn entry(&self, place: Place) -> Option<&Entry> {
        let conversation = self.conversations.get(place.conversation as usize)?;
        conversation.entry(place.seq)
    }

    /// When the message was kept from everybody of which an event says what it said, its own or an edit: for ever where it was recalled, and for a
    /// while where it was withheld.
    pub(crate) fn spells(&self, place: Place) -> impl Iterator<Item = Spell> {
        let message = self.entry(place).and_then(Entry::says_of);
        let recall = message.and_then(|message| self.recalls.get(&message));
        let recall = recall.map(|from| Spell {
            from: *from,
            to: None,
        });
        let withheld = message.and_then(|message| self.withheld.get(&message));
        recall.into_iter().chain(withheld.into_iter().flatten().copied())
    }

    fn is_withheld(&self, message: Uuid) -> bool {
        let last = self.withheld.get(&message).and_then(|spells| spells.last());
        last.is_some_and(|spell| spell.to.is_none())
    }

    /// Events in all.
    pub fn len(&self) -> usize {
        self.conversations
            .iter()
            .map(|conversation| conversation.entries.len())
            .sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event as a line again.
    pub(crate) fn logged(&self, place: Place) -> Option<Logged> {
        let conversation = self.conversations.get(place.conversation as usize)?;
        let entry = conversation.entry(place.seq)?;
        let mut users: Vec<String> = conversation
            .changes
            .iter()
            .filter(|(_, changes)| changes.iter().any(|change| change.seq == place.seq))
            .map(|(user, _)| self.users.name(*user).to_owned())
            .collect();
        users.sort();
        Some(Logged {
            conversation: self.names.name(place.conversation).to_owned(),
            seq: place.seq,
            kind: entry.kind,
            actor: self.users.name(entry.actor).to_owned(),
            id: entry.id,
            digest: entry.digest,
            whole: entry.whole,
            of: entry.of,
            withheld: entry.withheld,
            stored: entry.stored,
            users,
        })
    }
}

impl FromIterator<Logged> for Export {
    /// Takes lines in the order of the log.
    fn from_iter<I: IntoIterator<Item = Logged>>(lines: I) -> Self {
        let mut export = Self::default();
        for logged in lines {
            export.add(&logged);
        }
        export
    }
}

/// Writes lines of the log to a file; one that ends in `.gz` is compressed.
pub fn write_log<'a>(path: &Path, log: impl IntoIterator<Item = &'a Logged>) -> io::Result<()> {
    let mut lines = LineWriter::create(path)?;
    for logged in log {
        lines.append(logged)?;
    }
    lines.close()
}

impl Conversation {
    /// The last seq.
    pub(crate) fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn entry(&self, seq: u64) -> Option<&Entry> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.entries.get(index)
    }

    pub(crate) fn is_message(&self, seq: u64) -> bool {
        self.entry(seq).is_some_and(|entry| entry.kind.is_message())
    }

    /// A join takes effect with its event, a leave after it. Where the log tells nothing of members, all are.
    pub(crate) fn sight(&self, user: u32, seq: u64) -> Sight {
        if self.changes.is_empty() {
            return Sight::Member;
        }
        let changes = self.changes.get(&user).map_or(&[][..], Vec::as_slice);
        let until = changes.partition_point(|change| change.seq <= seq);
        let member = changes[..until]
            .last()
            .is_some_and(|change| change.joins || change.seq == seq);
        if member {
            return Sight::Member;
        }
        let joins = changes[until..].iter().find(|change| change.joins);
        joins.map_or(Sight::Never, |change| Sight::Later(change.seq))
    }

    /// The last seq that is owed to a user: the head for a member, the leave for a former one, 0 for others.
    pub(crate) fn owed(&self, user: u32) -> u64 {
        if self.changes.is_empty() {
            return self.head();
        }
        match self.changes.get(&user).and_then(|changes| changes.last()) {
            Some(change) if change.joins => self.head(),
            Some(change) => change.seq,
            None => 0,
        }
    }

    /// Whether a user is a member at the end, also where a leave is the last event of all.
    pub(crate) fn stays(&self, user: u32) -> bool {
        let last = self.changes.get(&user).and_then(|changes| changes.last());
        self.changes.is_empty() || last.is_some_and(|change| change.joins)
    }

    /// Whether a user leaves behind this seq.
    pub(crate) fn leaves_behind(&self, user: u32, seq: u64) -> bool {
        let changes = self.changes.get(&user);
        changes.is_some_and(|changes| changes.iter().any(|change| change.seq > seq && !change.joins))
    }

    /// Where a user came in first.
    pub(crate) fn first_join(&self, user: u32) -> u64 {
        let changes = self.changes.get(&user);
        let join = changes.and_then(|changes| changes.iter().find(|change| change.joins));
        join.map_or(1, |change| change.seq)
    }
}
