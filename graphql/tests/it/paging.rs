//! Lists, in both directions.

use crate::support::{World, code, conversation, field, user};
use serde_json::{Value, json};

/// Walks a list from one end to the other and answers what each page held.
async fn walk(
    world: &World,
    list: impl Fn(&str) -> String,
    path: &[&str],
    forward: bool,
) -> Vec<Vec<String>> {
    let (size, cursor, more) = if forward {
        ("first: 2", "after", "hasNextPage")
    } else {
        ("last: 2", "before", "hasPreviousPage")
    };
    let end = if forward { "endCursor" } else { "startCursor" };
    let mut arguments = size.to_owned();
    let mut pages = vec![];
    loop {
        let data = world.data(user(1), &list(&arguments)).await;
        let found = path.iter().fold(&data, |value, key| &value[key]);
        pages.push(
            field(&found["nodes"], "id")
                .into_iter()
                .map(str::to_owned)
                .collect(),
        );
        let edges: Vec<&Value> = found["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| &edge["node"])
            .collect();
        assert_eq!(
            edges,
            found["nodes"].as_array().unwrap().iter().collect::<Vec<_>>()
        );
        let info = &found["pageInfo"];
        let cursors = field(&found["edges"], "cursor");
        assert_eq!(info["startCursor"].as_str(), cursors.first().copied());
        assert_eq!(info["endCursor"].as_str(), cursors.last().copied());
        let behind = if forward { "hasPreviousPage" } else { "hasNextPage" };
        assert_eq!(info[behind], json!(pages.len() > 1), "{pages:?}");
        if info[more] == json!(false) {
            return pages;
        }
        arguments = format!("{size}, {cursor}: {}", info[end]);
    }
}

const PAGE: &str = "nodes { id } edges { cursor node { id } } \
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

#[tokio::test]
async fn messages_are_paged_in_the_order_of_their_seq() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    world.messages(group, 5, me).await;
    let list = |arguments: &str| {
        format!("{{ conversation(id: \"{group}\") {{ messages({arguments}) {{ {PAGE} }} }} }}")
    };
    let forward = walk(&world, list, &["conversation", "messages"], true).await;
    let all = world.data(me, &list("first: 200")).await;
    let all = field(&all["conversation"]["messages"]["nodes"], "id");
    assert_eq!(all.len(), 5);
    assert_eq!(forward, [&all[..2], &all[2..4], &all[4..]]);
    let backward = walk(&world, list, &["conversation", "messages"], false).await;
    assert_eq!(backward, [&all[3..], &all[1..3], &all[..1]]);
}

#[tokio::test]
async fn conversations_are_paged_newest_activity_first() {
    let world = World::new().await;
    let me = world.person(1).await;
    for n in [3, 1, 5, 2, 4] {
        world.group(n, &[me]).await;
    }
    // Two that are equally old keep an order.
    world.run("UPDATE p_conversations_3.conversation SET last_at = '2026-01-01T00:04:00Z' WHERE title = 'Group 3'").await;
    let all: Vec<String> = [5, 4, 3, 2, 1].map(|n| conversation(n).to_string()).into();
    let list = |arguments: &str| format!("{{ conversations({arguments}) {{ {PAGE} }} }}");
    let forward = walk(&world, list, &["conversations"], true).await;
    assert_eq!(forward, [&all[..2], &all[2..4], &all[4..]]);
    let backward = walk(&world, list, &["conversations"], false).await;
    assert_eq!(backward, [&all[3..], &all[1..3], &all[..1]]);
}

#[tokio::test]
async fn members_are_paged_without_those_that_left() {
    let world = World::new().await;
    let mut people = vec![];
    for n in 1..=6 {
        people.push(world.person(n).await);
    }
    let group = world.group(1, &people).await;
    world
        .run(&format!(
            "UPDATE p_conversations_3.member SET left_seq = 9 WHERE user_id = '{}'",
            people[3]
        ))
        .await;
    let page = "nodes { id: role user { id } } edges { cursor node { id: role user { id } } } \
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
    let list = |arguments: &str| {
        format!("{{ conversation(id: \"{group}\") {{ members({arguments}) {{ {page} }} }} }}")
    };
    let forward = walk(&world, list, &["conversation", "members"], true).await;
    assert_eq!(
        forward,
        [vec!["OWNER", "MEMBER"], vec!["MEMBER", "MEMBER"], vec!["MEMBER"]]
    );
    let all = world.data(people[0], &list("first: 9")).await;
    let ids: Vec<&str> = all["conversation"]["members"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["user"]["id"].as_str().unwrap())
        .collect();
    let staying: Vec<String> = [1, 2, 3, 5, 6].map(|n| user(n).to_string()).into();
    assert_eq!(ids, staying);
}

/// A cursor names a place, so a list can go on from an entry that is no longer there.
#[tokio::test]
async fn a_cursor_outlives_its_entry() {
    let world = World::new().await;
    let people = [
        world.person(1).await,
        world.person(2).await,
        world.person(3).await,
    ];
    let group = world.group(1, &people).await;
    let list = |arguments: &str| {
        format!(
            "{{ conversation(id: \"{group}\") {{ members({arguments}) {{ nodes {{ user {{ id }} }} pageInfo {{ endCursor }} }} }} }}"
        )
    };
    let page = world.data(people[0], &list("first: 2")).await;
    let end = &page["conversation"]["members"]["pageInfo"]["endCursor"];
    world
        .run(&format!(
            "UPDATE p_conversations_3.member SET left_seq = 9 WHERE user_id = '{}'",
            people[1]
        ))
        .await;
    let rest = world
        .data(people[0], &list(&format!("first: 2, after: {end}")))
        .await;
    assert_eq!(
        rest["conversation"]["members"]["nodes"],
        json!([{ "user": { "id": people[2] } }])
    );
}

