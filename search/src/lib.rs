//! What people find messages by.
//!
//! A text becomes [`Token`]s: lexemes in which case, composition and, in Latin, accents make no difference, each with its place
//! among the others and in the text. What somebody types becomes a [`Query`], whatever it is, and the same tokens tell whether
//! a text [matches](Query::matches), and where. All of it is pure; where tokens are kept, and who may see what, is for others.

mod fold;
mod matching;
mod query;
mod snippet;
mod token;
mod tsquery;

pub use query::{Filters, Has, Named, QUERY_CHARS_MAX, Query, Sequence, Step, TERMS_MAX, Term};
pub use snippet::{Piece, SNIPPET_CHARS, snippet};
pub use token::{Form, LEXEME_BYTES_MAX, TOKENS_MAX, Token, tokens};
