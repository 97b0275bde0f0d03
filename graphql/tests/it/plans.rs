//! How many rows the lists touch: each look-up is a probe of its own, however many conversations the viewer has.

use crate::support::World;
use tidings_projections::{Order, Range, conversations, inbox, unread};
use uuid::Uuid;

/// Conversations of the viewer, and of everybody else.
const MINE: u64 = 400;

#[tokio::test]
async fn lists_touch_a_few_rows_for_each_conversation_and_not_all_for_each() {
    let world = World::new().await;
    let me = crate::support::user(1);
    world
        .run(&format!(
            "INSERT INTO p_conversations_3.conversation SELECT gen_random_uuid(), 'group', 'g', now(), gen_random_uuid(), 100, 99, \
                    now() - n * interval '1 s', NULL, NULL FROM generate_series(1, 10 * {MINE}) n; \
             INSERT INTO p_conversations_3.member SELECT conversation, '{me}', 'member', 1, 0, now(), NULL \
                    FROM p_conversations_3.conversation LIMIT {MINE}; \
             INSERT INTO p_conversations_3.member SELECT conversation, created_by, 'member', 1, 0, now(), NULL \
                    FROM p_conversations_3.conversation; \
             INSERT INTO p_unread_6.read_position SELECT user_id, conversation, 90, 89 FROM p_conversations_3.member; \
             INSERT INTO p_unread_6.own_position SELECT user_id, conversation, 80, 79 FROM p_conversations_3.member; \
             INSERT INTO p_unread_6.void SELECT conversation, n, n + 1 FROM p_conversations_3.conversation, generate_series(90, 90) n; \
             INSERT INTO p_unread_6.mention SELECT user_id, conversation, 90 + n, 89 + n FROM p_conversations_3.member, \
                    generate_series(0, 3) n; \
             INSERT INTO p_unread_6.everyone SELECT conversation, n, gen_random_uuid() FROM p_conversations_3.conversation, \
                    generate_series(90, 91) n; \
             INSERT INTO p_inbox_3.delivered SELECT user_id, conversation, 90, 80 FROM p_conversations_3.member; \
             INSERT INTO p_inbox_3.membership SELECT user_id, conversation, 0, 0, 0, 0 FROM p_conversations_3.member; \
             INSERT INTO projection_parked SELECT 'conversations', 1, 0, n, gen_random_uuid(), 'e' FROM generate_series(1, {MINE}) n; \
             ANALYZE"
        ))
        .await;
    let ids: String = {
        let session = world.pool.get().await.unwrap();
        let some = "SELECT array_agg(conversation)::text FROM \
            (SELECT conversation FROM p_conversations_3.member WHERE user_id = $1 LIMIT 50) m";
        session.query_one(some, &[&me]).await.unwrap().get(0)
    };
    for order in [Order::Ascending, Order::Descending] {
        let range = Range {
            after: None,
            before: None,
            order,
            rows: 51,
        };
        for sql in [
            conversations::activity(me, &range).sql(world.pool.home()),
            inbox::waiting(me, &range).sql(world.pool.home()),
        ] {
            let here = "'2000-01-01', '00000000-0000-0000-0000-000000000000'";
            for places in ["NULL, NULL, NULL, NULL".to_owned(), format!("NULL, NULL, {here}")] {
                let rows = touched(&world, &sql, &format!("'{me}', {places}, 51")).await;
                assert!((MINE..40 * MINE).contains(&rows), "{rows} rows\n{sql}");
            }
        }
    }
    for sql in [
        conversations::by_id(me, vec![]).sql(world.pool.home()),
        unread::mention_counts(me, vec![]).sql(world.pool.home()),
    ] {
        let rows = touched(&world, &sql, &format!("'{me}', '{ids}'")).await;
        assert!((50..50 * 50).contains(&rows), "{rows} rows\n{sql}");
    }
}

/// Neither how often somebody is named nor how much of it was recalled makes a count look at more.
#[tokio::test]
async fn what_names_somebody_is_counted_in_so_many_steps_however_much_it_is() {
    let world = World::new().await;
    let (me, group) = (crate::support::user(1), Uuid::from_u128(77));
    world
        .run(&format!(
            "INSERT INTO p_conversations_3.member VALUES ('{group}', '{me}', 'member', 1, 0, now(), NULL); \
             INSERT INTO p_unread_6.mention SELECT '{me}', '{group}', n, n FROM generate_series(1, 30000) n; \
             INSERT INTO p_unread_6.everyone SELECT '{group}', 30000 + n, gen_random_uuid() FROM generate_series(1, 30000) n; \
             INSERT INTO p_unread_6.void SELECT '{group}', n, n FROM generate_series(1, 29000) n"
        ))
        .await;
    let counts = unread::mention_counts(me, vec![]).sql(world.pool.home());
    let total = unread::mention_total(me).sql(world.pool.home());
    for (sql, values) in [
        (&counts, format!("'{me}', '{{{group}}}'")),
        (&total, format!("'{me}'")),
    ] {
        let rows = touched(&world, sql, &values).await;
        assert!(rows < 200_000, "{rows} rows\n{sql}");
    }
    let session = world.pool.get().await.unwrap();
    let row = session.query_one(&*total, &[&me]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1_000 + 10_000);
}

/// Carries a statement out as the pool's sessions do, and counts the rows that its steps have looked at.
async fn touched(world: &World, sql: &str, values: &str) -> u64 {
    let session = world.pool.get().await.unwrap();
    session
        .batch_execute(&format!("PREPARE touching AS {sql}"))
        .await
        .unwrap();
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT YAML) EXECUTE touching({values})");
    let plan: String = session.query_one(&explain, &[]).await.unwrap().get(0);
    session.batch_execute("DEALLOCATE touching").await.unwrap();
    let (mut all, mut rows, mut loops) = (0.0, 0.0, 0.0);
    for line in plan.lines() {
        let Some((name, value)) = line.trim().split_once(": ") else {
            continue;
        };
        // What a step says of itself comes in this order, before its own steps.
        match (name, value.parse::<f64>()) {
            ("Actual Rows", Ok(value)) => rows = value,
            ("Actual Loops", Ok(value)) => {
                loops = value;
                all += rows * loops;
            }
            ("Rows Removed by Filter" | "Rows Removed by Join Filter", Ok(value)) => all += value * loops,
            _ => {}
        }
    }
    all as u64
}
