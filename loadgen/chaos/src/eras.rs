//! A run whose log went back is judged as two: all that was seen before, against the log that was lost; and all that was seen since,
//! together with what the back-up holds of the time before, against the log in the end. What the back-up lacks is excused, and
//! nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use tidings_journal::{Journal, Kind, Logged, Micros, Record, Via};
use uuid::Uuid;

use crate::store::Restored;
use recalls::Recalls;

mod recalls;

/// The two eras of a run.
pub(crate) struct Eras {
    pub(crate) before: Vec<Journal>,
    /// The log as those saw it who were connected before.
    pub(crate) log_before: Vec<Logged>,
    pub(crate) after: Vec<Journal>,
}

impl Eras {
    /// From the journals of the run, its log in the end, and journals of all reads that this log knows of.
    pub(crate) fn of(journals: &[Journal], log: &[Logged], reads: Vec<Journal>, restored: &Restored) -> Self {
        let logs = Logs::of(journals, log, restored);
        let (mut before, mut after) = (Vec::new(), reads);
        for journal in journals {
            let (first, second) = logs.split(journal, restored.at);
            let second = [asked_before(&first, &second), second].concat();
            let named = |device: String, records: Vec<Record>| Journal {
                user: journal.user.clone(),
                device,
                records,
            };
            let device = &journal.device;
            // What was sent later and stands in both logs is nothing that nobody sent.
            let later = second.iter().filter(|record| logs.is_later(record));
            before.push(named(format!("{device}, later"), ended(later.cloned().collect())));
            let kept = first.iter().filter_map(|record| logs.kept(&journal.user, record));
            after.push(named(format!("{device}, before"), ended(kept.collect())));
            let first = first.into_iter().map(|record| logs.recalls.for_lost(record));
            before.push(named(device.clone(), ended(first.collect())));
            let second = logs.without_vain_claims(second);
            let left = second.into_iter().filter_map(|record| logs.left(record));
            after.push(named(device.clone(), left.collect()));
        }
        let log_before = logs.before(log, restored);
        Self {
            before,
            log_before,
            after,
        }
    }
}

/// What is where.
struct Logs {
    /// How far what was seen before the restoring is true after it; conversations that are not here lost nothing.
    kept: BTreeMap<String, u64>,
    /// The same for somebody who is out of a conversation where the back-up ends: up to where they went, though the lost log
    /// may have shown them more when it let them in again.
    went: BTreeMap<(String, String), u64>,
    /// Of what was acked before and is in the log in the end, the command.
    lasting: BTreeSet<Uuid>,
    /// Of what was only in the log that was lost.
    lost: BTreeSet<Uuid>,
    /// Of what conversations that lost nothing have got since.
    since: BTreeSet<Uuid>,
    /// Conversations of the log in the end.
    known: BTreeSet<String>,
    /// Conversations of which nothing is left, and what was sent to them.
    gone: BTreeSet<String>,
    to_gone: BTreeSet<Uuid>,
    /// Events of the lost log behind the back-up, as a whole.
    wholes: BTreeSet<(String, u64, u64)>,
    /// Events of the log in the end that stand where lost ones may have stood, as a whole.
    instead: BTreeSet<(String, u64, u64)>,
    recalls: Recalls,
}

