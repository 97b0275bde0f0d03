//! Lanes are worlds of their own.

use crate::support::{Crowd, LANES, World};

/// The tables of read models, each with the column that names the stream which its rows come from.
///
/// The rows of `inbox` are still written by two lanes each, in columns of their own.
const STREAMS: [(&str, &str); 10] = [
    ("p_conversations.person", "user_id"),
    ("p_conversations.conversation", "conversation"),
    ("p_conversations.member", "conversation"),
    ("p_history_2.message", "conversation"),
    ("p_history_2.edit", "conversation"),
    ("p_history_2.reaction", "conversation"),
    ("p_unread_2.read_position", "user_id"),
    ("p_unread_2.own_position", "conversation"),
    ("p_unread_2.mention", "conversation"),
    ("p_unread_2.void", "conversation"),
];

#[tokio::test]
async fn whoever_folds_a_lane_writes_rows_of_that_lane_only() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 23).await;
    for _ in 0..300 {
        crowd.act(&world).await;
    }
    for lane in 0..LANES {
        world.projector().catch_up(lane).await.unwrap();
        for (table, stream) in STREAMS {
            // A stream's lane is the last byte of its id.
            let others =
                format!("SELECT count(*) FROM {table} WHERE get_byte(uuid_send({stream}), 15) > {lane}");
            assert_eq!(world.number(&others).await, 0, "{table} after lane {lane}");
        }
    }
    for (table, _) in STREAMS {
        assert!(
            world.number(&format!("SELECT count(*) FROM {table}")).await > 0,
            "{table}"
        );
    }
    let tables: usize = tidings_projections::all()
        .iter()
        .map(|projection| projection.tables().len())
        .sum();
    assert_eq!(STREAMS.len() + 1, tables, "a table is not looked at");
}
