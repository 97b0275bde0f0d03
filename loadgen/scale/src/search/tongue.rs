//! Words of languages that nobody speaks, in scripts that people write. They are made from their rank alone.

/// A script, and the language that is written in it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Script {
    /// Words of small letters with spaces between them.
    Latin,
    /// The same, two bytes a letter.
    Cyrillic,
    /// Words of one to three signs, without spaces, three bytes a sign.
    Han,
}

/// A language of syllables: one letter of each of these.
struct Syllables {
    begin: [char; 16],
    middle: [char; 5],
    end: [Option<char>; 4],
}

const LATIN: Syllables = Syllables {
    begin: [
        't', 'b', 's', 'd', 'm', 'f', 'h', 'k', 'l', 'n', 'p', 'r', 'v', 'w', 'z', 'g',
    ],
    middle: ['a', 'e', 'i', 'o', 'u'],
    end: [None, Some('n'), Some('r'), Some('s')],
};
const CYRILLIC: Syllables = Syllables {
    begin: [
        'т', 'б', 'с', 'д', 'м', 'ф', 'х', 'к', 'л', 'н', 'п', 'р', 'в', 'ч', 'з', 'г',
    ],
    middle: ['а', 'е', 'и', 'о', 'у'],
    end: [None, Some('н'), Some('р'), Some('с')],
};

/// The most frequent signs are words by themselves; all others come in words of two, and every fifth of three.
const PARTICLES: usize = 60;
/// Signs that words of several are made of.
const SIGNS: usize = 1_000;
const HAN: u32 = 0x4e00;
/// Where the signs of words begin that the vocabulary does not have, and how many there are.
const HAN_RARE: u32 = 0x3400;
const SIGNS_RARE: usize = 6_000;

impl Script {
    pub(crate) const ALL: [Self; 3] = [Self::Latin, Self::Cyrillic, Self::Han];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Latin => "Latin",
            Self::Cyrillic => "Cyrillic",
            Self::Han => "Han",
        }
    }

    /// What stands between words.
    pub(crate) fn space(self) -> &'static str {
        match self {
            Self::Latin | Self::Cyrillic => " ",
            Self::Han => "",
        }
    }

    pub(crate) fn full_stop(self) -> char {
        match self {
            Self::Latin | Self::Cyrillic => '.',
            Self::Han => '。',
        }
    }

    /// The word with this rank, from 0, the most frequent one. No two are the same, but for some of three signs.
    pub(crate) fn word(self, rank: usize) -> String {
        match self {
            Self::Latin => LATIN.word(rank),
            Self::Cyrillic => CYRILLIC.word(rank),
            Self::Han => signs(rank),
        }
    }

    /// A word beyond a vocabulary of so many; of signs that no other word has, where words are of signs.
    pub(crate) fn rare_word(self, vocabulary: usize, number: usize) -> String {
        match self {
            Self::Latin | Self::Cyrillic => self.word(vocabulary + number),
            Self::Han => {
                let second = number / SIGNS_RARE + 17 * number;
                sign(HAN_RARE, number % SIGNS_RARE)
                    .chain(sign(HAN_RARE, second % SIGNS_RARE))
                    .collect()
            }
        }
    }
}

/// Ranks of words of exactly two signs that are common, from the most frequent one.
pub(crate) fn pairs() -> impl Iterator<Item = usize> {
    (PARTICLES..).filter(|rank| !has_three(*rank))
}

fn has_three(rank: usize) -> bool {
    (rank - PARTICLES) % 5 == 4
}

impl Syllables {
    /// One syllable for the first ranks, two for the next ones, and so on. A syllable ends where the next one's first letter is, so no
    /// two words are spelled alike.
    fn word(&self, mut rank: usize) -> String {
        let all = self.begin.len() * self.middle.len() * self.end.len();
        let mut word = String::new();
        loop {
            let (syllable, rest) = (rank % all, rank / all);
            word.push(self.begin[syllable % self.begin.len()]);
            let syllable = syllable / self.begin.len();
            word.push(self.middle[syllable % self.middle.len()]);
            word.extend(self.end[syllable / self.middle.len()]);
            if rest == 0 {
                return word;
            }
            rank = rest - 1;
        }
    }
}

fn signs(rank: usize) -> String {
    if rank < PARTICLES {
        return sign(HAN, rank).collect();
    }
    let number = rank - PARTICLES;
    let second = 31 * number + number / SIGNS;
    let third = has_three(rank).then(|| sign(HAN, PARTICLES + number / 7 % SIGNS));
    sign(HAN, PARTICLES + number % SIGNS)
        .chain(sign(HAN, PARTICLES + second % SIGNS))
        .chain(third.into_iter().flatten())
        .collect()
}

fn sign(first: u32, number: usize) -> impl Iterator<Item = char> {
    u32::try_from(number)
        .ok()
        .and_then(|number| char::from_u32(first + number))
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_ranks_have_the_same_word() {
        for script in [Script::Latin, Script::Cyrillic] {
            let words: HashSet<String> = (0..200_000).map(|rank| script.word(rank)).collect();
            assert_eq!(words.len(), 200_000);
        }
        let pairs: HashSet<String> = pairs().take(100_000).map(|rank| Script::Han.word(rank)).collect();
        assert_eq!(pairs.len(), 100_000);
        let rare: HashSet<String> = (0..100_000)
            .map(|number| Script::Han.rare_word(0, number))
            .collect();
        assert_eq!(rare.len(), 100_000);
    }

    #[test]
    fn frequent_words_are_short() {
        assert_eq!(Script::Latin.word(0), "ta");
        assert_eq!(Script::Cyrillic.word(1), "ба");
        assert_eq!(Script::Han.word(0), "一");
        assert_eq!(Script::Han.word(60).chars().count(), 2);
        assert_eq!(Script::Han.word(64).chars().count(), 3);
    }
}
