//! Typing and receipts: shown here at once, and to other nodes through a short Redis stream. They may be lost.

use super::{FanoutConfig, connection};
use crate::hub::Hub;
use crate::lifecycle::Lifecycle;
use bytes::Bytes;
use redis::streams::{StreamMaxlen, StreamReadOptions, StreamReadReply};
use redis::{AsyncTypedCommands, Client};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const KEEP: usize = 1000;
const QUEUE: usize = 1024;
const PAUSE: Duration = Duration::from_secs(1);

/// Sends ephemeral frames to everybody who sees a conversation. Cheap to clone.
#[derive(Clone)]
pub struct Ephemeral {
    hub: Hub,
    queue: mpsc::Sender<(Uuid, Bytes)>,
}

impl Ephemeral {
    pub(super) fn start(
        lifecycle: &Lifecycle,
        key: String,
        hub: Hub,
        client: Client,
        config: FanoutConfig,
    ) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let node = Uuid::new_v4().simple().to_string();
        let stop = lifecycle.hard_stop();
        let writer = write(
            key.clone(),
            node.clone(),
            client.clone(),
            config.clone(),
            receiver,
            stop.clone(),
        );
        lifecycle.spawn_last("ephemeral writer", writer);
        lifecycle.spawn_last(
            "ephemeral reader",
            read(key, node, hub.clone(), client, config, stop),
        );
        Self { hub, queue }
    }

    /// Shows `frame` to the members of `conversation`, except the connection that it came from (0 for none).
    pub fn send(&self, conversation: Uuid, except: u64, frame: Bytes) {
        self.hub.ephemeral(conversation, except, frame.clone());
        // Ephemeral: when Redis is slow or away, other nodes do not show it.
        let _ = self.queue.try_send((conversation, frame));
    }
}

async fn write(
    key: String,
    node: String,
    client: Client,
    config: FanoutConfig,
    mut queue: mpsc::Receiver<(Uuid, Bytes)>,
    stop: CancellationToken,
) {
    let mut connection = None;
    loop {
        let (conversation, frame) = tokio::select! {
            () = stop.cancelled() => return,
            next = queue.recv() => match next { Some(next) => next, None => return },
        };
        if connection.is_none() {
            connection = connection::connect(&client, config.timeout).await.ok();
        }
        let Some(open) = connection.as_mut() else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let fields = [
            ("n", node.as_bytes()),
            ("c", conversation.as_bytes().as_slice()),
            ("f", frame.as_ref()),
        ];
        let added = open
            .xadd_maxlen(&key, StreamMaxlen::Approx(KEEP), "*", &fields)
            .await;
        if added.is_err() {
            connection = None;
        }
    }
}

async fn read(
    key: String,
    node: String,
    hub: Hub,
    client: Client,
    config: FanoutConfig,
    stop: CancellationToken,
) {
    let options = StreamReadOptions::default().block(1000).count(256);
    let timeout = config.timeout.max(Duration::from_secs(3));
    loop {
        let reading = async {
            let mut connection = connection::connect(&client, timeout).await?;
            let mut from = "$".to_owned();
            loop {
                let reply: Option<StreamReadReply> =
                    connection.xread_options(&[&key], &[&from], &options).await?;
                for entry in reply
                    .into_iter()
                    .flat_map(|reply| reply.keys)
                    .flat_map(|key| key.ids)
                {
                    from.clone_from(&entry.id);
                    let field = |name| match entry.map.get(name) {
                        Some(redis::Value::BulkString(bytes)) => Some(bytes.as_slice()),
                        _ => None,
                    };
                    let (Some(sender), Some(conversation), Some(frame)) =
                        (field("n"), field("c"), field("f"))
                    else {
                        continue;
                    };
                    if sender != node.as_bytes()
                        && let Ok(conversation) = Uuid::from_slice(conversation)
                    {
                        hub.ephemeral(conversation, 0, Bytes::copy_from_slice(frame));
                    }
                }
            }
        };
        let ended: redis::RedisResult<()> = tokio::select! {
            () = stop.cancelled() => return,
            ended = reading => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(kind = ?error.kind(), "ephemeral reader lost Redis");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
