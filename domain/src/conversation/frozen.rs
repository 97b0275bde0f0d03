//! A conversation's state as bytes.

use super::group_settings::{GroupSettings, Join, Who};
use super::history::{Beginning, History};
use super::invitation::Asked;
use super::link::Link;
use super::marked::Marked;
use super::members::Member;
use super::taken_back::{TakenBack, Times, Two};
use super::{Conversation, Shape};
use crate::frozen::Frozen;
use crate::id::UserId;
use crate::membership::Role;
use crate::moment::Moment;
use crate::text::GroupName;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use uuid::Uuid;

/// Id, role, arrival, and what they see.
const MEMBER_BYTES: usize = 16 + 1 + 8 + 8;

/// Who asks, since when, and by which event.
const REQUEST_BYTES: usize = 16 + 8 + 8;

/// Id, proof, whose it is, until when, and how often still.
const LINK_BYTES: usize = 16 * 3 + 8 * 2;

/// Who is invited, by whom, and until when.
const INVITATION_BYTES: usize = 16 * 2 + 8;

/// Two people, how often, and when last.
const TAKEN_BACK_BYTES: usize = 16 * 2 + 1 + 8;

/// Two people, and how often.
const UNDATED_BYTES: usize = 16 * 2 + 1;

/// Stands for the joining of whoever comes in: no event has this seq.
const THEIR_JOINING: u64 = 0;

/// Stands for uses that are not counted.
const UNCOUNTED: u64 = u64::MAX;

/// Stands for a time that is not known yet.
const UNDATED: i64 = i64::MIN;

