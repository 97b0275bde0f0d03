//! Holds the plans of folding statements to index probes, on tables as empty as when a plan is first made.

use crate::engine::session::Session;
use crate::engine::target::Target;
use crate::models;
use crate::select::with_schemas;
use std::fs;
use std::path::{Path, PathBuf};
use tidings_eventlog::{LogConfig, schema};
use tidings_services::testing::shared;

/// Statements that make tables are no look-ups, those of administration look at whole tables, and a part is of others.
const OTHERS: [&str; 22] = [
    "ddl.sql",
    "indexes.sql",
    "admin",
    "blocked_alone.sql",
    "blocked_messages.sql",
    "blocks_nobody.sql",
    "come_to_heads.sql",
    "cursor.sql",
    "floors.sql",
    "history/withheld.sql",
    "main_calls.sql",
    "main_mentions.sql",
    "message_columns.sql",
    "messages_behind.sql",
    "past_columns.sql",
    "past_version.sql",
    "read_places.sql",
    "recipients_of.sql",
    "replies_seen.sql",
    "stays.sql",
    "thread_calls.sql",
    "thread_mentions.sql",
];

/// Every statement that stands beside its room, with its path.
fn statements() -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (vec![], vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if OTHERS.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "sql") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_look_up_is_an_index_probe() {
    let database = shared().empty_database().await.unwrap();
    let config = LogConfig::from_url(database.url())
        .unwrap()
        .with_timeout(std::time::Duration::from_mins(1));
    schema::migrate(&config, 4).await.unwrap();
    let pool = config.pool().unwrap();
    crate::setup(&pool).await.unwrap();
    let session = Session::fold(&pool).await.unwrap();
    let statements = statements();
    assert!(statements.len() > 10, "{statements:?}");
    for (path, sql) in statements {
        let path = path.display();
        // Each statement belongs to one projection or to none; names of tables tell which.
        let owner = models::all().into_iter().find(|projection| {
            projection
                .tables()
                .iter()
                .any(|table| sql.contains(&format!("{{schema}}.{} ", table.name)))
        });
        let schema = owner.map_or(String::new(), |projection| {
            Target::live(pool.home(), projection).quoted
        });
        let sql = with_schemas(pool.home(), &sql)
            .replace("{schema}", &schema)
            .replace("{direction}", "ASC");
        let count = (1..100).take_while(|n| sql.contains(&format!("${n}"))).count();
        let nulls = vec!["NULL"; count].join(", ");
        session
            .client
            .batch_execute(&format!("PREPARE probed AS {sql}"))
            .await
            .unwrap();
        let rows = session
            .client
            .query(&format!("EXPLAIN EXECUTE probed({nulls})"), &[])
            .await
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        for scan in ["Seq Scan", "Hash Join", "Merge Join", "Bitmap"] {
            assert!(!plan.contains(scan), "{path}\n{plan}");
        }
        // What is not there is probed for by key: a join without one looks at all that there is for each row.
        let mut joins = plan.lines().zip(plan.lines().skip(1));
        assert!(
            !joins.any(|(join, how)| join.contains("Anti Join") && how.contains("Join Filter")),
            "{path}\n{plan}"
        );
        let scans = plan
            .lines()
            .filter(|line| line.contains("Index Scan") || line.contains("Index Only Scan"))
            .count();
        assert_eq!(
            scans,
            plan.matches("Index Cond").count(),
            "a whole index is read by {path}:\n{plan}"
        );
        session.client.batch_execute("DEALLOCATE probed").await.unwrap();
    }
}
