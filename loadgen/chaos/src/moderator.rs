//! A moderator, who has what was reported withheld and shown again, and settles reports. They order it over GraphQL, at one node after the other
//! until one answers. Their journal has what the orders make.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tidings_protocol::Position;
use tidings_stand::{Answer, Api};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use crate::chorus::Sung;
use crate::effects::Effects;
use crate::http::Person;
use crate::moderation::{Handling, Order, Turns};
use crate::scribe::{Clock, Scribe};

/// How long a node may take to answer before another one is asked.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long an order may stay without any answer. Longer than all faults of a run.
const PATIENCE: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_millis(100);
/// After so long nothing is left of what had no answer: requests have a deadline by which nodes give them up, and no fault stops one for longer.
/// Nothing else is ordered before.
const FORGOTTEN: Duration = Duration::from_secs(30);

const REPORTS: &str =
    "{ admin { reports(first: 20) { nodes { id conversation message reporter { id } } } } }";
const WITHHOLD: &str =
    "mutation($id: ID!, $note: String!) { done: withholdReported(id: $id, note: $note) { state withheld } }";
const SHOW_AGAIN: &str = "mutation($id: ID!) { done: showReportedAgain(id: $id) { state withheld } }";
const RESOLVE: &str = "mutation($id: ID!, $action: ReportAction!, $note: String) { \
     done: resolveReport(id: $id, action: $action, note: $note) { state withheld } }";

/// A report as the moderator has found it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    report: Uuid,
    conversation: Uuid,
    message: Uuid,
    /// Where the report stands: a crash may have taken back what read models had of it.
    reported: Position,
}

pub(crate) struct Moderator {
    person: Person,
    nodes: Vec<Api>,
    /// Which node is asked next.
    next: usize,
    scribe: Scribe,
    turns: Turns,
    /// Reports that the moderator looks at.
    assigned: BTreeSet<Uuid>,
    /// Since when something is open that was ordered.
    open: Option<Instant>,
    effects: Effects,
    problems: Vec<String>,
}

