//! Reading what was typed.

use super::{Filters, QUERY_CHARS_MAX, Query, Sequence, Step, TERMS_MAX, Term};
use crate::token::{Form, Token, tokens};

/// A piece of what was typed.
#[derive(Debug, PartialEq, Eq)]
struct Typed<'a> {
    /// All of it, as it stands there.
    whole: &'a str,
    negated: bool,
    /// The name of a filter in front of it.
    key: Option<&'a str>,
    text: &'a str,
    /// Nothing stands behind it, not even a space or what closes a quotation: it may go on.
    open: bool,
}

pub(super) fn parse(typed: &str) -> Query {
    let mut query = Query::default();
    let end = typed
        .char_indices()
        .nth(QUERY_CHARS_MAX)
        .map_or(typed.len(), |(at, _)| at);
    let (mut rest, beyond) = typed.split_at(end);
    let mut count = 0;
    while let Some((piece, behind)) = next(rest) {
        rest = behind;
        let taken = count < TERMS_MAX && take(&mut query, &piece);
        if taken {
            count += 1;
        } else {
            query.ignored.push(piece.whole.to_owned());
        }
    }
    let beyond = beyond.trim();
    if !beyond.is_empty() {
        query.ignored.push(beyond.chars().take(QUERY_CHARS_MAX).collect());
    }
    query
}

/// Whether a query makes use of a piece.
fn take(query: &mut Query, piece: &Typed<'_>) -> bool {
    if let Some(key) = piece.key {
        return query
            .filters
            .take(&key.to_ascii_lowercase(), piece.text.trim(), piece.negated);
    }
    let alternatives = alternatives(piece.text, piece.open);
    let any = !alternatives.is_empty();
    if any {
        query.terms.push(Term {
            negated: piece.negated,
            alternatives,
        });
    }
    any
}

/// The sequences that a word or a phrase stands for; none where no text has it.
fn alternatives(text: &str, open: bool) -> Vec<Sequence> {
    let found = tokens(text);
    let said: Vec<&Token> = found
        .iter()
        .filter(|token| matches!(token.form, Form::Word | Form::Pair | Form::Lone))
        .collect();
    let (Some(first), Some(last)) = (said.first(), said.last()) else {
        return vec![];
    };
    let goes_on = |token: &Token| match token.form {
        Form::Lone => true,
        Form::Pair => false,
        _ => open && token.position == last.position && !text.ends_with(char::is_whitespace),
    };
    let step = |token: &&Token| Step {
        offset: token.position - first.position,
        lexeme: token.lexeme.clone(),
        prefix: goes_on(token),
    };
    let mut alternatives = vec![said.iter().map(step).collect::<Sequence>()];
    // A word that falls into parts may stand in a text that gives no sign of them.
    if let [whole] = found
        .iter()
        .filter(|token| token.form == Form::Whole)
        .collect::<Vec<_>>()[..]
        && whole.source.start <= first.source.start
        && whole.source.end >= last.source.end
    {
        alternatives.push(vec![Step {
            offset: 0,
            lexeme: whole.lexeme.clone(),
            prefix: open,
        }]);
    }
    alternatives
}

/// The next piece, and what stands behind it.
fn next(text: &str) -> Option<(Typed<'_>, &str)> {
    let text = text.trim_start();
    let bare = text.strip_prefix('-').filter(|bare| {
        // A dash by itself is none that denies.
        bare.starts_with(|letter: char| letter.is_alphanumeric() || is_quote(letter))
    });
    let negated = bare.is_some();
    let bare = bare.unwrap_or(text);
    if bare.is_empty() {
        return None;
    }
    let key = bare
        .split_once(':')
        .map(|(key, _)| key)
        .filter(|key| Filters::is_key(&key.to_ascii_lowercase()));
    let value = key.map_or(bare, |key| &bare[key.len() + 1..]);
    let quoted = value.strip_prefix(is_quote);
    let (inner, behind, open) = match (quoted, quoted.and_then(|inner| inner.find(is_quote))) {
        (Some(inner), Some(end)) => {
            let closing = inner[end..].chars().next().map_or(0, char::len_utf8);
            (&inner[..end], &inner[end + closing..], false)
        }
        (Some(inner), None) => (inner, "", true),
        (None, _) => {
            let end = value
                .find(|letter: char| letter.is_whitespace() || is_quote(letter))
                .unwrap_or(value.len());
            (&value[..end], &value[end..], end == value.len())
        }
    };
    let piece = Typed {
        whole: &text[..text.len() - behind.len()],
        negated,
        key,
        text: inner,
        // What must not be there is known once it is typed to its end.
        open: open && !negated,
    };
    Some((piece, behind))
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Has, Named};

    /// Terms as PostgreSQL would be asked for them.
    fn shown(typed: &str) -> String {
        Query::parse(typed).tsquery().unwrap_or_default()
    }

    #[test]
    fn the_last_word_may_go_on() {
        assert_eq!(shown("Hello wor"), "'hello' & 'wor':*");
        assert_eq!(shown("Hello wor "), "'hello' & 'wor'");
        assert_eq!(shown("getUs"), "('get' <-> 'us':* | 'getus':*)");
    }

    #[test]
    fn phrases_keep_their_order() {
        assert_eq!(shown("\"see you\" soon "), "('see' <-> 'you') & 'soon'");
        assert_eq!(shown("“see yo"), "('see' <-> 'yo':*)");
        assert_eq!(shown("user-id "), "('user' <-> 'id')");
        assert_eq!(shown("全文検索"), "('全文' <-> '文検' <-> '検索')");
        assert_eq!(shown("\"全文 ok\""), "('全文' <2> 'ok')");
        assert_eq!(shown("水 "), "'水':*");
    }

    #[test]
    fn what_is_negated_must_not_be_there() {
        assert_eq!(shown("a -b -\"c d\""), "'a' & !'b' & !('c' <-> 'd')");
        assert_eq!(shown("a - b"), "'a' & 'b':*");
    }

    #[test]
    fn filters_are_no_words() {
        let query = Query::parse("from:@ada In:\"the ward\" -from:me has:image -has:link before:2026-11 x ");
        let named = |name: &str, negated| Named {
            name: name.to_owned(),
            negated,
        };
        assert_eq!(query.filters.from, [named("ada", false), named("me", true)]);
        assert_eq!(query.filters.within, [named("the ward", false)]);
        assert_eq!(query.filters.has, [(Has::Image, false), (Has::Link, true)]);
        assert!(query.filters.before.is_some() && query.filters.after.is_none());
        assert_eq!(query.terms.len(), 1);
        assert!(query.ignored.is_empty(), "{query:?}");
    }

    #[test]
    fn what_makes_no_sense_is_said_and_not_refused() {
        let query = Query::parse("from: before:soon ?! has:time note:this ");
        assert_eq!(query.ignored, ["from:", "before:soon", "?!", "has:time"]);
        assert_eq!(query.tsquery().unwrap(), "('note' <-> 'this')");
        assert!(Query::parse(" \t").is_empty());
    }

    #[test]
    fn a_query_has_twenty_terms_and_256_characters() {
        let query = Query::parse(&"a ".repeat(25));
        assert_eq!((query.terms.len(), query.ignored.len()), (20, 5));
        let query = Query::parse(&"ä".repeat(300));
        assert_eq!(query.terms.len(), 1);
        assert_eq!(query.ignored, ["ä".repeat(44)]);
    }
}
