//! The depth and the cost of a document.

use crate::errors::{Code, Refusal};
use crate::schema::message::MENTIONS_MAX;
use crate::schema::page::{PAGE_DEFAULT, PAGE_MAX};
use crate::schema::pin::{PINS_MAX, PINS_USUAL};
use crate::schema::profile::NAMES_MAX;
use crate::schema::reaction::REACTIONS_MAX;
use crate::serve::limits::introspection;
use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Value, Variables};
use std::collections::HashMap;

/// Fields that are lists with pages.
pub(super) const PAGED: [&str; 27] = [
    "announcements",
    "audit",
    "banned",
    "blocked",
    "connections",
    "contactRequests",
    "contacts",
    "conversations",
    "deliveredTo",
    "edits",
    "events",
    "inbox",
    "invitations",
    "joinRequests",
    "links",
    "members",
    "messages",
    "mutedMembers",
    "parked",
    "recipients",
    "replies",
    "reports",
    "search",
    "seenBy",
    "sentContactRequests",
    "threads",
    "users",
];
/// Lists without pages, which are as long as what they tell of.
#[cfg(test)]
const WHOLE: [&str; 16] = [
    "configuration",
    "evidence",
    "ignored",
    "lanes",
    "mentions",
    "names",
    "pins",
    "nodes",
    "positions",
    "projections",
    "reactions",
    "readModels",
    "rebuilds",
    "snippet",
    "edges",
    "unknown",
];
/// People whom a message usually names at most. Each of the [`MENTIONS_MAX`] whom it may name is looked for, and counts by itself.
const MENTIONS_USUAL: usize = 20;
/// What it costs to look for somebody who need not exist: nobody else is looked for in the same statements.
const LOOK_UP: usize = 25;
/// What it costs to count over all conversations of the viewer: each is looked at.
const TOTAL: usize = 100;
/// What it costs to look at the threads of a conversation in which the viewer takes part, and at those that they follow: 1,000 and as many.
const THREADS: usize = 50;
/// What it costs to count what is unread of a thread: 1,000 replies.
const THREAD: usize = 10;
/// What it costs to look at each member of a conversation, of whom most lists then tell.
const RECEIPTS: usize = 25;
/// What it costs to find out whether the viewer may see somebody: their conversations are looked through.
const SEEN: usize = 10;
/// What it costs to look at the events of a page, which may be few of those that are looked at.
const EVENTS: usize = 250;
/// Versions that a message usually has at most.
const VERSIONS_MAX: usize = 100;
/// What it costs to find out what a conversation was: its log is read to its beginning, by those events that change what it is.
const PAST: usize = 10_000;
/// What it costs to look for words: some seconds of a connection, where they are common.
const SEARCH: usize = 1_000;
/// The longest name of a field in the answer: it is repeated for each entry of the lists around it.
const KEY_BYTES_MAX: usize = 128;

/// How large a selection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) depth: usize,
    pub(super) cost: usize,
    /// What of that is to begin with a subscription, and is not paid again for each of its answers.
    pub(super) beginning: usize,
    /// What of that is the cost of introspections.
    pub(super) introspection_cost: usize,
    pub(super) introspection_depth: usize,
    pub(super) introspection_lists: usize,
    lists: usize,
}

/// Measures all operations of a document together: validation looks at each of them.
pub(super) fn document(document: &ExecutableDocument, variables: &Variables) -> Result<Measure, Refusal> {
    let mut sum = Measure::default();
    for (_, operation) in document.operations.iter() {
        let mut walk = Walk {
            document,
            variables,
            operation: &operation.node,
            fragments: HashMap::new(),
        };
        sum = sum.and(walk.selection(&operation.node.selection_set.node, false)?);
    }
    Ok(sum)
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    operation: &'a OperationDefinition,
    /// What each fragment measures; `None` while it is being measured.
    fragments: HashMap<&'a Name, Option<Measure>>,
}

