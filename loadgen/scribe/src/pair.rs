//! What becomes of two people: contacts, or not, and whether one blocks the other. It stands in a stream that nobody is shown, so journals name
//! it by the two.

use serde::{Deserialize, Serialize};
use tidings_journal::digest;
use tidings_protocol::Action;
use uuid::Uuid;

/// Something has become otherwise between two people.
#[derive(Debug, Serialize, Deserialize)]
struct Changed {
    by: Uuid,
    user: Uuid,
    change: Change,
}

/// What somebody did, as far as a command decides it: not until when who was declined is not heard.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Requested {
        #[serde(default)]
        text: Option<String>,
    },
    Accepted,
    Declined {},
    Withdrawn,
    Removed,
    Blocked {
        on: bool,
    },
}

/// The name that journals have for what two people are to one another: the same from both sides, in the lane that has it.
pub fn between(one: Uuid, other: Uuid) -> Uuid {
    let mut bytes = (one.as_u128() ^ other.as_u128()).to_be_bytes();
    bytes[15] = one.min(other).as_bytes()[15];
    Uuid::from_bytes(bytes)
}

/// What a command of `actor` makes of two people: the name that journals have for them, and the digest. None for a command of another
/// sort. Requests that cross meet in the log as an acceptance; nobody here lets them cross.
pub fn asked(actor: Uuid, action: &Action) -> Option<(Uuid, u64)> {
    let (user, change) = match action {
        Action::ContactRequest { user, text } => (*user, Change::Requested { text: text.clone() }),
        Action::ContactAccept { user } => (*user, Change::Accepted),
        Action::ContactDecline { user } => (*user, Change::Declined {}),
        Action::ContactWithdraw { user } => (*user, Change::Withdrawn),
        Action::ContactRemove { user } => (*user, Change::Removed),
        Action::UserBlock { user, on } => (*user, Change::Blocked { on: *on }),
        _ => return None,
    };
    let by = actor;
    Some(Changed { by, user, change }.told())
}

/// The same from the log; none for what has another shape.
pub fn logged(data: &str) -> Option<(Uuid, u64)> {
    let changed: Changed = serde_json::from_str(data).ok()?;
    Some(changed.told())
}

impl Changed {
    fn told(&self) -> (Uuid, u64) {
        let json = serde_json::to_string(self).unwrap_or_default();
        (between(self.by, self.user), digest(&json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Uuid = Uuid::from_u128(0x103);
    const BEN: Uuid = Uuid::from_u128(0x201);

    /// The log's line for what Ben did to Ann.
    fn line(change: &str) -> Option<(Uuid, u64)> {
        logged(&format!(
            r#"{{"by":"{BEN}","user":"{ANN}","change":{change},"heard":true}}"#
        ))
    }

    #[test]
    fn what_the_log_has_of_two_people_is_what_was_asked_for() {
        let user = ANN;
        let text = Some("good morning".to_owned());
        let until = r#"{"declined":{"until":"2026-11-27T00:00:00Z"}}"#;
        let all = [
            (Action::ContactRequest { user, text: None }, r#"{"requested":{}}"#),
            (
                Action::ContactRequest { user, text },
                r#"{"requested":{"text":"good morning"}}"#,
            ),
            (Action::ContactAccept { user }, r#""accepted""#),
            (Action::ContactDecline { user }, until),
            (Action::ContactWithdraw { user }, r#""withdrawn""#),
            (Action::ContactRemove { user }, r#""removed""#),
            (Action::UserBlock { user, on: true }, r#"{"blocked":{"on":true}}"#),
            (
                Action::UserBlock { user, on: false },
                r#"{"blocked":{"on":false}}"#,
            ),
        ];
        for (action, change) in &all {
            assert_eq!(asked(BEN, action), line(change), "{change}");
            assert_ne!(asked(ANN, action), line(change), "by the other one");
        }
        for (place, (action, _)) in all.iter().enumerate() {
            for (_, change) in &all[place + 1..] {
                assert_ne!(asked(BEN, action), line(change), "{change}");
            }
        }
        assert_eq!(line(r#""forgotten""#), None);
    }

    #[test]
    fn two_people_have_one_name_in_the_lane_of_the_lower_id() {
        assert_eq!(between(ANN, BEN), between(BEN, ANN));
        assert_eq!(between(ANN, BEN).as_bytes()[15], 3);
        assert_ne!(between(ANN, BEN), ANN);
    }
}
