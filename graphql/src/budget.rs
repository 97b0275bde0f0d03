//! How many bytes an answer may come to, and all answers of a node together.
//!
//! Rows are counted as they arrive from the database and values as they are resolved, so that what is too much is given up
//! before it is there.

use crate::errors::{Code, Refusal};
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::{ServerResult, Value, async_trait::async_trait};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// What a value costs beside its text: quotation marks, commas, and its place in the tree.
const VALUE_BYTES: usize = 16;
/// A retry before this has little hope.
const RETRY_AFTER_MS: u64 = 1_000;

/// What the answers of a node hold. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Answers {
    held: Arc<AtomicUsize>,
    /// Of all answers together.
    all_max: usize,
    /// Of one: of its rows, and of what is told of them.
    each_max: usize,
}

/// What one answer may still hold. Clones share it; what it held is given back with the last.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Account>);

struct Account {
    answers: Answers,
    read: AtomicUsize,
    told: AtomicUsize,
    /// All that was taken, to be given back.
    taken: AtomicUsize,
    /// Whether it is the node that holds too much.
    crowded: AtomicBool,
    spent: CancellationToken,
}

/// The budget is spent; [`Budget::refusal`] says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent;

impl Answers {
    pub(crate) fn new(each_max: usize, all_max: usize) -> Self {
        Self {
            held: Arc::default(),
            all_max,
            each_max,
        }
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget(Arc::new(Account {
            answers: self.clone(),
            read: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            crowded: AtomicBool::new(false),
            spent: CancellationToken::new(),
        }))
    }
}

impl Budget {
    /// Counts a row that has been read.
    pub(crate) fn read(&self, bytes: usize) -> Result<(), Spent> {
        self.take(&self.0.read, bytes)
    }

    /// Counts a part of the answer.
    fn tell(&self, bytes: usize) -> Result<(), Spent> {
        self.take(&self.0.told, bytes)
    }

    fn take(&self, what: &AtomicUsize, bytes: usize) -> Result<(), Spent> {
        let Account { answers, spent, .. } = &*self.0;
        if self.is_spent() {
            return Err(Spent);
        }
        self.0.taken.fetch_add(bytes, Ordering::Relaxed);
        let all = answers.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let own = what.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if own > answers.each_max {
            spent.cancel();
        } else if all > answers.all_max {
            self.0.crowded.store(true, Ordering::Relaxed);
            spent.cancel();
        } else {
            return Ok(());
        }
        Err(Spent)
    }

    /// Gives back what was taken, for the next answer of a subscription.
    pub(crate) fn renew(&self) {
        self.0.read.store(0, Ordering::Relaxed);
        self.0.told.store(0, Ordering::Relaxed);
        let taken = self.0.taken.swap(0, Ordering::Relaxed);
        self.0.answers.held.fetch_sub(taken, Ordering::Relaxed);
    }

    fn is_spent(&self) -> bool {
        self.0.spent.is_cancelled()
    }

    /// Waits until it is spent.
    pub(crate) async fn exhausted(&self) {
        self.0.spent.cancelled().await;
    }

    /// Why the answer is given up; `None` while it need not be.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        if !self.is_spent() {
            return None;
        }
        Some(if self.0.crowded.load(Ordering::Relaxed) {
            let message = "this node holds as many answers as it can";
            Refusal::new(Code::Overloaded, message).retry_after_ms(RETRY_AFTER_MS)
        } else {
            let max = self.0.answers.each_max;
            Refusal::new(
                Code::TooLarge,
                format!("the answer would be larger than {max} bytes"),
            )
        })
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let taken = *self.taken.get_mut();
        self.answers.held.fetch_sub(taken, Ordering::Relaxed);
    }
}

/// Counts each value of an answer against the request's budget.
pub(crate) struct Counting;

impl ExtensionFactory for Counting {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Counting {
    async fn resolve(
        &self,
        context: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let Some(budget) = context.data_opt::<Budget>() else {
            return next.run(context, info).await;
        };
        // The request is given up when it pauses next. What needs nothing from the database never does: it ends because
        // nothing is resolved any more.
        if budget.is_spent() {
            return Ok(Some(Value::Null));
        }
        let (key, kind) = (info.alias.unwrap_or(info.name).len(), info.return_type);
        let value = next.run(context, info).await?;
        let within = |value: &Value| text_bytes(value) + type_name_bytes(value, kind);
        let bytes = key + VALUE_BYTES + value.as_ref().map_or(0, within);
        // The request is given up; until then this holds as little as can be.
        Ok(budget.tell(bytes).map_or(Some(Value::Null), |()| value))
    }
}

/// The bytes of a text in JSON. What is in an object or a list has been counted already.
fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.bytes().map(escaped_bytes).sum(),
        _ => 0,
    }
}

