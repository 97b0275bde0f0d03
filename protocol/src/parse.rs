//! Reading what a client sent: one pass over the object keeps each known field as a slice, then only the
//! fields that the type needs are decoded. So an error can name its field and the id, and nothing is buffered.

use uuid::Uuid;

use crate::{ClientFrame, ErrorCode, ErrorFrame, Spelled, client::understand, fields::Fields};

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
