//! How an emoji is written: of several spellings that people see as one, which it is.
//!
//! Behind a character stands, or does not, a selector that says whether it is drawn as a picture. Keyboards differ in that.

/// Draws the character before it as a picture.
const PICTURE: char = '\u{fe0f}';
/// Draws it as text.
const TEXT: char = '\u{fe0e}';

/// An emoji as Unicode spells it in full (UTS #51): with the selector for pictures behind each character that is text without it, and with no
/// other one.
pub(super) fn in_full(emoji: &str) -> String {
    let mut full = String::with_capacity(emoji.len() + PICTURE.len_utf8());
    let mut chars = emoji
        .chars()
        .filter(|char| !matches!(*char, PICTURE | TEXT))
        .peekable();
    while let Some(char) = chars.next() {
        full.push(char);
        // A tone of skin makes it a picture by itself.
        let is_toned = chars
            .peek()
            .is_some_and(|next| matches!(next, '\u{1f3fb}'..='\u{1f3ff}'));
        if is_text(char) && !is_toned {
            full.push(PICTURE);
        }
    }
    full
}

/// Characters that can be drawn as pictures, and are text where nothing is said: `Emoji` without `Emoji_Presentation`, to which Unicode adds none any
/// more.
fn is_text(char: char) -> bool {
    matches!(char, '#' | '*' | '0'..='9' | '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{2199}' | '\u{21a9}'..='\u{21aa}' | '\u{2328}' | '\u{23cf}' | '\u{23ed}'..='\u{23ef}' | '\u{23f1}'..='\u{23f2}'
        | '\u{23f8}'..='\u{23fa}' | '\u{24c2}' | '\u{25aa}'..='\u{25ab}' | '\u{25b6}' | '\u{25c0}' | '\u{25fb}'..='\u{25fc}'
        | '\u{2600}'..='\u{2604}' | '\u{260e}' | '\u{2611}' | '\u{2618}' | '\u{261d}' | '\u{2620}' | '\u{2622}'..='\u{2623}' | '\u{2626}'
        | '\u{262a}' | '\u{262e}'..='\u{262f}' | '\u{2638}'..='\u{263a}' | '\u{2640}' | '\u{2642}' | '\u{265f}'..='\u{2660}' | '\u{2663}'
        | '\u{2665}'..='\u{2666}' | '\u{2668}' | '\u{267b}' | '\u{267e}' | '\u{2692}' | '\u{2694}'..='\u{2697}' | '\u{2699}'
        | '\u{269b}'..='\u{269c}' | '\u{26a0}' | '\u{26a7}' | '\u{26b0}'..='\u{26b1}' | '\u{26c8}' | '\u{26cf}' | '\u{26d1}' | '\u{26d3}'
        | '\u{26e9}' | '\u{26f0}'..='\u{26f1}' | '\u{26f4}' | '\u{26f7}'..='\u{26f9}' | '\u{2702}' | '\u{2708}'..='\u{2709}'
        | '\u{270c}'..='\u{270d}' | '\u{270f}' | '\u{2712}' | '\u{2714}' | '\u{2716}' | '\u{271d}' | '\u{2721}' | '\u{2733}'..='\u{2734}'
        | '\u{2744}' | '\u{2747}' | '\u{2763}'..='\u{2764}' | '\u{27a1}' | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b07}' | '\u{3030}'
        | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f170}'..='\u{1f171}' | '\u{1f17e}'..='\u{1f17f}' | '\u{1f202}' | '\u{1f237}'
        | '\u{1f321}' | '\u{1f324}'..='\u{1f32c}' | '\u{1f336}' | '\u{1f37d}' | '\u{1f396}'..='\u{1f397}' | '\u{1f399}'..='\u{1f39b}'
        | '\u{1f39e}'..='\u{1f39f}' | '\u{1f3cb}'..='\u{1f3ce}' | '\u{1f3d4}'..='\u{1f3df}' | '\u{1f3f3}' | '\u{1f3f5}' | '\u{1f3f7}'
        | '\u{1f43f}' | '\u{1f441}' | '\u{1f4fd}' | '\u{1f549}'..='\u{1f54a}' | '\u{1f56f}'..='\u{1f570}' | '\u{1f573}'..='\u{1f579}'
        | '\u{1f587}' | '\u{1f58a}'..='\u{1f58d}' | '\u{1f590}' | '\u{1f5a5}' | '\u{1f5a8}' | '\u{1f5b1}'..='\u{1f5b2}' | '\u{1f5bc}'
        | '\u{1f5c2}'..='\u{1f5c4}' | '\u{1f5d1}'..='\u{1f5d3}' | '\u{1f5dc}'..='\u{1f5de}' | '\u{1f5e1}' | '\u{1f5e3}' | '\u{1f5e8}'
        | '\u{1f5ef}' | '\u{1f5f3}' | '\u{1f5fa}' | '\u{1f6cb}' | '\u{1f6cd}'..='\u{1f6cf}' | '\u{1f6e0}'..='\u{1f6e5}' | '\u{1f6e9}'
        | '\u{1f6f0}' | '\u{1f6f3}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_see_as_one_emoji_is_written_as_one() {
        for (spelled, full) in [
            ("❤", "❤️"),
            ("❤\u{fe0e}", "❤️"),
            ("❤️", "❤️"),
            ("👍️", "👍"),
            ("☝🏽", "☝🏽"),
            ("☝️🏽", "☝🏽"),
            ("👩‍❤‍👩", "👩‍❤️‍👩"),
            ("🏳‍🌈", "🏳️‍🌈"),
            ("1\u{20e3}", "1️⃣"),
            ("🇩🇪", "🇩🇪"),
            ("…\u{fe0f}", "…"),
        ] {
            assert_eq!(in_full(spelled), full, "{spelled:?}");
            assert_eq!(in_full(full), full);
        }
    }
}
