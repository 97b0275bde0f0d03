//! Puts any chat server under the checker: a seam that adapters fill, one workload over it, and two adapters.

mod board;
mod command;
mod member;
mod plan;
mod recorder;
mod seam;
mod tidings;
mod upgrade;
mod workload;
mod xmpp;

pub use board::Counts;
pub use command::{Args, judge, judge_beside, run};
pub use plan::Size;
pub use seam::{Conversation, Incoming, Person, Server, Session, UNANSWERED_MAX};
pub use tidings::{Export, Tidings, TidingsPerson, TidingsPlace, TidingsSession};
pub use upgrade::upgrade;
pub use xmpp::{Address, Ejabberd, Places, Xmpp, XmppPerson, XmppSession};
