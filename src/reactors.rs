//! Reactors: consumers of the log that answer events with commands.
//!
//! Each has a checkpoint in every lane. It moves when all commands are answered that the events before it ask for, so an event is
//! reacted to at least once; and each command has an id that is made from the event's place, so that the log takes it once, however
//! often and by whichever node the event is reacted to.

mod blocks;
mod commands;
mod contacts;
mod deletion;
mod due;
mod expiry;
mod invitations;
mod joining;
mod owner;

use crate::lanes::Lanes;
use crate::lifecycle::Lifecycle;
use chrono::{DateTime, Utc};
pub use commands::{Commands, Later};
pub use contacts::ContactNotices;
pub use deletion::AccountDeletions;
pub use expiry::InboxExpiry;
pub use invitations::InvitationNotices;
pub use joining::JoinNotices;
use owner::Owner;
use std::future::Future;
use std::time::Duration;
use tidings_eventlog::Log;
use tidings_projections::{Fact, Folds};
use uuid::Uuid;

/// What events ask for.
pub trait Reactor: Send + Sync + 'static {
    /// Its name, in checkpoints, metrics and the ids of its commands. One that comes to mean something else gets another.
    fn name(&self) -> &'static str;

    /// The events that it is told.
    fn hears(&self) -> Folds;

    /// The read models that it asks. It is told no event that they have not folded; what they have put aside, it puts aside too.
    fn needs(&self) -> &'static [&'static str];

    /// How long after it was appended it is told an event. Where the log's time is ahead of clocks, it is how long it has been seen in the log.
    fn delay(&self) -> Duration;

    /// How often it is told what there is.
    fn every(&self) -> Duration;

    /// Gives the commands that some events of a lane ask for, all of which were appended at or before `due`. That is by the log's time, which may
    /// be ahead: what is so now is for [`clock`](crate::clock) to say. An event that nothing can be done about is
    /// [put aside](Commands::put_aside).
    ///
    /// # Errors
    /// Says why nothing can be done now: it is told the same events later, and perhaps others with them.
    fn react(
        &self,
        facts: &[Fact<'_>],
        due: DateTime<Utc>,
        commands: &mut Commands<'_>,
    ) -> impl Future<Output = Result<(), Later>> + Send;
}

/// Runs a reactor until the node stops, where no other node does. `log_id` is the log's own id.
pub fn start(lifecycle: &Lifecycle, log: &Log, log_id: Uuid, lanes: &Lanes, reactor: impl Reactor) {
    let owner = Owner::new(log.clone(), log_id, lanes.clone(), reactor);
    let stop = lifecycle.stopping();
    lifecycle.spawn_for_life("reactor", async move {
        stop.run_until_cancelled(owner.run()).await;
    });
}