/// The bytes of what an object says of its type, which the library writes down without resolving anything.
fn type_name_bytes(value: &Value, kind: &str) -> usize {
    let Value::Object(fields) = value else {
        return 0;
    };
    let name = kind.trim_end_matches('!');
    let says_it = |value: &Value| matches!(value, Value::String(text) if text.as_str() == name);
    let said = fields.iter().filter(|(_, value)| says_it(value));
    said.map(|(key, _)| key.as_str().len() + VALUE_BYTES + name.len())
        .sum()
}

fn escaped_bytes(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema};

    /// Counts how often it is asked.
    struct Asked(Arc<AtomicUsize>);

    #[Object]
    impl Asked {
        async fn n(&self) -> i32 {
            self.0.fetch_add(1, Ordering::Relaxed);
            7
        }

        async fn one(&self) -> Asked {
            Asked(Arc::clone(&self.0))
        }

        async fn all(&self) -> Vec<Asked> {
            (0..20).map(|_| Asked(Arc::clone(&self.0))).collect()
        }
    }

    /// None of these fields waits for anything, so that the request never pauses; and all but one are the same in the answer.
    #[tokio::test]
    async fn nothing_is_resolved_once_the_budget_is_spent() {
        let many = "n ".repeat(1_000);
        for query in [
            format!("{{ {many} }}"),
            format!("{{ all {{ {many} }} }}"),
            format!("{{ all {{ all {{ {many} }} }} }}"),
        ] {
            let (asked, budget) = (Arc::default(), Answers::new(1_000, 10_000).budget());
            let root = Asked(Arc::clone(&asked));
            let schema = Schema::build(root, EmptyMutation, EmptySubscription)
                .extension(Counting)
                .finish();
            schema.execute(Request::new(query).data(budget.clone())).await;
            assert_eq!(budget.refusal().unwrap().code, Code::TooLarge);
            let asked = asked.load(Ordering::Relaxed);
            assert_eq!(asked, 1_000 / (1 + VALUE_BYTES) + 1);
        }
    }

    #[tokio::test]
    async fn names_of_types_count_like_everything_else() {
        let (long, budget) = ("x".repeat(100), Answers::new(1_000, 10_000).budget());
        let names: Vec<String> = (0..10).map(|i| format!("{long}{i}: __typename")).collect();
        let query = format!("{{ one {{ {} }} }}", names.join(" "));
        let schema = Schema::build(Asked(Arc::default()), EmptyMutation, EmptySubscription)
            .extension(Counting)
            .finish();
        let response = schema.execute(Request::new(query).data(budget.clone())).await;
        assert!(response.errors.is_empty(), "{response:?}");
        assert_eq!(budget.refusal().unwrap().code, Code::TooLarge);
    }

    #[test]
    fn what_an_answer_held_is_given_back_with_it() {
        let answers = Answers::new(100, 150);
        let (first, second) = (answers.budget(), answers.budget());
        assert_eq!(first.read(90), Ok(()));
        assert_eq!(second.tell(90), Err(Spent), "180 of 150");
        assert_eq!(second.refusal().unwrap().code, Code::Overloaded);
        assert!(first.refusal().is_none(), "the one before goes on");
        drop((first, second));
        let third = answers.budget();
        assert_eq!(third.clone().tell(90), Ok(()));
        assert_eq!(third.tell(11), Err(Spent));
        assert_eq!(third.refusal().unwrap().code, Code::TooLarge);
        drop(third);
        assert_eq!(answers.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_text_is_counted_as_it_is_written() {
        for text in ["", "plain", "\"\\\"", "\u{1}\u{1f}", "ä♥"] {
            let written = serde_json::to_string(text).unwrap();
            assert_eq!(text_bytes(&Value::from(text)) + 2, written.len(), "{written}");
        }
    }
}
