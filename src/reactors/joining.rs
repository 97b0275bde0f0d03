//! Notices of requests to be let into groups: whoever answers them is told, on their own stream, that somebody asks, and whoever has asked, what the
//! answer was. Whom one blocks one hears nothing of: the request is in the group as ever, and nobody can tell.

use super::Reactor;
use super::blocks::blocks;
use super::commands::{Commands, Later};
use crate::clock;
use crate::lanes;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tidings_domain::event::{GroupAnswered, GroupAsked, JoinAnswered};
use tidings_domain::stored::Kind;
use tidings_domain::{Conversation, ConversationEvent, ConversationId, Event, Told, UserId};
use tidings_eventlog::Log;
use tidings_projections::{Fact, Folds};
use uuid::Uuid;

/// How often it looks for what is new.
const EVERY: Duration = Duration::from_secs(2);
/// What happened so long ago is no news: whoever looks at the group has found it.
const OLD: TimeDelta = TimeDelta::days(7);
/// How long somebody who was told of one who asks is told of no other, unless nobody waits any more.
const AGAIN: TimeDelta = TimeDelta::days(1);

/// Tells people of requests to be let into groups, and of answers.
pub struct JoinNotices {
    log: Log,
    log_id: Uuid,
}

/// A group whose door it is.
struct Door {
    group: Conversation,
    /// Those who answer, and were not told of anybody by these events.
    untold: Vec<UserId>,
    /// What they were told last by these events.
    last: Last,
}

/// What those who answer were told last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    /// That somebody asks.
    Asked,
    /// That nobody waits.
    Clear,
}

/// What an event says to those in front of the door and behind it.
#[derive(Clone, Copy)]
enum Word {
    Asks(UserId),
    /// Somebody waits no longer, and is told whether they were let in, where they are told.
    Waits(UserId, Option<bool>),
}

impl JoinNotices {
    /// `log_id` is the log's own id, from which the ids of pairs derive.
    pub fn new(log: &Log, log_id: Uuid) -> Self {
        Self {
            log: log.clone(),
            log_id,
        }
    }

