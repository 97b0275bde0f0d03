//! People, as administrators find them.

use crate::database::{Database, NoAnswer};
use crate::schema::cursor::{NAME_LEN_MAX, PersonPlace};
use crate::schema::page::{Entries, Page, surroundings};
use crate::schema::user::{User, read as person};

/// A page of people whose names begin like `query`, whatever the case of its letters.
pub(super) async fn read(
    database: &Database,
    query: Option<&str>,
    page: &Page<PersonPlace>,
) -> Result<Entries<User>, NoAnswer> {
    let begin = query.unwrap_or_default().trim().to_ascii_lowercase();
    // No name is like that.
    if begin.len() > NAME_LEN_MAX || begin.contains('\0') {
        return Ok(Entries::default());
    }
    // Names are ASCII, so everything that begins like this comes before that.
    let end = format!("{begin}\u{7f}");
    let sql = include_str!("people/page.sql").replace("{direction}", page.direction(true));
    let name = |place: &Option<PersonPlace>| place.as_ref().map(|place| place.0.clone());
    let rows = database
        .rows(
            &sql,
            &[
                &begin,
                &end,
                &name(&page.after),
                &name(&page.before),
                &page.rows(),
            ],
            |row| {
                // An empty page is one row without a person.
                let found: Option<uuid::Uuid> = row.try_get("user_id")?;
                Ok((surroundings(row)?, found.map(|_| person(row)).transpose()?))
            },
        )
        .await?;
    Ok(page.gathered(rows))
}
