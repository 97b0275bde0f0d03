//! How far people have read, and have been sent.

use bytes::Bytes;
use tidings_domain::{ConversationId, UserId};
use tidings_protocol::{Receipt, ServerFrame};

/// The object that shows how far `user` has read, and has been sent where members may know that.
pub fn receipt(
    conversation: ConversationId,
    user: UserId,
    read_seq: u64,
    delivered_seq: Option<u64>,
) -> Bytes {
    let receipt = Receipt {
        conversation: conversation.0,
        user: user.0,
        read_seq,
        delivered_seq,
    };
    Bytes::from(ServerFrame::Receipt(receipt).encode())
}
