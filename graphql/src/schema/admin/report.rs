//! Reports, as those see them who look after what people say to one another.

use super::backend;
use crate::backend::{ReportPosition, SaidKind, Version};
use crate::database::Database;
use crate::errors::Refusal;
use crate::schema::attachment::address;
use crate::schema::cursor::ReportPlace;
use crate::schema::long::Long;
use crate::schema::message::ContentKind;
use crate::schema::page::{Entries, Page};
use crate::schema::time::Time;
use crate::schema::user::{self, User};
use crate::viewer::overseer;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use tidings_eventlog::Position;
use tidings_eventlog::record::lane_of;
use tidings_projections::people::{self, Handled, Handling};
use uuid::Uuid;

/// What a member has said is wrong with a message. Whoever has sent the message is not shown it, whatever their role.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Report {
    reason: String,
    note: Option<String>,
    filed_at: Time,
    /// How many versions the message had then, the first included. Each time it is reported once more there are more of them.
    pub(crate) versions: u32,
    state: ReportState,
    /// What was done last.
    action: Option<ReportAction>,
    handled_at: Option<Time>,
    /// Why that was done.
    handling_note: Option<String>,
    /// Whether the message is withheld from everybody now.
    withheld: bool,
    #[graphql(skip)]
    of: people::Report,
}

/// What has become of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ReportState {
    /// Nobody has looked at it.
    Open,
    /// Somebody looks at it.
    Assigned,
    /// There is nothing wrong.
    Dismissed,
    /// It is seen to.
    Resolved,
}

/// What is done with a report. All but the first settle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ReportAction {
    /// Look at it, so that others need not.
    Assign,
    /// There is nothing wrong.
    Dismiss,
    /// It was seen to, otherwise than by taking the message back.
    Resolve,
    /// The message is taken back. The note is told to members as the reason.
    Recall,
}

/// What a message said at some time up to its report: when it was sent, or after an edit.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Evidence {
    /// Where it stands among the events of the conversation.
    seq: Long,
    at: Time,
    kind: ContentKind,
    /// The text, or what is written below a picture or file.
    text: Option<String>,
    attachment: Option<ID>,
    /// Where the picture or file can be fetched without a header, by whoever has the address, for some hours, while the viewer looks after
    /// reports and the bytes are kept.
    url: Option<String>,
}

#[ComplexObject]
impl Report {
    async fn id(&self) -> ID {
        self.of.id.into()
    }

    async fn conversation(&self) -> ID {
        self.of.conversation.into()
    }

    async fn message(&self) -> ID {
        self.of.message.into()
    }

    /// Its place in the log, as `<lane>:<pos>`: what the message had said by then is before it.
    async fn position(&self) -> String {
        let (lane, pos) = (lane_of(self.of.reports), self.of.pos);
        Position { lane, pos }.to_string()
    }

    /// Who sent the message.
    async fn sender(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.of.sender).await?)
    }

    async fn reporter(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.of.reporter).await?)
    }

    /// Who has done something about it last.
    async fn handled_by(&self, context: &Context<'_>) -> Result<Option<User>> {
        let Some(handled) = &self.of.handled else {
            return Ok(None);
        };
        Ok(Some(user::part(context, handled.by).await?))
    }

    /// What the message had said when it was reported, oldest first, whatever became of it since. Whoever asks has looked at it, which
    /// `admin.audit` tells.
    async fn evidence(&self, context: &Context<'_>) -> Result<Option<Vec<Evidence>>> {
        let viewer = overseer(context)?;
        let place = ReportPosition {
            conversation: self.of.conversation,
            message: self.of.message,
            pos: self.of.pos,
        };
        let backend = backend(context);
        let versions = backend.evidence(viewer.user, place).await?;
        let shown = versions.into_iter().map(|version| {
            let url = version
                .attachment
                .map(|attachment| address(attachment, &backend.evidence_ticket(viewer.user, attachment)));
            Evidence::of(version, url)
        });
        Ok(Some(shown.collect()))
    }
}

