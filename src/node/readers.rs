//! How the sessions of those who read are shared out, so that one slow table takes none from those who ask others.
//!
//! Whoever reads the log's own tables may hold all of them. Of the tables beside the log, those on which everybody waits who connects or fetches
//! have portions to themselves, and all others one together: something is left to the log, whatever is slow.

use tidings_eventlog::{Log, Pool};

/// Memberships that are read at a time.
const MEMBERSHIPS_MAX: usize = 4;

/// Portions of the readers' sessions, by what is asked over them.
pub(super) struct Readers {
    /// In which conversations somebody is who connects.
    pub(super) memberships: Pool,
    /// What somebody has hidden of the events that they fetch.
    pub(super) hidden: Pool,
    /// All other read models, accounts, and the administration. Each of those who ask holds a portion of it.
    pub(super) tables: Log,
}

impl Readers {
    /// Shares out the sessions of `log`.
    pub(super) fn of(log: &Log) -> Self {
        let pool = log.pool();
        let Sizes {
            memberships,
            hidden,
            tables,
        } = Sizes::of(pool.max_size());
        Self {
            memberships: pool.portion(memberships),
            hidden: pool.portion(hidden),
            tables: log.portion(tables),
        }
    }
}

/// How many sessions each portion has.
struct Sizes {
    memberships: usize,
    hidden: usize,
    tables: usize,
}

impl Sizes {
    /// The portions of so many sessions, of which as many as may look for what is hidden are left to those who read the log alone.
    fn of(all: usize) -> Self {
        let memberships = (all / 6).clamp(1, MEMBERSHIPS_MAX);
        let hidden = (all / 8).max(1);
        Self {
            memberships,
            hidden,
            tables: all.saturating_sub(memberships + hidden * 2).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_slow_all_tables_are_something_is_left_to_those_who_read_the_log() {
        // With one lane and as few connections as may be set there are five.
        for all in 5..1000 {
            let Sizes {
                memberships,
                hidden,
                tables,
            } = Sizes::of(all);
            assert!(memberships > 0 && hidden > 0 && tables > 0, "of {all}");
            assert!(memberships + hidden + tables < all, "of {all}");
            // Most is for those who are most.
            assert!(tables >= all / 3, "of {all}");
        }
    }
}
