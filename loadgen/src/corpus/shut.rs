//! What somebody may not do for now, because others have seen to that: a server has to refuse it, in the way that it promises.

use std::time::Duration;

use anyhow::Result;
use tidings_client::CommandError;
use tidings_protocol::{Ack, Action, ErrorCode, ErrorFrame};
use tidings_scribe::said::Said;

use super::person::Person;

/// Mutes that end by themselves do so long after the run.
pub(super) const MUTE: Duration = Duration::from_hours(30 * 24);

/// How somebody stands to a conversation in which they may not do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// They are no member any more.
    Out,
    /// They are muted there, until a moment or for ever.
    Silenced { ends: bool },
    /// It is that of two people of whom one blocks the other.
    Parted,
}

/// How a command has to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    /// Where the server says which field it is about.
    pub(crate) field: Option<&'static str>,
    /// How long that lasts at most, where it says so.
    pub(crate) lasts: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, field: Option<&'static str>) -> Self {
        Self {
            code,
            field,
            lasts: None,
        }
    }

    /// The same, of which the server says how long it lasts: no longer than this.
    pub(crate) fn lasting(self, most: Duration) -> Self {
        let lasts = Some(most);
        Self { lasts, ..self }
    }

    pub(super) fn fits(self, error: &ErrorFrame) -> bool {
        let told = error.field.as_deref();
        let lasts = match (self.lasts, error.retry_after_ms) {
            (None, None) => true,
            // What is left of a millisecond counts as one.
            (Some(most), Some(wait)) => u128::from(wait) <= most.as_millis() + 1,
            _ => false,
        };
        error.code == self.code && self.field.is_none_or(|field| told == Some(field)) && lasts
    }
}

impl Shut {
    /// How a command to the conversation is refused, if it is. Recalling goes on until they are out, as does taking a reaction back where they
    /// are muted.
    fn refuses(self, action: &Action) -> Option<Refusal> {
        let shows = match action {
            Action::MessageSend(_) | Action::MessageEdit { .. } | Action::MessagePin { .. } => true,
            Action::MessageReact { on, .. } => *on || self == Self::Parted,
            _ => false,
        };
        let forbidden = shows.then(|| Refusal::new(ErrorCode::Forbidden, None));
        match self {
            Self::Out => Some(Refusal::new(ErrorCode::NotAMember, None)),
            Self::Silenced { ends: true } => forbidden.map(|refusal| refusal.lasting(MUTE)),
            Self::Silenced { ends: false } | Self::Parted => forbidden,
        }
    }
}

impl Person {
    /// How a command has to be refused just now, if it has to be. That it comes too soon is found last.
    pub(super) fn refusal(&self, said: &Said) -> Option<Refusal> {
        let shut = self.shut.get(&said.conversation);
        let slow = self.slow.get(&said.conversation);
        shut.and_then(|shut| shut.refuses(&said.action))
            .or_else(|| slow.and_then(|slow| slow.refuses(&said.action)))
    }

    /// Does what cannot be done.
    pub(super) async fn try_in_vain(&mut self, said: &Said, refusal: Refusal) -> Result<()> {
        let result = if said.conversation.is_nil() {
            // What would make a conversation has none to be written down with.
            let pending = self.client()?.send_as(said.id, said.action.clone()).await?;
            pending.await
        } else {
            self.ask(said).await?
        };
        self.was_refused(said, refusal, &result);
        Ok(())
    }

    /// Takes the answer to what has to be refused; any other one is a fault.
    pub(super) fn was_refused(&self, said: &Said, refusal: Refusal, result: &Result<Ack, CommandError>) {
        let (name, what, id) = (&self.name, said.action.name(), said.id);
        match result {
            Err(CommandError::Refused(error)) if refusal.fits(error) => {
                self.shared.did("refusals");
                if error.code == ErrorCode::RateLimited && matches!(said.action, Action::MessageSend(_)) {
                    self.shared.did("too soon");
                }
                if matches!(&said.action, Action::MessageSend(send) if send.forward.is_none()) {
                    self.shared.did("unsaid");
                }
            }
            other => self.shared.fail(format!(
                "{name}'s {what} {id} to {} should be refused, {refusal:?}; the answer is {other:?}",
                said.conversation
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_protocol::{Content, MessageSend};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_refused_depends_on_what_was_done_to_whom() {
        let (conversation, message) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let says = Action::MessageSend(MessageSend::new(conversation, Content::text("a")));
        let reacts = |on| Action::MessageReact {
            conversation,
            message,
            emoji: "+".to_owned(),
            on,
        };
        let recalls = Action::MessageRecall {
            conversation,
            message,
        };
        let code = |shut: Shut, action: &Action| shut.refuses(action).map(|refusal| refusal.code);
        let (out, forbidden) = (Some(ErrorCode::NotAMember), Some(ErrorCode::Forbidden));
        for (shut, codes) in [
            (Shut::Out, [out, out, out, out]),
            (Shut::Silenced { ends: false }, [forbidden, forbidden, None, None]),
            (Shut::Parted, [forbidden, forbidden, forbidden, None]),
        ] {
            let told = [&says, &reacts(true), &reacts(false), &recalls].map(|action| code(shut, action));
            assert_eq!(told, codes, "{shut:?}");
        }
        let lasts = |ends| {
            Shut::Silenced { ends }
                .refuses(&says)
                .map(|refusal| refusal.lasts)
        };
        assert_eq!([lasts(true), lasts(false)], [Some(Some(MUTE)), Some(None)]);
    }

    #[test]
    fn a_refusal_fits_by_its_code_its_field_and_how_long_it_says_that_it_lasts() {
        let frame = |code| ErrorFrame::new(None, code, "no");
        let banned = Refusal::new(ErrorCode::Forbidden, Some("user"));
        assert!(banned.fits(&frame(ErrorCode::Forbidden).with_field("user")));
        assert!(!banned.fits(&frame(ErrorCode::Forbidden)));
        assert!(!banned.fits(&frame(ErrorCode::NotFound).with_field("user")));
        let parted = Refusal::new(ErrorCode::Forbidden, None);
        assert!(parted.fits(&frame(ErrorCode::Forbidden)));
        assert!(!parted.fits(&frame(ErrorCode::Forbidden).with_retry_after_ms(9)));
        let for_a_while = parted.lasting(Duration::from_secs(1));
        assert!(!for_a_while.fits(&frame(ErrorCode::Forbidden)));
        for (wait, fits) in [(9, true), (1001, true), (1002, false)] {
            let refused = frame(ErrorCode::Forbidden).with_retry_after_ms(wait);
            assert_eq!(for_a_while.fits(&refused), fits, "{wait}");
        }
    }
}
