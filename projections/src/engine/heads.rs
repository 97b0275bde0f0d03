//! Where the log is now.

use crate::select::{Select, Sql};
use tidings_eventlog::Position;
use tokio_postgres::Row;

static HEADS: Sql = Sql::new(include_str!("admin/heads.sql"));

/// The last position of each lane, or of one.
pub fn heads(lane: Option<u8>) -> Select<Position> {
    let read = |row: &Row| {
        let (lane, head): (i16, i64) = (row.try_get("lane")?, row.try_get("head")?);
        Ok(Position {
            lane: lane as u8,
            pos: head as u64,
        })
    };
    Select::new(&HEADS, read).with(lane.map(i16::from))
}
