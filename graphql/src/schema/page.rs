//! Pages of lists: which part of a list a client asks for, and putting the answer together.
//!
//! `first` and `after` count from the list's beginning, `last` and `before` from its end. Where neither `first` nor `last`
//! is given, a page has 50 entries: those before the cursor where only `before` is given, else those from the beginning
//! or from `after` on.

use super::cursor::{self, Cursor};
use crate::errors::Refusal;
use async_graphql::OutputType;
use async_graphql::connection::{
    Connection, ConnectionNameType, DefaultConnectionName, DefaultEdgeName, Edge, EdgeNameType, EmptyFields,
};
use std::collections::HashMap;
use std::hash::Hash;
use tidings_projections::{Listed, Order, Range};
use tokio_postgres::Row;

/// Entries of a page when the client does not say.
pub const PAGE_DEFAULT: usize = 50;
/// The longest page.
pub const PAGE_MAX: usize = 200;

/// A list of nodes with their cursors.
pub(crate) type List<C, N, Name = DefaultConnectionName, EdgeName = DefaultEdgeName> =
    Connection<C, N, EmptyFields, EmptyFields, Name, EdgeName>;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Page<C> {
    /// Entries at most.
    size: usize,
    /// Whether the page lies at the end of the range rather than at its beginning.
    pub(crate) backward: bool,
    /// The range, without its ends.
    pub(crate) after: Option<C>,
    pub(crate) before: Option<C>,
}

/// The entries of a page in the list's order, and what lies around them.
#[derive(Clone, Debug)]
pub(crate) struct Entries<T> {
    pub(crate) items: Vec<T>,
    pub(crate) has_previous: bool,
    pub(crate) has_next: bool,
}

impl<C: Cursor> Page<C> {
    /// Checks the four arguments of a list, as the client gave them.
    pub(crate) fn parse(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Self, Refusal> {
        if first.is_some() && last.is_some() {
            return Err(Refusal::invalid(
                "last",
                "only one of `first` and `last` can be given",
            ));
        }
        let backward = last.is_some() || (first.is_none() && before.is_some() && after.is_none());
        let size = match (first, last) {
            (Some(first), _) => size("first", first)?,
            (None, Some(last)) => size("last", last)?,
            (None, None) => PAGE_DEFAULT,
        };
        Ok(Self {
            size,
            backward,
            after: cursor::parse("after", after)?,
            before: cursor::parse("before", before)?,
        })
    }

    /// The same page by another sort of place.
    pub(crate) fn by<D>(self, place: impl Fn(C) -> Option<D>) -> Result<Page<D>, Refusal> {
        let place = |argument, of: Option<C>| {
            let found =
                of.map(|of| place(of).ok_or_else(|| Refusal::invalid(argument, "not a cursor of this list")));
            found.transpose()
        };
        Ok(Page {
            size: self.size,
            backward: self.backward,
            after: place("after", self.after)?,
            before: place("before", self.before)?,
        })
    }

    /// The part of the list to read, where `ascending` says whether the list's own order is. One entry more than the page holds
    /// tells whether there is more.
    pub(crate) fn range<P>(&self, ascending: bool, place: impl Fn(&C) -> P) -> Range<P> {
        Range {
            after: self.after.as_ref().map(&place),
            before: self.before.as_ref().map(&place),
            order: if self.backward == ascending {
                Order::Descending
            } else {
                Order::Ascending
            },
            rows: self.rows(),
        }
    }

    /// Entries that it holds at most.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Rows to read: one more than the page holds tells whether there is more.
    pub(crate) fn rows(&self) -> i64 {
        self.size as i64 + 1
    }

    /// The SQL order that reads the page, where `ascending` says whether the list's own order is.
    pub(crate) fn direction(&self, ascending: bool) -> &'static str {
        if self.backward == ascending { "DESC" } else { "ASC" }
    }

    /// Puts the page together from entries that were read as [`range`](Self::range) says. `earlier` and `later` say
    /// whether the list has entries before and behind the range.
    pub(crate) fn entries<T>(&self, mut items: Vec<T>, earlier: bool, later: bool) -> Entries<T> {
        let more = items.len() > self.size;
        items.truncate(self.size);
        if self.backward {
            items.reverse();
            Entries {
                items,
                has_previous: more || earlier,
                has_next: later,
            }
        } else {
            Entries {
                items,
                has_previous: earlier,
                has_next: more || later,
            }
        }
    }
}

impl<C: Cursor> Page<C> {
    /// Puts the page of one list together from its rows, of which there is one without an entry when the page is empty.
    pub(crate) fn gathered<T>(&self, rows: Vec<((bool, bool), Option<T>)>) -> Entries<T> {
        let (earlier, later) = rows.first().map_or((false, false), |(around, _)| *around);
        let items = rows.into_iter().filter_map(|(_, item)| item).collect();
        self.entries(items, earlier, later)
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self {
            items: vec![],
            has_previous: false,
            has_next: false,
        }
    }
}

impl<T> Entries<T> {
    /// The list as a client sees it.
    pub(crate) fn into_list<C, N, Name, EdgeName>(
        self,
        entry: impl Fn(T) -> (C, N),
    ) -> List<C, N, Name, EdgeName>
    where
        C: Cursor,
        N: OutputType,
        Name: ConnectionNameType,
        EdgeName: EdgeNameType,
    {
        let mut list = Connection::new(self.has_previous, self.has_next);
        list.edges.extend(self.items.into_iter().map(|item| {
            let (cursor, node) = entry(item);
            Edge::new(cursor, node)
        }));
        list
    }
}

/// What the first two columns of a page's rows say: whether the list has entries before and behind the range.
pub(crate) fn surroundings(row: &Row) -> Result<(bool, bool), tokio_postgres::Error> {
    Ok((row.try_get("earlier")?, row.try_get("later")?))
}

/// The keys of each page, in their order.
pub(crate) fn group<'a, K, P: Eq + Hash>(
    keys: &'a [K],
    page: impl Fn(&'a K) -> &'a P,
) -> HashMap<&'a P, Vec<&'a K>> {
    let mut groups: HashMap<&P, Vec<&K>> = HashMap::new();
    for key in keys {
        groups.entry(page(key)).or_default().push(key);
    }
    groups
}

/// Puts the rows of many lists together, one page for each key.
pub(crate) fn gather<K: Clone, C: Cursor, R, T: From<R>>(
    keys: &[&K],
    page: &Page<C>,
    rows: Vec<Listed<R>>,
) -> Vec<(K, Entries<T>)> {
    let mut lists: Vec<((bool, bool), Vec<T>)> = keys.iter().map(|_| ((false, false), vec![])).collect();
    for row in rows {
        let list = usize::try_from(row.number - 1)
            .ok()
            .and_then(|index| lists.get_mut(index));
        if let Some(list) = list {
            list.0 = row.around;
            list.1.extend(row.entry.map(T::from));
        }
    }
    let pages = lists
        .into_iter()
        .map(|((earlier, later), items)| page.entries(items, earlier, later));
    keys.iter().map(|key| (*key).clone()).zip(pages).collect()
}

fn size(argument: &'static str, size: i32) -> Result<usize, Refusal> {
    match usize::try_from(size) {
        // An empty page still tells what lies around it.
        Ok(size) if size <= PAGE_MAX => Ok(size),
        _ => Err(Refusal::invalid(argument, format!("must be 0 to {PAGE_MAX}"))),
    }
}
