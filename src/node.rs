//! A node: everything put together, started in order and stopped in order.

mod ground;
mod grow;

use crate::accounts::{self, Directory, LogRegistrar};
use crate::commits::Commits;
use crate::config::Config;
use crate::cursors::{self, Cursors, InboxRules};
use crate::delivery::{Hub, Observer};
use crate::fanout::{Fanout, FanoutConfig};
use crate::gateway::{self, Counters, Gateway, Logins, Lookups, PageRoom, Registry, Sizes, Typing};
use crate::http::{self, Gate};
use crate::lanes::{LaneLimits, Lanes, SUBJECTS};
use crate::lifecycle::Lifecycle;
use crate::readiness::{Patience, Readiness};
use crate::stale::StaleStreams;
use crate::telemetry::Metrics;
use anyhow::Context as _;
use ground::{check_redis, listen, raise_file_limit};
use grow::Grow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::{Appender, Log, schema};
use tidings_projections::{ProjectionError, Projector, Wake};

/// How long connections may take to end beyond the spread of their closes.
const CONNECTIONS_END: Duration = Duration::from_secs(12);
/// How long the other tasks may take.
const TASKS_END: Duration = Duration::from_secs(12);

/// A running node.
pub struct Node {
    address: SocketAddr,
    lifecycle: Lifecycle,
    cursors: Cursors,
    gateway: Arc<Gateway>,
    accounts: accounts::Accounts,
}

/// What a hub tells the projections.
struct WakeProjections(Wake);

impl Observer for WakeProjections {
    fn advanced(&self, lane: u8, _pos: u64) {
        self.0.lane(lane);
    }
}

/// Counts what the projections do.
struct CountProjections;

impl tidings_projections::Observer for CountProjections {
    fn applied(&self, _lane: u8, _projections: &[&str], events: usize) {
        metrics::counter!("tidings_projected_events_total").increment(events as u64);
    }

    fn parked(&self, _lane: u8, projection: &str, events: usize) {
        metrics::counter!("tidings_projection_parked_total", "projection" => projection.to_owned())
            .increment(events as u64);
    }

    fn stands(&self, lane: u8, projection: &str, head: u64, pos: Option<u64>) {
        if let Some(pos) = pos {
            metrics::gauge!("tidings_projection_lag_events", "projection" => projection.to_owned(), "lane" => lane.to_string())
                .set(head.saturating_sub(pos) as f64);
        }
    }

    fn held(&self, lane: u8, projection: &str, held: bool) {
        metrics::gauge!("tidings_projection_held", "projection" => projection.to_owned(), "lane" => lane.to_string())
            .set(f64::from(u8::from(held)));
    }

    fn building(&self, projection: &str, building: bool) {
        metrics::gauge!("tidings_projection_building", "projection" => projection.to_owned())
            .set(f64::from(u8::from(building)));
    }

    fn built(&self, projection: &str, done: u64, total: u64) {
        metrics::gauge!("tidings_projection_build_done_events", "projection" => projection.to_owned())
            .set(done as f64);
        metrics::gauge!("tidings_projection_build_total_events", "projection" => projection.to_owned())
            .set(total as f64);
    }

    fn failed(&self, _lane: u8, _error: &ProjectionError) {
        metrics::counter!("tidings_projection_failures_total").increment(1);
    }
}

impl Node {
    /// Starts a node on a migrated database. Errors say what is wrong and where.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let config = config.for_what_comes();
        raise_file_limit();
        let metrics = Metrics::install();
        let mut log_config = config.log()?;
        // Each lane's projections keep a connection for good.
        log_config.pool_size = config.database_connections + usize::from(config.lanes);
        log_config.appenders = config.appenders;
        let pool = log_config.pool()?;
        schema::check(&pool)
            .await
            .context("the database cannot be used")?;
        let redis_url = config.require_redis_url()?.to_owned();
        check_redis(&redis_url, config.redis_ca.as_deref(), config.redis_required).await?;
        // Bound before anything runs, so that a port in use is found out at once.
        let listener = listen(config.listen)
            .with_context(|| format!("the address {} cannot be listened on", config.listen))?;
        let address = listener.local_addr()?;

        let lifecycle = Lifecycle::new();
        let log = Log::new(pool.clone(), log_config.timeout);
        schema::ensure_segments(&pool)
            .await
            .context("the log's segments cannot be made")?;
        let unbuilt = tidings_projections::setup(&pool)
            .await
            .context("the read models cannot be made")?;
        let log_id = log.identity().await.context("the log cannot be read")?;
        let heads = log.heads().await.context("the log cannot be read")?;
        let appender = Arc::new(Appender::new(log_config.clone()));
        appender.warm().await.context("the log cannot be appended to")?;

        let projector = Projector::new(log.clone(), heads.len() as u16, Arc::new(CountProjections));
        // Whoever shows what was said must know what was taken back; read models fold both.
        let log = log.knowing(SUBJECTS);
        build_read_models(&lifecycle, &projector, &unbuilt);
        let (wake, tail, checkpoints) = (projector.wake(), projector.tail(), projector.checkpoints());
        let observer: Arc<dyn Observer> = Arc::new(WakeProjections(wake));
        let stale = StaleStreams::default();
        let hub = Hub::new(&lifecycle, &log, &observer, &stale, config.gateway.return_ms);
        let mut fanout_config = FanoutConfig::new(redis_url);
        fanout_config.redis_ca.clone_from(&config.redis_ca);
        fanout_config.sweep = Duration::from_millis(config.sweep_ms.max(10));
        let fanout = Fanout::start(&lifecycle, &fanout_config, &log, log_id, &hub)?;
        // Commands do not wait for those who read.
        let lanes_log =
            Log::new(log_config.pool_of(config.lane_connections)?, log_config.timeout).knowing(SUBJECTS);
        let lane_limits = LaneLimits {
            rules: config.rules(),
            ..LaneLimits::default()
        };
        let lanes = Lanes::new(&lifecycle, &lanes_log, &appender, &hub, &stale, lane_limits);
        let (ephemeral, redis) = (fanout.ephemeral.clone(), fanout.health.clone());
        let grow = Grow {
            log: lanes_log.clone(),
            lifecycle: lifecycle.clone(),
            projector,
            hub: hub.clone(),
            commits: Commits::new(&lifecycle, &tail, &hub, fanout),
            lanes: lanes.clone(),
        };
        for head in &heads {
            grow.add(*head);
        }
        let cursors = Cursors::start(&lifecycle, &log, &lanes, &ephemeral, config.read_gather());

