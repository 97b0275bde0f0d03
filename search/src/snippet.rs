//! A part of a text that shows what was found in it.

use crate::query::Query;
use crate::token::tokens;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation as _;

/// Graphemes of a snippet at most, beside the dots that stand for what is left out.
pub const SNIPPET_CHARS: usize = 240;
/// Graphemes in front of the first place, where the text is longer than a snippet.
const BEFORE: usize = 40;
/// Stands for what is left out.
const DOTS: &str = "…";

/// A piece of a snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// Whether it is something that was looked for.
    pub is_match: bool,
}

/// The text around the first place where a query stands in it, in pieces. A text that is short enough is whole.
pub fn snippet<'a>(text: &'a str, query: &Query) -> Vec<Piece<'a>> {
    let places = query.places(&tokens(text));
    let shown = window(text, places.first());
    let piece = |range: Range<usize>, is_match| Piece {
        text: &text[range],
        is_match,
    };
    let dots = |are: bool| {
        are.then_some(Piece {
            text: DOTS,
            is_match: false,
        })
    };
    let mut pieces: Vec<Piece<'a>> = dots(shown.start > 0).into_iter().collect();
    let mut at = shown.start;
    for place in places {
        let place = place.start.max(at)..place.end.min(shown.end);
        if place.is_empty() {
            continue;
        }
        if at < place.start {
            pieces.push(piece(at..place.start, false));
        }
        at = place.end;
        pieces.push(piece(place, true));
    }
    if at < shown.end {
        pieces.push(piece(at..shown.end, false));
    }
    pieces.extend(dots(shown.end < text.len()));
    pieces
}

/// The part of a text that is shown.
fn window(text: &str, first: Option<&Range<usize>>) -> Range<usize> {
    let ends: Vec<usize> = text
        .grapheme_indices(true)
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let count = ends.len() - 1;
    if count <= SNIPPET_CHARS {
        return 0..text.len();
    }
    let at = first.map_or(0, |place| ends.partition_point(|end| *end < place.start));
    let begin = at.saturating_sub(BEFORE).min(count - SNIPPET_CHARS);
    ends[begin]..ends[begin + SNIPPET_CHARS]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, typed: &str) -> String {
        let pieces = snippet(text, &Query::parse(typed));
        let show = |piece: &Piece<'_>| {
            if piece.is_match {
                format!("[{}]", piece.text)
            } else {
                piece.text.to_owned()
            }
        };
        pieces.iter().map(show).collect()
    }

    #[test]
    fn what_was_looked_for_is_marked() {
        assert_eq!(shown("See you, Zoë!", "zoe you "), "See [you], [Zoë]!");
        assert_eq!(shown("nothing", "else "), "nothing");
        assert_eq!(shown("", "x"), "");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_place() {
        let text = format!("{}needle{}", "hay ".repeat(100), " hay".repeat(100));
        let found = shown(&text, "needle ");
        assert!(found.starts_with('…') && found.ends_with('…') && found.contains("[needle]"));
        assert_eq!(found.graphemes(true).count(), SNIPPET_CHARS + 2 + "[]".len());
    }
}
