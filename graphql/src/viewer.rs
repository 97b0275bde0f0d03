//! Who asks.

use crate::errors::Refusal;
use async_graphql::Context;
use std::time::Duration;
use uuid::Uuid;

/// A user who has shown a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub user: Uuid,
    /// What the user may do beyond what every user may.
    pub roles: Vec<String>,
    /// How long the token stays valid; `None` for ever. A socket is closed then.
    pub valid_for: Option<Duration>,
}

/// The viewer of this request, or the refusal that there is none.
pub(crate) fn viewer<'a>(context: &Context<'a>) -> Result<&'a Viewer, Refusal> {
    context.data_opt::<Viewer>().ok_or_else(Refusal::unauthenticated)
}
