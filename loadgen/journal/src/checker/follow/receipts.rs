//! How far others are said to have read.

use super::Follower;
use crate::fault::Fault;

impl Follower<'_, '_> {
    /// What is known to be read stays read. Another connection may be told an older state at first.
    pub(super) fn receipt(&mut self, line: u32, conversation: &str, user: &str, seq: u64) {
        let Some(number) = self.find(line, conversation) else {
            return;
        };
        let reader = self.run.users.number(user);
        let head = self.run.export.conversations[number as usize].head();
        let own = self.line(line);
        let device = self.run.device(self.journal);
        let Some(connection) = &mut self.connection else {
            self.without_connection(line);
            return;
        };
        self.run.summary.receipts += 1;
        if seq > head {
            self.run.found.add(Fault::ReceiptBack, [own], || {
                format!("{device} was told that {user} has read {conversation} up to seq {seq}; it ends at seq {head}")
            });
        }
        let known = connection.receipts.entry((number, reader)).or_insert((seq, line));
        if seq >= known.0 {
            *known = (seq, line);
            return;
        }
        let (before, before_line) = *known;
        let lines = [self.line(before_line), own];
        self.run.found.add(Fault::ReceiptBack, lines, || {
            format!("{device} was told that {user} has read {conversation} up to seq {seq}, and before up to seq {before}")
        });
    }
}
