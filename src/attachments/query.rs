//! What stands behind the `?` of an address.

use crate::problem::Problem;
use axum::extract::Query;

/// Names with their values, as often as they were said.
pub(super) type Pairs = Query<Vec<(String, String)>>;

/// The value of `name`, which may be said once.
pub(super) fn one<'a>(Query(pairs): &'a Pairs, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = pairs.iter().filter(|(said, _)| said == name);
    let value = values.next().map(|(_, value)| value.as_str());
    if values.next().is_some() {
        return Err(Problem::invalid(name, format!("`{name}` is said twice")));
    }
    Ok(value)
}
