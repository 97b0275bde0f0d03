//! Unread and undelivered counts against what the acked messages imply.

use uuid::Uuid;

use super::{Fault, Sent};

/// Unread are the messages after the reader's position; sending reads everything before it.
pub(crate) fn check_unread(
    reader: (&str, Uuid),
    conversation: Uuid,
    sent: &[&Sent],
    read_seq: u64,
    got: u64,
) -> Result<(), Fault> {
    let own = sent
        .iter()
        .filter(|sent| sent.message.sender == reader.1)
        .map(|sent| sent.message.seq)
        .max();
    let expected = after(sent, read_seq.max(own.unwrap_or(0)));
    if got == expected {
        return Ok(());
    }
    Err(Fault::WrongUnread {
        reader: reader.0.to_owned(),
        conversation,
        expected,
        got,
    })
}

/// Undelivered are the messages after the last event that any device of the reader was sent.
pub(crate) fn check_pending(
    reader: &str,
    conversation: Uuid,
    sent: &[&Sent],
    delivered_seq: u64,
    got: u64,
) -> Result<(), Fault> {
    let expected = after(sent, delivered_seq);
    if got == expected {
        return Ok(());
    }
    Err(Fault::WrongPending {
        reader: reader.to_owned(),
        conversation,
        expected,
        got,
    })
}

fn after(sent: &[&Sent], seq: u64) -> u64 {
    let counts = |sent: &&&Sent| sent.message.seq > seq && !sent.message.is_recalled;
    sent.iter().filter(counts).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::Message;

    const ROOM: Uuid = Uuid::from_u128(7);
    const ANN: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    fn sent() -> Vec<Sent> {
        [(2, BOB), (3, ANN), (4, BOB), (6, BOB)]
            .into_iter()
            .map(|(seq, sender)| Sent {
                conversation: ROOM,
                author: String::new(),
                message: Message {
                    seq,
                    id: Uuid::from_u128(u128::from(seq)),
                    sender,
                    ..Message::default()
                },
            })
            .collect()
    }

    #[test]
    fn unread_counts_what_follows_the_own_last_message_and_the_read_position() {
        let sent = sent();
        let sent: Vec<_> = sent.iter().collect();
        let unread = |user, read_seq, got| check_unread(("ann", user), ROOM, &sent, read_seq, got);
        assert_eq!(unread(ANN, 0, 2), Ok(()));
        assert_eq!(unread(ANN, 4, 1), Ok(()));
        assert_eq!(unread(ANN, 9, 0), Ok(()));
        assert_eq!(unread(Uuid::nil(), 0, 4), Ok(()));
        assert!(matches!(
            unread(ANN, 0, 3),
            Err(Fault::WrongUnread {
                expected: 2,
                got: 3,
                ..
            })
        ));
    }

    #[test]
    fn what_was_recalled_counts_for_nobody() {
        let mut sent = sent();
        sent[3].message.is_recalled = true;
        let sent: Vec<_> = sent.iter().collect();
        assert_eq!(check_unread(("ann", ANN), ROOM, &sent, 0, 1), Ok(()));
        assert_eq!(check_unread(("ann", Uuid::nil()), ROOM, &sent, 0, 3), Ok(()));
        assert_eq!(check_pending("ann", ROOM, &sent, 3, 1), Ok(()));
        // One's own last message is where one has read to, recalled or not.
        let mut own = self::sent();
        own[1].message.is_recalled = true;
        let own: Vec<_> = own.iter().collect();
        assert_eq!(check_unread(("ann", ANN), ROOM, &own, 0, 2), Ok(()));
    }

    #[test]
    fn pending_counts_what_follows_the_last_delivery() {
        let sent = sent();
        let sent: Vec<_> = sent.iter().collect();
        assert_eq!(check_pending("ann", ROOM, &sent, 4, 1), Ok(()));
        assert_eq!(check_pending("ann", ROOM, &sent, 6, 0), Ok(()));
        let wrong = check_pending("ann", ROOM, &sent, 3, 1);
        assert!(matches!(
            wrong,
            Err(Fault::WrongPending {
                expected: 2,
                got: 1,
                ..
            })
        ));
    }
}
