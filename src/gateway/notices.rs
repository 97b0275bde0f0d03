//! Notices on their way to a client. They jump, since the user's stream holds other things too, so what a connection lacks is not
//! seen by their numbers: behind the hub's registration they come in order and none is left out, and what is older is read from the log.

use super::writer::{Stop, Writer};
use crate::wire::{Frame, LiveEvent, notice, notice_gap};
use std::sync::Arc;
use tidings_eventlog::NoticeRange;
use tidings_protocol::{ErrorCode, ErrorFrame, ServerFrame};

/// Notices of one page.
const PAGE: usize = 500;

impl Writer {
    /// Takes a live notice in, once.
    pub(super) fn admit_notice(&mut self, event: LiveEvent, frames: &mut Vec<Frame>) {
        if event.seq > self.notices {
            self.notices = event.seq;
            frames.push(event.frame);
        }
    }

    /// Writes the notices that the client lacks: the newest `most`, and that the others are left out.
    pub(super) async fn catch_up_notices(&mut self, most: u64) -> Result<(), Stop> {
        let gateway = Arc::clone(&self.gateway);
        let user = self.subscriber.user.0;
        let heads = self.patiently(|| gateway.lookups.heads(vec![user])).await?;
        let head = heads.into_iter().flatten().next().map_or(0, |head| head.seq);
        if self.notices > head {
            let message = "resume: the cursor of the notices is ahead of them";
            let refusal = ErrorFrame::new(None, ErrorCode::InvalidArgument, message)
                .with_field("resume")
                .with_notices_head(head);
            self.shared.outbox.system(&ServerFrame::Error(refusal), None);
            self.write_system().await?;
            self.notices = head;
        }
        let mut range = NoticeRange {
            stream: user,
            after: self.notices,
            to: head,
        };
        let found = self.patiently(|| gateway.lookups.notices(range, most)).await?;
        if let Some(found) = found {
            if let Some(left_out) = found.left_out {
                metrics::counter!("tidings_gaps_total", "reason" => "limit").increment(1);
                let gap = notice_gap(range.after + 1, left_out, crate::clock::now());
                self.write(&[gap]).await?;
                range.after = left_out;
            }
            range.to = found.last;
            self.write_notices(range).await?;
        }
        self.notices = head;
        Ok(())
    }

    /// Writes notices from the log, a page at a time.
    async fn write_notices(&mut self, mut range: NoticeRange) -> Result<(), Stop> {
        let gateway = Arc::clone(&self.gateway);
        while range.after < range.to {
            let share = gateway.page_room.share();
            let bytes = share.bytes();
            let page = self.patiently(|| gateway.log.notices(range, PAGE, bytes)).await?;
            // Of a log that has gone back there may be nothing; whether it has is looked at when all is read.
            let Some(last) = page.last() else { break };
            range.after = last.seq;
            let frames: Vec<Frame> = page.iter().map(|recorded| notice(recorded).frame).collect();
            self.write(&frames).await?;
            drop(share);
            self.write_system().await?;
            self.keep_up().await?;
            self.check_admission()?;
        }
        Ok(())
    }
}
