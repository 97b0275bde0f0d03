//! Faults in words, for schedules.

use std::fmt;

use super::{End, Fault, Weather};

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
            Self::Clients => "its clients",
        })
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => out.write_str("cut"),
            Self::Stalled => out.write_str("stalled"),
            Self::Silent => out.write_str("silently cut"),
            Self::Delayed { ms } => write!(out, "{ms} ms late"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillNode { node } => write!(out, "node {node} killed"),
            Self::DrainNode { node } => write!(out, "node {node} drained"),
            Self::OlderNode { node, kind } => {
                write!(
                    out,
                    "all nodes stopped, and node {node} back first without knowing {kind}"
                )
            }
            Self::PauseNode { node } => write!(out, "node {node} paused"),
            Self::StepClock { node, seconds } => write!(out, "clock of node {node} stepped by {seconds:+} s"),
            Self::StopPostgres => out.write_str("PostgreSQL stopped at once"),
            Self::KillPostgres => out.write_str("PostgreSQL killed"),
            Self::PausePostgres => out.write_str("PostgreSQL paused"),
            Self::TerminateBackends => out.write_str("sessions of PostgreSQL terminated"),
            Self::CrashBeforeFlush => {
                out.write_str("PostgreSQL killed before folds were flushed, and all clients dropped")
            }
            Self::ReadOnlyPostgres => out.write_str("PostgreSQL read-only"),
            Self::LockTable { table } => write!(out, "table {table} locked"),
            Self::Restore { stopped } => {
                let nodes = if *stopped { "stopped" } else { "running" };
                write!(out, "an older back-up in the place of the log, nodes {nodes}")
            }
            Self::AddLanes { lanes } => write!(out, "{lanes} lanes in all"),
            Self::FlushRedis => out.write_str("Redis flushed"),
            Self::KillRedis => out.write_str("Redis killed"),
            Self::PauseRedis => out.write_str("Redis paused"),
            Self::Link { node, end, weather } => write!(out, "path between node {node} and {end} {weather}"),
            Self::ReconnectStorm => out.write_str("all clients dropped"),
            Self::StallReader { bare } => write!(out, "bare device {bare} reads nothing and is flooded"),
            Self::SlowReader { device, pause_ms } => {
                write!(out, "device {device} takes {pause_ms} ms over each event")
            }
            Self::Replace { bare } => write!(out, "bare device {bare} lost, and a new one"),
            Self::CutCatchUp { bare, bytes } => write!(
                out,
                "bare device {bare} lost, the network of a new one dies after {bytes} bytes, and another new one"
            ),
            Self::Away { device } => write!(out, "device {device} away, and back with what it knew"),
            Self::Remove { bare, keeps, again } => {
                write!(out, "who has bare device {bare} removed while it is away")?;
                if *again {
                    out.write_str(", and let in again")?;
                }
                if *keeps {
                    Ok(())
                } else {
                    out.write_str("; it comes back knowing nothing")
                }
            }
            Self::Hostile { node, how } => write!(out, "{how} at node {node}"),
            Self::RetryStorm { commands } => {
                write!(
                    out,
                    "a group and {commands} commands, repeated at all nodes, and again at the end"
                )
            }
            Self::OpenTogether => out.write_str("two people open their conversation at once"),
        }
    }
}
