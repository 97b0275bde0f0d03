//! What can be asked for: a file a type, with what reads it.

mod admin;
pub(crate) mod attachment;
pub(crate) mod contact;
mod conversation;
pub(crate) mod cursor;
pub(crate) mod edit;
pub(crate) mod event;
pub(crate) mod forward;
pub(crate) mod group_settings;
pub(crate) mod id;
pub(crate) mod inbox;
pub(crate) mod invitation;
pub(crate) mod link;
pub(crate) mod loaders;
pub(crate) mod long;
pub(crate) mod mark;
pub(crate) mod member;
pub(crate) mod message;
pub(crate) mod mutation;
pub(crate) mod page;
pub(crate) mod past;
pub(crate) mod pin;
pub(crate) mod presence;
pub(crate) mod profile;
pub(crate) mod query;
pub(crate) mod reaction;
pub(crate) mod read_model;
pub(crate) mod receipt;
pub(crate) mod request;
pub(crate) mod sanction;
pub(crate) mod search;
pub(crate) mod setting;
pub(crate) mod subscription;
pub(crate) mod thread;
pub(crate) mod time;
pub(crate) mod user;

use crate::budget::Counting;
use async_graphql::SchemaBuilder;
use mutation::Mutation;
use query::Query;
use subscription::Subscription;

pub(crate) type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema, to which data can be added.
pub(crate) fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation, Subscription)
        .limit_recursive_depth(64)
        .limit_directives(8)
        .extension(Counting)
}

/// The schema in GraphQL's own language, as committed in `schema.graphql`.
pub fn sdl() -> String {
    builder().finish().sdl()
}
