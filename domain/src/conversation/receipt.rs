//! Who may know how far others have read, and have been sent. This is the one place that says so: receipts as they
//! happen and what is asked of any message later go by it.

use super::Conversation;

/// Conversations with more members show nobody how far others have read: each receipt would reach them all.
pub const RECEIPT_MEMBERS_MAX: usize = 100;

/// What members of a conversation may know of one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// How far they have read.
    pub read: bool,
    /// How far their devices have been sent.
    pub delivered: bool,
}

impl Receipts {
    /// Of a conversation that is a direct one or a group, with so many members now.
    pub fn of(direct: bool, members: usize) -> Self {
        Self {
            read: members <= RECEIPT_MEMBERS_MAX,
            delivered: direct,
        }
    }
}

impl Conversation {
    /// What its members may know of one another.
    pub fn receipts(&self) -> Receipts {
        Receipts::of(self.is_direct(), self.member_count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_shown_in_direct_conversations_and_reads_in_small_ones() {
        let of = |direct, members| {
            let Receipts { read, delivered } = Receipts::of(direct, members);
            (read, delivered)
        };
        assert_eq!(of(true, 2), (true, true));
        assert_eq!(of(false, RECEIPT_MEMBERS_MAX), (true, false));
        assert_eq!(of(false, RECEIPT_MEMBERS_MAX + 1), (false, false));
    }
}
