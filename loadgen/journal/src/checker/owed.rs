//! What a person is owed: every event of their time in a conversation, on one device or another; and where connections may
//! begin that claim nothing.

use std::collections::BTreeMap;

use super::Run;
use super::found::Line;
use super::reach::{Beginning, Stay, Synced};
use super::settle::FirstTries;
use crate::export::{Conversation, Place, Sight};
use crate::fault::Fault;

pub(super) fn settle(run: &mut Run<'_>, first: &FirstTries) {
    for beginning in std::mem::take(&mut run.notes.beginnings) {
        began(run, &beginning, first);
    }
    let stays = std::mem::take(&mut run.notes.stays);
    for stay in &stays {
        deaf(run, stay, first);
    }
    withheld(run, &stays);
    run.notes.stays = stays;
}

/// Before the first event of a connection, nothing is missing that no device of the person was told of, and nothing that was
/// sent when the connection was up to date already.
fn began(run: &mut Run<'_>, beginning: &Beginning, first: &FirstTries) {
    let Beginning {
        journal,
        user,
        line,
        at,
        conversation,
        seq,
        synced,
    } = *beginning;
    let log = &run.export.conversations[conversation as usize];
    let told = run.told.until(user, conversation, at);
    let untold = owed_before(log, user, seq).find(|seq| !told.holds(*seq));
    let own = Line::Journal { journal, line };
    let device = run.device(journal);
    let name = run.export.names.name(conversation);
    if let Some(missing) = untold {
        let place = Place {
            conversation,
            seq: missing,
        };
        run.found.add(Fault::LateBeginning, [own, Line::Log(place)], || {
            format!(
                "{device} claimed nothing of {name} and was shown it from seq {seq}; no device of the person had been told \
                 of seq {missing}"
            )
        });
    }
    let Some(synced) = synced else { return };
    let live = owed_before(log, user, seq)
        .find_map(|seq| sent_after(synced, conversation, seq, first).map(|sent| (seq, sent)));
    if let Some((missing, sent)) = live {
        let lines = [synced_line(journal, synced), sent, own];
        run.found.add(Fault::LateBeginning, lines, || {
            format!(
                "{device} was up to date when seq {missing} of {name} was sent, and was shown the conversation from seq \
                 {seq}"
            )
        });
    }
}

/// Who stays is shown what is sent meanwhile, also of conversations that another device of theirs follows.
fn deaf(run: &mut Run<'_>, stay: &Stay, first: &FirstTries) {
    for (conversation, log) in (0..).zip(&run.export.conversations) {
        let reached = stay.reaches.iter().any(|(of, ..)| *of == conversation);
        if reached || !log.changes.contains_key(&stay.user) {
            continue;
        }
        let live = owed_before(log, stay.user, log.owed(stay.user) + 1).find_map(|seq| {
            sent_after(stay.synced, conversation, seq, first).map(|sent| (Place { conversation, seq }, sent))
        });
        let Some((place, sent)) = live else { continue };
        let device = run.device(stay.journal);
        let name = run.export.names.name(conversation);
        let lines = [synced_line(stay.journal, stay.synced), sent, Line::Log(place)];
        run.found.add(Fault::NotShown, lines, || {
            format!("{device} was up to date when seq {} of {name} was sent, stayed to the end, and was shown nothing of it", place.seq)
        });
    }
}

/// Everything that is owed to somebody who is there at the end has come to one of their devices, or is said to be left out.
fn withheld(run: &mut Run<'_>, stays: &[Stay]) {
    let with_seqs = run.notes.shows_seqs();
    let people: BTreeMap<u32, &Stay> = stays.iter().map(|stay| (stay.user, stay)).collect();
    for (user, stay) in people {
        for (conversation, log) in (0..).zip(&run.export.conversations) {
            if !log.changes.contains_key(&user) {
                continue;
            }
            let told = run.told.until(user, conversation, u64::MAX);
            let missing = owed_before(log, user, log.owed(user) + 1)
                .find(|seq| !told.holds(*seq) && (with_seqs || log.is_message(*seq)));
            let Some(seq) = missing else { continue };
            let who = run.users.name(user);
            let name = run.export.names.name(conversation);
            let joined = Line::Log(Place {
                conversation,
                seq: log.first_join(user),
            });
            let stays = Line::Journal {
                journal: stay.journal,
                line: stay.connected_line,
            };
            let lines = [joined, Line::Log(Place { conversation, seq }), stays];
            run.found.add(Fault::Withheld, lines, || {
                format!(
                    "{who} was there at the end, and no device of theirs was ever told of seq {seq} of {name}"
                )
            });
        }
    }
}

/// The seqs below `end` that happened while the person was in. A conversation that is open to everybody owes nothing.
fn owed_before(log: &Conversation, user: u32, end: u64) -> impl Iterator<Item = u64> + '_ {
    let begin = if log.changes.contains_key(&user) {
        log.first_join(user)
    } else {
        end
    };
    (begin..end.min(log.head() + 1)).filter(move |seq| log.sight(user, *seq) == Sight::Member)
}

/// The first try to send a message, where it was made when the connection was up to date.
fn sent_after(synced: Synced, conversation: u32, seq: u64, first: &FirstTries) -> Option<Line> {
    let (at, line) = first[conversation as usize][seq as usize - 1]?;
    (at > synced.at).then_some(line)
}

fn synced_line(journal: u32, synced: Synced) -> Line {
    Line::Journal {
        journal,
        line: synced.line,
    }
}
