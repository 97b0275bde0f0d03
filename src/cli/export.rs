//! `tidings export`: the conversations of the log as JSON lines, for a checker that knows nothing of this program.
//! The format stands in docs/journals.md.

use super::rebuild::{database, stop};
use crate::config::Config;
use crate::lanes::SUBJECTS;
use anyhow::{Context as _, bail};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{Content, ConversationEvent, Event, Membership, UserId};
use tidings_eventlog::{Log, LogConfig, Recorded, schema};
use uuid::Uuid;

/// Events read at once.
const PAGE: usize = 1000;

/// One event of a conversation.
#[derive(Serialize)]
struct Line {
    conversation: Uuid,
    seq: u64,
    kind: &'static str,
    actor: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// The message that it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<Uuid>,
    digest: u64,
    /// What it said was recalled or is withheld, and is left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    stored: Stored,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<UserId>,
}

/// Where and when an event was stored, as acks tell it.
#[derive(Serialize)]
struct Stored {
    lane: u8,
    pos: u64,
    /// Milliseconds since 1970.
    time: i64,
}

/// Writes the log to a file, or to standard output. A file takes its name when it is whole.
pub(super) async fn export(config: Config, data: &Path, output: Option<&Path>) -> anyhow::Result<()> {
    let (log_config, postgres) = database(&config, data).await?;
    let exported = match output {
        Some(path) => to_file(&log_config, path).await,
        None => write(&log_config, io::stdout()).await.map(|_| ()),
    };
    stop(postgres).await?;
    exported
}

async fn to_file(log_config: &LogConfig, path: &Path) -> anyhow::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let file = File::create(part).with_context(|| format!("{} cannot be written", part.display()))?;
    let events = write(log_config, file).await?;
    std::fs::rename(part, path).with_context(|| format!("{} cannot be written", path.display()))?;
    println!("exported {events} events");
    Ok(())
}

/// Writes lane after lane, each in the order of its positions up to where it reaches now; answers how many events.
async fn write(log_config: &LogConfig, to: impl Write) -> anyhow::Result<u64> {
    let pool = log_config.pool()?;
    schema::check(&pool).await?;
    let log = Log::new(pool, log_config.timeout).knowing(SUBJECTS);
    let mut to = BufWriter::with_capacity(1 << 20, to);
    let mut events = 0;
    for lane in log.heads().await? {
        let mut after = 0;
        loop {
            let page = log.lane(lane.lane, after, lane.head, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.pos;
            for recorded in &page {
                events += u64::from(write_event(&mut to, recorded)?);
            }
        }
        if after < lane.head {
            bail!("lane {} holds nothing behind position {after}", lane.lane);
        }
    }
    to.flush()?;
    Ok(events)
}

/// Writes an event of a conversation; false for those of users, which are left out.
fn write_event(to: &mut impl Write, recorded: &Recorded) -> anyhow::Result<bool> {
    let event = stored::decode(recorded.kind, recorded.ver, &recorded.payload)
        .with_context(|| format!("lane {}, position {}", recorded.lane, recorded.pos))?;
    let Event::Conversation(event) = event else {
        return Ok(false);
    };
    let message = Kind(recorded.kind).is_message();
    let (kind, users) = match event.membership() {
        Membership::Joined(joined) => ("joined", joined.iter().map(|(user, _)| user).collect()),
        Membership::Left(user) => ("left", vec![user]),
        Membership::Unchanged => (changed(&event), vec![]),
    };
    let line = Line {
        conversation: recorded.stream,
        seq: recorded.seq,
        kind,
        actor: recorded.actor,
        id: message.then_some(recorded.command),
        of: about(&event),
        digest: text(&event)
            .filter(|_| recorded.standing.is_whole())
            .map_or(0, digest),
        withheld: !recorded.standing.is_whole(),
        stored: Stored {
            lane: recorded.lane,
            pos: recorded.pos,
            time: recorded.at.timestamp_millis(),
        },
        users,
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")?;
    Ok(true)
}

/// What an event that changes nobody's membership is to a checker.
fn changed(event: &ConversationEvent) -> &'static str {
    match event {
        ConversationEvent::MessageSent(sent) if !sent.line().is_main() => "reply",
        ConversationEvent::MessageSent(_) => "message",
        ConversationEvent::MessageEdited(_) => "edited",
        ConversationEvent::MessageRecalled(_) => "recalled",
        ConversationEvent::MessageWithheld(changed) if changed.withheld => "withheld",
        ConversationEvent::MessageWithheld(_) => "shown",
        _ => "other",
    }
}

/// The message that an event changes.
fn about(event: &ConversationEvent) -> Option<Uuid> {
    match event {
        ConversationEvent::MessageEdited(edited) => Some(edited.message),
        ConversationEvent::MessageRecalled(recalled) => Some(recalled.message),
        ConversationEvent::ReactionChanged(changed) => Some(changed.message),
        ConversationEvent::PinChanged(changed) => Some(changed.message),
        ConversationEvent::MessageWithheld(changed) => Some(changed.message),
        _ => None,
    }
}

/// What a message says, or a version of it. It is written down as a digest alone.
fn text(event: &ConversationEvent) -> Option<&str> {
    let content = match event {
        ConversationEvent::MessageSent(sent) => &sent.content,
        ConversationEvent::MessageEdited(edited) => &edited.content,
        _ => return None,
    };
    Some(match content {
        Content::Text { text } => text.as_str(),
        Content::Image { caption, .. } | Content::File { caption, .. } => {
            caption.as_ref().map_or("", |caption| caption.as_str())
        }
    })
}

/// FNV-1a, 64 bit: whoever compares needs no library for it.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
