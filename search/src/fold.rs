//! Making different ways to write the same equal.

use caseless::default_case_fold_str;
use std::borrow::Cow;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript as _};
use unicode_segmentation::UnicodeSegmentation as _;

/// A text composed for compatibility (NFKC), which knows where each part of it came from.
pub(crate) struct Composed<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Where each grapheme of the source begins in the text, and its place in the source; none where both are the same.
    graphemes: Option<Vec<(usize, Range<usize>)>>,
}

impl<'a> Composed<'a> {
    /// Grapheme by grapheme, since what is composed with each other stands in one. In ASCII nothing is.
    pub(crate) fn new(source: &'a str) -> Self {
        if source.is_ascii() {
            return Self {
                text: Cow::Borrowed(source),
                graphemes: None,
            };
        }
        let (mut text, mut graphemes) = (String::with_capacity(source.len()), vec![]);
        for (at, grapheme) in source.grapheme_indices(true) {
            graphemes.push((text.len(), at..at + grapheme.len()));
            text.extend(grapheme.nfkc().filter(|letter| !is_ignorable(*letter)));
        }
        Self {
            text: Cow::Owned(text),
            graphemes: Some(graphemes),
        }
    }

    /// Where a part of the text, which is not empty, came from.
    pub(crate) fn source(&self, part: &Range<usize>) -> Range<usize> {
        let Some(graphemes) = &self.graphemes else {
            return part.clone();
        };
        let grapheme = |at: usize| {
            let next = graphemes.partition_point(|(begin, _)| *begin <= at);
            &graphemes[next.saturating_sub(1)].1
        };
        grapheme(part.start).start..grapheme(part.end.saturating_sub(1)).end
    }
}

/// The lexeme of a composed word, or of a part of one: without case, without marks on Latin letters, and with nothing in it
/// but letters, digits and the marks of other scripts. Cut to `most` bytes.
pub(crate) fn lexeme(word: &str, most: usize) -> String {
    let mut lexeme = String::with_capacity(word.len());
    if word.is_ascii() {
        let letters = word.chars().filter(char::is_ascii_alphanumeric);
        lexeme.extend(letters.map(|letter| letter.to_ascii_lowercase()).take(most));
        return lexeme;
    }
    let mut on_latin = false;
    let kept = |letter: &char| {
        if is_combining_mark(*letter) {
            return !on_latin;
        }
        on_latin = letter.script() == Script::Latin;
        letter.is_alphanumeric()
    };
    for letter in default_case_fold_str(word).nfkd().filter(kept).nfc() {
        if lexeme.len() + letter.len_utf8() > most {
            break;
        }
        lexeme.push(letter);
    }
    lexeme
}

/// Whether a letter belongs to a script in which spaces do not divide words.
pub(crate) fn is_unspaced(letter: char) -> bool {
    if letter.is_ascii() {
        return false;
    }
    // It lengthens a vowel of either Kana, and belongs to no script.
    letter == 'ー'
        || matches!(
            letter.script(),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Bopomofo
                | Script::Hangul
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
        ) && (letter.is_alphanumeric() || is_combining_mark(letter))
}

/// Whether a character shows nothing by itself: joiners, directions, soft hyphens, variations.
fn is_ignorable(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}
