//! Answers to `fetch`: a page of a conversation, bounded in events and in bytes, and small where the node has no room for more.

use super::Gateway;
use super::hidden::withhold;
use super::shared::Shared;
use crate::delivery::Brought;
use crate::lanes::Refusal;
use crate::planted;
use crate::wire::{Frame, encode, refused};
use tidings_domain::{ConversationId, Cursor, UserId};
use tidings_eventlog::{ReadError, Slice};
use tidings_projections::{MEMBERSHIP_MODELS, ProjectionError, Visible};
use tidings_protocol::{ErrorCode, ErrorFrame, FETCH_EVENTS_MAX, Spelled, encode_events};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

/// Bytes of events in one answer; what is left is `more`.
const BYTES_MAX: usize = 256 << 10;
/// Readings for one answer: each goes on behind events that cannot be shown.
const READINGS_MAX: usize = 8;
/// Events that the second of them brings at least, and bytes of them. Each one behind it brings twice as many, for there may be any number that cannot
/// be shown.
const EVENTS_MIN: u64 = 100;
const BYTES_MIN: u64 = 64 << 10;

/// What is asked for.
pub(super) struct Fetch {
    pub(super) id: Uuid,
    pub(super) spelled: Spelled,
    pub(super) conversation: ConversationId,
    pub(super) from: u64,
    pub(super) limit: u32,
}

/// An answer, and what of a gap it brings.
pub(super) struct Fetched {
    pub(super) frame: Frame,
    /// Its part of the node's room for pages.
    pub(super) room: Option<OwnedSemaphorePermit>,
    pub(super) brought: Option<Brought>,
}

/// Reads a page.
pub(super) async fn fetch(
    gateway: &Gateway,
    shared: &Shared,
    user: UserId,
    wanted: &Fetch,
) -> Result<Fetched, ErrorFrame> {
    let id = Some(wanted.id);
    let invalid = |field| ErrorFrame::new(id, ErrorCode::InvalidArgument, "out of range").with_field(field);
    if wanted.from == 0 {
        return Err(invalid("from"));
    }
    if wanted.limit == 0 || wanted.limit > FETCH_EVENTS_MAX {
        return Err(invalid("limit"));
    }
    let conversation = wanted.conversation;
    let failed = |error: ReadError| {
        tracing::debug!(%error, "a fetch failed");
        refused(id, &Refusal::Unavailable)
    };
    // Behind the commands that came before it, and no further than was there when it was found out who may see it: what comes
    // later may be behind a leaving.
    let (from, last, visible) = match gateway.lanes.authorize(conversation, user, true).await {
        Ok(seat) => {
            let visible = sight(gateway, user, wanted, seat.visible_from).await;
            (wanted.from, seat.reach, visible.map_err(failed)?)
        }
        Err(refusal) => {
            // Somebody who has left may have what they were told is still owed to them.
            let out = refusal.is_for_strangers();
            let owed = || shared.gaps.owed(conversation.0, wanted.from, &shared.answered);
            let owed = out.then(owed).flatten().ok_or_else(|| refused(id, &refusal))?;
            // The log may have gone back since.
            let heads = gateway.lookups.heads(vec![conversation.0]).await;
            let head = heads.map_err(failed)?.first().copied().flatten();
            let last = owed.to.min(head.map_or(0, |head| head.seq));
            (owed.from, last, owed.visible)
        }
    };
    page(gateway, shared, (user, &visible), wanted, (from, last))
        .await
        .map_err(failed)
}

