//! A WebSocket on the bare TCP stream, so that a delivery costs one system call and no copy.
//!
//! The library reads and checks what clients send; what goes out are frames that were built elsewhere, written as they
//! are. Reader and writer live in one task and share the stream.

mod sink;
mod source;

use super::limits::GatewayLimits;
use bytes::Bytes;
pub(super) use sink::Sink;
use socket2::SockRef;
pub(super) use source::Source;
use source::{BURST, TURN};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

/// What the library holds for every connection, idle ones too. It grows with the frames that come.
const READ_BUFFER: usize = 512;
/// What all frames of one message may weigh, in largest messages: one in frames of a byte each weighs seven times as much.
const FRAMED: usize = 8;

/// Makes the two ends of a connection whose upgrade is done; `early` is what came in behind the upgrade.
pub(super) fn split(stream: TcpStream, early: Bytes, limits: &GatewayLimits) -> (Sink, Source) {
    if limits.send_buffer_bytes > 0 {
        // What the kernel makes of it is its own affair.
        let _ = SockRef::from(&stream).set_send_buffer_size(limits.send_buffer_bytes as usize);
    }
    let frame_bytes = limits.frame_bytes;
    let stream = Arc::new(stream);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(frame_bytes))
        .max_frame_size(Some(frame_bytes));
    let source = Source {
        stream: Arc::clone(&stream),
        context: Box::new(WebSocketContext::new(Role::Server, Some(config))),
        early,
        turn: TURN,
        unended: 0,
        unended_max: frame_bytes.saturating_mul(FRAMED).saturating_add(BURST),
        broken: false,
    };
    let sink = Sink {
        stream,
        midway: false,
        rest: None,
    };
    (sink, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Frame;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(
            TcpStream::connect(listener.local_addr().unwrap()),
            listener.accept()
        );
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test owns its tasks as long as it runs"
    )]
    async fn frames_of_all_sizes_arrive_whole_at_a_slow_reader() {
        let (mut near, far) = pair().await;
        let (mut sink, _source) = split(far, Bytes::new(), &GatewayLimits::default());
        let frames: Vec<Frame> = (0..300_usize)
            .map(|n| Frame::text(&vec![b'a' + (n % 26) as u8; n * n]))
            .collect();
        let expected: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
        let writing = tokio::spawn(async move { sink.write(&frames).await });
        let mut read = vec![0; expected.len()];
        for part in read.chunks_mut(100_000) {
            near.read_exact(part).await.unwrap();
            tokio::task::yield_now().await;
        }
        writing.await.unwrap().unwrap();
        assert!(read == expected);
    }

    #[tokio::test]
    async fn what_came_with_the_upgrade_and_what_comes_in_bursts_is_read_in_order() {
        use tokio::io::AsyncWriteExt as _;
        let (mut near, far) = pair().await;
        let masked = |text: &str| [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat();
        let whole: Vec<u8> = (0..2000).flat_map(|n| masked(&n.to_string())).collect();
        let (early, late) = whole.split_at(9);
        let (_sink, mut source) = split(far, Bytes::copy_from_slice(early), &GatewayLimits::default());
        near.write_all(late).await.unwrap();
        for n in 0..2000 {
            assert_eq!(
                source.next().await.unwrap().into_text().unwrap().as_str(),
                n.to_string()
            );
        }
        drop(near);
        assert!(source.next().await.is_err());
    }
}
