//! `tidings user`: what operators do to accounts. Running nodes learn of it within a second.

use super::rebuild::{database, stop};
use crate::accounts::{Accounts, Role};
use crate::config::Config;
use anyhow::{Context as _, bail};
use clap::Subcommand;
use std::path::Path;
use std::process::ExitCode;
use tidings_eventlog::{LogConfig, schema};
use uuid::Uuid;

/// What to do, and to whom.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Shut a user out: their connections end and their tokens are refused.
    Suspend { name: String },
    /// Take a suspension back.
    Reinstate { name: String },
    /// Set what a user may do beyond others, from their next token on.
    Grant {
        name: String,
        /// `admin`, `moderator`, `auditor`, `bot`, or nothing to take everything away.
        roles: Vec<String>,
    },
    /// Delete the account of a user for good. What they have said stays, as by a deleted user.
    Delete { name: String },
    /// End all sessions of a user; they have to sign in again everywhere.
    SignOut { name: String },
}

pub(super) async fn run(config: Config, data: &Path, command: UserCommand) -> anyhow::Result<ExitCode> {
    let (log_config, postgres) = database(&config, data).await?;
    let done = carry_out(config, &log_config, command).await;
    stop(postgres).await?;
    println!("{}", done?);
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(config: Config, log_config: &LogConfig, command: UserCommand) -> anyhow::Result<String> {
    let pool = log_config.pool()?;
    schema::check(&pool).await?;
    let accounts = Accounts::administer(pool, config.auth)
        .await
        .context("accounts cannot be opened")?;
    Ok(match command {
        UserCommand::Suspend { name } => {
            accounts.suspend(find(&accounts, &name).await?).await?;
            format!("{name} is suspended")
        }
        UserCommand::Reinstate { name } => {
            accounts.reinstate(find(&accounts, &name).await?).await?;
            format!("{name} is reinstated")
        }
        UserCommand::Grant { name, roles } => {
            let mut granted = vec![];
            for role in &roles {
                let Some(role) = Role::named(role) else {
                    bail!("there is no role {role:?}");
                };
                granted.push(role);
            }
            accounts
                .set_roles(find(&accounts, &name).await?, &granted)
                .await?;
            if granted.is_empty() {
                format!("{name} has no role from the next token on")
            } else {
                format!("{name} is {} from the next token on", roles.join(", "))
            }
        }
        UserCommand::Delete { name } => {
            accounts.delete(find(&accounts, &name).await?).await?;
            format!("the account {name} is deleted")
        }
        UserCommand::SignOut { name } => {
            let ended = accounts.revoke_sessions(find(&accounts, &name).await?).await?;
            format!("{ended} sessions of {name} have ended")
        }
    })
}

async fn find(accounts: &Accounts, name: &str) -> anyhow::Result<Uuid> {
    let found = accounts.user_named(name).await?;
    found.with_context(|| format!("there is no user {name:?}"))
}
