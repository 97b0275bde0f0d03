//! What may happen in conversations, and how chance makes histories of it.

use proptest::prelude::*;

/// People of a household. Whoever they are, all talk with all.
pub(super) const PEOPLE: usize = 4;

/// Conversations among the people of one household, which is what has totals. Each is a history of its own.
pub(super) type Household = Vec<History>;

/// What happens in one conversation, in order.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Between two, who stay, and without threads.
    pub(super) direct: bool,
    pub(super) deeds: Vec<Deed>,
}

/// Who does something, what to, or where: one of those that there are by then. So a history of which something is left out is one, too.
pub(super) type Which = u8;

/// One thing that happens, if it can happen there.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Say(Words),
    /// Below a message of the main timeline, which may show it, too.
    Reply {
        root: Which,
        also: bool,
        words: Words,
    },
    Edit(Which),
    Recall {
        who: Which,
        message: Which,
    },
    Withhold {
        who: Which,
        message: Which,
        withheld: bool,
    },
    React {
        who: Which,
        message: Which,
    },
    Pin {
        who: Which,
        message: Which,
        on: bool,
    },
    Rename,
    Come(Which),
    Leave(Which),
    /// Devices of a person are not equally far, so that one may read what lies before that which another has read.
    Read {
        who: Which,
        at: Which,
    },
    ReadThread {
        who: Which,
        root: Which,
        at: Which,
    },
    Follow {
        who: Which,
        root: Which,
        on: bool,
    },
    Hide {
        who: Which,
        messages: Vec<Which>,
    },
    Clear {
        who: Which,
        at: Which,
    },
    Mute {
        who: Which,
        mute: Mute,
    },
    Mark {
        who: Which,
        unread: bool,
    },
    /// Wherever the other one says something, and not only here.
    Block {
        who: Which,
        whom: Which,
        on: bool,
    },
}

/// A message: by whom, and whom it mentions.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) who: Which,
    /// A bit for each person.
    pub(super) names: u8,
    pub(super) everyone: bool,
}

/// For how long a conversation is muted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mute {
    ForEver,
    /// Until long after the test.
    Still,
    /// Until what is over when somebody looks.
    Over,
    Off,
}

pub(super) fn households(conversations: usize) -> impl Strategy<Value = Household> {
    prop::collection::vec(histories(), conversations)
}

fn histories() -> impl Strategy<Value = History> {
    (prop::bool::weighted(0.15), prop::collection::vec(deeds(), 3..36))
        .prop_map(|(direct, deeds)| History { direct, deeds })
}

fn words() -> impl Strategy<Value = Words> {
    let names = prop_oneof![2 => Just(0), 1 => any::<u8>()];
    (any::<Which>(), names, prop::bool::weighted(0.15)).prop_map(|(who, names, everyone)| Words {
        who,
        names,
        everyone,
    })
}

fn mutes() -> impl Strategy<Value = Mute> {
    prop_oneof![
        Just(Mute::ForEver),
        Just(Mute::Still),
        Just(Mute::Over),
        Just(Mute::Off)
    ]
}

fn deeds() -> impl Strategy<Value = Deed> {
    let which = any::<Which>;
    let is = any::<bool>;
    prop_oneof![
        10 => words().prop_map(Deed::Say),
        7 => (which(), prop::bool::weighted(0.3), words()).prop_map(|(root, also, words)| Deed::Reply { root, also, words }),
        1 => which().prop_map(Deed::Edit),
        3 => (which(), which()).prop_map(|(who, message)| Deed::Recall { who, message }),
        3 => (which(), which(), prop::bool::weighted(0.6))
            .prop_map(|(who, message, withheld)| Deed::Withhold { who, message, withheld }),
        1 => (which(), which()).prop_map(|(who, message)| Deed::React { who, message }),
        1 => (which(), which(), is()).prop_map(|(who, message, on)| Deed::Pin { who, message, on }),
        1 => Just(Deed::Rename),
        2 => which().prop_map(Deed::Come),
        2 => which().prop_map(Deed::Leave),
        4 => (which(), which()).prop_map(|(who, at)| Deed::Read { who, at }),
        3 => (which(), which(), which()).prop_map(|(who, root, at)| Deed::ReadThread { who, root, at }),
        2 => (which(), which(), is()).prop_map(|(who, root, on)| Deed::Follow { who, root, on }),
        3 => (which(), prop::collection::vec(which(), 1..4)).prop_map(|(who, messages)| Deed::Hide { who, messages }),
        1 => (which(), which()).prop_map(|(who, at)| Deed::Clear { who, at }),
        1 => (which(), mutes()).prop_map(|(who, mute)| Deed::Mute { who, mute }),
        2 => (which(), prop::bool::weighted(0.8)).prop_map(|(who, unread)| Deed::Mark { who, unread }),
        1 => (which(), which(), prop::bool::weighted(0.6)).prop_map(|(who, whom, on)| Deed::Block { who, whom, on }),
    ]
}

/// What is left of a household when something is left out of it, the greater parts first.
pub(super) fn smaller(household: &Household) -> Vec<Household> {
    let mut found: Vec<Household> = pieces(household.len())
        .map(|piece| without(household, piece))
        .filter(|smaller| !smaller.is_empty())
        .collect();
    for (n, history) in household.iter().enumerate() {
        for piece in pieces(history.deeds.len()) {
            let mut smaller = household.clone();
            smaller[n].deeds = without(&history.deeds, piece);
            found.push(smaller);
        }
    }
    found
}

/// Stretches of a list of this length: halves, quarters, eighths, and each by itself.
fn pieces(length: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut sizes: Vec<usize> = [2, 4, 8].iter().map(|part| length / part).chain([1]).collect();
    sizes.retain(|size| *size > 0);
    sizes.dedup();
    sizes
        .into_iter()
        .flat_map(move |size| (0..length).step_by(size).map(move |start| (start, size)))
}

fn without<T: Clone>(list: &[T], (start, size): (usize, usize)) -> Vec<T> {
    let outside = |(n, entry): (usize, &T)| (n < start || n >= start + size).then(|| entry.clone());
    list.iter().enumerate().filter_map(outside).collect()
}
