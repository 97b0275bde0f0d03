//! Log lines, on standard error.

use std::io::IsTerminal as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Notices of the database and the steps of migrations are for those who ask for them.
const DEFAULT_FILTER: &str = "info,tokio_postgres=warn,refinery_core=warn";

/// Libraries that log what passes through them, and down to which level they log nothing of it: parameters of statements, which are what
/// people say and hashes of passwords; frames of sockets; bytes of requests; tickets and certificates.
const PRYING: [(&str, LevelFilter); 4] = [
    ("reqwest", LevelFilter::DEBUG),
    ("rustls", LevelFilter::DEBUG),
    ("tokio_postgres", LevelFilter::INFO),
    ("tungstenite", LevelFilter::INFO),
];

/// How log lines look.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging to standard error. `RUST_LOG` chooses what is logged; the default is `info` of our own. Libraries that would log what people
/// say do so only where it names them. Later calls change nothing.
pub fn start_logging(format: LogFormat) {
    let asked = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let reserved = reserved(&asked);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // Somebody else may have set a subscriber before, as tests do.
    let _ = match format {
        LogFormat::Text => builder.finish().with(reserved).try_init(),
        LogFormat::Json => builder.json().finish().with(reserved).try_init(),
    };
}

/// Everything but what prying libraries say of contents. `asked` is what shall be logged: those that it names are let.
fn reserved(asked: &str) -> Targets {
    let is_named = |library: &str| {
        asked.split(',').any(|directive| {
            let target = directive.split(['=', '[']).next().unwrap_or_default().trim();
            let rest = target.strip_prefix(library);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    };
    let prying = PRYING.into_iter().filter(|(library, _)| !is_named(library));
    Targets::new()
        .with_default(LevelFilter::TRACE)
        .with_targets(prying)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn whoever_asks_for_everything_is_not_told_what_people_say() {
        for asked in [
            "",
            "debug",
            "trace",
            "debug,tidings=trace",
            "[connection]=trace",
            "my_tokio_postgres=trace",
        ] {
            let reserved = reserved(asked);
            assert!(reserved.would_enable("tidings::lanes", &Level::TRACE), "{asked}");
            assert!(
                reserved.would_enable("tokio_postgres::connection", &Level::INFO),
                "{asked}"
            );
            assert!(
                !reserved.would_enable("tokio_postgres::query", &Level::DEBUG),
                "{asked}"
            );
            assert!(
                !reserved.would_enable("tungstenite::protocol", &Level::TRACE),
                "{asked}"
            );
        }
    }

    #[test]
    fn whoever_names_a_library_hears_all_of_it() {
        for asked in [
            "tokio_postgres=debug",
            "info, tokio_postgres::query=debug",
            "tokio_postgres",
            "tokio_postgres[span]=debug",
        ] {
            let reserved = reserved(asked);
            assert!(
                reserved.would_enable("tokio_postgres::query", &Level::DEBUG),
                "{asked}"
            );
            assert!(
                !reserved.would_enable("tungstenite::protocol", &Level::TRACE),
                "{asked}"
            );
        }
    }
}
