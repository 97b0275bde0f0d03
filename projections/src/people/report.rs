//! What people have reported, and what became of it.

use crate::error::{ProjectionError, within};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::{ReportFiled, ReportHandled};
use tidings_domain::{Handling, REPORTS_A_DAY, Reason, ReportEvent, ReportNote};
use tidings_eventlog::Pool;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static REPORTS: Sql = Sql::new(include_str!("reports.sql"));
static ONE: Sql = Sql::new(include_str!("report_of.sql"));
static RECENT: Sql = Sql::new(include_str!("report_recent.sql"));

/// What has become of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportState {
    /// Nobody has looked at it.
    Open,
    /// Somebody looks at it.
    Assigned,
    /// There is nothing wrong.
    Dismissed,
    /// It is seen to.
    Resolved,
}

impl ReportState {
    const ALL: [Self; 4] = [Self::Open, Self::Assigned, Self::Dismissed, Self::Resolved];

    /// What there is once this was done.
    pub fn after(handling: Option<Handling>) -> Self {
        match handling {
            None => Self::Open,
            Some(Handling::Assign) => Self::Assigned,
            Some(Handling::Dismiss) => Self::Dismissed,
            Some(Handling::Resolve | Handling::Recall) => Self::Resolved,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assigned => "assigned",
            Self::Dismissed => "dismissed",
            Self::Resolved => "resolved",
        }
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub id: Uuid,
    /// The stream of the message's reports.
    pub reports: Uuid,
    pub conversation: Uuid,
    pub message: Uuid,
    /// Who sent the message.
    pub sender: Uuid,
    /// Who reported it.
    pub reporter: Uuid,
    pub reason: String,
    pub note: Option<String>,
    /// Where it stands in its lane, behind all that the message had said by then. Of one that was made once more this and what follows are of the
    /// last time.
    pub pos: u64,
    pub filed_at: DateTime<Utc>,
    /// How many versions the message had then, the first included.
    pub versions: u32,
    pub handled: Option<Handled>,
    /// The message is withheld now.
    pub withheld: bool,
}

/// What was done last with a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    pub by: Uuid,
    pub at: DateTime<Utc>,
    pub handling: Handling,
    pub note: Option<String>,
}

/// The place of a report among all: by when it came.
pub type ReportPlace = (DateTime<Utc>, Uuid);

/// A part of the reports of which this has become, or of all, in the order in which they came, but for those of what `viewer` has sent.
pub fn reports(
    viewer: Uuid,
    state: Option<ReportState>,
    range: &Range<ReportPlace>,
) -> Select<Listed<Report>> {
    let states = state.map_or(ReportState::ALL.to_vec(), |state| vec![state]);
    let states: Vec<&'static str> = states.into_iter().map(ReportState::as_str).collect();
    Select::new(&REPORTS, |row| Listed::read(row, "report", Report::read))
        .ordered(range.order)
        .with(states)
        .with(viewer)
        .with(range.after.map(|(at, _)| at))
        .with(range.after.map(|(_, report)| report))
        .with(range.before.map(|(at, _)| at))
        .with(range.before.map(|(_, report)| report))
        .with(range.rows)
}

/// The report of that id, where it is not about what `viewer` has sent.
pub fn report(viewer: Uuid, id: Uuid) -> Select<Report> {
    Select::new(&ONE, Report::read).with(viewer).with(id)
}

/// When `user` may report one message more, where they have reported [as many as may be](REPORTS_A_DAY) in the day before `now`, each as often as
/// they have. It may be less than the log says.
pub async fn reports_free_at(
    pool: &Pool,
    user: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, ProjectionError> {
    let day = TimeDelta::days(1);
    let (since, most) = (now - day, i64::from(REPORTS_A_DAY));
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&RECENT.text(client.home())).await?;
        let row = client.query_opt(&statement, &[&user, &since, &most]).await?;
        let first = row
            .map(|row| row.try_get::<_, DateTime<Utc>>("filed_at"))
            .transpose()?;
        Ok::<_, ProjectionError>(first.map(|first| first + day))
    };
    within(pool.timeout(), reading).await
}

impl Report {
    fn read(row: &Row) -> Result<Self, Error> {
        let action: Option<&str> = row.try_get("action")?;
        let handled = match action.and_then(Handling::named) {
            None => None,
            Some(handling) => Some(Handled {
                by: row.try_get("handled_by")?,
                at: row.try_get("handled_at")?,
                handling,
                note: row.try_get("handling_note")?,
            }),
        };
        Ok(Self {
            id: row.try_get("report")?,
            reports: row.try_get("reports")?,
            conversation: row.try_get("conversation")?,
            message: row.try_get("message")?,
            sender: row.try_get("sender")?,
            reporter: row.try_get("reporter")?,
            reason: row.try_get("reason")?,
            note: row.try_get("note")?,
            pos: row.try_get::<_, i64>("pos")?.cast_unsigned(),
            filed_at: row.try_get("filed_at")?,
            versions: u32::try_from(row.try_get::<_, i64>("versions")?).unwrap_or(u32::MAX),
            handled,
            withheld: row.try_get("withheld")?,
        })
    }
}

