//! Events about earlier events of their stream: *revisions* put their *subject* differently, *withdrawals* take it back,
//! *marks* are put on it and taken off again.

use crate::read::{Log, ReadError, unsigned};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// Which kinds of events are about others. The log's indexes hold those that the schema names, in the manner that it says
/// (`log_subject` and `log_mark` find in a payload what it is about).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subjects {
    /// What others are about.
    pub subject: i16,
    pub revision: i16,
    pub withdrawal: i16,
    pub mark: i16,
}

impl Subjects {
    /// SQL that is true of a row `of` that a withdrawal took back, or that revises what one took back. Where a withdrawal stands
    /// says nothing of revisions: they may come behind it.
    pub(crate) fn withdrawn(self, of: &str) -> String {
        let Self {
            subject,
            revision,
            withdrawal,
            ..
        } = self;
        // Numbers stand in the text: an index for some kinds serves a statement only if it says which it asks for.
        format!(
            "CASE {of}.kind WHEN {subject} THEN EXISTS (SELECT FROM event w WHERE w.lane = {of}.lane AND w.stream = {of}.stream \
             AND w.kind = {withdrawal} AND log_subject(w.payload) = {of}.seq AND w.pos > {of}.pos) \
             WHEN {revision} THEN EXISTS (SELECT FROM event w WHERE w.lane = {of}.lane AND w.stream = {of}.stream \
             AND w.kind = {withdrawal} AND log_subject(w.payload) = log_subject({of}.payload)) ELSE false END"
        )
    }
}

/// What is asked of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub stream: Uuid,
    /// The command that wrote it.
    pub command: Uuid,
    /// Who may have put the mark that is asked for; `None` where nothing is asked of marks.
    pub mark: Option<(Uuid, Bytes)>,
}

/// What the log knows of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub stream: Uuid,
    pub seq: u64,
    pub msg_no: u64,
    pub actor: Uuid,
    pub at: DateTime<Utc>,
    /// How often it was revised.
    pub revisions: u64,
    /// Kind, version and payload of its last revision, or its own.
    pub current: (i16, i16, Bytes),
    pub withdrawn: bool,
    /// Marks that somebody has on it, each with whether the actor of the question does. At most [`MARKS_MAX`], in no order.
    pub marks: Vec<(Bytes, bool)>,
    /// More marks were ever put on it than are looked at one by one.
    pub more_marks: bool,
}

/// Different marks of one subject that are looked at, whether or not somebody still has them on it. The one that is asked for
/// always is.
pub const MARKS_MAX: usize = 64;

impl Log {
    /// What each question is about, in the order asked, as of one moment; `None` where the command has written no subject.
    /// All streams are of the lane.
    ///
    /// # Errors
    /// When the log does not answer; asking again is safe. A log that was not told its [`Subjects`] has none.
    pub async fn subjects(
        &self,
        lane: u8,
        questions: &[Question],
    ) -> Result<Vec<Option<Subject>>, ReadError> {
        let Some(kinds) = self.subjects else {
            return Ok(vec![None; questions.len()]);
        };
        let lane = i16::from(lane);
        let streams: Vec<Uuid> = questions.iter().map(|question| question.stream).collect();
        let commands: Vec<Uuid> = questions.iter().map(|question| question.command).collect();
        let (mut actors, mut marks) = (vec![], vec![]);
        for question in questions {
            let mark = question.mark.as_ref();
            actors.push(mark.map(|(actor, _)| *actor));
            marks.push(mark.map(|(_, mark)| mark.as_ref()));
        }
        let sql = statement(kinds);
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let parameters: [&(dyn postgres_types::ToSql + Sync); 5] =
                [&lane, &streams, &commands, &actors, &marks];
            let rows = client.query(&statement, &parameters).await?;
            let mut found = vec![None; questions.len()];
            for row in &rows {
                let index = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(0);
                if let Some(place) = found.get_mut(index.wrapping_sub(1)) {
                    *place = Some(subject(row)?);
                }
            }
            Ok(found)
        })
        .await
    }
}

