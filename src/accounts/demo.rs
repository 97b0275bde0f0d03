//! Users for trying things out.

use super::error::AccountError;
use super::service::Accounts;
use crate::role::Role;
use std::net::{IpAddr, Ipv4Addr};

const USERNAMES: [(&str, &str); 3] = [("alice", "Alice"), ("bob", "Bob"), ("carol", "Carol")];
const PASSWORD: &str = "tidings-demo";

/// The demo users, who all have one password. The first one is an administrator.
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    pub usernames: [&'static str; 3],
    pub password: &'static str,
}

/// Makes the demo users, or finds them made. Only for a server that nobody else can reach: the password is public.
pub async fn create(accounts: &Accounts) -> Result<Demo, AccountError> {
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for (username, display_name) in USERNAMES {
        let made = accounts
            .register(username, PASSWORD.to_owned(), Some(display_name), from)
            .await;
        // Logging in makes sure that the log knows a user whose registration was cut short.
        let admission = match made {
            Err(AccountError::Taken) => accounts.login(username, PASSWORD.to_owned(), from).await?,
            made => made?,
        };
        if username == USERNAMES[0].0 {
            accounts.set_roles(admission.user, &[Role::Admin]).await?;
        }
    }
    Ok(Demo {
        usernames: USERNAMES.map(|(username, _)| username),
        password: PASSWORD,
    })
}
