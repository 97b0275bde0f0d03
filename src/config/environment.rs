//! Which variables of the environment are settings.
//!
//! Whoever names a service "tidings" has others put variables of the same beginning there: an orchestrator its addresses, a
//! harness its own. A variable that is no setting is left alone, and said unless it is known to be somebody else's.

use super::Config;
use figment::providers::Env;

const PREFIX: &str = "TIDINGS_";
/// Read by the command line or by tests.
const OTHERS: [&str; 5] = ["CONFIG", "DATA", "BIN", "TEST_LOG", "CHROMIUM"];

/// The variables that are settings, by the path of each.
pub(super) fn settings() -> Env {
    let known = known();
    Env::prefixed(PREFIX)
        .split("__")
        .filter(move |key| is_known(&known, &key.as_str().to_lowercase()))
}

/// Names of variables that look like settings and are none.
pub(super) fn strangers() -> Vec<String> {
    let known = known();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut strangers: Vec<String> = names
        .filter(|name| {
            name.strip_prefix(PREFIX).is_some_and(|rest| {
                let path = rest.to_lowercase().replace("__", ".");
                !is_known(&known, &path) && !OTHERS.contains(&rest) && !is_of_a_service(rest)
            })
        })
        .collect();
    strangers.sort_unstable();
    strangers
}

/// What Kubernetes tells every container about a service called "tidings".
fn is_of_a_service(rest: &str) -> bool {
    rest == "PORT" || rest.starts_with("PORT_") || rest == "SERVICE_HOST" || rest.starts_with("SERVICE_PORT")
}

fn is_known(known: &[String], path: &str) -> bool {
    known.iter().any(|setting| {
        path.strip_prefix(setting.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// The paths of all settings that are no tables.
pub(super) fn known() -> Vec<String> {
    let mut paths = vec![];
    if let Ok(all) = serde_json::to_value(Config::default()) {
        collect("", &all, &mut paths);
    }
    paths
}

fn collect(path: &str, value: &serde_json::Value, paths: &mut Vec<String>) {
    match value.as_object() {
        Some(table) if !table.is_empty() => {
            for (name, value) in table {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                collect(&path, value, paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}
