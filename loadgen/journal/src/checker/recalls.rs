//! What was taken back, or is withheld in the end: who is shown it still, and who is not shown it too soon.

use super::Run;
use super::found::Line;
use crate::export::Place;
use crate::fault::Fault;
use crate::record::Micros;

/// An event of a message that was recalled, as a device was shown it.
pub(super) struct Recalled {
    pub(super) journal: u32,
    pub(super) line: u32,
    pub(super) user: u32,
    pub(super) at: Micros,
    /// When the device set out to connect, where that is known.
    pub(super) began: Option<Micros>,
    pub(super) place: Place,
    pub(super) recall: Place,
    /// Without what it said.
    pub(super) withheld: bool,
    /// Because the device asked for it.
    pub(super) fetched: bool,
}

/// A connection that set out when somebody knew of a recall is shown nothing of what the message said; and nothing is left out before
/// anybody has asked for it.
pub(super) fn settle(run: &mut Run<'_>, first_sent: impl Fn(Place) -> Option<Micros>) {
    for shown in std::mem::take(&mut run.notes.recalled) {
        let own = Line::Journal {
            journal: shown.journal,
            line: shown.line,
        };
        let Place { conversation, seq } = shown.place;
        let device = run.device(shown.journal);
        let name = run.export.names.name(conversation);
        if shown.withheld {
            run.summary.withheld += 1;
            let hides = &run.notes.hides;
            let is_hidden = shown.fetched && hides.may_hide(run.export, shown.user, shown.place, shown.at);
            let is_left_out = is_hidden || run.export.was_withheld(shown.place);
            if !is_left_out && first_sent(shown.recall).is_some_and(|at| at > shown.at) {
                run.found
                    .add(Fault::ShownOther, [own, Line::Log(shown.recall)], || {
                        format!(
                            "{device} was not shown what seq {seq} of {name} says before anybody recalled it"
                        )
                    });
            }
            continue;
        }
        let known = run.times.of(conversation)[shown.recall.seq as usize - 1];
        if shown.began.is_some_and(|began| known.at < began) {
            let lines = [known.line(), own, Line::Log(shown.recall)];
            run.found.add(Fault::ShownRecalled, lines, || {
                format!(
                    "{device} connected after seq {seq} of {name} was recalled or withheld, and was shown what it said"
                )
            });
        }
    }
}
