//! WebSocket frames as they go over the wire, built once for all who receive them.

use bytes::{Bytes, BytesMut};
use tidings_protocol::Close;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// RFC 6455 gives control frames 125 bytes, two of which are a close's code.
const REASON_MAX: usize = 123;
/// A server's frames have no mask.
const HEADER_MAX: usize = 10;

/// A whole frame of a server, header and payload. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    header: usize,
}

impl Frame {
    /// A text frame that holds one object.
    pub fn text(object: &[u8]) -> Self {
        Self::build(OpCode::Data(Data::Text), object)
    }

    /// A ping; at most 125 bytes.
    pub fn ping(payload: &[u8]) -> Self {
        Self::build(OpCode::Control(Control::Ping), payload)
    }

    /// The answer to a ping.
    pub fn pong(payload: &[u8]) -> Self {
        Self::build(OpCode::Control(Control::Pong), payload)
    }

    /// The frame that ends the connection. A long reason is cut.
    pub fn close(close: &Close) -> Self {
        let mut end = close.reason.len().min(REASON_MAX);
        while !close.reason.is_char_boundary(end) {
            end -= 1;
        }
        let payload = [&close.code.to_be_bytes(), &close.reason.as_bytes()[..end]].concat();
        Self::build(OpCode::Control(Control::Close), &payload)
    }

    /// The answer to a client's close.
    pub fn farewell() -> Self {
        Self::build(OpCode::Control(Control::Close), &1000_u16.to_be_bytes())
    }

    fn build(opcode: OpCode, payload: &[u8]) -> Self {
        let header = FrameHeader {
            opcode,
            ..FrameHeader::default()
        };
        let mut head = Vec::with_capacity(HEADER_MAX);
        header
            .format(payload.len() as u64, &mut head)
            .expect("writing to a Vec cannot fail");
        let mut bytes = BytesMut::with_capacity(head.len() + payload.len());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(payload);
        Self {
            bytes: bytes.freeze(),
            header: head.len(),
        }
    }

    /// What the frame holds, without its header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.header..]
    }

    /// The whole frame.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many bytes it takes on the wire.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_the_header_of_their_length() {
        assert_eq!(Frame::text(b"{}").bytes().as_ref(), b"\x81\x02{}");
        let long = vec![b'x'; 300];
        let frame = Frame::text(&long);
        assert_eq!(&frame.bytes()[..4], [0x81, 126, 1, 44]);
        assert_eq!((frame.payload(), frame.size()), (&long[..], 304));
        assert_eq!(Frame::ping(&[]).bytes().as_ref(), [0x89, 0]);
        assert_eq!(Frame::pong(b"a").bytes().as_ref(), [0x8a, 1, b'a']);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let close = Close {
            reason: "ü".repeat(100),
            ..Close::new(tidings_protocol::CloseCode::GoingAway)
        };
        let frame = Frame::close(&close);
        assert_eq!(frame.payload()[..2], 4000_u16.to_be_bytes());
        assert_eq!(
            std::str::from_utf8(&frame.payload()[2..]).unwrap(),
            "ü".repeat(61)
        );
    }
}
