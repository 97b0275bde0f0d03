//! The client library against real nodes: cuts, restarts and retries, and still each event once and in order.

use crate::support::*;
use futures_util::StreamExt as _;
use std::path::Path;
use std::time::Duration;
use tidings_client::{Config, EventStream, FileStore, Incoming, SendStatus, connect, connect_with};
use tidings_protocol::{Action, Content, EventData, MessageSend};
use tidings_services::ChaosProxy;
use uuid::Uuid;

fn say(conversation: Uuid, words: String) -> Action {
    Action::MessageSend(MessageSend::new(conversation, Content::text(words)))
}

/// Reads until `count` messages of a conversation have come; answers their texts, and checks that seqs are dense.
async fn texts(events: &mut EventStream, conversation: Uuid, count: usize) -> Vec<String> {
    let (mut texts, mut last) = (vec![], None);
    while texts.len() < count {
        let incoming = tokio::time::timeout(PATIENCE, events.next())
            .await
            .unwrap()
            .unwrap();
        let Incoming::Event(event) = incoming else {
            continue;
        };
        if event.conversation != conversation {
            continue;
        }
        if let Some(last) = last {
            assert_eq!(event.seq, last + 1);
        }
        last = Some(event.seq);
        if let EventData::MessageSent(sent) = event.decode()
            && let Some(Content::Text { text }) = sent.content
        {
            texts.push(text);
        }
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_events_survive_cuts_of_the_connection() {
    let store = Store::new().await;
    let node = store.node().await;
    let proxy = ChaosProxy::start(node.node.address()).await.unwrap();
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let url = format!("ws://{}/ws", proxy.address());
    let (a, mut a_events) = connect(Config::new(url.clone(), ann.token.clone(), "a"));
    let (b, mut b_events) = connect(Config::new(url, ben.token.clone(), "b"));
    let conversation = a
        .send(Action::DirectOpen { user: ben.id })
        .await
        .unwrap()
        .await
        .unwrap()
        .conversation;

    let reading = async {
        let count = 300;
        tokio::join!(
            texts(&mut a_events, conversation, count),
            texts(&mut b_events, conversation, count)
        )
    };
    let sending = async {
        let mut pending = vec![];
        for n in 0..300 {
            pending.push(a.send(say(conversation, n.to_string())).await.unwrap());
            if n % 60 == 30 {
                proxy.cut().await;
                proxy.restore();
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        let mut seqs = vec![];
        for pending in pending {
            seqs.push(pending.await.unwrap().seq);
        }
        seqs
    };
    let ((seen_a, seen_b), seqs) = tokio::join!(reading, sending);
    assert_eq!(seqs, (2..302).collect::<Vec<_>>());
    assert_eq!(seen_a, (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(seen_b, seen_a);
    a.close();
    b.close();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_node_finds_its_clients_again() {
    let store = Store::new().await;
    let mut config = store.config();
    // Nobody takes it in between.
    let port = tidings_services::Port::unused().unwrap();
    config.listen.set_port(port.number());
    let node = TestNode::start(config.clone()).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let url = format!("ws://{}/ws", node.node.address());
    let (a, mut events) = connect(Config::new(url, ann.token.clone(), "a"));
    let conversation = a
        .send(Action::DirectOpen { user: ben.id })
        .await
        .unwrap()
        .await
        .unwrap()
        .conversation;
    a.send(say(conversation, "before".to_owned()))
        .await
        .unwrap()
        .await
        .unwrap();
    node.stop().await;
    // Sent while nobody is there: it waits.
    let waiting = a.send(say(conversation, "between".to_owned())).await.unwrap();
    assert_eq!(waiting.status(), SendStatus::Pending);
    let node = TestNode::start(config).await;
    assert_eq!(waiting.await.unwrap().seq, 3);
    assert_eq!(texts(&mut events, conversation, 2).await, ["before", "between"]);
    a.close();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_it_means() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let (a, _events) = connect(Config::new(
        format!("ws://{}/ws", node.node.address()),
        ann.token.clone(),
        "a",
    ));
    let refused = a
        .send(say(Uuid::nil(), "x".to_owned()))
        .await
        .unwrap()
        .await
        .unwrap_err();
    assert!(!refused.is_retryable());
    assert!(!refused.may_have_taken_effect());
    a.close();
    node.stop().await;
}

/// Waits until a cursor is set back: of which conversation, and to where. No event comes before.
async fn set_back(events: &mut EventStream) -> (Option<Uuid>, u64) {
    let told = async {
        loop {
            match events.next().await {
                Some(Incoming::Rewound { conversation, to }) => return (conversation, to),
                Some(Incoming::Event(event)) => panic!("{event:?}"),
                Some(_) => {}
                None => panic!("the connection ended"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_saw_more_than_the_log_holds_is_told_and_sees_what_comes_next() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let url = format!("ws://{}/ws", node.node.address());
    let (a, _events) = connect(Config::new(url.clone(), ann.token.clone(), "a"));
    let opened = a.send(Action::DirectOpen { user: ben.id }).await.unwrap();
    let conversation = opened.await.unwrap().conversation;

    // As after a restore: the cursor is of events that are no more.
    let mut config = Config::new(url, ben.token.clone(), "b");
    config.resume.conversations.insert(conversation, 500);
    let (b, mut events) = connect(config);
    assert_eq!(set_back(&mut events).await, (Some(conversation), 1));
    a.send(say(conversation, "new".to_owned()))
        .await
        .unwrap()
        .await
        .unwrap();
    assert_eq!(texts(&mut events, conversation, 1).await, ["new"]);
    assert_eq!(events.cursors().conversations[&conversation], 2);
    a.close();
    b.close();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_by_a_lost_log_alone_begins_with_the_next_joining() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let url = format!("ws://{}/ws", node.node.address());
    let (a, _events) = connect(Config::new(url.clone(), ann.token.clone(), "a"));
    let ask = async |action| a.send(action).await.unwrap().await.unwrap();
    let (name, members) = ("a group".to_owned(), vec![]);
    let conversation = ask(Action::GroupCreate { name, members }).await.conversation;
    for number in 2..=9 {
        ask(say(conversation, number.to_string())).await;
    }
    // As after a restore: Ben was shown something of a group that he is not in.
    let mut config = Config::new(url, ben.token.clone(), "b");
    config.resume.conversations.insert(conversation, 5);
    let (b, mut events) = connect(config);
    assert_eq!(set_back(&mut events).await, (Some(conversation), 0));
    let user = ben.id;
    ask(Action::GroupAdd { conversation, user }).await;
    ask(say(conversation, "new".to_owned())).await;
    assert_eq!(texts(&mut events, conversation, 1).await, ["new"]);
    assert_eq!(events.cursors().conversations[&conversation], 11);
    assert_eq!(events.corrections().holes, 0);
    a.close();
    b.close();
    node.stop().await;
}

/// What the program below is told by.
const CHILD: &str = "TIDINGS_TEST_SENDER";

/// A program that keeps its commands in a file: it takes so many new ones, and goes on until all are answered.
#[tokio::test]
#[ignore = "a program that another test starts"]
async fn a_sender() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let told: Vec<&str> = told.split(' ').collect();
    let [file, url, token, user, conversation, first, count] = told[..] else {
        panic!("{told:?}")
    };
    let store = FileStore::open(file, user.parse().unwrap(), FileStore::BYTES_MAX).unwrap();
    let (client, events, recovered) = connect_with(Config::new(url, token, "sender"), store);
    let mut pending: Vec<_> = recovered.into_iter().map(|command| command.pending).collect();
    let first: usize = first.parse().unwrap();
    for number in first..first + count.parse::<usize>().unwrap() {
        let words = say(conversation.parse().unwrap(), number.to_string());
        pending.push(client.send(words).await.unwrap());
    }
    std::fs::write(format!("{file}.taken"), "").unwrap();
    for pending in pending {
        pending.await.unwrap();
    }
    drop(events);
}

/// Starts that program.
fn sender(file: &Path, told: [&str; 6]) -> tokio::process::Child {
    let mut program = tokio::process::Command::new(std::env::current_exe().unwrap());
    program
        .args(["--exact", "client::a_sender", "--ignored"])
        .env(CHILD, format!("{} {}", file.display(), told.join(" ")))
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true);
    program.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_killed_again_and_again_has_sent_everything_once_in_the_end() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut socket = node.socket(&ann).await;
    let conversation = socket.open_direct(&ben).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, taken) = (
        folder.path().join("commands"),
        folder.path().join("commands.taken"),
    );
    let (user, room) = (ann.id.to_string(), conversation.to_string());
    let url = |address| format!("ws://{address}/ws");
    let says =
        |first: &str, count: &str, url: &str| sender(&file, [url, &ann.token, &user, &room, first, count]);
    // The network dies earlier and later: before the welcome, and behind more and more acks. What was sent by then is in the log
    // and unanswered.
    for (round, bytes) in [0, 2500, 5000, 9000].into_iter().enumerate() {
        let proxy = ChaosProxy::start(node.node.address()).await.unwrap();
        proxy.strand_after(bytes);
        let first = (round * 50).to_string();
        let mut program = says(&first, "50", &url(proxy.address()));
        eventually(async || {
            assert_eq!(
                program.try_wait().unwrap(),
                None,
                "it should wait for its answers"
            );
            (taken.exists() && proxy.harm().held > 0).then_some(())
        })
        .await;
        program.kill().await.unwrap();
        std::fs::remove_file(&taken).unwrap();
    }
    let mut program = says("200", "1", &url(node.node.address()));
    let ended = tokio::time::timeout(PATIENCE, program.wait()).await.unwrap();
    assert!(ended.unwrap().success());

    let fetched = socket
        .command(
            serde_json::json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 1000 }),
        )
        .await;
    let events = fetched["events"].as_array().unwrap();
    let expected: Vec<_> = (0..=200).map(|number| number.to_string()).collect();
    assert_eq!(words(events), expected);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_followed_until_it_is_read() {
    let store = Store::new().await;
    let mut config = store.config();
    (config.gateway.proof_ms, config.gateway.delivered_ms) = (10, 10);
    let (here, there) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let device = |node: &TestNode, user: &User| {
        let url = format!("ws://{}/ws", node.node.address());
        connect(Config::new(url, user.token.clone(), "a device"))
    };
    let (a, mut a_events) = device(&here, &ann);
    let opened = a.send(Action::DirectOpen { user: ben.id }).await.unwrap();
    let conversation = opened.await.unwrap().conversation;
    let sent = a.send(say(conversation, "hi".to_owned())).await.unwrap();
    let mut changes = sent.changes();
    let following = async {
        let mut until = async |wanted| while changes.next().await.unwrap() != wanted {};
        until(SendStatus::Sent).await;
        let (b, mut b_events) = device(&there, &ben);
        // His device is asked for a proof while it says something.
        let taking = async {
            loop {
                b.typing(conversation, true);
                let _ = tokio::time::timeout(Duration::from_millis(50), b_events.next()).await;
            }
        };
        // A receipt may be lost. What is said next is delivered and read, too, and what came before it with that.
        let say_more = async || {
            let more = a.send(say(conversation, "more".to_owned())).await.unwrap();
            more.await.unwrap().seq
        };
        let saying = async {
            loop {
                tokio::time::sleep(Duration::from_secs(3)).await;
                say_more().await;
            }
        };
        tokio::select! { () = until(SendStatus::Delivered) => {}, () = taking => {}, () = saying => {} }
        let reading = async {
            loop {
                let seq = say_more().await;
                let read = Action::Read {
                    conversation,
                    seq,
                    thread: None,
                };
                b.send(read).await.unwrap().await.unwrap();
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        };
        tokio::select! { () = until(SendStatus::Read) => {}, () = reading => {} }
    };
    let taking = async { while a_events.next().await.is_some() {} };
    let following = tokio::time::timeout(PATIENCE, following);
    tokio::select! { followed = following => followed.unwrap(), () = taking => panic!("the connection ended") }
    here.stop().await;
    there.stop().await;
}
