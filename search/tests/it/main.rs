//! What holds of all texts and of whatever is typed.

use proptest::prelude::*;
use tidings_search::{LEXEME_BYTES_MAX, Query, TERMS_MAX, TOKENS_MAX, snippet, tokens};

/// Texts as people write them, and worse.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9_.:/' -]{0,12}",
        "[äÖüßéñøÅłŒİı’]{1,6}",
        "[\u{300}\u{301}\u{308}\u{ad}\u{200d}\u{fe0f}]{1,2}",
        "[あアｱﾞ漢字索ー々한글ไทยำ]{1,6}",
        "[ЙёΣςὈ]{1,4}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Queries with everything that means something in one.
fn typed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        text(),
        Just("-".to_owned()),
        Just("\"".to_owned()),
        Just(" ".to_owned()),
        Just("from:".to_owned()),
        Just("before:2026-02-30 ".to_owned()),
        Just("has:file ".to_owned()),
        Just("' & !(:* <-> \\ |".to_owned()),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn tokens_are_bounded_and_stand_in_their_text(text in text()) {
        let found = tokens(&text);
        prop_assert!(found.len() <= TOKENS_MAX);
        for token in &found {
            prop_assert!(!token.lexeme.is_empty() && token.lexeme.len() <= LEXEME_BYTES_MAX);
            prop_assert!(text.get(token.source.clone()).is_some_and(|source| !source.is_empty()));
            let harmless = |letter: char| !letter.is_whitespace() && !letter.is_control() && !"'\\:&|!<>()*".contains(letter);
            prop_assert!(token.lexeme.chars().all(harmless), "{:?}", token.lexeme);
        }
        prop_assert!(found.windows(2).all(|two| two[0].position <= two[1].position));
    }

    #[test]
    fn whatever_is_typed_is_a_query(typed in typed()) {
        let query = Query::parse(&typed);
        prop_assert!(query.terms.len() <= TERMS_MAX);
        for term in &query.terms {
            prop_assert!(!term.alternatives.is_empty());
            prop_assert!(term.alternatives.iter().all(|steps| steps.first().is_some_and(|first| first.offset == 0)));
        }
        prop_assert_eq!(query.tsquery().is_some(), !query.terms.is_empty());
    }

    #[test]
    fn a_text_is_found_by_itself_in_quotes(text in "[a-zA-Z0-9äÖß_.:/' 漢字索あ한글-]{1,60}") {
        prop_assume!(!tokens(&text).is_empty());
        let query = Query::parse(&format!("\"{text}\""));
        prop_assert!(query.matches(&tokens(&text)), "{:?}", query);
        let longer = format!("before, {text} after");
        prop_assert!(query.matches(&tokens(&longer)), "{:?} in {:?}", query, longer);
    }

    #[test]
    fn a_word_is_found_while_it_is_typed(word in "[a-z]{1,70}", other in "[a-z ]{0,20}") {
        let text = format!("{other} {word}");
        for end in 1..=word.len() {
            prop_assert!(Query::parse(&word[..end]).matches(&tokens(&text)));
        }
    }

    #[test]
    fn any_run_of_letters_without_spaces_is_found_within_another(run in "[漢字検索あいうアイ한글ไทย]{1,20}", at in 0_usize..20, length in 1_usize..20) {
        let letters: Vec<char> = run.chars().collect();
        let begin = at % letters.len();
        let part: String = letters[begin..].iter().take(length).collect();
        prop_assert!(Query::parse(&part).matches(&tokens(&run)), "{part} in {run}");
    }

    #[test]
    fn case_makes_no_difference_to_a_word(word in "[a-zäöüßéñàçåσж]{1,20}") {
        let lexemes = |text: &str| tokens(text).into_iter().map(|token| token.lexeme).collect::<Vec<_>>();
        prop_assert_eq!(lexemes(&word.to_uppercase()), lexemes(&word));
    }

    #[test]
    fn a_snippet_says_what_the_text_says(text in text(), typed in typed()) {
        let pieces = snippet(&text, &Query::parse(&typed));
        let said: String = pieces.iter().map(|piece| piece.text).collect();
        prop_assert!(text.contains(said.trim_start_matches('…').trim_end_matches('…')) || text.contains('…'));
        prop_assert!(pieces.iter().all(|piece| !piece.text.is_empty()));
    }
}
