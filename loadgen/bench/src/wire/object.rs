//! Objects from the server, read no further than they must be.

use uuid::Uuid;

/// What an object from the server is, as far as measuring needs to know.
#[derive(Debug, PartialEq, Eq)]
pub enum Object {
    Ack {
        id: Uuid,
        conversation: Uuid,
        seq: u64,
    },
    /// An event; `message` is the id of the message that it carries, if it does.
    Event {
        conversation: Uuid,
        seq: u64,
        message: Option<Uuid>,
    },
    Error {
        text: String,
    },
    Other,
}

/// Reads an object. What this server writes in its usual order is read at a glance, anything else as JSON.
pub fn parse(object: &[u8]) -> Object {
    if let Some(event) = event_at_a_glance(object) {
        return event;
    }
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(object) else {
        return Object::Other;
    };
    let id = |pointer: &str| -> Option<Uuid> { value.pointer(pointer)?.as_str()?.parse().ok() };
    let seq = value["seq"].as_u64().unwrap_or(0);
    match (value["type"].as_str(), id("/id"), id("/conversation")) {
        (Some("ack"), Some(id), Some(conversation)) => Object::Ack {
            id,
            conversation,
            seq,
        },
        (Some("event"), _, Some(conversation)) => Object::Event {
            conversation,
            seq,
            message: id("/data/message"),
        },
        (Some("error" | "close" | "gap"), ..) => Object::Error {
            text: String::from_utf8_lossy(object).into_owned(),
        },
        _ => Object::Other,
    }
}

/// Acks and messages in the order of fields in which this server writes them.
fn event_at_a_glance(object: &[u8]) -> Option<Object> {
    if let Some(rest) = object.strip_prefix(br#"{"type":"ack","id":""#) {
        let (id, rest) = uuid(rest)?;
        let (conversation, rest) = uuid(rest.strip_prefix(br#"","conversation":""#)?)?;
        let (seq, _) = number(rest.strip_prefix(br#"","seq":"#)?)?;
        return Some(Object::Ack {
            id,
            conversation,
            seq,
        });
    }
    let rest = object.strip_prefix(br#"{"type":"event","conversation":""#)?;
    let (conversation, rest) = uuid(rest)?;
    let (seq, rest) = number(rest.strip_prefix(br#"","seq":"#)?)?;
    let rest = rest.strip_prefix(br#","kind":"message.sent","actor":""#)?;
    let (_, rest) = uuid(rest)?;
    let rest = rest.strip_prefix(br#"","at":""#)?;
    let at = rest.iter().position(|byte| *byte == b'"')?;
    let (message, _) = uuid(rest[at..].strip_prefix(br#"","data":{"message":""#)?)?;
    Some(Object::Event {
        conversation,
        seq,
        message: Some(message),
    })
}

fn uuid(bytes: &[u8]) -> Option<(Uuid, &[u8])> {
    let (text, rest) = bytes.split_at_checked(36)?;
    Some((Uuid::try_parse_ascii(text).ok()?, rest))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    Some((number, &bytes[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01990000-0000-7000-8000-000000000001";

    #[test]
    fn a_glance_and_json_agree() {
        let ack = format!(r#"{{"type":"ack","id":"{ID}","conversation":"{ID}","seq":7,"position":"0:9"}}"#);
        let turned = format!(r#"{{"seq":7,"conversation":"{ID}","id":"{ID}","type":"ack"}}"#);
        assert!(matches!(parse(ack.as_bytes()), Object::Ack { seq: 7, .. }));
        assert_eq!(parse(ack.as_bytes()), parse(turned.as_bytes()));
        let event = format!(
            r#"{{"type":"event","conversation":"{ID}","seq":3,"kind":"message.sent","actor":"{ID}","at":"2026-01-01T00:00:00.000Z","data":{{"message":"{ID}","content":{{}}}}}}"#
        );
        let turned = format!(
            r#"{{"data":{{"message":"{ID}"}},"seq":3,"conversation":"{ID}","kind":"message.sent","type":"event"}}"#
        );
        assert!(matches!(
            parse(event.as_bytes()),
            Object::Event {
                seq: 3,
                message: Some(_),
                ..
            }
        ));
        assert_eq!(parse(event.as_bytes()), parse(turned.as_bytes()));
        assert!(event_at_a_glance(event.as_bytes()).is_some());
        assert_eq!(parse(br#"{"type":"synced"}"#), Object::Other);
    }
}