/// What a member sees who asks for what is wanted, and by their latest membership sees everything from `latest` on. What earlier ones showed
/// them is in the read models alone, which may be behind the log that says who is a member.
async fn sight(gateway: &Gateway, user: UserId, wanted: &Fetch, latest: u64) -> Result<Visible, ReadError> {
    let since = Visible::since(latest);
    if wanted.from >= latest {
        return Ok(since);
    }
    let conversation = wanted.conversation;
    let ask = || tidings_projections::visible(&gateway.models, user.0, conversation.0);
    let unreadable = |error: ProjectionError| ReadError::Database(error.to_string());
    let mut found = ask().await.map_err(unreadable)?;
    if found.as_ref().is_some_and(|visible| visible.latest() != latest) {
        gateway.caught_up(&MEMBERSHIP_MODELS, conversation.lane()).await?;
        found = ask().await.map_err(unreadable)?;
    }
    match found {
        // Its events are aside.
        None => Ok(since),
        Some(visible) if visible.latest() == latest => Ok(visible),
        Some(_) => Err(ReadError::Database("the read models are behind".to_owned())),
    }
}

/// Reads a page for a viewer, who sees so much of the conversation. It begins with the first event from `from` on that they see, and ends
/// before one that they do not. Where none of as many as are read can be shown, it says where to go on.
async fn page(
    gateway: &Gateway,
    shared: &Shared,
    viewer: (UserId, &Visible),
    wanted: &Fetch,
    (from, last): (u64, u64),
) -> Result<Fetched, ReadError> {
    let stream = wanted.conversation.0;
    let limit = wanted.limit as usize;
    let share = gateway.page_room.share_beside();
    let bytes_max = usize::try_from(share.bytes()).map_or(BYTES_MAX, |bytes| bytes.min(BYTES_MAX));
    let (_, visible) = viewer;
    let (mut next, mut frames, mut bytes, mut to) = (visible.first_from(from), vec![], 0, None);
    // The first brings what is wanted, and no more than that.
    let (mut events_min, mut bytes_min) = (0, 0);
    for _ in 0..READINGS_MAX {
        if next > last || frames.len() >= limit || bytes >= bytes_max {
            break;
        }
        let end = visible.last_from(next).min(last);
        let (events, room) = ((limit - frames.len()) as u64, (bytes_max - bytes) as u64);
        let is_cut = bytes_min > room;
        let slice = Slice {
            ranges: vec![(stream, next, end.min(next + events.max(events_min) - 1))],
            bytes: room.max(bytes_min),
        };
        events_min = (events_min * 2).clamp(EVENTS_MIN, u64::from(FETCH_EVENTS_MAX));
        bytes_min = BYTES_MIN;
        let mut found: Vec<_> = gateway
            .log
            .slices(&[slice])
            .await?
            .into_iter()
            .flatten()
            .collect();
        withhold(gateway, viewer, stream, &mut found).await?;
        let before = next;
        for recorded in found {
            if frames.len() >= limit || (is_cut && bytes >= bytes_max) {
                break;
            }
            next = recorded.seq + 1;
            to = Some(Cursor {
                seq: recorded.seq,
                msg_no: recorded.msg_no,
            });
            // What cannot be shown was told as a gap, and is left out.
            if planted::is("fetch-hole") && recorded.seq.is_multiple_of(5) {
                continue;
            }
            if let Some(event) = encode(&recorded) {
                bytes += event.frame.size();
                frames.push(event.frame);
            }
        }
        if next == before {
            // The log is not what its heads say: better no more than the same for ever.
            next = last.saturating_add(1);
        }
        if next > end {
            next = visible.first_from(next);
            if !frames.is_empty() {
                break;
            }
        }
    }
    let more = next <= last;
    // However many cannot be shown: whoever asks goes on behind those that were read.
    let goes_on = (frames.is_empty() && more).then_some(next);
    let objects = frames.iter().map(Frame::payload);
    let answer = encode_events(wanted.id, stream, objects, more, goes_on);
    let frame = Frame::text(&wanted.spelled.answer_bytes(answer));
    let brought = to.filter(|_| shared.gaps.has(stream)).map(|to| Brought {
        conversation: stream,
        from,
        to,
    });
    let room = share.shrunk(frame.size());
    Ok(Fetched { frame, room, brought })
}
