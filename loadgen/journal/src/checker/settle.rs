//! What is decided when all journals are read.

use super::Run;
use super::found::Line;
use super::reach::{Absence, Catch, Stay};
use super::told::Runs;
use super::{heard, hidden, order, owed, recalls, unread};
use crate::counterexample::Source;
use crate::export::{Place, Sight};
use crate::fault::Fault;
use crate::record::Micros;

/// The first try to send each message of the log: when, and where it stands. By conversation and seq - 1.
pub(super) type FirstTries = Vec<Vec<Option<(Micros, Line)>>>;

pub(super) fn settle(run: &mut Run<'_>) {
    log_itself(run);
    let first = logged_was_sent(run);
    acked_is_logged(run);
    real_time(run, &first);
    order::settle(run);
    caught_up(run);
    owed::settle(run, &first);
    stayed(run);
    absences(run, &first);
    heard::settle(run);
    devices(run);
    let first_sent = |place: Place| {
        let first = &first[place.conversation as usize][place.seq as usize - 1];
        first.map(|(at, _)| at)
    };
    unread::settle(run, first_sent);
    recalls::settle(run, first_sent);
    hidden::settle(run);
    summarise(run);
}

/// Each device that is known of has a journal, and each journal a device.
fn devices(run: &mut Run<'_>) {
    let listed = &run.export.world.devices;
    if listed.is_empty() {
        return;
    }
    let mut missing = listed.clone();
    for (journal, source) in (0..).zip(&run.devices) {
        let Source::Journal { user, device, .. } = source else {
            continue;
        };
        let known = (user.clone(), device.clone());
        if !listed.contains_key(&known) {
            let line = Line::Journal { journal, line: 1 };
            run.found.add(Fault::NoJournal, [line], || {
                format!("there is a journal of {user} on {device}, which nobody had")
            });
        }
        missing.remove(&known);
    }
    for (user, device) in missing.into_keys() {
        run.found.add(Fault::NoJournal, [], || {
            format!("there is no journal of {user} on {device}")
        });
    }
}

/// Seqs without a hole, and no message twice.
fn log_itself(run: &mut Run<'_>) {
    for (number, conversation) in (0..).zip(&run.export.conversations) {
        if let Some((line, seq)) = conversation.torn {
            let name = run.export.names.name(number);
            let head = conversation.head();
            run.found.add(Fault::TornLog, [Line::Torn { line }], || {
                format!("the log of {name} goes on with seq {seq} after seq {head}")
            });
        }
    }
    for (first, second) in &run.export.repeats {
        run.found
            .add(Fault::Repeated, [Line::Log(*first), Line::Log(*second)], || {
                "the log has one message twice".to_owned()
            });
    }
}

/// Whatever is in the log was sent, with this content, and not refused.
fn logged_was_sent(run: &mut Run<'_>) -> FirstTries {
    let mut first = FirstTries::new();
    for (number, conversation) in (0..).zip(&run.export.conversations) {
        let mut tries = vec![None; conversation.entries.len()];
        for (seq, entry) in (1..).zip(&conversation.entries) {
            let place = Place {
                conversation: number,
                seq,
            };
            let Some(id) = entry.id else { continue };
            let (mut other, mut refusal, mut conflict, mut possible) = (None, None, None, false);
            for sent in run.messages.of(id) {
                let content = sent.content;
                if (content.user, content.conversation) != (entry.actor, number)
                    || !entry.says(content.digest)
                {
                    other = Some(sent.line());
                    continue;
                }
                let earlier = tries[seq as usize - 1].is_none_or(|(at, _)| sent.at < at);
                if earlier {
                    tries[seq as usize - 1] = Some((sent.at, sent.line()));
                }
                possible |= sent.refused < sent.tries;
                let line = |line| Line::Journal {
                    journal: sent.journal,
                    line,
                };
                refusal = Some(line(sent.refused_line));
                if sent.conflict_line > 0 {
                    conflict = Some(line(sent.conflict_line));
                }
            }
            let name = run.export.names.name(number);
            if let (Some(conflict), None) = (conflict, other) {
                run.found.add(Fault::FalseConflict, [conflict, Line::Log(place)], || {
                    format!("the message {id} was refused as another one than seq {seq} of {name}, which it is")
                });
            }
            match (refusal, other) {
                (None, None) => run.found.add(Fault::Forged, [Line::Log(place)], || {
                    format!("seq {seq} of {name} is the message {id}, which nobody sent")
                }),
                (None, Some(other)) => run.found.add(Fault::Altered, [other, Line::Log(place)], || {
                    format!("seq {seq} of {name} is the message {id}, but not as it was sent")
                }),
                (Some(refusal), _) if !possible => {
                    run.found
                        .add(Fault::RefusedYetLogged, [refusal, Line::Log(place)], || {
                            format!(
                                "seq {seq} of {name} is the message {id}, and each try to send it was refused"
                            )
                        });
                }
                _ => {}
            }
        }
        first.push(tries);
    }
    first
}

