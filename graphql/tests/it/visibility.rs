//! What the viewer may not see is null, as if it did not exist; and what the viewer may see is right.

use crate::support::{World, code, user};
use async_graphql::Request;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn strangers_and_former_members_see_nothing() {
    let world = World::new().await;
    let (owner, former, stranger) = (
        world.person(1).await,
        world.person(2).await,
        world.person(3).await,
    );
    let group = world.group(1, &[owner, former]).await;
    let message = world.message(group, 1, owner).await;
    world
        .run(&format!(
            "UPDATE p_conversations_3.member SET left_seq = 3 WHERE user_id = '{former}'"
        ))
        .await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ id messages {{ nodes {{ id }} }} members {{ nodes {{ role }} }} unreadCount }} \
           message(conversation: \"{group}\", id: \"{message}\") {{ text }} \
           conversations {{ nodes {{ id }} }} inbox {{ nodes {{ pendingCount }} }} }}"
    );
    let nothing = json!({ "conversation": null, "message": null, "conversations": { "nodes": [] }, "inbox": { "nodes": [] } });
    assert_eq!(world.data(former, &query).await, nothing);
    assert_eq!(world.data(stranger, &query).await, nothing);
    let seen = world.data(owner, &query).await;
    assert_eq!(seen["message"]["text"], json!("text 1"));
    assert_eq!(
        seen["conversation"]["members"]["nodes"],
        json!([{ "role": "OWNER" }])
    );
    assert_eq!(seen["conversations"]["nodes"], json!([{ "id": group }]));
}

#[tokio::test]
async fn what_somebody_is_in_a_conversation_is_told_to_its_members() {
    let world = World::new().await;
    let (owner, other, former, stranger) = (
        world.person(1).await,
        world.person(2).await,
        world.person(3).await,
        world.person(4).await,
    );
    let group = world.group(1, &[owner, other, former]).await;
    world
        .run(&format!(
            "UPDATE p_conversations_3.member SET left_seq = 3 WHERE user_id = '{former}'"
        ))
        .await;
    let member = |user: Uuid| format!("member(user: \"{user}\") {{ role joinedAt user {{ username }} }}");
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ owner: {} other: {} former: {} stranger: {} nobody: {} }} }}",
        member(owner),
        member(other),
        member(former),
        member(stranger),
        member(user(77))
    );
    let told = |role: &str, name: &str| json!({ "role": role, "joinedAt": "2026-01-01T00:01:00.000Z", "user": { "username": name } });
    for viewer in [owner, other] {
        assert_eq!(
            world.data(viewer, &query).await["conversation"],
            json!({ "owner": told("OWNER", "user1"), "other": told("MEMBER", "user2"), "former": null,
                    "stranger": null, "nobody": null })
        );
    }
    for viewer in [former, stranger] {
        assert_eq!(world.data(viewer, &query).await, json!({ "conversation": null }));
    }
    let query = format!("{{ conversation(id: \"{group}\") {{ member(user: \"ann\") {{ role }} }} }}");
    let answer = world.ask(owner, &query).await;
    assert_eq!(code(&answer), "invalid_argument");
    assert_eq!(answer["errors"][0]["extensions"]["field"], json!("user"));
}

