//! Follows one journal beside the log.

mod receipts;
mod sent;
mod shown;
mod there;
mod whole;

use std::collections::HashMap;
use std::path::PathBuf;

use super::Run;
use super::blocks::Block;
use super::found::Line;
use super::heard::Answers;
use super::hidden::{Hide, What};
use super::order::{self, Answer, Try};
use super::reach::{Catch, Reach, Stay, Synced};
use super::unread::Count;
use crate::counterexample::Source;
use crate::export::Place;
use crate::fault::Fault;
use crate::record::{Micros, Record, Via};
use shown::Shown;

/// A device whose journal is being read.
pub(super) struct Follower<'r, 'e> {
    run: &'r mut Run<'e>,
    journal: u32,
    user: u32,
    connection: Option<Connection>,
    connections: u32,
    /// When the client set out to connect.
    sets_out: Option<Micros>,
    /// How far the device has come, by conversation, with the line.
    seen: HashMap<u32, (u64, u32)>,
    tries: Vec<Try>,
    /// Tries before the connection in use.
    tries_before: usize,
    /// Deliveries came without seqs: every connection goes on where the device stopped.
    without_seqs: bool,
    /// Since when the device has been there and all was well, with whatever connections.
    present: Option<Micros>,
    /// The last line, and the one that says that it is the last.
    last: u32,
    end: Option<u32>,
}

/// What a server says of how it catches up, and where.
#[derive(Clone, Copy)]
struct Limits {
    line: u32,
    catch_up: u64,
    total: u64,
}

struct Connection {
    line: u32,
    /// When it stood.
    at: Micros,
    began: Option<Micros>,
    synced: Option<Synced>,
    limits: Option<Limits>,
    /// Events that came so far.
    came: u64,
    /// What came that was asked for, since it was up to date.
    answers: Answers,
    /// How far others have read, by conversation and user, with the line that said so.
    receipts: HashMap<(u32, u32), (u64, u32)>,
    reaches: HashMap<u32, Reach>,
}

impl<'r, 'e> Follower<'r, 'e> {
    pub(super) fn new(run: &'r mut Run<'e>, user: &str, device: &str, file: Option<PathBuf>) -> Self {
        let journal = u32::try_from(run.devices.len()).expect("fewer than 2^32 journals");
        run.devices.push(Source::Journal {
            user: user.to_owned(),
            device: device.to_owned(),
            file,
        });
        run.summary.journals += 1;
        let user = run.users.number(user);
        Self {
            run,
            journal,
            user,
            connection: None,
            connections: 0,
            sets_out: None,
            seen: HashMap::new(),
            tries: Vec::new(),
            tries_before: 0,
            without_seqs: false,
            present: None,
            last: 1,
            end: None,
        }
    }