/// Whatever was acked is in the log with the content that was sent.
fn acked_is_logged(run: &mut Run<'_>) {
    for sent in run.messages.iter().filter(|sent| sent.acked_line > 0) {
        // That it is not there at all was found with the ack.
        let Some(place) = run.export.place(sent.id) else {
            continue;
        };
        let Some(entry) = run.export.entry(place) else {
            continue;
        };
        let content = sent.content;
        if (content.user, content.conversation) != (entry.actor, place.conversation)
            || !entry.says(content.digest)
        {
            let id = sent.id;
            run.found
                .add(Fault::Altered, [sent.line(), Line::Log(place)], || {
                    format!("the message {id} was acked, but the log does not have it as it was sent")
                });
        }
    }
}

/// What somebody knew of before a message was sent stands before it.
fn real_time(run: &mut Run<'_>, first: &FirstTries) {
    for (number, tries) in (0..).zip(first) {
        let known = run.times.of(number);
        // The event that was known first among those behind.
        let mut soonest: Option<usize> = None;
        for index in (0..tries.len()).rev() {
            if let (Some((sent_at, sent)), Some(later)) = (tries[index], soonest)
                && known[later].at < sent_at
            {
                let name = run.export.names.name(number);
                let lines = [known[later].line(), sent];
                run.found.add(Fault::RealTimeOrder, lines, || {
                    let (behind, before) = (later + 1, index + 1);
                    format!("seq {behind} of {name} was known before seq {before} was sent")
                });
            }
            if soonest.is_none_or(|soonest| known[index].at <= known[soonest].at) {
                soonest = Some(index);
            }
        }
    }
}

/// Before `synced` came all that was known before the client set out.
fn caught_up(run: &mut Run<'_>) {
    for catch in std::mem::take(&mut run.notes.catches) {
        let Catch {
            journal,
            user,
            conversation,
            began,
            synced_line,
            next,
        } = catch;
        let log = &run.export.conversations[conversation as usize];
        let known = run.times.of(conversation);
        // Without seqs, only messages are shown.
        let shows = |seq| run.notes.with_seqs || log.is_message(seq);
        let excused = others_have(run, user, conversation);
        let missed = (next..=log.owed(user)).find(|seq| {
            !excused.holds(*seq)
                && known[*seq as usize - 1].at < began
                && shows(*seq)
                && log.sight(user, *seq) == Sight::Member
        });
        let Some(seq) = missed else { continue };
        let device = run.device(journal);
        let name = run.export.names.name(conversation);
        let synced = Line::Journal {
            journal,
            line: synced_line,
        };
        let lines = [
            known[seq as usize - 1].line(),
            synced,
            Line::Log(Place { conversation, seq }),
        ];
        run.found.add(Fault::CaughtUpShort, lines, || {
            format!("seq {seq} of {name} was known before {device} connected, and did not come before synced")
        });
    }
}

/// What a device need not be shown: where nobody claims anything, whoever has left is owed only what none of their devices has
/// been told of. A device that is at a seq is shown, or told to be left out, whatever follows up to the leaving.
fn others_have(run: &Run<'_>, user: u32, conversation: u32) -> Runs {
    let log = &run.export.conversations[conversation as usize];
    // Without seqs a leave that is the last event of all cannot be told from none.
    if run.notes.shows_seqs() || log.stays(user) || log.owed(user) == log.head() {
        return Runs::default();
    }
    run.told.until(user, conversation, Micros::MAX)
}