#[tokio::test]
async fn what_a_newcomer_does_not_see_is_as_if_it_did_not_exist() {
    let world = World::new().await;
    let (owner, newcomer) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[owner, newcomer]).await;
    let mut messages = vec![];
    for no in 1..=6 {
        messages.push(world.message(group, no, owner).await);
    }
    // They came in by the event before the fifth message, which answers the second one. That they were there for the first two once, before
    // they were put out, is nothing that GraphQL shows.
    world
        .run(&format!(
            "INSERT INTO p_conversations_3.stay VALUES ('{group}', '{newcomer}', 1, 3); \
             UPDATE p_conversations_3.member SET joined_seq = 6, visible_from = 6, unseen_msg_no = 4 WHERE user_id = '{newcomer}'; \
             UPDATE p_history_4.message SET reply_to = '{}' WHERE message = '{}'; \
             INSERT INTO p_history_4.pin VALUES ('{group}', 3, 100), ('{group}', 7, 101)",
            messages[1], messages[4]
        ))
        .await;
    world.edited(group, 3).await;
    world.reaction(group, 3, "👍", owner).await;
    world.replied(group, 5, messages[1]).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ lastMessage {{ text }} pins {{ text }} threads {{ nodes {{ replyCount }} }} \
             messages {{ nodes {{ text replyTo {{ text }} }} pageInfo {{ hasPreviousPage }} }} }} \
           message(conversation: \"{group}\", id: \"{}\") {{ text edits {{ nodes {{ text }} }} reactions {{ emoji }} replyCount }} }}",
        messages[1]
    );
    assert_eq!(
        world.data(newcomer, &query).await,
        json!({ "conversation": { "lastMessage": { "text": "text 6" }, "pins": [{ "text": "text 6" }], "threads": { "nodes": [] },
                    "messages": { "nodes": [{ "text": "text 5", "replyTo": null }, { "text": "text 6", "replyTo": null }],
                        "pageInfo": { "hasPreviousPage": false } } },
                "message": null })
    );
    let owners = world.data(owner, &query).await;
    assert_eq!(
        owners["conversation"]["messages"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    assert_eq!(owners["conversation"]["pins"].as_array().unwrap().len(), 2);
    assert_eq!(
        owners["message"],
        json!({ "text": "text 2", "edits": { "nodes": [{ "text": "typo" }, { "text": "text 2" }] },
                "reactions": [{ "emoji": "👍" }], "replyCount": 1 })
    );
}

#[tokio::test]
async fn a_thread_below_what_its_viewer_does_not_see_is_named_and_shown_without_that() {
    let world = World::new().await;
    let (owner, newcomer) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[owner, newcomer]).await;
    let root = world.message(group, 1, owner).await;
    for no in 2..=3 {
        world.message(group, no, owner).await;
    }
    // One has hidden the root, and the other came in behind it.
    world
        .run(&format!(
            "INSERT INTO p_unread_6.hidden VALUES ('{owner}', '{group}', 2, 1); \
             UPDATE p_conversations_3.member SET joined_seq = 3, visible_from = 3, unseen_msg_no = 1 WHERE user_id = '{newcomer}'"
        ))
        .await;
    world.replied(group, 4, root).await;
    let thread = "id root { text } replyCount replies { nodes { text } }";
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ threads {{ nodes {{ {thread} }} }} thread(root: \"{root}\") {{ {thread} }} }} }}"
    );
    let shown =
        json!({ "id": root, "root": null, "replyCount": 1, "replies": { "nodes": [{ "text": "text 3" }] } });
    for viewer in [owner, newcomer] {
        assert_eq!(
            world.data(viewer, &query).await,
            json!({ "conversation": { "threads": { "nodes": [shown] }, "thread": shown } })
        );
    }
}

#[tokio::test]
async fn what_does_not_exist_is_null() {
    let world = World::new().await;
    let me = world.person(1).await;
    let (group, other) = (world.group(1, &[me]).await, world.group(2, &[me]).await);
    let message = world.message(group, 1, me).await;
    let nobody = user(77);
    let query = format!(
        "{{ user(id: \"{nobody}\") {{ id }} userByName(username: \"nobody\") {{ id }} nul: userByName(username: \"a\\u0000\") {{ id }} \
           conversation(id: \"{nobody}\") {{ id }} \
           absent: message(conversation: \"{group}\", id: \"{nobody}\") {{ id }} \
           elsewhere: message(conversation: \"{other}\", id: \"{message}\") {{ id }} }}"
    );
    let data = world.data(me, &query).await;
    assert!(data.as_object().unwrap().values().all(Value::is_null), "{data:#}");
}

#[tokio::test]
async fn everybody_who_is_signed_in_can_look_people_up() {
    let world = World::new().await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let query = format!(
        "{{ me {{ id username displayName }} user(id: \"{other}\") {{ id username }} userByName(username: \"USER2\") {{ id }} }}"
    );
    assert_eq!(
        world.data(me, &query).await,
        json!({ "me": { "id": me, "username": "user1", "displayName": "User 1" },
                "user": { "id": other, "username": "user2" }, "userByName": { "id": other } })
    );
}