impl Logs {
    fn of(journals: &[Journal], log: &[Logged], restored: &Restored) -> Self {
        let known: BTreeSet<String> = log.iter().map(|logged| logged.conversation.clone()).collect();
        let gone = restored.lost.iter().map(|logged| logged.conversation.clone());
        let gone: BTreeSet<String> = gone
            .filter(|conversation| !known.contains(conversation))
            .collect();
        let to_gone = journals.iter().flat_map(|journal| &journal.records);
        let to_gone = to_gone.filter_map(|record| match record {
            Record::Send { id, conversation, .. } if gone.contains(conversation) => Some(*id),
            _ => None,
        });
        let to_gone = to_gone.collect();
        let (kept_heads, lost_heads) = (heads(&restored.kept), heads(&restored.lost));
        let kept: BTreeMap<String, u64> = lost_heads
            .into_iter()
            .filter_map(|(conversation, head)| {
                let kept = kept_heads.get(&conversation).copied().unwrap_or(0);
                (kept < head).then_some((conversation, kept))
            })
            .collect();
        let ids = |log: &[Logged]| log.iter().filter_map(|logged| logged.id).collect::<BTreeSet<_>>();
        let in_kept = ids(&restored.kept);
        let in_lost = ids(&restored.lost);
        let behind = |logged: &&Logged| {
            kept.get(&logged.conversation)
                .is_some_and(|kept| logged.seq > *kept)
        };
        let whole = |logged: &Logged| Some((logged.conversation.clone(), logged.seq, logged.whole?));
        let wholes = restored.lost.iter().filter(behind).filter_map(whole);
        let instead = log.iter().filter(behind).filter_map(whole);
        let lasting = ids(log);
        Self {
            wholes: wholes.collect(),
            instead: instead.collect(),
            recalls: Recalls::of(log, restored, &kept),
            lost: in_lost.difference(&in_kept).copied().collect(),
            since: log
                .iter()
                .filter(|logged| !kept.contains_key(&logged.conversation))
                .filter_map(|logged| logged.id)
                .filter(|id| !in_kept.contains(id))
                .collect(),
            known,
            gone,
            to_gone,
            lasting,
            went: went(&restored.kept, &kept),
            kept,
        }
    }

    /// The log as those saw it who were connected before: what lost nothing went on under them.
    fn before(&self, log: &[Logged], restored: &Restored) -> Vec<Logged> {
        let lost = restored
            .lost
            .iter()
            .filter(|logged| self.kept.contains_key(&logged.conversation));
        let same = log
            .iter()
            .filter(|logged| !self.kept.contains_key(&logged.conversation));
        let mut all: Vec<Logged> = lost.chain(same).cloned().collect();
        all.sort_by(|a, b| (&a.conversation, a.seq).cmp(&(&b.conversation, b.seq)));
        all
    }

    /// Whether a record of the time after belongs to what the log before has too, or may have had: what somebody asked to hide then, and
    /// was answered later.
    fn is_later(&self, record: &Record) -> bool {
        match record {
            Record::Send { id, .. } => self.since.contains(id),
            Record::Hidden { .. } | Record::Cleared { .. } | Record::Blocked { .. } => true,
            _ => false,
        }
    }

    /// The records of each era. Connections that stood when the log went back belong to the time before until they end.
    fn split(&self, journal: &Journal, at: Micros) -> (Vec<Record>, Vec<Record>) {
        let (mut first, mut second): (Vec<Record>, Vec<Record>) = (Vec::new(), Vec::new());
        let records = &journal.records;
        let mut connected: Option<bool> = None;
        // Of the last connection that stood: its answers may be written down while the next one is made.
        let mut stood: Option<bool> = None;
        let mut setting_out: Option<Micros> = None;
        for (number, record) in records.iter().enumerate() {
            let is_second = match record {
                Record::Connecting { at: began } => {
                    setting_out = Some(*began);
                    connected = None;
                    self.connection_is_second(&records[number + 1..], *began, at)
                }
                Record::Connected { .. } => {
                    let began = setting_out.take().unwrap_or_else(|| record.at());
                    let is_second = self.connection_is_second(&records[number..], began, at);
                    (connected, stood) = (Some(is_second), Some(is_second));
                    is_second
                }
                // The first part gets one of its own.
                Record::End { .. } => true,
                Record::Disconnected { .. } => connected.take().unwrap_or(record.at() > at),
                // An answer to what was taken up again after the log had gone back.
                Record::Ack { id, .. } if self.lasting.contains(id) && connected == Some(false) => {
                    record.at() > at && !self.lost.contains(id) && self.since_lost(journal, *id)
                }
                Record::Ack { .. } => connected.or(stood).unwrap_or(record.at() > at),
                // Caught up from the log as it is by then, before the node has closed the connection for it.
                record if connected == Some(false) && record.at() > at && self.shows_instead(record) => true,
                record => connected.unwrap_or(record.at() > at),
            };
            if is_second { &mut second } else { &mut first }.push(record.clone());
        }
        (first, second)
    }