/// Who stayed to the end has everything.
fn stayed(run: &mut Run<'_>) {
    let mut memberships: Vec<Vec<u32>> = vec![Vec::new(); run.users.len()];
    for (number, conversation) in (0..).zip(&run.export.conversations) {
        for user in conversation.changes.keys() {
            memberships[*user as usize].push(number);
        }
    }
    let with_seqs = run.notes.shows_seqs();
    for stay in std::mem::take(&mut run.notes.stays) {
        let Stay {
            journal,
            user,
            connected_line,
            reaches,
            ..
        } = stay;
        // Without seqs, each device begins at the beginning; else a server may take one for as far as another.
        let knows = |conversation: u32| {
            let here = reaches.iter().any(|(of, ..)| *of == conversation);
            here || (with_seqs && run.reached.contains(&(user, conversation)))
        };
        let unreached = memberships[user as usize].iter().filter(|conversation| {
            let log = &run.export.conversations[**conversation as usize];
            !knows(**conversation) && log.owed(user) == log.head()
        });
        let unreached = unreached.map(|conversation| {
            let log = &run.export.conversations[*conversation as usize];
            (*conversation, log.first_join(user), connected_line)
        });
        let all: Vec<_> = unreached.chain(reaches.iter().copied()).collect();
        for (conversation, next, line) in all {
            let log = &run.export.conversations[conversation as usize];
            let owed = log.owed(user);
            let excused = others_have(run, user, conversation);
            let missing = |seq: &u64| (with_seqs || log.is_message(*seq)) && !excused.holds(*seq);
            let Some(seq) = (next..=owed).find(missing) else {
                continue;
            };
            let device = run.device(journal);
            let name = run.export.names.name(conversation);
            let lines = [
                Line::Journal { journal, line },
                Line::Log(Place { conversation, seq }),
            ];
            run.found.add(Fault::NotShown, lines, || {
                format!("{device} stayed connected to the end, and was not shown {name} from seq {seq} to seq {owed}")
            });
        }
    }
}

/// Nobody is shown what happens while they are out. Who is in again may be.
fn absences(run: &mut Run<'_>, first: &FirstTries) {
    for absence in std::mem::take(&mut run.notes.absences) {
        let Absence {
            journal,
            line,
            at,
            conversation,
            seq,
            joins,
        } = absence;
        let between = seq + 1..joins;
        let tries = &first[conversation as usize];
        let still_out = between
            .filter_map(|later| tries[later as usize - 1].map(|(sent_at, sent)| (later, sent_at, sent)))
            .find(|(_, sent_at, _)| *sent_at > at);
        let Some((later, _, sent)) = still_out else {
            continue;
        };
        let device = run.device(journal);
        let name = run.export.names.name(conversation);
        let joined = Line::Log(Place {
            conversation,
            seq: joins,
        });
        let lines = [Line::Journal { journal, line }, sent, joined];
        run.found.add(Fault::ShownToStranger, lines, || {
            format!(
                "{device} was shown seq {seq} of {name} while the person was out: seq {later} was sent after that, and they \
                 came in with seq {joins}"
            )
        });
    }
}

fn summarise(run: &mut Run<'_>) {
    let people: std::collections::HashSet<&str> =
        run.devices.iter().filter_map(|device| device.user()).collect();
    let acked = run
        .messages
        .ids()
        .filter(|id| run.messages.of(*id).any(|sent| sent.acked_line > 0));
    let absent = run.messages.ids().filter(|id| run.export.place(*id).is_none());
    let (acked, absent) = (acked.count() as u64, absent.count() as u64);
    let summary = &mut run.summary;
    summary.people = people.len() as u64;
    summary.conversations = run.export.conversations.len() as u64;
    summary.logged = run.export.len() as u64;
    summary.sent = run.messages.ids().count() as u64;
    summary.acked = acked;
    summary.absent = absent;
}
