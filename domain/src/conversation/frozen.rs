//! A conversation's state as bytes.

use super::members::Member;
use super::{Conversation, Shape};
use crate::frozen::Frozen;
use crate::id::UserId;
use crate::membership::Role;
use chrono::DateTime;
use uuid::Uuid;

/// Id, role, arrival.
const MEMBER_BYTES: usize = 16 + 1 + 8;

/// Stands for a time that is not known yet.
const UNDATED: i64 = i64::MIN;

impl Conversation {
    pub(crate) fn freeze(&self, out: &mut Vec<u8>) {
        out.reserve(32 + self.members.count() * MEMBER_BYTES);
        out.push(match self.shape {
            Shape::Absent => 0,
            Shape::Direct => 1,
            Shape::Group => 2,
        });
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
        }
        out.extend((self.pins.count() as u64).to_le_bytes());
        for message in self.pins.iter() {
            out.extend(message.as_bytes());
        }
        out.extend((self.calls.iter().len() as u64).to_le_bytes());
        for call in self.calls.iter() {
            out.extend(call.map_or(UNDATED, |at| at.timestamp_micros()).to_le_bytes());
        }
    }

    pub(crate) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let shape = match frozen.byte()? {
            0 => Shape::Absent,
            1 => Shape::Direct,
            2 => Shape::Group,
            _ => return None,
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
            let arrival = frozen.number()?;
            Some((user, Member { role, arrival }))
        })?;
        let count = frozen.number()?;
        let pins = frozen.list(count, 16, |frozen| frozen.array().map(Uuid::from_bytes))?;
        let count = frozen.number()?;
        let calls = frozen.list(count, 8, |frozen| match i64::from_le_bytes(frozen.array()?) {
            UNDATED => Some(None),
            at => DateTime::from_timestamp_micros(at).map(Some),
        })?;
        Some(Self {
            shape,
            members: members.into_iter().collect(),
            arrivals,
            pins: pins.into_iter().collect(),
            calls: calls.into_iter().collect(),
        })
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
