//! Who is typing.

use bytes::Bytes;
use tidings_domain::{ConversationId, UserId};
use tidings_protocol::{ServerFrame, TypingNotice};

/// The object that shows that `user` types, or has stopped.
pub fn typing(conversation: ConversationId, user: UserId, on: bool) -> Bytes {
    let notice = TypingNotice {
        conversation: conversation.0,
        user: user.0,
        on,
    };
    Bytes::from(ServerFrame::Typing(notice).encode())
}