impl Moderator {
    /// `device` is what their journal is called.
    pub(crate) fn new(clock: Clock, device: &str, person: &Person, nodes: Vec<Api>) -> Self {
        Self {
            person: person.clone(),
            nodes,
            next: 0,
            scribe: Scribe::new(clock, person.user, device),
            turns: Turns::default(),
            assigned: BTreeSet::new(),
            open: None,
            effects: Effects::default(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn close(self) -> Sung {
        Sung {
            journals: vec![self.scribe.close()],
            effects: self.effects,
            problems: self.problems,
            filed: Vec::new(),
        }
    }

    /// Finds what somebody has reported of a message, which was acked at this position.
    pub(crate) async fn find(
        &mut self,
        (conversation, message): (Uuid, Uuid),
        reporter: Uuid,
        after: Position,
    ) -> Option<Case> {
        let (answer, _) = self.insist(REPORTS, &Value::Null, Some(after)).await;
        let report = match &answer {
            Some(Answer::Data(data)) => found(data, conversation, message, reporter),
            _ => None,
        };
        if report.is_none() {
            self.problems.push(format!(
                "the report of {message} by {reporter} was acked, and no moderator finds it: {answer:?}"
            ));
        }
        report.map(|report| Case {
            report,
            conversation,
            message,
            reported: after,
        })
    }

    /// Has the message withheld.
    pub(crate) async fn withhold(&mut self, case: &Case, note: &str) -> Option<()> {
        let mut makes = self.looks_at(case);
        makes.push(self.turn(case, Some(note)));
        let variables = json!({ "id": case.report, "note": note });
        self.order(
            case,
            "report.withhold",
            WITHHOLD,
            &variables,
            &makes,
            ("ASSIGNED", true),
        )
        .await
    }

    /// Has the message shown again.
    pub(crate) async fn show_again(&mut self, case: &Case) -> Option<()> {
        let mut makes = self.looks_at(case);
        makes.push(self.turn(case, None));
        let variables = json!({ "id": case.report });
        self.order(
            case,
            "report.show_again",
            SHOW_AGAIN,
            &variables,
            &makes,
            ("ASSIGNED", false),
        )
        .await
    }

    /// Settles the report, of a message that is withheld or not.
    pub(crate) async fn settle(
        &mut self,
        case: &Case,
        handling: Handling,
        note: Option<&str>,
        withheld: bool,
    ) -> Option<()> {
        let place = (case.conversation, case.message);
        let mut makes = vec![Order::handling(
            self.person.user,
            place,
            case.report,
            handling,
            note,
        )];
        if handling == Handling::Recall {
            makes.extend(note.map(|note| Order::recall(case.conversation, case.message, note)));
        } else if withheld {
            makes.push(self.turn(case, None));
        }
        self.resolve(case, handling, note, &makes).await
    }

    /// Settles once more what is settled so: it is answered alike, and nothing comes of it.
    pub(crate) async fn settle_again(
        &mut self,
        case: &Case,
        handling: Handling,
        note: Option<&str>,
    ) -> Option<()> {
        self.resolve(case, handling, note, &[]).await
    }

    /// What is settled stays so: nothing else is done about it.
    pub(crate) async fn comes_too_late(&mut self, case: &Case, other: Handling) {
        let resolve = json!({ "id": case.report, "action": other.action(), "note": "after all" });
        let withhold = json!({ "id": case.report, "note": "after all" });
        for (text, variables) in [(RESOLVE, resolve), (WITHHOLD, withhold)] {
            self.forget().await;
            let (answer, open) = self.insist(text, &variables, Some(case.reported)).await;
            self.open = open;
            match answer {
                Some(Answer::Refused(code)) if code == "conflict" => {
                    self.effects.add("refused as it should be", 1);
                }
                answer => self.problems.push(format!(
                    "the report {} is settled, and {variables} is answered with {answer:?}",
                    case.report
                )),
            }
        }
    }

    async fn resolve(
        &mut self,
        case: &Case,
        handling: Handling,
        note: Option<&str>,
        makes: &[Order],
    ) -> Option<()> {
        let variables = json!({ "id": case.report, "action": handling.action(), "note": note });
        self.order(
            case,
            "report.settle",
            RESOLVE,
            &variables,
            makes,
            (handling.state(), false),
        )
        .await
    }

    /// Whoever withholds or shows again looks at the report from then on.
    fn looks_at(&mut self, case: &Case) -> Vec<Order> {
        let is_new = self.assigned.insert(case.report);
        let place = (case.conversation, case.message);
        let assigned = Order::handling(self.person.user, place, case.report, Handling::Assign, None);
        is_new.then_some(assigned).into_iter().collect()
    }

    fn turn(&mut self, case: &Case, reason: Option<&str>) -> Order {
        let turn = self.turns.next(case.message);
        Order::withholding(case.conversation, case.message, turn, reason)
    }

    /// Has something done that makes these events, and leaves the report in this state and its message withheld or not. None where it was not done.
    async fn order(
        &mut self,
        case: &Case,
        name: &'static str,
        text: &str,
        variables: &Value,
        makes: &[Order],
        becomes: (&str, bool),
    ) -> Option<()> {
        self.forget().await;
        for order in makes {
            self.scribe.ordered(order);
        }
        let (answer, open) = self.insist(text, variables, Some(case.reported)).await;
        self.open = open;
        let data = match answer {
            Some(Answer::Data(data)) => data,
            other => {
                self.problems.push(format!(
                    "{name} with {variables} is answered with {other:?}, and nothing stands against it"
                ));
                return None;
            }
        };
        for order in makes {
            self.scribe.carried_out(order);
        }
        self.effects.add(name, 1);
        let (state, withheld) = becomes;
        // Who comes to what was done already is told of it by read models that a crash may have set back.
        if open.is_none() && data["done"] != json!({ "state": state, "withheld": withheld }) {
            self.problems.push(format!(
                "{name} with {variables} is acked with {data}; the report should be {state} and its message withheld: {withheld}"
            ));
        }
        Some(())
    }

    /// Waits until nothing is left of what had no answer.
    async fn forget(&mut self) {
        if let Some(open) = self.open.take() {
            sleep_until(open + FORGOTTEN).await;
        }
    }

    /// Asks one node after the other until one answers. Answers also when it was last asked in vain.
    async fn insist(
        &mut self,
        text: &str,
        variables: &Value,
        after: Option<Position>,
    ) -> (Option<Answer>, Option<Instant>) {
        let deadline = Instant::now() + PATIENCE;
        let mut open = None;
        while Instant::now() < deadline {
            let node = &self.nodes[self.next % self.nodes.len()];
            self.next += 1;
            let asked_at = Instant::now();
            let asked = Box::pin(self.person.ask_once(node, text, variables, after));
            if let Ok(Ok(answer)) = timeout(ANSWER_LIMIT, asked).await {
                return (Some(answer), open);
            }
            open = Some(asked_at);
            sleep(PAUSE).await;
        }
        (None, open)
    }
}

/// The report that somebody has sent about a message, among those of an answer.
fn found(data: &Value, conversation: Uuid, message: Uuid, reporter: Uuid) -> Option<Uuid> {
    let mut nodes = data.pointer("/admin/reports/nodes")?.as_array()?.iter();
    let id = |node: &Value, pointer: &str| node.pointer(pointer)?.as_str()?.parse::<Uuid>().ok();
    let is_it = |node: &&Value| {
        id(node, "/conversation") == Some(conversation)
            && id(node, "/message") == Some(message)
            && id(node, "/reporter/id") == Some(reporter)
    };
    id(nodes.find(is_it)?, "/id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_found_by_the_message_and_who_has_sent_it() {
        let [room, ann, ben, one, other] = [1, 2, 3, 4, 5].map(Uuid::from_u128);
        let node = |id: Uuid, message: Uuid, reporter: Uuid| json!({ "id": id, "conversation": room, "message": message, "reporter": { "id": reporter } });
        let nodes = [node(one, ann, ben), node(other, ben, ben), node(room, ann, ann)];
        let data = json!({ "admin": { "reports": { "nodes": nodes } } });
        assert_eq!(found(&data, room, ann, ben), Some(one));
        assert_eq!(found(&data, room, ben, ben), Some(other));
        assert_eq!(found(&data, room, ben, ann), None);
        assert_eq!(found(&data, ann, ann, ben), None);
        assert_eq!(found(&json!({ "admin": null }), room, ann, ben), None);
    }
}
