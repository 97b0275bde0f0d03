//! What people find messages by.
//!
//! A text becomes [`Token`]s: lexemes in which case, composition and, in Latin, accents make no difference, each with its place
//! among the others and in the text. All of it is pure; where tokens are kept, and who may see what, is for others.

mod fold;
mod token;

pub use token::{Form, LEXEME_BYTES_MAX, TOKENS_MAX, Token, tokens};
