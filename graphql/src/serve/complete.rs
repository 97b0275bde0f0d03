//! Completing answers as the specification of GraphQL says: a field that failed is null, null where none may be makes its
//! parent null, and fields stand in the order in which they were asked for. The library leaves failed fields out and
//! orders fields by when they were ready.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet, Type,
    TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, PathSegment, Response, ServerError, Value};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// The types of all fields of all objects of the schema. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Types(Arc<HashMap<Name, HashMap<Name, Type>>>);

/// What was asked, to complete the answers to it.
pub(crate) struct Question {
    types: Types,
    document: ExecutableDocument,
    operation_name: Option<String>,
}

/// The fields of an object that were asked for: their names and what was asked of them, by their keys in the answer.
type Fields<'a> = IndexMap<&'a Name, (&'a Name, Vec<&'a SelectionSet>)>;

impl Types {
    /// Reads a schema. Of one that does not parse, nothing is known, and answers stay as they are.
    pub(crate) fn of(sdl: &str) -> Self {
        let mut types = HashMap::new();
        for definition in parse_schema(sdl)
            .map(|schema| schema.definitions)
            .unwrap_or_default()
        {
            if let TypeSystemDefinition::Type(definition) = definition
                && let TypeKind::Object(object) = definition.node.kind
            {
                let fields = object
                    .fields
                    .into_iter()
                    .map(|field| (field.node.name.node, field.node.ty.node));
                types.insert(definition.node.name.node, fields.collect());
            }
        }
        Self(Arc::new(types))
    }
}

impl Question {
    pub(crate) fn new(types: &Types, document: ExecutableDocument, operation_name: Option<&str>) -> Self {
        Self {
            types: types.clone(),
            document,
            operation_name: operation_name.map(str::to_owned),
        }
    }

    /// Completes an answer. One to a request that was refused as a whole has no data and stays as it is.
    pub(crate) fn complete(&self, mut response: Response) -> Response {
        let Some(operation) = self.operation() else {
            return response;
        };
        let failures = Failures::of(&response.errors);
        let data = match std::mem::take(&mut response.data) {
            Value::Object(data) => data,
            _ if failures.is_below("") => IndexMap::new(),
            data => {
                response.data = data;
                return response;
            }
        };
        let root = Name::new(match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        });
        let walk = Walk {
            question: self,
            failures,
        };
        response.data = walk
            .object(&root, &[&operation.selection_set.node], data, "")
            .unwrap_or_default();
        response
    }

    /// How many fields the root of the operation has in the answer.
    pub(crate) fn root_fields(&self) -> usize {
        let mut fields = Fields::new();
        if let Some(operation) = self.operation() {
            self.collect(&[&operation.selection_set.node], &mut fields);
        }
        fields.len()
    }

    pub(crate) fn is_subscription(&self) -> bool {
        self.operation()
            .is_some_and(|operation| operation.ty == OperationType::Subscription)
    }

    /// The operation that is meant; `None` when there is none of that name.
    pub(crate) fn operation(&self) -> Option<&OperationDefinition> {
        let mut operations = self.document.operations.iter();
        let wanted = |name: Option<&Name>| match &self.operation_name {
            Some(wanted) => name.is_some_and(|name| name.as_str() == wanted),
            None => true,
        };
        operations
            .find(|(name, _)| wanted(*name))
            .map(|(_, operation)| &operation.node)
    }

    fn collect<'a>(&'a self, selections: &[&'a SelectionSet], fields: &mut Fields<'a>) {
        for selection in selections.iter().flat_map(|selection| &selection.items) {
            match &selection.node {
                Selection::Field(field) => {
                    let (key, name) = (&field.node.response_key().node, &field.node.name.node);
                    fields
                        .entry(key)
                        .or_insert((name, vec![]))
                        .1
                        .push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    self.collect(&[&fragment.node.selection_set.node], fields);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        self.collect(&[&fragment.node.selection_set.node], fields);
                    }
                }
            }
        }
    }
}

struct Walk<'a> {
    question: &'a Question,
    failures: Failures,
}

