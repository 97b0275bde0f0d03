//! Who is whose contact, which is so for both of two or for neither, whether or not a block stands between them.

use crate::select::{Select, Sql};
use uuid::Uuid;

static CONTACTS: Sql = Sql::new(include_str!("contacts.sql"));
static CONTACTS_AMONG: Sql = Sql::new(include_str!("contacts_among.sql"));

/// The contacts of `user`, at most `most` of them.
pub fn contacts(user: Uuid, most: usize) -> Select<Uuid> {
    Select::new(&CONTACTS, |row| row.try_get("user_id"))
        .with(user)
        .with(i64::try_from(most).unwrap_or(i64::MAX))
}

/// Those of `users` who are contacts of `user`.
pub fn contacts_among(user: Uuid, users: Vec<Uuid>) -> Select<Uuid> {
    Select::new(&CONTACTS_AMONG, |row| row.try_get("user_id"))
        .with(user)
        .with(users)
}