impl<'a> Walk<'a> {
    /// `of_thread` where what is selected is of threads.
    fn selection(&mut self, selection: &'a SelectionSet, of_thread: bool) -> Result<Measure, Refusal> {
        let mut sum = Measure::default();
        for item in &selection.items {
            let measure = match &item.node {
                Selection::Field(field) => self.field(&field.node, of_thread)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of_thread = condition.map_or(of_thread, |condition| is_thread(&condition.node));
                    self.selection(&fragment.node.selection_set.node, of_thread)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            sum = sum.and(measure);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Measure, Refusal> {
        match self.fragments.get(name) {
            // A spread is looked at even when the fragment is empty.
            Some(Some(measure)) => return Ok(measure.with_spread()),
            Some(None) => {
                return Err(Refusal::new(
                    Code::InvalidArgument,
                    format!("the fragment {name} holds itself"),
                ));
            }
            None => {}
        }
        // That a fragment is missing, validation says better.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Measure::default());
        };
        self.fragments.insert(name, None);
        let of_thread = is_thread(&fragment.node.type_condition.node);
        let measure = self.selection(&fragment.node.selection_set.node, of_thread)?;
        self.fragments.insert(name, Some(measure));
        Ok(measure.with_spread())
    }

    fn field(&mut self, field: &'a Field, of_thread: bool) -> Result<Measure, Refusal> {
        if field.response_key().node.len() > KEY_BYTES_MAX {
            let message = format!("the name of a field is longer than {KEY_BYTES_MAX} bytes");
            return Err(Refusal::new(Code::TooLarge, message));
        }
        let name = field.name.node.as_str();
        let leads_to_threads = match name {
            "thread" | "threads" => true,
            "edges" | "node" | "nodes" => of_thread,
            _ => false,
        };
        let inner = self.selection(&field.selection_set.node, leads_to_threads)?;
        let (itself, times) = match name {
            "search" => (SEARCH, self.page(field)),
            "asOf" => (PAST, 1),
            "deliveredTo" | "recipients" | "seenBy" => (RECEIPTS, self.page(field)),
            // What is so called elsewhere is a number.
            "events" if !field.selection_set.node.items.is_empty() => (EVENTS, self.page(field)),
            // Whether somebody may follow is asked in the lane, once for all that they are told; and of what was announced everybody is counted whom it has come to.
            "counts" | "conversationEvents" | "reach" => (EVENTS, 1),
            "online" | "lastSeen" => (SEEN, 1),
            "onlineCount" => (TOTAL, 1),
            _ if PAGED.contains(&name) => (1, self.page(field)),
            // Each is written down, and each version is read from the log.
            "evidence" => (EVENTS, VERSIONS_MAX),
            "mentions" => (MENTIONS_MAX, MENTIONS_USUAL),
            "reactions" => (1, REACTIONS_MAX),
            "names" => (1, NAMES_MAX),
            "pins" => (PINS_MAX, PINS_USUAL),
            "user" if field.get_argument("id").is_some() => (LOOK_UP, 1),
            "userByName" => (LOOK_UP, 1),
            // As a page of one does with its `nodes`.
            "member" => (2, 1),
            "unreadTotal" | "mentionTotal" => (TOTAL, 1),
            "unreadThreads" => (THREADS, 1),
            // That of a conversation is the difference of two numbers.
            "unreadCount" if of_thread => (THREAD, 1),
            _ => introspection::cost(name),
        };
        let cost = inner.cost.saturating_mul(times).saturating_add(itself);
        if matches!(name, "__schema" | "__type") {
            // What lies below is measured against limits of its own.
            return Ok(Measure {
                depth: 1,
                cost,
                beginning: 0,
                introspection_cost: cost,
                introspection_depth: inner.depth.max(inner.introspection_depth),
                introspection_lists: inner.lists.max(inner.introspection_lists),
                lists: 0,
            });
        }
        let is_list = usize::from(introspection::is_list(name));
        let beginning = match name {
            "conversationEvents" => itself.saturating_sub(1),
            _ => inner.beginning,
        };
        Ok(Measure {
            depth: inner.depth + 1,
            cost,
            beginning,
            lists: inner.lists + is_list,
            ..inner
        })
    }

    /// How many entries the field may answer.
    fn page(&self, field: &Field) -> usize {
        let sizes = ["first", "last"]
            .into_iter()
            .filter_map(|argument| field.get_argument(argument));
        let numbers = sizes.filter_map(|size| {
            let value = size
                .node
                .clone()
                .into_const_with(|name| self.variable(&name).ok_or(()));
            match value {
                Ok(Value::Number(number)) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
                _ => None,
            }
        });
        numbers.max().map_or(PAGE_DEFAULT, |size| size.clamp(1, PAGE_MAX))
    }

    fn variable(&self, name: &Name) -> Option<Value> {
        if let Some(value) = self.variables.get(name) {
            return Some(value.clone());
        }
        let definitions = &self.operation.variable_definitions;
        let definition = definitions
            .iter()
            .find(|definition| definition.node.name.node == *name)?;
        definition.node.default_value().cloned()
    }
}

/// Whether something is selected of threads, or of pages of them.
fn is_thread(condition: &TypeCondition) -> bool {
    matches!(
        condition.on.node.as_str(),
        "Thread" | "ThreadConnection" | "ThreadEdge"
    )
}

impl Measure {
    /// Both side by side.
    fn and(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            cost: self.cost.saturating_add(other.cost),
            beginning: self.beginning.saturating_add(other.beginning),
            introspection_cost: self.introspection_cost.saturating_add(other.introspection_cost),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            lists: self.lists.max(other.lists),
        }
    }

    fn with_spread(self) -> Self {
        Self {
            cost: self.cost.saturating_add(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::receipt::RECEIPTS_MAX;
    use async_graphql::parser::parse_query;
    use std::fmt::Write as _;

    fn measure(query: &str, variables: &str) -> Measure {
        let variables = Variables::from_json(serde_json::from_str(variables).unwrap());
        document(&parse_query(query).unwrap(), &variables).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    #[test]
    fn lists_without_pages_are_reckoned_as_long_as_the_domain_lets_them_be() {
        assert_eq!(MENTIONS_MAX, tidings_domain::conversation::MENTIONS_MAX);
        assert_eq!(PINS_MAX, tidings_domain::PINS_MAX);
        assert_eq!(RECEIPTS_MAX, tidings_domain::RECEIPT_MEMBERS_MAX);
    }

    #[test]
    fn a_page_multiplies_what_is_in_it() {
        assert_eq!(measure("{ me { id } }", "{}").cost, 2);
        assert_eq!(
            measure("{ conversations(first: 10) { nodes { id } } }", "{}").cost,
            21
        );
        assert_eq!(
            measure(
                "{ conversations { nodes { members(last: 3) { nodes { role } } } } }",
                "{}"
            )
            .cost,
            401
        );
        let query = "query($n: Int = 7) { conversations(first: $n) { nodes { id } } }";
        assert_eq!(measure(query, "{}").cost, 15);
        assert_eq!(measure(query, r#"{"n": 100}"#).cost, 201);
        assert_eq!(measure(query, r#"{"n": 100000}"#).cost, 401);
        assert_eq!(measure(query, r#"{"n": null}"#).cost, 101);
    }

    #[test]
    fn a_member_costs_as_much_as_a_page_of_one() {
        let cost = |of: &str| measure(&format!("{{ conversation(id: 1) {{ {of} }} }}"), "{}").cost;
        assert_eq!(
            cost("member(user: 2) { role user { id } }"),
            cost("members(first: 1) { nodes { role user { id } } }")
        );
    }

    #[test]
    fn what_is_counted_over_threads_costs_more_than_a_field() {
        assert_eq!(
            measure("{ conversation(id: 1) { unreadThreads } }", "{}").cost,
            51
        );
        assert_eq!(
            measure("{ conversations(first: 100) { nodes { unreadThreads } } }", "{}").cost,
            5101
        );
    }

    #[test]
    fn what_is_counted_in_a_thread_costs_more_than_what_is_so_called_elsewhere() {
        let query = "{ conversation(id: 1) { unreadCount thread(root: 2) { unreadCount root { id } } ...c \
             threads(first: 7) { nodes { ...t } edges { node { ... on Thread { unreadCount } } } } } } \
             fragment t on Thread { unreadCount } fragment c on Conversation { unreadCount }";
        let thread = 1 + 10 + 2;
        let threads = 1 + 7 * ((1 + 1 + 10) + (1 + 1 + 10));
        assert_eq!(measure(query, "{}").cost, 1 + 1 + thread + 2 + threads);
    }

    #[test]
    fn reactions_cost_as_many_as_there_may_be() {
        let query = "{ conversation(id: 1) { messages(first: 10) { nodes { reactions { emoji } } } } }";
        assert_eq!(measure(query, "{}").cost, 2 + 10 * (1 + 1 + 20));
    }

    #[test]
    fn whoever_a_message_may_name_is_paid_for() {
        let query = "{ conversation(id: 1) { messages(first: 10) { nodes { mentions { id } } } } }";
        assert_eq!(measure(query, "{}").cost, 2 + 10 * (1 + 100 + 20));
    }

    #[test]
    fn looking_at_events_has_a_price_and_counting_them_has_none() {
        let query = "{ admin { events(first: 10) { nodes { seq } } } }";
        assert_eq!(measure(query, "{}").cost, 1 + 250 + 10 * 2);
        assert_eq!(measure("{ admin { stats { events } } }", "{}").cost, 3);
        let query =
            "{ admin { trace(message: 1) { counts { read } recipients(first: 4) { nodes { read } } } } }";
        assert_eq!(measure(query, "{}").cost, 2 + 250 + 1 + 25 + 4 * 2);
    }

    #[test]
    fn to_begin_with_a_subscription_is_paid_once() {
        let query = "subscription { conversationEvents(id: 1) { seq by { id } } }";
        let measured = measure(query, "{}");
        assert_eq!((measured.cost, measured.beginning), (250 + 3, 249));
        let measured = measure("subscription { readModels { name } }", "{}");
        assert_eq!((measured.cost, measured.beginning), (2, 0));
    }

    #[test]
    fn looking_back_costs_more_than_a_field() {
        let query =
            "{ conversation(id: 1) { asOf(time: 2) { title messages(last: 10) { nodes { text } } } } }";
        assert_eq!(measure(query, "{}").cost, 1 + 10_000 + 1 + 1 + 10 * 2);
    }

    #[test]
    fn looking_for_somebody_costs_more_than_knowing_them() {
        assert_eq!(
            measure("{ user(id: 1) { id } userByName(username: 2) { id } }", "{}").cost,
            52
        );
        assert_eq!(measure("{ me { id } }", "{}").cost, 2);
    }

    #[test]
    fn fragments_count_as_often_as_they_are_spread() {
        let mut query = "{ ...f0 } ".to_owned();
        for i in 0..60 {
            let next = i + 1;
            write!(query, "fragment f{i} on Query {{ ...f{next} ...f{next} }} ").unwrap();
        }
        query.push_str("fragment f60 on Query { me { id } }");
        let measured = measure(&query, "{}");
        assert!(measured.cost > 1 << 59, "{measured:?}");
        assert_eq!(measured.depth, 2);
    }

    #[test]
    fn a_fragment_must_not_hold_itself() {
        let query = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
        assert!(document(&parse_query(query).unwrap(), &Variables::default()).is_err());
    }

    #[test]
    fn an_introspection_has_limits_of_its_own() {
        let query = "{ __schema { types { fields { type { fields { type { name } } } } } } me { id } }";
        let measured = measure(query, "{}");
        assert_eq!(
            (
                measured.depth,
                measured.introspection_depth,
                measured.introspection_lists
            ),
            (2, 6, 2)
        );
    }

    #[test]
    fn an_introspection_costs_as_much_as_the_schema_is_large() {
        let costs = |query: &str| {
            let measured = measure(query, "{}");
            (measured.cost, measured.introspection_cost)
        };
        let all = 250 + 1 + 150 * (1 + 4 * 2);
        let query = "{ me { id } __schema { types { fields { name isDeprecated } } } }";
        assert_eq!(costs(query), (2 + all, all));
        let one = 250 + 10 * (1 + 4 * (1 + 1) + 1 + 2);
        let query = "{ __type(name: \"User\") { fields { args { name } } enumValues { name } } }";
        assert_eq!(costs(query), (one, one));
        let root = 250 + 1 + 10 * (1 + 4 * 2);
        let query = "{ __schema { queryType { ...f } } } fragment f on __Type { fields { type { kind } } }";
        assert_eq!(costs(query), (root + 10, root + 10));
        assert_eq!(costs("{ me { id } }"), (2, 0));
    }

    /// A list that this does not know would cost too little.
    #[test]
    fn every_list_of_the_schema_is_known() {
        let sdl = crate::sdl();
        let lists: Vec<&str> = sdl
            .lines()
            // Of pages, which may be null to some, and not of the type that is called so.
            .map(|line| line.trim_end_matches('!'))
            .filter(|line| line.ends_with("Connection") && !line.ends_with(" Connection"))
            .filter_map(|line| line.trim().split(['(', ':']).next())
            .collect();
        assert!(lists.len() >= PAGED.len(), "{lists:?}");
        for list in lists {
            assert!(PAGED.contains(&list), "{list}");
        }
        let whole = sdl.lines().filter(|line| line.contains(": ["));
        for list in whole.filter_map(|line| line.trim().split(['(', ':']).next()) {
            assert!(WHOLE.contains(&list), "{list}");
        }
    }
}
