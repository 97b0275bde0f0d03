//! Keeps states of long streams beside the log, so that whoever needs one next need not fold it from its first event.

use super::states::StreamState;
use std::sync::Arc;
use tidings_domain::FROZEN_VERSION;
use tidings_eventlog::{Keep, Log};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// States that wait to be written.
const WAITING: usize = 8;

struct Wanted {
    lane: u8,
    stream: Uuid,
    epoch: u32,
    state: Arc<StreamState>,
}

/// Handle to the task that writes them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Keeper(mpsc::Sender<Wanted>);

impl Keeper {
    /// With what is to be run until the node stops.
    pub(super) fn new(
        log: Log,
        stop: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, mut wanted) = mpsc::channel(WAITING);
        let run = async move {
            loop {
                let next = tokio::select! {
                    () = stop.cancelled() => return,
                    next = wanted.recv() => next,
                };
                match next {
                    None => return stop.cancelled().await,
                    Some(wanted) => write(&log, wanted).await,
                }
            }
        };
        (Self(sender), run)
    }

    /// Has a state kept that is due. Where there is no room, it is due again after as many control events.
    pub(super) fn offer(&self, lane: u8, stream: Uuid, epoch: u32, state: &Arc<StreamState>) {
        let wanted = Wanted {
            lane,
            stream,
            epoch,
            state: Arc::clone(state),
        };
        if self.0.try_send(wanted).is_err() {
            tracing::debug!(lane, %stream, "too many states wait to be kept");
        }
    }
}

async fn write(log: &Log, wanted: Wanted) {
    let Wanted {
        lane,
        stream,
        epoch,
        state,
    } = wanted;
    let keep = Keep {
        lane,
        stream,
        epoch,
        seq: state.guard,
        form: FROZEN_VERSION,
        state: state.stream.freeze(),
    };
    match log.keep(&keep).await {
        Ok(()) => metrics::counter!("tidings_states_kept_total").increment(1),
        Err(error) => tracing::debug!(lane, %stream, %error, "a state was not kept"),
    }
}
