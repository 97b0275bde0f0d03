//! What is looked for.

use rand::RngExt as _;
use rand::rngs::SmallRng;

use super::speech::Speech;
use super::tongue::{Script, pairs};

/// Of the most frequent words, those that are looked for as common ones.
const COMMON: usize = 30;
/// Words of two signs that are looked for: from very frequent to hardly ever said.
const PAIRS: usize = 4_000;
/// Ranks of words whose beginnings are looked for.
const BEGUN: std::ops::Range<usize> = 400..20_000;
const BEGUN_LETTERS: usize = 3;

/// Kinds of what is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word that is in ten messages.
    Rare,
    /// A word that is in every third to every fiftieth message.
    Common,
    /// A word of two signs, in a script without spaces.
    TwoCharacters,
    /// The first letters of a word, by somebody who is still typing.
    Begun,
}

/// Something that is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) kind: Kind,
    pub(crate) script: Script,
    pub(crate) text: String,
    /// The number of a rare word.
    pub(crate) rare: Option<usize>,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Rare, Self::Common, Self::TwoCharacters, Self::Begun];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rare => "a rare word",
            Self::Common => "a common word",
            Self::TwoCharacters => "two characters of Han",
            Self::Begun => "the beginning of a word",
        }
    }

    /// Whether there is an aim for it.
    pub(crate) fn is_bounded(self) -> bool {
        self != Self::Begun
    }

    /// The scripts in which there is such a thing.
    fn scripts(self) -> &'static [Script] {
        match self {
            Self::Rare | Self::Common => &Script::ALL,
            Self::TwoCharacters => &[Script::Han],
            Self::Begun => &[Script::Latin, Script::Cyrillic],
        }
    }
}

impl Term {
    /// The next one of a kind, each script in turn.
    pub(crate) fn draw(kind: Kind, number: usize, speech: &Speech, rng: &mut SmallRng) -> Self {
        let scripts = kind.scripts();
        let script = scripts[number % scripts.len()];
        let rare = (kind == Kind::Rare).then(|| rng.random_range(0..speech.rares()));
        let common = |rank: usize| match script {
            Script::Han => pairs()
                .nth(rank)
                .map_or_else(String::new, |rank| script.word(rank)),
            _ => script.word(rank),
        };
        let text = match kind {
            Kind::Rare => rare.map_or_else(String::new, |rare| Speech::rare_word(script, rare)),
            Kind::Common => common(rng.random_range(0..COMMON)),
            // As many of each order of magnitude.
            Kind::TwoCharacters => common((PAIRS as f64).powf(rng.random::<f64>()) as usize),
            Kind::Begun => {
                let word = script.word(rng.random_range(BEGUN));
                word.chars().take(BEGUN_LETTERS).collect()
            }
        };
        Self {
            kind,
            script,
            text,
            rare,
        }
    }

    /// As somebody types it. A space says that the word does not go on.
    pub(crate) fn typed(&self) -> String {
        match self.kind {
            Kind::Begun => self.text.clone(),
            _ => format!("{} ", self.text),
        }
    }

    /// Whether a text has it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        if self.script == Script::Han {
            return text.contains(&self.text);
        }
        let mut words = text.split([' ', self.script.full_stop()]);
        words.any(|word| match self.kind {
            Kind::Begun => word.starts_with(&self.text),
            _ => word == self.text,
        })
    }
}
