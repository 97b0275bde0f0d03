//! The checker's word on the journals, and what a log that went back excuses.

use std::collections::BTreeSet;

use anyhow::Result;
use tidings_journal::{Counterexample, Export, Journal, Logged, Record, Summary, check};

use super::Findings;
use crate::device::NOT_AGAIN;
use crate::eras::Eras;
use crate::store::{Database, Restored};

/// The checker's word on the journals: of a run whose log went back, on each of its two eras. A contradiction comes with its era.
pub(super) async fn judge(
    findings: &Findings,
    database: &Database,
    restored: Option<&Restored>,
) -> Result<Result<Summary, (&'static str, Counterexample)>> {
    let export = |log: &[Logged]| log.iter().cloned().collect::<Export>();
    let whole = export(&findings.log).with_world(findings.words());
    let Some(restored) = restored else {
        return Ok(check(&findings.journals, &whole).map_err(|found| ("", found)));
    };
    let known: BTreeSet<&str> = findings
        .log
        .iter()
        .map(|logged| logged.conversation.as_str())
        .collect();
    let at = restored.at;
    let reads = database.reads().await?.into_iter();
    let reads = reads.filter(|(_, conversation, _)| known.contains(conversation.as_str()));
    let reads = reads.map(|(user, conversation, seq)| Journal {
        user: user.to_string(),
        device: "log".to_owned(),
        records: vec![
            Record::Read {
                at,
                conversation,
                seq,
            },
            Record::End { at },
        ],
    });
    let eras = Eras::of(&findings.journals, &findings.log, reads.collect(), restored);
    let before = check(&eras.before, &export(&eras.log_before));
    let after = check(&eras.after, &whole);
    Ok(match (before, after) {
        (Err(found), _) => Err(("before the log went back: ", found)),
        (_, Err(found)) => Err(("since the log went back: ", found)),
        (Ok(_), Ok(summary)) => Ok(summary),
    })
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
