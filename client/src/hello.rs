//! The first words of a connection, in as many frames as the cursors need.

use tidings_protocol::{ClientFrame, Hello, Resume, ResumePart};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The most cursors in one frame, so that it fits into the smallest that servers usually take.
const CURSORS_MAX: usize = 800;

/// Who is there, and what was seen already. The server begins to catch up behind the last of these frames.
pub(crate) fn hello(token: &str, device: &str, resume: Resume) -> Vec<Utf8Bytes> {
    let mut rest = resume.conversations;
    let mut frames = Vec::with_capacity(rest.len() / CURSORS_MAX + 1);
    let mut notices = resume.notices;
    loop {
        let behind = rest.keys().nth(CURSORS_MAX).copied();
        let after = behind.map(|first| rest.split_off(&first)).unwrap_or_default();
        let more = !after.is_empty();
        let resume = Resume {
            conversations: std::mem::replace(&mut rest, after),
            notices: notices.take(),
        };
        let part = if frames.is_empty() {
            ClientFrame::Hello(Hello {
                token: Some(token.to_owned()),
                device: Some(device.to_owned()),
                resume,
                more,
                ..Hello::default()
            })
        } else {
            ClientFrame::Resume(ResumePart {
                resume,
                more,
                ..ResumePart::default()
            })
        };
        let text = serde_json::to_string(&part).expect("maps with string keys always serialize");
        frames.push(text.into());
        if !more {
            return frames;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use uuid::Uuid;

    fn objects(cursors: u128) -> Vec<Value> {
        let resume = Resume {
            conversations: (0..cursors)
                .map(|id| (Uuid::from_u128(id), u64::MAX >> 11))
                .collect(),
            notices: Some(4),
        };
        hello("a-token", "a-device", resume)
            .iter()
            .map(|frame| {
                assert!(frame.len() < 65_536, "{}", frame.len());
                serde_json::from_str(frame).unwrap()
            })
            .collect()
    }

    #[test]
    fn few_cursors_are_one_frame_as_ever() {
        let frames = objects(1);
        assert_eq!(frames.len(), 1);
        assert!(frames[0].get("more").is_none());
        assert_eq!(
            frames[0]["resume"],
            json!({Uuid::nil().to_string(): u64::MAX >> 11, "self": 4})
        );
    }

    #[test]
    fn many_cursors_come_in_parts_that_fit_into_frames_and_none_is_left_out() {
        let frames = objects(2000);
        let shape: Vec<_> = frames
            .iter()
            .map(|frame| (frame["type"].clone(), frame["more"].clone()))
            .collect();
        let expected = [
            (json!("hello"), json!(true)),
            (json!("resume"), json!(true)),
            (json!("resume"), json!(false)),
        ];
        assert_eq!(shape, expected);
        let cursors = frames
            .iter()
            .map(|frame| frame["resume"].as_object().unwrap().len());
        assert_eq!(cursors.sum::<usize>(), 2001);
    }
}
