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

mod evidence;
mod together;

pub(crate) use evidence::Held;
pub(crate) use together::{SETTLED, WITHHELD};

/// How long a node may take to answer before another one is asked.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long an order may stay without any answer. Longer than all faults of a run.
const PATIENCE: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_millis(100);
/// After so long nothing is left of what had no answer: requests have a deadline by which nodes give them up, and no fault stops one for longer.
/// Nothing else is ordered before.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// The code that refuses what is settled otherwise.
const CONFLICT: &str = "conflict";
/// The state of a report that somebody looks at.
const ASSIGNED: &str = "ASSIGNED";

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

/// What is to be done about a report.
struct Wish {
    name: &'static str,
    text: &'static str,
    variables: Value,
    /// The events that it makes.
    makes: Vec<Order>,
    /// What the report is then.
    state: &'static str,
    /// Whether its message is withheld then, unless that is for somebody else to say.
    withheld: Option<bool>,
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

    pub(crate) fn user(&self) -> Uuid {
        self.person.user
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
        let wish = self.withholding(case, note);
        self.order(case, &wish).await.map(drop)
    }

    /// Has the message shown again.
    pub(crate) async fn show_again(&mut self, case: &Case) -> Option<()> {
        let mut makes = self.looks_at(case);
        makes.push(self.turn(case, None));
        let wish = Wish {
            name: "report.show_again",
            text: SHOW_AGAIN,
            variables: json!({ "id": case.report }),
            makes,
            state: ASSIGNED,
            withheld: Some(false),
        };
        self.order(case, &wish).await.map(drop)
    }

    /// Settles the report, of a message that is withheld or not.
    pub(crate) async fn settle(
        &mut self,
        case: &Case,
        handling: Handling,
        note: Option<&str>,
        withheld: bool,
    ) -> Option<()> {
        let wish = self.settling(case, handling, note, withheld);
        self.order(case, &wish).await.map(drop)
    }

    /// Settles once more what is settled so: it is answered alike, and nothing comes of it.
    pub(crate) async fn settle_again(
        &mut self,
        case: &Case,
        handling: Handling,
        note: Option<&str>,
    ) -> Option<()> {
        self.order(case, &resolving(case, handling, note)).await.map(drop)
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
                Some(Answer::Refused(code)) if code == CONFLICT => {
                    self.effects.add("refused as it should be", 1);
                }
                answer => self.problems.push(format!(
                    "the report {} is settled, and {variables} is answered with {answer:?}",
                    case.report
                )),
            }
        }
    }

    fn withholding(&mut self, case: &Case, note: &str) -> Wish {
        let mut makes = self.looks_at(case);
        makes.push(self.turn(case, Some(note)));
        Wish {
            name: "report.withhold",
            text: WITHHOLD,
            variables: json!({ "id": case.report, "note": note }),
            makes,
            state: ASSIGNED,
            withheld: Some(true),
        }
    }

    fn settling(&mut self, case: &Case, handling: Handling, note: Option<&str>, withheld: bool) -> Wish {
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
        Wish {
            makes,
            ..resolving(case, handling, note)
        }
    }

    /// Whoever does anything but settle the report looks at it from then on.
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

    /// Has something done. Answers what is told of the report then; none where it was not done.
    async fn order(&mut self, case: &Case, wish: &Wish) -> Option<Value> {
        let answer = self.ask(case, wish).await;
        self.must_be_done(wish, answer)
    }

    /// Says what it makes, and asks for it.
    async fn ask(&mut self, case: &Case, wish: &Wish) -> Option<Answer> {
        self.forget().await;
        for order in &wish.makes {
            self.scribe.ordered(order);
        }
        let (answer, open) = self.insist(wish.text, &wish.variables, Some(case.reported)).await;
        self.open = open;
        answer
    }

    /// Nothing stands against it.
    fn must_be_done(&mut self, wish: &Wish, answer: Option<Answer>) -> Option<Value> {
        let Wish {
            name,
            variables,
            state,
            withheld,
            ..
        } = wish;
        let mut data = match answer {
            Some(Answer::Data(data)) => data,
            other => {
                self.problems.push(format!(
                    "{name} with {variables} is answered with {other:?}, and nothing stands against it"
                ));
                return None;
            }
        };
        for order in &wish.makes {
            self.scribe.carried_out(order);
        }
        self.effects.add(wish.name, 1);
        let done = data.get_mut("done").map(Value::take).unwrap_or_default();
        let is_otherwise =
            done["state"] != *state || withheld.is_some_and(|withheld| done["withheld"] != withheld);
        // Who comes to what was done already is told of it by read models that a crash may have set back.
        if self.open.is_none() && is_otherwise {
            self.problems.push(format!(
                "{name} with {variables} is acked with {done}; the report should be {state} and its message withheld: {withheld:?}"
            ));
        }
        Some(done)
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
            let (answer, asked_at) = self.try_once(text, variables, after).await;
            if answer.is_some() {
                return (answer, open);
            }
            open = Some(asked_at);
            sleep(PAUSE).await;
        }
        (None, open)
    }

    /// Asks the next node. Answers also when that was.
    async fn try_once(
        &mut self,
        text: &str,
        variables: &Value,
        after: Option<Position>,
    ) -> (Option<Answer>, Instant) {
        let node = &self.nodes[self.next % self.nodes.len()];
        self.next += 1;
        let asked_at = Instant::now();
        let asked = Box::pin(self.person.ask_once(node, text, variables, after));
        let answer = timeout(ANSWER_LIMIT, asked).await.ok().and_then(Result::ok);
        (answer, asked_at)
    }
}

/// To settle a report, and nothing more.
fn resolving(case: &Case, handling: Handling, note: Option<&str>) -> Wish {
    Wish {
        name: "report.settle",
        text: RESOLVE,
        variables: json!({ "id": case.report, "action": handling.action(), "note": note }),
        makes: Vec::new(),
        state: handling.state(),
        withheld: Some(false),
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
