//! Waiting, while the client is still served: for the log, for read models, for whatever a connection cannot go on without.

use super::{Stop, Writer};
use crate::gateway::close;
use crate::gateway::timers::Due;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidings_eventlog::ReadError;
use tidings_protocol::{Close, CloseCode};
use tokio::time::{Instant, sleep_until};

/// Pause after a read that failed, while the log is away.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a connection waits for a log that is away before it is asked to come again.
const LOG_AWAY: Duration = Duration::from_mins(1);

impl Writer {
    /// Reads, again and again while the log is away; the fast lane goes on meanwhile.
    pub(in crate::gateway) async fn patiently<T, R>(&mut self, read: impl Fn() -> R) -> Result<T, Stop>
    where
        R: Future<Output = Result<T, ReadError>>,
    {
        let since = Instant::now();
        loop {
            match self.attend(read()).await? {
                Ok(found) => return Ok(found),
                Err(error) => {
                    tracing::debug!(%error, "a connection waits for the log");
                    if since.elapsed() >= LOG_AWAY {
                        return Err(Stop::Close(Close {
                            reason: "the database is unavailable".to_owned(),
                            ..Close::new(CloseCode::GoingAway).with_retry_after_ms(1000)
                        }));
                    }
                    self.attend(tokio::time::sleep(PAUSE)).await?;
                    self.check_admission()?;
                }
            }
        }
    }

    /// Waits for `work` while the fast lane and the heartbeat go on.
    pub(in crate::gateway) async fn attend<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let mut work = std::pin::pin!(work);
        loop {
            let beat_at = self.timers.beat_at();
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = self.shared.outbox.woken() => self.write_system().await?,
                () = sleep_until(beat_at) => self.keep_up().await?,
            }
        }
    }

    /// Does while much is read what is due, but for judging the client by its silence: the ping may be behind more than it can read
    /// in time, and that it takes what is written shows that it lives.
    pub(in crate::gateway) async fn keep_up(&mut self) -> Result<(), Stop> {
        let Due { beat, note } = self.timers.due(Instant::now());
        if note {
            self.note_delivered();
        }
        if beat {
            let ping = self.ping();
            self.write(&[ping]).await?;
        }
        Ok(())
    }

    /// Whether the user may still be served, asked while much is read that nobody is to see who may not.
    pub(in crate::gateway) fn check_admission(&self) -> Result<(), Stop> {
        self.check_token()?;
        let user = self.subscriber.user.0;
        match self.gateway.authenticator.refusal(user, None) {
            Some(error) => Err(Stop::Close(close::reason(error))),
            None => Ok(()),
        }
    }

    /// Ends a session whose token has run out.
    pub(super) fn check_token(&self) -> Result<(), Stop> {
        if crate::clock::now().timestamp_millis() >= self.shared.expires_at_ms.load(Ordering::Relaxed) {
            return Err(Stop::Close(Close::new(CloseCode::NoValidToken)));
        }
        Ok(())
    }
}