/// The statement that finds subjects. Each look-up is a probe of an index; marks are stepped through, from one to the next that
/// differs, so that it does not matter how many people put the same one. What comes later of one actor is asked with a limit, which keeps
/// it a look-up of its own: joined, all of them would be read.
fn statement(kinds: Subjects) -> String {
    let Subjects {
        subject,
        revision,
        withdrawal,
        mark,
    } = kinds;
    let about = |row: &str, kind: i16| {
        format!(
            "{row}.lane = $1 AND {row}.stream = u.stream AND {row}.kind = {kind} \
             AND log_subject({row}.payload) = s.seq AND {row}.pos > s.pos"
        )
    };
    let (revisions, withdrawals, put, later) = (
        about("r", revision),
        about("w", withdrawal),
        about("m", mark),
        about("n", mark),
    );
    let next = |behind: &str| {
        format!(
            "(SELECT log_mark(m.payload) FROM event m WHERE {put} {behind} ORDER BY log_mark(m.payload) LIMIT 1)"
        )
    };
    let (first, next) = (next(""), next("AND log_mark(m.payload) > used.mark"));
    format!(
        "SELECT u.i, u.stream, s.seq, s.msg_no, s.actor, s.at, \
           (SELECT count(*) FROM event r WHERE {revisions}), coalesce(l.kind, s.kind), coalesce(l.ver, s.ver), \
           coalesce(l.payload, s.payload), EXISTS (SELECT FROM event w WHERE {withdrawals}), k.marks, k.mine, k.used \
         FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[]) WITH ORDINALITY u(stream, command, actor, mark, i) \
         CROSS JOIN LATERAL (SELECT e.pos, e.seq, e.msg_no, e.actor, e.at, e.kind, e.ver, e.payload FROM event e \
           WHERE e.lane = $1 AND e.command = u.command AND e.stream = u.stream AND e.kind = {subject} LIMIT 1) s \
         LEFT JOIN LATERAL (SELECT r.kind, r.ver, r.payload FROM event r WHERE {revisions} ORDER BY r.seq DESC LIMIT 1) l ON true \
         CROSS JOIN LATERAL ( \
           WITH RECURSIVE used(mark) AS (SELECT {first} WHERE u.mark IS NOT NULL \
             UNION ALL SELECT {next} FROM used WHERE used.mark IS NOT NULL), \
           looked_at(mark) AS (SELECT mark FROM used WHERE mark IS NOT NULL LIMIT {MARKS_MAX}) \
           SELECT array_agg(d.mark) FILTER (WHERE d.somebody) AS marks, array_agg(d.mine) FILTER (WHERE d.somebody) AS mine, \
             (SELECT count(*) FROM looked_at) AS used \
           FROM (SELECT c.mark, \
             coalesce((SELECT log_mark_on(m.payload) FROM event m WHERE {put} AND log_mark(m.payload) = c.mark \
               AND m.actor = u.actor ORDER BY m.seq DESC LIMIT 1), false) AS mine, \
             EXISTS (SELECT FROM event m WHERE {put} AND log_mark(m.payload) = c.mark AND log_mark_on(m.payload) \
               AND NOT coalesce((SELECT true FROM event n WHERE {later} AND log_mark(n.payload) = c.mark \
               AND n.actor = m.actor AND n.seq > m.seq LIMIT 1), false)) AS somebody \
             FROM (SELECT mark FROM looked_at UNION SELECT u.mark WHERE u.mark IS NOT NULL) c) d) k \
         ORDER BY u.i"
    )
}

fn subject(row: &Row) -> Result<Subject, ReadError> {
    let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let marks: Vec<&[u8]> = row.try_get::<_, Option<Vec<&[u8]>>>(11)?.unwrap_or_default();
    let mine: Vec<bool> = row.try_get::<_, Option<Vec<bool>>>(12)?.unwrap_or_default();
    Ok(Subject {
        stream: row.try_get(1)?,
        seq: unsigned(row.try_get(2)?),
        msg_no: unsigned(row.try_get(3)?),
        actor: row.try_get(4)?,
        at: row.try_get(5)?,
        revisions: unsigned(row.try_get(6)?),
        current: (row.try_get(7)?, row.try_get(8)?, bytes(row.try_get(9)?)),
        withdrawn: row.try_get(10)?,
        marks: marks.into_iter().map(bytes).zip(mine).collect(),
        more_marks: unsigned(row.try_get(13)?) >= MARKS_MAX as u64,
    })
}
