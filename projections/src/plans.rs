//! Holds the plans of folding statements to index probes, on tables as empty as when a plan is first made.

use crate::projection;
use crate::session::Session;
use crate::target::Target;
use tidings_eventlog::{LogConfig, schema};
use tidings_services::testing::shared;

const STATEMENTS: &[&str] = &[
    include_str!("conversations/register.sql"),
    include_str!("conversations/create.sql"),
    include_str!("conversations/move.sql"),
    include_str!("conversations/join.sql"),
    include_str!("conversations/change.sql"),
    include_str!("history/send.sql"),
    include_str!("unread/read.sql"),
    include_str!("unread/mention.sql"),
    include_str!("inbox/move.sql"),
    include_str!("store/state.sql"),
    include_str!("store/advance.sql"),
    include_str!("store/parked_streams.sql"),
    include_str!("queries/memberships.sql"),
    include_str!("queries/pending.sql"),
    include_str!("queries/cutoff.sql"),
    include_str!("queries/known_users.sql"),
];

#[tokio::test]
async fn every_look_up_is_an_index_probe() {
    let database = shared().empty_database().await.unwrap();
    let config = LogConfig::from_url(database.url()).unwrap();
    schema::migrate(&config, 4).await.unwrap();
    let pool = config.pool().unwrap();
    crate::setup(&pool).await.unwrap();
    let session = Session::fold(&pool).await.unwrap();
    for sql in STATEMENTS {
        // Each statement belongs to one projection or to none; names of tables tell which.
        let owner = projection::all().into_iter().find(|projection| {
            projection
                .tables()
                .iter()
                .any(|table| sql.contains(&format!("{{schema}}.{} ", table.name)))
        });
        let schema = owner.map_or(String::new(), |projection| Target::live(projection).schema);
        let sql = sql.replace("{schema}", &schema);
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
            assert!(!plan.contains(scan), "{sql}\n{plan}");
        }
        let scans = plan
            .lines()
            .filter(|line| line.contains("Index Scan") || line.contains("Index Only Scan"))
            .count();
        assert_eq!(
            scans,
            plan.matches("Index Cond").count(),
            "a whole index is read:\n{sql}\n{plan}"
        );
        session.client.batch_execute("DEALLOCATE probed").await.unwrap();
    }
}
