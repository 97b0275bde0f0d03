//! When people leave, come back and read; the same for the same seed.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// How someone comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Return {
    /// The same device, from its cursors.
    Resume,
    /// A new device without cursors: what no device has been sent comes from the server's stored cursor.
    NewDevice,
}

/// Something that people do besides talking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Leave(usize),
    Return(usize, Return),
    /// Reads all that has come in the group.
    Read(usize),
    /// Edits the last of one's own messages.
    Edit(usize),
    /// Takes it back.
    Recall(usize),
    /// Reacts to the last message of the group, or takes that reaction back.
    React(usize),
    /// Mutes the group for oneself, or ends that.
    Mute(usize),
    /// The owner of the group pins its last message, or takes that pin away.
    Pin,
    /// Sends the last message of a conversation on to another, or to the same.
    Forward(usize),
    /// Hides the last message of a conversation from oneself.
    Hide(usize),
    /// Clears a conversation for oneself.
    Clear(usize),
    /// Archives a conversation, and marks one as unread, for oneself.
    Archive(usize),
    Mark(usize),
    /// Follows the last thread of the group, or ends that; and reads one.
    Follow(usize),
    ReadThread(usize),
}

/// Who makes the group, and so may pin, and mention everybody.
pub(crate) const OWNER: usize = 0;

/// Moves about `share` of the people in and out, one after the other.
pub(crate) struct Schedule {
    random: StdRng,
    offline: Vec<bool>,
    offline_max: usize,
    /// How many messages are between two departures.
    pace: usize,
}

impl Schedule {
    /// For so many people and messages, with this share of the people away at a time. Over the whole log
    /// about two of three people leave once.
    pub(crate) fn new(people: usize, messages: usize, share: f64, seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed ^ 0x0FF1_1E55),
            offline: vec![false; people],
            offline_max: (people as f64 * share.clamp(0.0, 0.9)).round() as usize,
            pace: (messages * 3 / (people * 2).max(1)).max(1),
        }
    }

    /// What happens right before message `index` of `author`. An author who is away comes back for it.
    pub(crate) fn before(&mut self, index: usize, author: usize) -> Vec<Move> {
        let mut moves = Vec::new();
        if self.offline[author] {
            moves.push(self.bring_back(author));
        }
        if self.offline_max > 0 && index > 0 && index.is_multiple_of(self.pace) {
            let away: Vec<usize> = self.people(true);
            if away.len() >= self.offline_max {
                let person = away[self.random.random_range(0..away.len())];
                moves.push(self.bring_back(person));
            }
            let here = self.people(false);
            let person = here[self.random.random_range(0..here.len())];
            if person != author {
                self.offline[person] = true;
                moves.push(Move::Leave(person));
            }
        }
        if index % 40 == 20 {
            let here = self.people(false);
            moves.push(Move::Read(here[self.random.random_range(0..here.len())]));
        }
        match index % 30 {
            7 | 19 => moves.push(Move::Edit(author)),
            24 => moves.push(Move::Recall(author)),
            16 => moves.push(Move::Mute(author)),
            14 if !self.offline[OWNER] => moves.push(Move::Pin),
            3 | 4 | 11 | 28 => {
                let here = self.people(false);
                moves.push(Move::React(here[self.random.random_range(0..here.len())]));
            }
            _ => {}
        }
        match index % 60 {
            9 => moves.push(Move::Forward(author)),
            21 => moves.push(Move::Archive(author)),
            n @ (33 | 35 | 39 | 47 | 51 | 57) => {
                let here = self.people(false);
                let somebody = here[self.random.random_range(0..here.len())];
                moves.push(match n {
                    33 => Move::Follow(somebody),
                    35 => Move::Archive(somebody),
                    39 => Move::Hide(somebody),
                    47 if index % 120 == 47 => Move::Clear(somebody),
                    51 => Move::Mark(somebody),
                    _ => Move::ReadThread(somebody),
                });
            }
            _ => {}
        }
        moves
    }

    /// Somebody comes back who is wanted, where they are away.
    pub(crate) fn call(&mut self, person: usize) -> Option<Move> {
        self.offline[person].then(|| self.bring_back(person))
    }

    /// Everybody who is away comes back.
    pub(crate) fn gather(&mut self) -> Vec<Move> {
        self.people(true)
            .into_iter()
            .map(|person| self.bring_back(person))
            .collect()
    }

    fn people(&self, offline: bool) -> Vec<usize> {
        (0..self.offline.len())
            .filter(|person| self.offline[*person] == offline)
            .collect()
    }

    fn bring_back(&mut self, person: usize) -> Move {
        self.offline[person] = false;
        let how = if self.random.random() {
            Return::Resume
        } else {
            Return::NewDevice
        };
        Move::Return(person, how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_here_leave_and_only_those_away_return_and_authors_are_always_here() {
        let mut schedule = Schedule::new(50, 4000, 0.1, 3);
        let mut away = [false; 50];
        let (mut left, mut most) = (0, 0);
        for index in 0..4000 {
            let author = index * 7 % 50;
            for step in schedule.before(index, author) {
                match step {
                    Move::Leave(person) => {
                        assert!(!std::mem::replace(&mut away[person], true));
                        left += 1;
                    }
                    Move::Return(person, _) => assert!(std::mem::replace(&mut away[person], false)),
                    Move::Pin => assert!(!away[OWNER]),
                    Move::Read(person)
                    | Move::Edit(person)
                    | Move::Recall(person)
                    | Move::React(person)
                    | Move::Mute(person)
                    | Move::Forward(person)
                    | Move::Hide(person)
                    | Move::Clear(person)
                    | Move::Archive(person)
                    | Move::Mark(person)
                    | Move::Follow(person)
                    | Move::ReadThread(person) => {
                        assert!(!away[person]);
                    }
                }
            }
            assert!(!away[author]);
            assert_eq!(schedule.offline, away);
            most = most.max(away.iter().filter(|away| **away).count());
        }
        assert!(left > 20 && (1..=5).contains(&most), "{left} {most}");
        assert_eq!(schedule.call(0).is_some(), std::mem::take(&mut away[0]));
        assert_eq!(schedule.call(0), None, "who is here");
        assert_eq!(schedule.gather().len(), away.iter().filter(|away| **away).count());
    }
}
