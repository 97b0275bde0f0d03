//! Seeded faults under traffic, and the checker after them; see docs/chaos.md.
//!
//! A seed decides what goes wrong when, who talks, and how the nodes are set up. [`Plan::new`] is a pure function of it;
//! [`play`] starts servers of its own and plays a plan.

mod absence;
mod bare;
mod chorus;
mod command;
mod company;
mod conditions;
mod cut;
mod device;
mod effects;
mod eras;
mod fault;
mod ground;
mod hand;
mod hostile;
mod http;
mod moderator;
mod newcomer;
mod openings;
mod plan;
mod planted;
mod reader;
mod retries;
mod run;
mod settle;
mod siege;
mod store;
mod view;
mod wire;
mod witness;
mod world;

use tidings_scribe::{fold, moderation, own, pair, report, said, scribe};

pub use command::{Args, run};
pub use conditions::Conditions;
pub use effects::Effects;
pub use fault::{ALONE, BARE, End, Fault, NODES, SLOW, Weather};
pub use hostile::Hostility;
pub use plan::{Plan, Step};
pub use planted::{PLANTED, Planted, find};
pub use run::{Outcome, play};
pub use siege::{Siege, besiege};
