//! What those see of a conversation who come into it.

use tidings_domain::{Beginning, History};
use tokio_postgres::{Error, Row};

/// From where on those see a conversation who come in now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newcomers {
    from: Beginning,
    /// Messages of the main timeline before that; without meaning where it is their joining.
    msg_no: u64,
}

impl Newcomers {
    /// After the history became another by the event at `seq`, up to which there are `msg_no` messages.
    pub fn turned(history: History, seq: u64, msg_no: u64) -> Self {
        Self {
            from: Beginning::turned(history, seq),
            msg_no,
        }
    }

    /// What somebody sees who comes in by the event at `seq`, up to which there are `msg_no` messages: the first seq, and how many messages
    /// stand before it.
    pub fn view(self, seq: u64, msg_no: u64) -> (u64, u64) {
        let before = self.from.number().map_or(msg_no, |_| self.msg_no);
        (self.from.visible_from(seq), before)
    }

    /// The same as columns.
    pub(super) fn columns(self) -> (Option<i64>, i64) {
        (self.from.number().map(|from| from as i64), self.msg_no as i64)
    }

    /// Of a row that may be of no conversation, which is as one that has just begun.
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let Some(msg_no) = row.try_get::<_, Option<i64>>("newcomers_msg_no")? else {
            return Ok(Self::default());
        };
        let from: Option<i64> = row.try_get("newcomers_from")?;
        Ok(Self {
            from: Beginning::stored(from.map(|from| from as u64)),
            msg_no: msg_no as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_what_newcomers_see_is_counted() {
        assert_eq!(Newcomers::default().view(9, 5), (1, 0));
        let joined = Newcomers::turned(History::Joined, 4, 2);
        assert_eq!(joined.view(9, 5), (9, 5));
        let shared = Newcomers::turned(History::Shared, 6, 3);
        assert_eq!(shared.view(9, 5), (7, 3));
        assert_eq!((joined.columns().0, shared.columns()), (None, (Some(7), 3)));
    }
}
