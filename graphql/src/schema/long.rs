//! Whole numbers beyond what GraphQL's `Int` holds.

use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};

/// A whole number: a seq, a position or a count, which can pass 2^31. Written as a JSON number; none is beyond 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Long(pub(crate) i64);

#[Scalar]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => number.as_i64().map(Self),
            _ => None,
        }
        .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::Number(Number::from(self.0))
    }
}