        let registrar = Arc::new(LogRegistrar::new(lanes.clone()));
        let accounts = accounts::Accounts::start(&lifecycle, pool.clone(), config.auth.clone(), registrar)
            .await
            .context("accounts cannot be started")?;
        let rules = InboxRules {
            keep: Duration::from_secs(u64::from(config.inbox_days) * 86_400),
            every: Duration::from_secs(config.inbox_clean_up_s.max(1)),
        };
        lifecycle.spawn_last(
            "inbox clean-up",
            cursors::expire_inboxes(log.clone(), lanes.clone(), rules, lifecycle.hard_stop()),
        );
        lifecycle.spawn_last("upkeep of the log", grow.keep());

        let limits = config.gateway.clone();
        let logins = Logins::new(accounts.authenticator());
        let (watch, stop) = (logins.clone().watch(), lifecycle.hard_stop());
        lifecycle.spawn_last("logins", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = watch => {}
            }
        });
        let gateway = Arc::new(Gateway {
            announced: limits.announced(config.rules()),
            authenticator: accounts.authenticator(),
            checkpoints: checkpoints.clone(),
            counters: Counters::new(),
            cursors: cursors.clone(),
            directory: Directory::new(&pool, log_config.timeout),
            ephemeral,
            hub,
            lanes,
            lifecycle: lifecycle.clone(),
            log: log.clone(),
            logins: logins.clone(),
            lookups: Lookups::start(&lifecycle, &log),
            log_id,
            page_room: PageRoom::new(limits.catch_up_page_bytes, limits.catch_up_node_bytes),
            registry: Arc::new(Registry::new(
                limits.connections,
                limits.connections_per_user,
                limits.commands_per_second,
                limits.commands_burst,
            )),
            limits,
            sizes: Sizes::new(),
            typing: Typing::new(),
        });
        let patience = Patience {
            unwritable: Duration::from_secs(u64::from(config.unwritable_s)),
            behind: Duration::from_secs(u64::from(config.read_models_behind_s)),
        };
        let readiness = Readiness::start(&lifecycle, &appender, &lanes_log, &checkpoints, redis, patience);
        let query_wait = Duration::from_millis(config.query_wait_ms);
        let parts = vec![
            gateway::routes(Arc::clone(&gateway)),
            accounts.routes(),
            http::graphql::routes(
                pool,
                checkpoints,
                accounts.authenticator(),
                query_wait,
                &config.graphql,
                lifecycle.draining(),
            ),
        ];
        let gate = Gate {
            limits: config.http.clone(),
            trusted_proxies: config.auth.trusted_proxies,
        };
        let metrics = metrics.with_pools(vec![
            ("readers", log.pool().clone()),
            ("lanes", lanes_log.pool().clone()),
        ]);
        lifecycle.spawn_last("metrics", metrics.clone().keep_up(lifecycle.hard_stop()));
        let router = http::router(readiness, metrics, parts, gate);
        let serving = http::serve(
            listener,
            router,
            config.http.clone(),
            gateway.limits.connections + config.http.spare_sockets,
            config.auth.trusted_proxies > 0,
            lifecycle.clone(),
        );
        lifecycle.spawn_last("http", serving);
        tracing::info!(%address, lanes = heads.len(), "serving");
        Ok(Self {
            address,
            lifecycle,
            cursors,
            gateway,
            accounts,
        })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its connections share.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Its accounts.
    pub fn accounts(&self) -> &accounts::Accounts {
        &self.accounts
    }

    /// Begins to stop.
    pub fn shut_down(&self) {
        self.lifecycle.shut_down();
    }

    /// Waits until the node is asked to stop, or has to, and then until it has stopped: connections first, then what
    /// they rely on. What is acked is in the log long before.
    pub async fn stopped(self) {
        self.lifecycle.draining().cancelled().await;
        let spread = Duration::from_millis(self.gateway.limits.drain_ms);
        if !self.lifecycle.connections_ended(spread + CONNECTIONS_END).await {
            tracing::warn!("some connections did not end in time");
        }
        if tokio::time::timeout(TASKS_END, self.cursors.flush())
            .await
            .is_err()
        {
            tracing::warn!(
                "some delivery cursors were not stored; later devices are sent those events again"
            );
        }
        if !self.lifecycle.tasks_ended(TASKS_END).await {
            tracing::warn!("some tasks did not end in time");
        }
        tracing::info!("stopped");
    }
}

/// Builds the read models that are new in this version, beside those that older nodes go on with.
fn build_read_models(lifecycle: &Lifecycle, projector: &Projector, unbuilt: &[&'static str]) {
    projector.begin_builds(unbuilt);
    let (build, stop) = (projector.clone().build(), lifecycle.hard_stop());
    lifecycle.spawn_last("read models being built", async move {
        stop.run_until_cancelled(build).await;
        // A task that ends before the node does is taken for a failure.
        stop.cancelled().await;
    });
}
