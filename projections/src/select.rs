//! Questions to the live read models.

use crate::engine::target::Target;
use crate::models;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tidings_eventlog::Home;
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

/// What several statements have a part of, by the name that stands for it there, in braces. A part may have those behind it.
const PARTS: [(&str, &str); 19] = [
    ("{come_to_heads}", include_str!("attachments/come_to_heads.sql")),
    ("{message_columns}", include_str!("history/message_columns.sql")),
    ("{past_columns}", include_str!("history/past_columns.sql")),
    ("{withheld}", include_str!("history/withheld.sql")),
    ("{past_version}", include_str!("history/past_version.sql")),
    ("{replies_seen}", include_str!("history/replies_seen.sql")),
    ("{floors}", include_str!("history/floors.sql")),
    ("{stays}", include_str!("conversations/stays.sql")),
    ("{delivery_cursor}", include_str!("inbox/cursor.sql")),
    ("{recipients_of}", include_str!("inbox/recipients_of.sql")),
    ("{read_places}", include_str!("unread/read_places.sql")),
    ("{main_calls}", include_str!("unread/main_calls.sql")),
    ("{main_mentions}", include_str!("unread/main_mentions.sql")),
    ("{thread_calls}", include_str!("unread/thread_calls.sql")),
    ("{thread_mentions}", include_str!("unread/thread_mentions.sql")),
    ("{blocked_messages}", include_str!("unread/blocked_messages.sql")),
    ("{blocked_alone}", include_str!("unread/blocked_alone.sql")),
    ("{blocks_nobody}", include_str!("unread/blocks_nobody.sql")),
    ("{messages_behind}", include_str!("unread/messages_behind.sql")),
];

/// A statement with the names of read models, in braces, for the schemas of their tables, and with `_version` for their
/// versions.
pub(crate) struct Sql {
    template: &'static str,
    models: OnceLock<Vec<&'static str>>,
    /// Its texts for PostgreSQL, of which a process needs few: it mostly has one home.
    texts: RwLock<Vec<(Home, Order, Arc<str>)>>,
}

impl Sql {
    pub(crate) const fn new(template: &'static str) -> Self {
        Self {
            template,
            models: OnceLock::new(),
            texts: RwLock::new(vec![]),
        }
    }

    /// The text for PostgreSQL in a home.
    pub(crate) fn text(&self, home: &Home) -> Arc<str> {
        self.ordered(home, Order::Ascending)
    }

    /// The same with `{direction}` filled in.
    fn ordered(&self, home: &Home, order: Order) -> Arc<str> {
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        let found = texts.iter().find(|text| text.0 == *home && text.1 == order);
        if let Some((_, _, text)) = found {
            return Arc::clone(text);
        }
        drop(texts);
        let direction = match order {
            Order::Ascending => "ASC",
            Order::Descending => "DESC",
        };
        let text: Arc<str> = with_schemas(home, self.template)
            .replace("{direction}", direction)
            .into();
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        texts.push((home.clone(), order, Arc::clone(&text)));
        text
    }

    /// The read models that it reads.
    fn models(&self) -> &[&'static str] {
        self.models.get_or_init(|| {
            let sql = with_parts(self.template);
            let read = |name: &&str| sql.contains(&format!("{{{name}}}"));
            models::names().into_iter().filter(read).collect()
        })
    }
}

fn with_parts(template: &str) -> String {
    PARTS
        .iter()
        .fold(template.to_owned(), |sql, (name, part)| sql.replace(name, part))
}

/// Puts a home's live schemas in the places of their read models.
pub(crate) fn with_schemas(home: &Home, template: &str) -> String {
    Target::all_live(home)
        .iter()
        .fold(with_parts(template), |sql, target| {
            let (name, version) = (target.projection.name(), target.projection.version());
            sql.replace(&format!("{{{name}}}"), &target.quoted)
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

    /// Reads this part of lists, in its order. Its places and how many rows it has are the next three values.
    pub(crate) fn within<P>(self, range: &Range<P>) -> Self
    where
        P: Copy + Send + Sync + 'static,
        Option<P>: ToSql,
    {
        self.ordered(range.order)
            .with(range.after)
            .with(range.before)
            .with(range.rows)
    }

    /// Adds the next value.
    pub(crate) fn with(mut self, value: impl ToSql + Send + Sync + 'static) -> Self {
        self.values.push(Box::new(value));
        self
    }

    /// The statement, for a session at this home.
    pub fn sql(&self, home: &Home) -> Arc<str> {
        self.sql.ordered(home, self.order)
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
