//! Connections of clients, as administrators see them.

use crate::backend::{Backend, ConnectionState, Part};
use crate::errors::Refusal;
use crate::schema::cursor::ConnectionPlace;
use crate::schema::long::Long;
use crate::schema::page::{Entries, Page};
use crate::schema::time::Time;
use crate::schema::user::{self, User};
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use uuid::Uuid;

/// A client's connection, on whatever node.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Connection {
    #[graphql(skip)]
    id: Uuid,
    #[graphql(skip)]
    user: Uuid,
    #[graphql(skip)]
    node: Uuid,
    #[graphql(skip)]
    login: Option<Uuid>,
    /// What the client calls its device; it may be empty.
    device: String,
    /// From where it came.
    address: String,
    since: Time,
    /// Bytes of events that wait to be written to it.
    queued_bytes: Long,
}

#[ComplexObject]
impl Connection {
    /// The session that its welcome named.
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }

    /// The node that holds it.
    async fn node(&self) -> ID {
        self.node.into()
    }

    /// The session of its token; null where an outside issuer gave that.
    async fn login(&self) -> Option<ID> {
        self.login.map(ID::from)
    }
}

impl Connection {
    pub(super) fn place(&self) -> ConnectionPlace {
        ConnectionPlace(self.id)
    }
}

impl From<ConnectionState> for Connection {
    fn from(connection: ConnectionState) -> Self {
        Self {
            id: connection.id,
            user: connection.user,
            node: connection.node,
            login: connection.login,
            device: connection.device,
            address: connection.address.to_string(),
            since: Time(connection.since),
            queued_bytes: Long(i64::try_from(connection.queued_bytes).unwrap_or(i64::MAX)),
        }
    }
}

/// A page of the connections of all nodes, or of one user.
pub(super) async fn read(
    backend: &dyn Backend,
    user: Option<Uuid>,
    page: &Page<ConnectionPlace>,
) -> Result<Entries<Connection>, Refusal> {
    let range = page.range(true, |place| place.0);
    let Part { entries, around } = backend.connections(user, range).await?;
    let entries = entries.into_iter().map(Connection::from).collect();
    Ok(page.entries(entries, around.0, around.1))
}
