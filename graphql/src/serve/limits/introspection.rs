//! How large the schema is, for what an introspection of it costs.
//!
//! Its lists have no pages. They are reckoned as long as they are on average; where one type is named, which may be the
//! largest, so many times that.

/// What it costs to find out what there is to be shown: each type, field and argument is looked at.
const SCHEMA: usize = 250;
/// Types, those of the language included.
const TYPES: usize = 150;
/// Fields of each type. Arguments of each field, fields that are put in, interfaces and possible types are one or fewer.
const FIELDS: usize = 4;
/// Values of each type.
const VALUES: usize = 2;
/// How many times the average the largest type has.
const LARGEST: usize = 10;
const DIRECTIVES: usize = 5;

/// Lists that lead back to where they came from. Each multiplies the answer.
const LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// Whether a field is such a list.
pub(super) fn is_list(field: &str) -> bool {
    LISTS.contains(&field)
}

/// What a field costs by itself, and how many entries it has.
pub(super) fn cost(field: &str) -> (usize, usize) {
    match field {
        "__schema" => (SCHEMA, 1),
        "__type" => (SCHEMA, LARGEST),
        "queryType" | "mutationType" | "subscriptionType" => (1, LARGEST),
        "types" => (1, TYPES),
        "fields" => (1, FIELDS),
        "enumValues" => (1, VALUES),
        "directives" => (1, DIRECTIVES),
        _ => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

    /// Types that each schema has: scalars, and those of introspections with some 40 fields.
    const LANGUAGE_TYPES: usize = 13;
    const LANGUAGE_FIELDS: usize = 40;
    /// The places where directives may stand.
    const LANGUAGE_VALUES: usize = 30;

    /// One that has outgrown this would be told for too little.
    #[test]
    fn the_schema_is_no_larger_than_it_is_reckoned() {
        let (mut types, mut fields, mut arguments, mut values) =
            (LANGUAGE_TYPES, LANGUAGE_FIELDS, 0, LANGUAGE_VALUES);
        for definition in parse_schema(crate::sdl()).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            types += 1;
            match definition.node.kind {
                TypeKind::Object(object) => {
                    assert!(
                        object.fields.len() <= FIELDS * LARGEST,
                        "{}",
                        definition.node.name
                    );
                    fields += object.fields.len();
                    arguments += object
                        .fields
                        .iter()
                        .map(|field| field.node.arguments.len())
                        .sum::<usize>();
                }
                TypeKind::Enum(kind) => {
                    assert!(kind.values.len() <= VALUES * LARGEST, "{}", definition.node.name);
                    values += kind.values.len();
                }
                TypeKind::Scalar => {}
                other => panic!("nothing is known of {other:?}"),
            }
        }
        assert!(types <= TYPES, "{types} types");
        assert!(fields <= FIELDS * TYPES, "{fields} fields");
        assert!(arguments <= fields, "{arguments} arguments");
        assert!(values <= VALUES * TYPES, "{values} values");
    }
}
