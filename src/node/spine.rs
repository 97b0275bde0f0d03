//! The spine of a node: the log, and all that decides, delivers and folds.

use super::ground::Ground;
use super::grow::Grow;
use super::observers::{CountProjections, Listeners};
use super::readers::Readers;
use crate::accounts::Directory;
use crate::announcements::{self, Announcements, Heard};
use crate::commits::Commits;
use crate::config::Config;
use crate::controls::Controls;
use crate::cursors::Cursors;
use crate::delivery::{Hub, Observer};
use crate::fanout::{Asks, Ephemeral, Fanout, FanoutConfig, Health};
use crate::gateway::Voices;
use crate::lanes::{self, LaneLimits, Lanes, SUBJECTS};
use crate::lifecycle::Lifecycle;
use crate::presence::{self, Moves, Presence};
use crate::rates::Rates;
use anyhow::Context as _;
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::DigestKey;
use tidings_eventlog::{Appender, Log, schema};
use tidings_projections::{Checkpoints, Projector};
use uuid::Uuid;

/// Sessions over which hubs and the fan-out read what they lack.
const DELIVERY_SESSIONS: usize = 4;

/// The spine, as the rest of the node sees it.
pub(super) struct Spine {
    pub(super) announcements: Announcements,
    pub(super) appender: Arc<Appender>,
    pub(super) asks: Asks,
    pub(super) checkpoints: Checkpoints,
    pub(super) cursors: Cursors,
    /// For hubs and the fan-out: what happens does not wait for those who read.
    pub(super) delivery_log: Log,
    pub(super) ephemeral: Ephemeral,
    pub(super) grow: Grow,
    pub(super) hub: Hub,
    pub(super) lanes: Lanes,
    /// For those who show what was said, who must know what was taken back. Nothing but the log's own tables is read over its sessions.
    pub(super) log: Log,
    /// For the read models and the reactors, which take what was said whether or not it was taken back.
    pub(super) folded: Log,
    /// For the lanes: commands do not wait for those who read.
    pub(super) lanes_log: Log,
    /// The log's own id.
    pub(super) log_id: Uuid,
    pub(super) people: Directory,
    pub(super) presence: Presence,
    pub(super) rates: Rates,
    /// For those who ask tables beside the log.
    pub(super) readers: Readers,
    pub(super) redis: Health,
    pub(super) voices: Voices,
}

impl Spine {
    /// Starts it, in an order in which nothing misses what another tells it.
    pub(super) async fn start(
        lifecycle: &Lifecycle,
        config: &Config,
        ground: &Ground,
    ) -> anyhow::Result<Self> {
        let Ground { log_config, pool, .. } = ground;
        let folded = Log::new(pool.clone(), log_config.timeout);
        schema::ensure_segments(pool)
            .await
            .context("the log's segments cannot be made")?;
        let unbuilt = tidings_projections::setup(pool)
            .await
            .context("the read models cannot be made")?;
        let log_id = folded.identity().await.context("the log cannot be read")?;
        let key = DigestKey::new(&folded.secret().await.context("the log cannot be read")?);
        let heads = folded.heads().await.context("the log cannot be read")?;
        let appender = Arc::new(Appender::new(log_config.clone()));
        appender.warm().await.context("the log cannot be appended to")?;

        let projector = Projector::new(folded.clone(), heads.len() as u16, Arc::new(CountProjections));
        let log = folded.clone().knowing(SUBJECTS);
        let readers = Readers::of(&folded);
        let tables = &readers.tables;
        build_read_models(lifecycle, &projector, &unbuilt);
        let (wake, tail, checkpoints) = (projector.wake(), projector.tail(), projector.checkpoints());
        let (moves, heard, voices) = (Moves::default(), Heard::default(), Voices::default());
        let observer: Arc<dyn Observer> = Arc::new(Listeners {
            projections: wake,
            presence: moves.clone(),
            announcements: heard.clone(),
            voices: voices.clone(),
        });
        let controls = Controls::default();
        let delivery_pool = log_config.pool_of(DELIVERY_SESSIONS)?;
        let delivery_log = Log::new(delivery_pool, log_config.timeout).knowing(SUBJECTS);
        let return_ms = config.gateway.return_ms;
        let hub = Hub::new(lifecycle, &delivery_log, &observer, &controls, return_ms);
        let mut fanout_config = FanoutConfig::new(ground.redis_url.clone());
        fanout_config.redis_ca.clone_from(&config.redis_ca);
        fanout_config.sweep = Duration::from_millis(config.sweep_ms.max(10));
        let fanout = Fanout::start(lifecycle, &fanout_config, &delivery_log, log_id, &hub)?;
        let lanes_pool = log_config.pool_of(config.lane_connections)?;
        let lanes_log = Log::new(lanes_pool, log_config.timeout).knowing(SUBJECTS);
        let lane_limits = LaneLimits {
            changes_per_second: config.conversation_changes_per_second,
            changes_burst: config.conversation_changes_burst,
            rules: config.rules(),
            ..LaneLimits::default()
        };
        let people = Directory::new(tables.pool(), log_config.timeout, config.user_conversations_max);
        let base = lanes::Ground {
            log: lanes_log.clone(),
            hidden: readers.hidden.clone(),
            tables: tables.pool().clone(),
            appender: Arc::clone(&appender),
            people: Arc::new(people.clone()),
            key,
        };
        let lanes = Lanes::new(lifecycle, base, &hub, &controls, lane_limits);
        let ground = presence::Foundation {
            checkpoints: checkpoints.clone(),
            config: config.presence.clone(),
            lanes: lanes.clone(),
            log: tables.clone(),
            log_id,
            moves,
            redis: fanout.redis(),
            wait: Duration::from_millis(config.gateway.catch_up_wait_ms),
        };
        let presence = Presence::start(lifecycle, ground);
        let rates = Rates::start(lifecycle, fanout.redis(), log_id, config.rates.clone());
        let ground = announcements::Foundation {
            heard,
            lanes: lanes.clone(),
            log: tables.portion(tables.pool().max_size() / 4).knowing(SUBJECTS),
            log_id,
        };
        let announcements = Announcements::start(lifecycle, ground);
        let (ephemeral, redis, asks) = (fanout.ephemeral.clone(), fanout.health.clone(), fanout.asks());
        let grow = Grow {
            log: lanes_log.clone(),
            lifecycle: lifecycle.clone(),
            projector,
            hub: hub.clone(),
            commits: Commits::new(lifecycle, &tail, &hub, fanout),
            lanes: lanes.clone(),
        };
        for head in heads {
            grow.add(head);
        }
        let (pool, gather) = (tables.pool(), config.read_gather());
        let cursors = Cursors::start(lifecycle, &log, pool, &lanes, &ephemeral, gather);
        Ok(Self {
            announcements,
            appender,
            asks,
            checkpoints,
            cursors,
            delivery_log,
            ephemeral,
            grow,
            hub,
            lanes,
            log,
            folded,
            lanes_log,
            log_id,
            people,
            presence,
            rates,
            readers,
            redis,
            voices,
        })
    }
}

/// Builds the read models that are new in this version, beside those that older nodes go on with.
fn build_read_models(lifecycle: &Lifecycle, projector: &Projector, unbuilt: &[&'static str]) {
    projector.begin_builds(unbuilt);
    let (build, stop) = (projector.clone().build(), lifecycle.stopping());
    lifecycle.spawn_for_life("read models being built", async move {
        stop.run_until_cancelled(build).await;
        // A task that ends before the node does is taken for a failure.
        stop.cancelled().await;
    });
}
