//! How far a user has read, as the log says: by the moves on the user's own stream, whichever node has appended them.

use super::Store;
use crate::fanout::ReadMark;
use crate::lanes::AsOf;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{ConversationId, Event, UserEvent, UserId};
use tidings_eventlog::{Position, Recorded};
use tidings_projections::read_seqs;
use uuid::Uuid;

/// Moves of a user that read models may not have folded yet, at about one a second.
const NEWEST_MOVES: usize = 200;

/// What the newest moves on a user's stream say.
struct Newest {
    /// The seqs of the stream that were looked through: behind the first, up to the last.
    looked: RangeInclusive<u64>,
    /// Of the last of them.
    position: Position,
    /// The oldest first.
    marks: Vec<(ConversationId, ReadMark)>,
}

impl Store {
    /// Finds out how far the user has read conversations of which that is not known. Returns whether the log was asked, and so has
    /// been of the rest as well.
    pub(super) async fn recall(
        &self,
        user: UserId,
        epoch: u32,
        as_of: AsOf,
        wanted: &BTreeSet<ConversationId>,
    ) -> Result<bool, String> {
        let marks = self.ephemeral.read_marks();
        let mut asked = false;
        // Where too much has happened since, what was known before is forgotten and has to be recalled as well.
        for _ in 0..2 {
            let is_unknown =
                |conversation: &&ConversationId| marks.known(user, **conversation, epoch).is_none();
            let unknown: Vec<ConversationId> = wanted.iter().filter(is_unknown).copied().collect();
            if unknown.is_empty() {
                break;
            }
            self.look_up(user, epoch, as_of, unknown).await?;
            asked = true;
        }
        Ok(asked)
    }

    /// Reads the moves that are not known yet, at this node or another.
    pub(super) async fn catch_up(
        &self,
        user: UserId,
        epoch: u32,
        as_of: AsOf,
        wanted: &BTreeSet<ConversationId>,
    ) -> Result<(), String> {
        let marks = self.ephemeral.read_marks();
        if let Some(looked) = marks.looked(user, epoch) {
            let newest = self.newest(user, epoch, looked).await?;
            self.is_still(as_of)?;
            if !marks.follow(user, epoch, newest.looked, &newest.marks) {
                marks.forget_user(user);
            }
        }
        self.recall(user, epoch, as_of, wanted).await.map(|_| ())
    }

    /// Reads how far the user has read these: from the read model, and from the newest moves in the log, which it may not have
    /// folded yet.
    async fn look_up(
        &self,
        user: UserId,
        epoch: u32,
        as_of: AsOf,
        unknown: Vec<ConversationId>,
    ) -> Result<(), String> {
        let streams: Vec<Uuid> = unknown.iter().map(|conversation| conversation.0).collect();
        let folded = read_seqs(&self.models, user.0, &streams)
            .await
            .map_err(|error| error.to_string())?;
        let newest = self.newest(user, epoch, 0).await?;
        self.is_still(as_of)?;
        let marks = self.ephemeral.read_marks();
        let looked = *newest.looked.end();
        if !marks.follow(user, epoch, newest.looked, &newest.marks) {
            marks.forget_user(user);
        }
        // Whatever the read model has of this user's own moves, it has by the newest of them.
        let position = newest.position;
        let folded = unknown.into_iter().zip(folded).map(|(conversation, seq)| {
            let seq = seq.unwrap_or_default();
            (conversation, ReadMark { seq, position, epoch })
        });
        marks.learn(user, epoch, looked, folded, &newest.marks);
        Ok(())
    }

    /// What was known at the moment `as_of` holds on.
    fn is_still(&self, as_of: AsOf) -> Result<(), String> {
        let now = self.lanes.as_of();
        (as_of == now)
            .then_some(())
            .ok_or_else(|| "the log may have gone back".into())
    }

    /// The newest moves on the user's stream behind `after`.
    async fn newest(&self, user: UserId, epoch: u32, after: u64) -> Result<Newest, String> {
        let moves = self
            .log
            .newest(user.0, Kind::CURSORS_MOVED.0, after, NEWEST_MOVES)
            .await
            .map_err(|error| error.to_string())?;
        let (first, last) = (moves.last(), moves.first());
        let from = match first {
            Some(first) if moves.len() >= NEWEST_MOVES => first.seq - 1,
            _ => after,
        };
        let to = last.map_or(after, |last| last.seq);
        let position = Position {
            lane: user.lane(),
            pos: last.map_or(1, |last| last.pos),
        };
        let marks = moves.iter().rev().flat_map(|recorded| read_by(recorded, epoch));
        Ok(Newest {
            looked: from..=to,
            position,
            marks: marks.collect(),
        })
    }
}

/// What a move says of read positions. One of a later version says nothing to this one.
fn read_by(recorded: &Recorded, epoch: u32) -> Vec<(ConversationId, ReadMark)> {
    let decoded = stored::decode(recorded.kind, recorded.ver, &recorded.payload);
    let Ok(Event::User(UserEvent::CursorsMoved(moved))) = decoded else {
        return vec![];
    };
    let position = Position {
        lane: recorded.lane,
        pos: recorded.pos,
    };
    let marks = moved.read.into_iter().map(|(conversation, cursor)| {
        let seq = cursor.seq;
        (conversation, ReadMark { seq, position, epoch })
    });
    marks.collect()
}
