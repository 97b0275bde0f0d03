//! Every metric of a node: its name, its kind, and what it tells. What is recorded anywhere stands here, which a test holds.
//!
//! Names are as Prometheus wants them: `tidings_` first, the unit last, `_total` for what only grows.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// A metric, as it stands in the table.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    kind: Kind,
    help: &'static str,
    /// A label whose values are known, so that each is shown before anything is counted.
    label: Option<(&'static str, &'static [&'static str])>,
    /// Other labels, whose values come with what is recorded.
    is_labelled: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram(Option<&'static [f64]>),
}

const fn metric(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric {
        name,
        kind,
        help,
        label: None,
        is_labelled: false,
    }
}

/// Something that is counted.
const fn counter(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Counter, help)
}

/// Something that goes up and down.
const fn gauge(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Gauge, help)
}

/// How long something takes, in seconds.
const fn seconds(name: &'static str, help: &'static str) -> Metric {
    metric(name, Kind::Histogram(None), help)
}

impl Metric {
    const fn by(self, label: &'static str, values: &'static [&'static str]) -> Self {
        Self {
            label: Some((label, values)),
            ..self
        }
    }

    const fn buckets(self, bounds: &'static [f64]) -> Self {
        Self {
            kind: Kind::Histogram(Some(bounds)),
            ..self
        }
    }

    const fn labelled(self) -> Self {
        Self {
            is_labelled: true,
            ..self
        }
    }
}

/// Bounds of durations, in seconds: from half a millisecond, where a commit lies, to what no client waits for.
pub(crate) const SECONDS: [f64; 15] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 4.0, 16.0,
];
/// Bounds of how long clients stay, in seconds.
const STAYS: &[f64] = &[1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0];
/// Bounds of what waits for a client, in bytes and in seconds.
const BYTES: &[f64] = &[0.0, 1_024.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0];
const AGES: &[f64] = &[0.0, 0.01, 0.1, 1.0, 5.0, 15.0, 60.0];
const COMMANDS: &[f64] = &[1.0, 4.0, 16.0, 64.0, 256.0, 1_000.0];
/// What reacts to events, by name.
const REACTORS: &[&str] = &[
    "account-deletions",
    "account-deletions-again",
    "inbox-expiry",
    "contact-notices",
    "invitation-notices",
    "join-notices",
];