#[tokio::test]
async fn without_a_viewer_every_field_refuses() {
    let world = World::new().await;
    let id = world.person(1).await;
    for field in [
        "me { id }".to_owned(),
        format!("user(id: \"{id}\") {{ id }}"),
        "userByName(username: \"user1\") { id }".to_owned(),
        "conversations { nodes { id } }".to_owned(),
        format!("conversation(id: \"{id}\") {{ id }}"),
        format!("message(conversation: \"{id}\", id: \"{id}\") {{ id }}"),
        "inbox { nodes { pendingCount } }".to_owned(),
        "readModels { name }".to_owned(),
    ] {
        let answer = world
            .graphql
            .execute(Request::new(format!("{{ {field} }}")), None, None)
            .await;
        let answer = serde_json::to_value(answer).unwrap();
        assert_eq!(code(&answer), "unauthenticated", "{field}");
    }
    let schema = world
        .graphql
        .execute(Request::new("{ __schema { queryType { name } } }"), None, None)
        .await;
    let schema = serde_json::to_value(schema).unwrap();
    assert!(schema.get("errors").is_none(), "{schema}");
}

#[tokio::test]
async fn a_message_is_shown_with_all_that_became_of_it() {
    let world = World::new().await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[me, other]).await;
    let (first, second) = (
        world.message(group, 1, me).await,
        world.message(group, 2, other).await,
    );
    world
        .run(&format!(
            "UPDATE p_history_4.message SET reply_to = '{first}', mentions = '{{{me}}}', edited_at = '2026-01-02T03:04:05.678901Z' \
             WHERE message = '{second}'; \
             UPDATE p_history_4.message SET recalled_at = '2026-01-03T00:00:00Z' WHERE message = '{first}'"
        ))
        .await;
    let query = format!(
        "{{ message(conversation: \"{group}\", id: \"{second}\") {{ id seq sentAt kind text editedAt recalledAt \
            sender {{ id displayName }} mentions {{ id }} replyTo {{ id text recalledAt replyTo {{ id }} }} conversation {{ id title kind }} }} }}"
    );
    assert_eq!(
        world.data(me, &query).await["message"],
        json!({ "id": second, "seq": 3, "sentAt": "2026-01-01T00:02:00.000Z", "kind": "TEXT", "text": "text 2",
                "editedAt": "2026-01-02T03:04:05.678Z", "recalledAt": null,
                "sender": { "id": other, "displayName": "User 2" }, "mentions": [{ "id": me }],
                "replyTo": { "id": first, "text": null, "recalledAt": "2026-01-03T00:00:00.000Z", "replyTo": null },
                "conversation": { "id": group, "title": "Group 1", "kind": "GROUP" } })
    );
}

#[tokio::test]
async fn what_is_withheld_is_shown_without_all_that_it_says_wherever_it_is_asked_for() {
    let world = World::new().await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[me, other]).await;
    let (first, second) = (
        world.message(group, 1, other).await,
        world.message(group, 2, me).await,
    );
    world
        .run(&format!(
            "UPDATE p_history_4.message SET reply_to = '{first}' WHERE message = '{second}'; \
             UPDATE p_history_4.message SET mentions = '{{{me}}}', everyone = true, edited_at = at WHERE message = '{first}'; \
             INSERT INTO p_history_4.edit SELECT conversation, seq, seq, at, 'before' FROM p_history_4.message WHERE message = '{first}'; \
             INSERT INTO p_history_4.reaction SELECT conversation, seq, '+', '{me}', 9 FROM p_history_4.message WHERE message = '{first}'; \
             INSERT INTO p_unread_6.void SELECT conversation, msg_no, seq, true FROM p_history_4.message WHERE message = '{first}'"
        ))
        .await;
    let shown = "id withheld text everyone editedAt recalledAt attachment { id } mentions { id } edits { nodes { text } } reactions { emoji }";
    let query = format!(
        "{{ message(conversation: \"{group}\", id: \"{first}\") {{ {shown} }} \
            conversation(id: \"{group}\") {{ messages(first: 1) {{ nodes {{ {shown} }} }} lastMessage {{ withheld replyTo {{ {shown} }} }} }} }}"
    );
    let nothing = json!({ "id": first, "withheld": true, "text": null, "everyone": false, "editedAt": null, "recalledAt": null,
        "attachment": null, "mentions": [], "edits": { "nodes": [] }, "reactions": [] });
    // Its sender sees no more of it.
    for viewer in [me, other] {
        let told = world.data(viewer, &query).await;
        assert_eq!(told["message"], nothing);
        assert_eq!(told["conversation"]["messages"]["nodes"], json!([nothing]));
        assert_eq!(
            told["conversation"]["lastMessage"],
            json!({ "withheld": false, "replyTo": nothing })
        );
    }
    world.run("DELETE FROM p_unread_6.void").await;
    let told = world.data(me, &query).await["message"].clone();
    assert_eq!(
        (&told["withheld"], &told["text"], &told["edits"]["nodes"]),
        (&json!(false), &json!("text 1"), &json!([{ "text": "before" }]))
    );
    // Where that has events aside, nobody knows.
    world
        .run(&format!(
            "INSERT INTO projection_parked (projection, version, lane, pos, stream, error) VALUES ('unread', 6, 0, 9, '{group}', 'e')"
        ))
        .await;
    assert_eq!(world.data(me, &query).await["message"], nothing);
}

