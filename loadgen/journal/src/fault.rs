//! What can be wrong with a server, each with a name.

use std::fmt;

/// A promise that was broken. What each means, and what it takes to see it, stands in docs/journals.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The seqs of the log do not follow each other.
    TornLog,
    /// A conversation that the export does not hold.
    UnknownConversation,
    /// A journal in which things happen without a connection.
    NoConnection,
    /// A message was acked and is not in the log.
    Lost,
    /// A message was acked at another place than the log has it: another seq, position or time.
    Misplaced,
    /// The log has a message with another text, author or conversation than it was sent with.
    Altered,
    /// A message stands in the log twice.
    Repeated,
    /// Nobody sent a message that is in the log.
    Forged,
    /// A message is in the log although each try to send it was refused.
    RefusedYetLogged,
    /// A message was taken for another one under its id, though nothing else was ever sent under that.
    FalseConflict,
    /// An answer to something that the device did not send.
    AnswerToNothing,
    /// A device was shown something else than the log has.
    ShownOther,
    /// A device was shown what a message said that had been recalled or withheld before it connected.
    ShownRecalled,
    /// A device was shown an event again, or after a later one.
    ShownAgain,
    /// A device was not shown an event, but a later one.
    Hole,
    /// Something was left out by a gap while the device was up to date.
    GapWhileLive,
    /// What was fetched of a gap has a hole.
    FetchHole,
    /// A device claims to have seen what it was not shown.
    ClaimUnseen,
    /// A person was shown an event without being a member.
    ShownToStranger,
    /// What was missed did not come before `synced`.
    CaughtUpShort,
    /// A device that stayed to the end was not shown everything.
    NotShown,
    /// A connection that claims nothing begins behind what nobody has told the person.
    LateBeginning,
    /// More was left out than the server's limits make it leave out.
    NeedlessGap,
    /// Something that a person is owed reached none of their devices.
    Withheld,
    /// Two messages of one sender stand in the other order than they were sent.
    SenderOrder,
    /// A message stands before one that was known before it was sent.
    RealTimeOrder,
    /// A count of unread messages is wrong.
    Unread,
    /// What somebody is said to have read went back, or beyond the log.
    ReceiptBack,
    /// A device was up to date and heard other things, and was not shown an event until long after others knew of it.
    Deaf,
    /// A journal has no end, or goes on behind it.
    Unfinished,
    /// A device without a journal, or a journal of no device.
    NoJournal,
}

impl Fault {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::TornLog => "torn-log",
            Self::UnknownConversation => "unknown-conversation",
            Self::NoConnection => "no-connection",
            Self::Lost => "lost",
            Self::Misplaced => "misplaced",
            Self::Altered => "altered",
            Self::Repeated => "repeated",
            Self::Forged => "forged",
            Self::RefusedYetLogged => "refused-yet-logged",
            Self::FalseConflict => "false-conflict",
            Self::AnswerToNothing => "answer-to-nothing",
            Self::ShownOther => "shown-other",
            Self::ShownRecalled => "shown-recalled",
            Self::ShownAgain => "shown-again",
            Self::Hole => "hole",
            Self::GapWhileLive => "gap-while-live",
            Self::NeedlessGap => "needless-gap",
            Self::FetchHole => "fetch-hole",
            Self::ClaimUnseen => "claim-unseen",
            Self::CaughtUpShort => "caught-up-short",
            Self::NotShown => "not-shown",
            Self::LateBeginning => "late-beginning",
            Self::Withheld => "withheld",
            Self::ShownToStranger => "shown-to-stranger",
            Self::SenderOrder => "sender-order",
            Self::RealTimeOrder => "real-time-order",
            Self::Unread => "unread",
            Self::ReceiptBack => "receipt-back",
            Self::Deaf => "deaf",
            Self::Unfinished => "unfinished",
            Self::NoJournal => "no-journal",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
