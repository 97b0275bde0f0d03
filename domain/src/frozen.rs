//! States of streams as bytes, so that they need not be folded from their first event every time. A frozen state is a copy: where it
//! cannot be thawed, the events tell the same.

use crate::announcement::Announcements;
use crate::conversation::Conversation;
use crate::pair::Pair;
use crate::report::Reports;
use crate::stream::Stream;
use crate::user::User;

/// Names the form, and what is folded into it. It grows when either changes, with a new kind of control event above all: what
/// an older version froze knows nothing of it, and an older version must not take what it cannot fold for folded.
pub const FROZEN_VERSION: i16 = 12;

const EMPTY: u8 = 0;
const CONVERSATION: u8 = 1;
const USER: u8 = 2;
const PAIR: u8 = 3;
const ANNOUNCEMENTS: u8 = 4;
const REPORTS: u8 = 5;

impl Stream {
    /// The state as bytes, in the form [`FROZEN_VERSION`]. Little-endian, no padding.
    pub fn freeze(&self) -> Vec<u8> {
        let mut out = vec![];
        match self {
            Self::Empty => out.push(EMPTY),
            Self::Conversation(conversation) => {
                out.push(CONVERSATION);
                conversation.freeze(&mut out);
            }
            Self::User(user) => {
                out.push(USER);
                user.freeze(&mut out);
            }
            Self::Pair(pair) => {
                out.push(PAIR);
                pair.freeze(&mut out);
            }
            Self::Announcements(announcements) => {
                out.push(ANNOUNCEMENTS);
                announcements.freeze(&mut out);
            }
            Self::Reports(reports) => {
                out.push(REPORTS);
                reports.freeze(&mut out);
            }
        }
        out
    }

    /// The state again; `None` of bytes that are none in this form.
    pub fn thaw(bytes: &[u8]) -> Option<Self> {
        let mut frozen = Frozen(bytes);
        let stream = match frozen.byte()? {
            EMPTY => Self::Empty,
            CONVERSATION => Self::Conversation(Conversation::thaw(&mut frozen)?),
            USER => Self::User(User::thaw(&mut frozen)?),
            PAIR => Self::Pair(Pair::thaw(&mut frozen)?),
            ANNOUNCEMENTS => Self::Announcements(Announcements::thaw(&mut frozen)?),
            REPORTS => Self::Reports(Reports::thaw(&mut frozen)?),
            _ => return None,
        };
        frozen.0.is_empty().then_some(stream)
    }
}

/// What is left to be read.
pub(crate) struct Frozen<'a>(&'a [u8]);

impl Frozen<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// So many entries, each of which takes at least `least` bytes: no count makes room for more than there is.
    pub(crate) fn list<T>(
        &mut self,
        count: u64,
        least: usize,
        mut entry: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = usize::try_from(count).ok()?;
        if count > self.0.len() / least {
            return None;
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(entry(self)?);
        }
        Some(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    /// A new one changes what is folded: raise the version, then the list. Of messages those that mention everyone and those of slow mode are control events, too.
    #[test]
    fn a_new_kind_of_control_event_is_a_new_version_of_what_is_frozen() {
        let control: Vec<i16> = Kind::ALL
            .into_iter()
            .filter(|kind| kind.is_control())
            .map(|kind| kind.0)
            .collect();
        assert_eq!(
            (FROZEN_VERSION, control),
            (
                12,
                vec![
                    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 23, 24, 25, 26, 64, 67, 68, 70,
                    73, 77, 87, 88, 90, 91, 97, 98, 99, 100, 101, 102
                ]
            )
        );
    }

    #[test]
    fn what_is_none_is_not_thawed() {
        let conversation = Stream::Conversation(Conversation::default()).freeze();
        assert!(Stream::thaw(&conversation).is_some());
        let mut crowded = conversation.clone();
        *crowded.last_mut().unwrap() = 0xff;
        let mut longer = conversation.clone();
        longer.push(0);
        for none in [&[][..], &[9], &[USER, 2], &conversation[..5], &crowded, &longer] {
            assert_eq!(Stream::thaw(none), None, "{none:?}");
        }
    }
}
