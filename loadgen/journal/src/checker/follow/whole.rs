//! Whether a journal has its end.

use super::Follower;
use crate::counterexample::Source;
use crate::fault::Fault;

impl Follower<'_, '_> {
    /// A journal that was cut off hides what came after.
    pub(super) fn is_whole(&mut self) {
        let lines = match self.end {
            Some(end) if end == self.last => return,
            end => [self.line(end.unwrap_or(self.last))],
        };
        let Source::Journal { user, device, .. } = &self.run.devices[self.journal as usize] else {
            return;
        };
        let known = (user.clone(), device.clone());
        let killed = self.run.export.world.devices.get(&known).copied();
        if self.end.is_none() && killed == Some(true) {
            return;
        }
        let device = self.run.device(self.journal);
        self.run.found.add(Fault::Unfinished, lines, || match self.end {
            Some(_) => format!("the journal of {device} goes on behind its end"),
            None => format!("the journal of {device} has no end: it may have been cut off"),
        });
    }
}
