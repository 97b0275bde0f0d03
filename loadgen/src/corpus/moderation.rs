//! A moderator, who has withheld what is reported in the group, shows it again, takes it back, or leaves it so. Everybody rests meanwhile, so that
//! what they are shown behind it is known.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_protocol::{Action, ErrorCode, Position};
use tidings_scribe::moderation::{Handling, Order, Turns};
use tidings_scribe::said::Said;
use tidings_stand::{Account, Api, Operator};
use uuid::Uuid;

use super::{
    pen::Pen,
    people::{People, Run},
    person::Job,
    schedule::OWNER,
    shared::Shared,
    shut::Refusal,
};

/// What the moderator's device is called.
pub(crate) const DEVICE: &str = "moderator";

/// What the owner reports messages for, and why they are withheld.
const REASON: &str = "an insult";

const REPORTS: &str = "query($after: String) { admin { reports(first: 50, after: $after) { \
     nodes { id message state withheld } pageInfo { hasNextPage endCursor } } } }";
const WITHHOLD: &str = "mutation($id: ID!, $note: String!) { done: withholdReported(id: $id, note: $note) { id message state withheld } }";
const SHOW_AGAIN: &str =
    "mutation($id: ID!) { done: showReportedAgain(id: $id) { id message state withheld } }";
const RESOLVE: &str = "mutation($id: ID!, $action: ReportAction!, $note: String) { \
     done: resolveReport(id: $id, action: $action, note: $note) { id message state withheld } }";
const MESSAGE: &str = "query($conversation: ID!, $id: ID!) { message(conversation: $conversation, id: $id) { text withheld recalledAt } \
     conversation(id: $conversation) { lastSeq } }";

/// What becomes of a report in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The message is shown again, and then it is found to be nothing.
    Nothing,
    /// The report is resolved, which shows the message again.
    Resolved,
    /// The message is taken back.
    TakenBack,
}

/// The moderator, and what they have to do with.
pub(crate) struct Moderation {
    account: Account,
    pen: Pen,
    turns: Turns,
    /// By their numbers.
    cases: BTreeMap<usize, Case>,
}

/// A report, as moderators see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Case {
    id: Uuid,
    message: Uuid,
    state: String,
    withheld: bool,
}

impl Moderation {
    /// Somebody is made a moderator.
    pub(crate) async fn begin(operator: &Operator, node: &Api, shared: &Shared) -> Result<Self> {
        let name = format!("moderator-{:08x}", rand::random::<u32>());
        let account = node.register(&name).await?;
        operator.make_moderator(&name).await?;
        account.renew().await?;
        let pen = Pen::create(shared.journals(), shared.clock, account.user, DEVICE)?;
        Ok(Self {
            account,
            pen,
            turns: Turns::default(),
            cases: BTreeMap::new(),
        })
    }

    pub(crate) fn user(&self) -> Uuid {
        self.account.user
    }

    pub(crate) fn close(&self) -> Result<()> {
        self.pen.close()
    }

    /// All reports, behind this position.
    async fn reports(&self, after: Option<Position>) -> Result<Vec<Case>> {
        let reports = self
            .account
            .query_all(REPORTS, json!({}), "/admin/reports", after);
        let read = |node| serde_json::from_value(node).context("a report of another shape");
        reports.await?.into_iter().map(read).collect()
    }

    /// Has something done about a report, which makes this event of the conversation and leaves it in this state.
    async fn order(
        &mut self,
        number: usize,
        text: &str,
        variables: &Value,
        makes: Option<Order>,
        (state, withheld): (&str, bool),
    ) -> Result<()> {
        if let Some(order) = &makes {
            self.pen.note(|scribe| scribe.ordered(order));
        }
        let done = self.account.query(text, variables, None).await?;
        if let Some(order) = &makes {
            self.pen.note(|scribe| scribe.carried_out(order));
        }
        let told: Case = serde_json::from_value(done["done"].clone()).context("a report of another shape")?;
        let case = self.cases.get_mut(&number).context("no such case")?;
        state.clone_into(&mut case.state);
        case.withheld = withheld;
        ensure!(told == *case, "the report became {told:?}; it should be {case:?}");
        Ok(())
    }
}

