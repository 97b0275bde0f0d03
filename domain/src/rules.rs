//! Rules that an operator chooses.

use chrono::{DateTime, TimeDelta, Utc};

/// How long after something happened it may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    Closed,
    /// Up to and including so many seconds.
    Seconds(u32),
    AnyTime,
}

impl Window {
    /// As settings say it: 0 is never, -1 (or less) is any time.
    pub fn from_setting(seconds: i64) -> Self {
        match seconds {
            0 => Self::Closed,
            ..0 => Self::AnyTime,
            _ => Self::Seconds(u32::try_from(seconds).unwrap_or(u32::MAX)),
        }
    }

    /// The same number.
    pub fn setting(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::AnyTime => -1,
            Self::Seconds(seconds) => i64::from(seconds),
        }
    }

    /// Whether what happened `at` may still be changed `now`. Clocks that differ count for nothing where `at` is still to come.
    pub fn is_open(self, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        match self {
            Self::Closed => false,
            Self::AnyTime => true,
            Self::Seconds(seconds) => now - at <= TimeDelta::seconds(i64::from(seconds)),
        }
    }
}

/// Rules for everybody on this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long authors may edit their messages.
    pub edit_window: Window,
    /// How long authors may recall their messages.
    pub recall_window: Window,
    /// Versions that a message may have, the first one included.
    pub versions: usize,
    /// Different emoji that people may have on one message at a time.
    pub reactions: usize,
    /// Emoji that one person may have on one message at a time.
    pub reactions_of_user: usize,
    /// How long after an attachment was stored messages of its owner may show it. Whatever no message shows then is removed.
    pub attach_window: Window,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            edit_window: Window::Seconds(3 * 60 * 60),
            recall_window: Window::Seconds(10 * 60),
            versions: 100,
            reactions: 20,
            reactions_of_user: 20,
            attach_window: Window::Seconds(24 * 60 * 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_to_its_last_moment() {
        let (at, second) = (DateTime::UNIX_EPOCH, TimeDelta::seconds(1));
        let window = Window::from_setting(10);
        assert!(window.is_open(at, at + second * 10));
        assert!(!window.is_open(at, at + second * 10 + TimeDelta::microseconds(1)));
        assert!(window.is_open(at, at - second));
        assert!(!Window::from_setting(0).is_open(at, at));
        assert!(Window::from_setting(-1).is_open(at, at + TimeDelta::days(40_000)));
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        for setting in [-1, 0, 1, 600, i64::from(u32::MAX)] {
            assert_eq!(Window::from_setting(setting).setting(), setting);
        }
        assert_eq!(Window::from_setting(-7), Window::AnyTime);
        assert_eq!(Window::from_setting(i64::MAX), Window::Seconds(u32::MAX));
    }
}
