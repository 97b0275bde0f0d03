//! Who asks.

use crate::errors::{Code, Refusal};
use async_graphql::Context;
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

/// The role that may see what concerns the whole server.
const ADMIN: &str = "admin";

/// The viewer of this request, or the refusal that there is none.
pub(crate) fn viewer<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    context.data_opt::<Viewer>().ok_or_else(Refusal::unauthenticated)
}

/// The same, of a viewer who may see what concerns the whole server.
pub(crate) fn admin<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    let viewer = viewer(context)?;
    if viewer.roles.iter().any(|role| role == ADMIN) {
        Ok(viewer)
    } else {
        Err(Refusal::new(Code::Forbidden, "this is for administrators"))
    }
}
