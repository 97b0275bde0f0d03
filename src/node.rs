//! A node: everything put together, started in order and stopped in order.

mod audit;
mod ground;
mod grow;
mod observers;
mod readers;
mod spine;

use crate::accounts::{self, LogRegistrar};
use crate::administration::{Administration, Foundation};
use crate::attachments::{self, Links};
use crate::config::Config;
use crate::cursors::Cursors;
use crate::gateway::{
    self, Counters, Gateway, Hearing, Logins, Lookups, PageRoom, Registry, Sizes, Sources, Typing,
};
use crate::http::{self, Gate};
use crate::lifecycle::Lifecycle;
use crate::rates::{Allowance, Class, Connects};
use crate::reactors::{self, AccountDeletions, ContactNotices, InboxExpiry, InvitationNotices, JoinNotices};
use crate::readiness::{Patience, Readiness};
use crate::telemetry::Metrics;
use anyhow::Context as _;
use ground::{Ground, raise_file_limit};
use observers::looks;
use spine::Spine;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long the other tasks may take beyond what lanes wait for the log.
const TASKS_END: Duration = Duration::from_secs(4);

/// A running node.
pub struct Node {
    address: SocketAddr,
    lifecycle: Lifecycle,
    cursors: Cursors,
    gateway: Arc<Gateway>,
    accounts: accounts::Accounts,
}

