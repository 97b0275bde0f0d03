//! How much of the log is read at once.

/// Events in one range: the most there may be, or fewer while the log answers slowly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    most: u64,
    now: u64,
}

impl Pace {
    /// At most `most` events, and as many to begin with.
    pub(crate) fn new(most: u64) -> Self {
        Self { most, now: most }
    }

    /// Events in the next range.
    pub(crate) fn events(self) -> u64 {
        self.now
    }

    /// A range was not read in time: half of it may be. `false` when it was a single event.
    pub(crate) fn slower(&mut self) -> bool {
        let smaller = self.now > 1;
        self.now = (self.now / 2).max(1);
        smaller
    }

    /// A range was read in time.
    pub(crate) fn faster(&mut self) {
        self.now = (self.now * 2).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_down_to_one_event_and_comes_back() {
        let mut pace = Pace::new(5);
        assert!(pace.slower() && pace.events() == 2);
        assert!(pace.slower() && pace.events() == 1);
        assert!(!pace.slower() && pace.events() == 1);
        for events in [2, 4, 5, 5] {
            pace.faster();
            assert_eq!(pace.events(), events);
        }
    }
}
