//! The administration: what administrators see of all nodes, and what they do. Each act is an event in the log before it is carried
//! out (ADR 34), and goes on when whoever ordered it hangs up.

mod acts;
mod announcing;
mod audit;
mod connections;
mod events;
mod following;
mod nodes;
mod parked;
mod past;
mod rebuilds;
mod refusals;
mod reports;
mod tables;
mod trace;

use crate::accounts::Accounts;
use crate::attachments::{Link, Links, Opens};
use crate::clock;
use crate::delivery::Hub;
use crate::fanout::Asks;
use crate::gateway::{Logins, Registry};
use crate::lanes::{Lanes, SUBJECTS};
use crate::lifecycle::Lifecycle;
use crate::presence::Presence;
use crate::rates::{Allowance, ByRole, Share, Shares, Subject};
use crate::role::{self, Role};
use acts::Ordered;
use chrono::{DateTime, Utc};
use following::Followers;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use past::Pasts;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tables::Tables;
use tidings_domain::{ConversationId, UserId};
use tidings_eventlog::Log;
use tidings_graphql::{
    Audited, Backend, ConnectionState, CostAllowance, Done, EventFilter, EventState, EventsFound, LogPlace,
    MadeAnnouncement, Moment, NodeState, Order, Part, PastPlace, PastReaction, PastState, RebuildState,
    Refusal, ReportPosition, SettingState, TraceState, Version, Viewer,
};
use tidings_projections::Range;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Orders that wait to be carried out.
const QUEUE: usize = 64;

/// What the administration stands on.
pub struct Foundation {
    /// Where this node serves.
    pub address: SocketAddr,
    pub accounts: Accounts,
    pub asks: Asks,
    /// What users cause by queries at all nodes together.
    pub caused: ByRole<Shares>,
    /// What they may cause.
    pub costs: ByRole<Allowance>,
    pub hub: Hub,
    pub lanes: Lanes,
    pub lifecycle: Lifecycle,
    pub links: Links,
    /// For the read models, which fold everything that the log holds.
    pub log: Log,
    pub logins: Logins,
    pub presence: Presence,
    pub registry: Arc<Registry>,
    /// What this node was told.
    pub settings: Vec<SettingState>,
    /// The log over those sessions that may wait for slow tables: for what administrators look at.
    pub tables: Log,
}

/// The administration of this node. Cheap to clone.
#[derive(Clone)]
pub struct Administration(Arc<Inner>);

struct Inner {
    ground: Foundation,
    /// This node, among those that run.
    node: Uuid,
    tables: Tables,
    /// For showing events, over as many sessions as the tables have.
    shown: Log,
    pasts: Pasts,
    followers: Arc<Followers>,
    orders: mpsc::Sender<Ordered>,
}

impl Administration {
    /// Says from here on that this node runs, answers what others ask of it, and carries out what it is ordered, until it stops.
    pub fn start(ground: Foundation) -> Self {
        let (orders, ordered) = mpsc::channel(QUEUE);
        let tables = Tables::new(ground.tables.pool());
        let sessions = ground.tables.pool().max_size() / 4;
        let shown = ground.tables.portion(sessions).knowing(SUBJECTS);
        let pasts = Pasts::new(&shown);
        let this = Self(Arc::new(Inner {
            ground,
            node: clock::id(),
            tables,
            shown,
            pasts,
            followers: Arc::default(),
            orders,
        }));
        let Foundation { lifecycle, asks, .. } = &this.0.ground;
        asks.answer(lifecycle, this.clone().answering());
        let stop = lifecycle.stopping();
        lifecycle.spawn_for_life("node", this.clone().tell(stop.clone()));
        lifecycle.spawn_for_life("administration", this.clone().obey(ordered, stop));
        this
    }

    /// What a viewer causes by queries.
    fn caused_by(&self, viewer: &Viewer) -> Arc<Share> {
        let caused = self.0.ground.caused.of(&held(viewer));
        caused.of(Subject::User(viewer.user))
    }
}

/// The roles that a viewer holds.
fn held(viewer: &Viewer) -> Vec<Role> {
    role::parse(viewer.roles.iter().map(String::as_str))
}

impl Backend for Administration {
    fn ticket(&self, viewer: Uuid, attachment: Uuid) -> (String, DateTime<Utc>) {
        let links = &self.0.ground.links;
        let Link { ticket, expires_at } = links.make(attachment, viewer, Opens::Shown, clock::now());
        (ticket, expires_at)
    }