/// Where an event stands, and when it was appended.
struct Written {
    stream: Uuid,
    pos: i64,
    at: DateTime<Utc>,
}

impl Written {
    fn of(fact: &Fact<'_>) -> Self {
        Self {
            stream: fact.stream(),
            pos: fact.record.pos.cast_signed(),
            at: fact.at(),
        }
    }
}

/// What a batch changes, by report. The last counts, and what was done with one says nothing of what is reported behind it. But each that was made
/// counts in the day of who has made it.
#[derive(Default)]
pub(super) struct Changes<'a> {
    filings: Vec<(Written, Uuid)>,
    filed: BTreeMap<Uuid, (Written, &'a ReportFiled)>,
    handled: BTreeMap<Uuid, (Written, &'a ReportHandled)>,
}

impl<'a> Changes<'a> {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, event: &'a ReportEvent) {
        match event {
            ReportEvent::Filed(filed) => {
                let report = filed.report.0;
                self.handled.remove(&report);
                self.filings.push((Written::of(fact), filed.by.0));
                self.filed.insert(report, (Written::of(fact), filed));
            }
            ReportEvent::Handled(handled) => {
                let handling = (Written::of(fact), handled);
                self.handled.insert(handled.report.0, handling);
            }
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        self.write_filings(transaction, schema).await?;
        self.write_filed(transaction, schema).await?;
        self.write_handled(transaction, schema).await
    }

    async fn write_filings(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.filings.is_empty() {
            return Ok(());
        }
        let all = || self.filings.iter().map(|(written, _)| written);
        let streams: Vec<Uuid> = all().map(|written| written.stream).collect();
        let places: Vec<i64> = all().map(|written| written.pos).collect();
        let reporters: Vec<Uuid> = self.filings.iter().map(|(_, by)| *by).collect();
        let ats: Vec<DateTime<Utc>> = all().map(|written| written.at).collect();
        let values: [&(dyn ToSql + Sync); 4] = [&streams, &places, &reporters, &ats];
        run(transaction, schema, include_str!("filing.sql"), &values).await?;
        Ok(())
    }

    async fn write_filed(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.filed.is_empty() {
            return Ok(());
        }
        let all = || self.filed.values().map(|(_, filed)| filed);
        let reports: Vec<Uuid> = self.filed.keys().copied().collect();
        let streams: Vec<Uuid> = self.filed.values().map(|(written, _)| written.stream).collect();
        let conversations: Vec<Uuid> = all().map(|filed| filed.conversation.0).collect();
        let messages: Vec<Uuid> = all().map(|filed| filed.message).collect();
        let senders: Vec<Uuid> = all().map(|filed| filed.sender.0).collect();
        let reporters: Vec<Uuid> = all().map(|filed| filed.by.0).collect();
        let reasons: Vec<&str> = all().map(|filed| filed.reason.as_str()).collect();
        let notes: Vec<Option<&str>> = all()
            .map(|filed| filed.note.as_ref().map(ReportNote::as_str))
            .collect();
        let places: Vec<i64> = self.filed.values().map(|(written, _)| written.pos).collect();
        let ats: Vec<DateTime<Utc>> = self.filed.values().map(|(written, _)| written.at).collect();
        let versions: Vec<i64> = all().map(|filed| i64::from(filed.versions)).collect();
        let values: [&(dyn ToSql + Sync); 11] = [
            &reports,
            &streams,
            &conversations,
            &messages,
            &senders,
            &reporters,
            &reasons,
            &notes,
            &places,
            &ats,
            &versions,
        ];
        run(transaction, schema, include_str!("report.sql"), &values).await?;
        Ok(())
    }

    async fn write_handled(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.handled.is_empty() {
            return Ok(());
        }
        let all = || self.handled.values().map(|(_, handled)| handled);
        let reports: Vec<Uuid> = self.handled.keys().copied().collect();
        let states: Vec<&str> = all()
            .map(|handled| ReportState::after(Some(handled.action)).as_str())
            .collect();
        let actions: Vec<&str> = all().map(|handled| handled.action.as_str()).collect();
        let people: Vec<Uuid> = all().map(|handled| handled.by.0).collect();
        let ats: Vec<DateTime<Utc>> = self.handled.values().map(|(written, _)| written.at).collect();
        let notes: Vec<Option<&str>> = all()
            .map(|handled| handled.note.as_ref().map(Reason::as_str))
            .collect();
        let values: [&(dyn ToSql + Sync); 6] = [&reports, &states, &actions, &people, &ats, &notes];
        run(transaction, schema, include_str!("report_handled.sql"), &values).await?;
        Ok(())
    }
}
