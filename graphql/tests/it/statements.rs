//! How many statements a query costs, as PostgreSQL itself counts them.

use crate::support::{LONG, World, migrate};
use tidings_graphql::GraphqlConfig;
use tidings_services::PostgresOptions;
use tidings_services::Profile;
use tidings_services::testing::private_postgres_with;
use uuid::Uuid;

const NESTED: &str = "{ conversations { nodes { title unreadCount mentionCount \
    members { nodes { role user { username } } } \
    lastMessage { text sender { displayName } replyTo { sender { username } } mentions { id } conversation { id } } \
    messages(last: 3) { edges { node { sender { id } edits(first: 2) { nodes { text } } reactions { emoji users(first: 1) { nodes { id } } } } } } } } \
    inbox { nodes { pendingCount conversation { mentionCount lastMessage { id } } messages { nodes { sender { id } } } } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_query_costs_as_many_statements_for_one_conversation_as_for_many() {
    let options = PostgresOptions::new(Profile::Test).with("shared_preload_libraries", "pg_stat_statements");
    let postgres = private_postgres_with(options).await.unwrap();
    let url = postgres.url("postgres");
    migrate(url.clone()).await.unwrap();
    let config = GraphqlConfig {
        wait: LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    };
    let world = World::at(&url, config);
    world.run("CREATE EXTENSION pg_stat_statements").await;

    let me = world.person(1).await;
    fill(&world, me, 1).await;
    let few = statements(&world, me).await;
    for n in 2..=40 {
        fill(&world, me, n).await;
    }
    let many = statements(&world, me).await;
    assert_eq!(few, many);
    assert!((1..=17).contains(&many), "{many}");
}

/// A group of four with messages of each of them.
async fn fill(world: &World, me: Uuid, n: u64) {
    let mut people = vec![me];
    for i in 0..3 {
        people.push(world.person(n * 10 + i).await);
    }
    let group = world.group(n, &people).await;
    for (no, person) in (1..).zip(&people) {
        let message = world.message(group, no, *person).await;
        world.edited(group, no + 1).await;
        world.reaction(group, no + 1, "👍", people[3]).await;
        let first = format!(
            "(SELECT message FROM p_history_4.message WHERE conversation = '{group}' ORDER BY seq LIMIT 1)"
        );
        let mentions = format!(
            "UPDATE p_history_4.message SET mentions = '{{{}}}', reply_to = {first}",
            people[2]
        );
        world
            .run(&format!(
                "{mentions} WHERE conversation = '{group}' AND message = '{message}'"
            ))
            .await;
    }
}

/// Runs the query and answers how many statements PostgreSQL ran for it.
async fn statements(world: &World, me: Uuid) -> i64 {
    world.run("SELECT pg_stat_statements_reset()").await;
    let data = world.data(me, NESTED).await;
    assert!(
        data["conversations"]["nodes"][0]["members"]["nodes"]
            .as_array()
            .unwrap()
            .len()
            == 4,
        "{data:#}"
    );
    let sql = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements WHERE query LIKE '%p\\_%' \
        AND query NOT LIKE '%pg_stat%'";
    world
        .pool
        .get()
        .await
        .unwrap()
        .query_one(sql, &[])
        .await
        .unwrap()
        .get(0)
}
