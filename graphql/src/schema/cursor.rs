//! Opaque cursors. A cursor names a place in its list's order, so it stays good when what stood there is gone.

use crate::backend::LogPlace;
use crate::errors::Refusal;
use async_graphql::connection::CursorType;
use chrono::{DateTime, Datelike as _, Utc};
use std::hash::Hash;
use tidings_projections::search::CandidatePlace;
use uuid::Uuid;

/// No name is longer, in bytes.
pub(crate) const NAME_LEN_MAX: usize = 256;

/// The place of a message in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessagePlace(pub(crate) i64);

/// The place of a member among the members of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MemberPlace(pub(crate) Uuid);

/// The place of an invitation among those of a group: by who is invited, and then by who has invited them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InvitationPlace {
    pub(crate) user: Uuid,
    pub(crate) by: Uuid,
}

/// The place of a conversation among those of a user: newest activity first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ActivityPlace {
    pub(crate) at: DateTime<Utc>,
    pub(crate) conversation: Uuid,
}

/// The place of an event among those that are parked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ParkedPlace {
    pub(crate) projection: String,
    pub(crate) lane: i16,
    pub(crate) pos: i64,
}

/// The place of a connection among all, by when they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionPlace(pub(crate) Uuid);

/// The place of an announcement, by when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AnnouncementPlace(pub(crate) Uuid);

/// The place of an act among all that administrators did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AuditPlace(pub(crate) i64);

/// The place of a report among all, by when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReportPlace {
    pub(crate) at: DateTime<Utc>,
    pub(crate) report: Uuid,
}

/// The place of an event in the log, or among those of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EventPlace(pub(crate) LogPlace);

/// The place of a person in the order of names, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PersonPlace(pub(crate) String);

/// The place of a message among what was found: by how well it fits, where that counts, and by when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FoundPlace {
    /// The bits of its rank, which are in order, since no rank is negative. 0 where none counts.
    pub(crate) rank: u32,
    pub(crate) place: CandidatePlace,
}

impl PersonPlace {
    /// The place of whoever has that name.
    pub(crate) fn of(username: &str) -> Self {
        Self(username.to_ascii_lowercase())
    }
}

/// What every cursor can do.
pub(crate) trait Cursor:
    CursorType<Error = NotACursor> + Clone + Eq + Hash + Send + Sync + 'static
{
}

impl Cursor for MessagePlace {}
impl Cursor for MemberPlace {}
impl Cursor for InvitationPlace {}
impl Cursor for ActivityPlace {}
impl Cursor for ParkedPlace {}
impl Cursor for PersonPlace {}
impl Cursor for ConnectionPlace {}
impl Cursor for AnnouncementPlace {}
impl Cursor for AuditPlace {}
impl Cursor for FoundPlace {}
impl Cursor for EventPlace {}
impl Cursor for ReportPlace {}

/// The text is no cursor of this list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotACursor;

impl std::fmt::Display for NotACursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a cursor of this list")
    }
}

impl CursorType for MessagePlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        number(text.strip_prefix('m').ok_or(NotACursor)?).map(Self)
    }

    fn encode_cursor(&self) -> String {
        format!("m{:016x}", self.0)
    }
}

impl CursorType for MemberPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        id(text.strip_prefix('u').ok_or(NotACursor)?).map(Self)
    }

    fn encode_cursor(&self) -> String {
        format!("u{}", self.0.simple())
    }
}

impl CursorType for InvitationPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let (user, by) = text
            .strip_prefix('i')
            .and_then(|text| text.split_at_checked(32))
            .ok_or(NotACursor)?;
        Ok(Self {
            user: id(user)?,
            by: id(by)?,
        })
    }

    fn encode_cursor(&self) -> String {
        format!("i{}{}", self.user.simple(), self.by.simple())
    }
}

impl CursorType for ActivityPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let (at, conversation) = text
            .strip_prefix('c')
            .and_then(|text| text.split_at_checked(16))
            .ok_or(NotACursor)?;
        let at = DateTime::from_timestamp_micros(number(at)?).ok_or(NotACursor)?;
        Ok(Self {
            at,
            conversation: id(conversation)?,
        })
    }

    fn encode_cursor(&self) -> String {
        format!(
            "c{:016x}{}",
            self.at.timestamp_micros(),
            self.conversation.simple()
        )
    }
}

