//! How lines are said that are more than a text: some in threads, some to everybody, some by name, some with a file. The same for the same
//! log.

use super::{plan::Target, schedule::OWNER};

/// How often the owner of the group mentions everybody; the server lets them do it ten times an hour.
const EVERYONE_MAX: usize = 5;

/// How a line is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Plain,
    /// In the thread below what this person said last, or else whoever spoke last; perhaps in the main timeline, too, and perhaps
    /// with a mention of that person.
    InThread {
        of: Option<usize>,
        also: bool,
        naming: bool,
    },
    Everyone,
    /// It mentions this person.
    Naming(usize),
    /// As the caption of a file.
    WithFile,
}

/// Draws the manners of the lines of a log, one after the other.
#[derive(Default)]
pub(crate) struct Manners {
    /// Lines to the group, and of those the owner's.
    said: usize,
    by_owner: usize,
}

impl Manners {
    /// Of the next line. Threads and everybody are of groups.
    pub(crate) fn next(
        &mut self,
        author: usize,
        target: Target,
        addressee: Option<usize>,
        people: usize,
    ) -> Manner {
        if target != Target::Group {
            return Manner::Plain;
        }
        self.said += 1;
        if author == OWNER {
            self.by_owner += 1;
            if self.by_owner % 3 == 2 && self.by_owner / 3 < EVERYONE_MAX {
                return Manner::Everyone;
            }
        }
        match self.said % 50 {
            25 => Manner::WithFile,
            n if n % 10 == 3 => Manner::InThread {
                of: addressee,
                also: n == 13 || n == 43,
                naming: n == 23,
            },
            n if n % 10 == 8 => Manner::Naming(self.said % people),
            _ => Manner::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_to_the_group_are_said_in_every_manner_and_to_everybody_a_few_times() {
        let mut manners = Manners::default();
        let said: Vec<Manner> = (0..400)
            .map(|n| manners.next(n % 7, Target::Group, Some(3), 7))
            .collect();
        let count = |fits: fn(&Manner) -> bool| said.iter().filter(|manner| fits(manner)).count();
        assert_eq!(count(|manner| *manner == Manner::Everyone), EVERYONE_MAX);
        assert!(count(|manner| matches!(manner, Manner::InThread { also: true, .. })) > 5);
        assert!(count(|manner| matches!(manner, Manner::InThread { naming: true, .. })) > 3);
        assert!(count(|manner| matches!(manner, Manner::Naming(_))) > 20);
        assert!(count(|manner| *manner == Manner::WithFile) > 3);
        assert_eq!(manners.next(OWNER, Target::Pair(0), Some(3), 7), Manner::Plain);
    }
}
