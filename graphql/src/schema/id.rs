//! Ids: plain UUIDs, as on the socket.

use crate::errors::Refusal;
use async_graphql::ID;
use uuid::Uuid;

/// Reads the id in an argument.
pub(crate) fn parse(argument: &'static str, id: &ID) -> Result<Uuid, Refusal> {
    Uuid::try_parse(id).map_err(|_| Refusal::invalid(argument, "not a UUID"))
}
