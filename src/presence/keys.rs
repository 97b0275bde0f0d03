//! Names of what presence keeps in Redis, which docs/operations.md tells other services of. One hash tag keeps them in one slot of a
//! cluster, so that they change together.

use uuid::Uuid;

#[derive(Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    /// `log` is the log's own id, so that two databases never share a key.
    pub(super) fn new(log: Uuid) -> Self {
        Self {
            prefix: format!("tidings:{}:{{p}}", log.simple()),
        }
    }

    /// Nodes, each with the end of its lease in milliseconds since 1970 by the clock of Redis.
    pub(super) fn nodes(&self) -> String {
        format!("{}:nodes", self.prefix)
    }

    /// What changes.
    pub(super) fn changes(&self) -> String {
        format!("{}:presence", self.prefix)
    }

    /// What the names of sets of those who hide begin with; the node follows.
    pub(super) fn hidden(&self) -> String {
        format!("{}:hidden:", self.prefix)
    }

    /// What a node says of its users.
    pub(super) fn of(&self, node: Uuid) -> OfNode {
        self.of_node("", node)
    }

    /// The same while it is written anew, which nobody reads.
    pub(super) fn anew(&self, node: Uuid) -> OfNode {
        self.of_node("new:", node)
    }

    fn of_node(&self, part: &str, node: Uuid) -> OfNode {
        let key = |what| format!("{}:{part}{what}:{}", self.prefix, node.simple());
        OfNode {
            on: key("on"),
            away: key("away"),
            dnd: key("dnd"),
            hidden: key("hidden"),
            connections: key("conn"),
            said: key("said"),
        }
    }
}

/// What a node says of its users. All of it ends with the node's lease.
pub(super) struct OfNode {
    /// Those who are there, however.
    pub(super) on: String,
    /// Those of them who are away, or do not want to be disturbed.
    pub(super) away: String,
    pub(super) dnd: String,
    /// Those who hide, and are not among those who are there.
    pub(super) hidden: String,
    /// The connections of each.
    pub(super) connections: String,
    /// The number of what was said last.
    pub(super) said: String,
}

impl OfNode {
    /// All that is said of users.
    pub(super) fn all(&self) -> [&str; 5] {
        [&self.on, &self.away, &self.dnd, &self.hidden, &self.connections]
    }

    /// The sets by which it is found out how somebody is there.
    pub(super) fn sets(&self) -> [&str; 4] {
        [&self.on, &self.away, &self.dnd, &self.hidden]
    }
}
