//! One object of a client, its known fields still as text.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{ParseError, Resume, Spelled, integer::Integer};

/// An id as it is written here, between quotation marks.
const QUOTED_ID_LEN: usize = 38;

/// Every field that some type has. The order is that of [`Field::NAMES`].
#[derive(Clone, Copy)]
pub(crate) enum Field {
    Type,
    Id,
    Token,
    Device,
    Resume,
    Conversation,
    User,
    Name,
    Members,
    Role,
    Content,
    ReplyTo,
    Mentions,
    Everyone,
    Forward,
    Message,
    Messages,
    Emoji,
    On,
    Seq,
    Unread,
    Until,
    From,
    Limit,
    More,
    Thread,
    Also,
    DisplayName,
    About,
    Avatar,
    Receipts,
    LastSeen,
    Direct,
    AddMe,
    Settings,
    Reason,
    Secret,
    Link,
    ExpiresInS,
    Uses,
    Users,
    Conversations,
    Value,
    Text,
    Note,
}

impl Field {
    const NAMES: [(&'static str, Self); 45] = [
        ("type", Self::Type),
        ("id", Self::Id),
        ("token", Self::Token),
        ("device", Self::Device),
        ("resume", Self::Resume),
        ("conversation", Self::Conversation),
        ("user", Self::User),
        ("name", Self::Name),
        ("members", Self::Members),
        ("role", Self::Role),
        ("content", Self::Content),
        ("reply_to", Self::ReplyTo),
        ("mentions", Self::Mentions),
        ("everyone", Self::Everyone),
        ("forward", Self::Forward),
        ("message", Self::Message),
        ("messages", Self::Messages),
        ("emoji", Self::Emoji),
        ("on", Self::On),
        ("seq", Self::Seq),
        ("unread", Self::Unread),
        ("until", Self::Until),
        ("from", Self::From),
        ("limit", Self::Limit),
        ("more", Self::More),
        ("thread", Self::Thread),
        ("also", Self::Also),
        ("display_name", Self::DisplayName),
        ("about", Self::About),
        ("avatar", Self::Avatar),
        ("receipts", Self::Receipts),
        ("last_seen", Self::LastSeen),
        ("direct", Self::Direct),
        ("add_me", Self::AddMe),
        ("settings", Self::Settings),
        ("reason", Self::Reason),
        ("secret", Self::Secret),
        ("link", Self::Link),
        ("expires_in_s", Self::ExpiresInS),
        ("uses", Self::Uses),
        ("users", Self::Users),
        ("conversations", Self::Conversations),
        ("value", Self::Value),
        ("text", Self::Text),
        ("note", Self::Note),
    ];

    const fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// The object's known fields, each as it stands in the text.
pub(crate) struct Fields<'a> {
    slots: [Option<&'a RawValue>; Field::NAMES.len()],
}

impl<'a> Fields<'a> {
    fn get(&self, field: Field) -> Option<&'a str> {
        self.slots[field as usize]
            .map(RawValue::get)
            .filter(|raw| *raw != "null")
    }

    /// The cursors of `resume`, and how many of them could not be read.
    pub(crate) fn resume(&self) -> (Resume, usize) {
        self.get(Field::Resume).map(Resume::read).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> Option<Uuid> {
        self.get(Field::Id).and_then(|raw| serde_json::from_str(raw).ok())
    }

    /// How the id is spelled, where it is one.
    pub(crate) fn spelled(&self) -> Spelled {
        let Some(raw) = self.get(Field::Id) else {
            return Spelled::default();
        };
        // Nearly all are as they are written here, and cost no more than this look.
        if raw.len() == QUOTED_ID_LEN
            && raw
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-' | b'"'))
        {
            return Spelled::default();
        }
        match (self.id(), serde_json::from_str(raw)) {
            (Some(id), Ok(spelled)) => Spelled::new(id, spelled),
            _ => Spelled::default(),
        }
    }

    pub(crate) fn wrong(&self, field: Field) -> ParseError {
        ParseError::InvalidArgument {
            id: self.id(),
            field: field.name(),
        }
    }

    pub(crate) fn optional<T: Deserialize<'a>>(&self, field: Field) -> Result<Option<T>, ParseError> {
        let Some(raw) = self.get(field) else {
            return Ok(None);
        };
        serde_json::from_str(raw).map(Some).map_err(|_| self.wrong(field))
    }

    pub(crate) fn required<T: Deserialize<'a>>(&self, field: Field) -> Result<T, ParseError> {
        self.optional(field)?.ok_or_else(|| self.wrong(field))
    }

    /// The type, borrowed unless it is written with escapes.
    pub(crate) fn kind(&self) -> Result<Cow<'a, str>, ParseError> {
        let plain = self
            .get(Field::Type)
            .and_then(|raw| raw.strip_prefix('"')?.strip_suffix('"'))
            .filter(|inner| !inner.contains('\\'));
        match plain {
            Some(inner) => Ok(Cow::Borrowed(inner)),
            None => self.required(Field::Type).map(Cow::Owned),
        }
    }

    /// A number that may be left out. What is too large to be kept is too large for the rules, too.
    pub(crate) fn count(&self, field: Field) -> Result<Option<u32>, ParseError> {
        let integer: Option<Integer> = self.optional(field)?;
        Ok(integer.map(|Integer(integer)| u32::try_from(integer).unwrap_or(u32::MAX)))
    }

    pub(crate) fn integer(&self, field: Field) -> Result<u64, ParseError> {
        self.required(field).map(|Integer(integer)| integer)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields {
                    slots: [None; Field::NAMES.len()],
                };
                while let Some(key) = map.next_key_seed(Key)? {
                    match key {
                        Some(field) => fields.slots[field as usize] = Some(map.next_value()?),
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Reads a key without allocating; `None` for one that no type has.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Field::NAMES
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, field)| *field))
    }
}