impl Node {
    /// Starts a node on a migrated database. Errors say what is wrong and where.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let config = config.for_what_comes();
        raise_file_limit();
        let metrics = Metrics::install();
        let ground = Ground::find(&config).await?;
        let lifecycle = Lifecycle::new();
        let spine = Spine::start(&lifecycle, &config, &ground).await?;
        let registrar = Arc::new(LogRegistrar::new(spine.lanes.clone()));
        let tables = spine.readers.tables.clone();
        let (pool, auth) = (tables.pool().clone(), config.auth.clone());
        let accounts = accounts::Accounts::start(&lifecycle, pool, auth, registrar, &spine.rates)
            .await
            .context("accounts cannot be started")?;
        forget_deleted(&lifecycle, &accounts, &spine);
        expire_inboxes(&lifecycle, &config, &spine);
        reactors::start(
            &lifecycle,
            &spine.folded,
            spine.log_id,
            &spine.lanes,
            ContactNotices,
        );
        let invitations = InvitationNotices::new(&spine.log, spine.log_id);
        reactors::start(&lifecycle, &spine.folded, spine.log_id, &spine.lanes, invitations);
        let joins = JoinNotices::new(&spine.log, spine.log_id);
        reactors::start(&lifecycle, &spine.folded, spine.log_id, &spine.lanes, joins);
        part_from_deleted(&lifecycle, &config, &spine);
        if let Some(every) = config.audit() {
            audit::start(&lifecycle, &tables, every);
        }
        let logins = watch_logins(&lifecycle, &accounts);
        let gateway = gateway_of(&lifecycle, &config, &spine, &accounts, &logins);
        let links = Links::new(&spine.folded.secret().await.context("the log cannot be read")?);
        let cost = Allowance::per_second(config.graphql.cost_per_second, config.graphql.cost_burst);
        let costs = spine.rates.allowances(Class::Graphql, cost);
        let administration = Administration::start(Foundation {
            address: ground.address,
            accounts: accounts.clone(),
            asks: spine.asks.clone(),
            caused: spine.rates.shares(Class::Graphql, &costs),
            costs,
            hub: spine.hub.clone(),
            lanes: spine.lanes.clone(),
            lifecycle: lifecycle.clone(),
            links: links.clone(),
            log: spine.folded.clone(),
            logins: logins.clone(),
            presence: spine.presence.clone(),
            registry: Arc::clone(&gateway.registry),
            settings: config.settings(),
            tables: tables.clone(),
        });
        let readiness = readiness_of(&lifecycle, &config, &spine);
        let parts = vec![
            gateway::routes(Arc::clone(&gateway)),
            accounts.routes(),
            attachments::routes(attachments::Foundation {
                authenticator: accounts.authenticator(),
                checkpoints: spine.checkpoints.clone(),
                config: config.attachments.clone(),
                lanes: spine.lanes.clone(),
                lifecycle: lifecycle.clone(),
                links,
                log: tables.clone(),
                log_id: spine.log_id,
                rates: spine.rates.clone(),
                wait: Duration::from_millis(config.query_wait_ms),
            }),
            http::graphql::routes(
                tables.pool().clone(),
                spine.checkpoints.clone(),
                Arc::new(administration),
                http::graphql::Tokens {
                    authenticator: accounts.authenticator(),
                    connects: gateway.connects.clone(),
                },
                Duration::from_millis(config.query_wait_ms),
                &config.graphql,
                lifecycle.draining(),
            ),
        ];
        let gate = Gate {
            limits: config.http.clone(),
            trusted_proxies: config.auth.trusted_proxies,
        };
        let metrics = metrics
            .with_pools(vec![
                ("readers", spine.log.pool().clone()),
                ("lanes", spine.lanes_log.pool().clone()),
                ("delivery", spine.delivery_log.pool().clone()),
            ])
            .with_looks(looks(spine.lanes, spine.hub, logins, spine.checkpoints));
        lifecycle.spawn_for_life("metrics", metrics.clone().keep_up(lifecycle.stopping()));
        let serving = http::serve(
            ground.listener,
            http::router(readiness, metrics, parts, gate),
            config.http.clone(),
            gateway.limits.connections + config.http.spare_sockets,
            config.auth.trusted_proxies > 0,
            lifecycle.clone(),
        );
        lifecycle.spawn_for_life("http", serving);
        lifecycle.spawn_for_life("upkeep of the log", spine.grow.keep());
        tracing::info!(address = %ground.address, "serving");
        Ok(Self {
            address: ground.address,
            lifecycle,
            cursors: spine.cursors,
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
        let tasks_end = self.gateway.lanes.patience() + TASKS_END;
        if !self.lifecycle.connections_ended(self.gateway.left_within()).await {
            tracing::warn!("some connections did not end in time");
        }
        if tokio::time::timeout(tasks_end, self.cursors.flush())
            .await
            .is_err()
        {
            tracing::warn!(
                "some delivery cursors were not stored; later devices are sent those events again"
            );
        }
        if !self.lifecycle.tasks_ended(tasks_end).await {
            tracing::warn!("some tasks did not end in time");
        }
        tracing::info!("stopped");
    }
}

/// Starts what takes messages out of inboxes that nobody has fetched in time.
fn expire_inboxes(lifecycle: &Lifecycle, config: &Config, spine: &Spine) {
    let expiry = InboxExpiry::new(
        spine.readers.tables.pool(),
        Duration::from_secs(u64::from(config.inbox_days) * 86_400),
        Duration::from_secs(config.inbox_clean_up_s.max(1)),
    );
    reactors::start(lifecycle, &spine.folded, spine.log_id, &spine.lanes, expiry);
}

/// Starts what takes those out of everything whose accounts are deleted, and looks for it a second time.
fn part_from_deleted(lifecycle: &Lifecycle, config: &Config, spine: &Spine) {
    let wait = Duration::from_millis(config.query_wait_ms);
    let deletions = AccountDeletions::new(&spine.readers.tables, &spine.checkpoints, wait);
    let again = deletions.again(Duration::from_millis(config.database_timeout_ms));
    for deletions in [deletions, again] {
        reactors::start(lifecycle, &spine.folded, spine.log_id, &spine.lanes, deletions);
    }
}

/// Starts what has the lanes know of deleted accounts.
fn forget_deleted(lifecycle: &Lifecycle, accounts: &accounts::Accounts, spine: &Spine) {
    let forgetting = spine.people.clone().follow(accounts.authenticator());
    let stop = lifecycle.stopping();
    lifecycle.spawn_for_life("directory", async move {
        // It ends with the node.
        let _ = stop.run_until_cancelled(forgetting).await;
    });
}

/// Starts what ends connections with their logins.
fn watch_logins(lifecycle: &Lifecycle, accounts: &accounts::Accounts) -> Logins {
    let logins = Logins::new(accounts.authenticator());
    let (watch, stop) = (logins.clone().watch(), lifecycle.stopping());
    lifecycle.spawn_for_life("logins", async move {
        // It ends with the node.
        let _ = stop.run_until_cancelled(watch).await;
    });
    logins
}

/// What connections share.
fn gateway_of(
    lifecycle: &Lifecycle,
    config: &Config,
    spine: &Spine,
    accounts: &accounts::Accounts,
    logins: &Logins,
) -> Arc<Gateway> {
    let limits = config.gateway.clone();
    let connects = Connects::new(
        &spine.rates,
        Allowance::per_minute(limits.connects_per_minute, limits.connects_burst),
        Allowance::per_minute(limits.address_connects_per_minute, limits.address_connects_burst),
    );
    let tables = spine.readers.tables.pool();
    Arc::new(Gateway {
        announcements: spine.announcements.clone(),
        announced: limits.announced(config.rules(), config.attachments.file_bytes, &config.reports),
        authenticator: accounts.authenticator(),
        checkpoints: spine.checkpoints.clone(),
        connects: connects.clone(),
        counters: Counters::new(),
        cursors: spine.cursors.clone(),
        hearing: hearing_of(lifecycle, spine),
        hidden: spine.readers.hidden.clone(),
        hub: spine.hub.clone(),
        lanes: spine.lanes.clone(),
        lifecycle: lifecycle.clone(),
        log: spine.log.clone(),
        logins: logins.clone(),
        lookups: Lookups::start(lifecycle, &spine.log, &spine.readers.memberships),
        log_id: spine.log_id,
        models: tables.portion(tables.max_size() / 8),
        presence: spine.presence.clone(),
        page_room: PageRoom::new(limits.catch_up_page_bytes, limits.catch_up_node_bytes),
        registry: Arc::new(Registry::new(&limits, &spine.rates, connects)),
        reports: config.reports.clone(),
        limits,
        sizes: Sizes::new(),
        typing: Typing::new(),
    })
}

/// Starts what finds out who may know that somebody types.
fn hearing_of(lifecycle: &Lifecycle, spine: &Spine) -> Hearing {
    let sources = Sources {
        checkpoints: spine.checkpoints.clone(),
        ephemeral: spine.ephemeral.clone(),
        hub: spine.hub.clone(),
        lanes: spine.lanes.clone(),
        log: spine.readers.tables.clone(),
        voices: spine.voices.clone(),
    };
    Hearing::start(lifecycle, sources)
}

/// Starts what finds out whether the node can serve.
fn readiness_of(lifecycle: &Lifecycle, config: &Config, spine: &Spine) -> Readiness {
    let patience = Patience {
        unwritable: Duration::from_secs(u64::from(config.unwritable_s)),
        behind: Duration::from_secs(u64::from(config.read_models_behind_s)),
    };
    Readiness::start(
        lifecycle,
        &spine.appender,
        &spine.lanes_log,
        spine.log.pool(),
        &spine.checkpoints,
        spine.redis.clone(),
        patience,
    )
}
