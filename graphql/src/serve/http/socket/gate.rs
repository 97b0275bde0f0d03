//! What a client may say, and what it is told: the rules of `graphql-transport-ws` that the library does not keep, and the bound
//! on operations.

use super::closing::Closing;
use crate::errors::{Code, Refusal};
use axum::extract::ws::Utf8Bytes;
use serde::Deserialize;
use std::collections::HashSet;

/// Operations of one connection at the same time.
const OPERATIONS_MAX: usize = 32;

/// The operations of one connection, by the ids that the client gave them.
#[derive(Default)]
pub(super) struct Gate {
    running: HashSet<String>,
    /// Those of which the client has heard the last while the library still has its `complete` to say.
    ended: HashSet<String>,
    /// A message that begins one of them anew. It waits, or the `complete` of the old one would be taken for its own.
    kept: Option<(String, Utf8Bytes)>,
}

/// What becomes of a message from the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Passed(Utf8Bytes),
    /// It is passed later, and nothing is heard before: see [`Gate::release`].
    Kept,
    /// The operation is not begun.
    Refused(String, Refusal),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromClient {
    ConnectionInit,
    Ping,
    Pong,
    Subscribe { id: String },
    Complete { id: String },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromLibrary {
    Complete {
        id: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// The operation that a message of the library is about.
pub(super) fn id_of(text: &str) -> Option<String> {
    serde_json::from_str(text).map(|Named { id }| id).ok()
}

impl Gate {
    /// Whether something can be heard.
    pub(super) fn is_open(&self) -> bool {
        self.kept.is_none()
    }

    /// Takes a message from the client.
    pub(super) fn hear(&mut self, text: Utf8Bytes) -> Result<Heard, Closing> {
        match serde_json::from_str(&text).map_err(|_| Closing::InvalidMessage)? {
            FromClient::ConnectionInit | FromClient::Ping | FromClient::Pong => Ok(Heard::Passed(text)),
            FromClient::Subscribe { id } if self.running.contains(&id) => Err(Closing::Duplicate(id)),
            FromClient::Subscribe { id } if self.running.len() >= OPERATIONS_MAX => {
                let message = format!("at most {OPERATIONS_MAX} operations can run at once");
                Ok(Heard::Refused(id, Refusal::new(Code::TooLarge, message)))
            }
            FromClient::Subscribe { id } => {
                self.running.insert(id.clone());
                if self.ended.contains(&id) {
                    self.kept = Some((id, text));
                    return Ok(Heard::Kept);
                }
                Ok(Heard::Passed(text))
            }
            FromClient::Complete { id } => {
                if self.running.remove(&id) {
                    self.ended.insert(id);
                }
                Ok(Heard::Passed(text))
            }
        }
    }

    /// The message that was kept, once it can be passed.
    pub(super) fn release(&mut self) -> Option<Utf8Bytes> {
        self.kept
            .take_if(|(id, _)| !self.ended.contains(id))
            .map(|(_, text)| text)
    }

    /// An operation was refused, which is the last that the client hears of it.
    pub(super) fn refused(&mut self, id: &str) {
        if self.running.remove(id) {
            self.ended.insert(id.to_owned());
        }
    }

    /// Whether the client is told this message of the library.
    pub(super) fn lets_out(&mut self, text: &str) -> bool {
        match serde_json::from_str(text) {
            Ok(FromLibrary::Complete { id }) => !self.ended.remove(&id) && self.running.remove(&id),
            Ok(FromLibrary::Other) | Err(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn say(kind: &str, id: &str) -> Utf8Bytes {
        json!({ "type": kind, "id": id, "payload": { "query": "{ a }" } })
            .to_string()
            .into()
    }

    fn hear(gate: &mut Gate, kind: &str, id: &str) -> Heard {
        gate.hear(say(kind, id))
            .unwrap_or_else(|closing| panic!("closed with {}", closing.code()))
    }

    fn complete(gate: &mut Gate, id: &str) -> bool {
        gate.lets_out(&say("complete", id))
    }

    #[test]
    fn an_operation_runs_until_its_complete() {
        let mut gate = Gate::default();
        assert_eq!(
            hear(&mut gate, "subscribe", "a"),
            Heard::Passed(say("subscribe", "a"))
        );
        let twice = gate.hear(say("subscribe", "a"));
        assert_eq!(twice.err().map(|closing| closing.code()), Some(4409));
        assert!(gate.lets_out(r#"{"type":"pong"}"#));
        assert!(complete(&mut gate, "a"));
        assert_eq!(
            hear(&mut gate, "subscribe", "a"),
            Heard::Passed(say("subscribe", "a"))
        );
    }

    #[test]
    fn an_id_that_the_client_completed_begins_anew_behind_the_old_ones_complete() {
        let mut gate = Gate::default();
        hear(&mut gate, "subscribe", "a");
        assert_eq!(
            hear(&mut gate, "complete", "a"),
            Heard::Passed(say("complete", "a"))
        );
        assert_eq!(hear(&mut gate, "subscribe", "a"), Heard::Kept);
        assert!(!gate.is_open());
        assert_eq!(gate.release(), None);
        assert!(
            !complete(&mut gate, "a"),
            "the client is told nothing of the old one"
        );
        assert_eq!(gate.release(), Some(say("subscribe", "a")));
        assert!(gate.is_open());
        assert!(complete(&mut gate, "a"), "the new one ends by itself");
    }

    #[test]
    fn what_was_refused_has_no_complete() {
        let mut gate = Gate::default();
        hear(&mut gate, "subscribe", "a");
        gate.refused("a");
        // Both of them have given it up.
        hear(&mut gate, "complete", "a");
        assert!(!complete(&mut gate, "a"));
        assert_eq!(
            hear(&mut gate, "subscribe", "a"),
            Heard::Passed(say("subscribe", "a"))
        );
    }

    #[test]
    fn so_many_operations_run_at_once_and_no_more() {
        let mut gate = Gate::default();
        for n in 0..OPERATIONS_MAX {
            hear(&mut gate, "subscribe", &n.to_string());
        }
        let refused = hear(&mut gate, "subscribe", "more");
        assert!(
            matches!(&refused, Heard::Refused(id, refusal) if id == "more" && refusal.code == Code::TooLarge)
        );
        hear(&mut gate, "complete", "0");
        assert_eq!(
            hear(&mut gate, "subscribe", "more"),
            Heard::Passed(say("subscribe", "more"))
        );
    }
}
