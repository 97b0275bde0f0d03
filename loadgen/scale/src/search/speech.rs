//! What is said, by the number of the message: the same each time, so that whoever looks for something knows what must be found.

use std::ops::Range;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::tongue::Script;

/// Words of each language. Their frequencies fall as Zipf and Mandelbrot found.
const VOCABULARY: usize = 100_000;
const OFFSET: f64 = 2.7;
/// Words of a message.
const WORDS: Range<usize> = 2..21;
pub(crate) const GROUPS: usize = 600;
/// Who write in any of them.
pub(crate) const WRITERS: usize = 50;
/// Who write in one group.
const WRITERS_OF_GROUP: usize = 8;
/// One of so many messages has a rare word, and each rare word is in about so many messages.
const RARELY: u32 = 500;
const OFTEN: u64 = 10;
/// Groups of each script in so many are heard by the first reader, and by the second.
const HEARD: [usize; 2] = [10, 2];

/// All that is ever said.
pub(crate) struct Speech {
    /// The sums of the frequencies of words by rank.
    sums: Vec<f64>,
    /// The words of each script by rank.
    words: Vec<Vec<String>>,
    rares: usize,
}

/// A message.
pub(crate) struct Said {
    pub(crate) group: usize,
    pub(crate) writer: usize,
    pub(crate) script: Script,
    pub(crate) text: String,
}

/// What is known of a message without its text.
pub(super) struct Outline {
    pub(super) group: usize,
    writer: usize,
    /// The rare word in it.
    pub(super) rare: Option<usize>,
    rng: SmallRng,
}

impl Speech {
    /// Of about so many messages.
    pub(crate) fn new(messages: u64) -> Self {
        let mut sum = 0.0;
        let sums = (0..VOCABULARY).map(|rank| {
            sum += 1.0 / (rank as f64 + OFFSET);
            sum
        });
        let sums = sums.collect();
        let words = |script: &Script| (0..VOCABULARY).map(|rank| script.word(rank)).collect();
        let each = u64::from(RARELY) * OFTEN * Script::ALL.len() as u64;
        Self {
            sums,
            words: Script::ALL.iter().map(words).collect(),
            rares: (messages / each).max(1) as usize,
        }
    }

    /// Who write in a group, by number.
    pub(crate) fn writers_of(group: usize) -> impl Iterator<Item = usize> {
        (0..WRITERS_OF_GROUP).map(move |number| (group + number) % WRITERS)
    }

    /// In which script people write there.
    pub(crate) fn script(group: usize) -> Script {
        Script::ALL[group % Script::ALL.len()]
    }

    /// Whether a reader is in a group.
    pub(crate) fn hears(reader: usize, group: usize) -> bool {
        (group / Script::ALL.len()).is_multiple_of(HEARD[reader])
    }

    /// Rare words of each script.
    pub(super) fn rares(&self) -> usize {
        self.rares
    }

    pub(super) fn rare_word(script: Script, number: usize) -> String {
        script.rare_word(VOCABULARY, number)
    }

    pub(super) fn outline(&self, number: u64) -> Outline {
        let mut rng = SmallRng::seed_from_u64(number);
        // More is said in some than in others.
        let share = rng.random::<f64>().powi(2);
        let group = ((GROUPS as f64 * share) as usize).min(GROUPS - 1);
        let rare = rng
            .random_ratio(1, RARELY)
            .then(|| rng.random_range(0..self.rares));
        Outline {
            group,
            writer: (group + rng.random_range(0..WRITERS_OF_GROUP)) % WRITERS,
            rare,
            rng,
        }
    }

    /// The message with this number, from 0.
    pub(crate) fn said(&self, number: u64) -> Said {
        self.spell(self.outline(number))
    }

    pub(super) fn spell(&self, outline: Outline) -> Said {
        let Outline {
            group,
            writer,
            rare,
            mut rng,
        } = outline;
        let script = Self::script(group);
        let words = &self.words[script as usize];
        let count = rng.random_range(WORDS);
        let mut text = String::new();
        for number in 0..count {
            if number > 0 {
                text.push_str(script.space());
            }
            text.push_str(&words[self.rank(&mut rng)]);
        }
        if let Some(rare) = rare {
            text.push_str(script.space());
            text.push_str(&Self::rare_word(script, rare));
        }
        text.push(script.full_stop());
        Said {
            group,
            writer,
            script,
            text,
        }
    }

    fn rank(&self, rng: &mut SmallRng) -> usize {
        let all = self.sums.last().copied().unwrap_or_default();
        let at = rng.random::<f64>() * all;
        let rank = self.sums.partition_point(|sum| *sum < at);
        rank.min(VOCABULARY - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_each_time() {
        let (one, other) = (Speech::new(10_000), Speech::new(10_000));
        for number in 0..500 {
            let (one, other) = (one.said(number), other.said(number));
            assert_eq!(
                (one.group, one.writer, one.text),
                (other.group, other.writer, other.text)
            );
        }
    }

    #[test]
    fn words_are_as_frequent_as_in_what_people_write() {
        let speech = Speech::new(30_000);
        let (mut bytes, mut with_first, mut all) = (0, 0, 0);
        for number in 0..30_000 {
            let said = speech.said(number);
            if said.script == Script::Latin {
                all += 1;
                bytes += said.text.len();
                with_first += usize::from(said.text.split([' ', '.']).any(|word| word == "ta"));
            }
        }
        let mean = bytes / all;
        assert!((40..80).contains(&mean), "{mean}");
        let share = with_first as f64 / all as f64;
        assert!((0.2..0.5).contains(&share), "{share}");
    }
}
