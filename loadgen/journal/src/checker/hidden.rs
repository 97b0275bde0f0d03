//! What people hide from themselves: it counts as unread for them no more, and comes without its words where they fetch it.

use std::collections::{HashMap, HashSet};

use super::Run;
use super::found::Line;
use crate::export::{Export, Place};
use crate::fault::Fault;
use crate::record::{Kind, Micros};

/// What somebody hides of a conversation.
pub(super) struct Hide {
    /// From here on it may be hidden, and from there on it is.
    pub(super) asked: Micros,
    pub(super) at: Micros,
    pub(super) what: What,
}

/// Messages, by their seqs, or everything up to one.
pub(super) enum What {
    Messages(HashSet<u64>),
    UpTo(u64),
}

/// By user and conversation.
#[derive(Default)]
pub(super) struct Hides(HashMap<(u32, u32), Vec<Hide>>);

impl Hides {
    pub(super) fn add(&mut self, user: u32, conversation: u32, hide: Hide) {
        self.0.entry((user, conversation)).or_default().push(hide);
    }

    fn of(&self, user: u32, conversation: u32) -> impl Iterator<Item = &Hide> {
        self.0.get(&(user, conversation)).into_iter().flatten()
    }

    /// The messages that are known to be hidden by then.
    pub(super) fn messages(&self, user: u32, conversation: u32, until: Micros) -> HashSet<u64> {
        let known = self.of(user, conversation).filter(|hide| hide.at <= until);
        let seqs = known.filter_map(|hide| match &hide.what {
            What::Messages(seqs) => Some(seqs.iter().copied()),
            What::UpTo(_) => None,
        });
        seqs.flatten().collect()
    }

    /// Up to where everything is known to be cleared by then.
    pub(super) fn cleared(&self, user: u32, conversation: u32, until: Micros) -> u64 {
        let known = self.of(user, conversation).filter(|hide| hide.at <= until);
        let seqs = known.filter_map(|hide| match hide.what {
            What::UpTo(seq) => Some(seq),
            What::Messages(_) => None,
        });
        seqs.max().unwrap_or(0)
    }

    /// Whether the message may be hidden from the user by then of which an event says what it said.
    pub(super) fn may_hide(&self, export: &Export, user: u32, place: Place, at: Micros) -> bool {
        let Some(message) = message(export, place) else {
            return false;
        };
        let mut asked = self.of(user, place.conversation).filter(|hide| hide.asked <= at);
        asked.any(|hide| match &hide.what {
            What::Messages(seqs) => seqs.contains(&message),
            What::UpTo(seq) => message <= *seq,
        })
    }
}

/// The seq of the message of which an event says what it said: its own, or an edit.
fn message(export: &Export, place: Place) -> Option<u64> {
    let entry = export.entry(place)?;
    match entry.kind {
        Kind::Message | Kind::Reply => Some(place.seq),
        Kind::Edited => export.place(entry.of?).map(|message| message.seq),
        Kind::Joined | Kind::Left | Kind::Recalled | Kind::Withheld | Kind::Shown | Kind::Other => None,
    }
}

/// An event that nobody has ever recalled or withheld, and that came without what it said.
pub(super) struct Unsaid {
    pub(super) journal: u32,
    pub(super) line: u32,
    pub(super) user: u32,
    pub(super) at: Micros,
    pub(super) place: Place,
    /// Whether the device asked for it. What comes by itself comes with its words.
    pub(super) fetched: bool,
}

/// Only what people hide from themselves is left out, and only where they fetch it.
pub(super) fn settle(run: &mut Run<'_>) {
    for unsaid in std::mem::take(&mut run.notes.unsaid) {
        let Unsaid {
            journal,
            line,
            user,
            at,
            place,
            fetched,
        } = unsaid;
        let is_hidden = fetched && run.notes.hides.may_hide(run.export, user, place, at);
        if is_hidden {
            run.summary.withheld += 1;
            continue;
        }
        let device = run.device(journal);
        let lines = [Line::Journal { journal, line }, Line::Log(place)];
        let name = run.export.names.name(place.conversation);
        run.found.add(Fault::ShownOther, lines, || {
            let seq = place.seq;
            format!("{device} was not shown what seq {seq} of {name} says, which nobody has recalled or withheld, and they have not hidden")
        });
    }
}
