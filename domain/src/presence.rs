//! Who is there: what devices say, and what is made of it. None of it is in the log.

/// People whom one connection may name to be watched.
pub const WATCHED_USERS_MAX: usize = 200;
/// Conversations of which one connection may watch who is there.
pub const WATCHED_CONVERSATIONS_MAX: usize = 5;
/// Of conversations with more members it is shown how many are there, and not who.
pub const NAMED_MEMBERS_MAX: usize = 200;

/// What a device says of its user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    #[default]
    Online,
    Away,
    /// Do not disturb.
    Dnd,
    /// Nobody is shown that the user is there.
    Invisible,
}

/// What is made of all devices of somebody. What stands further down wins over what stands above: one device at which somebody is there
/// makes them be there, and one that hides them hides them everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shown {
    /// No device.
    #[default]
    Offline,
    Away,
    Dnd,
    Online,
    /// There, and shown as if they were not.
    Hidden,
}

impl Shown {
    /// Of devices that say this.
    pub fn of(statuses: impl IntoIterator<Item = Status>) -> Self {
        statuses.into_iter().map(Self::from).max().unwrap_or_default()
    }

    /// Whether others may see that somebody is there.
    pub fn is_there(self) -> bool {
        !matches!(self, Self::Offline | Self::Hidden)
    }

    /// What others see.
    #[must_use]
    pub fn to_others(self) -> Self {
        if self.is_there() { self } else { Self::Offline }
    }
}

impl From<Status> for Shown {
    fn from(status: Status) -> Self {
        match status {
            Status::Online => Self::Online,
            Status::Away => Self::Away,
            Status::Dnd => Self::Dnd,
            Status::Invisible => Self::Hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_device_at_which_somebody_is_there_is_enough_and_one_that_hides_them_too() {
        use Status::{Away, Dnd, Invisible, Online};
        let of = |statuses: &[Status]| Shown::of(statuses.iter().copied());
        assert_eq!(of(&[]), Shown::Offline);
        assert_eq!(of(&[Away]), Shown::Away);
        assert_eq!(of(&[Away, Dnd]), Shown::Dnd);
        assert_eq!(of(&[Dnd, Online, Away]), Shown::Online);
        assert_eq!(of(&[Online, Invisible]), Shown::Hidden);
        assert!(!Shown::Hidden.is_there() && Shown::Hidden.to_others() == Shown::Offline);
    }
}
