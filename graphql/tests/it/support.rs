//! A database with read models for each test, and rows in it.

use async_graphql::{Request, Variables};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::{Log, LogConfig, Pool, schema};
use tidings_graphql::{Graphql, GraphqlConfig, Viewer};
use tidings_projections::{Observer, Projector};
use tidings_services::testing::{TestDatabase, shared};
use uuid::Uuid;

pub(crate) const LANES: u16 = 2;

/// Time enough on the slowest machine.
pub(crate) const LONG: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) pool: Pool,
    pub(crate) projector: Projector,
    pub(crate) graphql: Graphql,
    pub(crate) log_config: LogConfig,
    _database: Option<TestDatabase>,
}

struct Silent;

impl Observer for Silent {}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(GraphqlConfig {
            wait: LONG,
            statement_timeout: LONG,
            deadline: 2 * LONG,
            ..GraphqlConfig::default()
        })
        .await
    }

    pub(crate) async fn with(config: GraphqlConfig) -> Self {
        let database = shared().database("graphql", migrate).await.unwrap();
        let world = Self::at(database.url(), config);
        Self {
            _database: Some(database),
            ..world
        }
    }

    /// On a migrated database somewhere else.
    pub(crate) fn at(url: &str, config: GraphqlConfig) -> Self {
        let log_config = LogConfig::from_url(url).unwrap().with_timeout(LONG);
        let pool = log_config.pool().unwrap();
        let projector = Projector::new(Log::new(pool.clone(), LONG), LANES, Arc::new(Silent));
        let graphql = Graphql::new(pool.clone(), projector.checkpoints(), Arc::new(()), config);
        Self {
            pool,
            projector,
            graphql,
            log_config,
            _database: None,
        }
    }

    /// Answers `query` for a user.
    pub(crate) async fn ask(&self, user: Uuid, query: &str) -> Value {
        self.ask_with(user, query, Value::Null).await
    }

    pub(crate) async fn ask_with(&self, user: Uuid, query: &str, variables: Value) -> Value {
        let request = Request::new(query).variables(Variables::from_json(variables));
        serde_json::to_value(self.graphql.execute(request, Some(viewer(user)), None).await).unwrap()
    }

    /// Answers `query` for a user who is an administrator.
    pub(crate) async fn ask_as_admin(&self, user: Uuid, query: &str) -> Value {
        let viewer = Viewer {
            roles: vec!["admin".to_owned()],
            ..viewer(user)
        };
        let answer = self.graphql.execute(Request::new(query), Some(viewer), None);
        serde_json::to_value(answer.await).unwrap()
    }

    /// The same, and refuses errors.
    pub(crate) async fn data(&self, user: Uuid, query: &str) -> Value {
        let answer = self.ask(user, query).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.pool.get().await.unwrap().batch_execute(sql).await.unwrap();
    }

    pub(crate) async fn person(&self, n: u64) -> Uuid {
        let user = user(n);
        self.run(&format!(
            "INSERT INTO p_conversations_3.person VALUES ('{user}', 'user{n}', 'User {n}', '2026-01-01T00:00:00Z')"
        ))
        .await;
        user
    }

    /// A group of these members, the first of them its owner, last active at minute `n`.
    pub(crate) async fn group(&self, n: u64, members: &[Uuid]) -> Uuid {
        let (conversation, at, owner) = (conversation(n), minute(n), members[0]);
        self.run(&format!(
            "INSERT INTO p_conversations_3.conversation (conversation, kind, title, created_at, created_by, last_seq, \
             last_msg_no, last_at) VALUES ('{conversation}', 'group', 'Group {n}', '{at}', '{owner}', 1, 0, '{at}')"
        ))
        .await;
        for (i, member) in members.iter().enumerate() {
            let role = if i == 0 { "owner" } else { "member" };
            self.run(&format!(
                "INSERT INTO p_conversations_3.member VALUES ('{conversation}', '{member}', '{role}', 1, 0, '{at}', NULL)"
            ))
            .await;
        }
        conversation
    }

    /// The `no`-th message of a conversation, at seq `no` + 1.
    pub(crate) async fn message(&self, conversation: Uuid, no: u64, sender: Uuid) -> Uuid {
        let (message, seq) = (message(conversation, no), no + 1);
        self.run(&format!(
            "INSERT INTO p_history_4.message (conversation, seq, message, msg_no, sender, at, kind, text, mentions) VALUES \
             ('{conversation}', {seq}, '{message}', {no}, '{sender}', '{}', 'text', 'text {no}', '{{}}'); \
             UPDATE p_conversations_3.conversation SET last_seq = {seq}, last_msg_no = {no}, last_message = '{message}', \
             last_message_seq = {seq} WHERE conversation = '{conversation}'",
            minute(no)
        ))
        .await;
        message
    }

    /// The message at `seq` said something else before.
    pub(crate) async fn edited(&self, conversation: Uuid, seq: u64) {
        self.run(&format!(
            "INSERT INTO p_history_4.edit SELECT conversation, seq, seq, at, 'typo' FROM p_history_4.message \
             WHERE conversation = '{conversation}' AND seq = {seq}; \
             INSERT INTO p_history_4.edit SELECT conversation, seq, seq + 1000, at + interval '1 s', text FROM p_history_4.message \
             WHERE conversation = '{conversation}' AND seq = {seq}; \
             UPDATE p_history_4.message SET edited_at = at + interval '1 s' WHERE conversation = '{conversation}' AND seq = {seq}"
        ))
        .await;
    }

    /// The message at `seq` stands in the thread below `root` alone.
    pub(crate) async fn replied(&self, conversation: Uuid, seq: u64, root: Uuid) {
        self.run(&format!(
            "UPDATE p_history_4.message SET thread = '{root}', main = false WHERE conversation = '{conversation}' AND seq = {seq}; \
             INSERT INTO p_history_4.reply SELECT conversation, thread, seq, sender FROM p_history_4.message \
             WHERE conversation = '{conversation}' AND seq = {seq}; \
             INSERT INTO p_history_4.thread SELECT conversation, thread, 1, seq, at FROM p_history_4.message \
             WHERE conversation = '{conversation}' AND seq = {seq} \
             ON CONFLICT (conversation, root) DO UPDATE SET replies = 2, last_seq = excluded.last_seq, last_at = excluded.last_at"
        ))
        .await;
    }

    pub(crate) async fn reaction(&self, conversation: Uuid, seq: u64, emoji: &str, user: Uuid) {
        self.run(&format!(
            "INSERT INTO p_history_4.reaction SELECT '{conversation}', {seq}, '{emoji}', '{user}', \
             2000 + count(*) FROM p_history_4.reaction"
        ))
        .await;
    }

    pub(crate) async fn messages(&self, conversation: Uuid, count: u64, sender: Uuid) {
        for no in 1..=count {
            self.message(conversation, no, sender).await;
        }
    }
}

pub(crate) async fn migrate(url: String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let config = LogConfig::from_url(&url)?.with_timeout(LONG);
    schema::migrate(&config, LANES).await?;
    tidings_projections::setup(&config.pool()?).await?;
    Ok(())
}

pub(crate) fn viewer(user: Uuid) -> Viewer {
    Viewer {
        user,
        roles: vec![],
        session: None,
        valid_for: None,
    }
}

/// Ids whose order is that of their numbers, on lane 0.
pub(crate) fn user(n: u64) -> Uuid {
    Uuid::from_u64_pair(n, 1 << 32)
}

pub(crate) fn conversation(n: u64) -> Uuid {
    Uuid::from_u64_pair(n, 2 << 32)
}

fn message(conversation: Uuid, no: u64) -> Uuid {
    Uuid::from_u64_pair(conversation.as_u64_pair().0, (3 << 32) + no)
}

fn minute(n: u64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600 + 60 * n.cast_signed(), 0).unwrap()
}

/// The strings in a list of objects, by field.
pub(crate) fn field<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|node| node[name].as_str().unwrap())
        .collect()
}

/// The code of the only error.
pub(crate) fn code(answer: &Value) -> &str {
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer:#}");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap()
}
