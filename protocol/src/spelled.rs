//! Ids as clients spell them.

/// How an object's `id` was spelled, where that is not how ids are written here. Its answer repeats it so, for a client finds
/// what it waits for by the text that it sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spelled(Option<Box<str>>);

/// What stands before an id.
const KEY: &str = r#""id":""#;
/// The length of an id as it is written here.
const ID_LEN: usize = 36;

impl Spelled {
    pub(crate) fn new(id: uuid::Uuid, spelled: String) -> Self {
        let written = id.as_hyphenated().to_string();
        Self((spelled != written).then(|| spelled.into_boxed_str()))
    }

    /// The encoded answer with the id as it was spelled. An answer's own id stands before all others in it.
    pub fn answer(&self, mut encoded: String) -> String {
        if let Some(spelled) = &self.0
            && let Some(at) = encoded.find(KEY)
        {
            let begin = at + KEY.len();
            encoded.replace_range(begin..begin + ID_LEN, spelled);
        }
        encoded
    }

    /// The same for bytes of UTF-8.
    pub fn answer_bytes(&self, encoded: Vec<u8>) -> Vec<u8> {
        if self.0.is_none() {
            return encoded;
        }
        match String::from_utf8(encoded) {
            Ok(encoded) => self.answer(encoded).into_bytes(),
            Err(error) => error.into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{ErrorCode, ErrorFrame, ServerFrame, encode_events, parse_spelled};

    const ID: &str = "0199abcd-0000-7000-8000-00000000000a";

    fn answered(id: &str) -> String {
        let (parsed, spelled) = parse_spelled(&format!(r#"{{"type":"ping","id":"{id}"}}"#));
        let Ok(crate::ClientFrame::Ping { id }) = parsed else {
            panic!("{parsed:?}")
        };
        spelled.answer(ServerFrame::Pong { id }.encode())
    }

    #[test]
    fn an_answer_repeats_the_id_as_it_was_spelled() {
        let upper = ID.to_uppercase();
        let simple = ID.replace('-', "");
        for id in [
            ID,
            &upper,
            &simple,
            &format!("{{{ID}}}"),
            &format!("urn:uuid:{upper}"),
        ] {
            assert_eq!(answered(id), format!(r#"{{"type":"pong","id":"{id}"}}"#));
        }
        // Escapes are no spelling.
        assert_eq!(
            answered(&ID.replace('a', "\\u0061")),
            format!(r#"{{"type":"pong","id":"{ID}"}}"#)
        );
    }

    #[test]
    fn what_has_no_id_of_its_own_stays_as_it_is() {
        let (_, spelled) = parse_spelled(&format!(r#"{{"type":"ping","id":"{}"}}"#, ID.to_uppercase()));
        let error = ServerFrame::Error(ErrorFrame::new(None, ErrorCode::Conflict, r#""id":"it""#)).encode();
        assert_eq!(spelled.answer(error.clone()), error);
        let id = ID.parse().unwrap_or_default();
        let events = encode_events(id, id, std::iter::empty(), false, None);
        let events = String::from_utf8(spelled.answer_bytes(events)).unwrap_or_default();
        assert!(
            events.contains(&format!(r#""id":"{}","conversation":"{ID}""#, ID.to_uppercase())),
            "{events}"
        );
    }
}
