//! Queries as PostgreSQL takes them.

use crate::query::{Query, Sequence, Term};
use std::fmt::Write as _;

impl Query {
    /// The terms as a `tsquery`; nothing where there are none. Lexemes consist of letters, digits and marks, so nothing in them means
    /// anything there.
    pub fn tsquery(&self) -> Option<String> {
        let terms: Vec<String> = self.terms.iter().map(term).collect();
        (!terms.is_empty()).then(|| terms.join(" & "))
    }
}

fn term(term: &Term) -> String {
    let alternatives: Vec<String> = term.alternatives.iter().map(sequence).collect();
    let not = if term.negated { "!" } else { "" };
    match &term.alternatives[..] {
        [single] if single.len() == 1 => format!("{not}{}", alternatives[0]),
        _ => format!("{not}({})", alternatives.join(" | ")),
    }
}

fn sequence(steps: &Sequence) -> String {
    let (mut text, mut at) = (String::new(), 0);
    for (i, step) in steps.iter().enumerate() {
        match step.offset - at {
            _ if i == 0 => {}
            1 => text.push_str(" <-> "),
            distance => write!(text, " <{distance}> ").expect("writing to a string cannot fail"),
        }
        at = step.offset;
        let prefix = if step.prefix { ":*" } else { "" };
        write!(text, "'{}'{prefix}", step.lexeme).expect("writing to a string cannot fail");
    }
    text
}
