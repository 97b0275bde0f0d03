//! What a document may cost. Measured before it is validated, in time linear in its length, because validation and
//! execution follow every fragment as often as it is spread.

mod measure;
mod nesting;
pub(crate) mod turns;

use crate::errors::{Code, Refusal};
use async_graphql::{Request, ServerError};

/// The deepest nesting of fields, where the fields of the root have depth 1.
pub const DEPTH_MAX: usize = 12;
/// The highest cost: one for each field, times the sizes of the pages that it lies in.
pub const COST_MAX: usize = 50_000;
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

/// Refuses a document that is nested too deep or would cost too much. Returns what it costs.
pub(crate) fn check(request: &mut Request) -> Result<usize, Excess> {
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
    if measure.cost > COST_MAX {
        let cost = measure.cost;
        return Err(too_large(format!("the query costs {cost}, which is more than {COST_MAX}")).into());
    }
    Ok(measure.cost)
}

fn too_large(message: String) -> Refusal {
    Refusal::new(Code::TooLarge, message)
}
