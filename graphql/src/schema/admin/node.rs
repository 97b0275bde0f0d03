//! Nodes, as administrators see them.

use crate::backend::{Backend, NodeState};
use crate::errors::Refusal;
use crate::schema::long::Long;
use crate::schema::time::Time;
use async_graphql::{ComplexObject, ID, SimpleObject};
use uuid::Uuid;

/// A process that serves, as it said a few seconds ago.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Node {
    #[graphql(skip)]
    id: Uuid,
    /// Where it serves.
    address: String,
    version: String,
    started_at: Time,
    /// When it last said that it is there.
    seen_at: Time,
    /// Clients that it serves on sockets.
    connections: Long,
    /// What it takes of the machine's memory, in bytes; null where that is not known.
    resident_bytes: Option<Long>,
    /// It is told to stop.
    draining: bool,
}

#[ComplexObject]
impl Node {
    async fn id(&self) -> ID {
        self.id.into()
    }
}

impl From<NodeState> for Node {
    fn from(node: NodeState) -> Self {
        Self {
            id: node.id,
            address: node.address,
            version: node.version,
            started_at: Time(node.started_at),
            seen_at: Time(node.seen_at),
            connections: Long(node.connections),
            resident_bytes: node.resident_bytes.map(Long),
            draining: node.is_draining,
        }
    }
}

/// All nodes that run.
pub(super) async fn all(backend: &dyn Backend) -> Result<Vec<Node>, Refusal> {
    let nodes = backend.nodes().await?;
    Ok(nodes.into_iter().map(Node::from).collect())
}
