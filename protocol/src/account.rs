//! Matters of the user's account: what became of it, each told by a notice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What has become of the user's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "matter", rename_all = "snake_case")]
pub enum AccountMatter {
    /// Somebody who knew the password has signed in.
    SignedIn {
        /// Of the sessions that `GET /auth/sessions` lists.
        session: Uuid,
        /// What it was begun by, as far as that said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
    },
    PasswordChanged,
    /// The user may do more than before, or less, from the next token on.
    RolesChanged {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        granted: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        taken: Vec<String>,
    },
    /// The user was suspended, and is no longer.
    Reinstated,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matters_are_told_by_their_words() {
        for (text, matter) in [
            (r#"{"matter":"password_changed"}"#, AccountMatter::PasswordChanged),
            (
                r#"{"matter":"roles_changed","granted":["bot"]}"#,
                AccountMatter::RolesChanged {
                    granted: vec!["bot".to_owned()],
                    taken: vec![],
                },
            ),
            (r#"{"matter":"reinstated"}"#, AccountMatter::Reinstated),
        ] {
            assert_eq!(
                serde_json::from_str::<AccountMatter>(text).ok(),
                Some(matter.clone())
            );
            assert_eq!(serde_json::to_string(&matter).ok().as_deref(), Some(text));
        }
    }
}