impl<'a> Walk<'a> {
    /// `None` when the object must be null.
    fn object(
        &self,
        name: &Name,
        selections: &[&'a SelectionSet],
        mut found: IndexMap<Name, Value>,
        path: &str,
    ) -> Option<Value> {
        let Some(types) = self.question.types.0.get(name) else {
            return Some(Value::Object(found));
        };
        let mut fields = Fields::new();
        self.question.collect(selections, &mut fields);
        let mut complete = IndexMap::with_capacity(fields.len());
        for (key, (name, selections)) in fields {
            let path = format!("{path}/{key}");
            let value = match found.swap_remove(key) {
                Some(value) => value,
                None if self.failures.is_at(&path) || self.failures.is_below(&path) => Value::Null,
                // Nobody wanted it in the end.
                None => continue,
            };
            let value = match types.get(name) {
                Some(kind) => self.value(kind, &selections, value, &path)?,
                None => value,
            };
            complete.insert(key.clone(), value);
        }
        Some(Value::Object(complete))
    }

    /// `None` when what holds the value must be null.
    fn value(&self, kind: &Type, selections: &[&'a SelectionSet], value: Value, path: &str) -> Option<Value> {
        let complete = match (&kind.base, value) {
            (BaseType::Named(name), Value::Object(found)) => self.object(name, selections, found, path),
            // The library's way to say that nothing came of an object's fields.
            (BaseType::Named(name), Value::Null) if self.failures.is_below(path) => {
                self.object(name, selections, IndexMap::new(), path)
            }
            (BaseType::List(kind), Value::List(items)) => {
                let items = items.into_iter().enumerate();
                let complete =
                    items.map(|(i, item)| self.value(kind, selections, item, &format!("{path}/{i}")));
                complete.collect::<Option<Vec<_>>>().map(Value::List)
            }
            (_, Value::Null) => None,
            (_, value) => Some(value),
        };
        complete.or(kind.nullable.then_some(Value::Null))
    }
}

/// Where fields failed. A path begins with a slash.
struct Failures {
    at: HashSet<String>,
    below: HashSet<String>,
}

impl Failures {
    fn of(errors: &[ServerError]) -> Self {
        let mut failures = Self {
            at: HashSet::new(),
            below: HashSet::new(),
        };
        for error in errors.iter().filter(|error| !error.path.is_empty()) {
            let mut path = String::new();
            for segment in &error.path {
                failures.below.insert(path.clone());
                // Writing to a string cannot fail.
                let _ = match segment {
                    PathSegment::Field(name) => write!(path, "/{name}"),
                    PathSegment::Index(index) => write!(path, "/{index}"),
                };
            }
            failures.at.insert(path);
        }
        failures
    }

    fn is_at(&self, path: &str) -> bool {
        self.at.contains(path)
    }

    fn is_below(&self, path: &str) -> bool {
        self.below.contains(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    const SCHEMA: &str = "type Query { a: A, must: A!, list: [A!], holes: [A] } \
        type A { name: String!, maybe: String, a: A, must: A! }";

    fn complete(query: &str, data: Json, paths: &[&str]) -> Json {
        serde_json::from_str(&complete_text(query, data, paths)).unwrap()
    }

    fn complete_text(query: &str, data: Json, paths: &[&str]) -> String {
        let question = Question::new(&Types::of(SCHEMA), parse_query(query).unwrap(), None);
        let segment = |text: &str| match text.parse() {
            Ok(index) => PathSegment::Index(index),
            Err(_) => PathSegment::Field(text.to_owned()),
        };
        let error =
            |path: &&str| ServerError::new("", None).with_path(path.split('/').map(segment).collect());
        let mut response = Response::new(Value::from_json(data).unwrap());
        response.errors = paths.iter().map(error).collect();
        serde_json::to_string(&question.complete(response).data).unwrap()
    }

    #[test]
    fn a_field_that_failed_is_null() {
        let data = json!({ "a": { "name": "x" } });
        assert_eq!(
            complete("{ a { name maybe } }", data, &["a/maybe"]),
            json!({ "a": { "name": "x", "maybe": null } })
        );
        assert_eq!(
            complete("{ a { other: maybe } }", Json::Null, &["a/other"]),
            json!({ "a": { "other": null } })
        );
    }

    #[test]
    fn null_goes_up_to_where_it_may_be() {
        let data = json!({ "a": { "must": { "maybe": "x" } } });
        assert_eq!(
            complete("{ a { must { maybe name } } }", data, &["a/must/name"]),
            json!({ "a": null })
        );
        let data = json!({ "a": { "a": { "maybe": "x" }, "name": "y" } });
        assert_eq!(
            complete("{ a { a { maybe name } name } }", data, &["a/a/name"]),
            json!({ "a": { "a": null, "name": "y" } })
        );
        assert_eq!(
            complete("{ must { name } }", json!({ "must": null }), &["must/name"]),
            Json::Null
        );
        let items = json!([{ "name": "x" }, { "maybe": "y" }]);
        let (list, holes) = (json!({ "list": items }), json!({ "holes": items }));
        assert_eq!(
            complete("{ list { name maybe } }", list, &["list/1/name", "list/0/maybe"]),
            json!({ "list": null })
        );
        assert_eq!(
            complete(
                "{ holes { name maybe } }",
                holes,
                &["holes/1/name", "holes/0/maybe"]
            ),
            json!({ "holes": [{ "name": "x", "maybe": null }, null] })
        );
    }

    #[test]
    fn what_was_skipped_stays_away() {
        let query = "query($no: Boolean!) { a { name must @include(if: $no) { name } } }";
        assert_eq!(
            complete(query, json!({ "a": { "name": "x" } }), &[]),
            json!({ "a": { "name": "x" } })
        );
    }

    #[test]
    fn fields_stand_as_they_were_asked_for() {
        let data = json!({ "a": { "must": { "name": "y", "maybe": null }, "name": "x", "__typename": "A" } });
        let query = "{ a { name ...F must { maybe } } } fragment F on A { __typename must { name } }";
        let ordered = complete_text(query, data, &[]);
        assert_eq!(
            ordered,
            r#"{"a":{"name":"x","__typename":"A","must":{"name":"y","maybe":null}}}"#
        );
    }

    #[test]
    fn a_request_that_was_refused_has_no_data() {
        let question = Question::new(&Types::of(SCHEMA), parse_query("{ a { name } }").unwrap(), None);
        let refused = question.complete(Response::from_errors(vec![ServerError::new("no", None)]));
        assert_eq!(refused.data, Value::Null);
    }
}
