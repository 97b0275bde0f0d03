//! Connections of our own: settings that a pooled connection must not keep, and session locks.

use crate::error::{ProjectionError, within};
use deadpool_postgres::ClientWrapper;
use std::time::Duration;
use tidings_eventlog::{Home, Pool};

/// The longest wait for a short statement.
pub(crate) const SHORT: Duration = Duration::from_secs(15);

/// For folding events. Tables grow from nothing within the life of a plan, so plans that are good on small tables only are
/// ruled out: every look-up is an index probe. A crash loses a fold and its checkpoint together, so neither need be flushed.
const FOLD: &str = "SET synchronous_commit = off; SET plan_cache_mode = force_generic_plan; SET jit = off; \
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
    SET statement_timeout = '20s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'";

/// For whoever folds a lane, or runs a reactor, as long as the node lives, and holds what others wait for: rows for as long as a fold
/// takes, and a name for as long as the session is there. The network does not tell of a process that is stopped: its connection is kept
/// up. Its silence does. Between the statements of a fold there are moments; a reactor may be silent for as long as its commands take.
const KEPT: &str = "SET idle_in_transaction_session_timeout = '10s'; SET idle_session_timeout = '5min'";

/// For building, swapping and comparing schemas, which reads whole tables: the planner is free again.
const ADMIN: &str = "SET synchronous_commit = on; SET plan_cache_mode = auto; SET enable_seqscan = on; \
    SET enable_bitmapscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on; SET statement_timeout = '15min'; SET lock_timeout = '10s'; \
    SET idle_in_transaction_session_timeout = '2min'";

/// A connection taken out of the pool for good; it closes when dropped, which frees its locks.
pub(crate) struct Session {
    pub(crate) client: ClientWrapper,
    pub(crate) home: Home,
}

impl Session {
    /// A connection for folding events.
    pub(crate) async fn fold(pool: &Pool) -> Result<Self, ProjectionError> {
        Self::open(pool, FOLD).await
    }

    /// A connection for folding events, or reacting to them, as long as the node lives.
    pub(crate) async fn kept(pool: &Pool) -> Result<Self, ProjectionError> {
        let session = Self::fold(pool).await?;
        within(SHORT, session.client.batch_execute(KEPT)).await?;
        Ok(session)
    }

    /// A connection for administration.
    pub(crate) async fn admin(pool: &Pool) -> Result<Self, ProjectionError> {
        Self::open(pool, ADMIN).await
    }

    async fn open(pool: &Pool, settings: &str) -> Result<Self, ProjectionError> {
        let client = within(SHORT, pool.get()).await?.take();
        within(SHORT, client.batch_execute(settings)).await?;
        Ok(Self {
            client,
            home: pool.home().clone(),
        })
    }

    /// Tries to take a lock of this home that lasts as long as this connection.
    pub(crate) async fn try_lock(&self, name: &str) -> Result<bool, ProjectionError> {
        let sql = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
        let row = within(SHORT, self.client.query_one(sql, &[&self.home.lock(name)])).await?;
        Ok(row.try_get(0)?)
    }

    /// Gives a lock back at once, rather than when the server notices that the connection is gone.
    pub(crate) async fn unlock(&self, name: &str) {
        let sql = "SELECT pg_advisory_unlock(hashtextextended($1, 0))";
        if let Err(error) = within(SHORT, self.client.query_one(sql, &[&self.home.lock(name)])).await {
            tracing::debug!(%error, name, "a lock ends with its connection");
        }
    }
}
