//! Connections of all nodes: each node knows its own, and is asked for them.

use super::Administration;
use crate::fanout::Answering;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tidings_domain::UserId;
use tidings_graphql::{ConnectionState, Part, Refusal};
use tidings_projections::{Order, Range};
use uuid::Uuid;

/// What nodes ask one another.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    Connections {
        user: Option<Uuid>,
        after: Option<Uuid>,
        before: Option<Uuid>,
        descending: bool,
        rows: i64,
    },
    Disconnect {
        user: Option<Uuid>,
        session: Option<Uuid>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Connections(Part<ConnectionState>),
    Disconnected(usize),
}

impl Administration {
    /// A part of the connections of all nodes.
    pub(super) async fn connected(
        &self,
        user: Option<Uuid>,
        range: Range<Uuid>,
    ) -> Result<Part<ConnectionState>, Refusal> {
        let question = Question::Connections {
            user,
            after: range.after,
            before: range.before,
            descending: range.order == Order::Descending,
            rows: range.rows,
        };
        let mut all = self.connected_here(user, &range);
        for answer in self.ask(&question).await? {
            let Answer::Connections(part) = answer else {
                continue;
            };
            all.entries.extend(part.entries);
            all.around = (all.around.0 || part.around.0, all.around.1 || part.around.1);
        }
        all.entries.sort_unstable_by_key(|connection| connection.id);
        if range.order == Order::Descending {
            all.entries.reverse();
        }
        all.entries.truncate(usize::try_from(range.rows).unwrap_or(0));
        Ok(all)
    }

    /// Closes connections on all nodes. Returns how many there were.
    pub(super) async fn disconnect(&self, user: Option<Uuid>, session: Option<Uuid>) -> Result<u64, Refusal> {
        let here = self.0.ground.logins.disconnect(user.map(UserId), session);
        let answers = self.ask(&Question::Disconnect { user, session }).await?;
        let there = answers.into_iter().map(|answer| match answer {
            Answer::Disconnected(count) => count,
            Answer::Connections(_) => 0,
        });
        Ok((here + there.sum::<usize>()) as u64)
    }

    async fn ask(&self, question: &Question) -> Result<Vec<Answer>, Refusal> {
        let silent = || Refusal::unavailable("some nodes do not answer, and are left as they are");
        let others = self.others().await?;
        let question = serde_json::to_string(question).map_err(|_| silent())?;
        let answers = self.0.ground.asks.ask(&question, others).await;
        let answers = answers.map_err(|_| silent())?;
        let answers = answers
            .iter()
            .map(|answer| serde_json::from_str::<Answer>(answer));
        answers.collect::<Result<_, _>>().map_err(|_| silent())
    }

    /// What this node says to others. What it does not understand, another version has asked.
    pub(super) fn answering(self) -> Answering {
        Arc::new(move |question: &str| {
            let answer = match serde_json::from_str::<Question>(question).ok()? {
                Question::Connections {
                    user,
                    after,
                    before,
                    descending,
                    rows,
                } => {
                    let order = if descending {
                        Order::Descending
                    } else {
                        Order::Ascending
                    };
                    let range = Range {
                        after,
                        before,
                        order,
                        rows,
                    };
                    Answer::Connections(self.connected_here(user, &range))
                }
                Question::Disconnect { user, session } => {
                    let logins = &self.0.ground.logins;
                    Answer::Disconnected(logins.disconnect(user.map(UserId), session))
                }
            };
            serde_json::to_string(&answer).ok()
        })
    }

    fn connected_here(&self, user: Option<Uuid>, range: &Range<Uuid>) -> Part<ConnectionState> {
        let ground = &self.0.ground;
        let (connections, around) = ground.registry.part(user.map(UserId), range);
        let entries = connections.into_iter().map(|connection| {
            let (login, queued_bytes) = ground.logins.of(connection.id).unwrap_or_default();
            ConnectionState {
                id: connection.session,
                user: connection.user.0,
                node: self.0.node,
                device: connection.device.to_string(),
                address: connection.address,
                since: connection.since,
                login,
                queued_bytes,
            }
        });
        Part {
            entries: entries.collect(),
            around,
        }
    }
}
