//! What moderators order. It goes by GraphQL, where commands have no ids that others know: journals and the log name what an order makes by what
//! it is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidings_journal::digest;
use tidings_protocol::{EventData, MessageRecalled, MessageWithheld};
use uuid::Uuid;

use crate::report::about;
use crate::said::says;

/// An event that an order makes, as journals have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: Uuid,
    pub conversation: Uuid,
    /// Of what the event says.
    pub digest: u64,
}

/// What becomes of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    Assign,
    Dismiss,
    Resolve,
    Recall,
}

impl Handling {
    /// The action, as GraphQL has it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Assign => "ASSIGN",
            Self::Dismiss => "DISMISS",
            Self::Resolve => "RESOLVE",
            Self::Recall => "RECALL",
        }
    }

    /// The state of the report that follows from it, as GraphQL has it.
    pub fn state(self) -> &'static str {
        match self {
            Self::Assign => "ASSIGNED",
            Self::Dismiss => "DISMISSED",
            Self::Resolve | Self::Recall => "RESOLVED",
        }
    }
}

/// A report is handled, as the log has it.
#[derive(Debug, Serialize, Deserialize)]
struct Handled {
    report: Uuid,
    by: Uuid,
    action: Handling,
    #[serde(default)]
    note: Option<String>,
}

/// How often each message was withheld and shown again so far.
#[derive(Clone, Debug, Default)]
pub struct Turns(BTreeMap<Uuid, u32>);

impl Turns {
    /// The number of the next one, from 1.
    pub fn next(&mut self, message: Uuid) -> u32 {
        let turns = self.0.entry(message).or_default();
        *turns += 1;
        *turns
    }
}

impl Order {
    /// The message is withheld for a reason, or without one shown again; that is its turn.
    pub fn withholding(conversation: Uuid, message: Uuid, turn: u32, reason: Option<&str>) -> Self {
        let data = EventData::MessageWithheld(MessageWithheld {
            message,
            message_seq: 0,
            message_no: 0,
            withheld: reason.is_some(),
            reason: reason.map(str::to_owned),
        });
        Self {
            id: withholding(message, turn),
            conversation,
            digest: says(&data),
        }
    }

    /// The message is taken back for a reason.
    pub fn recall(conversation: Uuid, message: Uuid, reason: &str) -> Self {
        let data = EventData::MessageRecalled(MessageRecalled {
            message,
            message_seq: 0,
            message_no: 0,
            reason: Some(reason.to_owned()),
        });
        Self {
            id: recall(message),
            conversation,
            digest: says(&data),
        }
    }

    /// A report of the message is handled. It belongs to the reports of the message, which journals call by [their name](about).
    pub fn handling(
        by: Uuid,
        (conversation, message): (Uuid, Uuid),
        report: Uuid,
        action: Handling,
        note: Option<&str>,
    ) -> Self {
        let note = note.map(str::to_owned);
        let (id, digest) = Handled {
            report,
            by,
            action,
            note,
        }
        .told();
        Self {
            id,
            conversation: about(conversation, message),
            digest,
        }
    }
}

impl Handled {
    /// Each is done to a report once.
    fn told(&self) -> (Uuid, u64) {
        let json = serde_json::to_string(self).unwrap_or_default();
        let name = format!("{} {}", self.report, self.action.action());
        (named(&name), digest(&json))
    }
}

/// The id that journals have for the event by which a message is withheld or shown again, if that is its turn.
pub fn withholding(message: Uuid, turn: u32) -> Uuid {
    named(&format!("{message} withheld {turn}"))
}

/// The id that journals have for the event by which a moderator takes a message back, which is done once.
pub fn recall(message: Uuid) -> Uuid {
    named(&format!("{message} recalled"))
}

/// The id that journals have for an event of the log by which a report is handled, and its digest; none for what has another shape.
pub fn handling(data: &str) -> Option<(Uuid, u64)> {
    let handled: Handled = serde_json::from_str(data).ok()?;
    Some(handled.told())
}

/// The id that journals have for an event of a conversation that a moderator has ordered; none for others. Its turn is counted in the order of the log.
pub fn ordered(data: &EventData, turns: &mut Turns) -> Option<Uuid> {
    match data {
        EventData::MessageWithheld(changed) => {
            Some(withholding(changed.message, turns.next(changed.message)))
        }
        EventData::MessageRecalled(recalled) if recalled.reason.is_some() => Some(recall(recalled.message)),
        _ => None,
    }
}

fn named(words: &str) -> Uuid {
    Uuid::from_u64_pair(digest(words), digest(&format!("the other half of {words}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said::logged;

    const ROOM: Uuid = Uuid::from_u128(0x0503);
    const MESSAGE: Uuid = Uuid::from_u128(0x0904);
    const REPORT: Uuid = Uuid::from_u128(5);
    const MOD: Uuid = Uuid::from_u128(6);

    fn data(fields: &str) -> String {
        format!(r#"{{"message":"{MESSAGE}","message_seq":7,"message_no":3{fields}}}"#)
    }

    #[test]
    fn what_the_log_has_of_a_withholding_is_what_was_ordered() {
        let withhold = |reason| Order::withholding(ROOM, MESSAGE, 1, Some(reason));
        let withheld = data(r#","withheld":true,"reason":"an address""#);
        let withheld = logged("message.withheld", &withheld);
        assert_eq!(withhold("an address").digest, withheld);
        assert_ne!(withhold("an insult").digest, withheld);
        let shown = logged("message.withheld", &data(r#","withheld":false"#));
        assert_eq!(Order::withholding(ROOM, MESSAGE, 2, None).digest, shown);
        assert_ne!(withheld, shown);
        let recalled = logged("message.recalled", &data(r#","reason":"an address""#));
        assert_eq!(Order::recall(ROOM, MESSAGE, "an address").digest, recalled);
        assert_ne!(Order::recall(ROOM, MESSAGE, "an insult").digest, recalled);
    }

    #[test]
    fn what_the_log_has_of_a_report_that_was_handled_is_what_was_ordered() {
        let order = |by, action, note| Order::handling(by, (ROOM, MESSAGE), REPORT, action, note);
        let line = |fields: &str| handling(&format!(r#"{{"report":"{REPORT}","by":"{MOD}"{fields}}}"#));
        let assign = order(MOD, Handling::Assign, None);
        assert_eq!(line(r#","action":"assign""#), Some((assign.id, assign.digest)));
        let dismiss = order(MOD, Handling::Dismiss, Some("it is nothing"));
        let dismissed = line(r#","action":"dismiss","note":"it is nothing""#);
        assert_eq!(dismissed, Some((dismiss.id, dismiss.digest)));
        assert_ne!(assign.id, dismiss.id);
        let by_another = order(ROOM, Handling::Dismiss, Some("it is nothing"));
        assert_eq!(by_another.id, dismiss.id);
        assert_ne!(by_another.digest, dismiss.digest);
        assert_eq!(dismiss.conversation, about(ROOM, MESSAGE));
        assert_eq!(line(r#","action":"forget""#), None);
    }

    #[test]
    fn each_turn_of_a_message_has_a_name_of_its_own() {
        let mut turns = Turns::default();
        assert_eq!([MESSAGE, MESSAGE, REPORT].map(|of| turns.next(of)), [1, 2, 1]);
        let names = [
            withholding(MESSAGE, 1),
            withholding(MESSAGE, 2),
            withholding(REPORT, 1),
            recall(MESSAGE),
        ];
        for (place, name) in names.iter().enumerate() {
            assert!(!names[place + 1..].contains(name));
        }
    }
}