impl CursorType for ParkedPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let (place, projection) = text
            .strip_prefix('p')
            .and_then(|text| text.split_at_checked(18))
            .ok_or(NotACursor)?;
        let (lane, pos) = place.split_at_checked(2).ok_or(NotACursor)?;
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if lane.len() != 2 || !is_name(projection) {
            return Err(NotACursor);
        }
        Ok(Self {
            projection: projection.to_owned(),
            lane: u8::from_str_radix(lane, 16).map_err(|_| NotACursor)?.into(),
            pos: number(pos)?,
        })
    }

    fn encode_cursor(&self) -> String {
        format!("p{:02x}{:016x}{}", self.lane, self.pos, self.projection)
    }
}

impl CursorType for PersonPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let name = text.strip_prefix('n').ok_or(NotACursor)?;
        // PostgreSQL knows no text with a NUL in it.
        if name.contains('\0') || name.len() > NAME_LEN_MAX {
            return Err(NotACursor);
        }
        Ok(Self(name.to_owned()))
    }

    fn encode_cursor(&self) -> String {
        format!("n{}", self.0)
    }
}

impl CursorType for ConnectionPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        id(text.strip_prefix('k').ok_or(NotACursor)?).map(Self)
    }

    fn encode_cursor(&self) -> String {
        format!("k{}", self.0.simple())
    }
}

impl CursorType for AnnouncementPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        id(text.strip_prefix('n').ok_or(NotACursor)?).map(Self)
    }

    fn encode_cursor(&self) -> String {
        format!("n{}", self.0.simple())
    }
}

impl CursorType for AuditPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        number(text.strip_prefix('a').ok_or(NotACursor)?).map(Self)
    }

    fn encode_cursor(&self) -> String {
        format!("a{:016x}", self.0)
    }
}

impl CursorType for EventPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let (lane, digits) = text
            .strip_prefix('e')
            .and_then(|text| text.split_at_checked(2))
            .ok_or(NotACursor)?;
        if !lane.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotACursor);
        }
        Ok(Self(LogPlace {
            lane: u8::from_str_radix(lane, 16).map_err(|_| NotACursor)?,
            number: number(digits)?.max(0).cast_unsigned(),
        }))
    }

    fn encode_cursor(&self) -> String {
        format!("e{:02x}{:016x}", self.0.lane, self.0.number)
    }
}

impl CursorType for FoundPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let text = text.strip_prefix('s').ok_or(NotACursor)?;
        if text.len() != 8 + 16 + 16 + 32 || !text.is_ascii() {
            return Err(NotACursor);
        }
        let rank = u32::from_str_radix(&text[..8], 16).map_err(|_| NotACursor)?;
        let at = DateTime::from_timestamp_micros(number(&text[8..24])?).ok_or(NotACursor)?;
        // Nothing was sent at other times, of which PostgreSQL may know nothing.
        if !(1970..=9999).contains(&at.year()) {
            return Err(NotACursor);
        }
        Ok(Self {
            rank,
            place: CandidatePlace {
                at,
                seq: number(&text[24..40])?,
                conversation: id(&text[40..])?,
            },
        })
    }

    fn encode_cursor(&self) -> String {
        let CandidatePlace {
            at,
            conversation,
            seq,
        } = self.place;
        format!(
            "s{:08x}{:016x}{seq:016x}{}",
            self.rank,
            at.timestamp_micros(),
            conversation.simple()
        )
    }
}

/// Reads the cursor in an argument.
pub(crate) fn parse<C: Cursor>(argument: &'static str, text: Option<String>) -> Result<Option<C>, Refusal> {
    text.map(|text| C::decode_cursor(&text))
        .transpose()
        .map_err(|error| Refusal::invalid(argument, error.to_string()))
}

impl CursorType for ReportPlace {
    type Error = NotACursor;

    fn decode_cursor(text: &str) -> Result<Self, NotACursor> {
        let (at, report) = text
            .strip_prefix('r')
            .and_then(|text| text.split_at_checked(16))
            .ok_or(NotACursor)?;
        let at = DateTime::from_timestamp_micros(number(at)?).ok_or(NotACursor)?;
        let report = id(report)?;
        Ok(Self { at, report })
    }

    fn encode_cursor(&self) -> String {
        format!("r{:016x}{}", self.at.timestamp_micros(), self.report.simple())
    }
}