impl Report {
    pub(super) fn place(&self) -> ReportPlace {
        ReportPlace {
            at: self.of.filed_at,
            report: self.of.id,
        }
    }

    /// The stream of the message's reports.
    pub(crate) fn reports(&self) -> Uuid {
        self.of.reports
    }

    pub(crate) fn about(&self) -> (Uuid, Uuid) {
        (self.of.conversation, self.of.message)
    }
}

impl From<people::Report> for Report {
    fn from(report: people::Report) -> Self {
        let handled = report.handled.as_ref();
        let handling = handled.map(|handled| handled.handling);
        Self {
            reason: report.reason.clone(),
            note: report.note.clone(),
            filed_at: Time(report.filed_at),
            versions: report.versions,
            state: people::ReportState::after(handling).into(),
            action: handling.map(ReportAction::from),
            handled_at: handled.map(|handled: &Handled| Time(handled.at)),
            handling_note: handled.and_then(|handled| handled.note.clone()),
            withheld: report.withheld,
            of: report,
        }
    }
}

impl From<people::ReportState> for ReportState {
    fn from(state: people::ReportState) -> Self {
        match state {
            people::ReportState::Open => Self::Open,
            people::ReportState::Assigned => Self::Assigned,
            people::ReportState::Dismissed => Self::Dismissed,
            people::ReportState::Resolved => Self::Resolved,
        }
    }
}

impl From<ReportState> for people::ReportState {
    fn from(state: ReportState) -> Self {
        match state {
            ReportState::Open => Self::Open,
            ReportState::Assigned => Self::Assigned,
            ReportState::Dismissed => Self::Dismissed,
            ReportState::Resolved => Self::Resolved,
        }
    }
}

impl From<Handling> for ReportAction {
    fn from(handling: Handling) -> Self {
        match handling {
            Handling::Assign => Self::Assign,
            Handling::Dismiss => Self::Dismiss,
            Handling::Resolve => Self::Resolve,
            Handling::Recall => Self::Recall,
        }
    }
}

impl From<ReportAction> for Handling {
    fn from(action: ReportAction) -> Self {
        match action {
            ReportAction::Assign => Self::Assign,
            ReportAction::Dismiss => Self::Dismiss,
            ReportAction::Resolve => Self::Resolve,
            ReportAction::Recall => Self::Recall,
        }
    }
}

impl Evidence {
    fn of(version: Version, url: Option<String>) -> Self {
        let kind = match version.kind {
            SaidKind::Text => ContentKind::Text,
            SaidKind::Image => ContentKind::Image,
            SaidKind::File => ContentKind::File,
        };
        Self {
            seq: Long(version.seq.cast_signed()),
            at: Time(version.at),
            kind,
            text: version.text,
            attachment: version.attachment.map(ID::from),
            url,
        }
    }
}

/// A page of the reports of which this has become, or of all, in the order in which they came.
pub(super) async fn read(
    context: &Context<'_>,
    state: Option<ReportState>,
    page: &Page<ReportPlace>,
) -> Result<Entries<Report>, Refusal> {
    let viewer = overseer(context)?.user;
    let range = page.range(true, |place| (place.at, place.report));
    let select = people::reports(viewer, state.map(people::ReportState::from), &range);
    let rows = context.data_unchecked::<Database>().ask(&select).await?;
    let rows = rows
        .into_iter()
        .map(|row| (row.around, row.entry.map(Report::from)));
    Ok(page.gathered(rows.collect()))
}

/// The report of that id, unless it is about what the viewer has sent.
pub(crate) async fn one(context: &Context<'_>, viewer: Uuid, id: Uuid) -> Result<Option<Report>, Refusal> {
    let database = context.data_unchecked::<Database>();
    let found = database.ask(&people::report(viewer, id)).await?;
    Ok(found.into_iter().next().map(Report::from))
}
