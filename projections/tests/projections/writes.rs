//! What an event writes, in the log and in all read models together: as many rows among ten thousand as among three.

use crate::support::{World, stream_id};
use std::collections::BTreeMap;
use tidings_eventlog::Recorded;
use uuid::Uuid;

const MANY: usize = 10_000;

/// Rows by table and by what was done to them.
type Written = BTreeMap<String, i64>;

/// What has been written since the last time.
async fn written(world: &World) -> Written {
    world.settle().await;
    let client = world.log.pool().get().await.unwrap();
    let sql = "WITH noted AS (DELETE FROM noted.write RETURNING place, what) \
               SELECT place || ' ' || what, count(*) FROM noted GROUP BY 1";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Everything that people do to a group of many, with what each of it writes.
async fn deeds(world: &World, members: &[Uuid]) -> Vec<(&'static str, Written)> {
    let group = world.group("all", members, 2).await;
    let (ann, bob) = (members[0], members[1]);
    let root = world.send(group, ann, "a root", &[]).await;
    written(world).await;
    let mut deeds = vec![];
    let mut note = async |deed: &'static str, event: Recorded| {
        deeds.push((deed, written(world).await));
        event
    };
    let said = note("message", world.send(group, ann, "words", &[]).await).await;
    note(
        "answer that names somebody",
        world.send(group, bob, "words", &[ann]).await,
    )
    .await;
    note("@everyone", world.call(group, ann, "all", &[]).await).await;
    note(
        "first reply in a thread",
        world.reply(&root, bob, false, &[]).await,
    )
    .await;
    note("reply in a thread", world.reply(&root, bob, false, &[]).await).await;
    note("reply shown in both", world.reply(&root, bob, true, &[]).await).await;
    note("@everyone in a thread", world.call_in_thread(&root, ann).await).await;
    note("edit", world.edit(&said, "other words").await).await;
    note("reaction", world.react(&said, bob, "👍", true).await).await;
    note("pin", world.pin(&said, ann, true).await).await;
    note("recall", world.recall(&said, ann).await).await;
    note("read", world.read(bob, &said).await).await;
    note("hide", world.hide(bob, std::slice::from_ref(&said)).await).await;
    note("rename", world.rename(group, "everybody").await).await;
    note("somebody leaves", world.leave(group, members[2]).await).await;
    note("somebody comes in", world.add(group, members[2]).await).await;
    deeds
}

#[tokio::test]
async fn what_happens_in_a_group_writes_as_many_rows_among_ten_thousand_as_among_three() {
    let world = World::new().await;
    world.execute(include_str!("writes.sql")).await;
    let mut people = vec![world.register(0, "ann").await, world.register(1, "bob").await];
    people.extend((2..MANY).map(|n| stream_id((n % 4) as u8)));
    let few = deeds(&world, &people[..3]).await;
    let many = deeds(&world, &people).await;
    assert_eq!(
        world
            .number("SELECT count(*) FROM p_conversations_3.member")
            .await,
        MANY as i64 + 3
    );
    println!("| deed | rows | log and checkpoints | read models |\n|---|---|---|---|");
    for ((deed, few), (_, many)) in few.iter().zip(&many) {
        let rows: i64 = many.values().sum();
        let models = many.iter().filter(|(place, _)| place.starts_with("p_"));
        let of_models: i64 = models.clone().map(|(_, rows)| rows).sum();
        let places: Vec<String> = models.map(|(place, rows)| format!("{rows} {place}")).collect();
        println!(
            "| {deed} | {rows} | {} | {} |",
            rows - of_models,
            places.join(", ")
        );
        assert_eq!(few, many, "{deed}");
        assert!((1..30).contains(&rows), "{deed}: {many:?}");
    }
}