/// The table.
pub(crate) const METRICS: &[Metric] = &[
    // How long things take.
    seconds(
        "tidings_ack_seconds",
        "From a command that is handed to its lane to its answer.",
    ),
    seconds(
        "tidings_append_seconds",
        "How long a batch takes to be committed.",
    ),
    seconds(
        "tidings_catch_up_seconds",
        "How long the first catch-up of a connection takes.",
    ),
    seconds(
        "tidings_connection_seconds",
        "How long connections lasted that have ended.",
    )
    .buckets(STAYS),
    seconds(
        "tidings_delivery_seconds",
        "From a range that a lane here has committed, or another node published, to the queues of those who are connected.",
    ),
    seconds(
        "tidings_fold_seconds",
        "How long a range of a lane takes to be folded into the read models and committed.",
    ),
    seconds(
        "tidings_redis_publish_seconds",
        "How long Redis takes to add a range to a lane's stream.",
    ),
    // Files.
    counter(
        "tidings_attachment_bytes_total",
        "Bytes of files that were stored, and that were sent.",
    )
    .by("direction", &["in", "out"]),
    counter(
        "tidings_attachments_removed_total",
        "Attachments that were removed because no message shows them.",
    ),
    counter(
        "tidings_attachments_refused_total",
        "Files that were refused because they do harm.",
    ),
    counter(
        "tidings_attachments_clean_up_failures_total",
        "Files that nobody shows any more, or what uploads have left, could not be removed, or uploads of which all has come not be stored.",
    ),
    // Clients.
    gauge(
        "tidings_connections",
        "Connections that have said hello and are served.",
    ),
    counter(
        "tidings_connections_opened_total",
        "Connections that have said hello.",
    ),
    counter(
        "tidings_connections_refused_total",
        "Connections that were refused because the node has as many as it takes.",
    ),
    counter(
        "tidings_connections_closed_total",
        "Connections that the server closed, by close code.",
    )
    .labelled(),
    counter(
        "tidings_connection_panics_total",
        "Connections that ended by a bug.",
    ),
    gauge("tidings_sockets", "Open sockets, whatever is spoken over them."),
    counter(
        "tidings_sockets_refused_total",
        "Sockets that were refused, by the limit that was reached.",
    )
    .by("limit", &["node", "address"]),
    counter("tidings_commands_total", "Commands that were read, by type.").labelled(),
    counter(
        "tidings_refused_objects_total",
        "Objects from clients that are no command, by error code.",
    )
    .labelled(),
    counter(
        "tidings_rate_limited_total",
        "Commands that were refused because their connection sends too fast.",
    ),
    counter(
        "tidings_auth_requests_total",
        "Requests about accounts, by call and outcome.",
    )
    .labelled(),
    // Delivery.
    counter(
        "tidings_frames_written_total",
        "Frames that were written to connections.",
    ),
    metric(
        "tidings_outbox_bytes",
        Kind::Histogram(Some(BYTES)),
        "Bytes of events that wait to be written to a connection, of each one every some seconds.",
    ),
    metric(
        "tidings_outbox_age_seconds",
        Kind::Histogram(Some(AGES)),
        "How long events have waited to be written to a connection, of each one every some seconds; 0 where none do.",
    ),
    gauge(
        "tidings_hub_queue",
        "Ranges and questions that wait for the hub of a lane.",
    )
    .labelled(),
    counter(
        "tidings_outbox_overflows_total",
        "Times that a client's queue was dropped because it read too slowly.",
    ),
    counter(
        "tidings_slow_catch_ups_total",
        "Times that a client caught up from the log because its queue had been dropped.",
    ),
    counter(
        "tidings_small_pages_total",
        "Pages of the log that were cut to about one event because clients do not read theirs.",
    ),
    counter(
        "tidings_gaps_total",
        "Ranges that clients were told to fetch, by reason.",
    )
    .by("reason", &["limit", "unknown"]),
    counter(
        "tidings_hub_filled_events_total",
        "Events that a hub read from the log because they had not come by themselves.",
    ),
    counter("tidings_time_lines_total", "Times that the log went back."),
    counter(
        "tidings_delivery_cursors_dropped_total",
        "Delivery cursors that were given up because the log did not take them.",
    ),
    // Who is there.
    gauge(
        "tidings_presence_watchers",
        "Connections that watch who is there.",
    ),
    gauge(
        "tidings_presence_tracked",
        "People of whom it matters on this node whether they are there, because they or their conversations are watched.",
    ),
    counter(
        "tidings_presence_changes_total",
        "Times that somebody on this node came, went, or was there in another way.",
    ),
    counter(
        "tidings_presence_frames_total",
        "Frames with who is there that were given to connections.",
    ),
    counter(
        "tidings_presence_shed_total",
        "Times that a connection was not given who is there because it reads too slowly; it is given all of it later.",
    ),
    counter(
        "tidings_presence_refills_total",
        "Times that a node said again who is on it: when it began, and when Redis had lost it.",
    ),
    counter(
        "tidings_presence_failures_total",
        "Times that Redis could not be asked who is there, or told.",
    ),
    // The log.
    counter(
        "tidings_events_appended_total",
        "Events that this node has appended.",
    ),
    metric(
        "tidings_lane_batch_commands",
        Kind::Histogram(Some(COMMANDS)),
        "Commands in a batch.",
    ),
    gauge(
        "tidings_lane_queue",
        "Commands and questions that wait in a lane.",
    )
    .labelled(),
    counter(
        "tidings_lane_given_up_total",
        "Commands that were answered `unavailable` after all attempts.",
    ),
    counter(
        "tidings_lane_late_facts_total",
        "Looks for what commands must know of messages that did not end in time.",
    ),
    counter(
        "tidings_lane_moved_on_total",
        "Streams that other nodes changed while commands to them were decided here, which are then decided again by themselves.",
    ),
    gauge(
        "tidings_lane_head",
        "The last position of a lane that this node knows.",
    )
    .labelled(),
    counter(
        "tidings_states_kept_total",
        "States of long streams that were kept beside the log, so that they need not be folded from the beginning.",
    ),
    gauge(
        "tidings_log_writable",
        "1 when the log can be appended to, else 0.",
    ),
    // Rates of all nodes together.
    counter(
        "tidings_rates_refused_total",
        "Times that a user or an address had to wait for what they had done at all nodes together, by what it was.",
    )
    .by(
        "class",
        &[
            "connect", "send", "upload", "graphql", "login", "refresh", "register", "failure",
        ],
    ),
    counter(
        "tidings_rates_told_total",
        "Times that Redis was told what a user or an address had done on this node.",
    ),
    counter(
        "tidings_rates_failures_total",
        "Times that Redis could not be told that, so that this node counted by itself.",
    ),
    // Other nodes.
    gauge("tidings_redis_up", "1 when Redis answers and takes writes, else 0."),
    counter(
        "tidings_publish_skipped_total",
        "Ranges that were not published because the queue was full; other nodes read them from the log.",
    ),
    counter("tidings_publish_failed_total", "Publications that failed."),
    counter(
        "tidings_publish_filled_total",
        "Events that a publisher read from the log to fill a hole in Redis.",
    ),
    // Read models.
    counter(
        "tidings_projected_events_total",
        "Events that were folded into the read models by this node.",
    ),
    counter(
        "tidings_projection_parked_total",
        "Events that could not be folded by any version, by projection.",
    )
    .labelled(),
    counter(
        "tidings_projection_failures_total",
        "Folds that failed and are tried again.",
    ),
    counter(
        "tidings_projection_audited_total",
        "Streams that were folded anew and compared with the read models.",
    ),
    gauge(
        "tidings_projection_drift",
        "Streams of which a read model does not hold what the log says, of those that were audited, by projection.",
    )
    .labelled(),
    gauge(
        "tidings_projection_lag_events",
        "Events that a read model has not folded, by projection and lane.",
    )
    .labelled(),
    gauge(
        "tidings_projection_lag_seconds",
        "For how long there have been events that a read model has not folded, by projection and lane.",
    )
    .labelled(),
    gauge(
        "tidings_projection_position",
        "The last position that a read model has folded, by projection and lane.",
    )
    .labelled(),
    gauge(
        "tidings_parked_events",
        "Events that wait because they could not be folded, by projection.",
    )
    .labelled(),
    gauge(
        "tidings_parked_oldest_seconds",
        "How long the oldest of them has waited, by projection.",
    )
    .labelled(),
    gauge(
        "tidings_projection_held",
        "1 when a read model waits for a newer version of the program, by projection and lane.",
    )
    .labelled(),
    gauge(
        "tidings_projection_building",
        "1 while a read model that is new in this version is built, by projection.",
    )
    .labelled(),
    gauge(
        "tidings_projection_build_done_events",
        "Events that are in a read model while it is built, over all lanes, by projection.",
    )
    .labelled(),
    gauge(
        "tidings_projection_build_total_events",
        "Events that a read model is to hold that is being built, over all lanes, by projection.",
    )
    .labelled(),
    // Announcements.
    counter(
        "tidings_announcements_told_total",
        "Notices by which this node has told people announcements.",
    ),
    // Reactors.
    counter(
        "tidings_reactions_total",
        "Commands by which this node reacted to events, by reactor.",
    )
    .by("reactor", REACTORS),
    counter(
        "tidings_reactor_parked_total",
        "Events that could not be reacted to and were put aside, by reactor.",
    )
    .by("reactor", REACTORS),
    counter(
        "tidings_reactor_failures_total",
        "Attempts to react to events that failed and are made again, by reactor.",
    )
    .by("reactor", REACTORS),
    gauge(
        "tidings_reactor_lag_seconds",
        "How long ago the event was due that a reactor comes to next, by reactor and lane; 0 when it has come to all.",
    )
    .labelled(),
    gauge(
        "tidings_reactor_held",
        "1 when a reactor waits for a newer version of the program, by reactor and lane.",
    )
    .labelled(),
    seconds(
        "tidings_graphql_request_seconds",
        "How long GraphQL requests take, from their body to their answer.",
    ),
    // The process and what it borrows.
    gauge("tidings_pool_sessions", "Sessions with PostgreSQL, by pool.").labelled(),
    gauge(
        "tidings_pool_borrowed",
        "Sessions with PostgreSQL that somebody has, by pool.",
    )
    .labelled(),
    gauge(
        "tidings_pool_waiting",
        "Those who wait for a session with PostgreSQL, by pool.",
    )
    .labelled(),
    gauge("tidings_runtime_tasks", "Tasks that are alive."),
    gauge("tidings_runtime_workers", "Threads that run tasks."),
    gauge("tidings_runtime_queue", "Tasks that wait for a thread."),
    gauge(
        "tidings_runtime_busy_ratio",
        "Which part of their time the threads have run tasks since this was last shown, 0 to 1.",
    ),
    gauge("tidings_build_info", "1, with the version of the program.").labelled(),
];