    fn evidence_ticket(&self, viewer: Uuid, attachment: Uuid) -> String {
        let links = &self.0.ground.links;
        links
            .make(attachment, viewer, Opens::Evidence, clock::now())
            .ticket
    }

    fn allowance(&self, viewer: &Viewer) -> Option<CostAllowance> {
        let costs = &self.0.ground.costs;
        let role = costs.role(&held(viewer))?;
        let Allowance { number, burst, .. } = *costs.get(Some(role));
        Some(CostAllowance {
            role: role.as_str(),
            per_second: number,
            burst,
        })
    }

    fn wait(&self, viewer: &Viewer, cost: u32) -> Option<Duration> {
        self.caused_by(viewer).wait(cost)
    }

    fn caused(&self, viewer: &Viewer, cost: u32) {
        self.caused_by(viewer).used(cost);
    }

    fn there(&self, users: Vec<Uuid>) -> BoxFuture<'_, HashMap<Uuid, bool>> {
        Box::pin(async move {
            let users = users.into_iter().map(UserId).collect();
            let shown = self.0.ground.presence.shown(users).await;
            let there = shown.into_iter().map(|(user, shown)| (user.0, shown.is_there()));
            there.collect()
        })
    }

    fn online(&self, conversation: Uuid) -> BoxFuture<'_, Option<usize>> {
        Box::pin(self.0.ground.presence.online(ConversationId(conversation)))
    }

    fn nodes(&self) -> BoxFuture<'_, Result<Vec<NodeState>, Refusal>> {
        Box::pin(self.running())
    }

    fn connections(
        &self,
        user: Option<Uuid>,
        range: Range<Uuid>,
    ) -> BoxFuture<'_, Result<Part<ConnectionState>, Refusal>> {
        Box::pin(self.connected(user, range))
    }

    fn rebuilds(&self) -> BoxFuture<'_, Result<Vec<RebuildState>, Refusal>> {
        Box::pin(self.rebuilt())
    }

    fn audit(&self, range: Range<u64>) -> BoxFuture<'_, Result<Part<Audited>, Refusal>> {
        Box::pin(self.audited(range))
    }

    fn events(
        &self,
        filter: EventFilter,
        after: Option<LogPlace>,
        rows: usize,
    ) -> BoxFuture<'_, Result<EventsFound, Refusal>> {
        Box::pin(self.events_found(filter, after, rows))
    }

    fn trace(&self, conversation: Uuid, message: Uuid) -> BoxFuture<'_, Result<Option<TraceState>, Refusal>> {
        Box::pin(self.traced(conversation, message))
    }

    fn evidence(&self, by: Uuid, report: ReportPosition) -> BoxFuture<'_, Result<Vec<Version>, Refusal>> {
        Box::pin(self.read_evidence(by, report))
    }

    fn follow(
        &self,
        viewer: Uuid,
        conversation: Uuid,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<EventState, Refusal>>, Refusal>> {
        Box::pin(self.followed(viewer, conversation))
    }

    fn moment(
        &self,
        conversation: Uuid,
        moment: Moment,
    ) -> BoxFuture<'_, Result<Option<PastPlace>, Refusal>> {
        Box::pin(self.place_at(conversation, moment))
    }

    fn past(&self, conversation: Uuid, seq: u64) -> BoxFuture<'_, Result<Option<PastState>, Refusal>> {
        Box::pin(self.past_at(conversation, seq))
    }

    fn past_reactions(
        &self,
        conversation: Uuid,
        messages: Vec<u64>,
        seq: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<PastReaction>>, Refusal>> {
        Box::pin(async move { self.reactions_at(conversation, &messages, seq).await })
    }

    fn announce(
        &self,
        by: Uuid,
        text: String,
        at: Option<DateTime<Utc>>,
    ) -> BoxFuture<'_, Result<MadeAnnouncement, Refusal>> {
        Box::pin(self.announced(by, text, at))
    }

    fn settings(&self) -> Vec<SettingState> {
        self.0.ground.settings.clone()
    }

    fn carry_out(&self, by: Uuid, order: Order) -> BoxFuture<'_, Result<Done, Refusal>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let ordered = Ordered { by, order, reply };
            if self.0.orders.try_send(ordered).is_err() {
                return Err(Refusal::unavailable("too many orders wait to be carried out"));
            }
            let gone = || Refusal::unavailable("the order was not carried out");
            answer.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}
