//! What a returning client has seen already.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    ClientFrame, ParseError,
    fields::{Field, Fields},
    integer::Integer,
};

/// The key of the user's own stream in `resume`.
const SELF: &str = "self";

/// Cursors: the last seq seen of each conversation (0 for none), and of the user's own notices.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "BTreeMap<String, u64>")]
pub struct Resume {
    pub conversations: BTreeMap<Uuid, u64>,
    /// The last notice seen, under the key `self`.
    pub notices: Option<u64>,
}

impl Resume {
    /// Whether it holds no cursor at all.
    pub fn is_empty(&self) -> bool {
        self.conversations.is_empty() && self.notices.is_none()
    }
}

impl Serialize for Resume {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = self.conversations.len() + usize::from(self.notices.is_some());
        let mut map = serializer.serialize_map(Some(len))?;
        for (conversation, seq) in &self.conversations {
            map.serialize_entry(conversation, seq)?;
        }
        if let Some(seq) = self.notices {
            map.serialize_entry(SELF, &seq)?;
        }
        map.end()
    }
}

impl Resume {
    /// Reads cursors one by one: what cannot be read counts as absent and makes no other one unreadable. Answers how many
    /// those were; `null` is absent and nothing more.
    pub(crate) fn read(text: &str) -> (Self, usize) {
        let Ok(Cursors(cursors)) = serde_json::from_str(text) else {
            return (Self::default(), 1);
        };
        let mut resume = Self::default();
        let mut unreadable = 0;
        for (key, raw) in cursors {
            if raw.get() == "null" {
                continue;
            }
            match (&*key, Uuid::try_parse(&key), seq(raw.get())) {
                (SELF, _, Some(seq)) => resume.notices = Some(seq),
                (_, Ok(conversation), Some(seq)) => {
                    resume.conversations.insert(conversation, seq);
                }
                _ => unreadable += 1,
            }
        }
        (resume, unreadable)
    }
}

fn seq(text: &str) -> Option<u64> {
    serde_json::from_str(text).ok().map(|Integer(seq)| seq)
}

/// The object's fields, as they stand in the text.
struct Cursors<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Cursors<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CursorsVisitor;
        impl<'de> Visitor<'de> for CursorsVisitor {
            type Value = Cursors<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of cursors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cursors<'de>, A::Error> {
                let mut cursors = vec![];
                while let Some(cursor) = map.next_entry()? {
                    cursors.push(cursor);
                }
                Ok(Cursors(cursors))
            }
        }
        deserializer.deserialize_map(CursorsVisitor)
    }
}

impl<'de> Deserialize<'de> for Resume {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResumeVisitor;
        impl<'de> Visitor<'de> for ResumeVisitor {
            type Value = Resume;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of cursors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Resume, A::Error> {
                let mut resume = Resume::default();
                while let Some((key, Integer(seq))) = map.next_entry::<Cow<'de, str>, Integer>()? {
                    if key == SELF {
                        resume.notices = Some(seq);
                    } else {
                        let conversation = Uuid::try_parse(&key).map_err(de::Error::custom)?;
                        resume.conversations.insert(conversation, seq);
                    }
                }
                Ok(resume)
            }
        }
        deserializer.deserialize_map(ResumeVisitor)
    }
}

/// More cursors behind a hello that said `more`. Catch-up begins after the last part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ResumePart {
    pub resume: Resume,
    /// Another part follows.
    #[schemars(default)]
    pub more: bool,
    /// Cursors that could not be read, and count as absent.
    #[serde(skip)]
    pub unreadable: usize,
}

pub(crate) fn part(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
    let (resume, unreadable) = fields.resume();
    Ok(ClientFrame::Resume(ResumePart {
        resume,
        more: fields.optional(Field::More)?.unwrap_or_default(),
        unreadable,
    }))
}
