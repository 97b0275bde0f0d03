//! Accounts: who may come in, and as whom.
//!
//! Passwords become Argon2id hashes, logins become sessions, sessions become short JWTs that every node can verify on
//! its own. The log knows users only by their registration, which goes through [`Registrar`].

mod address;
mod administration;
mod admission;
mod authenticator;
mod bearer;
mod body;
mod config;
mod database;
mod deletion;
pub mod demo;
mod directory;
mod error;
mod guard;
mod identity;
mod issuer;
mod key_set;
mod keys;
mod log_registrar;
mod login;
mod matters;
mod password;
mod principal;
mod refresh;
mod registrar;
mod registration;
mod routes;
mod rules;
mod service;
mod sessions;
mod standing;
mod token;
mod upkeep;

#[cfg(test)]
mod tests;

pub use crate::role::Role;
pub(crate) use address::client as client_address;
pub use admission::{Admission, Caller};
pub use authenticator::Authenticator;
pub use config::{AuthConfig, AuthLimits, OutsideIssuer, PasswordHashConfig, Secret, SigningKey};
pub use directory::Directory;
pub use error::AccountError;
pub use log_registrar::LogRegistrar;
pub use principal::{AuthError, Principal};
pub use registrar::{NewUser, Registrar, RegistrarError};
pub use rules::{Broken, DisplayName, Password, Username};
pub use service::{Accounts, StartError};
pub use sessions::Session;
pub use standing::LINK_LIFE;
