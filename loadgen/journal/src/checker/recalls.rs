//! What was taken back, or withheld, if only for a while: who is shown it still, and who is not shown it too soon or too long.

use super::Run;
use super::found::Line;
use crate::export::{Place, Spell};
use crate::fault::Fault;
use crate::record::{Micros, Via};

/// An event of a message that was recalled or withheld at some time, as a device was shown it.
pub(super) struct Recalled {
    pub(super) journal: u32,
    pub(super) line: u32,
    pub(super) user: u32,
    pub(super) at: Micros,
    /// When the device set out to connect, where that is known.
    pub(super) began: Option<Micros>,
    pub(super) place: Place,
    /// Without what it said.
    pub(super) withheld: bool,
    pub(super) via: Via,
}

/// A connection that set out when somebody knew of a recall, or that the message was withheld, is shown nothing of what it said, before anybody
/// asked for it to be shown again. And nothing is left out before anybody has asked for that, nor from who sets out when somebody knew that it is
/// shown again; what comes live may have been read before.
pub(super) fn settle(run: &mut Run<'_>, first_sent: impl Fn(Place) -> Option<Micros>) {
    for shown in std::mem::take(&mut run.notes.recalled) {
        let own = Line::Journal {
            journal: shown.journal,
            line: shown.line,
        };
        let Place { conversation, seq } = shown.place;
        let spells: Vec<Spell> = run.export.spells(shown.place).collect();
        let known = |place: Place| run.times.of(place.conversation)[place.seq as usize - 1];
        let is_behind = |place: Place| shown.began.is_some_and(|began| known(place).at < began);
        if shown.withheld {
            run.summary.withheld += 1;
            let hides = &run.notes.hides;
            let is_hidden =
                shown.via == Via::Fetch && hides.may_hide(run.export, shown.user, shown.place, shown.at);
            let may_be = |spell: &Spell| {
                let has_begun = first_sent(spell.from).is_none_or(|at| at <= shown.at);
                let has_ended = shown.via != Via::Live && spell.to.is_some_and(is_behind);
                has_begun && !has_ended
            };
            if is_hidden || spells.iter().any(may_be) {
                continue;
            }
            let Some(spell) = spells.first() else { continue };
            let device = run.device(shown.journal);
            let name = run.export.names.name(conversation);
            run.found.add(Fault::ShownOther, [own, Line::Log(spell.from)], || {
                format!(
                    "{device} was not shown what seq {seq} of {name} says before anybody recalled or withheld it, or when it \
                     was shown again"
                )
            });
            continue;
        }
        // Where nobody has said that they asked for it to be shown again, it may have been at any time.
        let stands = |spell: &&Spell| {
            let is_later = |to| first_sent(to).is_some_and(|at| at > shown.at);
            spell.to.is_none_or(is_later)
        };
        let broken = spells.iter().filter(stands).find(|spell| is_behind(spell.from));
        if let Some(Spell { from, .. }) = broken {
            let lines = [known(*from).line(), own, Line::Log(*from)];
            let device = run.device(shown.journal);
            let name = run.export.names.name(conversation);
            run.found.add(Fault::ShownRecalled, lines, || {
                format!(
                    "{device} connected after seq {seq} of {name} was recalled or withheld, and was shown what it said"
                )
            });
        }
    }
}
