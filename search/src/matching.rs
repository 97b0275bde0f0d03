//! Whether a query stands in a text, and where.

use crate::query::{Query, Sequence, Step};
use crate::token::Token;
use std::ops::Range;

/// The tokens of a text, by position.
struct Found<'a>(&'a [Token]);

impl Query {
    /// Whether a text with these tokens has all terms that are not negated, and none of the others. Filters are for others to check.
    pub fn matches(&self, tokens: &[Token]) -> bool {
        let found = Found(tokens);
        self.terms.iter().all(|term| {
            let there = term.alternatives.iter().any(|steps| found.has(steps));
            there != term.negated
        })
    }

    /// Where the terms that are not negated stand in a text with these tokens, in order, without any overlap.
    pub fn places(&self, tokens: &[Token]) -> Vec<Range<usize>> {
        let found = Found(tokens);
        let terms = self.terms.iter().filter(|term| !term.negated);
        let mut places: Vec<Range<usize>> = terms
            .flat_map(|term| &term.alternatives)
            .flat_map(|steps| found.places(steps))
            .collect();
        places.sort_by_key(|place| (place.start, place.end));
        let mut merged: Vec<Range<usize>> = vec![];
        for place in places {
            match merged.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                _ => merged.push(place),
            }
        }
        merged
    }
}

impl Found<'_> {
    fn has(&self, steps: &Sequence) -> bool {
        self.begins(steps)
            .any(|begin| self.standing(steps, begin).is_some())
    }

    fn places(&self, steps: &Sequence) -> Vec<Range<usize>> {
        self.begins(steps)
            .filter_map(|begin| self.standing(steps, begin))
            .flatten()
            .collect()
    }

    /// Where a sequence may begin.
    fn begins(&self, steps: &Sequence) -> impl Iterator<Item = u16> {
        let first = steps.first();
        let begins = move |token: &&Token| first.is_some_and(|first| first.is(token));
        self.0.iter().filter(begins).map(|token| token.position)
    }

    /// Where the steps of a sequence stand that begins at a position, if it does.
    fn standing(&self, steps: &Sequence, begin: u16) -> Option<Vec<Range<usize>>> {
        let place = |step: &Step| {
            let at = begin.checked_add(step.offset)?;
            let from = self.0.partition_point(|token| token.position < at);
            let mut here = self.0[from..].iter().take_while(|token| token.position == at);
            let token = here.find(|token| step.is(token))?;
            Some(token.source.clone())
        };
        steps.iter().map(place).collect()
    }
}

impl Step {
    /// Whether a token is what it stands for.
    fn is(&self, token: &Token) -> bool {
        if self.prefix {
            token.lexeme.starts_with(&self.lexeme)
        } else {
            token.lexeme == self.lexeme
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    fn is_found(typed: &str, text: &str) -> bool {
        Query::parse(typed).matches(&tokens(text))
    }

    #[test]
    fn a_text_is_found_by_what_it_says() {
        assert!(is_found("user ", "call getUserId()"));
        assert!(is_found("getuserid ", "call getUserId()"));
        assert!(is_found("\"user id\" ", "call getUserId()") && is_found("user_id ", "UserId"));
        assert!(is_found("a1b2", "digest a1b2c3d4e5f6"));
        assert!(!is_found("use ", "call getUserId()") && is_found("use", "call getUserId()"));
        assert!(is_found("resume ", "Résumé"));
        assert!(is_found("検索", "全文検索です") && !is_found("全検", "全文検索です"));
        assert!(is_found("索", "全文検索") && is_found("全 ", "全文検索"));
    }

    #[test]
    fn a_phrase_has_its_words_side_by_side() {
        assert!(is_found("\"see you soon\"", "I see you, soon!"));
        assert!(!is_found("\"see soon\"", "I see you soon"));
        assert!(is_found("\"全文 is\"", "全文 is") && !is_found("\"全文 is\"", "全文検 is"));
        assert!(
            !is_found("soon -\"see you\"", "see you soon") && is_found("soon -\"you see\"", "see you soon")
        );
    }

    #[test]
    fn places_are_those_of_the_text_itself() {
        let text = "Ein Résumé, das résumé";
        let places = Query::parse("resume ").places(&tokens(text));
        let said: Vec<&str> = places.into_iter().map(|place| &text[place]).collect();
        assert_eq!(said, ["Résumé", "résumé"]);
        let text = "全文検索";
        let places = Query::parse("文検索").places(&tokens(text));
        assert_eq!(
            places.into_iter().map(|place| &text[place]).collect::<Vec<_>>(),
            ["文検索"]
        );
    }
}
