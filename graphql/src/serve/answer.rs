//! What requests are answered with, and what that takes of the node.

use crate::budget::Budget;
use crate::errors::Refusal;
use crate::serve::limits::turns::Place;
use async_graphql::Response;
use serde::Serialize;

/// What a request is answered with. It counts among the answers of this node until it is dropped.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Answer {
    pub response: Response,
    #[serde(skip)]
    pub(crate) held: Held,
}

/// The place and the bytes that an answer takes, given back when dropped.
#[derive(Default)]
pub(crate) struct Held {
    pub(super) place: Option<Place>,
    pub(super) _budget: Option<Budget>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self {
            response,
            held: Held::default(),
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        refusal.into_response().into()
    }
}
