//! Accounts meet the log: a registered user is an event on a stream of their own.

use super::registrar::{NewUser, Registrar, RegistrarError};
use crate::lanes::Lanes;
use futures_util::future::BoxFuture;
use rand::RngExt as _;
use tidings_domain::UserId;
use tidings_domain::event::Registered;
use tidings_domain::user::UserCommand;
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
}
