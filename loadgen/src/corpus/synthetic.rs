//! A made-up log in the shape of a real one: a few people say most, in bursts, and often by name to somebody
//! who spoke before.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::chat::Line;

/// How many messages there are for each person, about as in busy public rooms.
const MESSAGES_PER_PERSON: usize = 80;

const FIRST: [&str; 16] = [
    "amber", "brisk", "calm", "dusty", "early", "fresh", "gentle", "hasty", "ivory", "jolly", "keen",
    "lively", "mellow", "noble", "quick", "warm",
];
const SECOND: [&str; 16] = [
    "ant", "bear", "crow", "dove", "emu", "fox", "goat", "hare", "ibis", "jay", "kite", "lark", "lynx",
    "mole", "quail", "yak",
];
const WORDS: [&str; 24] = [
    "the", "build", "I", "works", "now", "does", "not", "compile", "maybe", "you", "could", "try", "it",
    "with", "a", "smaller", "window", "yes", "naïve", "→", "agreed", "why", "later", "😀",
];

/// `messages` lines that are the same for the same seed.
pub(crate) fn make_log(messages: usize, seed: u64) -> Vec<Line> {
    let mut random = StdRng::seed_from_u64(seed);
    let people = (messages / MESSAGES_PER_PERSON).max(3);
    let mut recent: Vec<usize> = Vec::new();
    let mut lines = Vec::with_capacity(messages);
    while lines.len() < messages {
        // The cube of a uniform number makes low indexes, the talkative, frequent.
        let chance: f64 = random.random();
        let speaker = ((chance * chance * chance) * people as f64) as usize % people;
        let addressee = recent
            .iter()
            .rev()
            .find(|other| **other != speaker && random.random_bool(0.6));
        let addressee = addressee.copied().filter(|_| random.random_bool(0.35));
        for _ in 0..=random.random_range(0..3_usize) * random.random_range(0..2_usize) {
            if lines.len() == messages {
                break;
            }
            let mut text = match addressee {
                Some(other) if random.random() => format!("{}: ", name(other)),
                Some(other) => format!("{}, ", name(other)),
                None => String::new(),
            };
            text.push_str(&sentence(&mut random));
            lines.push(Line {
                user: name(speaker),
                text,
            });
        }
        recent.push(speaker);
        if recent.len() > 8 {
            recent.remove(0);
        }
    }
    lines
}

fn name(index: usize) -> String {
    let (first, second) = (FIRST[index % 16], SECOND[index / 16 % 16]);
    match index / 256 {
        0 => format!("{first}_{second}"),
        round => format!("{first}_{second}{round}"),
    }
}

fn sentence(random: &mut StdRng) -> String {
    // Mostly short, seldom very long.
    let longest = if random.random_bool(0.01) { 400 } else { 24 };
    let count = 1 + random.random_range(0..longest);
    let words: Vec<_> = (0..count)
        .map(|_| WORDS[random.random_range(0..WORDS.len())])
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_log_and_another_another() {
        let log = make_log(2000, 7);
        assert_eq!(log.len(), 2000);
        assert_eq!(log, make_log(2000, 7));
        assert_ne!(log, make_log(2000, 8));
        let people: HashSet<_> = log.iter().map(|line| &line.user).collect();
        assert!((10..=25).contains(&people.len()), "{}", people.len());
        assert!(log.iter().all(|line| line.text.len() <= 8192));
    }
}
