//! Where in a database a log lives, with everything that is made of it.

use std::sync::Arc;
use thiserror::Error;

/// What an old database calls the place where everything lies that names no other.
const PUBLIC: &str = "public";
/// Leaves room for the names of read models, of which PostgreSQL keeps 63 bytes.
const BYTES_MAX: usize = 32;

/// A schema that holds a log, its accounts and its checkpoints, beside schemas for its read models that bear its name. Every
/// session finds it by its `search_path`; no statement names it. Several homes can share a database and know nothing of each other.
///
/// Without a name it is whatever the database's own `search_path` says, mostly `public`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Home(Option<Arc<str>>);

/// Why a home cannot have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HomeError {
    #[error("the name of a home has 1 to {BYTES_MAX} bytes")]
    Length,
    #[error("the name of a home has no `$` and no control characters")]
    Character,
    #[error("the name of a home does not begin with `p_` or `pg_`, and is not `information_schema`")]
    Taken,
}

impl Home {
    /// The home in the schema of this name, in upper and lower case as given.
    pub fn named(name: &str) -> Result<Self, HomeError> {
        if name.is_empty() || name.len() > BYTES_MAX {
            return Err(HomeError::Length);
        }
        // A dollar stands between a home's name and a read model's.
        if name.contains(|c: char| c == '$' || c.is_control()) {
            return Err(HomeError::Character);
        }
        if name.starts_with("p_") || name.starts_with("pg_") || name == "information_schema" {
            return Err(HomeError::Taken);
        }
        Ok(Self(Some(name.into())))
    }

    /// The schema's name, where it has been given one.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The name that tells this home from others; `None` for the one that was there before there were others.
    pub fn other(&self) -> Option<&str> {
        self.name().filter(|name| *name != PUBLIC)
    }

    /// The name of a schema beside the home's own, such as that of a read model.
    pub fn beside(&self, schema: &str) -> String {
        match self.other() {
            None => schema.to_owned(),
            Some(home) => format!("{home}${schema}"),
        }
    }

    /// The name of an advisory lock: locks are the whole database's.
    pub fn lock(&self, name: &str) -> String {
        match self.other() {
            None => name.to_owned(),
            Some(home) => format!("{name}@{home}"),
        }
    }

    /// The start-up option by which a session is at home here.
    pub(crate) fn option(&self) -> String {
        let Some(name) = self.name() else {
            return String::new();
        };
        let mut option = "-c search_path=".to_owned();
        for c in quoted(name).chars() {
            // Blanks part options.
            if c.is_whitespace() || c == '\\' {
                option.push('\\');
            }
            option.push(c);
        }
        option
    }
}

/// A name as statements have it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_without_a_name_is_the_public_one() {
        let (unnamed, public) = (Home::default(), Home::named("public").unwrap());
        for home in [&unnamed, &public] {
            assert_eq!(home.beside("p_history"), "p_history");
            assert_eq!(home.lock("tidings.migrate"), "tidings.migrate");
        }
        assert_eq!(unnamed.option(), "");
        assert_eq!(public.option(), "-c search_path=\"public\"");
    }

    #[test]
    fn names_are_quoted_for_statements_and_options() {
        let home = Home::named("Zoë's \"two\" \\ homes").unwrap();
        assert_eq!(
            quoted(&home.beside("p_inbox")),
            "\"Zoë's \"\"two\"\" \\ homes$p_inbox\""
        );
        assert_eq!(
            home.option(),
            "-c search_path=\"Zoë's\\ \"\"two\"\"\\ \\\\\\ homes\""
        );
    }

    #[test]
    fn what_would_be_taken_for_something_else_is_no_name() {
        assert_eq!(Home::named(""), Err(HomeError::Length));
        assert_eq!(Home::named(&"x".repeat(33)), Err(HomeError::Length));
        assert_eq!(Home::named("a$p_inbox"), Err(HomeError::Character));
        assert_eq!(Home::named("a\0b"), Err(HomeError::Character));
        for taken in ["p_inbox", "pg_catalog", "information_schema"] {
            assert_eq!(Home::named(taken), Err(HomeError::Taken));
        }
    }
}
