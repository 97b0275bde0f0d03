//! Checking variables before execution, as the specification of GraphQL says: a request whose variables do not fit their
//! types is refused as a whole. The library finds out field by field.

use crate::errors::{Code, Refusal};
use async_graphql::parser::types::{BaseType, OperationDefinition, Type};
use async_graphql::{Value, Variables};

/// Refuses variables that are missing or do not fit.
pub(crate) fn check(operation: &OperationDefinition, variables: &Variables) -> Result<(), Refusal> {
    for definition in &operation.variable_definitions {
        let (name, kind) = (&definition.node.name.node, &definition.node.var_type.node);
        let fits = match variables.get(name) {
            Some(value) => fits(kind, value),
            None => kind.nullable || definition.node.default_value.is_some(),
        };
        if !fits {
            return Err(Refusal {
                field: Some("variables".into()),
                ..Refusal::new(
                    Code::InvalidArgument,
                    format!("the variable ${name} is not {kind}"),
                )
            });
        }
    }
    Ok(())
}

fn fits(kind: &Type, value: &Value) -> bool {
    match (&kind.base, value) {
        (_, Value::Null) => kind.nullable,
        (BaseType::List(kind), Value::List(items)) => items.iter().all(|item| fits(kind, item)),
        // One value stands for a list of one.
        (BaseType::List(kind), value) => fits(kind, value),
        (BaseType::Named(name), value) => match name.as_str() {
            "Int" => {
                matches!(value, Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()))
            }
            "Float" => matches!(value, Value::Number(_)),
            "String" => matches!(value, Value::String(_)),
            "Boolean" => matches!(value, Value::Boolean(_)),
            "ID" => match value {
                Value::String(_) => true,
                Value::Number(number) => !number.is_f64(),
                _ => false,
            },
            // Other types know better themselves what fits.
            _ => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;
    use serde_json::json;

    fn is_refused(definitions: &str, variables: serde_json::Value) -> bool {
        let document = parse_query(format!("query({definitions}) {{ me {{ id }} }}")).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        check(&operation.node, &Variables::from_json(variables)).is_err()
    }

    #[test]
    fn variables_must_fit_their_types() {
        for (definitions, variables) in [
            ("$n: Int!", json!({})),
            ("$n: Int!", json!({ "n": null })),
            ("$n: Int! = 3", json!({ "n": null })),
            ("$n: Int", json!({ "n": "3" })),
            ("$n: Int", json!({ "n": 3.5 })),
            ("$n: Int", json!({ "n": 3_000_000_000_u64 })),
            ("$s: String", json!({ "s": 3 })),
            ("$b: Boolean!", json!({ "b": "true" })),
            ("$i: ID!", json!({ "i": true })),
            ("$l: [ID!]", json!({ "l": ["a", null] })),
            ("$l: [ID!]", json!({ "l": [["a"]] })),
        ] {
            assert!(
                is_refused(definitions, variables.clone()),
                "{definitions} {variables}"
            );
        }
    }

    #[test]
    fn variables_that_fit_are_taken() {
        for (definitions, variables) in [
            ("$n: Int", json!({})),
            ("$n: Int! = 3", json!({})),
            ("$n: Int", json!({ "n": null })),
            ("$n: Int!", json!({ "n": 3, "other": 4 })),
            ("$i: ID!", json!({ "i": "a" })),
            ("$l: [ID!]!", json!({ "l": ["a", "b"] })),
            ("$l: [ID!]!", json!({ "l": "a" })),
        ] {
            assert!(
                !is_refused(definitions, variables.clone()),
                "{definitions} {variables}"
            );
        }
    }
}
