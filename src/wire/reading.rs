//! How far people have read.

use bytes::Bytes;
use tidings_domain::{ConversationId, UserId};
use tidings_protocol::{Receipt, ServerFrame};

/// The object that shows how far `user` has read.
pub fn receipt(conversation: ConversationId, user: UserId, read_seq: u64) -> Bytes {
    let receipt = Receipt {
        conversation: conversation.0,
        user: user.0,
        read_seq,
    };
    Bytes::from(ServerFrame::Receipt(receipt).encode())
}
