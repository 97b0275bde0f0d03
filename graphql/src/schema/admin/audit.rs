//! What administrators did, as the log keeps it.

use crate::backend::{Audited, Backend, Part};
use crate::errors::Refusal;
use crate::schema::cursor::AuditPlace;
use crate::schema::page::{Entries, Page};
use crate::schema::time::Time;
use crate::schema::user::{self, User};
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use uuid::Uuid;

/// An act of an administrator. It was ordered; whether it came to its end, what it was done to says.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Audit {
    at: Time,
    /// What was ordered, such as `user.suspend`.
    act: String,
    /// What it was done to: a user, a session, a read model, an event that was parked.
    target: String,
    /// Why, where the administrator said so.
    reason: Option<String>,
    #[graphql(skip)]
    by: Uuid,
    #[graphql(skip)]
    seq: i64,
}

#[ComplexObject]
impl Audit {
    /// Who ordered it.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }
}

impl Audit {
    pub(super) fn place(&self) -> AuditPlace {
        AuditPlace(self.seq)
    }
}

impl From<Audited> for Audit {
    fn from(audited: Audited) -> Self {
        Self {
            at: Time(audited.at),
            act: audited.act,
            target: audited.target,
            reason: audited.reason,
            by: audited.by,
            seq: audited.seq.cast_signed(),
        }
    }
}

/// A page of what administrators did, oldest first.
pub(super) async fn read(backend: &dyn Backend, page: &Page<AuditPlace>) -> Result<Entries<Audit>, Refusal> {
    let range = page.range(true, |place| place.0.max(0).cast_unsigned());
    let Part { entries, around } = backend.audit(range).await?;
    let entries = entries.into_iter().map(Audit::from).collect();
    Ok(page.entries(entries, around.0, around.1))
}
