//! Accounts meet the log: a registered user is an event on a stream of their own, and so are the end of their account and what they are told of it.

use super::registrar::{NewUser, Registrar, RegistrarError};
use crate::lanes::{Lanes, Refusal};
use futures_util::future::BoxFuture;
use rand::RngExt as _;
use tidings_domain::event::{AccountDeleted, AccountMatter, Registered};
use tidings_domain::user::UserCommand;
use tidings_domain::{Field, Rejection, UserId};
use uuid::Uuid;

/// Registers users through the lanes.
#[derive(Clone)]
pub struct LogRegistrar {
    lanes: Lanes,
}

impl LogRegistrar {
    pub fn new(lanes: Lanes) -> Self {
        Self { lanes }
    }

    /// Nothing has to be said of users whom the log does not know.
    async fn say(&self, user: Uuid, id: Uuid, command: UserCommand) -> Result<(), RegistrarError> {
        match self.lanes.submit_user(UserId(user), id, command, None).await {
            Ok(_) | Err(Refusal::Rejected(Rejection::NotFound(Field::User))) => Ok(()),
            Err(_) => Err(RegistrarError),
        }
    }
}

impl Registrar for LogRegistrar {
    fn mint_user_id(&self) -> Uuid {
        let lane = rand::rng().random_range(0..self.lanes.count().max(1));
        UserId::mint(Uuid::new_v4(), lane).0
    }

    /// The command's id is the user's own id, so that registering again finds the first time.
    fn register(&self, user: NewUser) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(async move {
            let registered = Registered {
                username: user.username,
                display_name: user.display_name,
            };
            let accepted = self
                .lanes
                .submit_user(UserId(user.id), user.id, UserCommand::Register(registered), None)
                .await;
            accepted.map(|_| ()).map_err(|_| RegistrarError)
        })
    }

    /// Any id will do: a user who is deleted is not deleted again.
    fn delete(&self, user: Uuid, deleted: AccountDeleted) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(async move {
            let command = UserCommand::Delete(deleted);
            self.say(user, Uuid::new_v4(), command).await
        })
    }

    fn tell(&self, user: Uuid, id: Uuid, matter: AccountMatter) -> BoxFuture<'_, Result<(), RegistrarError>> {
        Box::pin(self.say(user, id, UserCommand::TellOfAccount(matter)))
    }
}
