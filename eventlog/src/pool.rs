//! Pooled sessions, and the only way to borrow one.

use crate::blame::Blame;
use crate::connect::ConnectError;
use crate::home::Home;
use crate::tls::Tls;
use deadpool_postgres::{ClientWrapper, Object, PoolError, Transaction};
use futures_util::TryStreamExt as _;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement, ToStatement};

/// How long the server has to take note that a statement is given up.
const CANCEL: Duration = Duration::from_secs(1);

/// Sessions to borrow. Cheap to clone. No wait for one is longer than the time-out that the pool was made with.
#[derive(Clone, Debug)]
pub struct Pool {
    sessions: deadpool_postgres::Pool,
    home: Home,
    tls: Tls,
    timeout: Duration,
    /// What of the sessions this handle and its clones may hold, where that is less than all: each portion is one of the one before.
    portions: Vec<Portion>,
    /// How many wait for one, through whatever handle.
    waiting: Arc<AtomicUsize>,
}

/// Sessions of which only so many are held at a time.
#[derive(Clone, Debug)]
struct Portion {
    size: usize,
    places: Arc<Semaphore>,
}

/// What has become of a pool's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Sessions that there are, idle ones included.
    pub sessions: usize,
    /// Those of them that somebody has.
    pub borrowed: usize,
    /// How many wait for one.
    pub waiting: usize,
}

/// A borrowed session.
///
/// It goes back to the pool only when its statements have ended and left it as it was. One that is dropped in the middle of a
/// statement, by a time-out or because whoever asked has gone, is cancelled at the server and closed: the next borrower would
/// wait for what the last one has given up. The same holds for a session that an error says is of no more use.
#[derive(Debug)]
pub struct Lease {
    /// `None` once it has been given back or taken out.
    session: Option<Object>,
    pool: Pool,
    permits: Vec<OwnedSemaphorePermit>,
    /// Statements whose end nobody has seen.
    running: AtomicUsize,
    spent: AtomicBool,
}

impl Pool {
    pub(crate) fn new(sessions: deadpool_postgres::Pool, home: Home, tls: Tls, timeout: Duration) -> Self {
        Self {
            sessions,
            home,
            tls,
            timeout,
            portions: vec![],
            waiting: Arc::default(),
        }
    }

    /// The same sessions, of which this handle and its clones hold at most `size` at a time: whoever waits for a slow table
    /// leaves the others to those who do not. What is held of a portion of a portion counts in both.
    pub fn portion(&self, size: usize) -> Self {
        let size = size.clamp(1, self.max_size());
        let mut portions = self.portions.clone();
        portions.push(Portion {
            size,
            places: Arc::new(Semaphore::new(size)),
        });
        Self {
            portions,
            ..self.clone()
        }
    }

    /// Borrows a session, or makes one.
    pub async fn get(&self) -> Result<Lease, ConnectError> {
        let _waiting = Waiting::begin(&self.waiting);
        let permits = timeout(self.timeout, self.permits())
            .await
            .map_err(|_| ConnectError::Unreachable("too many wait for a session".into()))?;
        let session = self.sessions.get().await?;
        Ok(Lease {
            permits,
            session: Some(session),
            pool: self.clone(),
            running: AtomicUsize::new(0),
            spent: AtomicBool::new(false),
        })
    }

    /// A place in each portion. The narrowest comes first: whoever waits for one of its places takes none from others.
    async fn permits(&self) -> Vec<OwnedSemaphorePermit> {
        let mut permits = Vec::with_capacity(self.portions.len());
        for portion in self.portions.iter().rev() {
            // None of them is ever closed.
            permits.extend(Arc::clone(&portion.places).acquire_owned().await.ok());
        }
        permits
    }

