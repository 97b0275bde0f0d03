//! What people say of threads for themselves.

use tidings_domain::{Mark, Said};
use uuid::Uuid;

pub(super) fn follow(thread: Uuid, on: bool) -> Mark {
    Mark::Thread {
        thread,
        said: Said::Followed { on },
    }
}

pub(super) fn read(thread: Uuid, seq: u64) -> Mark {
    Mark::Thread {
        thread,
        said: Said::Read { seq },
    }
}
