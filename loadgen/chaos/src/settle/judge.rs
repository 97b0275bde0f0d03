//! The checker's word on the journals, and what a log that went back excuses.

use std::collections::{BTreeMap, BTreeSet};

use tidings_journal::{Counterexample, Export, Journal, Logged, Micros, Record, Summary, check};
use uuid::Uuid;

use super::Findings;
use crate::device::NOT_AGAIN;
use crate::eras::Eras;
use crate::own::{Own, Private};
use crate::store::Restored;

/// The checker's word on the journals: of a run whose log went back, on each of its two eras. A contradiction comes with its era.
pub(super) fn judge(
    findings: &Findings,
    own: &BTreeMap<Uuid, Own>,
    restored: Option<&Restored>,
) -> Result<Summary, (&'static str, Counterexample)> {
    let export = |log: &[Logged]| log.iter().cloned().collect::<Export>();
    let whole = export(&findings.log).with_world(findings.words());
    let Some(restored) = restored else {
        return check(&findings.journals, &whole).map_err(|found| ("", found));
    };
    let known: BTreeSet<&str> = findings
        .log
        .iter()
        .map(|logged| logged.conversation.as_str())
        .collect();
    let at = restored.at;
    let journals = own.iter().map(|(user, own)| {
        let all = own.iter().map(|(id, own)| (id.to_string(), own));
        let all = all.filter(|(conversation, _)| known.contains(conversation.as_str()));
        let records = all.flat_map(|(conversation, own)| done(at, conversation, own));
        Journal {
            user: user.to_string(),
            device: "log".to_owned(),
            records: records.chain([Record::End { at }]).collect(),
        }
    });
    let eras = Eras::of(&findings.journals, &findings.log, journals.collect(), restored);
    let before = check(&eras.before, &export(&eras.log_before));
    let after = check(&eras.after, &whole);
    match (before, after) {
        (Err(found), _) => Err(("before the log went back: ", found)),
        (_, Err(found)) => Err(("since the log went back: ", found)),
        (Ok(_), Ok(summary)) => Ok(summary),
    }
}

/// What the log says that somebody has read and hides of a conversation. When they asked for that is not known.
fn done(at: Micros, conversation: String, own: &Private) -> Vec<Record> {
    let asked = 0;
    let mut records = Vec::new();
    if own.read > 0 {
        records.push(Record::Read {
            at,
            conversation: conversation.clone(),
            seq: own.read,
        });
    }
    if own.cleared > 0 {
        records.push(Record::Cleared {
            at,
            asked,
            conversation: conversation.clone(),
            seq: own.cleared,
        });
    }
    if !own.hidden.is_empty() {
        records.push(Record::Hidden {
            at,
            asked,
            conversation,
            messages: own.hidden.iter().copied().collect(),
        });
    }
    records
}

/// Whether a refusal may be for what a back-up lacks: what was replied to, or who was let in; or an event that was shown does not
/// come again where the conversation lost some.
pub(super) fn names_what_was_lost(problem: &str, restored: &Restored) -> bool {
    let is_refusal = ["not_found", "forbidden", "invalid_argument"]
        .iter()
        .any(|code| problem.starts_with(&format!("a message was refused with {code}")));
    let is_kept = |lost: &Logged| {
        let same = |kept: &Logged| kept.conversation == lost.conversation && kept.seq == lost.seq;
        restored.kept.iter().any(same)
    };
    let of_a_loser = || {
        let mut named = restored
            .lost
            .iter()
            .filter(|lost| problem.contains(&lost.conversation));
        named.any(|lost| !is_kept(lost))
    };
    is_refusal || (problem.contains(NOT_AGAIN) && of_a_loser())
}
