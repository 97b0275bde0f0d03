//! Walking from the newest messages back, a stretch of time after the other, until a page is full.

use super::SearchOrder;
use super::asked::{Asked, Terms};
use crate::database::Database;
use crate::errors::Refusal;
use crate::schema::cursor::FoundPlace;
use crate::schema::loaders::Loaders;
use crate::schema::message::{Message, MessageId};
use crate::schema::page::Page;
use async_graphql::Context;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;
use std::time::Duration;
use tidings_projections::search::{Candidate, CandidatePlace, Wanted, candidates};
use tokio::time::Instant;
use uuid::Uuid;

/// The first stretch, and how many times as long as the one before each next one is.
const STRETCH: TimeDelta = TimeDelta::days(2);
const LONGER: i32 = 4;
/// A stretch beyond this reaches to the beginning.
const STRETCH_MAX: TimeDelta = TimeDelta::days(512);
/// Where a stretch took too long, it is tried as short as this part of it, and given up below an hour.
const SHORTER: i32 = 8;
const STRETCH_MIN: TimeDelta = TimeDelta::hours(1);
/// The longest walk.
const WALK: Duration = Duration::from_secs(3);
/// Candidates a step, for each entry of the page: some are not what they were any more.
const CANDIDATES: usize = 3;
/// Candidates that are put in order by how well they fit.
const BEST: usize = 2_000;

/// What came of a walk.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) found: Vec<(FoundPlace, Message)>,
    pub(super) has_next: bool,
    pub(super) complete: bool,
    /// Where it was given up, when it was.
    pub(super) cut: Option<FoundPlace>,
}

impl Default for Walked {
    fn default() -> Self {
        Self {
            found: vec![],
            has_next: false,
            complete: true,
            cut: None,
        }
    }
}

/// A walk through time.
struct Walk<'a> {
    database: &'a Database,
    viewer: Uuid,
    terms: &'a Terms,
    /// What is to be looked at yet ends here.
    to: DateTime<Utc>,
    /// Within a stretch, only what is older than this.
    behind: Option<CandidatePlace>,
    stretch: TimeDelta,
    begun: Instant,
}

/// What a step of a walk came to.
enum Step {
    Found(Vec<Candidate>),
    /// There is nothing older.
    End,
    /// It takes too long.
    Cut,
}

/// Looks for a page of messages.
pub(super) async fn walk(
    context: &Context<'_>,
    asked: &Asked,
    terms: &Terms,
    order: SearchOrder,
    page: &Page<FoundPlace>,
) -> Result<Walked, Refusal> {
    let mut walk = Walk {
        database: context.data_unchecked::<Database>(),
        viewer: asked.viewer,
        terms,
        to: terms.to,
        behind: None,
        stretch: STRETCH,
        begun: Instant::now(),
    };
    match order {
        SearchOrder::Newest => newest(context, asked, &mut walk, page).await,
        SearchOrder::Best => best(context, asked, &mut walk, page).await,
    }
}

async fn newest(
    context: &Context<'_>,
    asked: &Asked,
    walk: &mut Walk<'_>,
    page: &Page<FoundPlace>,
) -> Result<Walked, Refusal> {
    let unranked = |place| FoundPlace { rank: 0, place };
    if let Some(after) = page.after {
        walk.behind = Some(after.place);
        walk.to = walk.to.min(after.place.at + TimeDelta::microseconds(1));
    }
    let mut walked = Walked::default();
    let rows = (CANDIDATES * (page.size() + 1)).min(BEST);
    loop {
        match walk.step(rows).await? {
            Step::Found(candidates) => {
                let places = candidates.into_iter().map(|found| (unranked(found.place), found));
                let found = messages(context, asked, places.collect()).await?;
                walked.found.extend(found);
                if walked.found.len() > page.size() {
                    walked.found.truncate(page.size());
                    walked.has_next = true;
                    return Ok(walked);
                }
            }
            Step::End => return Ok(walked),
            Step::Cut => {
                (walked.complete, walked.has_next) = (false, true);
                walked.cut = Some(unranked(walk.place()));
                return Ok(walked);
            }
        }
    }
}

