//! What a document may cost. Measured before it is validated, in time linear in its length, because validation and
//! execution follow every fragment as often as it is spread.

mod introspection;
mod measure;
mod nesting;
pub(crate) mod turns;

use crate::errors::{Code, Refusal};
use async_graphql::{Request, ServerError};

/// The deepest nesting of fields, where the fields of the root have depth 1.
pub const DEPTH_MAX: usize = 12;
/// The highest cost: one for each field, times the sizes of the pages that it lies in. That of introspections is none of it.
pub const COST_MAX: usize = 50_000;
/// The highest cost of introspections; what tools ask costs some 60,000.
const INTROSPECTION_COST_MAX: usize = 100_000;
/// The deepest nesting within `__schema` and `__type`; what tools ask needs some fifteen.
const INTROSPECTION_DEPTH_MAX: usize = 24;
/// Lists of fields or types within each other in an introspection. Each multiplies the answer by the size of the schema.
const INTROSPECTION_LISTS_MAX: usize = 3;
/// Brackets within each other. The parser has no bound of its own and would exhaust its stack.
const NESTING_MAX: usize = 64;

/// The longest document of a request without a viewer: tools that read the schema need some 2,000 bytes.
const STRANGER_BYTES_MAX: usize = 8 * 1024;

/// Why a request is refused before it is executed.
pub(crate) enum Excess {
    /// It does not parse.
    Syntax(ServerError),
    Refused(Refusal),
}

impl From<Refusal> for Excess {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Refuses a long document of somebody who has not said who they are: reading it is work already.
pub(crate) fn check_length(request: &Request, has_viewer: bool) -> Result<(), Refusal> {
    if has_viewer || request.query.len() <= STRANGER_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Unauthenticated,
        "a document of this length needs a valid token",
    ))
}

/// What a document costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    pub(crate) cost: usize,
    /// What each answer of a subscription costs behind the first.
    pub(crate) again: usize,
    /// Whether it asks for the schema.
    pub(crate) introspects: bool,
}

/// Refuses a document that is nested too deep or would cost too much. Returns what it costs.
pub(crate) fn check(request: &mut Request) -> Result<Price, Excess> {
    if nesting::depth(&request.query) > NESTING_MAX {
        return Err(too_large(format!("brackets are nested deeper than {NESTING_MAX}")).into());
    }
    request.parsed_query().map_err(Excess::Syntax)?;
    let variables = std::mem::take(&mut request.variables);
    let measured = request
        .parsed_query()
        .map_err(Excess::Syntax)
        .and_then(|document| {
            let measure = measure::document(document, &variables)?;
            Ok(measure)
        });
    request.variables = variables;
    let measure = measured?;
    if measure.depth > DEPTH_MAX {
        return Err(too_large(format!("fields are nested deeper than {DEPTH_MAX}")).into());
    }
    if measure.introspection_depth > INTROSPECTION_DEPTH_MAX
        || measure.introspection_lists > INTROSPECTION_LISTS_MAX
    {
        return Err(too_large("the introspection is nested too deep".to_owned()).into());
    }
    let introspection = measure.introspection_cost;
    if introspection > INTROSPECTION_COST_MAX {
        let message =
            format!("the introspection costs {introspection}, which is more than {INTROSPECTION_COST_MAX}");
        return Err(too_large(message).into());
    }
    let cost = measure.cost.saturating_sub(introspection);
    if cost > COST_MAX {
        return Err(too_large(format!("the query costs {cost}, which is more than {COST_MAX}")).into());
    }
    Ok(Price {
        cost: measure.cost,
        again: measure.cost.saturating_sub(measure.beginning),
        introspects: introspection > 0,
    })
}

fn too_large(message: String) -> Refusal {
    Refusal::new(Code::TooLarge, message)
}
