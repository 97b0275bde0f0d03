//! Who the people of a log are, and into which conversation each message goes.
//!
//! A message is addressed to the person whose name it begins with, followed by `:` or `,`. Two people who
//! address each other, both of them, more than [`PAIR_MIN`] times in all have a direct conversation, and what
//! they address to each other goes there. All else goes to the one group of all.

use std::collections::HashMap;

use super::chat::Line;

/// More addressed messages than this make a pair.
const PAIR_MIN: usize = 20;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Group,
    /// An index into [`Plan::pairs`].
    Pair(usize),
}

/// What is to be said by whom and where.
pub(crate) struct Plan {
    /// Names, in the order of their first words.
    pub(crate) people: Vec<String>,
    /// Indexes of people, the lower first.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// In order.
    pub(crate) messages: Vec<Message>,
}

/// A line of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) author: usize,
    pub(crate) target: Target,
    /// Whom it addresses by name.
    pub(crate) addressee: Option<usize>,
    pub(crate) text: String,
}

impl Plan {
    pub(crate) fn of(lines: Vec<Line>) -> Self {
        let mut people = Vec::new();
        let mut index_of: HashMap<String, usize> = HashMap::new();
        for line in &lines {
            index_of.entry(line.user.clone()).or_insert_with(|| {
                people.push(line.user.clone());
                people.len() - 1
            });
        }
        let addressed: Vec<(usize, Option<usize>)> = lines
            .iter()
            .map(|line| {
                let author = index_of[&line.user];
                (
                    author,
                    addressee(&line.text, &index_of).filter(|other| *other != author),
                )
            })
            .collect();

        let mut counts: HashMap<(usize, usize), [usize; 2]> = HashMap::new();
        for (author, other) in &addressed {
            if let Some(other) = other {
                let counts = counts.entry(pair(*author, *other)).or_default();
                counts[usize::from(author > other)] += 1;
            }
        }
        let mut pairs: Vec<_> = counts
            .into_iter()
            .filter(|(_, [there, back])| *there > 0 && *back > 0 && there + back > PAIR_MIN)
            .map(|(pair, _)| pair)
            .collect();
        pairs.sort_unstable();
        let pair_of: HashMap<_, _> = pairs
            .iter()
            .enumerate()
            .map(|(index, pair)| (*pair, index))
            .collect();

        let messages = lines
            .into_iter()
            .zip(addressed)
            .map(|(line, (author, addressee))| {
                let index = addressee.and_then(|other| pair_of.get(&pair(author, other)));
                let target = index.map_or(Target::Group, |index| Target::Pair(*index));
                Message {
                    author,
                    target,
                    addressee,
                    text: line.text,
                }
            })
            .collect();
        Self {
            people,
            pairs,
            messages,
        }
    }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

/// The person whose name begins the text.
fn addressee(text: &str, index_of: &HashMap<String, usize>) -> Option<usize> {
    let (name, _) = text.split_once([':', ','])?;
    index_of.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(user: &str, text: &str) -> Line {
        Line {
            user: user.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn only_pairs_who_address_each_other_often_have_a_conversation_of_their_own() {
        let mut lines = vec![
            line("ann", "hello all"),
            line("bob", "bob: myself"),
            line("cy", "x: nobody"),
        ];
        for _ in 0..10 {
            lines.push(line("ann", "bob: a"));
            lines.push(line("bob", "ann, b"));
        }
        // Often, but never answered.
        lines.extend((0..30).map(|_| line("cy", "ann: are you there?")));
        let plan = Plan::of(lines.clone());
        assert_eq!(plan.people, ["ann", "bob", "cy"]);
        assert!(plan.pairs.is_empty());

        lines.push(line("ann", "bob: once more"));
        let plan = Plan::of(lines);
        assert_eq!(plan.pairs, [(0, 1)]);
        let direct = plan
            .messages
            .iter()
            .filter(|message| message.target == Target::Pair(0))
            .count();
        assert_eq!(direct, 21);
        let first = Message {
            author: 0,
            target: Target::Group,
            addressee: None,
            text: "hello all".to_owned(),
        };
        assert_eq!(plan.messages[0], first);
        assert_eq!(plan.messages[1].target, Target::Group);
        assert_eq!(plan.messages[2].target, Target::Group);
        assert_eq!(plan.messages[3].addressee, Some(1));
    }
}
