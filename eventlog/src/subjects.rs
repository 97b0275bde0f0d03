//! Events about earlier events of their stream: *revisions* put their *subject* differently, *withdrawals* take it back, *withholdings* keep it from
//! others until another one ends that, *marks* are put on it and taken off again.

use crate::read::{Log, ReadError, unsigned};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// Which kinds of events are about others. The log's indexes hold those that the schema names, in the manner that it says
/// (`log_subject` and `log_mark` find in a payload what it is about, and `log_withholds` what a withholding does).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subjects {
    /// What others are about: one kind or several.
    pub subjects: &'static [i16],
    pub revision: i16,
    pub withdrawal: i16,
    pub withholding: i16,
    pub mark: i16,
}

impl Subjects {
    /// SQL that tells how a row `of` [stands](crate::Standing), or that which it revises. Where a withdrawal or withholding stands says nothing
    /// of revisions: they may come behind it.
    pub(crate) fn standing(self, of: &str) -> String {
        let standing = standing(
            include_str!("subjects/withdrawn.sql"),
            include_str!("subjects/withheld.sql"),
        );
        self.named(&standing).replace("{of}", of)
    }

    /// A statement with the numbers of the kinds. They stand in the text: an index for some kinds serves a statement only if it says
    /// which it asks for.
    pub(crate) fn named(self, sql: &str) -> String {
        let Self {
            subjects,
            revision,
            withdrawal,
            withholding,
            ..
        } = self;
        let subjects: Vec<String> = subjects.iter().map(i16::to_string).collect();
        sql.replace("{subjects}", &subjects.join(", "))
            .replace("{revision}", &revision.to_string())
            .replace("{withdrawal}", &withdrawal.to_string())
            .replace("{withholding}", &withholding.to_string())
            .replace("{holds}", include_str!("subjects/holds.sql"))
    }
}

/// How an event stands that nothing can be about.
pub(crate) const WHOLE: &str = "0";

/// By what is true of an event that was taken back, and of one that is kept from others.
pub(crate) fn standing(withdrawn: &str, withheld: &str) -> String {
    format!("CASE WHEN {withdrawn} THEN 2 WHEN {withheld} THEN 1 ELSE {WHOLE} END")
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
    /// Its own kind.
    pub kind: i16,
    pub actor: Uuid,
    pub at: DateTime<Utc>,
    /// How often it was revised.
    pub revisions: u64,
    /// Kind, version and payload of its last revision, or its own.
    pub current: (i16, i16, Bytes),
    pub withdrawn: bool,
    pub withheld: bool,
    /// Marks that somebody has on it, each with whether the actor of the question does. At most [`MARKS_MAX`] and the one that is
    /// asked for, in no order. One that very many had on and took off counts as one that somebody has.
    pub marks: Vec<(Bytes, bool)>,
    /// More marks were ever put on it than are looked at one by one.
    pub more_marks: bool,
    /// Of those that were ever put on it, the ones that the actor of the question put there at some time. Told where they are more
    /// than [`MARKS_FEW`].
    pub tried: Vec<Bytes>,
}

/// Different marks of one subject that are looked at, whether or not somebody still has them on it. The one that is asked for
/// always is.
pub const MARKS_MAX: usize = 256;
/// So many different marks that were ever put on a subject are few, whoever did.
pub const MARKS_FEW: usize = 64;
/// People who have taken a mark off again that are looked at before it counts as one that somebody has.
const PEOPLE_MAX: usize = 64;

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
/// differs, and then from person to person, so that neither matters how many people put the same one nor how often they changed their
/// mind. What is asked of a subject by many is found once.
fn statement(kinds: Subjects) -> String {
    let about = |row: &str, kind: i16| {
        include_str!("subjects/about.sql")
            .replace("{row}", row)
            .replace("{kind}", &kind.to_string())
    };
    let put = about("m", kinds.mark);
    let next = |behind: &str| {
        include_str!("subjects/next.sql")
            .replace("{put}", &put)
            .replace("{behind}", behind)
    };
    kinds
        .named(include_str!("subjects/subjects.sql"))
        .replace("{revisions}", &about("r", kinds.revision))
        .replace("{withdrawals}", &about("w", kinds.withdrawal))
        .replace("{withholdings}", &about("w", kinds.withholding))
        .replace("{first}", &next(""))
        .replace("{next}", &next("AND log_mark(m.payload) > used.mark"))
        .replace("{put}", &put)
        .replace("{most}", &MARKS_MAX.to_string())
        .replace("{few}", &MARKS_FEW.to_string())
        .replace("{people}", &PEOPLE_MAX.to_string())
}

fn subject(row: &Row) -> Result<Subject, ReadError> {
    let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let marks: Vec<&[u8]> = row.try_get::<_, Option<Vec<&[u8]>>>(11)?.unwrap_or_default();
    let tried: Vec<&[u8]> = row.try_get::<_, Option<Vec<&[u8]>>>(14)?.unwrap_or_default();
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
        tried: tried.into_iter().map(bytes).collect(),
        kind: row.try_get(15)?,
        withheld: row.try_get(16)?,
    })
}