    /// Where its sessions are at home.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The longest wait for a session, and for any one answer.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What has become of the sessions just now, over all handles.
    pub fn usage(&self) -> Usage {
        let status = self.sessions.status();
        Usage {
            sessions: status.size,
            borrowed: status.size.saturating_sub(status.available),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    /// How many sessions this handle and its clones may hold at a time.
    pub fn max_size(&self) -> usize {
        let narrowest = self.portions.last().map(|portion| portion.size);
        narrowest.unwrap_or_else(|| self.sessions.status().max_size)
    }

    /// Cancels what runs on a session and closes it. Its place in the pool is free when the server has been told, or could
    /// not be; then the sessions that lie idle are closed too, since the way to the server is what they have in common.
    fn give_up(&self, session: Object, permits: Vec<OwnedSemaphorePermit>) {
        let Ok(runtime) = Handle::try_current() else {
            drop(Object::take(session));
            return;
        };
        let (cancel, tls, sessions) = (
            session.cancel_token(),
            self.tls.connector(),
            self.sessions.clone(),
        );
        runtime.spawn(async move {
            let told = timeout(CANCEL, cancel.cancel_query(tls)).await;
            drop(Object::take(session));
            drop(permits);
            if !matches!(told, Ok(Ok(()))) {
                sessions.retain(|_, _| false);
            }
        });
    }
}

/// Counts somebody for as long as they wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lease {
    pub async fn query<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.carry_out(self.session().query(statement, values)).await
    }

    /// Reads row by row for as long as `take` goes on. When it breaks, what is still to come is cancelled with the lease.
    pub async fn each<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        values: &[&(dyn ToSql + Sync)],
        take: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        self.each_if(std::future::ready(true), statement, values, take)
            .await
    }

    /// Asks at once, and reads row by row as [`each`](Self::each) does once `wanted` says so. What is not wanted is read to
    /// its end and dropped. `wanted` may be the answer to a statement that was sent before this one on the same lease.
    pub async fn each_if<T: ?Sized + ToStatement>(
        &self,
        wanted: impl Future<Output = bool>,
        statement: &T,
        values: &[&(dyn ToSql + Sync)],
        mut take: impl FnMut(Row) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let read = self.carry_out(async {
            let values = values.iter().map(|value| *value as &dyn ToSql);
            let mut rows = pin!(self.session().query_raw(statement, values).await?);
            let is_wanted = wanted.await;
            while let Some(row) = rows.try_next().await? {
                if is_wanted && take(row).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        });
        let read = read.await?;
        if read.is_break() {
            // It runs on until the lease is dropped.
            self.running.fetch_add(1, Ordering::Relaxed);
        }
        Ok(read)
    }

    pub async fn query_one<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error> {
        self.carry_out(self.session().query_one(statement, values)).await
    }

    pub async fn query_opt<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        self.carry_out(self.session().query_opt(statement, values)).await
    }

    pub async fn execute<T: ?Sized + ToStatement>(
        &self,
        statement: &T,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        self.carry_out(self.session().execute(statement, values)).await
    }

    pub async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.carry_out(self.session().batch_execute(sql)).await
    }

    pub async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        self.carry_out(self.session().prepare(sql)).await
    }

    /// Prepares once for the life of the session.
    pub async fn prepare_cached(&self, sql: &str) -> Result<Statement, Error> {
        self.carry_out(self.session().prepare_cached(sql)).await
    }

    /// Begins a transaction. The session is closed afterwards, since nothing tells how the transaction ended.
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        *self.spent.get_mut() = true;
        self.session
            .as_mut()
            .expect("held until it is dropped")
            .transaction()
            .await
    }

    /// Where the session is at home.
    pub fn home(&self) -> &Home {
        self.pool.home()
    }

    /// Takes the session out of the pool for good. It closes when it is dropped, which frees its locks.
    pub fn take(mut self) -> ClientWrapper {
        Object::take(self.session.take().expect("held until it is dropped"))
    }

    fn session(&self) -> &ClientWrapper {
        self.session.as_ref().expect("held until it is dropped")
    }

    async fn carry_out<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.running.fetch_add(1, Ordering::Relaxed);
        let answer = answer.await;
        self.running.fetch_sub(1, Ordering::Relaxed);
        if answer.as_ref().is_err_and(|error| !judged_harmless(error)) {
            self.spent.store(true, Ordering::Relaxed);
        }
        answer
    }
}

/// Errors that arise on this side, such as a value of the wrong type or too many rows, leave the session as it was too; a
/// session that is gone is noticed by the pool.
fn judged_harmless(error: &Error) -> bool {
    error.as_db_error().is_none() || Blame::of(error).keeps_session()
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        if *self.running.get_mut() > 0 {
            self.pool.give_up(session, std::mem::take(&mut self.permits));
        } else if *self.spent.get_mut() {
            drop(Object::take(session));
        }
    }
}

impl From<PoolError> for ConnectError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Unreachable(crate::blame::describe(&error)),
            PoolError::Timeout(_) => {
                Self::Unreachable("all sessions are in use, or the server is slow".into())
            }
            other => Self::Unreachable(other.to_string()),
        }
    }
}
