//! What a bare device makes of refusals and of what it fetches.

use std::time::Duration;

use anyhow::Result;
use tidings_protocol::{Action, ErrorCode, ErrorFrame, Events, FETCH_EVENTS_MAX, Gap};
use tokio::time::Instant;
use uuid::Uuid;

use super::Bare;
use crate::device::answers::is_over;
use crate::device::{FETCH_PAUSE, FETCH_TRIES};
use crate::effects::SET_BACK;
use crate::hand::Refusal;
use crate::wire::Wire;

impl Bare {
    pub(super) fn refused(&mut self, error: &ErrorFrame) {
        let Some(id) = error.id else {
            if let (Some(conversation), Some(head)) = (error.conversation, error.head) {
                if head > 0 {
                    self.cursors.insert(conversation, head);
                } else {
                    self.cursors.remove(&conversation);
                }
                self.scribe.rewound(conversation, head);
                self.rewound.insert(conversation);
                self.effects.add(SET_BACK, 1);
                return;
            }
            self.problems
                .push(format!("the server complains: {}: {}", error.code, error.message));
            return;
        };
        let code = error.code.as_str();
        if let Some(gap) = self.fetching.remove(&id) {
            self.not_fetched(gap, error);
            return;
        }
        self.turned_away.insert(id);
        if !error.retryable || is_over(error) {
            let unanswered = self.scribe.unanswered();
            let message = unanswered.iter().find(|message| message.id == id).cloned();
            self.scribe.refused(id, code);
            match message {
                Some(message) if error.code == ErrorCode::NotAMember => {
                    self.view.outside(message.conversation);
                }
                Some(message)
                    if error.field.as_deref() == Some("mentions")
                        && self.view.names_former_members(&message) => {}
                Some(message)
                    if matches!(error.field.as_deref(), Some("reply_to" | "message" | "thread"))
                        && message
                            .refers_to()
                            .is_some_and(|other| self.turned_away.contains(&other)) => {}
                Some(_) if is_over(error) => {}
                // Several nodes may be at a message and its change at the same time; one of them may see the change first.
                // Clocks that step end windows.
                Some(message)
                    if error.code == ErrorCode::Forbidden
                        && error.field.as_deref() == Some("message")
                        && message.refers_to().is_some() => {}
                Some(message) => {
                    let refusal = Refusal::new(self.scribe.now(), &message, error);
                    self.refusals.push(refusal);
                }
                None => self.problems.push(format!(
                    "a refusal came that nobody waited for: {code}: {}",
                    error.message
                )),
            }
            return;
        }
        if error.code == ErrorCode::Unavailable {
            self.scribe.unsettled(id, code);
        } else {
            self.scribe.turned_away(id, code);
        }
        let unanswered = self.scribe.unanswered();
        self.again
            .extend(unanswered.iter().find(|message| message.id == id).cloned());
        let pause = Duration::from_millis(error.retry_after_ms.unwrap_or(250));
        self.again_at.get_or_insert_with(|| Instant::now() + pause);
    }

    /// Asks for the next part of every gap.
    pub(super) async fn fetch(&mut self, wire: &mut Wire) -> Result<()> {
        for gap in std::mem::take(&mut self.gaps) {
            let id = Uuid::now_v7();
            self.fetching.insert(id, gap);
            let Gap {
                conversation,
                from,
                to,
            } = gap;
            let limit = (to - from + 1).min(u64::from(FETCH_EVENTS_MAX)) as u32;
            let action = Action::Fetch {
                conversation,
                from,
                limit,
            };
            wire.send(&[(id, action)]).await?;
        }
        Ok(())
    }

    pub(super) fn fetched(&mut self, events: &Events) {
        let Some(gap) = self.fetching.remove(&events.id) else {
            self.problems
                .push(format!("events came that nobody asked for: {}", events.id));
            return;
        };
        match self.scribe.filled(&gap, events) {
            (rest, true) => self.gaps.extend(rest),
            (_, false) => self.in_vain(gap),
        }
    }

    /// Nothing came. Whoever has left is owed only what no device of theirs has had; that they have left may come later.
    fn in_vain(&mut self, gap: Gap) {
        let tries = self.vain.entry((gap.conversation, gap.from)).or_default();
        *tries += 1;
        if *tries < FETCH_TRIES {
            self.gaps.push(gap);
            self.again_at.get_or_insert_with(|| Instant::now() + FETCH_PAUSE);
        } else if self.view.is_inside(gap.conversation) && !self.rewound.contains(&gap.conversation) {
            self.problems.push(format!("nothing comes of {gap:?}"));
        }
    }

    fn not_fetched(&mut self, gap: Gap, error: &ErrorFrame) {
        if error.retryable {
            self.gaps.push(gap);
            let pause = Duration::from_millis(error.retry_after_ms.unwrap_or(250));
            self.again_at.get_or_insert_with(|| Instant::now() + pause);
        } else if error.code != ErrorCode::NotAMember {
            let code = error.code;
            self.problems
                .push(format!("{gap:?} cannot be fetched: {code}: {}", error.message));
        }
    }
}
