//! The seam to the log, which knows users by their registration.

use futures_util::future::BoxFuture;
use thiserror::Error;
use tidings_domain::event::{AccountDeleted, AccountMatter};
use uuid::Uuid;

/// Makes users known to the log.
pub trait Registrar: Send + Sync + 'static {
    /// An id for a user who is about to register.
    fn mint_user_id(&self) -> Uuid;

    /// Makes a user known. Doing it again for the same id changes nothing.
    fn register(&self, user: NewUser) -> BoxFuture<'_, Result<(), RegistrarError>>;

    /// Says that a user's account is deleted. Doing it again changes nothing, and so it is for a user who never became known.
    fn delete(&self, user: Uuid, deleted: AccountDeleted) -> BoxFuture<'_, Result<(), RegistrarError>>;

    /// Tells a user of a matter of their account, whose id is `id`. Doing it again changes nothing, nor does it where a user never became known.
    fn tell(&self, user: Uuid, id: Uuid, matter: AccountMatter) -> BoxFuture<'_, Result<(), RegistrarError>>;
}

/// Who registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    pub id: Uuid,
    pub username: String,
    pub display_name: String,
}

/// The log could not take it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the log cannot take it now")]
pub struct RegistrarError;
