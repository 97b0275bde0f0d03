//! What a report holds, as a moderator is told it who looks at it from then on.

use serde::Deserialize;
use serde_json::json;

use super::{ASSIGNED, Case, Moderator, Wish};
use crate::http::Version;

const ASSIGN: &str = "mutation($id: ID!) { \
     done: resolveReport(id: $id, action: ASSIGN) { state withheld versions evidence { text } } }";

/// What a report holds of its message.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Held {
    /// Of how many versions whoever took the report knew.
    pub(crate) versions: usize,
    /// What the message had said by then.
    pub(crate) evidence: Vec<Version>,
}

impl Moderator {
    /// Looks at a report that nobody has looked at.
    pub(crate) async fn assign(&mut self, case: &Case) -> Option<Held> {
        let wish = Wish {
            name: "report.assign",
            text: ASSIGN,
            variables: json!({ "id": case.report }),
            makes: self.looks_at(case),
            state: ASSIGNED,
            withheld: Some(false),
        };
        let done = self.order(case, &wish).await?;
        let told = done.to_string();
        let held = serde_json::from_value(done);
        if held.is_err() {
            self.problems.push(format!(
                "a moderator looks at the report {} and is told {told}",
                case.report
            ));
        }
        held.ok()
    }
}
