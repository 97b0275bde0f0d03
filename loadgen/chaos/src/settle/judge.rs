//! The checker's word on the journals, and what a log that went back excuses.

use std::collections::{BTreeMap, BTreeSet};

use tidings_journal::{Counterexample, Export, Journal, Logged, Micros, Record, Summary, check};
use tidings_protocol::ErrorCode;
use uuid::Uuid;

use super::Findings;
use crate::eras::Eras;
use crate::hand::Refusal;
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

/// Whether a refusal may be for what a back-up lacks: what was replied to, or who was let in. It came when the log had gone back, and is
/// about a conversation that lost something.
pub(super) fn is_about_what_was_lost(refusal: &Refusal, restored: &Restored) -> bool {
    let codes = [
        ErrorCode::NotFound,
        ErrorCode::Forbidden,
        ErrorCode::InvalidArgument,
    ];
    let mut about = refusal.conversations.iter();
    codes.contains(&refusal.code)
        && refusal.at > restored.at
        && about.any(|conversation| has_lost(*conversation, restored))
}

/// Whether the back-up lacks something of a conversation: what was shown of it may not come again.
pub(super) fn has_lost(conversation: Uuid, restored: &Restored) -> bool {
    let conversation = conversation.to_string();
    let head = |log: &[Logged]| {
        let of_it = log.iter().filter(|logged| logged.conversation == conversation);
        of_it.map(|logged| logged.seq).max()
    };
    head(&restored.kept) < head(&restored.lost)
}

#[cfg(test)]
mod tests {
    use tidings_journal::Kind;
    use tidings_protocol::ErrorFrame;

    use super::*;
    use crate::said::Said;

    const SAME: Uuid = Uuid::from_u128(1);
    const TORN: Uuid = Uuid::from_u128(2);
    const GONE: Uuid = Uuid::from_u128(3);
    const AT: Micros = 100;

    fn logged(conversation: Uuid, seq: u64) -> Logged {
        Logged {
            conversation: conversation.to_string(),
            seq,
            kind: Kind::Message,
            actor: "ann".to_owned(),
            id: None,
            digest: 0,
            whole: None,
            of: None,
            withheld: false,
            stored: None,
            users: vec![],
        }
    }

    fn is_excused(conversation: Uuid, code: ErrorCode, at: Micros) -> bool {
        let kept = vec![logged(SAME, 1), logged(TORN, 1)];
        let lost = vec![logged(TORN, 2), logged(GONE, 1)];
        let restored = Restored {
            at: AT,
            lost: [kept.clone(), lost].concat(),
            kept,
        };
        let said = Said::text(conversation, "hi".to_owned());
        let error = ErrorFrame::new(Some(said.id), code, "no");
        is_about_what_was_lost(&Refusal::new(at, &said, &error), &restored)
    }

    #[test]
    fn a_refusal_is_excused_where_the_conversation_has_lost_something_and_not_before() {
        for conversation in [TORN, GONE] {
            assert!(is_excused(conversation, ErrorCode::NotFound, AT + 1));
            assert!(!is_excused(conversation, ErrorCode::NotFound, AT - 1));
            assert!(!is_excused(conversation, ErrorCode::Conflict, AT + 1));
        }
        assert!(!is_excused(SAME, ErrorCode::NotFound, AT + 1));
        assert!(!is_excused(Uuid::from_u128(4), ErrorCode::Forbidden, AT + 1));
    }
}
