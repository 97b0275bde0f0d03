//! Since when a device has been there, and what it hears.

use super::Follower;
use crate::record::Micros;

impl Follower<'_, '_> {
    /// Notes that the device is there when all is well, which it may have been since earlier.
    pub(super) fn be_there(&mut self, at: Micros) {
        let connected = self.connection.as_ref().and_then(|connection| connection.synced);
        if let (None, Some(healed), Some(synced)) = (self.present, self.run.export.world.healed, connected)
            && at > healed
        {
            self.present = Some(synced.at.max(healed));
        }
    }

    pub(super) fn answer_came(&mut self, at: Micros) {
        if let Some(connection) = &mut self.connection
            && connection.synced.is_some()
        {
            connection.answers.came(at);
        }
    }
}
