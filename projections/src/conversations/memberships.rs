//! What connections that come must know: a user's conversations, and what vouches for them.

use super::newcomers::Newcomers;
use super::visible::Visible;
use crate::error::{ProjectionError, within};
use crate::models;
use crate::projection::Projection;
use crate::select::Sql;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_domain::History;
use tidings_eventlog::LaneHead;
use tidings_eventlog::Pool;
use tokio_postgres::Row;
use uuid::Uuid;

static MEMBERSHIPS: Sql = Sql::new(include_str!("memberships.sql"));

/// The projections that memberships are read from.
pub const MEMBERSHIP_MODELS: [&str; 2] = ["conversations", "inbox"];

/// Conversations that are aside and told of, at most. More of them are no chance misfortune, and are in the log's errors.
const ASIDE: i32 = 256;

/// A user's place in a conversation, present or past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub conversation: Uuid,
    /// Seq of the event that made the user a member, the latest time.
    pub joined_seq: u64,
    /// The last event before the user's first membership; `None` where the latest is the only one.
    pub begun_seq: Option<u64>,
    /// Seq of the event that ended it; `None` for a current member.
    pub left_seq: Option<u64>,
    /// What the user sees, or saw while they were in.
    pub visible: Visible,
    /// What those see who come in now.
    pub newcomers: Newcomers,
    /// The last event of the conversation that the read model has folded: what it says holds up to there.
    pub folded_seq: u64,
    /// Events of the conversation are aside, so what is said here may be old: only the log can tell.
    pub parked: bool,
    /// How far the user has been sent the conversation; `None` when nothing is known to have been.
    pub delivered_seq: Option<u64>,
    /// Messages up to `delivered_seq`.
    pub delivered_msg_no: u64,
    /// The first event that expired before it was sent; what expired ends at `delivered_seq`.
    pub expired_from: Option<u64>,
}

/// A user's memberships, current and former, and how far the read models had come when they said so.
#[derive(Clone, Debug)]
pub struct Memberships {
    pub of_user: Vec<Membership>,
    /// A conversation of the user whose latest joining one of the models has seen and the other has not. For a moment only.
    pub apart: Option<Uuid>,
    pub seen: Arc<Seen>,
}

/// How far the read models had come, of the same snapshot as what they said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// By lane, how far every one of [`MEMBERSHIP_MODELS`] had come. A lane that one of them does not know is not there, unless nothing has
    /// happened in it: nobody can lack anything of that.
    pub lanes: BTreeMap<u8, u64>,
    /// Conversations of which events are aside: members of theirs may be unknown. Of very many, some.
    pub aside: Vec<Aside>,
}

/// A conversation of which events are aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aside {
    pub conversation: Uuid,
    /// The last seq that was folded.
    pub folded_seq: u64,
    /// What those saw who came in then.
    pub newcomers: Newcomers,
}

impl Membership {
    /// The last event before everything that the user has been a member for.
    pub fn before(&self) -> u64 {
        let latest = self.joined_seq.saturating_sub(1);
        self.begun_seq.map_or(latest, |begun| begun.min(latest))
    }

    /// The last event that need not be sent to a device of which nothing is known.
    pub fn sent(&self) -> u64 {
        self.delivered_seq.unwrap_or_else(|| self.before())
    }

    /// The user was let in by the event at `seq`, before which there were `msg_no` messages: what the read models will say.
    /// Whoever is owed something from before an earlier leaving is owed it still, and nobody anything from in between.
    pub fn join(&mut self, seq: u64, msg_no: u64) {
        let was_in = self.joined_seq > 0;
        if was_in {
            self.begun_seq = Some(self.before());
        }
        let sent = self.sent();
        if was_in && self.left_seq.is_some_and(|left| left <= sent) {
            self.delivered_seq = Some(sent.max(seq - 1));
            self.delivered_msg_no = self.delivered_msg_no.max(msg_no);
        }
        let (from, _) = self.newcomers.view(seq, msg_no);
        match self.left_seq {
            Some(left) if was_in => self.visible.renew(left, from),
            _ => self.visible = Visible::since(from),
        }
        (self.joined_seq, self.left_seq) = (seq, None);
    }

