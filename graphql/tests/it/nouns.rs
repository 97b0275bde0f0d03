//! What was done to messages after they were sent.

use crate::support::{World, field};
use serde_json::json;

#[tokio::test]
async fn an_edited_message_shows_every_version_and_others_none() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    world.messages(group, 2, me).await;
    world.edited(group, 2).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ messages {{ nodes {{ text editedAt edits {{ nodes {{ seq text at }} }} }} }} }} }}"
    );
    let data = world.data(me, &query).await;
    let messages = &data["conversation"]["messages"]["nodes"];
    assert_eq!(messages[0]["editedAt"], "2026-01-01T00:01:01.000Z");
    assert_eq!(
        messages[0]["edits"]["nodes"],
        json!([
            { "seq": 2, "text": "typo", "at": "2026-01-01T00:01:00.000Z" },
            { "seq": 1002, "text": "text 1", "at": "2026-01-01T00:01:01.000Z" },
        ])
    );
    assert_eq!(messages[1]["edits"]["nodes"], json!([]));
    // In pages.
    let page = async |after: &str| {
        let query = format!(
            "{{ conversation(id: \"{group}\") {{ messages(first: 1) {{ nodes {{ edits(first: 1{after}) \
             {{ nodes {{ text }} pageInfo {{ hasNextPage endCursor }} }} }} }} }} }}"
        );
        world.data(me, &query).await["conversation"]["messages"]["nodes"][0]["edits"].clone()
    };
    let first = page("").await;
    assert_eq!(field(&first["nodes"], "text"), ["typo"]);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let second = page(&format!(", after: {}", first["pageInfo"]["endCursor"])).await;
    assert_eq!(field(&second["nodes"], "text"), ["text 1"]);
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn reactions_come_once_for_each_emoji_with_those_who_have_reacted() {
    let world = World::new().await;
    let (me, bob, eve) = (
        world.person(1).await,
        world.person(2).await,
        world.person(3).await,
    );
    let group = world.group(1, &[me, bob, eve]).await;
    world.messages(group, 2, me).await;
    for (emoji, user) in [(":tada:", bob), ("👍", eve), ("👍", me), ("👍", bob)] {
        world.reaction(group, 2, emoji, user).await;
    }
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ messages {{ nodes {{ reactions {{ emoji count viewerReacted \
         users(first: 2) {{ nodes {{ username }} pageInfo {{ hasNextPage }} }} }} }} }} }} }}"
    );
    let data = world.data(me, &query).await;
    let messages = &data["conversation"]["messages"]["nodes"];
    assert_eq!(
        messages[0]["reactions"],
        json!([
            { "emoji": ":tada:", "count": 1, "viewerReacted": false,
              "users": { "nodes": [{ "username": "user2" }], "pageInfo": { "hasNextPage": false } } },
            { "emoji": "👍", "count": 3, "viewerReacted": true,
              "users": { "nodes": [{ "username": "user1" }, { "username": "user2" }], "pageInfo": { "hasNextPage": true } } },
        ])
    );
    assert_eq!(messages[1]["reactions"], json!([]));
}

#[tokio::test]
async fn a_recalled_message_is_shown_without_what_it_held_and_counts_no_more() {
    let world = World::new().await;
    let (me, bob) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[bob, me]).await;
    world.messages(group, 3, bob).await;
    world
        .run(&format!(
            "INSERT INTO p_unread_6.mention SELECT '{me}', conversation, seq, msg_no FROM p_history_4.message; \
             UPDATE p_history_4.message SET text = NULL, recalled_at = at WHERE seq = 4; \
             INSERT INTO p_unread_6.void VALUES ('{group}', 3, 4)"
        ))
        .await;
    let query = "{ conversations { nodes { unreadCount mentionCount lastMessage { seq text recalledAt kind reactions { emoji } } } } \
                 inbox { nodes { pendingCount messages { nodes { seq } } } } }";
    let data = world.data(me, query).await;
    assert_eq!(
        data["conversations"]["nodes"][0],
        json!({ "unreadCount": 2, "mentionCount": 2, "lastMessage":
                { "seq": 4, "text": null, "recalledAt": "2026-01-01T00:03:00.000Z", "kind": "TEXT", "reactions": [] } })
    );
    // It is still to be delivered, as what it is.
    let waiting = &data["inbox"]["nodes"][0];
    assert_eq!(waiting["pendingCount"], 2);
    assert_eq!(waiting["messages"]["nodes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn threads_come_in_pages_the_one_with_the_newest_reply_first() {
    let world = World::new().await;
    let (me, bob) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[bob, me]).await;
    let mut roots = vec![];
    for no in 1..=3 {
        roots.push(world.message(group, no, bob).await);
    }
    // Below the first three messages, in turns.
    for no in 4..=9 {
        world.message(group, no, bob).await;
        world.replied(group, no + 1, roots[no as usize % 3]).await;
    }
    let threads = async |arguments: &str| {
        let query = format!(
            "{{ conversation(id: \"{group}\") {{ threads({arguments}) {{ nodes {{ id root {{ text }} replyCount \
             replies(last: 1) {{ nodes {{ text }} pageInfo {{ hasPreviousPage }} }} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        world.data(me, &query).await["conversation"]["threads"].clone()
    };
    let thread = |root: usize, last: &str| {
        json!({ "id": roots[root - 1], "root": { "text": format!("text {root}") }, "replyCount": 2,
                "replies": { "nodes": [{ "text": last }], "pageInfo": { "hasPreviousPage": true } } })
    };
    let page = threads("first: 2").await;
    assert_eq!(page["nodes"], json!([thread(1, "text 9"), thread(3, "text 8")]));
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let rest = threads(&format!("first: 2, after: {}", page["pageInfo"]["endCursor"])).await;
    assert_eq!(rest["nodes"], json!([thread(2, "text 7")]));
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ messages {{ nodes {{ text }} }} lastMessage {{ text }} }} }}"
    );
    let data = world.data(me, &query).await;
    assert_eq!(
        field(&data["conversation"]["messages"]["nodes"], "text"),
        ["text 1", "text 2", "text 3"]
    );
    assert_eq!(data["conversation"]["lastMessage"]["text"], "text 3");
}