    /// Whether it is caught up with an event that stands in the place of a lost one.
    fn shows_instead(&self, record: &Record) -> bool {
        matches!(record, Record::Delivered { conversation, seq: Some(seq), whole: Some(whole), via: Via::CatchUp, .. }
            if self.instead.contains(&(conversation.clone(), *seq, *whole)))
    }

    /// Whether a message of a conversation that lost something is in the log in the end only.
    fn since_lost(&self, journal: &Journal, id: Uuid) -> bool {
        !self.since.contains(&id)
            && journal.records.iter().any(|record| {
                matches!(record, Record::Send { id: sent, conversation, .. }
                    if *sent == id && self.kept.contains_key(conversation))
            })
    }

    /// Whether a connection that set out at `began` met the log that had gone back. One that set out before and was welcomed after
    /// is known by what it was shown.
    fn connection_is_second(&self, rest: &[Record], began: Micros, at: Micros) -> bool {
        if began > at {
            return true;
        }
        let connected = rest
            .iter()
            .find(|record| matches!(record, Record::Connected { .. } | Record::Connecting { .. }));
        match connected {
            Some(Record::Connected { at: stood, .. }) if *stood > at => {}
            _ => return false,
        }
        let shown = rest
            .iter()
            .take_while(|record| !matches!(record, Record::Disconnected { .. }));
        let mut shown = shown.filter(|record| match record {
            Record::Delivered {
                conversation,
                seq: Some(seq),
                whole: Some(whole),
                ..
            } => self.wholes.contains(&(conversation.clone(), *seq, *whole)),
            record => self.recalls.shows_lost(record),
        });
        shown.next().is_none()
    }

    /// A claim of a conversation that has lost something says nothing where the log does not have it at that moment, and it may come
    /// again from its beginning: a command that is repeated makes the same one.
    fn without_vain_claims(&self, mut records: Vec<Record>) -> Vec<Record> {
        let mut shown: BTreeSet<String> = BTreeSet::new();
        for number in 0..records.len() {
            let (here, rest) = records[number..].split_at_mut(1);
            match &mut here[0] {
                Record::Connected { resume, .. } => {
                    let claims = resume.iter_mut();
                    let lost = claims.filter(|(conversation, _)| {
                        self.kept.contains_key(*conversation) && !shown.contains(*conversation)
                    });
                    for (conversation, claim) in lost {
                        if let Some(first) = first_of(rest, conversation) {
                            *claim = (first - 1).min(*claim);
                        }
                    }
                }
                Record::Delivered { conversation, .. } => {
                    shown.insert(conversation.clone());
                }
                _ => {}
            }
        }
        records
    }

    /// A record of the time after, without what people ask and claim of conversations of which nothing is left.
    fn left(&self, mut record: Record) -> Option<Record> {
        let stays = match &mut record {
            Record::Connected { resume, .. } => {
                resume.retain(|conversation, _| !self.gone.contains(conversation));
                true
            }
            Record::Send { id, .. } | Record::Refused { id, .. } | Record::Unsettled { id, .. } => {
                !self.to_gone.contains(id)
            }
            _ => true,
        };
        stays.then_some(record)
    }

