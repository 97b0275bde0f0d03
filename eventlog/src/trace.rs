//! What became of one subject: the event itself, and all events about it, without what they say.

use crate::outlines::{Outline, columns, outline};
use crate::read::{Log, ReadError};
use crate::record::lane_of;
use crate::subjects::Subjects;
use uuid::Uuid;

/// Events of each kind about a subject that are told of.
pub const TRACE_MAX: usize = 1_000;
/// Control events behind a subject among which those about it are looked for.
const CONTROLS_MAX: i64 = 10_000;

/// A subject, and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub subject: Outline,
    /// Events about it, in the order of the log.
    pub about: Vec<Outline>,
    /// Whether that is all of them.
    pub complete: bool,
}

impl Log {
    /// The subject of a stream that a command has written, with all events about it: revisions, withdrawals, withholdings, marks, and control
    /// events of the kind `control` that name it. `None` where the command has written none there, and in a log that was not told its
    /// [`Subjects`].
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe.
    pub async fn trace(&self, stream: Uuid, command: Uuid, control: i16) -> Result<Option<Trace>, ReadError> {
        let Some(kinds) = self.subjects else {
            return Ok(None);
        };
        let sql = statement(kinds);
        let (lane, most) = (i16::from(lane_of(stream)), TRACE_MAX as i64 + 1);
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let values: [&(dyn postgres_types::ToSql + Sync); 6] =
                [&lane, &stream, &command, &most, &CONTROLS_MAX, &control];
            let (mut found, mut complete) = (vec![], true);
            for row in client.query(&statement, &values).await? {
                complete &= !row.try_get::<_, bool>(8)?;
                found.push(outline(&row)?);
            }
            // A subject stands before all that is about it.
            let mut found = found.into_iter();
            let Some(subject) = found.next() else {
                return Ok(None);
            };
            let mut about: Vec<Outline> = vec![];
            for outline in found {
                if about.iter().filter(|one| one.kind == outline.kind).count() < TRACE_MAX {
                    about.push(outline);
                } else {
                    complete = false;
                }
            }
            Ok(Some(Trace {
                subject,
                about,
                complete,
            }))
        })
        .await
    }
}

/// Each look-up is a probe of an index.
fn statement(kinds: Subjects) -> String {
    let about = |row: &str, kind: i16| {
        include_str!("subjects/about.sql")
            .replace("{row}", row)
            .replace("{kind}", &kind.to_string())
    };
    let sql = kinds.named(include_str!("trace/trace.sql"));
    let sql = ["e", "r", "w", "h", "m", "p"].iter().fold(sql, |sql, row| {
        sql.replace(&format!("{{columns of {row}}}"), &columns(row))
    });
    sql.replace("{revisions}", &about("r", kinds.revision))
        .replace("{withdrawals}", &about("w", kinds.withdrawal))
        .replace("{withholdings}", &about("h", kinds.withholding))
        .replace("{marks}", &about("m", kinds.mark))
}
