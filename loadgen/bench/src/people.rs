//! The accounts and conversations of a workload.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::json;
use tidings_stand::{Api, Node};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use crate::wire::{Object, Socket, parse};

/// Registrations under way at the same time.
const AT_ONCE: usize = 16;

/// A registered person.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: Uuid,
    pub token: String,
}

/// Makes `count` accounts on a node.
pub async fn register(node: &Node, count: usize) -> Result<Vec<Person>> {
    let api = Api::new(&node.url())?;
    let register = async |_| {
        // As long as a name may be.
        let name = format!("p{:.31}", Uuid::now_v7().simple().to_string());
        let account = api.register(&name).await?;
        anyhow::Ok(Person {
            user: account.user,
            token: account.first_token.to_string(),
        })
    };
    stream::iter(0..count)
        .map(register)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Connects as a person and waits until everything missed has come.
pub async fn connect(server: SocketAddr, person: &Person, device: &str) -> Result<Socket> {
    let mut socket = Socket::connect(server).await?;
    socket.hello(&person.token, device, &json!({})).await?;
    socket.synced(|_| {}).await?;
    Ok(socket)
}

/// What a command came to.
pub struct Ack {
    pub id: Uuid,
    pub conversation: Uuid,
    pub seq: u64,
}

/// Sends a command and waits for its ack.
pub async fn answered(socket: &mut Socket, mut action: serde_json::Value) -> Result<Ack> {
    let wanted = Uuid::now_v7();
    action["id"] = json!(wanted);
    socket.queue(action.to_string().as_bytes());
    socket.flush().await?;
    let answering = async {
        let mut answer = None;
        while answer.is_none() {
            socket.readable().await?;
            socket.read(|object| match parse(object) {
                Object::Ack {
                    id,
                    conversation,
                    seq,
                } if id == wanted => {
                    answer = Some(Ok(Ack {
                        id,
                        conversation,
                        seq,
                    }));
                }
                Object::Error { text } => answer = Some(Err(text)),
                _ => {}
            })?;
            socket.flush().await?;
        }
        match answer {
            Some(Ok(ack)) => Ok(ack),
            Some(Err(text)) => bail!("refused: {text}"),
            None => bail!("not answered"),
        }
    };
    timeout(Duration::from_mins(1), answering)
        .await
        .context("a command was not answered")?
}

/// Sends a command and answers the conversation that it was about.
pub async fn command(socket: &mut Socket, action: serde_json::Value) -> Result<Uuid> {
    Ok(answered(socket, action).await?.conversation)
}

/// Makes a group of all of `people`, the first of whom owns it.
pub async fn group(node: &Node, name: &str, people: &[Person]) -> Result<Uuid> {
    group_at(node.address(), name, people).await
}

async fn group_at(server: SocketAddr, name: &str, people: &[Person]) -> Result<Uuid> {
    let owner = people.first().context("a group needs an owner")?;
    let mut socket = connect(server, owner, "maker").await?;
    // What a frame may hold bounds how many can be named at once.
    let (first, later) = people[1..].split_at(people.len().saturating_sub(1).min(1_000));
    let members: Vec<Uuid> = first.iter().map(|person| person.user).collect();
    let made = json!({"type": "group.create", "name": name, "members": members});
    let conversation = command(&mut socket, made).await?;
    for person in later {
        let added = json!({"type": "group.add", "conversation": conversation, "user": person.user});
        command(&mut socket, added).await?;
    }
    Ok(conversation)
}

/// Makes `count` rounds of groups of `size` people, each round with everybody in one group, and others in it each time. Answers
/// the groups of each person.
pub async fn circles(node: &Node, people: &[Person], size: usize, count: usize) -> Result<Vec<Vec<Uuid>>> {
    let mut of_each = vec![Vec::with_capacity(count); people.len()];
    let mut order: Vec<usize> = (0..people.len()).collect();
    // The same in every run.
    let mut rng = StdRng::seed_from_u64(1);
    let mut making = JoinSet::new();
    for round in 0..count {
        order.shuffle(&mut rng);
        for (number, members) in order.chunks(size).enumerate() {
            let members = members.to_vec();
            let everybody: Vec<Person> = members.iter().map(|place| people[*place].clone()).collect();
            let (address, name) = (node.address(), format!("circle {round}.{number}"));
            if making.len() >= AT_ONCE
                && let Some(made) = making.join_next().await
            {
                enter(&mut of_each, made??);
            }
            making.spawn(async move {
                Ok::<_, anyhow::Error>((group_at(address, &name, &everybody).await?, members))
            });
        }
    }
    while let Some(made) = making.join_next().await {
        enter(&mut of_each, made??);
    }
    Ok(of_each)
}

fn enter(of_each: &mut [Vec<Uuid>], (conversation, members): (Uuid, Vec<usize>)) {
    for place in members {
        of_each[place].push(conversation);
    }
}
