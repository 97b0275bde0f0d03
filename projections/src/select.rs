//! Questions to the live read models.

use crate::models;
use std::sync::OnceLock;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A question to the live read models: one statement, its values, and how each row of the answer is read. Whoever carries
/// it out bounds it in time and in size.
pub struct Select<T> {
    sql: &'static Sql,
    order: Order,
    values: Vec<Box<dyn ToSql + Send + Sync>>,
    read: fn(&Row) -> Result<T, Error>,
}

/// In which order a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    Ascending,
    Descending,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range<P> {
    /// Only what comes after this place in the list's own order.
    pub after: Option<P>,
    /// Only what comes before this place in the list's own order.
    pub before: Option<P>,
    pub order: Order,
    /// Entries at most.
    pub rows: i64,
}

/// A row of the parts of many lists.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// Which list, from 1.
    pub number: i64,
    /// Whether the list has entries before the range, and behind it.
    pub around: (bool, bool),
    /// Nothing, where the part is empty.
    pub entry: Option<T>,
}

/// A statement with the names of read models, in braces, for the schemas of their tables, and with `_version` for their
/// versions.
pub(crate) struct Sql {
    template: &'static str,
    models: OnceLock<Vec<&'static str>>,
    texts: [OnceLock<String>; 2],
}

impl Sql {
    pub(crate) const fn new(template: &'static str) -> Self {
        Self {
            template,
            models: OnceLock::new(),
            texts: [OnceLock::new(), OnceLock::new()],
        }
    }

    /// The text for PostgreSQL.
    pub(crate) fn text(&self) -> &str {
        self.ordered(Order::Ascending)
    }

    /// The same with `{direction}` filled in.
    fn ordered(&self, order: Order) -> &str {
        let (text, direction) = match order {
            Order::Ascending => (&self.texts[0], "ASC"),
            Order::Descending => (&self.texts[1], "DESC"),
        };
        text.get_or_init(|| with_schemas(self.template).replace("{direction}", direction))
    }

    /// The read models that it reads.
    fn models(&self) -> &[&'static str] {
        let read = |name: &&str| self.template.contains(&format!("{{{name}}}"));
        self.models
            .get_or_init(|| models::names().into_iter().filter(read).collect())
    }
}

/// Puts the live schemas in the places of their read models.
pub(crate) fn with_schemas(template: &str) -> String {
    models::all().iter().fold(template.to_owned(), |sql, projection| {
        let (name, version) = (projection.name(), projection.version());
        sql.replace(&format!("{{{name}}}"), projection.schema())
            .replace(&format!("{{{name}_version}}"), &version.to_string())
    })
}

impl<T> Select<T> {
    pub(crate) fn new(sql: &'static Sql, read: fn(&Row) -> Result<T, Error>) -> Self {
        Self {
            sql,
            order: Order::Ascending,
            values: vec![],
            read,
        }
    }

    /// Reads lists in this order.
    pub(crate) fn ordered(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Adds the next value.
    pub(crate) fn with(mut self, value: impl ToSql + Send + Sync + 'static) -> Self {
        self.values.push(Box::new(value));
        self
    }

    /// The statement.
    pub fn sql(&self) -> &'static str {
        self.sql.ordered(self.order)
    }

    /// The read models that it reads.
    pub fn models(&self) -> &'static [&'static str] {
        self.sql.models()
    }

    /// The values of its parameters.
    pub fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect()
    }

    /// Reads a row of the answer.
    pub fn read(&self, row: &Row) -> Result<T, Error> {
        (self.read)(row)
    }
}

impl<T> Listed<T> {
    /// Reads a row with the columns `number`, `earlier` and `later`, and an entry where the column `key` is not null.
    pub(crate) fn read(
        row: &Row,
        key: &str,
        entry: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Self, Error> {
        let found: Option<Uuid> = row.try_get(key)?;
        Ok(Self {
            number: row.try_get("number")?,
            around: (row.try_get("earlier")?, row.try_get("later")?),
            entry: found.map(|_| entry(row)).transpose()?,
        })
    }
}