    /// What is left of a record of the time before where the back-up is all that is left.
    fn kept(&self, user: &str, record: &Record) -> Option<Record> {
        let bound = |conversation: &str| {
            let went = self.went.get(&(user.to_owned(), conversation.to_owned()));
            went.or_else(|| self.kept.get(conversation))
                .copied()
                .unwrap_or(u64::MAX)
        };
        let mut record = record.clone();
        let stays = match &mut record {
            Record::Connected { resume, .. } => {
                resume.retain(|conversation, _| self.known.contains(conversation));
                for (conversation, seq) in resume {
                    *seq = (*seq).min(bound(conversation));
                }
                true
            }
            Record::Send { id, .. } | Record::Refused { id, .. } | Record::Unsettled { id, .. } => {
                !self.to_gone.contains(id)
            }
            Record::Ack { id, .. } => !self.lost.contains(id),
            Record::Delivered {
                conversation, seq, ..
            } => self.known.contains(conversation) && seq.is_none_or(|seq| seq <= bound(conversation)),
            Record::Gap {
                conversation,
                from,
                to,
                ..
            } => {
                *to = (*to).min(bound(conversation));
                self.known.contains(conversation) && from <= to
            }
            // The log says what is left of them. And how much is caught up says nothing of a part of it.
            Record::Read { .. }
            | Record::Hidden { .. }
            | Record::Cleared { .. }
            | Record::Blocked { .. }
            | Record::Unread { .. }
            | Record::History { .. }
            | Record::Limits { .. }
            | Record::Receipt { .. } => false,
            _ => true,
        };
        self.recalls.for_kept(&mut record);
        stays.then_some(record)
    }
}

/// The first seq of a conversation that comes on a connection by itself.
fn first_of(records: &[Record], conversation: &str) -> Option<u64> {
    let here = records
        .iter()
        .take_while(|record| !matches!(record, Record::Connected { .. } | Record::Disconnected { .. }));
    let mut seqs = here.filter_map(|record| match record {
        Record::Delivered {
            conversation: of,
            seq,
            via: Via::Live | Via::CatchUp,
            ..
        } if of == conversation => *seq,
        Record::Gap {
            conversation: of,
            from,
            ..
        } if of == conversation => Some(*from),
        _ => None,
    });
    seqs.next().filter(|seq| *seq > 0)
}

fn heads(log: &[Logged]) -> BTreeMap<String, u64> {
    let mut heads = BTreeMap::new();
    for logged in log {
        let head: &mut u64 = heads.entry(logged.conversation.clone()).or_default();
        *head = logged.seq.max(*head);
    }
    heads
}

/// Who is out of a conversation that lost something where the back-up ends, and since which seq.
fn went(log: &[Logged], losers: &BTreeMap<String, u64>) -> BTreeMap<(String, String), u64> {
    let mut went = BTreeMap::new();
    for logged in log
        .iter()
        .filter(|logged| losers.contains_key(&logged.conversation))
    {
        for user in &logged.users {
            let place = (user.clone(), logged.conversation.clone());
            match logged.kind {
                Kind::Left => went.insert(place, logged.seq),
                Kind::Joined => went.remove(&place),
                Kind::Message
                | Kind::Reply
                | Kind::Edited
                | Kind::Recalled
                | Kind::Withheld
                | Kind::Shown
                | Kind::Other => None,
            };
        }
    }
    went
}

/// What was asked in the first part of a journal and answered in the second one, where it was not asked again.
fn asked_before(first: &[Record], second: &[Record]) -> Vec<Record> {
    let asked = second.iter().filter_map(|record| match record {
        Record::Send { id, .. } => Some(*id),
        _ => None,
    });
    let asked: BTreeSet<Uuid> = asked.collect();
    let answered = second.iter().filter_map(|record| match record {
        Record::Ack { id, .. } | Record::Refused { id, .. } | Record::Unsettled { id, .. } => Some(*id),
        _ => None,
    });
    let mut open: BTreeSet<Uuid> = answered.filter(|id| !asked.contains(id)).collect();
    let asks = first
        .iter()
        .filter(|record| matches!(record, Record::Send { id, .. } if open.remove(id)));
    asks.cloned().collect()
}

/// A part of a journal that ends with the connection.
fn ended(mut records: Vec<Record>) -> Vec<Record> {
    let at = records.last().map_or(0, Record::at);
    records.extend([Record::Disconnected { at }, Record::End { at }]);
    records
}

#[cfg(test)]
mod tests;