/// Tells the recorder of every metric, and shows those whose labels are known, at zero: an increase from nothing to one is
/// none that Prometheus sees.
pub(crate) fn describe() {
    for metric in METRICS {
        let Metric { name, help, .. } = *metric;
        match metric.kind {
            Kind::Counter => describe_counter!(name, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram(_) if name.ends_with("_seconds") => {
                describe_histogram!(name, Unit::Seconds, help);
            }
            Kind::Histogram(_) => describe_histogram!(name, help),
        }
        if metric.is_labelled {
            continue;
        }
        match (metric.kind, metric.label) {
            (Kind::Counter, None) => metrics::counter!(name).increment(0),
            (Kind::Counter, Some((label, values))) => {
                for value in values {
                    metrics::counter!(name, label => *value).increment(0);
                }
            }
            // Nothing is recorded by that.
            (Kind::Histogram(_), None) => drop(metrics::histogram!(name)),
            (Kind::Histogram(_), Some(_)) | (Kind::Gauge, _) => {}
        }
    }
}

/// Those histograms that have bounds of their own.
pub(crate) fn bounds() -> impl Iterator<Item = (&'static str, &'static [f64])> {
    METRICS.iter().filter_map(|metric| match metric.kind {
        Kind::Histogram(Some(bounds)) => Some((metric.name, bounds)),
        Kind::Histogram(None) | Kind::Counter | Kind::Gauge => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn names_are_as_prometheus_wants_them() {
        for metric in METRICS {
            let is_total = metric.name.ends_with("_total");
            assert_eq!(is_total, matches!(metric.kind, Kind::Counter), "{}", metric.name);
            assert!(metric.name.starts_with("tidings_"), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.help);
        }
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
    }

    /// What is recorded without standing in the table would be shown without a help text, and not from the start.
    #[test]
    fn what_is_recorded_stands_in_the_table_and_the_other_way_round() {
        let mut recorded = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut recorded);
        let known: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
        assert_eq!(recorded, known);
    }

    #[test]
    fn the_table_in_the_documents_is_this_one() {
        let text = include_str!("../../docs/operations.md");
        let (_, table) = text.split_once("### All metrics").unwrap();
        let table = table.split("\n## ").next().unwrap();
        let told: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
        let row = |metric: &Metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            format!("| `{}` | {kind} | {} |", metric.name, metric.help)
        };
        let known: Vec<String> = METRICS.iter().map(row).collect();
        assert_eq!(told, known);
    }

    /// The names in the sources, but those of this file.
    fn collect(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("telemetry/table.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let parts: Vec<&str> = text.split("\"tidings_").collect();
                for pair in parts.windows(2) {
                    // In a macro of the facade, not in a test or a text.
                    if pair[0].trim_end().ends_with("!(") {
                        let name = pair[1].split('"').next().unwrap();
                        found.insert(format!("tidings_{name}"));
                    }
                }
            }
        }
    }
}
