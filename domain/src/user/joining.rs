//! What somebody is told of requests to be let into groups, on their own stream: whoever answers them, that there are some, and whoever has
//! asked, what the answer was.

use super::open::make_room;
use crate::event::{Event, UserEvent};
use crate::frozen::Frozen;
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::user::contact::Told;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How often somebody is told in a day that somebody asks a group to be let in, however often nobody waited any more meanwhile: those who answer,
/// those who ask and those who are told need not be friends.
pub const ASKED_TOLD_MAX: usize = 3;

/// Somebody asks to be let into a group whose requests the user answers. Of others who ask until a time nothing is told, unless nobody
/// waited any more before. It is told [`ASKED_TOLD_MAX`] times in a day at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAsked {
    pub conversation: ConversationId,
    pub user: UserId,
    pub until: Moment,
    /// The request's place in the group; none in what was told before it was known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
}

impl Stored for GroupAsked {
    const KIND: Kind = Kind::GROUP_ASKED;
    const NAME: &'static str = "group.asked";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::Told(Told::Asked(self)).into()
    }
}

/// Nobody waits for an answer of the group any more, whose requests the user was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAnswered {
    pub conversation: ConversationId,
    /// The place in the group of what ended the last request: what came behind it waits still. None in what was told before it was known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
}

impl Stored for GroupAnswered {
    const KIND: Kind = Kind::GROUP_ANSWERED;
    const NAME: &'static str = "group.answered";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::Told(Told::Answered(self)).into()
    }
}

/// The user has asked to be let into a group, and was answered. By whom is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinAnswered {
    pub conversation: ConversationId,
    pub approved: bool,
}

impl Stored for JoinAnswered {
    const KIND: Kind = Kind::JOIN_ANSWERED;
    const NAME: &'static str = "join.answered";

    fn into_event(self) -> Event {
        UserEvent::Told(Told::JoinAnswered(self)).into()
    }
}

/// The groups of which somebody was told that somebody asks to be let in. Of more than [`OPEN_MAX`](super::open::OPEN_MAX) the one is forgotten whose last notice is
/// over first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked(BTreeMap<ConversationId, Notices>);

/// What somebody was told of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notices {
    /// Until when the last ones hold, one at least. Each holds for as long as is counted.
    ends: Vec<Moment>,
    /// Where in the group the request stands that the last one was told of; 0 where that is not known.
    seq: u64,
    /// Since the last one all were answered, or wait no more.
    is_answered: bool,
}

impl Asked {
    /// Whether they may be told of somebody who asks: no notice stands for them, and there were not too many.
    pub(super) fn lets_tell(&self, group: ConversationId, now: DateTime<Utc>) -> bool {
        let Some(notices) = self.0.get(&group) else {
            return true;
        };
        let hold = notices.ends.iter().filter(|until| until.time() > now).count();
        let most = if notices.is_answered { ASKED_TOLD_MAX } else { 1 };
        hold < most
    }

    /// Whether they were told of a request before this end, and not that nobody waits. The same end may be told again, when they were
    /// told of whoever asked behind it.
    pub(super) fn waits(&self, answered: &GroupAnswered) -> bool {
        let is_before = |request: u64| answered.seq.is_none_or(|answer| request < answer);
        let notices = self.0.get(&answered.conversation);
        notices.is_some_and(|notices| !notices.is_answered && is_before(notices.seq))
    }

    pub(super) fn tell(&mut self, asked: &GroupAsked) {
        let notices = self.0.entry(asked.conversation).or_insert_with(|| Notices {
            ends: vec![],
            seq: 0,
            is_answered: false,
        });
        notices.seq = asked.seq.unwrap_or(0);
        notices.is_answered = false;
        notices.ends.push(asked.until);
        if notices.ends.len() > ASKED_TOLD_MAX {
            notices.ends.remove(0);
        }
        make_room(&mut self.0, |notices| notices.ends.last().copied());
    }

    /// Nobody waits any more. How often they were told is not forgotten.
    pub(super) fn answer(&mut self, group: ConversationId) {
        if let Some(notices) = self.0.get_mut(&group) {
            notices.is_answered = true;
        }
    }

    /// Of how many groups something is kept.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn freeze(&self, out: &mut Vec<u8>) {
        out.extend((self.0.len() as u64).to_le_bytes());
        for (group, notices) in &self.0 {
            out.extend(group.0.as_bytes());
            out.extend(notices.seq.to_le_bytes());
            out.push(u8::from(notices.is_answered));
            out.extend((notices.ends.len() as u64).to_le_bytes());
            for until in &notices.ends {
                out.extend(until.time().timestamp_millis().to_le_bytes());
            }
        }
    }

    pub(super) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let count = frozen.number()?;
        let all = frozen.list(count, 41, |frozen| {
            let group = ConversationId(Uuid::from_bytes(frozen.array()?));
            let seq = frozen.number()?;
            let is_answered = match frozen.byte()? {
                0 => false,
                1 => true,
                _ => return None,
            };
            let count = frozen.number()?;
            let ends = frozen.list(count, 8, |frozen| {
                let until = DateTime::from_timestamp_millis(i64::from_le_bytes(frozen.array()?))?;
                Some(Moment::from(until))
            })?;
            let notices = Notices {
                ends,
                seq,
                is_answered,
            };
            Some((group, notices))
        })?;
        Some(Self(all.into_iter().collect()))
    }
}
