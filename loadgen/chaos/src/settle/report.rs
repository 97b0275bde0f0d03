//! What was reported, as those see it who may: all of it, each report once, with what the message had said by then and what has become of it, and
//! nobody any of their own messages.

use anyhow::Result;
use uuid::Uuid;

use crate::company::Filed;
use crate::ground::Ground;
use crate::http::Reported;
use crate::world::World;

/// A report, in the words of both sides.
#[derive(Debug, PartialEq, Eq)]
struct Seen<'r> {
    conversation: Uuid,
    message: Uuid,
    sender: Uuid,
    reporter: Uuid,
    reason: &'r str,
    note: Option<&'r str>,
    versions: usize,
    words: Vec<Option<&'r str>>,
    state: &'r str,
    handled_by: Option<Uuid>,
    withheld: bool,
}

/// What the guests see of what was reported otherwise than they should: nothing, and once they are moderators, what others have said.
pub(super) async fn seen_otherwise(ground: &Ground, world: &World, filed: &[Filed]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    if filed.is_empty() {
        return Ok(problems);
    }
    for person in &world.guests {
        if person.is_overseer().await? {
            problems.push(format!("{} sees reports, and is no moderator", person.user));
        }
    }
    for person in &world.guests {
        ground.make_moderator(&person.name).await?;
        problems.extend(differs(person.user, filed, &person.reports().await?));
    }
    Ok(problems)
}

/// How what a moderator is told differs from what was reported; none where it does not.
fn differs(viewer: Uuid, filed: &[Filed], told: &[Reported]) -> Option<String> {
    let due = filed.iter().filter(|filed| filed.sender != viewer);
    let due: Vec<Seen<'_>> = due.map(Seen::from).collect();
    let told: Vec<Seen<'_>> = told.iter().map(Seen::from).collect();
    (due != told).then(|| format!("{viewer} is told of the reports {told:?}; they should be {due:?}"))
}

impl<'r> From<&'r Filed> for Seen<'r> {
    fn from(filed: &'r Filed) -> Self {
        Self {
            conversation: filed.conversation,
            message: filed.message,
            sender: filed.sender,
            reporter: filed.reporter,
            reason: filed.reason,
            note: filed.note,
            versions: filed.words.len(),
            words: filed.words.iter().copied().map(Some).collect(),
            state: filed.state,
            handled_by: filed.handled_by,
            withheld: filed.withheld,
        }
    }
}

impl<'r> From<&'r Reported> for Seen<'r> {
    fn from(reported: &'r Reported) -> Self {
        let versions = reported.evidence.iter();
        Self {
            conversation: reported.conversation,
            message: reported.message,
            sender: reported.sender.id,
            reporter: reported.reporter.id,
            reason: &reported.reason,
            note: reported.note.as_deref(),
            versions: reported.versions,
            words: versions.map(|version| version.text.as_deref()).collect(),
            state: &reported.state,
            handled_by: reported.handled_by.map(|handler| handler.id),
            withheld: reported.withheld,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::Named;

    const ANN: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const CAT: Uuid = Uuid::from_u128(3);
    const ROOM: Uuid = Uuid::from_u128(4);
    const MOD: Uuid = Uuid::from_u128(5);

    /// Ben reports what Ann said.
    fn filed(message: u128) -> Filed {
        Filed {
            conversation: ROOM,
            message: Uuid::from_u128(message),
            sender: ANN,
            reporter: BEN,
            reason: "an insult",
            note: None,
            words: vec!["fool", "you fool"],
            state: "OPEN",
            handled_by: None,
            withheld: false,
        }
    }

    fn told(message: u128, words: &[&str]) -> Reported {
        let evidence: Vec<_> = words.iter().map(|text| json!({ "text": text })).collect();
        let node = json!({
            "conversation": ROOM, "message": Uuid::from_u128(message), "reason": "an insult", "note": null,
            "versions": words.len(),
            "sender": { "id": ANN }, "reporter": { "id": BEN }, "evidence": evidence, "state": "OPEN", "handledBy": null,
            "withheld": false,
        });
        serde_json::from_value(node).unwrap()
    }

    #[test]
    fn moderators_see_each_report_once_with_what_was_said_by_then_and_none_of_their_own_messages() {
        let filed = [filed(8), filed(9)];
        let right = || vec![told(8, &["fool", "you fool"]), told(9, &["fool", "you fool"])];
        assert_eq!(differs(CAT, &filed, &right()), None);
        assert_eq!(differs(BEN, &filed, &right()), None, "whoever has reported it");
        assert_eq!(differs(ANN, &filed, &[]), None);
        assert!(differs(ANN, &filed, &right()).is_some());
        let twice: Vec<Reported> = right().into_iter().chain(right()).collect();
        assert!(differs(CAT, &filed, &twice).is_some());
        assert!(differs(CAT, &filed, &right()[..1]).is_some());
        let later = [told(8, &["fool", "you fool", "you dear"]), right().remove(1)];
        assert!(differs(CAT, &filed, &later).is_some());
    }

    #[test]
    fn a_report_that_is_settled_is_so_for_all_moderators_and_its_message_shown() {
        let settled = Filed {
            state: "DISMISSED",
            handled_by: Some(MOD),
            ..filed(8)
        };
        let told = |state: &str, by, withheld| Reported {
            state: state.to_owned(),
            handled_by: Some(Named { id: by }),
            withheld,
            ..told(8, &["fool", "you fool"])
        };
        let filed = [settled];
        assert_eq!(differs(CAT, &filed, &[told("DISMISSED", MOD, false)]), None);
        assert!(differs(CAT, &filed, &[told("ASSIGNED", MOD, false)]).is_some());
        assert!(differs(CAT, &filed, &[told("DISMISSED", MOD, true)]).is_some());
        assert!(differs(CAT, &filed, &[told("DISMISSED", CAT, false)]).is_some());
    }
}