async fn best(
    context: &Context<'_>,
    asked: &Asked,
    walk: &mut Walk<'_>,
    page: &Page<FoundPlace>,
) -> Result<Walked, Refusal> {
    let (mut ranked, mut walked) = (vec![], Walked::default());
    while ranked.len() < BEST {
        match walk.step(BEST - ranked.len()).await? {
            Step::Found(found) => ranked.extend(found.into_iter().map(|found| {
                let rank = found.rank.max(0.0).to_bits();
                let place = found.place;
                (FoundPlace { rank, place }, found)
            })),
            Step::End => break,
            Step::Cut => {
                walked.complete = false;
                break;
            }
        }
    }
    walked.complete &= ranked.len() < BEST;
    let order = |place: &FoundPlace| (place.rank, place.place);
    ranked.sort_by_key(|(place, _)| std::cmp::Reverse(order(place)));
    if let Some(after) = page.after {
        ranked.retain(|(place, _)| order(place) < order(&after));
    }
    let mut rest = VecDeque::from(ranked);
    while !rest.is_empty() && walked.found.len() <= page.size() {
        let next = rest.drain(..rest.len().min(CANDIDATES * (page.size() + 1)));
        walked
            .found
            .extend(messages(context, asked, next.collect()).await?);
    }
    walked.has_next = walked.found.len() > page.size();
    walked.found.truncate(page.size());
    Ok(walked)
}

/// Those candidates that are what was asked for, as they are now.
async fn messages(
    context: &Context<'_>,
    asked: &Asked,
    candidates: Vec<(FoundPlace, Candidate)>,
) -> Result<Vec<(FoundPlace, Message)>, Refusal> {
    let key = |candidate: &Candidate| MessageId {
        conversation: candidate.place.conversation,
        message: candidate.message,
    };
    let keys: Vec<MessageId> = candidates.iter().map(|(_, candidate)| key(candidate)).collect();
    let loader = &context.data_unchecked::<Loaders>().messages;
    let mut messages = loader.load_many(keys).await?;
    let found = candidates.into_iter().filter_map(|(place, candidate)| {
        let message = messages.remove(&key(&candidate))?;
        asked.is_met_by(&message).then_some((place, message))
    });
    Ok(found.collect())
}

impl Walk<'_> {
    /// The next candidates, `rows` at most; there may be none in a stretch.
    async fn step(&mut self, rows: usize) -> Result<Step, Refusal> {
        loop {
            if self.to <= self.terms.from {
                return Ok(Step::End);
            }
            if self.begun.elapsed() >= WALK {
                return Ok(Step::Cut);
            }
            let earliest = self.terms.from;
            let from = if self.stretch > STRETCH_MAX {
                earliest
            } else {
                let from = self.to.checked_sub_signed(self.stretch);
                from.map_or(earliest, |from| from.max(earliest))
            };
            let wanted = Wanted {
                tsquery: self.terms.tsquery.clone(),
                ranked_by: self.terms.ranked_by.clone(),
                from,
                to: self.to,
                behind: self.behind,
                rows: rows as i64,
            };
            let Some(found) = self.database.step(&candidates(self.viewer, &wanted)).await? else {
                self.stretch = self.stretch.min(STRETCH_MAX) / SHORTER;
                if self.stretch < STRETCH_MIN {
                    return Ok(Step::Cut);
                }
                continue;
            };
            match found.last() {
                Some(last) if found.len() == rows => self.behind = Some(last.place),
                _ => {
                    (self.to, self.behind) = (from, None);
                    self.stretch = self.stretch * LONGER;
                }
            }
            return Ok(Step::Found(found));
        }
    }

    /// Before all that was not looked at yet.
    fn place(&self) -> CandidatePlace {
        self.behind.unwrap_or(CandidatePlace {
            at: self.to,
            conversation: Uuid::nil(),
            seq: 0,
        })
    }
}
