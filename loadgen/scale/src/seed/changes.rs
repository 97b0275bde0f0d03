//! A group that has changed again and again, written straight into the log of a stopped node.

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use tidings_domain::{CommandId, ConversationCommand, ConversationId, DigestKey, GroupName, Role, UserId};
use tidings_eventlog::{Log, LogConfig};
use uuid::{Builder, Uuid};

use super::author::{Author, Room, Times};
use super::copy::Table;
use super::{EVENT, make_segments};
use tidings_bench::database::Database;

/// What a group is to be.
#[derive(Clone, Copy, Debug)]
pub struct Turnover {
    /// Registered; owns it.
    pub owner: Uuid,
    pub members: usize,
    /// Events since it began, none of which is a message.
    pub changes: u64,
}

/// Writes the group behind what is in the log. Its members are ids that nobody has, but for the owner. Read models are left as they
/// are.
///
/// # Errors
/// When the database does not take it; the log is then of no use.
pub async fn seed_changes(database_url: &str, wanted: Turnover) -> Result<Uuid> {
    ensure!(wanted.members > 1, "a group that changes has members");
    let database = Database::open(database_url).await?;
    let config = LogConfig::from_url(database_url)?;
    let log = Log::new(config.pool()?, config.timeout);
    let heads = log.heads().await?;
    let there: u64 = heads.iter().map(|lane| lane.head).sum();
    make_segments(&database, there + wanted.changes + 2).await?;
    let mut tables = vec![];
    for _ in &heads {
        tables.push(Table::open(database_url, EVENT).await?);
    }
    let last = database
        .query_one("SELECT max(last_at) FROM log_lane", &[])
        .await?;
    let last: DateTime<Utc> = last.try_get(0)?;
    let step = TimeDelta::microseconds(1);
    let times = Times {
        from: last + step,
        step,
    };
    let key = DigestKey::new(&log.secret().await?);
    let author = Author::new(&heads, tables, key, times);
    let identity = log.identity().await?;
    let writing = tokio::task::spawn_blocking(move || write(author, identity, wanted));
    let (author, room) = writing.await??;
    let ends = author.close().await?;
    let group = room.stream;
    let lane = group.id.as_bytes()[15];
    let mut table = Table::open(
        database_url,
        "stream (lane, stream, head_seq, msg_no, guard_seq, last_at)",
    )
    .await?;
    let table = tokio::task::spawn_blocking(move || {
        table.row(&group.row())?;
        anyhow::Ok(table)
    });
    let table = table.await??;
    table.close().await?;
    let (head, last_at) = ends.get(usize::from(lane)).context("the group's lane")?;
    database
        .execute(
            "UPDATE log_lane SET head = $2, last_at = $3 WHERE lane = $1",
            &[&i16::from(lane), &i64::try_from(*head)?, last_at],
        )
        .await?;
    Ok(group.id)
}

fn write(mut author: Author, log: Uuid, wanted: Turnover) -> Result<(Author, Room)> {
    let owner = UserId(wanted.owner);
    let mint = |author: &mut Author| {
        UserId::mint(
            Builder::from_random_bytes(author.rng.random()).into_uuid(),
            owner.lane(),
        )
    };
    let members: Vec<UserId> = (1..wanted.members).map(|_| mint(&mut author)).collect();
    let command = author.command_id();
    let mut room = Room::new(ConversationId::group(log, owner, CommandId(command)));
    let create = ConversationCommand::CreateGroup {
        name: GroupName::parse("a group that changes")?,
        members: members.clone(),
    };
    author.command(&mut room, owner.0, command, create)?;
    let mut passing = mint(&mut author);
    for change in 0..wanted.changes {
        let turn = usize::try_from(change / 4)?;
        let body = match change % 4 {
            0 => ConversationCommand::Rename {
                name: GroupName::parse(&format!("name {change}"))?,
            },
            // Up, and the next time round down again.
            1 => ConversationCommand::ChangeRole {
                user: members[turn % members.len()],
                role: if (turn / members.len()).is_multiple_of(2) {
                    Role::Admin
                } else {
                    Role::Member
                },
            },
            2 => {
                passing = mint(&mut author);
                ConversationCommand::AddMember { user: passing }
            }
            _ => ConversationCommand::RemoveMember { user: passing },
        };
        let command = author.command_id();
        author.command(&mut room, owner.0, command, body)?;
    }
    Ok((author, room))
}
