//! Each fault, done to the servers and undone.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tidings_services::{ChaosProxy, Harm};
use tidings_stand::{Network, Node};
use tokio::time::sleep;

use super::{Ground, bring_back};
use crate::effects::shown_by;
use crate::fault::{End, Fault, Weather};
use crate::store::{self, Locked, Unflushed};

/// After which a server gives up a session that the network has forgotten. Real ones take longer.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long a node may take to drain.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);
/// How exactly a node's clock is seen.
const CLOCK_SECONDS: i64 = 2;

impl Ground {
    /// Does a fault to the servers for its time, and undoes it. Faults that are a matter of clients are left alone.
    pub(crate) async fn suffer(&self, fault: &Fault, lasts: Duration) -> Result<()> {
        let _turn = self.turns.wait(fault).await;
        let (postgres, redis) = (self.stand.postgres(), self.stand.redis());
        let mut effect = 1;
        match *fault {
            Fault::KillNode { node } => {
                let node = &self.nodes()[node];
                effect = u64::from(node.pid().is_some());
                self.scrape(node).await;
                node.kill().await;
                sleep(lasts).await;
                bring_back(node).await?;
            }
            Fault::DrainNode { node } => {
                let node = &self.nodes()[node];
                effect = u64::from(node.pid().is_some());
                self.scrape(node).await;
                node.stop(DRAIN_LIMIT).await;
                sleep(lasts).await;
                bring_back(node).await?;
            }
            Fault::OlderNode { node, kind } => effect = self.be_older(node, kind, lasts).await?,
            Fault::PauseNode { node } => {
                let node = &self.nodes()[node];
                node.pause();
                effect = u64::from(node.pid().is_some());
                sleep(lasts).await;
                node.resume();
            }
            Fault::StepClock { node, seconds } => {
                effect = 0;
                if let Some(clock) = self.nodes()[node].clock() {
                    clock.step(seconds)?;
                    sleep(lasts).await;
                    effect = u64::from(steps(&self.nodes()[node], seconds).await);
                    clock.step(0)?;
                }
            }
            Fault::StopPostgres => {
                postgres.stop_immediate().await?;
                sleep(lasts).await;
                postgres.restart().await?;
            }
            Fault::KillPostgres => {
                postgres.kill().await?;
                sleep(lasts).await;
                postgres.restart().await?;
            }
            Fault::PausePostgres => {
                postgres.pause().await?;
                sleep(lasts).await;
                postgres.resume().await?;
            }
            Fault::TerminateBackends => effect = store::terminate_sessions(&self.database_url()).await?,
            Fault::CrashBeforeFlush => {
                // Where that is not reached it is a crash all the same.
                let unflushed = Unflushed::reach(&self.database_url()).await.ok();
                postgres.kill().await?;
                sleep(lasts).await;
                postgres.restart().await?;
                effect = match &unflushed {
                    Some(unflushed) => store::taken_back(&self.database_url(), &unflushed.folds).await?,
                    None => 0,
                };
                self.drop_clients(Duration::ZERO).await;
            }
            Fault::ReadOnlyPostgres => {
                effect = u64::from(store::set_read_only(&self.database_url(), true).await?);
                sleep(lasts).await;
                store::set_read_only(&self.database_url(), false).await?;
            }
            Fault::LockTable { table } => {
                let locked = Locked::take(&self.database_url(), table).await?;
                sleep(lasts).await;
                effect = match locked {
                    Some(locked) => locked.let_go().await?,
                    None => 0,
                };
            }
            Fault::AddLanes { lanes } => {
                self.add_lanes(lanes).await?;
                // What is in them is counted in the end.
                effect = 0;
            }
            Fault::FlushRedis => effect = store::flush(&self.redis_url()).await?,
            Fault::KillRedis => {
                redis.kill().await?;
                sleep(lasts).await;
                redis.restart().await?;
            }
            Fault::PauseRedis => {
                redis.pause().await?;
                sleep(lasts).await;
                redis.resume().await?;
            }
            Fault::Link { node, end, weather } => {
                let proxies = proxies(&self.stand.networks()[node], end);
                let before = harm(&proxies);
                for proxy in &proxies {
                    match weather {
                        Weather::Cut => proxy.cut().await,
                        Weather::Stalled | Weather::Silent => proxy.stall(),
                        Weather::Delayed { ms } => proxy.delay(ms),
                    }
                }
                sleep(lasts).await;
                for proxy in &proxies {
                    if weather == Weather::Silent {
                        proxy.strand();
                    }
                    proxy.delay(0);
                    proxy.restore();
                }
                if weather == Weather::Silent && end != End::Clients {
                    sleep(KEEPALIVE).await;
                    for proxy in &proxies {
                        proxy.give_up_stranded();
                    }
                }
                let after = harm(&proxies);
                effect = match weather {
                    Weather::Cut => after.cut - before.cut,
                    Weather::Stalled | Weather::Silent => after.held - before.held,
                    Weather::Delayed { .. } => after.late - before.late,
                };
            }
            Fault::ReconnectStorm => effect = self.drop_clients(lasts).await,
            Fault::StallReader { .. }
            | Fault::SlowReader { .. }
            | Fault::Replace { .. }
            | Fault::CutCatchUp { .. }
            | Fault::Restore { .. }
            // Whoever does these counts them.
            | Fault::Away { .. }
            | Fault::Remove { .. }
            | Fault::Hostile { .. }
            | Fault::RetryStorm { .. }
            | Fault::OpenTogether => effect = 0,
        }
        self.count(shown_by(fault), effect);
        Ok(())
    }

    /// All clients lose their connections; those that they try to make meanwhile, too. Answers how many that were.
    async fn drop_clients(&self, lasts: Duration) -> u64 {
        let networks = self.stand.networks().iter();
        let all: Vec<_> = networks
            .flat_map(|network| proxies(network, End::Clients))
            .collect();
        let before = harm(&all);
        join_all(all.iter().map(|proxy| proxy.cut())).await;
        sleep(lasts).await;
        let dropped = harm(&all).cut - before.cut;
        for proxy in all {
            proxy.restore();
        }
        dropped
    }
}

/// Whether a node's clock differs from the right time by about so many seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the right time is what a node's clock is compared with"
)]
async fn steps(node: &Node, seconds: i64) -> bool {
    let Some(answer) = node.get("/healthz").await else {
        return false;
    };
    let date = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let date = name.eq_ignore_ascii_case("date").then_some(value.trim())?;
        DateTime::parse_from_rfc2822(date).ok()
    });
    date.is_some_and(|date| {
        let differs = date.timestamp() - Utc::now().timestamp();
        (differs - seconds).abs() <= CLOCK_SECONDS
    })
}

/// What has been done by all of these.
fn harm(proxies: &[&ChaosProxy]) -> Harm {
    proxies.iter().fold(Harm::default(), |sum, proxy| {
        let Harm { cut, held, late } = proxy.harm();
        Harm {
            cut: sum.cut + cut,
            held: sum.held + held,
            late: sum.late + late,
        }
    })
}

fn proxies(network: &Network, end: End) -> Vec<&ChaosProxy> {
    match end {
        End::Postgres => vec![&network.postgres],
        End::Redis => vec![&network.redis],
        End::Clients => vec![&network.clients, &network.narrow],
    }
}
