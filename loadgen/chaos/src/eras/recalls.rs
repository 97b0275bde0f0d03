//! What was taken back where a log goes back: what a recall that is lost took back stands again. A connection that stood then is
//! shown some of it by the one log and some by the other.

use std::collections::{BTreeMap, BTreeSet};

use tidings_journal::{Kind, Logged, Micros, Record};
use uuid::Uuid;

use crate::store::Restored;

/// A conversation, and a seq of it.
type Place = (String, u64);

/// Events that say what a message said which some log takes back. Those of conversations that lost nothing are in no set.
pub(super) struct Recalls {
    at: Micros,
    /// What is taken back in the log that was lost, and stands in the back-up.
    lost: BTreeSet<Place>,
    /// What is taken back in the log in the end, and stands in the back-up.
    since: BTreeSet<Place>,
    /// What the back-up says there, and of all that it does not take back: the digests of it, and of the whole event.
    says: BTreeMap<Place, (u64, Option<u64>)>,
}

impl Recalls {
    /// `losers` are the conversations that lost something.
    pub(super) fn of(log: &[Logged], restored: &Restored, losers: &BTreeMap<String, u64>) -> Self {
        let kept = taken_back(&restored.kept);
        let beyond = |log: &[Logged]| -> BTreeSet<Place> {
            let places = taken_back(log).into_iter();
            places
                .filter(|place| losers.contains_key(&place.0) && !kept.contains(place))
                .collect()
        };
        let (lost, since) = (beyond(&restored.lost), beyond(log));
        let moderated = moderated(&restored.kept);
        // What was withheld of these was hidden by somebody, perhaps in a part of the log that is lost; of others it was, when moderators said so.
        let stands = |logged: &Logged, place: &Place| {
            let says = matches!(logged.kind, Kind::Message | Kind::Reply | Kind::Edited);
            says && !kept.contains(place) && !moderated.contains(place)
        };
        let says = restored.kept.iter().filter_map(|logged| {
            let place = (logged.conversation.clone(), logged.seq);
            let is_needed = lost.contains(&place) || since.contains(&place) || stands(logged, &place);
            is_needed.then_some((place, (logged.digest, logged.whole)))
        });
        Self {
            at: restored.at,
            says: says.collect(),
            lost,
            since,
        }
    }

    /// Whether only somebody who met the log that was lost can have been shown this.
    pub(super) fn shows_lost(&self, record: &Record) -> bool {
        withheld(record).is_some_and(|place| self.lost.contains(&place) && !self.since.contains(&place))
    }

    /// A record of a connection that stood when the log went back, for the log that was lost. Until the connection ends, what it
    /// asks for comes from the one log or from the other.
    pub(super) fn for_lost(&self, mut record: Record) -> Record {
        if record.at() <= self.at {
            return record;
        }
        let Some(place) = shown(&record) else {
            return record;
        };
        let is_withheld = withheld(&record).is_some();
        let (lost, since) = (self.lost.contains(&place), self.since.contains(&place));
        if lost && !is_withheld && self.says.contains_key(&place) {
            withhold(&mut record);
        } else if is_withheld && since && !lost {
            self.say(&mut record, &place);
        }
        record
    }

    /// The same for the log in the end. What was withheld for a recall that the back-up lacks, or because somebody hid it, has been judged
    /// by the log that was lost.
    pub(super) fn for_kept(&self, record: &mut Record) {
        if let Some(place) = withheld(record) {
            self.say(record, &place);
        }
    }

    /// Puts in what the back-up says there, if a recall beyond it is why the record does not.
    fn say(&self, record: &mut Record, place: &Place) {
        let Some(said) = self.says.get(place) else { return };
        if let Record::Delivered {
            withheld,
            digest,
            whole,
            ..
        } = record
        {
            *withheld = false;
            (*digest, *whole) = *said;
        }
    }
}

fn withhold(record: &mut Record) {
    if let Record::Delivered {
        withheld,
        digest,
        whole,
        ..
    } = record
    {
        *withheld = true;
        (*digest, *whole) = (0, None);
    }
}

/// Where an event stands that was shown.
fn shown(record: &Record) -> Option<Place> {
    match record {
        Record::Delivered {
            conversation,
            seq: Some(seq),
            ..
        } => Some((conversation.clone(), *seq)),
        _ => None,
    }
}

/// The same of one that came without what it said.
fn withheld(record: &Record) -> Option<Place> {
    let is_withheld = matches!(record, Record::Delivered { withheld: true, .. });
    shown(record).filter(|_| is_withheld)
}

/// What a log tells without what it said.
fn taken_back(log: &[Logged]) -> BTreeSet<Place> {
    let (mut recalled, mut withheld) = (BTreeSet::new(), BTreeSet::new());
    for (kind, message) in log.iter().filter_map(|logged| Some((logged.kind, logged.of?))) {
        _ = match kind {
            Kind::Recalled => recalled.insert(message),
            Kind::Withheld => withheld.insert(message),
            Kind::Shown => withheld.remove(&message),
            _ => false,
        };
    }
    places(log, |message| {
        recalled.contains(&message) || withheld.contains(&message)
    })
}

/// What a log has of messages that were ever withheld.
fn moderated(log: &[Logged]) -> BTreeSet<Place> {
    let withheld = log.iter().filter(|logged| logged.kind == Kind::Withheld);
    let withheld: BTreeSet<Uuid> = withheld.filter_map(|logged| logged.of).collect();
    places(log, |message| withheld.contains(&message))
}

/// What says in a log what messages of some sort said.
fn places(log: &[Logged], is_meant: impl Fn(Uuid) -> bool) -> BTreeSet<Place> {
    let says = |logged: &&Logged| {
        let message = match logged.kind {
            Kind::Message | Kind::Reply => logged.id,
            Kind::Edited => logged.of,
            Kind::Joined | Kind::Left | Kind::Recalled | Kind::Withheld | Kind::Shown | Kind::Other => None,
        };
        message.is_some_and(&is_meant)
    };
    let places = log.iter().filter(says);
    places
        .map(|logged| (logged.conversation.clone(), logged.seq))
        .collect()
}
