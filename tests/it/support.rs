//! Nodes on databases of their own, and a bare WebSocket client that shows every frame.

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;
use tidings::config::Config;
use tidings::node::Node;
use tidings_eventlog::{LogConfig, schema};
use tidings_services::Redis;
use tidings_services::testing::{Private, TestDatabase, private_redis, shared};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

/// Far longer than anything here takes, on a busy machine too; a wait that reaches it has failed. It bounds a whole wait, for
/// an object or an end, and not the frames in between: a server that pings but never answers is a failure, no hang.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Between two things that somebody does who goes on until something else is so: without it they come to their rate on a fast machine.
pub(crate) const BREATH: Duration = Duration::from_millis(5);

/// A PostgreSQL database and a Redis of their own, on which nodes are started.
pub(crate) struct Store {
    pub(crate) database: TestDatabase,
    pub(crate) redis_url: String,
    /// Where attachments are.
    pub(crate) files: tempfile::TempDir,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let database = shared()
            .database("server", async |url| {
                schema::migrate(&LogConfig::from_url(&url)?.with_timeout(PATIENCE), 4)
                    .await
                    .map(|_| ())
            })
            .await
            .unwrap();
        Self {
            database,
            redis_url: shared().redis_url(),
            files: tempfile::tempdir().unwrap(),
        }
    }

    /// One whose Redis nobody else uses, so that a test may do to it what it likes.
    pub(crate) async fn with_redis() -> (Self, Private<Redis>) {
        let redis = private_redis().await.unwrap();
        let mut store = Self::new().await;
        store.redis_url = redis.url(0);
        (store, redis)
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            database_url: Some(self.database.url().to_owned()),
            redis_url: Some(self.redis_url.clone()),
            database_connections: 8,
            // A machine that is busy with other tests is no database that is away, nor are its read models behind.
            database_timeout_ms: 30_000,
            query_wait_ms: 30_000,
            // A database that is away or locked for as long as a test wants it keeps its clients all the same.
            unwritable_s: 3600,
            read_gather_ms: 20,
            ..Config::default()
        };
        config.auth.password_hash.memory_kib = 64;
        config.auth.password_hash.passes = 1;
        config.auth.limits.registrations_per_s = 1000;
        config.auth.timeout_ms = 30_000;
        config.gateway.catch_up_wait_ms = 30_000;
        // Nor is a client that has not had its turn yet one that says nothing.
        config.gateway.hello_ms = 60_000;
        config.graphql.init_ms = 60_000;
        config.graphql.deadline_ms = 60_000;
        // A test that looks elsewhere for minutes is no client that fell silent.
        config.gateway.heartbeat_ms = 3_600_000;
        // What was delivered is stored early where a test is about that.
        config.gateway.delivered_direct_ms = 3_600_000;
        config.gateway.drain_ms = 100;
        config.gateway.return_ms = 50;
        config.attachments.thumbnail_ms = 60_000;
        self.files.path().clone_into(&mut config.attachments.folder);
        config
    }

    pub(crate) async fn node(&self) -> TestNode {
        TestNode::start(self.config()).await
    }

    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(self.database.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    /// Sessions with the database that begin from now on have a clock of their own.
    pub(crate) async fn another_clock(&self) {
        let clock = "CREATE SCHEMA another; CREATE TABLE another.clock (behind interval NOT NULL); \
                     INSERT INTO another.clock VALUES ('0'); \
                     CREATE FUNCTION another.now() RETURNS timestamptz LANGUAGE sql STABLE AS \
                         'SELECT pg_catalog.now() - behind FROM another.clock'; \
                     DO $$ BEGIN \
                         EXECUTE format('ALTER DATABASE %I SET search_path = public, another, pg_catalog', current_database()); \
                     END $$";
        self.client().await.batch_execute(clock).await.unwrap();
    }

    /// From now on that clock is so far behind.
    pub(crate) async fn clock_behind(&self, by: &str) {
        let behind = format!("UPDATE another.clock SET behind = '{by}'");
        self.client().await.batch_execute(&behind).await.unwrap();
    }

    /// The log's time is a day ahead, as after a moment in which the clock of PostgreSQL was, and stays there until clocks have come to it.
    pub(crate) async fn log_time_ahead(&self) {
        let ahead = "UPDATE log_lane SET last_at = now() + interval '1 day'";
        self.client().await.batch_execute(ahead).await.unwrap();
    }
}

/// A running node, stopped when told to; the process's end takes the others.
pub(crate) struct TestNode {
    pub(crate) node: Node,
    pub(crate) http: reqwest::Client,
    database_url: String,
}