impl Conversation {
    pub(crate) fn freeze(&self, out: &mut Vec<u8>) {
        out.reserve(128 + self.members.count() * MEMBER_BYTES);
        out.push(match self.shape {
            Shape::Absent => 0,
            Shape::Direct => 1,
            Shape::Group => 2,
        });
        let name = self.name.as_deref().map_or("", GroupName::as_str);
        out.extend((name.len() as u64).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend(self.arrivals.to_le_bytes());
        out.extend((self.members.count() as u64).to_le_bytes());
        for (user, member) in self.members.iter() {
            out.extend(user.0.as_bytes());
            out.push(match member.role {
                Role::Member => 0,
                Role::Admin => 1,
                Role::Owner => 2,
            });
            out.extend(member.arrival.to_le_bytes());
            out.extend(member.visible_from.to_le_bytes());
        }
        for marked in [&self.pins, &self.withheld] {
            freeze_marked(marked, out);
        }
        out.extend((self.calls.iter().len() as u64).to_le_bytes());
        for call in self.calls.iter() {
            out.extend(call.map_or(UNDATED, |at| at.timestamp_micros()).to_le_bytes());
        }
        freeze_settings(&self.settings, out);
        let beginning = self.beginning.number().unwrap_or(THEIR_JOINING);
        out.extend(beginning.to_le_bytes());
        freeze_book(
            self.posts.count(),
            self.posts
                .iter()
                .map(|(user, at)| (user, at.map_or(UNDATED, |at| at.timestamp_micros()))),
            out,
        );
        out.extend((self.requests.count() as u64).to_le_bytes());
        for (user, since, seq) in self.requests.iter() {
            out.extend(user.0.as_bytes());
            out.extend(since.map_or(UNDATED, |at| at.timestamp_micros()).to_le_bytes());
            out.extend(seq.to_le_bytes());
        }
        freeze_book(
            self.refusals.count(),
            self.refusals
                .iter()
                .map(|(user, at)| (user, at.map_or(UNDATED, |at| at.timestamp_micros()))),
            out,
        );
        out.extend((self.links.iter().len() as u64).to_le_bytes());
        for (id, link) in self.links.iter() {
            out.extend(id.as_bytes());
            out.extend(link.proof.as_bytes());
            out.extend(link.by.0.as_bytes());
            out.extend(link.until.time().timestamp_micros().to_le_bytes());
            out.extend(link.left.map_or(UNCOUNTED, u64::from).to_le_bytes());
        }
        out.extend((self.invitations.iter().len() as u64).to_le_bytes());
        for ((user, by), until) in self.invitations.iter() {
            out.extend(user.0.as_bytes());
            out.extend(by.0.as_bytes());
            out.extend(until.time().timestamp_micros().to_le_bytes());
        }
        freeze_book(
            self.declines.count(),
            self.declines
                .iter()
                .map(|(user, at)| (user, at.map_or(UNDATED, |at| at.timestamp_micros()))),
            out,
        );
        out.extend((self.taken_back.dated().count() as u64).to_le_bytes());
        for (two, times) in self.taken_back.dated() {
            freeze_two(two, out);
            out.push(times.count);
            out.extend(times.last.timestamp_micros().to_le_bytes());
        }
        out.extend((self.taken_back.undated().count() as u64).to_le_bytes());
        for (two, count) in self.taken_back.undated() {
            freeze_two(two, out);
            out.push(count);
        }
        for book in [&self.mutes, &self.bans] {
            let micros =
                |until: Option<Moment>| until.map_or(UNDATED, |until| until.time().timestamp_micros());
            freeze_book(
                book.count(),
                book.iter().map(|(user, until)| (user, micros(until))),
                out,
            );
        }
    }

    pub(crate) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let shape = match frozen.byte()? {
            0 => Shape::Absent,
            1 => Shape::Direct,
            2 => Shape::Group,
            _ => return None,
        };
        let name = match frozen.number()? {
            // A group has a name, and nothing else has.
            0 => None,
            bytes => {
                let name = frozen.list(bytes, 1, Frozen::byte)?;
                Some(Arc::new(GroupName::kept(String::from_utf8(name).ok()?)))
            }
        };
        let (arrivals, count) = (frozen.number()?, frozen.number()?);
        let members = frozen.list(count, MEMBER_BYTES, |frozen| {
            let user = UserId(Uuid::from_bytes(frozen.array()?));
            let role = match frozen.byte()? {
                0 => Role::Member,
                1 => Role::Admin,
                2 => Role::Owner,
                _ => return None,
            };
            let member = Member {
                role,
                arrival: frozen.number()?,
                visible_from: frozen.number()?,
            };
            Some((user, member))
        })?;
        let pins = thaw_marked(frozen)?;
        let withheld = thaw_marked(frozen)?;
        let count = frozen.number()?;
        let calls = frozen.list(count, 8, time)?;
        let settings = thaw_settings(frozen)?;
        let beginning = Some(frozen.number()?).filter(|from| *from != THEIR_JOINING);
        let posts = thaw_book(frozen)?.into_iter().collect();
        let count = frozen.number()?;
        let requests = frozen.list(count, REQUEST_BYTES, |frozen| {
            let user = UserId(Uuid::from_bytes(frozen.array()?));
            Some((user, time(frozen)?, frozen.number()?))
        })?;
        let refusals = thaw_book(frozen)?.into_iter().collect();
        let count = frozen.number()?;
        let links = frozen.list(count, LINK_BYTES, link)?;
        let count = frozen.number()?;
        let invitations = frozen.list(count, INVITATION_BYTES, invitation)?;
        let declines = thaw_book(frozen)?.into_iter().collect();
        let count = frozen.number()?;
        let dated = frozen.list(count, TAKEN_BACK_BYTES, |frozen| {
            let two = thaw_two(frozen)?;
            let count = frozen.byte()?;
            let last = time(frozen)??;
            Some((two, Times { count, last }))
        })?;
        let count = frozen.number()?;
        let undated = frozen.list(count, UNDATED_BYTES, |frozen| {
            Some((thaw_two(frozen)?, frozen.byte()?))
        })?;
        let until = |(user, until): (UserId, Option<DateTime<Utc>>)| (user, until.map(Moment::from));
        let mutes = thaw_book(frozen)?.into_iter().map(until).collect();
        let bans = thaw_book(frozen)?.into_iter().map(until).collect();
        Some(Self {
            shape,
            name,
            members: members.into_iter().collect(),
            arrivals,
            pins,
            withheld,
            calls: calls.into_iter().collect(),
            settings,
            beginning: Beginning::stored(beginning),
            posts,
            requests: requests.into_iter().collect(),
            refusals,
            links: links.into_iter().collect(),
            invitations: invitations.into_iter().collect(),
            declines,
            taken_back: TakenBack::stored(dated, undated),
            mutes,
            bans,
        })
    }
}

fn link(frozen: &mut Frozen<'_>) -> Option<(Uuid, Link)> {
    let id = Uuid::from_bytes(frozen.array()?);
    let link = Link {
        proof: Uuid::from_bytes(frozen.array()?),
        by: UserId(Uuid::from_bytes(frozen.array()?)),
        until: time(frozen)??.into(),
        left: match frozen.number()? {
            UNCOUNTED => None,
            left => Some(left.try_into().ok()?),
        },
    };
    Some((id, link))
}

