//! Tokens of a text.

use crate::fold::{Composed, is_unspaced, lexeme};
use std::ops::Range;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation as _;

/// The longest lexeme, in bytes; what a longer word goes on with is not looked at.
pub const LEXEME_BYTES_MAX: usize = 64;
/// Tokens of a text at most; what comes behind them is not found.
pub const TOKENS_MAX: usize = 2_000;
/// A word that would fall into more parts, as digests and random ids do, stays whole.
const PARTS_MAX: usize = 4;

/// Something that a text can be found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub lexeme: String,
    /// Its place among the tokens of the text, from 1. Several may have the same.
    pub position: u16,
    /// Where it stands in the text, in bytes.
    pub source: Range<usize>,
    pub form: Form,
}

/// What a token is of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A word, or the part of one that falls into several: `get`, `user` and `id` in `getUserId`.
    Word,
    /// A word that falls into several, at the place of the first.
    Whole,
    /// Two letters side by side of a script without spaces.
    Pair,
    /// The last of several such letters, so that it is found by itself.
    Last,
    /// Such a letter with none of its kind around it.
    Lone,
}

/// The tokens of a text, by position.
///
/// Words end where Unicode says, and at `_`, `.`, `:` and apostrophes within them. They fall into parts where small letters are
/// followed by capitals, and between letters and digits. Where spaces do not divide words, each two letters side by side are a token.
pub fn tokens(text: &str) -> Vec<Token> {
    let composed = Composed::new(text);
    let mut tokenizer = Tokenizer {
        composed: &composed,
        tokens: vec![],
        position: 1,
    };
    let mut from = 0;
    while from < composed.text.len() && !tokenizer.is_full() {
        let rest = &composed.text[from..];
        let unspaced = rest.starts_with(is_unspaced);
        let to = from + run(rest, unspaced);
        if unspaced {
            tokenizer.pairs(from..to);
        } else {
            tokenizer.words(from..to);
        }
        from = to;
    }
    tokenizer.tokens.truncate(TOKENS_MAX);
    tokenizer.tokens
}

/// How many bytes a text begins with of letters that are all of scripts without spaces, or all not. Marks belong to what they are on.
fn run(text: &str, unspaced: bool) -> usize {
    text.char_indices()
        .find(|(_, letter)| is_unspaced(*letter) != unspaced && !is_combining_mark(*letter))
        .map_or(text.len(), |(at, _)| at)
}

struct Tokenizer<'a> {
    composed: &'a Composed<'a>,
    tokens: Vec<Token>,
    position: u16,
}

impl Tokenizer<'_> {
    fn is_full(&self) -> bool {
        self.tokens.len() >= TOKENS_MAX
    }

    /// Takes a run of a script without spaces.
    fn pairs(&mut self, run: Range<usize>) {
        let text = &self.composed.text[run.clone()];
        let mut letters = text
            .char_indices()
            .map(|(at, letter)| run.start + at..run.start + at + letter.len_utf8());
        let Some(mut last) = letters.next() else {
            return;
        };
        let mut form = Form::Lone;
        for letter in letters {
            self.add(last.start..letter.end, Form::Pair);
            self.position = self.position.saturating_add(1);
            (last, form) = (letter, Form::Last);
            if self.is_full() {
                return;
            }
        }
        self.add(last, form);
        self.position = self.position.saturating_add(1);
    }

    /// Takes text of other scripts.
    fn words(&mut self, run: Range<usize>) {
        let text = &self.composed.text[run.clone()];
        for (at, piece) in text.split_word_bound_indices() {
            if self.is_full() {
                return;
            }
            let mut begin = None;
            let end = (piece.len(), ' ');
            for (i, letter) in piece.char_indices().chain([end]) {
                let inside = is_in_word(letter) || is_apostrophe(letter);
                match begin {
                    None if inside => begin = Some(i),
                    Some(from) if !inside => {
                        self.word(run.start + at + from..run.start + at + i);
                        begin = None;
                    }
                    _ => {}
                }
            }
        }
    }

    fn word(&mut self, word: Range<usize>) {
        let parts = parts(&self.composed.text[word.clone()], word.start);
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return;
        };
        let whole = first.start..last.end;
        if parts.len() == 1 || parts.len() > PARTS_MAX {
            if self.add(whole, Form::Word) {
                self.position = self.position.saturating_add(1);
            }
            return;
        }
        self.add(whole, Form::Whole);
        for part in parts {
            if self.add(part, Form::Word) {
                self.position = self.position.saturating_add(1);
            }
        }
    }

    /// Whether there was anything to add.
    fn add(&mut self, part: Range<usize>, form: Form) -> bool {
        let lexeme = lexeme(&self.composed.text[part.clone()], LEXEME_BYTES_MAX);
        if lexeme.is_empty() {
            return false;
        }
        self.tokens.push(Token {
            lexeme,
            position: self.position,
            source: self.composed.source(&part),
            form,
        });
        true
    }
}

