//! Questions to all other nodes, each of which answers for itself: over a short Redis stream, and a list for the answers to each
//! question. Questions may be lost, and so may answers; whoever asks knows how many to expect.

use super::{FanoutConfig, Keys, connection};
use crate::lifecycle::Lifecycle;
use redis::streams::{StreamId, StreamMaxlen, StreamReadOptions, StreamReadReply};
use redis::{AsyncTypedCommands, Client};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Questions kept in the stream, about.
const KEEP: usize = 256;
/// Questions, and answers, are not longer, in bytes.
const QUESTION_BYTES_MAX: usize = 1024;
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long answers are waited for.
const WAIT: Duration = Duration::from_secs(5);
/// How long they are kept for whoever asked, in seconds.
const KEEP_ANSWERS_S: i64 = 30;
/// How long Redis holds a command until there is something to read, in seconds.
const BLOCK_S: f64 = 0.5;
const PAUSE: Duration = Duration::from_secs(1);

/// What this node says to a question; nothing where it does not understand it. It must not block.
pub type Answering = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Not all nodes have answered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not all nodes have answered")]
pub struct Unanswered;

/// The way to ask other nodes. Cheap to clone.
#[derive(Clone)]
pub struct Asks {
    keys: Keys,
    /// This node, whose own questions are not for it.
    node: String,
    client: Client,
    config: FanoutConfig,
}

impl Asks {
    pub(super) fn new(keys: Keys, client: Client, config: FanoutConfig) -> Self {
        Self {
            keys,
            node: Uuid::new_v4().simple().to_string(),
            client,
            config,
        }
    }

    /// Answers what other nodes ask, for as long as the node runs.
    pub fn answer(&self, lifecycle: &Lifecycle, answering: Answering) {
        let answers = self.clone().run(answering, lifecycle.stopping());
        lifecycle.spawn_for_life("answers to other nodes", answers);
    }

    /// Asks the other nodes, of which there are so many. Returns their answers.
    pub async fn ask(&self, question: &str, others: usize) -> Result<Vec<String>, Unanswered> {
        if others == 0 {
            return Ok(vec![]);
        }
        let deadline = Instant::now() + WAIT;
        let asking = timeout_at(deadline, self.ask_until(question, others, deadline));
        match asking.await {
            Ok(Ok(answers)) if answers.len() >= others => Ok(answers),
            Ok(Ok(_)) | Err(_) => Err(Unanswered),
            Ok(Err(error)) => {
                tracing::debug!(kind = ?error.kind(), "other nodes could not be asked");
                Err(Unanswered)
            }
        }
    }

    async fn ask_until(
        &self,
        question: &str,
        others: usize,
        deadline: Instant,
    ) -> redis::RedisResult<Vec<String>> {
        let mut connection = connection::connect(&self.client, self.config.timeout).await?;
        let id = Uuid::new_v4().simple().to_string();
        let fields = [("n", self.node.as_str()), ("i", id.as_str()), ("q", question)];
        let keep = StreamMaxlen::Approx(KEEP);
        connection
            .xadd_maxlen(self.keys.asks(), keep, "*", &fields)
            .await?;
        let key = self.keys.answers(&id);
        let mut answers = vec![];
        while answers.len() < others && Instant::now() < deadline {
            if let Some([_, answer]) = connection.blpop(&key, BLOCK_S).await? {
                answers.push(answer);
            }
        }
        Ok(answers)
    }

    async fn run(self, answering: Answering, stop: CancellationToken) {
        loop {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.read(&answering) => ended,
            };
            if let Err(error) = ended {
                tracing::debug!(kind = ?error.kind(), "what other nodes ask cannot be read");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// Answers questions from the end of the stream on, as it is now.
    async fn read(&self, answering: &Answering) -> redis::RedisResult<()> {
        let wait = self.config.timeout.max(Duration::from_secs(3));
        let mut connection = connection::connect(&self.client, wait).await?;
        let key = self.keys.asks();
        let newest = connection.xrevrange_count(&key, "+", "-", 1).await?;
        let mut from = newest
            .ids
            .into_iter()
            .next()
            .map_or_else(|| "0".to_owned(), |entry| entry.id);
        let options = StreamReadOptions::default().block(1000).count(16);
        loop {
            let reply: Option<StreamReadReply> = connection
                .xread_options(&[key.as_str()], &[from.as_str()], &options)
                .await?;
            for entry in reply
                .into_iter()
                .flat_map(|reply| reply.keys)
                .flat_map(|key| key.ids)
            {
                if let Some((id, answer)) = self.answer_to(&entry, answering) {
                    let answers = self.keys.answers(&id);
                    connection.rpush(&answers, answer).await?;
                    connection.expire(&answers, KEEP_ANSWERS_S).await?;
                }
                from = entry.id;
            }
        }
    }

    /// The id of a question and what this node says to it. Entries of other versions may hold anything.
    fn answer_to(&self, entry: &StreamId, answering: &Answering) -> Option<(String, String)> {
        let text = |name| match entry.map.get(name) {
            Some(redis::Value::BulkString(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        let (node, id, question) = (text("n")?, text("i")?, text("q")?);
        if node == self.node || question.len() > QUESTION_BYTES_MAX {
            return None;
        }
        let id = Uuid::try_parse(id).ok()?.simple().to_string();
        let answer = answering(question).filter(|answer| answer.len() <= ANSWER_BYTES_MAX)?;
        Some((id, answer))
    }
}
