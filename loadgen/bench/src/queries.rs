//! `queries`: how long small GraphQL queries take, one after the other: a page of history with the names of those who wrote
//! it, and who one is.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidings_report::{Aim, Latencies, Progress, Report, millis};
use tidings_stand::{Api, Node, Stand};
use uuid::Uuid;

use crate::database::Database;
use crate::people::{self, Person, answered, connect};
use crate::setting::{Setting, at_least_one};

/// Messages of the page.
const PAGE: usize = 50;
/// Who take turns in writing them.
const WRITERS: usize = 10;
const MESSAGES: &str = "query($id: ID!) { conversation(id: $id) { messages(last: 50) { \
    nodes { id seq sentAt text sender { id displayName } } pageInfo { hasPreviousPage startCursor } } } }";
const ME: &str = "{ me { id username displayName } }";

#[derive(clap::Args)]
pub struct Args {
    /// Rounds, each of which asks everything in turn.
    #[arg(long, default_value_t = 9, value_parser = at_least_one::<usize>)]
    rounds: usize,
    /// Of one kind, in each round.
    #[arg(long, default_value_t = 300, value_parser = at_least_one::<usize>)]
    queries: usize,
    #[command(flatten)]
    setting: Setting,
}

/// Runs the workload on a stand of its own.
pub async fn run(args: Args) -> Result<()> {
    let measuring = async |stand: &Stand, report: &mut Report| measure(stand, &args, report).await;
    args.setting.report("queries", measuring).await
}

/// What is asked.
struct Asked {
    api: Api,
    database: Database,
    person: Person,
    conversation: Uuid,
    messages: usize,
}

async fn measure(stand: &Stand, args: &Args, report: &mut Report) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let progress = Progress::new("queries", 1 + args.rounds as u64);
    progress.step("a conversation is written");
    let asked = Asked::prepare(stand, node).await?;
    let (mut pages, mut selves, mut floors) = (vec![], vec![], vec![]);
    for number in 1..=args.rounds {
        progress.step(&format!("round {number}"));
        let (mut page, mut me, mut floor) = (Latencies::new(), Latencies::new(), Latencies::new());
        // One of each in turn, so that a machine that is slow for a moment is slow for all of them.
        for _ in 0..args.queries {
            let start = Instant::now();
            let answer = asked.query(MESSAGES, json!({"id": asked.conversation})).await?;
            page.record(start.elapsed());
            asked.judge_page(&answer)?;
            let start = Instant::now();
            let answer = asked.query(ME, Value::Null).await?;
            me.record(start.elapsed());
            ensure!(
                answer.pointer("/data/me/id") == Some(&json!(asked.person.user)),
                "somebody else: {answer}"
            );
            let start = Instant::now();
            asked.api.get("/healthz").await?;
            asked.database.row("SELECT 1").await?;
            floor.record(start.elapsed());
        }
        pages.push(page);
        selves.push(me);
        floors.push(floor);
    }
    let p50 = |rounds: &[Latencies]| -> Vec<f64> {
        let rounds = rounds.iter();
        rounds.map(|times| millis(times.quantile(0.5))).collect()
    };
    let floor = ("one request and one statement", p50(&floors));
    for (name, rounds, aim) in [("page of 50 with names", &pages, 1.0), ("me", &selves, 0.4)] {
        report
            .figure(&format!("{name}, p50"), "ms", &p50(rounds))
            .aim(Aim::AtMost(aim));
        report
            .figure(&format!("{name}, beside, p50"), "ms", &p50(rounds))
            .ratio_to(floor.0, &floor.1);
        report.latencies(name, &rounds.iter().collect());
    }
    report.latencies(floor.0, &floors.iter().collect());
    report.note(format!(
        "checker: PASS, {} answers held what they must",
        2 * args.rounds * args.queries
    ));
    Ok(())
}

impl Asked {
    /// Lets a few people write two pages to each other.
    async fn prepare(stand: &Stand, node: &Node) -> Result<Self> {
        let people = people::register(node, WRITERS).await?;
        let conversation = people::group(node, "history", &people).await?;
        let messages = 2 * PAGE;
        let mut sockets = vec![];
        for person in &people {
            sockets.push(connect(node.address(), person, "writer").await?);
        }
        for number in 0..messages {
            let message = json!({"type": "message.send", "conversation": conversation, "content": {"kind": "text", "text": text(number)}});
            answered(&mut sockets[number % WRITERS], message).await?;
        }
        let database = Database::of(stand).await?;
        database.caught_up().await?;
        Ok(Self {
            api: Api::new(&node.url())?,
            database,
            person: people.into_iter().next().context("nobody")?,
            conversation,
            messages,
        })
    }

    async fn query(&self, text: &str, variables: Value) -> Result<Value> {
        let token = &self.person.token;
        let bytes = self.api.answer(token, text, variables).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn judge_page(&self, answer: &Value) -> Result<()> {
        let nodes = answer.pointer("/data/conversation/messages/nodes");
        let nodes = nodes
            .and_then(Value::as_array)
            .context("an answer of another shape")?;
        let expected = (self.messages - PAGE..self.messages).map(text);
        let are = nodes.iter().zip(expected).all(|(node, text)| {
            node.get("text").and_then(Value::as_str) == Some(text.as_str())
                && node.pointer("/sender/displayName").is_some_and(Value::is_string)
        });
        ensure!(
            are && nodes.len() == PAGE,
            "the page is not what was written: {answer}"
        );
        Ok(())
    }
}

fn text(number: usize) -> String {
    format!("message {number} of a conversation that goes on for a while")
}
