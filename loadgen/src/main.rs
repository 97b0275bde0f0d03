//! Load generator and correctness checker for Tidings.

mod api;
mod checker;
mod corpus;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Talks to running Tidings nodes like many people do, and checks that nothing went amiss.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Subcommand)]
enum Workload {
    /// Feeds a chat log through real sockets and checks history, deliveries, unread counts and inboxes.
    Corpus(corpus::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    // The HTTP client takes the process's provider. That one is there already would be as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = match Cli::parse().workload {
        Workload::Corpus(args) => corpus::run(args).await,
    };
    match outcome {
        Ok(()) => {
            println!("PASS");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            println!("FAIL");
            ExitCode::FAILURE
        }
    }
}
