//! What else belongs to the hello: more of its cursors, and the next token.

use super::Reader;
use crate::accounts::AuthError;
use crate::clock;
use crate::gateway::close;
use crate::gateway::handshake::Renewal;
use crate::gateway::reply::Reply;
use crate::gateway::resume;
use crate::gateway::shared::ReaderEnd;
use std::sync::atomic::Ordering;
use tidings_protocol::{Close, CloseCode, ErrorCode, ErrorFrame, Hello, ResumePart, ServerFrame};

impl Reader {
    /// More cursors of the hello.
    pub(super) fn resume(&self, part: ResumePart, reply: Reply) {
        let unreadable = (part.unreadable > 0).then(|| resume::unreadable(part.unreadable));
        let refused = self.shared.resume.add(part.resume, part.more).err();
        match (unreadable, refused.map(ErrorFrame::from)) {
            (None, None) => {}
            (Some(error), None) | (None, Some(error)) => reply.refuse(error),
            (Some(unreadable), Some(refused)) => {
                self.shared.outbox.system(&ServerFrame::Error(unreadable), None);
                reply.refuse(refused);
            }
        }
    }

    /// A second hello renews the token; it must be of the same user. It is answered by `welcome` and nothing else.
    pub(super) async fn renew(&mut self, hello: Hello, reply: Reply) -> Result<(), ReaderEnd> {
        if hello.token.is_none() && self.renewal == Renewal::ByUpgrade {
            reply.send(&self.welcome());
            return Ok(());
        }
        let token = hello.token.unwrap_or_default();
        let principal = match self.gateway.authenticator.verify(&token, clock::now()).await {
            Ok(principal) => principal,
            Err(AuthError::Unavailable) => {
                let refusal = ErrorFrame::new(None, ErrorCode::Unavailable, "accounts are unavailable");
                reply.refuse(refusal.with_retry_after_ms(1000));
                return Ok(());
            }
            Err(error) => {
                self.shared.outbox.close(close::reason(error));
                return Err(ReaderEnd::Stopped);
            }
        };
        if principal.user != self.user.0 {
            return Err(ReaderEnd::Violation(Close::new(CloseCode::ProtocolViolation)));
        }
        self.shared
            .expires_at_ms
            .store(principal.expires_at.timestamp_millis(), Ordering::Relaxed);
        self.login.renew(self.user, principal.session, &self.shared);
        self.registered.renew(&principal.roles);
        reply.send(&self.welcome());
        Ok(())
    }

    fn welcome(&self) -> ServerFrame {
        let role = self.registered.role;
        self.gateway.welcome(self.user, self.session, role)
    }
}