    /// The groups of some facts, as they are now; `None` of what this version cannot read.
    async fn doors(
        &self,
        news: &[(&Fact<'_>, Word)],
        now: DateTime<Utc>,
    ) -> Result<HashMap<Uuid, Option<Door>>, Later> {
        let Some((first, _)) = news.first() else {
            return Ok(HashMap::new());
        };
        // Facts that are told together are of one lane.
        let lane = ConversationId(first.stream()).lane();
        let streams: BTreeSet<Uuid> = news.iter().map(|(fact, _)| fact.stream()).collect();
        let streams: Vec<Uuid> = streams.into_iter().collect();
        let groups = lanes::conversations(&self.log, lane, &streams).await?;
        let door = |group: Conversation| Door {
            untold: group.doorkeepers(now),
            last: Last::Nothing,
            group,
        };
        let doors = groups.into_iter();
        Ok(doors.map(|(stream, group)| (stream, group.map(door))).collect())
    }

    /// Tells those that somebody asks who were told of nobody yet. Of many who ask, each is told of the first whom they do not block.
    async fn ask(
        &self,
        (fact, user): (&Fact<'_>, UserId),
        door: &mut Door,
        now: DateTime<Utc>,
        commands: &mut Commands<'_>,
    ) -> Result<(), Later> {
        // Who was answered meanwhile, or asks no more, is no news.
        if door.untold.is_empty() || !door.group.is_asked_by(user, now) {
            return Ok(());
        }
        let pairs: Vec<_> = door.untold.iter().map(|keeper| (*keeper, user)).collect();
        let blocked = blocks(&self.log, self.log_id, &pairs).await?;
        if door.last == Last::Clear {
            commands.settle().await?;
        }
        door.last = Last::Asked;
        let (conversation, pos) = (ConversationId(fact.stream()), fact.record.pos);
        let asked = GroupAsked {
            conversation,
            user,
            until: (now + AGAIN).into(),
            seq: Some(fact.record.seq),
        };
        let mut untold = vec![];
        for (keeper, _) in pairs {
            match blocked.get(&(keeper, user)) {
                Some(false) => commands.tell(fact, keeper, Told::Asked(asked)).await?,
                Some(true) => untold.push(keeper),
                None => commands.put_aside(pos, "what two people are to one another cannot be read".into()),
            }
        }
        door.untold = untold;
        Ok(())
    }
}

impl Reactor for JoinNotices {
    fn name(&self) -> &'static str {
        "join-notices"
    }

    fn hears(&self) -> Folds {
        Folds::Only(&[
            Kind::JOIN_REQUESTED,
            Kind::JOIN_REFUSED,
            Kind::MEMBER_ADDED,
            Kind::MEMBER_BANNED,
        ])
    }

    fn needs(&self) -> &'static [&'static str] {
        // Whoever is told and asks GraphQL then finds it.
        &["conversations", "groups"]
    }

    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn react(
        &self,
        facts: &[Fact<'_>],
        _: DateTime<Utc>,
        commands: &mut Commands<'_>,
    ) -> Result<(), Later> {
        // What is due may lie ahead with the log's time; whoever is told decides by the clock.
        let now = clock::now();
        let recent = facts.iter().filter(|fact| now - fact.at() < OLD);
        let news: Vec<_> = recent
            .filter_map(|fact| word(fact).map(|word| (fact, word)))
            .collect();
        let mut doors = self.doors(&news, now).await?;
        for (fact, word) in news {
            let Some(Some(door)) = doors.get_mut(&fact.stream()) else {
                commands.put_aside(fact.record.pos, "the group cannot be read".into());
                continue;
            };
            match word {
                Word::Asks(user) => self.ask((fact, user), door, now, commands).await?,
                Word::Waits(user, approved) => {
                    if let Some(approved) = approved {
                        let conversation = ConversationId(fact.stream());
                        let answered = JoinAnswered {
                            conversation,
                            approved,
                        };
                        commands.tell(fact, user, Told::JoinAnswered(answered)).await?;
                    }
                    clear((fact, user), door, now, commands).await?;
                }
            }
        }
        Ok(())
    }
}

impl Door {
    /// Whether nobody waits any more who had asked before an event. Who has asked since is told of by what they did, unless it `is_alone`: then that
    /// was looked at before, and where a notice stood it said nothing of them, so it stands for them.
    fn is_clear_at(&self, fact: &Fact<'_>, now: DateTime<Utc>, is_alone: bool) -> bool {
        // By places: of what was appended together times say nothing, and the log's may be ahead.
        let end = if is_alone { u64::MAX } else { fact.record.seq };
        self.group.asked_before(end, now).next().is_none()
    }
}

/// Tells those who answer that nobody waits any more, where that was so by an event.
async fn clear(
    (fact, user): (&Fact<'_>, UserId),
    door: &mut Door,
    now: DateTime<Utc>,
    commands: &mut Commands<'_>,
) -> Result<(), Later> {
    if door.last == Last::Clear || !door.is_clear_at(fact, now, commands.is_alone()) {
        return Ok(());
    }
    if door.last == Last::Asked {
        commands.settle().await?;
    }
    door.last = Last::Clear;
    let answered = GroupAnswered {
        conversation: ConversationId(fact.stream()),
        seq: Some(fact.record.seq),
    };
    // Whom the event is about is told at most one thing by it.
    let mut keepers = door.group.doorkeepers(now);
    // The next who asks is told to all of them again.
    door.untold.clone_from(&keepers);
    // Whoever was muted meanwhile was told that somebody asks as everybody was.
    keepers.extend(door.group.resting_doorkeepers(now));
    keepers.retain(|keeper| *keeper != user);
    for keeper in keepers {
        commands.tell(fact, keeper, Told::Answered(answered)).await?;
    }
    Ok(())
}

fn word(fact: &Fact<'_>) -> Option<Word> {
    let Event::Conversation(event) = fact.event else {
        return None;
    };
    match event {
        ConversationEvent::JoinRequested(requested) => Some(Word::Asks(requested.user)),
        ConversationEvent::JoinRefused(refused) => {
            // Who takes it back knows.
            let is_answer = fact.record.actor != refused.user.0;
            Some(Word::Waits(refused.user, is_answer.then_some(false)))
        }
        ConversationEvent::MemberAdded(added) if added.asked => Some(Word::Waits(added.user, Some(true))),
        ConversationEvent::MemberAdded(added) if added.waited => Some(Word::Waits(added.user, None)),
        ConversationEvent::MemberBanned(banned) => Some(Word::Waits(banned.user, None)),
        _ => None,
    }
}
