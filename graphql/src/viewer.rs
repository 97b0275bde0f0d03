//! Who asks.

use crate::errors::{Code, Refusal};
use async_graphql::{Context, Guard};
use std::time::Duration;
use uuid::Uuid;

/// A user who has shown a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub user: Uuid,
    /// What the user may do beyond what every user may.
    pub roles: Vec<String>,
    /// The login that the token belongs to, where it is one of ours.
    pub session: Option<Uuid>,
    /// How long the token stays valid; `None` for ever. A socket is closed then.
    pub valid_for: Option<Duration>,
}

/// The role that may see and do what concerns the whole server.
const ADMIN: &str = "admin";
/// The role that looks after what people say to one another.
const MODERATOR: &str = "moderator";
/// The role that may see what administrators see and do, and do nothing.
const AUDITOR: &str = "auditor";

/// The viewer of this request, or the refusal that there is none.
pub(crate) fn viewer<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    context.data_opt::<Viewer>().ok_or_else(Refusal::unauthenticated)
}

/// The same, of a viewer who may see what concerns the whole server.
pub(crate) fn admin<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    with_role(context, &[ADMIN], "this is for administrators")
}

/// The same, of one who may see it, and need not do anything.
pub(crate) fn auditor<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    with_role(
        context,
        &[ADMIN, AUDITOR],
        "this is for administrators and auditors",
    )
}

/// The same, of one who settles what members report.
pub(crate) fn moderator<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    with_role(
        context,
        &[ADMIN, MODERATOR],
        "this is for administrators and moderators",
    )
}

/// The same, of one who may see what members report: whoever has a role.
pub(crate) fn overseer<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    with_role(
        context,
        &[ADMIN, MODERATOR, AUDITOR],
        "this is for those who look after the server",
    )
}

fn with_role<'a>(
    context: &Context<'a>,
    roles: &[&str],
    otherwise: &'static str,
) -> Result<&'a Viewer, Refusal> {
    let viewer = viewer(context)?;
    if viewer.roles.iter().any(|role| roles.contains(&role.as_str())) {
        Ok(viewer)
    } else {
        Err(Refusal::new(Code::Forbidden, otherwise))
    }
}

/// Guards fields that are for administrators and auditors.
pub(crate) struct Auditors;

impl Guard for Auditors {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        auditor(context)?;
        Ok(())
    }
}
