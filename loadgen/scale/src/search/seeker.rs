//! Somebody who looks for words, and knows what must be found.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use chrono::{DateTime, FixedOffset};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_bench::people::Person;
use tidings_stand::{Api, Node};

use super::speech::Speech;
use super::term::Term;

/// Messages of a page of results.
const PAGE: usize = 20;
/// How many of the newest messages are gone through by hand, to see that none was missed.
const GONE_THROUGH: u64 = 3_000;
const SEARCH: &str = "query($typed: String!, $first: Int) { search(query: $typed, first: $first) { \
    nodes { text sentAt } complete ignored pageInfo { hasNextPage } } }";

/// Where each rare word was said.
pub(super) struct Index(HashMap<(usize, usize), Vec<u64>>);

impl Index {
    /// Of the first so many messages.
    pub(super) fn new(speech: &Speech, messages: u64) -> Self {
        let mut index: HashMap<(usize, usize), Vec<u64>> = HashMap::new();
        for number in 0..messages {
            let outline = speech.outline(number);
            if let Some(rare) = outline.rare {
                let script = Speech::script(outline.group) as usize;
                index.entry((script, rare)).or_default().push(number);
            }
        }
        Self(index)
    }
}

/// A reader.
pub(super) struct Seeker {
    pub(super) speech: Arc<Speech>,
    pub(super) index: Arc<Index>,
    pub(super) messages: u64,
    /// The number of the reader.
    pub(super) reader: usize,
    pub(super) api: Api,
    pub(super) token: String,
}

/// What came of a search.
pub(super) struct Sought {
    pub(super) took: Duration,
    /// Whether looking was not cut short.
    pub(super) complete: bool,
    pub(super) found: usize,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<Value>,
}

#[derive(Deserialize)]
struct Data {
    search: Results,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    nodes: Vec<Message>,
    complete: bool,
    ignored: Vec<String>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    text: String,
    sent_at: DateTime<FixedOffset>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
}

impl Seeker {
    /// The reader with this number, at a node.
    pub(super) fn at(
        node: &Node,
        person: &Person,
        reader: usize,
        speech: &Arc<Speech>,
        index: &Arc<Index>,
        messages: u64,
    ) -> Result<Self> {
        Ok(Self {
            speech: Arc::clone(speech),
            index: Arc::clone(index),
            messages,
            reader,
            api: Api::new(&node.url())?,
            token: person.token.clone(),
        })
    }

    /// Looks for something, and checks what was found.
    pub(super) async fn seek(&self, term: &Term) -> Result<Sought> {
        let variables = json!({"typed": term.typed(), "first": PAGE});
        let start = Instant::now();
        let bytes = self.api.answer(&self.token, SEARCH, variables).await?;
        let took = start.elapsed();
        let answer: Answer = serde_json::from_slice(&bytes)?;
        let results = match answer.data {
            Some(data) if answer.errors.is_empty() => data.search,
            _ => bail!("GraphQL refused {term:?}: {:?}", answer.errors),
        };
        self.judge(term, &results)
            .with_context(|| format!("where {term:?} was looked for"))?;
        Ok(Sought {
            took,
            complete: results.complete,
            found: results.nodes.len(),
        })
    }

    fn judge(&self, term: &Term, results: &Results) -> Result<()> {
        ensure!(results.ignored.is_empty(), "{:?} was ignored", results.ignored);
        let nodes = &results.nodes;
        let strange = nodes.iter().find(|message| !term.is_in(&message.text));
        ensure!(strange.is_none(), "a message without it came");
        ensure!(
            nodes.is_sorted_by(|one, next| one.sent_at >= next.sent_at),
            "the newest do not come first"
        );
        ensure!(nodes.len() <= PAGE, "{} messages on a page", nodes.len());
        let (expected, all) = match term.rare {
            Some(rare) => (self.said_rarely(term, rare), true),
            None => (self.said_lately(term), false),
        };
        let found = nodes.iter().map(|message| message.text.as_str());
        let agree = expected
            .iter()
            .map(String::as_str)
            .zip(found)
            .all(|(one, other)| one == other);
        ensure!(agree, "another message came than was to come");
        if !results.complete {
            return Ok(());
        }
        let ends = (nodes.len(), results.page_info.has_next_page);
        let more = expected.len() > PAGE;
        ensure!(
            ends == (expected.len().min(PAGE), more) || (!all && ends.0 >= expected.len().min(PAGE)),
            "{ends:?} came where {} were said",
            expected.len()
        );
        Ok(())
    }

    /// All messages with a rare word, newest first.
    fn said_rarely(&self, term: &Term, rare: usize) -> Vec<String> {
        let numbers = self.index.0.get(&(term.script as usize, rare));
        let numbers = numbers.into_iter().flatten().rev();
        self.heard(numbers.copied()).collect()
    }

    /// Those of the newest messages that have it, as far as a page goes and one more.
    fn said_lately(&self, term: &Term) -> Vec<String> {
        let newest = (self.messages.saturating_sub(GONE_THROUGH)..self.messages).rev();
        let heard = self.heard(newest);
        heard.filter(|text| term.is_in(text)).take(PAGE + 1).collect()
    }

    /// The texts of those that the reader is there to hear.
    fn heard(&self, numbers: impl Iterator<Item = u64>) -> impl Iterator<Item = String> {
        numbers.filter_map(|number| {
            let outline = self.speech.outline(number);
            let heard = Speech::hears(self.reader, outline.group);
            heard.then(|| self.speech.spell(outline).text)
        })
    }
}
