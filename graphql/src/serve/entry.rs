//! What is told of a request before it is worked on: whether it may be, for how long, and who pays.

use crate::errors::{Refusal, coded};
use crate::serve::limits::{self, Excess, Price};
use crate::viewer::Viewer;
use async_graphql::{Request, Response, ServerError};
use uuid::Uuid;

/// The longest document of a request that is worked on where it arrives, and the most that it may cost: a page of fifty messages
/// with all about their senders.
const SHORT_BYTES: usize = 1024;
const SHORT_COST: usize = 1000;

/// How long the steps of a request take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// So short that it is not worth the way to another thread.
    Short,
    Long,
}

/// Tells from the document, and reads one that is short. An introspection reads nothing, so that all of it is one step.
pub(super) fn pace(request: &mut Request) -> Result<Pace, Box<Response>> {
    if request.query.len() > SHORT_BYTES {
        return Ok(Pace::Long);
    }
    let price = check(request)?;
    Ok(if price.cost <= SHORT_COST && !price.introspects {
        Pace::Short
    } else {
        Pace::Long
    })
}

/// Who pays for a request. All those who have not said who they are share what one viewer has.
pub(super) fn spender(viewer: Option<&Viewer>) -> Uuid {
    viewer.map_or_else(Uuid::nil, |viewer| viewer.user)
}

/// What it costs to read a document, whatever it asks for.
pub(super) fn reading_cost(request: &Request) -> usize {
    1 + request.query.len() / 256
}

pub(super) fn check(request: &mut Request) -> Result<Price, Box<Response>> {
    limits::check(request).map_err(|excess| match excess {
        Excess::Syntax(error) => refuse(error),
        Excess::Refused(refusal) => boxed(refusal),
    })
}

pub(super) fn refuse(error: ServerError) -> Box<Response> {
    Box::new(coded(Response::from_errors(vec![error])))
}

pub(super) fn boxed(refusal: Refusal) -> Box<Response> {
    Box::new(refusal.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_the_schema_does_not_do_it_where_it_arrives() {
        for (query, expected) in [
            ("{ me { id } }", Pace::Short),
            ("{ __schema { queryType { name } } }", Pace::Long),
            ("{ __type(name: \"User\") { name } }", Pace::Long),
            (
                "{ me { id } ...f } fragment f on Query { __schema { description } }",
                Pace::Long,
            ),
        ] {
            let found = pace(&mut Request::new(query)).ok();
            assert_eq!(found, Some(expected), "{query}");
        }
    }
}
