//! What somebody looks for. Anything that can be typed is a query; what it makes no use of, it says.

mod filter;
mod parse;

pub use filter::{Filters, Has, Named};

/// Characters of a query that are looked at.
pub const QUERY_CHARS_MAX: usize = 256;
/// Words, phrases and filters of a query that are looked at.
pub const TERMS_MAX: usize = 20;

/// What somebody looks for: texts with all the terms that are not negated and none of the others, that pass the filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub terms: Vec<Term>,
    pub filters: Filters,
    /// What was typed and is not looked for: what no text has, what a filter cannot be, and what is beyond the limits.
    pub ignored: Vec<String>,
}

/// A word or a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub negated: bool,
    /// It is there where one of these is.
    pub alternatives: Vec<Sequence>,
}

/// Lexemes in their order, each at a distance from the first. There is one at least.
pub type Sequence = Vec<Step>;

/// A lexeme of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many positions behind the first.
    pub offset: u16,
    pub lexeme: String,
    /// Whether longer lexemes that begin with it do, too.
    pub prefix: bool,
}

impl Query {
    /// Reads what was typed:
    ///
    /// * words, of which the last may go on, as long as no space follows;
    /// * `"several words"` in this order; one that is not closed yet may go on as well;
    /// * `-word` and `-"several words"` for what must not be there;
    /// * `from:name`, `in:name`, `before:2026-11-26`, `after:2026-11`, `has:file`, see [`Filters`].
    pub fn parse(typed: &str) -> Self {
        parse::parse(typed)
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.filters == Filters::default()
    }
}
