//! What `/metrics` shows, against the table in docs/operations.md.

use crate::support::*;
use std::collections::BTreeMap;

/// The rows of the table: kind and meaning by name.
fn table() -> BTreeMap<String, (String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("### All metrics").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `tidings_"));
    let row = |row: &str| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let name = format!("tidings_{}", cells[0].trim_end_matches('`'));
        let help = cells[2].trim_end_matches(" |").replace('`', "");
        (name, (cells[1].to_owned(), help))
    };
    rows.map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_shows_what_the_table_says_and_nothing_else() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let position = text(&a.say(conversation, "hi").await["position"]);
    node.graphql(&ben, "{ me { id } }", Some(&position)).await;
    let scrape = async || {
        let answer = node.http.get(node.url("/metrics")).send().await.unwrap();
        answer.text().await.unwrap()
    };
    // What a connection was handed is recorded a moment later.
    let recorded = |shown: &str, name: &str| {
        let count = shown
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}_count ")));
        count.is_some_and(|count| count.parse::<f64>().unwrap() > 0.0)
    };
    let shown = eventually(async || {
        let shown = scrape().await;
        let names = [
            "tidings_ack_seconds",
            "tidings_append_seconds",
            "tidings_catch_up_seconds",
            "tidings_delivery_seconds",
            "tidings_fold_seconds",
            "tidings_graphql_request_seconds",
            "tidings_outbox_age_seconds",
            "tidings_outbox_bytes",
            "tidings_redis_publish_seconds",
        ];
        names.iter().all(|name| recorded(&shown, name)).then_some(shown)
    })
    .await;

    let table = table();
    let part = |kind: &'static str| {
        let lines = shown.lines().filter_map(move |line| line.strip_prefix(kind));
        lines.filter_map(|line| line.split_once(' '))
    };
    let mut helps = BTreeMap::new();
    for (name, help) in part("# HELP ").filter(|(name, _)| name.starts_with("tidings_")) {
        helps.insert(name, help.replace('`', ""));
    }
    for (name, kind) in part("# TYPE ").filter(|(name, _)| name.starts_with("tidings_")) {
        let (told_kind, told_help) = table
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not in the table"));
        assert_eq!(told_kind, kind, "{name}");
        assert_eq!(helps.get(name), Some(told_help), "{name}");
    }
    // Another test of this process may have put something aside just now.
    let names = [
        "tidings_hub_queue{lane=\"0\"}",
        "tidings_lane_queue{lane=\"0\"}",
        "tidings_parked_events{projection=\"history\"} 0",
        "tidings_projection_lag_seconds{projection=\"inbox\",lane=\"0\"}",
        "tidings_projection_position{projection=\"unread\",lane=\"0\"}",
        "tidings_runtime_tasks ",
    ];
    eventually(async || {
        let shown = scrape().await;
        let missing = names
            .iter()
            .find(|name| !shown.lines().any(|line| line.starts_with(**name)));
        missing.is_none().then_some(())
    })
    .await;
    node.stop().await;
}
