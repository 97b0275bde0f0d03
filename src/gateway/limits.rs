//! What a connection may do, and how long the server waits for it.

use super::report::ReportConfig;
use crate::wire::Announced;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_domain::Rules;

/// Limits of the gateway. Those that clients need to know stand in `welcome`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayLimits {
    /// Connections of this node.
    pub connections: usize,
    /// Connections of one user on this node.
    pub connections_per_user: usize,
    /// Connections that a user may begin each minute in the long run, at all nodes.
    pub connects_per_minute: u32,
    /// Connections that a user may begin one after the other after a quiet while.
    pub connects_burst: u32,
    /// Connections that may come from one address (one /64 in IPv6) each minute in the long run, at all nodes.
    pub address_connects_per_minute: u32,
    /// Connections that may come from one address at once after a quiet while.
    pub address_connects_burst: u32,
    /// The largest frame from a client, in bytes.
    pub frame_bytes: usize,
    /// Events that one conversation is caught up with before there is a gap.
    pub catch_up_events: u64,
    /// Events that a connection is caught up with over all conversations before there are gaps.
    pub catch_up_total: u64,
    /// Bytes of the log that a connection is sent at once when it catches up; the rest is read when the client has taken them.
    pub catch_up_page_bytes: usize,
    /// Bytes of the log that all connections of this node are sent at once when they catch up. Where no room is left, a connection goes
    /// on with about an event at a time.
    pub catch_up_node_bytes: usize,
    /// Commands that a connection may have unanswered; then it is not read.
    pub commands_in_flight: u32,
    /// Objects that a user may send each second in the long run, at all nodes. Those that make more work count for several.
    pub commands_per_second: u32,
    /// Objects that a user may send at once after a quiet while.
    pub commands_burst: u32,
    /// Refusals for rate, above those accepted, after which a connection is closed as flooding.
    pub flood: u32,
    /// Events that wait for a slow client before it has to catch up from the log.
    pub outbox_events: usize,
    /// Bytes of events that wait for a slow client before it has to catch up from the log.
    pub outbox_bytes: usize,
    /// How often a client that says nothing is asked whether it is there, in milliseconds.
    pub heartbeat_ms: u64,
    /// How long what was written waits until a ping asks the client to prove that it has read it. With an answer to the client it
    /// goes out sooner.
    pub proof_ms: u64,
    /// What the kernel may keep of a connection's unread bytes; 0 leaves that to the kernel, which may keep megabytes.
    pub send_buffer_bytes: u32,
    /// How long a client may take to say hello.
    pub hello_ms: u64,
    /// How long a client may take to read what was written before it is closed as too slow.
    pub slow_ms: u64,
    /// How often a connection's delivery cursors are stored while it lives.
    pub delivered_ms: u64,
    /// How soon, behind the ping that asks for their proof, those of direct conversations are stored, where the other is shown them.
    pub delivered_direct_ms: u64,
    /// How long the read models may take to come up to date when a client connects.
    pub catch_up_wait_ms: u64,
    /// Over how long a node that drains spreads its closes.
    pub drain_ms: u64,
    /// Over how long clients are asked to spread their return.
    pub return_ms: u64,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            connections: 15_000,
            connections_per_user: 50,
            connects_per_minute: 300,
            connects_burst: 600,
            address_connects_per_minute: 6_000,
            address_connects_burst: 5_000,
            frame_bytes: 65_536,
            catch_up_events: 1_000,
            catch_up_total: 10_000,
            catch_up_page_bytes: 256 << 10,
            catch_up_node_bytes: 128 << 20,
            commands_in_flight: 256,
            commands_per_second: 200,
            commands_burst: 4_000,
            flood: 5_000,
            outbox_events: 2_048,
            outbox_bytes: 1 << 20,
            heartbeat_ms: 25_000,
            proof_ms: 5_000,
            send_buffer_bytes: 0,
            hello_ms: 10_000,
            slow_ms: 20_000,
            delivered_ms: 30_000,
            delivered_direct_ms: 2_000,
            catch_up_wait_ms: 5_000,
            drain_ms: 2_000,
            return_ms: 3_000,
        }
    }
}

impl GatewayLimits {
    /// The part that clients are told, with the `rules` of their conversations, the largest file, and what messages are reported for.
    pub fn announced(&self, rules: Rules, attachment_bytes: u64, reports: &ReportConfig) -> Announced {
        Announced {
            heartbeat_ms: self.heartbeat_ms,
            frame_bytes: self.frame_bytes,
            catch_up_events: self.catch_up_events,
            catch_up_total: self.catch_up_total,
            commands_in_flight: self.commands_in_flight,
            commands_per_second: self.commands_per_second,
            commands_burst: self.commands_burst,
            rules,
            attachment_bytes,
            report_reasons: reports.reasons.as_slice().into(),
            report_other_reasons: reports.other_reasons,
        }
    }

    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    pub fn proof(&self) -> Duration {
        // Without any pause, a proof that does not come would be asked for all the time.
        Duration::from_millis(self.proof_ms.max(10))
    }

    pub fn slow(&self) -> Duration {
        Duration::from_millis(self.slow_ms)
    }
}