impl People {
    /// The owner reports something that another one has said in the group not long ago, and it is withheld or not.
    pub(super) async fn report(&mut self, number: usize, withhold: bool) -> Result<()> {
        if self.moderation.is_none() {
            return Ok(());
        }
        self.rest(None).await?;
        let conversation = self.group()?;
        let spoken = self.shared.spoken(conversation, self.user(OWNER));
        let Some((message, sender)) = spoken else {
            return Ok(());
        };
        // Nothing stands against what is done to other messages.
        self.shared.forget_latest(conversation, message);
        if let Some(author) = self.person(sender) {
            self.give(author, Job::Forget(message)).await?;
        }
        let reports = Action::ReportSend {
            conversation,
            message,
            reason: REASON.to_owned(),
            note: None,
        };
        let ack = self.want(OWNER, reports).await?;
        let ack = ack.await.context("a person has stopped")?;
        let ack = ack.context("a message was not reported")?;
        self.shared.did("report.send");
        let moderation = self.moderation.as_mut().context("no moderator")?;
        let mut reports = moderation.reports(Some(ack.position)).await?.into_iter();
        let open = Case {
            state: "OPEN".to_owned(),
            ..reports
                .find(|report| report.message == message)
                .context("no moderator sees a report")?
        };
        ensure!(!open.withheld, "{message} is withheld before anybody said so");
        let variables = json!({ "id": open.id, "note": REASON });
        moderation.cases.insert(number, open);
        if withhold {
            let turn = moderation.turns.next(message);
            let order = Order::withholding(conversation, message, turn, Some(REASON));
            moderation
                .order(number, WITHHOLD, &variables, Some(order), ("ASSIGNED", true))
                .await?;
            self.shared.did("withheld");
            self.is_told(message, true, false).await?;
            let react = Action::MessageReact {
                conversation,
                message,
                emoji: "👍".to_owned(),
                on: true,
            };
            let react = Said::amendment(conversation, react).context("no change of a message")?;
            let gone = Refusal::new(ErrorCode::NotFound, None);
            self.try_in_vain(OWNER, react, gone).await?;
        }
        Ok(())
    }

    /// The report is settled.
    pub(super) async fn settle(&mut self, number: usize, ending: Ending) -> Result<()> {
        let conversation = self.group()?;
        self.rest(None).await?;
        let Some(moderation) = &mut self.moderation else {
            return Ok(());
        };
        let Some(case) = moderation.cases.get(&number).cloned() else {
            return Ok(());
        };
        let mut makes = None;
        if case.withheld {
            let turn = moderation.turns.next(case.message);
            makes = Some(Order::withholding(conversation, case.message, turn, None));
        }
        let (handling, note) = match ending {
            Ending::Nothing => {
                let (variables, assigned) = (json!({ "id": case.id }), ("ASSIGNED", false));
                let shows = makes.take();
                moderation
                    .order(number, SHOW_AGAIN, &variables, shows, assigned)
                    .await?;
                self.shared.did("shown again");
                (Handling::Dismiss, None)
            }
            Ending::Resolved => (Handling::Resolve, None),
            Ending::TakenBack => {
                makes = Some(Order::recall(conversation, case.message, REASON));
                (Handling::Recall, Some(REASON))
            }
        };
        let variables = json!({ "id": case.id, "action": handling.action(), "note": note });
        moderation
            .order(number, RESOLVE, &variables, makes, (handling.state(), false))
            .await?;
        self.shared.did("settled");
        self.is_told(case.message, false, ending == Ending::TakenBack)
            .await
    }

    /// What history tells the owner, who hides nothing, of a message of the group that says something unless it is withheld or recalled.
    async fn is_told(&self, message: Uuid, withheld: bool, recalled: bool) -> Result<()> {
        let conversation = self.group()?;
        let variables = json!({ "conversation": conversation, "id": message });
        let after = self.shared.position(conversation);
        let told = self.account(OWNER).query(MESSAGE, &variables, after).await?;
        let seq = told.pointer("/conversation/lastSeq").and_then(Value::as_u64);
        self.shared.reached(conversation, seq.context("no last seq")?);
        let told = &told["message"];
        let is_right = told["withheld"] == json!(withheld)
            && told["recalledAt"].is_null() != recalled
            && told["text"].is_null() == (withheld || recalled);
        ensure!(
            told.is_object() && is_right,
            "{message} is told as {told}; withheld: {withheld}, recalled: {recalled}"
        );
        Ok(())
    }
}

/// Compares what a moderator sees of all reports with what has become of them; answers how many there are.
pub(crate) async fn look(run: &Run) -> Result<usize> {
    let Some(moderation) = &run.moderation else {
        return Ok(0);
    };
    let mut told = moderation.reports(None).await?;
    told.sort_by_key(|case| case.id);
    let mut due: Vec<Case> = moderation.cases.values().cloned().collect();
    due.sort_by_key(|case| case.id);
    // Others may have used the server.
    told.retain(|case| due.iter().any(|due| due.id == case.id));
    ensure!(told == due, "the reports are {told:?}; they should be {due:?}");
    Ok(due.len())
}
