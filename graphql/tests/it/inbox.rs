//! The inbox.

use crate::support::{World, field};
use serde_json::json;

#[tokio::test]
async fn the_inbox_lists_what_was_not_delivered() {
    let world = World::new().await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let mut groups = vec![];
    for n in 1..=4 {
        let group = world.group(n, &[other, me]).await;
        world.messages(group, 4, other).await;
        groups.push(group);
    }
    // Of the first nothing was delivered, of the second two messages, of the third all; the fourth was left.
    let [first, second, third, fourth] = groups[..] else {
        unreachable!()
    };
    world
        .run(&format!(
            "INSERT INTO p_inbox_3.delivered VALUES ('{me}', '{second}', 3, 2), ('{me}', '{third}', 5, 4); \
             UPDATE p_conversations_3.member SET left_seq = 6 WHERE user_id = '{me}' AND conversation = '{fourth}'"
        ))
        .await;
    let query = "{ inbox { nodes { conversation { id title } pendingCount messages { nodes { text sender { username } } } } } }";
    let nodes = world.data(me, query).await["inbox"]["nodes"].clone();
    assert_eq!(nodes.as_array().unwrap().len(), 2);
    assert_eq!(
        (&nodes[0]["conversation"]["id"], &nodes[0]["pendingCount"]),
        (&json!(second), &json!(2))
    );
    assert_eq!(
        field(&nodes[0]["messages"]["nodes"], "text"),
        ["text 3", "text 4"]
    );
    assert_eq!(
        (&nodes[1]["conversation"]["id"], &nodes[1]["pendingCount"]),
        (&json!(first), &json!(4))
    );
    assert_eq!(field(&nodes[1]["messages"]["nodes"], "text").len(), 4);
}

#[tokio::test]
async fn the_inbox_and_its_messages_are_paged() {
    let world = World::new().await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    for n in 1..=3 {
        let group = world.group(n, &[other, me]).await;
        world.messages(group, 4, other).await;
        let delivered = format!("INSERT INTO p_inbox_3.delivered VALUES ('{me}', '{group}', 2, 1)");
        world.run(&delivered).await;
    }
    let page = async |arguments: &str| {
        let query = format!(
            "{{ inbox({arguments}) {{ nodes {{ conversation {{ title }} messages(last: 2) {{ nodes {{ text }} pageInfo {{ hasPreviousPage startCursor }} }} }} \
             pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }}"
        );
        world.data(me, &query).await["inbox"].clone()
    };
    let first = page("first: 2").await;
    let titles = |inbox: &serde_json::Value| -> Vec<String> {
        let nodes = inbox["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|node| node["conversation"]["title"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(titles(&first), ["Group 3", "Group 2"]);
    assert_eq!(first["pageInfo"]["hasNextPage"], json!(true));
    let messages = &first["nodes"][0]["messages"];
    assert_eq!(field(&messages["nodes"], "text"), ["text 3", "text 4"]);
    assert_eq!(messages["pageInfo"]["hasPreviousPage"], json!(true));
    let second = page(&format!("first: 2, after: {}", first["pageInfo"]["endCursor"])).await;
    assert_eq!(titles(&second), ["Group 1"]);
    assert_eq!(
        (
            &second["pageInfo"]["hasNextPage"],
            &second["pageInfo"]["hasPreviousPage"]
        ),
        (&json!(false), &json!(true))
    );
    assert_eq!(titles(&page("last: 1").await), ["Group 1"]);
    // What was delivered is not in the list at all, so nothing lies before its first message.
    let group = format!(
        "messages(before: {}) {{ nodes {{ text }} pageInfo {{ hasPreviousPage hasNextPage }} }}",
        messages["pageInfo"]["startCursor"]
    );
    let data = world
        .data(me, &format!("{{ inbox(first: 1) {{ nodes {{ {group} }} }} }}"))
        .await;
    assert_eq!(
        data["inbox"]["nodes"][0]["messages"],
        json!({ "nodes": [{ "text": "text 2" }], "pageInfo": { "hasPreviousPage": false, "hasNextPage": true } })
    );
}
