//! Ranges of events, of a lane or of a stream.

use crate::read::{COLUMNS, Log, ReadError, recorded, signed, unsigned};
use crate::record::{Recorded, lane_of};
use crate::subjects::WHOLE;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Some events of a range, and how far that reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub events: Vec<Recorded>,
    /// There is none but those up to this position that was asked for.
    pub to: u64,
}

impl Log {
    /// Events of a lane with `after < pos <= upto`, in order, at most `limit`.
    pub async fn lane(
        &self,
        lane: u8,
        after: u64,
        upto: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let sql = self.showing(include_str!("ranges/lane.sql"));
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        self.events(&sql, i16::from(lane), None, &[after as i64, upto, limit as i64])
            .await
    }

    /// The same while the lane is in the time line `epoch`, and nothing when it is in another: there, other events may be at these
    /// positions. Which one it is in is read in the same snapshot.
    pub async fn lane_in(
        &self,
        lane: u8,
        epoch: u32,
        after: u64,
        upto: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let sql = self.showing(include_str!("ranges/lane_in.sql"));
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        let numbers = [after as i64, upto, limit as i64, i64::from(epoch)];
        self.events(&sql, i16::from(lane), None, &numbers).await
    }

    /// Events of a lane with `after < pos <= upto`, in order: at most `limit`, and no more after those whose payloads come to
    /// `bytes` together. There is at least one, if there is any.
    pub async fn lane_within(
        &self,
        lane: u8,
        after: u64,
        upto: u64,
        limit: usize,
        bytes: u64,
    ) -> Result<Vec<Recorded>, ReadError> {
        let sql = self.showing(include_str!("ranges/lane_within.sql"));
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.events(
            &sql,
            i16::from(lane),
            None,
            &[after as i64, upto, limit as i64, bytes],
        )
        .await
    }

    /// Events of a lane with `after < pos <= upto` in order, as far as they were appended at or before `due`: those of `kinds`, all where that is `None`,
    /// and no more after those whose payloads come to `bytes` together. What is not asked for costs a look at its row. `None` when there is a
    /// hole in the range.
    pub async fn lane_of_kinds(
        &self,
        lane: u8,
        (after, upto): (u64, u64),
        due: DateTime<Utc>,
        kinds: Option<&[i16]>,
        bytes: u64,
    ) -> Result<Option<Heard>, ReadError> {
        let sql = self.showing(include_str!("ranges/lane_of_kinds.sql"));
        let (lane, from, bytes) = (i16::from(lane), signed(after), signed(bytes));
        self.bounded(async |client| {
            let extent = client.prepare_cached(include_str!("ranges/extent.sql")).await?;
            let row = client
                .query_one(&extent, &[&lane, &from, &signed(upto), &due, &kinds])
                .await?;
            let (there, heard) = (row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(3)?);
            let last = row.try_get::<_, Option<i64>>(1)?.map_or(after, unsigned);
            if last == after || last - after != unsigned(there) {
                return Ok(None);
            }
            let late = row.try_get::<_, Option<i64>>(2)?.map(unsigned);
            let mut to = late.map_or(last, |late| late - 1);
            let mut events = vec![];
            if heard > 0 && to > after {
                let statement = client.prepare_cached(&sql).await?;
                let rows = client
                    .query(&statement, &[&lane, &from, &signed(to), &bytes, &kinds])
                    .await?;
                events = rows.iter().map(recorded).collect::<Result<Vec<_>, _>>()?;
                // Where the bytes ended them, the range ends with them.
                if (events.len() as u64) < unsigned(heard) {
                    to = events.last().map_or(to, |event| event.pos);
                }
            }
            Ok(Some(Heard { events, to }))
        })
        .await
    }

    /// Events of a stream with `from <= seq <= to`, in order, at most `limit`.
    pub async fn stream(
        &self,
        stream: Uuid,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let sql = self.showing(include_str!("ranges/stream.sql"));
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        self.events(
            &sql,
            i16::from(lane_of(stream)),
            Some(stream),
            &[from, to, limit as i64],
        )
        .await
    }

    /// The newest events of one kind of a stream behind seq `after`, at most `limit`, the newest first.
    pub async fn newest(
        &self,
        stream: Uuid,
        kind: i16,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let sql = include_str!("ranges/newest.sql").replace("{columns}", COLUMNS);
        let lane = i16::from(lane_of(stream));
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let rows = client
                .query(
                    &statement,
                    &[&lane, &stream, &kind, &(after as i64), &(limit as i64)],
                )
                .await?;
            rows.iter().map(recorded).collect()
        })
        .await
    }

    /// A statement with the columns of an event's row as it is read for others: [`COLUMNS`] and how it stands.
    fn showing(&self, sql: &str) -> String {
        let standing = match self.subjects {
            Some(subjects) => subjects.standing("e"),
            None => WHOLE.to_owned(),
        };
        sql.replace("{shown}", &format!("{COLUMNS}, {standing}"))
            .replace("{columns}", COLUMNS)
    }

    async fn events(
        &self,
        sql: &str,
        lane: i16,
        stream: Option<Uuid>,
        numbers: &[i64],
    ) -> Result<Vec<Recorded>, ReadError> {
        self.bounded(async |client| {
            let statement = client.prepare_cached(sql).await?;
            let mut parameters: Vec<&(dyn postgres_types::ToSql + Sync)> = vec![&lane];
            if let Some(stream) = &stream {
                parameters.push(stream);
            }
            parameters.extend(
                numbers
                    .iter()
                    .map(|number| number as &(dyn postgres_types::ToSql + Sync)),
            );
            let rows = client.query(&statement, &parameters).await?;
            rows.iter().map(recorded).collect()
        })
        .await
    }
}