#[tokio::test]
async fn counts_follow_what_was_read() {
    let world = World::new().await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[me, other]).await;
    world.messages(group, 5, other).await;
    world
        .run(&format!(
            "INSERT INTO p_unread_6.mention SELECT '{me}', '{group}', no + 1, no FROM unnest('{{1,3,4}}'::bigint[]) no; \
             INSERT INTO p_unread_6.everyone SELECT '{group}', no + 1, '{other}' FROM unnest('{{1,2}}'::bigint[]) no"
        ))
        .await;
    let query = "{ conversations { nodes { unreadCount mentionCount lastReadSeq lastSeq myRole lastMessage { text } } } }";
    let counts = async |user| world.data(user, query).await["conversations"]["nodes"][0].clone();
    assert_eq!(
        counts(me).await,
        json!({ "unreadCount": 5, "mentionCount": 4, "lastReadSeq": 0, "lastSeq": 6, "myRole": "OWNER",
                "lastMessage": { "text": "text 5" } })
    );
    world
        .run(&format!(
            "INSERT INTO p_unread_6.read_position VALUES ('{me}', '{group}', 4, 3), ('{other}', '{group}', 9, 8)"
        ))
        .await;
    let mine = counts(me).await;
    assert_eq!(
        (&mine["unreadCount"], &mine["mentionCount"], &mine["lastReadSeq"]),
        (&json!(2), &json!(1), &json!(4))
    );
    // Reading may be known before what was read.
    let others = counts(other).await;
    assert_eq!(
        (&others["unreadCount"], &others["mentionCount"], &others["myRole"]),
        (&json!(0), &json!(0), &json!("MEMBER"))
    );
}

/// People and conversations come from lanes that may be apart.
#[tokio::test]
async fn a_sender_who_is_not_known_yet_hides_nothing() {
    let world = World::new().await;
    let me = world.person(1).await;
    let unknown = user(8);
    let group = world.group(1, &[me, unknown]).await;
    world.message(group, 1, unknown).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ lastMessage {{ text sender {{ id displayName }} }} members {{ nodes {{ user {{ id }} }} }} }} }}"
    );
    let data = world.data(me, &query).await;
    assert_eq!(
        data["conversation"]["lastMessage"],
        json!({ "text": "text 1", "sender": { "id": unknown, "displayName": "Unknown" } })
    );
    assert_eq!(
        data["conversation"]["members"]["nodes"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn whose_account_is_deleted_is_shown_as_nobody() {
    let world = World::new().await;
    let (me, gone) = (world.person(1).await, world.person(2).await);
    world
        .run(&format!(
            "INSERT INTO p_people_3.name VALUES ('{gone}', 1, 'User 2', '2026-01-01T00:00:00Z'); \
             UPDATE p_conversations_3.person SET username = user_id::text, display_name = 'deleted user' WHERE user_id = '{gone}'"
        ))
        .await;
    let query = format!(
        "{{ user(id: \"{gone}\") {{ username displayName isDeleted names {{ displayName }} }} me {{ isDeleted }} }}"
    );
    assert_eq!(
        world.data(me, &query).await,
        json!({
            "user": { "username": gone, "displayName": "deleted user", "isDeleted": true, "names": [] },
            "me": { "isDeleted": false },
        })
    );
}