#[tokio::test]
async fn a_page_has_fifty_entries_from_the_beginning_unless_asked_otherwise() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    world.messages(group, 55, me).await;
    let ask = async |arguments: &str| {
        let query = format!(
            "{{ conversation(id: \"{group}\") {{ messages{arguments} {{ nodes {{ text }} pageInfo {{ startCursor endCursor }} }} }} }}"
        );
        world.data(me, &query).await["conversation"]["messages"].clone()
    };
    let oldest = ask("").await;
    let texts = field(&oldest["nodes"], "text");
    assert_eq!((texts.len(), texts[0], texts[49]), (50, "text 1", "text 50"));
    let rest = ask(&format!("(after: {})", oldest["pageInfo"]["endCursor"])).await;
    assert_eq!(
        field(&rest["nodes"], "text"),
        ["text 51", "text 52", "text 53", "text 54", "text 55"]
    );
    let before = ask(&format!("(before: {})", rest["pageInfo"]["endCursor"])).await;
    assert_eq!(field(&before["nodes"], "text")[0], "text 5");
    let between = ask(&format!(
        "(after: {}, before: {})",
        oldest["pageInfo"]["endCursor"], rest["pageInfo"]["endCursor"]
    ))
    .await;
    assert_eq!(
        field(&between["nodes"], "text"),
        ["text 51", "text 52", "text 53", "text 54"]
    );
}

#[tokio::test]
async fn an_empty_page_tells_what_lies_around_it() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    world.messages(group, 3, me).await;
    let info = async |arguments: &str| {
        let query = format!(
            "{{ conversation(id: \"{group}\") {{ messages({arguments}) {{ nodes {{ id }} pageInfo {{ hasPreviousPage hasNextPage endCursor }} }} }} }}"
        );
        let mut data = world.data(me, &query).await;
        data["conversation"]["messages"].take()
    };
    let page = |previous: bool, next: bool| json!({ "nodes": [], "pageInfo": { "hasPreviousPage": previous, "hasNextPage": next, "endCursor": null } });
    assert_eq!(info("first: 0").await, page(false, true));
    assert_eq!(info("last: 0").await, page(true, false));
    let query =
        format!("{{ conversation(id: \"{group}\") {{ messages(last: 1) {{ pageInfo {{ endCursor }} }} }} }}");
    let data = world.data(me, &query).await;
    let last = &data["conversation"]["messages"]["pageInfo"]["endCursor"];
    assert_eq!(info(&format!("first: 0, after: {last}")).await, page(true, false));
}

#[tokio::test]
async fn a_name_is_found_by_its_ascii_letters_alone() {
    let world = World::new().await;
    let me = world.person(1).await;
    world
        .run("UPDATE p_conversations_3.person SET username = 'Kim'")
        .await;
    let find = async |name: &str| {
        let query = format!("{{ userByName(username: \"{name}\") {{ username }} }}");
        world.data(me, &query).await["userByName"]["username"].take()
    };
    assert_eq!(find("kIM").await, json!("Kim"));
    // A sign for Kelvin and a capital I with a dot, of which a lower case is `k` and `i`.
    assert_eq!(find("\u{212a}im").await, json!(null));
    assert_eq!(find("K\u{130}m").await, json!(null));
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let world = World::new().await;
    let me = world.person(1).await;
    world.group(1, &[me]).await;
    for (arguments, wrong) in [
        ("first: -1", "first"),
        ("first: 201", "first"),
        ("last: -1", "last"),
        ("last: 201", "last"),
        ("first: 1, last: 1", "last"),
        ("after: \"x\"", "after"),
        ("before: \"m0000000000000001\"", "before"),
    ] {
        let answer = world
            .ask(
                me,
                &format!("{{ conversations({arguments}) {{ nodes {{ id }} }} }}"),
            )
            .await;
        assert_eq!(code(&answer), "invalid_argument", "{arguments}");
        assert_eq!(
            answer["errors"][0]["extensions"]["field"],
            json!(wrong),
            "{arguments}"
        );
    }
    let answer = world.ask(me, "{ conversation(id: \"seventeen\") { id } }").await;
    assert_eq!(
        (code(&answer), &answer["errors"][0]["extensions"]["field"]),
        ("invalid_argument", &json!("id"))
    );
    assert_eq!(
        world
            .data(me, "{ conversations(first: 200) { nodes { title } } }")
            .await["conversations"]["nodes"],
        json!([{ "title": "Group 1" }])
    );
}

#[tokio::test]
async fn an_empty_list_has_no_cursors() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ lastMessage {{ id }} messages {{ {PAGE} }} }} inbox {{ nodes {{ pendingCount }} pageInfo {{ endCursor hasNextPage }} }} }}"
    );
    let data = world.data(me, &query).await;
    let info =
        json!({ "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null });
    assert_eq!(
        data["conversation"],
        json!({ "lastMessage": null, "messages": { "nodes": [], "edges": [], "pageInfo": info } })
    );
    assert_eq!(
        data["inbox"],
        json!({ "nodes": [], "pageInfo": { "endCursor": null, "hasNextPage": false } })
    );
}