/// The parts of a word that stands at `offset`.
fn parts(word: &str, offset: usize) -> Vec<Range<usize>> {
    let letters: Vec<(usize, char)> = word.char_indices().collect();
    let (mut parts, mut begin) = (vec![], None);
    for (i, (at, letter)) in letters.iter().enumerate() {
        if is_apostrophe(*letter) {
            parts.extend(begin.take().map(|begin| offset + begin..offset + at));
            continue;
        }
        let before = i.checked_sub(1).map(|before| letters[before].1);
        let behind = letters.get(i + 1).map(|(_, behind)| *behind);
        if let Some(from) = begin
            && before.is_some_and(|before| divides(before, *letter, behind))
        {
            parts.push(offset + from..offset + at);
            begin = None;
        }
        begin = begin.or(Some(*at));
    }
    parts.extend(begin.map(|begin| offset + begin..offset + word.len()));
    parts
}

/// Whether a part of a word ends between two letters.
fn divides(before: char, letter: char, behind: Option<char>) -> bool {
    let begins_word = letter.is_uppercase() && behind.is_some_and(char::is_lowercase);
    (before.is_lowercase() && letter.is_uppercase())
        || (before.is_uppercase() && begins_word)
        || (before.is_numeric() && letter.is_alphabetic())
        || (before.is_alphabetic() && letter.is_numeric())
}

fn is_in_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter)
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | 'ʼ')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lexemes with their positions.
    fn shown(text: &str) -> String {
        let each = tokens(text);
        let each: Vec<String> = each
            .iter()
            .map(|token| format!("{}:{}", token.lexeme, token.position))
            .collect();
        each.join(" ")
    }

    #[test]
    fn case_composition_and_accents_of_latin_make_no_difference() {
        assert_eq!(shown("Grüße, Ἀθηνᾶ ＦＵＬＬ"), "grusse:1 ἀθηνᾶ:2 full:3");
        assert_eq!(shown("re\u{301}sume\u{301} ﬁn"), "resume:1 fin:2");
        assert_eq!(shown("Май майка"), "май:1 майка:2");
        assert_eq!(shown("İstanbul co\u{ad}operate"), "istanbul:1 cooperate:2");
    }

    #[test]
    fn identifiers_are_found_whole_and_by_their_parts() {
        assert_eq!(shown("getUserId x"), "getuserid:1 get:1 user:2 id:3 x:4");
        assert_eq!(
            shown("user_id HTTPServer"),
            "user:1 id:2 httpserver:3 http:3 server:4"
        );
        assert_eq!(shown("utf8"), "utf8:1 utf:1 8:2");
        assert_eq!(shown("a1b2c3d4e5 end"), "a1b2c3d4e5:1 end:2");
        assert_eq!(shown("don’t l'amour"), "dont:1 don:1 t:2 lamour:3 l:3 amour:4");
    }

    #[test]
    fn addresses_fall_into_host_and_path() {
        assert_eq!(
            shown("https://example.com/a-b/c.rs?q=1"),
            "https:1 example:2 com:3 a:4 b:5 c:6 rs:7 q:8 1:9"
        );
    }

    #[test]
    fn letters_of_scripts_without_spaces_come_in_pairs() {
        assert_eq!(shown("全文検索 ok"), "全文:1 文検:2 検索:3 索:4 ok:5");
        assert_eq!(shown("水"), "水:1");
        assert_eq!(shown("ﾊﾟｰﾃｨｰ"), "パー:1 ーテ:2 ティ:3 ィー:4 ー:5");
        assert_eq!(shown("Rustで検索"), "rust:1 で検:2 検索:3 索:4");
        assert_eq!(shown("\u{1112}\u{1161}\u{11ab}글"), "한글:1 글:2");
    }

    #[test]
    fn a_token_knows_where_it_stands() {
        let text = "Ça va ﬁne 全文";
        let found = tokens(text);
        let sources: Vec<&str> = found.iter().map(|token| &text[token.source.clone()]).collect();
        assert_eq!(sources, ["Ça", "va", "ﬁne", "全文", "文"]);
    }

    #[test]
    fn long_words_are_cut_and_long_texts_end() {
        let found = tokens(&"ä".repeat(300));
        assert_eq!(found[0].lexeme, "a".repeat(64));
        assert_eq!(tokens(&"a ".repeat(4_000)).len(), TOKENS_MAX);
        assert_eq!(tokens(&"漢".repeat(4_000)).len(), TOKENS_MAX);
    }
}