fn number(hex: &str) -> Result<i64, NotACursor> {
    if hex.len() != 16 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(NotACursor);
    }
    i64::from_str_radix(hex, 16).map_err(|_| NotACursor)
}

fn id(hex: &str) -> Result<Uuid, NotACursor> {
    if hex.len() != 32 {
        return Err(NotACursor);
    }
    Uuid::try_parse(hex).map_err(|_| NotACursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cursor_reads_back() {
        let at = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let place = ActivityPlace {
            at,
            conversation: Uuid::from_u128(77),
        };
        assert_eq!(
            ActivityPlace::decode_cursor(&place.encode_cursor()).unwrap(),
            place
        );
        let place = MemberPlace(Uuid::from_u128(78));
        assert_eq!(MemberPlace::decode_cursor(&place.encode_cursor()).unwrap(), place);
        let place = InvitationPlace {
            user: Uuid::from_u128(82),
            by: Uuid::from_u128(83),
        };
        assert_eq!(
            InvitationPlace::decode_cursor(&place.encode_cursor()).unwrap(),
            place
        );
        let place = ParkedPlace {
            projection: "history".to_owned(),
            lane: 255,
            pos: 17,
        };
        assert_eq!(ParkedPlace::decode_cursor(&place.encode_cursor()).unwrap(), place);
        let place = PersonPlace::of("Ada");
        assert_eq!(PersonPlace::decode_cursor(&place.encode_cursor()).unwrap(), place);
        let place = ConnectionPlace(Uuid::from_u128(79));
        assert_eq!(
            ConnectionPlace::decode_cursor(&place.encode_cursor()).unwrap(),
            place
        );
        let place = AnnouncementPlace(Uuid::from_u128(81));
        assert_eq!(
            AnnouncementPlace::decode_cursor(&place.encode_cursor()).unwrap(),
            place
        );
        let place = AuditPlace(17);
        assert_eq!(AuditPlace::decode_cursor(&place.encode_cursor()).unwrap(), place);
        let place = FoundPlace {
            rank: 0.25_f32.to_bits(),
            place: CandidatePlace {
                at,
                conversation: Uuid::from_u128(80),
                seq: 12,
            },
        };
        assert_eq!(FoundPlace::decode_cursor(&place.encode_cursor()).unwrap(), place);
        let place = EventPlace(LogPlace {
            lane: 255,
            number: 18,
        });
        assert_eq!(EventPlace::decode_cursor(&place.encode_cursor()).unwrap(), place);
        let place = ReportPlace {
            at: DateTime::from_timestamp_micros(1_234_567).unwrap(),
            report: Uuid::from_u128(81),
        };
        assert_eq!(ReportPlace::decode_cursor(&place.encode_cursor()).unwrap(), place);
        let place = MessagePlace(i64::MAX);
        assert_eq!(
            MessagePlace::decode_cursor(&place.encode_cursor()).unwrap(),
            place
        );
    }

    #[test]
    fn nothing_was_found_at_times_that_databases_do_not_know() {
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let place = CandidatePlace {
                at,
                conversation: Uuid::from_u128(80),
                seq: 12,
            };
            let text = FoundPlace { rank: 0, place }.encode_cursor();
            assert!(FoundPlace::decode_cursor(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "m",
            "m12",
            "m+000000000000012",
            "u0000000000000011",
            "cä00000000000000000",
            "mffffffffffffffff",
        ] {
            assert!(MessagePlace::decode_cursor(text).is_err(), "{text}");
            assert!(MemberPlace::decode_cursor(text).is_err(), "{text}");
            assert!(ActivityPlace::decode_cursor(text).is_err(), "{text}");
            assert!(ParkedPlace::decode_cursor(text).is_err(), "{text}");
            assert!(PersonPlace::decode_cursor(text).is_err(), "{text}");
            assert!(ConnectionPlace::decode_cursor(text).is_err(), "{text}");
            assert!(AnnouncementPlace::decode_cursor(text).is_err(), "{text}");
            assert!(AuditPlace::decode_cursor(text).is_err(), "{text}");
            assert!(FoundPlace::decode_cursor(text).is_err(), "{text}");
            assert!(EventPlace::decode_cursor(text).is_err(), "{text}");
            assert!(ReportPlace::decode_cursor(text).is_err(), "{text}");
        }
    }
}
