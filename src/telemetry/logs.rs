//! Log lines, on standard error.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Notices of the database and the steps of migrations are for those who ask for them.
const DEFAULT_FILTER: &str = "info,tokio_postgres=warn,refinery_core=warn";

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

/// Starts logging to standard error. `RUST_LOG` chooses what is logged; the default is `info` of our own. Later calls change nothing.
pub fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // Somebody else may have set a subscriber before, as tests do.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