fn invitation(frozen: &mut Frozen<'_>) -> Option<(Asked, Moment)> {
    let user = UserId(Uuid::from_bytes(frozen.array()?));
    let by = UserId(Uuid::from_bytes(frozen.array()?));
    Some(((user, by), time(frozen)??.into()))
}

fn freeze_marked(marked: &Marked, out: &mut Vec<u8>) {
    out.extend((marked.count() as u64).to_le_bytes());
    for message in marked.iter() {
        out.extend(message.as_bytes());
    }
}

fn thaw_marked(frozen: &mut Frozen<'_>) -> Option<Marked> {
    let count = frozen.number()?;
    let messages = frozen.list(count, 16, |frozen| frozen.array().map(Uuid::from_bytes))?;
    Some(messages.into_iter().collect())
}

fn freeze_two((by, user): Two, out: &mut Vec<u8>) {
    out.extend(by.0.as_bytes());
    out.extend(user.0.as_bytes());
}

fn thaw_two(frozen: &mut Frozen<'_>) -> Option<Two> {
    let by = UserId(Uuid::from_bytes(frozen.array()?));
    let user = UserId(Uuid::from_bytes(frozen.array()?));
    Some((by, user))
}

fn freeze_settings(settings: &GroupSettings, out: &mut Vec<u8>) {
    let GroupSettings {
        post,
        invite,
        pin,
        everyone,
        threads,
        react,
        attach,
        forward,
        history,
        join,
        slow_s,
    } = *settings;
    for who in [post, invite, pin, everyone, threads, react, attach] {
        out.push(u8::from(who == Who::Admins));
    }
    out.push(u8::from(forward));
    out.push(u8::from(history == History::Joined));
    out.push(match join {
        Join::Invite => 0,
        Join::Request => 1,
        Join::Open => 2,
    });
    out.extend(u64::from(slow_s).to_le_bytes());
}

fn thaw_settings(frozen: &mut Frozen<'_>) -> Option<GroupSettings> {
    let mut who = || match frozen.byte()? {
        0 => Some(Who::Members),
        1 => Some(Who::Admins),
        _ => None,
    };
    Some(GroupSettings {
        post: who()?,
        invite: who()?,
        pin: who()?,
        everyone: who()?,
        threads: who()?,
        react: who()?,
        attach: who()?,
        forward: match frozen.byte()? {
            0 => false,
            1 => true,
            _ => return None,
        },
        history: match frozen.byte()? {
            0 => History::Shared,
            1 => History::Joined,
            _ => return None,
        },
        join: match frozen.byte()? {
            0 => Join::Invite,
            1 => Join::Request,
            2 => Join::Open,
            _ => return None,
        },
        slow_s: frozen.number()?.try_into().ok()?,
    })
}

/// People, each with a time in microseconds or [`UNDATED`].
fn freeze_book(count: usize, entries: impl Iterator<Item = (UserId, i64)>, out: &mut Vec<u8>) {
    out.extend((count as u64).to_le_bytes());
    for (user, micros) in entries {
        out.extend(user.0.as_bytes());
        out.extend(micros.to_le_bytes());
    }
}

fn thaw_book(frozen: &mut Frozen<'_>) -> Option<Vec<(UserId, Option<DateTime<Utc>>)>> {
    let count = frozen.number()?;
    frozen.list(count, 16 + 8, |frozen| {
        let user = UserId(Uuid::from_bytes(frozen.array()?));
        Some((user, time(frozen)?))
    })
}

/// A time that may not be known.
#[expect(
    clippy::option_option,
    reason = "bytes that are no time are another thing than none"
)]
fn time(frozen: &mut Frozen<'_>) -> Option<Option<DateTime<Utc>>> {
    match i64::from_le_bytes(frozen.array()?) {
        UNDATED => Some(None),
        micros => DateTime::from_timestamp_micros(micros).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an unreadable count makes room for is bounded by it.
    #[test]
    fn each_member_takes_the_bytes_that_are_reckoned_with() {
        let bytes = |members: u128| {
            let member = Member {
                role: Role::Admin,
                arrival: 7,
                visible_from: 1,
            };
            let members = (0..members).map(|n| (UserId(Uuid::from_u128(n)), member));
            let conversation = Conversation {
                members: members.collect(),
                ..Conversation::default()
            };
            let mut bytes = vec![];
            conversation.freeze(&mut bytes);
            bytes.len()
        };
        assert_eq!(bytes(300) - bytes(200), 100 * MEMBER_BYTES);
    }
}