    pub(super) fn take(&mut self, line: u32, record: &Record) {
        self.last = line;
        self.be_there(record.at());
        match record {
            Record::Client { .. } => {}
            Record::Connecting { at } => self.sets_out = Some(*at),
            Record::Connected { at, resume } => {
                self.hang_up();
                self.connections += 1;
                self.run.summary.connections += 1;
                self.connection = Some(Connection {
                    line,
                    at: *at,
                    began: self.sets_out.take(),
                    synced: None,
                    limits: None,
                    came: 0,
                    answers: Answers::default(),
                    receipts: HashMap::new(),
                    reaches: HashMap::new(),
                });
                for (conversation, claim) in resume {
                    self.claimed(line, conversation, *claim);
                }
            }
            Record::Limits {
                catch_up,
                catch_up_total,
                ..
            } => {
                if let Some(connection) = &mut self.connection {
                    connection.limits = Some(Limits {
                        line,
                        catch_up: *catch_up,
                        total: *catch_up_total,
                    });
                }
            }
            Record::Synced { at } => self.synced(line, *at),
            Record::Disconnected { .. } => self.hang_up(),
            Record::Send {
                at,
                id,
                conversation,
                digest,
            } => self.sent(line, *at, *id, conversation, *digest),
            Record::Ack { at, id, seq, stored } => {
                self.answer_came(*at);
                self.acked(line, *at, *id, *seq, *stored);
            }
            Record::Alive { at } => self.answer_came(*at),
            Record::End { .. } => self.end = self.end.or(Some(line)),
            Record::Receipt {
                conversation,
                user,
                seq,
                ..
            } => self.receipt(line, conversation, user, *seq),
            Record::Refused { id, code, .. } => self.refused(line, *id, code),
            Record::Unsettled { id, .. } => {
                let sent = self.run.messages.by(*id, self.journal, |_| true);
                self.answered(line, *id, sent, Answer::Unsettled);
            }
            Record::Delivered {
                at,
                conversation,
                seq,
                id,
                digest,
                whole,
                withheld,
                via,
            } => self.shown(&Shown {
                line,
                at: *at,
                conversation,
                seq: *seq,
                id: *id,
                digest: *digest,
                whole: *whole,
                withheld: *withheld,
                via: *via,
            }),
            Record::History {
                at,
                asked,
                conversation,
                id,
                withheld,
            } => {
                let shown = Shown {
                    line,
                    at: *at,
                    conversation,
                    seq: None,
                    id: Some(*id),
                    digest: 0,
                    whole: None,
                    withheld: *withheld,
                    via: Via::Fetch,
                };
                self.told(*asked, &shown);
            }
            Record::Gap {
                at,
                conversation,
                from,
                to,
            } => self.left_out(line, *at, conversation, (*from, *to)),
            Record::Read {
                at,
                conversation,
                seq,
            } => {
                if let Some(conversation) = self.find(line, conversation) {
                    self.run.summary.reads += 1;
                    let reads = self.run.notes.reads.entry((self.user, conversation));
                    reads.or_default().push((*at, *seq));
                }
            }
            Record::Hidden {
                at,
                asked,
                conversation,
                messages,
            } => {
                let places = messages.iter().filter_map(|id| self.run.export.place(*id));
                let what = What::Messages(places.map(|place| place.seq).collect());
                self.hidden(
                    conversation,
                    Hide {
                        asked: *asked,
                        at: *at,
                        what,
                    },
                );
            }
            Record::Cleared {
                at,
                asked,
                conversation,
                seq,
            } => {
                let what = What::UpTo(*seq);
                self.hidden(
                    conversation,
                    Hide {
                        asked: *asked,
                        at: *at,
                        what,
                    },
                );
            }
            Record::Blocked { at, asked, user, on } => {
                let block = Block {
                    asked: *asked,
                    at: *at,
                    user: self.run.users.number(user),
                    on: *on,
                };
                self.run.notes.blocks.add(self.user, block);
            }
            Record::Unread {
                at,
                conversation,
                count,
            } => {
                if let Some(conversation) = self.find(line, conversation) {
                    self.run.summary.unread += 1;
                    self.run.notes.counts.push(Count {
                        journal: self.journal,
                        line,
                        user: self.user,
                        conversation,
                        at: *at,
                        unread: *count,
                    });
                }
            }
        }
    }

    /// The journal is read.
    pub(super) fn end(mut self) {
        self.is_whole();
        let synced = self.connection.as_ref().and_then(|connection| connection.synced);
        if let Some(synced) = synced
            && let Some(connection) = self.connection.take()
        {
            self.run.summary.stayed += 1;
            let mut reaches: HashMap<u32, (u64, u32)> = HashMap::new();
            if self.without_seqs {
                reaches.extend(self.seen.iter().map(|(of, (seq, line))| (*of, (seq + 1, *line))));
            }
            let own = connection.reaches.iter();
            reaches.extend(own.map(|(of, reach)| (*of, (reach.next, reach.line))));
            let mut reaches: Vec<_> = reaches
                .into_iter()
                .map(|(of, (next, line))| (of, next, line))
                .collect();
            reaches.sort_unstable();
            self.run.notes.stays.push(Stay {
                journal: self.journal,
                user: self.user,
                connected_line: connection.line,
                synced,
                reaches,
            });
            self.connection = Some(connection);
        }
        self.hang_up();
        let tries = std::mem::take(&mut self.tries);
        order::find(self.run, self.journal, &tries);
    }

    fn line(&self, line: u32) -> Line {
        Line::Journal {
            journal: self.journal,
            line,
        }
    }

