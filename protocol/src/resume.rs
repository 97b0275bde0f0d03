//! What a returning client has seen already.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};
use uuid::Uuid;

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
                while let Some((key, seq)) = map.next_entry::<Cow<'de, str>, u64>()? {
                    if seq > crate::SEQ_MAX {
                        return Err(de::Error::custom("a cursor is out of range"));
                    }
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
