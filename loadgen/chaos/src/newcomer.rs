//! Somebody who comes when lanes have been added, and makes a group in one of them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_journal::Journal;
use tidings_protocol::Action;
use tidings_stand::Node;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::http::Person;
use crate::scribe::Clock;
use crate::witness::Witness;
use crate::world::{World, opened};

/// How long it may take until somebody is there and has made a group. Longer than all faults of a run.
const LIMIT: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(50);

/// Comes, and makes a group with everybody; `name` is like no other of the run.
pub(crate) async fn come(world: &World, nodes: &[Node], name: &str, clock: Clock) -> Result<Journal> {
    let coming = async {
        let (person, node) = register(nodes, world.lanes, name).await?;
        let mut maker = Witness::new(clock, &person, "newcomer", "newcomer", node.address());
        let members = world.people.iter().map(|other| other.user).collect();
        let name = "newcomers".to_owned();
        opened(&mut maker, person.user, Action::GroupCreate { name, members }).await?;
        Ok(maker.close())
    };
    timeout(LIMIT, coming).await.context("nobody came in time")?
}

/// People are spread over all lanes that a node knows of, and groups are where those are who make them.
async fn register<'a>(nodes: &'a [Node], lanes: u16, name: &str) -> Result<(Person, &'a Node)> {
    let tag = Uuid::new_v4().simple();
    let mut all = nodes.iter().cycle();
    for number in 0_u64.. {
        let Some(node) = all.next() else { break };
        let name = format!("{name}-{number}-{}", &tag.to_string()[..8]);
        match Person::register(node, &name).await {
            Ok(person) if u16::from(person.user.as_bytes()[15]) >= lanes => return Ok((person, node)),
            Ok(_) => {}
            Err(_) => sleep(PAUSE).await,
        }
    }
    anyhow::bail!("there are no nodes")
}