/// A registered user.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) token: String,
    pub(crate) username: String,
}

impl TestNode {
    pub(crate) async fn start(config: Config) -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            database_url: config.database_url.clone().unwrap_or_default(),
            node: Box::pin(Node::start(config)).await.unwrap(),
            // The server closes a socket that idles for ten seconds, and a request must not meet that.
            http: reqwest::Client::builder()
                .pool_idle_timeout(Duration::from_secs(3))
                .build()
                .unwrap(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.node.address())
    }

    pub(crate) async fn stop(self) {
        self.node.shut_down();
        timeout(PATIENCE, self.node.stopped()).await.unwrap();
    }

    /// Some people, in the order of their ids. A direct conversation lives on the lane of the lower one of two: the first of these has
    /// most of hers on her own lane, and the last one on those of others.
    pub(crate) async fn register_by_id(&self, name: &str, count: usize) -> Vec<User> {
        let mut people = vec![];
        for number in 0..count {
            people.push(self.register(&format!("{name}{number}")).await);
        }
        people.sort_by_key(|user| user.id);
        people
    }

    pub(crate) async fn register(&self, name: &str) -> User {
        let username = format!("{name}-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let body = json!({ "username": username, "password": "a long passphrase" });
        let request = self
            .http
            .post(self.url("/auth/register"))
            .header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        let status = response.status();
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(status, 201, "{answer}");
        User {
            id: id(&answer["user"]),
            token: text(&answer["token"]),
            username,
        }
    }

    pub(crate) async fn people<const N: usize>(&self, names: [&str; N]) -> [User; N] {
        let mut people = Vec::with_capacity(N);
        for name in names {
            people.push(self.register(name).await);
        }
        people.try_into().unwrap()
    }

    /// Answers a query, however often a busy node says that it cannot just now. What changes something is asked for again only with a
    /// position, since it may have been done.
    pub(crate) async fn graphql(&self, user: &User, query: &str, after: Option<&str>) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.graphql_once(user, query, after).await;
            let is_late = answer["errors"][0]["extensions"]["code"] == "unavailable";
            let is_safe = after.is_some() || !query.trim_start().starts_with("mutation");
            if !is_safe || !is_late || Instant::now() > deadline {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The first answer to a query, whatever it is.
    pub(crate) async fn graphql_once(&self, user: &User, query: &str, after: Option<&str>) -> Value {
        let mut request = self.http.post(self.url("/graphql")).bearer_auth(&user.token);
        if let Some(after) = after {
            request = request.header("tidings-after", after);
        }
        let body = json!({ "query": query }).to_string();
        let response = request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// Until the read models hold everything that is in the log by now. A position says that of one lane.
    pub(crate) async fn folded(&self, user: &User) {
        let (client, connection) = tokio_postgres::connect(&self.database_url, tokio_postgres::NoTls)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let heads = client
            .query("SELECT lane || ':' || head FROM log_lane WHERE head > 0", &[])
            .await
            .unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        for head in heads {
            let reached = self.graphql(user, "{ me { id } }", Some(head.get(0))).await;
            assert!(reached.get("errors").is_none(), "{reached}");
        }
    }

    /// Connects and says hello; answers when synced.
    pub(crate) async fn socket(&self, user: &User) -> Socket {
        self.resumed(user, json!({})).await.0
    }

    /// The same with cursors; answers what came before `synced` too.
    pub(crate) async fn resumed(&self, user: &User, resume: Value) -> (Socket, Vec<Value>) {
        let mut socket = self.raw().await;
        socket
            .send(&json!({ "type": "hello", "token": user.token, "device": "test", "resume": resume }))
            .await;
        let welcome = socket.receive().await;
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        assert_eq!(id(&welcome["user"]), user.id);
        let mut missed = vec![];
        loop {
            let object = socket.receive().await;
            if object["type"] == "synced" {
                return (socket, missed);
            }
            missed.push(object);
        }
    }

    /// Connects and says nothing.
    pub(crate) async fn raw(&self) -> Socket {
        let request = format!("ws://{}/ws", self.node.address())
            .into_client_request()
            .unwrap();
        let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Socket {
            stream,
            waiting: vec![].into(),
        }
    }
}

pub(crate) struct Socket {
    pub(crate) stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: std::collections::VecDeque<Value>,
}

impl Socket {
    pub(crate) async fn send(&mut self, object: &Value) {
        self.send_text(&object.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// The next object; fails when the connection ends or nothing comes.
    pub(crate) async fn receive(&mut self) -> Value {
        self.take(|_| true).await
    }

    /// The next object, or the close code that came instead.
    pub(crate) async fn next(&mut self) -> Result<Value, Option<u16>> {
        self.next_by(Instant::now() + PATIENCE).await
    }

    /// An object that has come already and was not taken.
    pub(crate) fn next_already(&mut self) -> Option<Value> {
        self.waiting.pop_front()
    }

    async fn next_by(&mut self, deadline: Instant) -> Result<Value, Option<u16>> {
        loop {
            if let Some(object) = self.waiting.pop_front() {
                return Ok(object);
            }
            self.read_by(deadline).await?;
        }
    }

    /// The first object that is wanted; the others wait in their order.
    pub(crate) async fn take(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.take_by(Instant::now() + PATIENCE, wanted).await
    }

    /// The same of what may take longer.
    pub(crate) async fn take_by(&mut self, deadline: Instant, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut looked_at = 0;
        loop {
            if let Some(index) = self.waiting.iter().skip(looked_at).position(&wanted) {
                return self.waiting.remove(looked_at + index).unwrap();
            }
            looked_at = self.waiting.len();
            if let Err(code) = self.read_by(deadline).await {
                panic!("closed with {code:?}; waiting: {:?}", self.waiting);
            }
        }
    }

    /// Reads one frame, or the end of the connection.
    async fn read_by(&mut self, deadline: Instant) -> Result<(), Option<u16>> {
        let Ok(message) = timeout_at(deadline, self.stream.next()).await else {
            panic!("what was waited for did not come; waiting: {:?}", self.waiting)
        };
        match message {
            Some(Ok(Message::Text(text))) => {
                self.waiting.extend(
                    text.lines()
                        .map(|line| serde_json::from_str::<Value>(line).unwrap()),
                );
                Ok(())
            }
            Some(Ok(Message::Close(frame))) => Err(frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => Err(None),
        }
    }

    /// The next object of this type.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        self.take(|object| object["type"] == kind).await
    }

    /// The answer to a command.
    pub(crate) async fn answer(&mut self, id: Uuid) -> Value {
        let id = id.to_string();
        self.take(|object| object["id"] == id).await
    }

    /// Sends a command with a fresh id and waits for its answer.
    pub(crate) async fn command(&mut self, mut command: Value) -> Value {
        let id = Uuid::now_v7();
        command["id"] = json!(id);
        self.send(&command).await;
        self.answer(id).await
    }

    /// Waits for the answer to a command with an id. It is sent again where what it must know of a message did not come in the second
    /// that the server waits for that, which may be so on a busy machine.
    async fn decided(&mut self, command: &Value) -> Value {
        let about = ["message", "messages", "reply_to", "thread", "forward"];
        let is_about = about.iter().any(|field| !command[*field].is_null());
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.send(command).await;
            let answer = self.answer(id(&command["id"])).await;
            if !is_about || answer["code"] != "unavailable" || Instant::now() > deadline {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends a command that must be acked.
    pub(crate) async fn acked(&mut self, mut command: Value) -> Value {
        command["id"] = json!(Uuid::now_v7());
        let answer = self.decided(&command).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        answer
    }

    /// Sends a command twice under one id: it must be acked with this seq, and then as what was done before.
    pub(crate) async fn acked_twice(&mut self, mut command: Value, seq: u64) -> Value {
        let id = Uuid::now_v7();
        command["id"] = json!(id);
        let first = self.decided(&command).await;
        assert_eq!(
            (&first["type"], &first["seq"]),
            (&json!("ack"), &json!(seq)),
            "{first}"
        );
        self.send(&command).await;
        let again = self.answer(id).await;
        assert_eq!((&again["duplicate"], &again["seq"]), (&json!(true), &json!(seq)));
        first
    }

    /// Sends a command that must be refused with this code.
    pub(crate) async fn refused(&mut self, mut command: Value, code: &str) -> Value {
        command["id"] = json!(Uuid::now_v7());
        let answer = if code == "unavailable" {
            self.command(command).await
        } else {
            self.decided(&command).await
        };
        assert_eq!(answer["type"], "error", "{answer}");
        assert_eq!(answer["code"], code, "{answer}");
        answer
    }

    /// Reads to the end of the connection; answers the `close` object and the close code.
    pub(crate) async fn closed(&mut self) -> (Option<Value>, Option<u16>) {
        let deadline = Instant::now() + PATIENCE;
        let mut said = None;
        loop {
            match self.next_by(deadline).await {
                Ok(object) if object["type"] == "close" => said = Some(object),
                Ok(_) => {}
                Err(code) => return (said, code),
            }
        }
    }

    /// Shows that the connection works: a ping is answered.
    pub(crate) async fn works(&mut self) {
        let id = Uuid::new_v4();
        self.send(&json!({ "type": "ping", "id": id })).await;
        assert_eq!(self.answer(id).await["type"], "pong");
    }

    /// A device that is in use, for ever: it reads, and asks for something now and then, not so often that it is refused.
    pub(crate) async fn stays_in_use(&mut self) -> Infallible {
        loop {
            self.works().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn open_direct(&mut self, user: &User) -> Uuid {
        id(&self
            .acked(json!({ "type": "direct.open", "user": user.id }))
            .await["conversation"])
    }

    pub(crate) async fn create_group(&mut self, members: &[&User]) -> Uuid {
        let members: Vec<Uuid> = members.iter().map(|user| user.id).collect();
        id(&self
            .acked(json!({ "type": "group.create", "name": "group", "members": members }))
            .await["conversation"])
    }

    /// Sends a message and waits for its ack.
    pub(crate) async fn say(&mut self, conversation: Uuid, words: &str) -> Value {
        self.acked(message(conversation, words)).await
    }

    /// Sends `count` messages of some 8 KB each.
    pub(crate) async fn say_much(&mut self, conversation: Uuid, count: usize) {
        let long = "x".repeat(8000);
        for _ in 0..count {
            self.say(conversation, &long).await;
        }
    }

    /// The next `count` events of a conversation.
    pub(crate) async fn events(&mut self, conversation: Uuid, count: usize) -> Vec<Value> {
        let conversation = conversation.to_string();
        let mut events = vec![];
        while events.len() < count {
            events.push(
                self.take(|object| object["type"] == "event" && object["conversation"] == conversation)
                    .await,
            );
        }
        events
    }
}

pub(crate) fn message(conversation: Uuid, words: &str) -> Value {
    json!({ "type": "message.send", "conversation": conversation, "content": { "kind": "text", "text": words } })
}

pub(crate) fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["seq"].as_u64()).collect()
}

pub(crate) fn words(events: &[Value]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| event["data"]["content"]["text"].as_str())
        .map(str::to_owned)
        .collect()
}

pub(crate) fn id(value: &Value) -> Uuid {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no id: {value}"))
        .parse()
        .unwrap()
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// Waits until `check` holds.
pub(crate) async fn eventually<T>(mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A connection to Redis that is as patient as a test.
pub(crate) async fn connected(url: &str) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    let config = redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap()
}

/// From here on the log takes nothing of a lane, and counts how often it was asked to.
pub(crate) async fn jam(database: &tokio_postgres::Client, lane: i16) {
    let jam = format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION jam() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM nextval('tries');
             RAISE EXCEPTION 'jammed' USING ERRCODE = 'serialization_failure';
         END $$;
         CREATE TRIGGER jam BEFORE UPDATE ON log_lane FOR EACH ROW WHEN (OLD.lane = {lane}) EXECUTE FUNCTION jam()"
    );
    database.batch_execute(&jam).await.unwrap();
}

/// Waits until the log was asked for what it does not take.
pub(crate) async fn until_jammed(database: &tokio_postgres::Client) {
    eventually(async || {
        let sql = "SELECT is_called FROM tries";
        let tried: bool = database.query_one(sql, &[]).await.unwrap().get(0);
        tried.then_some(())
    })
    .await;
}

/// The log takes everything again.
pub(crate) async fn unjam(database: &tokio_postgres::Client) {
    let sql = "DROP TRIGGER jam ON log_lane";
    database.batch_execute(sql).await.unwrap();
}

impl From<WebSocketStream<TcpStream>> for Socket {
    fn from(stream: WebSocketStream<TcpStream>) -> Self {
        // What was read with the upgrade would be lost: nothing comes before the hello.
        let stream = MaybeTlsStream::Plain(stream.into_inner());
        let role = tokio_tungstenite::tungstenite::protocol::Role::Client;
        WebSocketStream::from_raw_socket(stream, role, None)
            .now_or_never()
            .unwrap()
            .into()
    }
}

impl From<WebSocketStream<MaybeTlsStream<TcpStream>>> for Socket {
    fn from(stream: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self {
            stream,
            waiting: vec![].into(),
        }
    }
}
