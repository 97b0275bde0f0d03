//! Commands in a store: what becomes of them when the program ends, the store is full, or somebody else logs in.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tempfile::TempDir;
use tidings_client::{
    Client, CommandError, EventStream, FileStore, MemoryStore, Recovered, SendStatus, StoreError,
    connect_with,
};
use tidings_protocol::ErrorCode;
use uuid::Uuid;

use crate::peer::{Listener, next, say, within};

/// Whom the scripted server welcomes.
const ANN: Uuid = Uuid::nil();

/// A file to keep commands in, and a server.
struct Scene {
    listener: Listener,
    folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self {
            listener: Listener::bind().await,
            folder: tempfile::tempdir().expect("a folder can be made"),
        }
    }

    fn store(&self, bytes_max: usize) -> FileStore {
        FileStore::open(self.folder.path().join("commands"), ANN, bytes_max).expect("the store can be opened")
    }

    fn connect(&self) -> (Client, EventStream, Vec<Recovered>) {
        connect_with(self.listener.config(), self.store(1 << 20))
    }
}

#[tokio::test]
async fn what_had_no_answer_is_sent_first_by_the_next_program_and_with_its_id() {
    let scene = Scene::new().await;
    let (client, events, recovered) = scene.connect();
    assert!(recovered.is_empty());
    let (mut peer, _) = scene.listener.welcome().await;
    let mut first = Vec::new();
    let mut frames = Vec::new();
    for text in ["one", "two", "three"] {
        first.push(client.send(say(text)).await.unwrap());
        frames.push(peer.read().await);
    }
    peer.ack(&frames[0], 1).await;
    within(first.remove(0)).await.unwrap();
    let two = first.remove(0);
    let mut changes = two.changes();
    // The program ends; nothing is said of what it had under way.
    events.close().await;
    assert_eq!(changes.next().await, Some(SendStatus::Pending));
    assert_eq!(changes.next().await, None);
    assert!(matches!(two.await, Err(CommandError::Closed { sent: true })));

    let (client, _events, recovered) = scene.connect();
    let ids: Vec<_> = recovered
        .iter()
        .map(|command| json!(command.pending.id()))
        .collect();
    assert_eq!(ids, [frames[1]["id"].clone(), frames[2]["id"].clone()]);
    let later = client.send(say("four")).await.unwrap();
    let (mut peer, _) = scene.listener.welcome().await;
    for frame in &frames[1..] {
        assert_eq!(peer.read().await, *frame);
        peer.ack(frame, 2).await;
    }
    for command in recovered {
        assert_eq!(within(command.pending).await.unwrap().seq, 2);
    }
    let last = peer.read().await;
    assert_eq!(last["id"], json!(later.id()));
    peer.ack(&last, 4).await;
    within(later).await.unwrap();
}

#[tokio::test]
async fn what_is_answered_leaves_the_store_and_each_change_is_told() {
    let scene = Scene::new().await;
    let (client, events, _) = scene.connect();
    let good = client.send(say("good")).await.unwrap();
    let bad = client.send(say("bad")).await.unwrap();
    let mut changes = (good.changes(), bad.changes());
    assert_eq!(within(changes.0.next()).await, Some(SendStatus::Pending));
    assert_eq!(within(changes.1.next()).await, Some(SendStatus::Pending));
    let (mut peer, _) = scene.listener.welcome().await;
    let frame = peer.read().await;
    peer.ack(&frame, 1).await;
    assert_eq!(within(changes.0.next()).await, Some(SendStatus::Sent));
    let frame = peer.read().await;
    peer.refuse(&frame, "forbidden", false).await;
    let failed = SendStatus::Failed {
        code: ErrorCode::Forbidden,
        retryable: false,
    };
    assert_eq!(within(changes.1.next()).await, Some(failed));
    assert_eq!(within(changes.1.next()).await, None);
    events.close().await;
    let (_, _, recovered) = scene.connect();
    assert!(recovered.is_empty(), "{recovered:?}");
}

#[tokio::test]
async fn a_full_store_says_so_and_takes_more_when_there_is_room() {
    let scene = Scene::new().await;
    let (client, _events, _) = connect_with(scene.listener.config(), scene.store(1000));
    let first = client.send(say(&"x".repeat(600))).await.unwrap();
    let full = client.send(say(&"y".repeat(600))).await.unwrap_err();
    assert_eq!(full, CommandError::NotKept(StoreError::Full));
    assert_eq!(full.code(), ErrorCode::Overloaded);
    assert!(full.is_retryable() && !full.may_have_taken_effect());
    let again = client.send_as(first.id(), say("x")).await.unwrap_err();
    assert_eq!(again, CommandError::UnderWay);
    let (mut peer, _) = scene.listener.welcome().await;
    let frame = peer.read().await;
    peer.ack(&frame, 1).await;
    within(first).await.unwrap();
    client.send(say(&"y".repeat(600))).await.unwrap();
    assert_eq!(peer.read().await["content"]["text"], "y".repeat(600));
}

#[tokio::test]
async fn commands_are_sent_for_nobody_but_their_user() {
    let scene = Scene::new().await;
    let store = MemoryStore::new(Some(Uuid::from_u128(9)), MemoryStore::BYTES_MAX);
    let (client, mut events, _) = connect_with(scene.listener.config(), store.clone());
    client.send(say("not for Ann")).await.unwrap();
    let (mut peer, _) = scene.listener.welcome().await;
    assert!(
        next(&mut events)
            .await
            .starts_with("over: the commands that are kept")
    );
    assert_eq!(peer.closing().await, None);
    assert_eq!(next(&mut events).await, "end");
    let (_, _, recovered) = connect_with(scene.listener.config(), store);
    assert_eq!(recovered.len(), 1);
}

#[tokio::test]
async fn what_is_in_the_store_waits_longer_than_a_command_may_take() {
    let scene = Scene::new().await;
    let mut config = scene.listener.config();
    config.command_timeout = Duration::from_millis(1);
    config.backoff.attempts_max = None;
    let (client, _events, _) = connect_with(config, scene.store(1 << 20));
    let pending = client.send(say("patience")).await.unwrap();
    let asked = client.fetch(Uuid::from_u128(7), 1, 1).await.unwrap_err();
    assert!(matches!(asked, CommandError::TimedOut { .. }));
    assert_eq!(pending.status(), SendStatus::Pending);
    let (mut peer, _) = scene.listener.welcome().await;
    let frame = peer.read().await;
    peer.ack(&frame, 1).await;
    within(pending).await.unwrap();
}
