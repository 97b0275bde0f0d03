//! The data directory of a PostgreSQL: how it is made, tuned, and seen to be ready.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use super::{Profile, USER};
use crate::error::ServiceError;
use crate::files::Home;
use crate::instance::Recipe;
use crate::orphan;
use crate::process::output_within;
use crate::programs::PostgresPrograms;
use crate::secret::Secret;

const INITDB_LIMIT: Duration = Duration::from_mins(2);

/// Server settings by name.
pub(super) fn settings(profile: Profile) -> &'static [(&'static str, &'static str)] {
    match profile {
        Profile::Durable => &[
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            ("shared_buffers", "256MB"),
            ("wal_buffers", "16MB"),
            ("max_wal_size", "2GB"),
            ("min_wal_size", "256MB"),
            ("checkpoint_timeout", "15min"),
            ("jit", "off"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_checkpoints", "off"),
        ],
        Profile::Test => &[
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            // As many tests run at once as there are cores, and each may start two nodes with some 20 sessions each.
            ("max_connections", "1000"),
            ("shared_buffers", "64MB"),
            ("fsync", "off"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "off"),
            ("wal_level", "minimal"),
            ("max_wal_senders", "0"),
            ("max_wal_size", "512MB"),
            ("min_wal_size", "64MB"),
            ("jit", "off"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_checkpoints", "off"),
        ],
    }
}

/// Makes a data directory. It gets its name last, so that an interrupted run leaves nothing that looks complete.
pub(super) fn initialise(
    home: &Home,
    programs: &PostgresPrograms,
    profile: Profile,
    secret: &Secret,
) -> Result<(), ServiceError> {
    let password = home.data().with_file_name("password.new");
    home.write_private(&password, secret.text())?;
    let initialised = make(home, programs, profile, &password);
    // It must not stay where the server's user can read it.
    let removed = fs::remove_file(&password).map_err(ServiceError::io("remove", &password));
    initialised.and(removed)
}

/// How the server asks for the password. Tests open sessions by the thousand and have nothing worth hiding on loopback: thousands of
/// rounds of a hash for each session, in the server or in an unoptimised client, are a tenth of all that a test costs.
fn method(profile: Profile) -> &'static str {
    match profile {
        Profile::Durable => "scram-sha-256",
        // initdb has the password kept as this method wants it.
        Profile::Test => "md5",
    }
}

/// Gives a stopped server that asked for no password one.
pub(super) fn protect(
    home: &Home,
    programs: &PostgresPrograms,
    profile: Profile,
    secret: &Secret,
) -> Result<(), ServiceError> {
    let statement = home.data().with_file_name("password.new");
    home.write_private(
        &statement,
        &format!("ALTER ROLE {USER} PASSWORD '{}'\n", secret.text()),
    )?;
    let input = fs::File::open(&statement).map_err(ServiceError::io("open", &statement))?;
    fs::remove_file(&statement).map_err(ServiceError::io("remove", &statement))?;
    let program = programs.bin.join("postgres");
    let mut command = Command::new(&program);
    command.arg("--single").arg("-D").arg(home.data()).arg("postgres");
    command
        .current_dir("/")
        .env("LC_ALL", "C")
        .stdin(input)
        .stderr(home.open_log()?);
    if let Some(account) = home.account {
        account.apply(&mut command);
    }
    let output = output_within(command, INITDB_LIMIT).map_err(ServiceError::io("run", &program))?;
    if !output.status.success() {
        return Err(ServiceError::exited(
            "postgres --single",
            &output.status,
            &home.log_path(),
        ));
    }
    let method = method(profile);
    home.write_private(
        &home.data().join("pg_hba.conf"),
        &format!("host all all 127.0.0.1/32 {method}\nhost replication all 127.0.0.1/32 {method}\n"),
    )
}

fn make(
    home: &Home,
    programs: &PostgresPrograms,
    profile: Profile,
    password: &Path,
) -> Result<(), ServiceError> {
    let made = home.data().with_file_name("data.new");
    let program = programs.bin.join("initdb");
    for locale in ["C.UTF-8", "C"] {
        if made.exists() {
            fs::remove_dir_all(&made).map_err(ServiceError::io("remove", &made))?;
        }
        home.create_private(&made)?;
        let mut command = Command::new(&program);
        command
            .arg("-D")
            .arg(&made)
            .args(["-U", USER, "--encoding=UTF8", "--no-sync"])
            .arg(format!("--auth={}", method(profile)))
            .arg("--pwfile")
            .arg(password);
        command
            .arg(format!("--locale={locale}"))
            .arg("--no-instructions")
            .current_dir("/");
        command
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stderr(home.open_log()?);
        if let Some(account) = home.account {
            account.apply(&mut command);
        }
        let output = output_within(command, INITDB_LIMIT).map_err(ServiceError::io("run", &program))?;
        if output.status.success() {
            // An empty directory is what an earlier run may have left here.
            return fs::rename(&made, home.data()).map_err(ServiceError::io("rename", &made));
        }
        // Not every system has the first locale.
        if locale == "C" {
            return Err(ServiceError::exited("initdb", &output.status, &home.log_path()));
        }
    }
    Ok(())
}

/// PostgreSQL writes its state into the last line of its pid file.
pub(super) fn is_ready(recipe: &Recipe, port: u16, server: Pid) -> bool {
    let Ok(text) = fs::read_to_string(&recipe.pid_file) else {
        return false;
    };
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    orphan::recorded(&recipe.pid_file) == Some(server)
        && lines.get(3).is_some_and(|line| *line == port.to_string())
        && lines.get(7) == Some(&"ready")
}
