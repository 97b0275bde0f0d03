//! Reading what a client sent: one pass over the object keeps each known field as a slice, then only the
//! fields that the type needs are decoded. So an error can name its field and the id, and nothing is buffered.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Action, ClientFrame, Command, ErrorCode, ErrorFrame, Hello};

/// The longest `device`, in characters.
pub const DEVICE_CHARS_MAX: usize = 64;

/// The highest `seq`: what a signed 64-bit column holds.
pub const SEQ_MAX: u64 = i64::MAX as u64;

/// Why an object was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("not a JSON object")]
    InvalidFrame,
    #[error("unknown type")]
    UnknownType { id: Option<Uuid> },
    #[error("`{field}` is missing or not as it must be")]
    InvalidArgument { id: Option<Uuid>, field: &'static str },
}

impl ParseError {
    /// The wire code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidFrame => ErrorCode::InvalidFrame,
            Self::UnknownType { .. } => ErrorCode::UnknownType,
            Self::InvalidArgument { .. } => ErrorCode::InvalidArgument,
        }
    }

    /// The id of the refused object, where it could be read.
    pub const fn id(&self) -> Option<Uuid> {
        match self {
            Self::InvalidFrame => None,
            Self::UnknownType { id } | Self::InvalidArgument { id, .. } => *id,
        }
    }
}

impl From<ParseError> for ErrorFrame {
    fn from(error: ParseError) -> Self {
        let frame = Self::new(error.id(), error.code(), error.to_string());
        match error {
            ParseError::InvalidArgument { field, .. } => frame.with_field(field),
            ParseError::InvalidFrame | ParseError::UnknownType { .. } => frame,
        }
    }
}

/// Reads one object. Unknown fields are ignored; of a repeated field the last counts; `null` is the same as
/// absent. However deep the text nests, it takes no more stack.
pub fn parse(text: &str) -> Result<ClientFrame, ParseError> {
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|_| ParseError::InvalidFrame)?;
    let kind = fields.kind()?;
    let action = match &*kind {
        "message.send" => Action::MessageSend {
            conversation: fields.required(Field::Conversation)?,
            content: fields.required(Field::Content)?,
            reply_to: fields.optional(Field::ReplyTo)?,
            mentions: fields.optional(Field::Mentions)?.unwrap_or_default(),
        },
        "read" => Action::Read {
            conversation: fields.required(Field::Conversation)?,
            seq: fields.seq(Field::Seq)?,
        },
        "fetch" => Action::Fetch {
            conversation: fields.required(Field::Conversation)?,
            from: fields.seq(Field::From)?,
            limit: fields.required(Field::Limit)?,
        },
        "typing" => {
            return Ok(ClientFrame::Typing {
                conversation: fields.required(Field::Conversation)?,
                on: fields.required(Field::On)?,
            });
        }
        "ping" => {
            return Ok(ClientFrame::Ping {
                id: fields.optional(Field::Id)?,
            });
        }
        "hello" => return fields.hello(),
        "direct.open" => Action::DirectOpen {
            user: fields.required(Field::User)?,
        },
        "group.create" => Action::GroupCreate {
            name: fields.required(Field::Name)?,
            members: fields.required(Field::Members)?,
        },
        "group.add" => Action::GroupAdd {
            conversation: fields.required(Field::Conversation)?,
            user: fields.required(Field::User)?,
        },
        "group.remove" => Action::GroupRemove {
            conversation: fields.required(Field::Conversation)?,
            user: fields.required(Field::User)?,
        },
        "group.leave" => Action::GroupLeave {
            conversation: fields.required(Field::Conversation)?,
        },
        "group.rename" => Action::GroupRename {
            conversation: fields.required(Field::Conversation)?,
            name: fields.required(Field::Name)?,
        },
        "group.role" => Action::GroupRole {
            conversation: fields.required(Field::Conversation)?,
            user: fields.required(Field::User)?,
            role: fields.required(Field::Role)?,
        },
        "message.edit" => Action::MessageEdit {
            conversation: fields.required(Field::Conversation)?,
            message: fields.required(Field::Message)?,
            content: fields.required(Field::Content)?,
        },
        "message.recall" => Action::MessageRecall {
            conversation: fields.required(Field::Conversation)?,
            message: fields.required(Field::Message)?,
        },
        "message.react" => Action::MessageReact {
            conversation: fields.required(Field::Conversation)?,
            message: fields.required(Field::Message)?,
            emoji: fields.required(Field::Emoji)?,
            on: fields.required(Field::On)?,
        },
        _ => return Err(ParseError::UnknownType { id: fields.id() }),
    };
    Ok(ClientFrame::Command(Command {
        action,
        id: fields.required(Field::Id)?,
    }))
}

/// Every field that some type has. The order is that of [`Field::NAMES`].
#[derive(Clone, Copy)]
enum Field {
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
    Message,
    Emoji,
    On,
    Seq,
    From,
    Limit,
}

impl Field {
    const NAMES: [(&'static str, Self); 19] = [
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
        ("message", Self::Message),
        ("emoji", Self::Emoji),
        ("on", Self::On),
        ("seq", Self::Seq),
        ("from", Self::From),
        ("limit", Self::Limit),
    ];

    const fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// The object's known fields, each as it stands in the text.
struct Fields<'a> {
    slots: [Option<&'a RawValue>; Field::NAMES.len()],
}

impl<'a> Fields<'a> {
    fn get(&self, field: Field) -> Option<&'a str> {
        self.slots[field as usize]
            .map(RawValue::get)
            .filter(|raw| *raw != "null")
    }

    fn id(&self) -> Option<Uuid> {
        self.get(Field::Id).and_then(|raw| serde_json::from_str(raw).ok())
    }

    fn wrong(&self, field: Field) -> ParseError {
        ParseError::InvalidArgument {
            id: self.id(),
            field: field.name(),
        }
    }

    fn optional<T: Deserialize<'a>>(&self, field: Field) -> Result<Option<T>, ParseError> {
        let Some(raw) = self.get(field) else {
            return Ok(None);
        };
        serde_json::from_str(raw).map(Some).map_err(|_| self.wrong(field))
    }

    fn required<T: Deserialize<'a>>(&self, field: Field) -> Result<T, ParseError> {
        self.optional(field)?.ok_or_else(|| self.wrong(field))
    }

    /// The type, borrowed unless it is written with escapes.
    fn kind(&self) -> Result<Cow<'a, str>, ParseError> {
        let plain = self
            .get(Field::Type)
            .and_then(|raw| raw.strip_prefix('"')?.strip_suffix('"'))
            .filter(|inner| !inner.contains('\\'));
        match plain {
            Some(inner) => Ok(Cow::Borrowed(inner)),
            None => self.required(Field::Type).map(Cow::Owned),
        }
    }

    fn seq(&self, field: Field) -> Result<u64, ParseError> {
        self.required(field).and_then(|seq| {
            if seq <= SEQ_MAX {
                Ok(seq)
            } else {
                Err(self.wrong(field))
            }
        })
    }

    fn hello(&self) -> Result<ClientFrame, ParseError> {
        let device: Option<String> = self.optional(Field::Device)?;
        if device
            .as_ref()
            .is_some_and(|device| device.chars().count() > DEVICE_CHARS_MAX)
        {
            return Err(self.wrong(Field::Device));
        }
        Ok(ClientFrame::Hello(Hello {
            token: self.optional(Field::Token)?,
            device,
            resume: self.optional(Field::Resume)?.unwrap_or_default(),
        }))
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
