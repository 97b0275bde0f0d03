//! The WebSocket gateway: reads and writes connections, and knows who may see what.
//!
//! A connection is one reader and one writer. The writer owns the sink and the cursors; everybody else reaches the
//! connection through its bounded outbox.

mod catch_up;
mod close;
mod costs;
mod counters;
mod fetch;
mod gaps;
mod handshake;
mod hearing;
mod hidden;
mod incoming;
mod limits;
mod logins;
mod lookups;
mod memberships;
mod notices;
mod pages;
mod places;
mod plan;
mod proof;
mod reader;
mod registry;
mod reply;
mod report;
mod resume;
mod session;
mod shared;
mod socket;
mod timers;
mod together;
mod typing;
mod upgrade;
mod views;
mod voices;
mod writer;

use crate::accounts::Authenticator;
use crate::announcements::Announcements;
use crate::cursors::Cursors;
use crate::delivery::Hub;
use crate::lanes::Lanes;
use crate::lifecycle::Lifecycle;
use crate::presence::Presence;
use crate::rates::{Allowance, Connects};
use crate::role::Role;
use crate::wire::Announced;
use crate::{clock, wire};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::UserId;
use tidings_eventlog::{Log, Pool, Position, ReadError};
use tidings_projections::Checkpoints;
use tidings_protocol::ServerFrame;
use uuid::Uuid;

pub use costs::Sizes;
pub use counters::Counters;
pub use hearing::{Hearing, Sources};
pub use limits::GatewayLimits;
pub use logins::Logins;
pub use lookups::Lookups;
pub use pages::PageRoom;
pub use registry::{Connection, Registry};
pub use report::ReportConfig;
pub use typing::Typing;
pub use upgrade::routes;
pub use voices::Voices;

/// How much longer than what they wait for connections may take.
const MARGIN: Duration = Duration::from_secs(1);

/// What every connection of a node shares.
pub struct Gateway {
    /// What clients are told of the limits.
    pub announced: Announced,
    pub announcements: Announcements,
    pub authenticator: Authenticator,
    pub checkpoints: Checkpoints,
    /// How often addresses and users connect.
    pub connects: Connects,
    pub counters: Counters,
    pub cursors: Cursors,
    pub hearing: Hearing,
    /// For what people have hidden from themselves, for which every `fetch` waits.
    pub hidden: Pool,
    pub hub: Hub,
    pub lanes: Lanes,
    pub lifecycle: Lifecycle,
    pub limits: GatewayLimits,
    /// For the log's own tables.
    pub log: Log,
    pub logins: Logins,
    pub lookups: Lookups,
    /// The log's own id, from which ids of conversations derive.
    pub log_id: Uuid,
    /// For the other read models that are asked for a command.
    pub models: Pool,
    pub page_room: PageRoom,
    pub presence: Presence,
    pub registry: Arc<Registry>,
    /// For which reasons messages are reported.
    pub reports: ReportConfig,
    pub sizes: Sizes,
    pub typing: Typing,
}

impl Gateway {
    /// How long a connection that is to leave waits for answers that are on their way: what a lane brings into the log in its time is told.
    fn answers(&self) -> Duration {
        self.lanes.patience() + MARGIN
    }

    /// The longest that connections take to end once they are to leave.
    pub fn left_within(&self) -> Duration {
        Duration::from_millis(self.limits.drain_ms) + self.answers() + close::END + MARGIN
    }

    /// Waits until the read models of these names are said to have come to all that the log holds by now of a lane, for as long as somebody
    /// who connects waits for them.
    async fn caught_up(&self, models: &[&str], lane: u8) -> Result<(), ReadError> {
        let heads = self.lookups.lanes().await?;
        let head = heads.iter().find(|head| head.lane == lane);
        let pos = head.map_or(0, |head| head.head);
        let wait = Duration::from_millis(self.limits.catch_up_wait_ms);
        self.checkpoints
            .passed_by(models, Position { lane, pos }, wait)
            .await
            .map_err(|lagging| ReadError::Database(lagging.to_string()))
    }

    /// What a session is told that has said a valid hello, whose user goes by `role` for what may be sent.
    fn welcome(&self, user: UserId, session: Uuid, role: Option<Role>) -> ServerFrame {
        let Allowance { number, burst, .. } = self.registry.allowance(role);
        let announced = Announced {
            commands_per_second: number,
            commands_burst: burst,
            ..self.announced.clone()
        };
        wire::welcome(user.0, session, clock::now(), &announced)
    }
}
