//! Reading what a client sent: one pass over the object keeps each known field as a slice, then only the
//! fields that the type needs are decoded. So an error can name its field and the id, and nothing is buffered.

use uuid::Uuid;

use crate::{
    Action, ClientFrame, Command, ErrorCode, ErrorFrame, Hello, ResumePart, Spelled,
    fields::{Field, Fields},
};

/// The longest `device`, in characters.
pub const DEVICE_CHARS_MAX: usize = 64;

/// The highest integer: beyond, readers of JSON that hold numbers as doubles do not agree what was meant.
pub const SEQ_MAX: u64 = 1 << 53;

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
    parse_spelled(text).0
}

/// The same, and how the object's id was spelled, for its answer.
pub fn parse_spelled(text: &str) -> (Result<ClientFrame, ParseError>, Spelled) {
    match serde_json::from_str::<Fields<'_>>(text) {
        Ok(fields) => (understand(&fields), fields.spelled()),
        Err(_) => (Err(ParseError::InvalidFrame), Spelled::default()),
    }
}

fn understand(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
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
            seq: fields.integer(Field::Seq)?,
        },
        "fetch" => Action::Fetch {
            conversation: fields.required(Field::Conversation)?,
            from: fields.integer(Field::From)?,
            limit: fields
                .integer(Field::Limit)?
                .try_into()
                .map_err(|_| fields.wrong(Field::Limit))?,
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
        "hello" => return hello(fields),
        "resume" => return part(fields),
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

fn hello(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
    let device: Option<String> = fields.optional(Field::Device)?;
    if device
        .as_ref()
        .is_some_and(|device| device.chars().count() > DEVICE_CHARS_MAX)
    {
        return Err(fields.wrong(Field::Device));
    }
    let (resume, unreadable) = fields.resume();
    Ok(ClientFrame::Hello(Hello {
        token: fields.optional(Field::Token)?,
        device,
        resume,
        more: fields.optional(Field::More)?.unwrap_or_default(),
        unreadable,
    }))
}

fn part(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
    let (resume, unreadable) = fields.resume();
    Ok(ClientFrame::Resume(ResumePart {
        resume,
        more: fields.optional(Field::More)?.unwrap_or_default(),
        unreadable,
    }))
}
