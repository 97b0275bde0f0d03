//! From the upgrade to a valid hello.

use super::Gateway;
use super::close;
use super::incoming::{Incoming, incoming};
use super::socket::{Sink, Source};
use crate::role::Role;
use crate::wire::Frame;
use chrono::{DateTime, Utc};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_protocol::{
    ClientFrame, Close, CloseCode, ErrorCode, ErrorFrame, Hello, Resume, ServerFrame, parse_spelled,
    split_frame,
};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

/// Who is there, and from where on.
pub(super) struct Greeted {
    pub(super) user: UserId,
    pub(super) roles: Vec<Role>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) session: Uuid,
    /// The session of the token, where that is one of ours.
    pub(super) login: Option<Uuid>,
    pub(super) device: String,
    pub(super) resume: Resume,
    /// More cursors follow.
    pub(super) more: bool,
    /// Cursors that could not be read.
    pub(super) unreadable: usize,
    pub(super) renewal: Renewal,
    /// Objects of the hello's frame behind the hello itself.
    pub(super) rest: Vec<String>,
}

/// What a later hello without a token means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// There is no token.
    Needed,
    /// The token of the upgrade goes on.
    ByUpgrade,
}

/// Errors answered before the hello; a client that makes more is not one of ours.
const ERRORS_MAX: u32 = 20;

/// Waits for a hello with a valid token. `None` when the connection has ended; the reason has been said.
pub(super) async fn greet(
    gateway: &Gateway,
    sink: &mut Sink,
    source: &mut Source,
    header_token: Option<String>,
) -> Option<Greeted> {
    let deadline = Instant::now() + Duration::from_millis(gateway.limits.hello_ms);
    let mut errors = 0;
    loop {
        let text = match timeout_at(deadline, incoming(source)).await {
            Err(_) => {
                close::say(sink, Close::new(CloseCode::NoHello)).await;
                return None;
            }
            Ok(Incoming::Text(text)) => text,
            Ok(Incoming::Ping(payload)) => {
                let pong = [Frame::pong(&payload)];
                if !matches!(
                    timeout(gateway.limits.slow(), sink.write(&pong)).await,
                    Ok(Ok(()))
                ) {
                    return None;
                }
                continue;
            }
            Ok(Incoming::Pong(_)) => continue,
            Ok(Incoming::Closed { .. }) => {
                close::answer(sink).await;
                return None;
            }
            Ok(Incoming::Gone) => return None,
            Ok(Incoming::Violation(code)) => {
                close::say(sink, Close::new(code)).await;
                return None;
            }
        };
        let mut objects = split_frame(&text);
        while let Some(object) = objects.next() {
            let (parsed, spelled) = parse_spelled(object);
            let refusal = match parsed {
                Ok(ClientFrame::Hello(hello)) => {
                    let rest = objects.map(str::to_owned).collect();
                    return accept(gateway, sink, hello, header_token, rest).await;
                }
                Ok(ClientFrame::Command(command)) => {
                    ErrorFrame::new(Some(command.id), ErrorCode::Unauthenticated, "say hello first")
                }
                Ok(ClientFrame::Ping { id }) => {
                    ErrorFrame::new(id, ErrorCode::Unauthenticated, "say hello first")
                }
                Ok(ClientFrame::Typing { .. } | ClientFrame::Status { .. } | ClientFrame::Resume(_)) => {
                    ErrorFrame::new(None, ErrorCode::Unauthenticated, "say hello first")
                }
                Err(error) => error.into(),
            };
            errors += 1;
            let refusal = spelled.answer(ServerFrame::Error(refusal).encode());
            let frame = [Frame::text(refusal.as_bytes())];
            if errors > ERRORS_MAX {
                close::say(sink, Close::new(CloseCode::ProtocolViolation)).await;
                return None;
            }
            if !matches!(
                timeout(gateway.limits.slow(), sink.write(&frame)).await,
                Ok(Ok(()))
            ) {
                return None;
            }
        }
    }
}

async fn accept(
    gateway: &Gateway,
    sink: &mut Sink,
    hello: Hello,
    header_token: Option<String>,
    rest: Vec<String>,
) -> Option<Greeted> {
    let renewal = match header_token {
        Some(_) => Renewal::ByUpgrade,
        None => Renewal::Needed,
    };
    let token = hello.token.or(header_token).unwrap_or_default();
    match gateway.authenticator.verify(&token, crate::clock::now()).await {
        Ok(principal) => Some(Greeted {
            user: UserId(principal.user),
            roles: principal.roles,
            expires_at: principal.expires_at,
            session: crate::clock::id(),
            login: principal.session,
            device: hello.device.unwrap_or_default(),
            resume: hello.resume,
            more: hello.more,
            unreadable: hello.unreadable,
            renewal,
            rest,
        }),
        Err(error) => {
            close::say(sink, close::reason(error)).await;
            None
        }
    }
}
