//! What some people find by a few words, against what messages say at the end. Words are looked for that stand by themselves wherever they
//! stand: what else a word is part of is for the tests of the search.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tidings_scribe::fold::Told;
use tokio::time::Instant;
use uuid::Uuid;

use super::{due::Looked, people::Run, verify::Histories};

/// How many people look for how many words.
const SEEKERS: usize = 8;
const WORDS: usize = 6;

/// Words that are found more often are no better.
const FOUND_MAX: usize = 50;

/// How long the read model of words may lag behind.
const LAG_MAX: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

const SEARCH: &str =
    "query($words: String!) { search(query: $words, first: 100) { complete edges { node { id } } } }";

/// Looks for words as those who were looked at; answers how often.
pub(crate) async fn look(run: &Run, looked: &[Looked], histories: &Histories) -> Result<usize> {
    let words = choose(
        histories
            .values()
            .flat_map(|messages| messages.values().map(|(_, told)| told)),
    );
    let mut searches = 0;
    for looked in looked.iter().take(SEEKERS) {
        let person = &run.people[looked.person];
        for word in &words {
            let expected = expected(looked, histories, word, |conversation, id, told| {
                let own = person.own.of(conversation);
                own.cleared < told.seq && !own.hidden.contains(&id)
            });
            let deadline = Instant::now() + LAG_MAX;
            loop {
                let told = person
                    .account
                    .query(SEARCH, &json!({ "words": word }), looked.after)
                    .await?;
                let found = found(&told);
                if found.as_ref() == Some(&expected) {
                    break;
                }
                if Instant::now() >= deadline {
                    bail!(
                        "{} finds {found:?} by \u{201c}{word}\u{201d}; it should be {expected:?}",
                        person.name
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
            searches += 1;
        }
    }
    Ok(searches)
}

/// What is found; `None` where looking was cut short.
fn found(told: &Value) -> Option<BTreeSet<Uuid>> {
    let found = told.get("search")?;
    let edges = found.get("edges")?.as_array()?;
    let ids = edges
        .iter()
        .map(|edge| edge.pointer("/node/id")?.as_str()?.parse().ok());
    let ids = ids.collect::<Option<BTreeSet<Uuid>>>()?;
    (found.get("complete") == Some(&Value::Bool(true))).then_some(ids)
}

fn expected(
    looked: &Looked,
    histories: &Histories,
    word: &str,
    is_seen: impl Fn(Uuid, Uuid, &Told) -> bool,
) -> BTreeSet<Uuid> {
    let mut expected = BTreeSet::new();
    for conversation in looked.standings.keys() {
        for (id, (_, told)) in histories.get(conversation).into_iter().flatten() {
            let says = told
                .text
                .as_ref()
                .is_some_and(|text| words_of(text).any(|said| said == word));
            if says && is_seen(*conversation, *id, told) {
                expected.insert(*id);
            }
        }
    }
    expected
}

/// The words of a text that consist of plain letters and stand between spaces.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ')
}

/// Words of some length that are found sometimes, and that are no part of anything else.
fn choose<'t>(messages: impl Iterator<Item = &'t Told>) -> Vec<String> {
    let texts: Vec<&str> = messages.filter_map(|told| told.text.as_deref()).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in &texts {
        let own: BTreeSet<&str> = words_of(text).collect();
        for word in own {
            *counts.entry(word).or_default() += 1;
        }
    }
    let is_fit = |word: &str| {
        word.len() >= 3
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let mut words: Vec<(&str, usize)> = counts
        .into_iter()
        .filter(|(word, count)| is_fit(word) && *count <= FOUND_MAX)
        .collect();
    // The frequent first.
    words.sort_by_key(|(word, count)| (std::cmp::Reverse(*count), *word));
    let lower: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let mut chosen = Vec::new();
    for (word, count) in words {
        let part_of = lower.iter().filter(|text| text.contains(word)).count();
        if part_of == count {
            chosen.push(word.to_owned());
        }
        if chosen.len() == WORDS {
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn told(text: &str) -> Told {
        let node: HashMap<&str, Value> = [
            ("seq", json!(1)),
            ("text", json!(text)),
            ("pinned", json!(false)),
            ("also", json!(false)),
            ("everyone", json!(false)),
            ("reactions", json!([])),
        ]
        .into();
        serde_json::from_value(json!(node)).unwrap()
    }

    #[test]
    fn words_that_are_part_of_others_are_not_chosen() {
        let texts = [
            "build it now",
            "rebuild it",
            "window now",
            "Window, later",
            "window maybe",
        ];
        let told: Vec<Told> = texts.iter().map(|text| told(text)).collect();
        assert_eq!(choose(told.iter()), ["now", "later", "maybe", "rebuild"]);
    }
}
