//! Reactions: emoji that people put on a message, one of each a person.

use super::Conversation;
use super::emoji::in_full;
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::text::{is_unseen, turns_the_line};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use uuid::Uuid;

/// The longest emoji, in bytes of UTF-8.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Different emoji that one person puts on one message at any time, those that they took off again included.
pub const EMOJI_OF_USER_MAX: usize = 64;

/// What people react with: one character as people see it, which is neither a letter nor a digit nor ASCII, or the name of a
/// custom one between colons (`:party_parrot:`; lower case letters, digits, `_`, `-` and `+`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Emoji(String);

impl Emoji {
    /// Checks an emoji.
    ///
    /// # Errors
    /// When it is longer than [`EMOJI_BYTES_MAX`], or none.
    pub fn parse(emoji: impl Into<String>) -> Result<Self, Rejection> {
        let emoji = emoji.into();
        if emoji.len() <= EMOJI_BYTES_MAX && (is_name(&emoji) || is_emoji(&emoji)) {
            Ok(Self(emoji))
        } else {
            Err(Rejection::invalid(Field::Emoji, "this is not an emoji"))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, as it is put on messages: of what people see as one emoji there is one. One that would be too long so stays as it is.
    #[must_use]
    pub fn in_full(&self) -> Self {
        let full = if is_name(&self.0) {
            self.0.clone()
        } else {
            in_full(&self.0)
        };
        if full.len() <= EMOJI_BYTES_MAX {
            Self(full)
        } else {
            self.clone()
        }
    }
}

fn is_name(emoji: &str) -> bool {
    let allowed = |char| matches!(char, 'a'..='z' | '0'..='9' | '_' | '-' | '+');
    let name = emoji.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    name.is_some_and(|name| !name.is_empty() && name.chars().all(allowed))
}

fn is_emoji(emoji: &str) -> bool {
    /// Turns a digit, `#` or `*` into a key.
    const KEYCAP: char = '\u{20e3}';
    let mut characters = emoji.graphemes(true);
    let (Some(character), None) = (characters.next(), characters.next()) else {
        return false;
    };
    let Some(first) = character.chars().next() else {
        return false;
    };
    if character
        .chars()
        .any(|char| char.is_control() || turns_the_line(char))
    {
        return false;
    }
    match first {
        '0'..='9' | '#' | '*' => character.ends_with(KEYCAP),
        // Letters by their nature, and emoji all the same: information, metro, and those in squares.
        '\u{2139}' | '\u{24c2}' | '\u{1f100}'..='\u{1f1ff}' => true,
        _ => !first.is_ascii() && !first.is_alphanumeric() && !is_unseen(first) && !is_mark(first),
    }
}

/// Combining marks, which belong to a letter.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

/// Somebody's reaction to a message is there from now on, or no more. Of one person's with the same emoji the last one counts.
/// Without effect on a message that is recalled, wherever the two stand in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionChanged {
    pub message: Uuid,
    /// Seq of the message.
    pub message_seq: u64,
    pub emoji: Emoji,
    pub on: bool,
}

impl Stored for ReactionChanged {
    const KIND: Kind = Kind::REACTION_CHANGED;
    const NAME: &'static str = "reaction.changed";

    fn into_event(self) -> Event {
        ConversationEvent::ReactionChanged(self).into()
    }
}

impl Conversation {
    pub(super) fn react(
        &self,
        conversation: ConversationId,
        actor: UserId,
        (id, emoji, on): (Uuid, &Emoji, bool),
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let role = self.authorize(actor)?;
        // What is there may be taken back by whoever put it there.
        if on {
            if !self.lets(role, self.settings.react) {
                return Err(Rejection::Forbidden("only owners and admins react in this group"));
            }
            self.may_speak(actor, role, now)?;
        }
        let message = self
            .in_view(actor, self.standing(conversation, id, facts))
            .ok_or(Rejection::NotFound(Field::Message))?;
        let reactions = &message.reactions;
        let emoji = &emoji.in_full();
        let changed = |emoji| {
            ConversationEvent::ReactionChanged(ReactionChanged {
                message: id,
                message_seq: message.seq,
                emoji,
                on,
            })
        };
        let put = reactions.put(emoji, actor);
        if !on {
            return Ok(put.into_iter().map(changed).collect());
        }
        if !put.is_empty() {
            return Ok(vec![]);
        }
        if reactions.is_full(emoji, facts.rules.reactions) {
            return Err(Rejection::Conflict(
                "the message has too many different reactions",
            ));
        }
        if reactions.of(actor) >= facts.rules.reactions_of_user {
            return Err(Rejection::Conflict("you have too many reactions on this message"));
        }
        if reactions.has_tried_all(emoji, actor) {
            return Err(Rejection::Conflict(
                "you have put too many different reactions on this message",
            ));
        }
        Ok(vec![changed(emoji.clone())])
    }
}

pub(crate) fn react_form(form: &mut Form, message: Uuid, emoji: &Emoji, on: bool) {
    form.tag(11);
    form.id(message);
    form.text(emoji.as_str());
    form.tag(u8::from(on));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_one_character_as_people_see_it() {
        for emoji in [
            "👍",
            "👍🏽",
            "❤️",
            "❤",
            "👩‍💻",
            "👨‍👩‍👧‍👦",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "🇩🇪",
            "1️⃣",
            "#️⃣",
            "🅰️",
            "ℹ️",
            "™️",
            "…",
        ] {
            assert!(Emoji::parse(emoji).is_ok(), "{emoji:?}");
        }
        for none in [
            "",
            "a",
            "ä",
            "a\u{301}",
            "\u{301}",
            "1",
            "字",
            "א",
            "+",
            "+1",
            "\"",
            "👍👍",
            "👍a",
            " ",
            "\u{200d}",
            "\u{fe0f}",
            "\n",
            "\0",
            "\u{202e}",
            "\u{2764}\u{202e}",
            "\u{80}",
        ] {
            assert!(Emoji::parse(none).is_err(), "{none:?}");
        }
    }

    #[test]
    fn a_custom_emoji_is_a_name_between_colons() {
        for emoji in [":a:", ":party_parrot:", ":+1:", ":e-mail:"] {
            assert!(Emoji::parse(emoji).is_ok(), "{emoji:?}");
        }
        for none in ["::", ":", ":A:", ":a b:", ":a", "a:", ":ä:", "::a:"] {
            assert!(Emoji::parse(none).is_err(), "{none:?}");
        }
        let named = |length: usize| Emoji::parse(format!(":{}:", "a".repeat(length - 2)));
        assert!(named(EMOJI_BYTES_MAX).is_ok());
        assert!(named(EMOJI_BYTES_MAX + 1).is_err());
    }
}
