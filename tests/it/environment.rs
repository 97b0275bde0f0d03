//! The program beside what others put into its environment.

use crate::support::*;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_are_no_settings_stop_nobody() {
    let store = Store::new().await;
    let migrating = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .arg("migrate")
        .env("TIDINGS_DATABASE_URL", store.database.url())
        .env("TIDINGS_GATEWAY__HEARTBEAT_MS", "9000")
        // Of a Kubernetes service called "tidings", of the command line, and of somebody who misspelt.
        .env("TIDINGS_PORT", "tcp://10.0.0.1:80")
        .env("TIDINGS_SERVICE_HOST", "10.0.0.1")
        .env("TIDINGS_PORT_80_TCP_ADDR", "10.0.0.1")
        .env("TIDINGS_DATA", ".tidings")
        .env("TIDINGS_LAINS", "s3cret")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&migrating.stderr);
    assert!(migrating.status.success(), "{said}");
    assert!(
        said.contains("TIDINGS_LAINS") && !said.contains("s3cret"),
        "{said}"
    );
    assert!(
        !said.contains("TIDINGS_PORT") && !said.contains("TIDINGS_DATA"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_is_a_setting_is_read_wherever_it_nests() {
    let store = Store::new().await;
    let serving = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .arg("migrate")
        .env("TIDINGS_DATABASE_URL", store.database.url())
        .env("TIDINGS_GATEWAY__HEARTBEAT_MS", "0")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&serving.stderr);
    assert!(
        !serving.status.success() && said.contains("heartbeat_ms"),
        "{said}"
    );
}