    /// The number of a conversation of the export.
    fn find(&mut self, line: u32, conversation: &str) -> Option<u32> {
        let found = self.run.export.names.find(conversation);
        if found.is_none() {
            let device = self.run.device(self.journal);
            self.run
                .found
                .add(Fault::UnknownConversation, [self.line(line)], || {
                    format!("{device} knows of the conversation {conversation}, which the log does not have")
                });
        }
        found
    }

    /// The person hides something. Where the log lost the conversation there is nothing to be hidden.
    fn hidden(&mut self, conversation: &str, hide: Hide) {
        if let Some(conversation) = self.run.export.names.find(conversation) {
            self.run.summary.hidden += 1;
            self.run.notes.hides.add(self.user, conversation, hide);
        }
    }

    fn claimed(&mut self, line: u32, conversation: &str, claim: u64) {
        self.run.summary.claims += 1;
        if claim == 0 && self.run.export.names.find(conversation).is_none() {
            return;
        }
        let Some(number) = self.find(line, conversation) else {
            return;
        };
        if let Some((seen, seen_line)) = self.seen.get(&number).copied()
            && claim > seen
        {
            let device = self.run.device(self.journal);
            let lines = [self.line(seen_line), self.line(line)];
            self.run.found.add(Fault::ClaimUnseen, lines, || {
                format!("{device} claims to have seen {conversation} up to seq {claim}, but was shown it up to seq {seen}")
            });
        }
        // What a device claims before anything reached it here, it has from an earlier life.
        let before = !self.seen.contains_key(&number) && claim > 0;
        self.move_to(number, claim, line);
        self.run.reached.insert((self.user, number));
        if let Some(connection) = &mut self.connection {
            if before {
                self.run.told.add(self.user, number, connection.at, (1, claim));
            }
            connection.reaches.insert(number, Reach::new(claim + 1, line));
        }
    }

    /// The device has come at least so far.
    fn move_to(&mut self, conversation: u32, seq: u64, line: u32) {
        let seen = self.seen.entry(conversation).or_insert((seq, line));
        if seen.0 <= seq {
            *seen = (seq, line);
        }
    }

    fn synced(&mut self, line: u32, at: Micros) {
        let Some(connection) = &mut self.connection else {
            self.without_connection(line);
            return;
        };
        let first = connection.synced.is_none();
        connection.synced.get_or_insert(Synced { at, line });
        if first {
            self.gaps_were_needed();
        }
        let Some(connection) = &self.connection else {
            return;
        };
        let Some(began) = connection.began.filter(|_| first) else {
            return;
        };
        let mut nexts: HashMap<u32, u64> = HashMap::new();
        if self.without_seqs {
            nexts.extend(self.seen.iter().map(|(of, (seq, _))| (*of, seq + 1)));
        }
        nexts.extend(connection.reaches.iter().map(|(of, reach)| (*of, reach.next)));
        let catches = nexts.into_iter().map(|(conversation, next)| Catch {
            journal: self.journal,
            user: self.user,
            conversation,
            began,
            synced_line: line,
            next,
        });
        self.run.notes.catches.extend(catches);
    }

    /// The connection has ended, or the journal.
    fn hang_up(&mut self) {
        self.tries_before = self.tries.len();
        let Some(connection) = self.connection.take() else {
            return;
        };
        for (conversation, reach) in &connection.reaches {
            for seqs in reach.told.iter() {
                self.run.told.add(self.user, *conversation, connection.at, seqs);
            }
            for gap in &reach.gaps {
                let Some(hole) = gap.hole() else { continue };
                let device = self.run.device(self.journal);
                let name = self.run.export.names.name(*conversation);
                let place = Place {
                    conversation: *conversation,
                    seq: hole,
                };
                let lines = [self.line(gap.line), Line::Log(place)];
                self.run.found.add(Fault::FetchHole, lines, || {
                    let (from, to) = (gap.from, gap.to);
                    format!("{device} fetched parts of the gap {from} to {to} of {name}, and seq {hole} was not among them")
                });
            }
        }
    }

    fn without_connection(&mut self, line: u32) {
        let device = self.run.device(self.journal);
        self.run.found.add(Fault::NoConnection, [self.line(line)], || {
            format!("{device} was shown something while it had no connection")
        });
    }
}
