//! The command line.

use crate::config::{Config, Flags};
use crate::telemetry::{self, LogFormat};
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

mod dev;
mod export;
mod parked;
mod rebuild;
mod recover;
mod serve;
mod thumbnail;
mod user;

/// Real-time messaging that people can trust with their conversations.
#[derive(Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, with a private PostgreSQL and Redis of its own: for trying out and for development.
    Dev {
        /// Where PostgreSQL, Redis and their data live.
        #[arg(long, default_value = ".tidings", env = "TIDINGS_DATA")]
        data: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Serve, on a PostgreSQL and Redis that somebody else runs.
    Serve {
        /// Migrate the database first.
        #[arg(long)]
        migrate: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Bring the database's schema up to this version.
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
    /// Rebuild read models from the log.
    Replay {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        settings: Settings,
    },
    /// Take the last rebuild of read models back: what it has replaced is brought up to date and put in place again.
    Rollback {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        settings: Settings,
    },
    /// Begin a new time line after a back-up was restored or commits were lost, and set the read models right.
    Recover {
        /// The data directory of a running or stopped `tidings dev`; used when no database is named.
        #[arg(long, default_value = ".tidings", env = "TIDINGS_DATA")]
        data: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Write the log's conversations as JSON lines, for `loadgen check`.
    Export {
        /// The data directory of a running or stopped `tidings dev`; used when no database is named.
        #[arg(long, default_value = ".tidings", env = "TIDINGS_DATA")]
        data: PathBuf,
        /// The file to write; standard output, without it.
        #[arg(long)]
        output: Option<PathBuf>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Shut users out and let them in again, set their roles, end their sessions.
    User {
        #[command(subcommand)]
        command: user::UserCommand,
        /// The data directory of a running or stopped `tidings dev`; used when no database is named.
        #[arg(long, global = true, default_value = ".tidings", env = "TIDINGS_DATA")]
        data: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// List events that could not be folded into read models or reacted to, try them again, or give one up.
    Parked {
        #[command(subcommand)]
        command: Option<parked::ParkedCommand>,
        /// The data directory of a running or stopped `tidings dev`; used when no database is named.
        #[arg(long, global = true, default_value = ".tidings", env = "TIDINGS_DATA")]
        data: PathBuf,
        #[command(flatten)]
        settings: Settings,
    },
    /// Make a picture on standard input smaller, onto standard output. A node runs it for itself.
    #[command(hide = true)]
    Thumbnail {
        /// Pixels of the longer side.
        #[arg(long, default_value_t = 480)]
        size: u32,
    },
    /// Rebuild read models beside the live ones and compare them, row for row.
    Verify {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        settings: Settings,
    },
}

/// Which read models, and whose.
#[derive(Args)]
struct Which {
    /// One of `history`, `conversations`, `unread`, `inbox`, `search`, `attachments`; may be given several times. All, without it.
    #[arg(long = "projection", value_name = "NAME")]
    projections: Vec<String>,
    /// The data directory of a running or stopped `tidings dev`; used when no database is named.
    #[arg(long, default_value = ".tidings", env = "TIDINGS_DATA")]
    data: PathBuf,
}

#[derive(Args)]
struct Settings {
    /// A TOML file.
    #[arg(long, global = true, env = "TIDINGS_CONFIG")]
    config: Option<PathBuf>,
    /// Address to serve on [default: 127.0.0.1:8080; TIDINGS_LISTEN].
    #[arg(long, global = true)]
    listen: Option<SocketAddr>,
    /// postgres://… [TIDINGS_DATABASE_URL].
    #[arg(long, global = true)]
    database_url: Option<String>,
    /// redis://… [TIDINGS_REDIS_URL].
    #[arg(long, global = true)]
    redis_url: Option<String>,
    /// The schema that everything is in [default: where the database leads; TIDINGS_HOME].
    #[arg(long, global = true)]
    home: Option<String>,
    /// Lanes of a new log, 1 to 256 [default: 4; TIDINGS_LANES].
    #[arg(long, global = true)]
    lanes: Option<u16>,
    /// How log lines look.
    #[arg(long, global = true)]
    log_format: Option<LogFormat>,
}

impl Settings {
    fn load(self) -> anyhow::Result<Config> {
        let flags = Flags {
            listen: self.listen,
            database_url: self.database_url,
            redis_url: self.redis_url,
            home: self.home,
            lanes: self.lanes,
            log_format: self.log_format,
        };
        Ok(Config::load(self.config.as_deref(), &flags)?)
    }
}

/// Runs the program.
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tidings: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(dispatch(cli));
    // Whatever still runs has had its time.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tidings: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Dev { data, settings } => {
            let config = settings.load()?;
            telemetry::start_logging(config.log_format);
            Box::pin(dev::run(config, &data)).await?;
        }
        Command::Serve {
            migrate: migrates,
            settings,
        } => {
            let config = settings.load()?;
            telemetry::start_logging(config.log_format);
            Box::pin(serve::run(config, migrates)).await?;
        }
        Command::Migrate { settings } => {
            let config = settings.load()?;
            telemetry::start_logging(config.log_format);
            let version = serve::migrate(&config).await?;
            println!("the database is at schema version {version}");
        }
        Command::Replay { which, settings } => {
            return rebuild::replay(settings.load()?, &which.projections, &which.data).await;
        }
        Command::Rollback { which, settings } => {
            return rebuild::rollback(settings.load()?, &which.projections, &which.data).await;
        }
        Command::Recover { data, settings } => {
            return Box::pin(recover::recover(settings.load()?, &data)).await;
        }
        Command::Export {
            data,
            output,
            settings,
        } => export::export(settings.load()?, &data, output.as_deref()).await?,
        Command::User {
            command,
            data,
            settings,
        } => return user::run(settings.load()?, &data, command).await,
        Command::Parked {
            command,
            data,
            settings,
        } => return parked::run(settings.load()?, &data, command).await,
        Command::Thumbnail { size } => return thumbnail::run(size),
        Command::Verify { which, settings } => {
            return rebuild::verify(settings.load()?, &which.projections, &which.data).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}
