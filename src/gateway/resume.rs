//! The cursors of a hello, which may come in several parts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_protocol::{ErrorCode, ErrorFrame, Resume};
use tokio::sync::Notify;

/// Cursors of one hello; more count as absent, which is said.
const CURSORS_MAX: usize = 20_000;

/// Why a part is not taken, or not whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No hello waits for more cursors.
    NotAwaited,
    /// There are more cursors than one connection may bring.
    TooMany,
}

/// The answer to cursors that could not be read.
pub(super) fn unreadable(count: usize) -> ErrorFrame {
    let message = format!("resume: {count} of the cursors cannot be read");
    ErrorFrame::new(None, ErrorCode::InvalidArgument, message).with_field("resume")
}

impl From<Refused> for ErrorFrame {
    fn from(refused: Refused) -> Self {
        let (code, message) = match refused {
            Refused::NotAwaited => (
                ErrorCode::InvalidArgument,
                "resume: no hello waits for more cursors",
            ),
            Refused::TooMany => (ErrorCode::TooLarge, "resume: more cursors than one may bring"),
        };
        Self::new(None, code, message).with_field("resume")
    }
}

/// What has come of the cursors.
#[derive(Default)]
pub(super) struct Parts {
    gathered: Mutex<Gathered>,
    complete: Notify,
}

#[derive(Default)]
struct Gathered {
    resume: Resume,
    awaited: bool,
}

impl Parts {
    /// The cursors of the hello itself; `more` where parts follow.
    pub(super) fn new(resume: Resume, more: bool) -> Self {
        Self {
            gathered: Mutex::new(Gathered {
                resume,
                awaited: more,
            }),
            complete: Notify::new(),
        }
    }

    /// Takes a part in; `more` where another follows.
    pub(super) fn add(&self, part: Resume, more: bool) -> Result<(), Refused> {
        let mut gathered = self.gathered();
        if !gathered.awaited {
            return Err(Refused::NotAwaited);
        }
        gathered.resume.notices = part.notices.or(gathered.resume.notices);
        let mut fits = true;
        for (conversation, seq) in part.conversations {
            let known = &mut gathered.resume.conversations;
            if known.len() < CURSORS_MAX || known.contains_key(&conversation) {
                known.insert(conversation, seq);
            } else {
                fits = false;
            }
        }
        gathered.awaited = more;
        drop(gathered);
        if !more {
            self.complete.notify_one();
        }
        if fits { Ok(()) } else { Err(Refused::TooMany) }
    }

    /// Waits until all parts have come.
    pub(super) async fn complete(&self) {
        while self.gathered().awaited {
            self.complete.notified().await;
        }
    }

    /// Takes the cursors.
    pub(super) fn take(&self) -> Resume {
        std::mem::take(&mut self.gathered().resume)
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn cursors(from: usize, to: usize) -> Resume {
        Resume {
            conversations: (from..to).map(|n| (Uuid::from_u128(n as u128), 1)).collect(),
            notices: None,
        }
    }

    #[tokio::test]
    async fn parts_are_gathered_up_to_a_limit_until_the_last() {
        let parts = Parts::new(cursors(0, 5), true);
        assert_eq!(parts.add(cursors(3, 10), true), Ok(()));
        assert_eq!(
            parts.add(cursors(10, CURSORS_MAX + 1), true),
            Err(Refused::TooMany)
        );
        assert_eq!(parts.add(cursors(0, 1), false), Ok(()));
        parts.complete().await;
        assert_eq!(parts.take().conversations.len(), CURSORS_MAX);
        assert_eq!(parts.add(cursors(0, 1), false), Err(Refused::NotAwaited));
    }
}