    /// The same for one by which newcomers see something else.
    pub fn turn(&mut self, history: History, seq: u64, msg_no: u64) {
        self.newcomers = Newcomers::turned(history, seq, msg_no);
    }

    /// The same for an event by which the user is no member any more.
    pub fn leave(&mut self, seq: u64) {
        self.left_seq = Some(seq);
    }
}

impl Seen {
    /// Whether every conversation is named of which events are aside.
    pub fn names_all_aside(&self) -> bool {
        self.aside.len() < ASIDE as usize
    }

    /// A lane in which not everything up to `heads` had been folded.
    pub fn behind(&self, heads: &[LaneHead]) -> Option<u8> {
        let short = |head: &&LaneHead| self.lanes.get(&head.lane).is_none_or(|pos| *pos < head.head);
        heads.iter().find(short).map(|head| head.lane)
    }
}

/// All memberships of each of `users`, current and former.
pub async fn memberships(pool: &Pool, users: &[Uuid]) -> Result<Vec<Memberships>, ProjectionError> {
    let models = MEMBERSHIP_MODELS.map(|name| models::find(name).map_or(0, Projection::version));
    let (names, versions): (&[&str], &[i32]) = (&MEMBERSHIP_MODELS, &models);
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&MEMBERSHIPS.text(client.home())).await?;
        let rows = client
            .query(
                &statement,
                &[&users, &names, &versions, &names[0], &versions[0], &ASIDE],
            )
            .await?;
        let (mut of_each, mut seen) = (vec![(vec![], None); users.len()], Seen::default());
        for row in &rows {
            let i: i64 = row.try_get("i")?;
            match row.try_get("what")? {
                "lane" => {
                    let pos = number(row, "joined_seq")?.unwrap_or(0);
                    seen.lanes.insert(u8::try_from(i).unwrap_or(u8::MAX), pos);
                }
                "aside" => {
                    seen.aside.push(Aside {
                        conversation: row.try_get("conversation")?,
                        folded_seq: number(row, "folded_seq")?.unwrap_or(0),
                        newcomers: Newcomers::read(row)?,
                    });
                }
                _ => {
                    if let Some((of_user, apart)) = of_each.get_mut((i as usize).wrapping_sub(1)) {
                        let membership = membership(row)?;
                        if row.try_get("apart")? {
                            *apart = Some(membership.conversation);
                        }
                        of_user.push(membership);
                    }
                }
            }
        }
        let seen = Arc::new(seen);
        Ok::<_, ProjectionError>(
            of_each
                .into_iter()
                .map(|(of_user, apart)| Memberships {
                    of_user,
                    apart,
                    seen: Arc::clone(&seen),
                })
                .collect(),
        )
    };
    within(pool.timeout(), reading).await
}

fn number(row: &Row, name: &str) -> Result<Option<u64>, tokio_postgres::Error> {
    Ok(row.try_get::<_, Option<i64>>(name)?.map(|value| value as u64))
}

fn membership(row: &Row) -> Result<Membership, tokio_postgres::Error> {
    Ok(Membership {
        conversation: row.try_get("conversation")?,
        joined_seq: number(row, "joined_seq")?.unwrap_or(0),
        begun_seq: number(row, "begun_seq")?,
        left_seq: number(row, "left_seq")?,
        visible: Visible::read(row)?,
        newcomers: Newcomers::read(row)?,
        folded_seq: number(row, "folded_seq")?.unwrap_or(0),
        parked: row.try_get("parked")?,
        delivered_seq: number(row, "delivered_seq")?,
        delivered_msg_no: number(row, "delivered_msg_no")?.unwrap_or(0),
        expired_from: number(row, "expired_from")?,
    })
}
