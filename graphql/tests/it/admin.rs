//! What administrators see, and nobody else.

use crate::support::{World, field};
use serde_json::{Value, json};

/// Somebody with an account, which is where administrators find people.
async fn account(world: &World, n: u64, suspended: bool) {
    let user = world.person(n).await;
    let since = if suspended {
        "'2026-02-03T04:05:06Z'"
    } else {
        "NULL"
    };
    world
        .run(&format!(
            "INSERT INTO account (id, username, username_key, display_name, suspended_at) \
             VALUES ('{user}', 'User{n}', 'user{n}', 'User {n}', {since})"
        ))
        .await;
}

#[tokio::test]
async fn the_administration_is_null_for_everybody_else() {
    let world = World::new().await;
    let me = world.person(1).await;
    let query = "{ admin { stats { events } } }";
    assert_eq!(world.ask(me, query).await, json!({ "data": { "admin": null } }));
    world.run("UPDATE log_lane SET head = 5 WHERE lane = 1").await;
    let answer = world.ask_as_admin(me, query).await;
    assert_eq!(
        answer,
        json!({ "data": { "admin": { "stats": { "events": 5 } } } })
    );
}

#[tokio::test]
async fn projections_tell_their_version_and_how_far_they_are() {
    let world = World::new().await;
    let me = world.person(1).await;
    let query = "{ admin { projections { name version state behind lanes { lane position head behind } } } }";
    let answer = world.ask_as_admin(me, query).await;
    let projections = &answer["data"]["admin"]["projections"];
    assert_eq!(field(projections, "name"), tidings_projections::names());
    for (projection, known) in projections
        .as_array()
        .unwrap()
        .iter()
        .zip(tidings_projections::all())
    {
        assert_eq!(projection["version"], json!(known.version()));
        assert_eq!(projection["state"], json!("CURRENT"));
        let first = json!({ "lane": 0, "position": "0:0", "head": "0:0", "behind": 0 });
        assert_eq!(projection["lanes"][0], first);
    }
}

#[tokio::test]
async fn parked_events_are_listed_by_pages() {
    let world = World::new().await;
    let me = world.person(1).await;
    let version = tidings_projections::find("history").unwrap().version();
    for pos in 1..=3 {
        world
            .run(&format!(
                "INSERT INTO projection_parked (projection, version, lane, pos, stream, error) \
                 VALUES ('history', {version}, 1, {pos}, '{me}', 'what it is'), ('history', {version} + 1, 0, {pos}, '{me}', 'of another version')"
            ))
            .await;
    }
    let ask = async |arguments: &str| {
        let query = format!(
            "{{ admin {{ parked({arguments}) {{ nodes {{ id projection position stream error attempts }} \
             pageInfo {{ endCursor hasNextPage hasPreviousPage }} }} }} }}"
        );
        let answer = world.ask_as_admin(me, &query).await;
        answer["data"]["admin"]["parked"].clone()
    };
    let first = ask("first: 2").await;
    assert_eq!(field(&first["nodes"], "position"), ["1:1", "1:2"]);
    // Of what the log does not have it is not known whether it may be told.
    let node = json!({ "id": "history:1:1", "projection": "history", "position": "1:1", "stream": null,
                       "error": "what it is", "attempts": 1 });
    assert_eq!(first["nodes"][0], node);
    let cursor = first["pageInfo"]["endCursor"].as_str().unwrap();
    let rest = ask(&format!("first: 2, after: \"{cursor}\"")).await;
    assert_eq!(field(&rest["nodes"], "position"), ["1:3"]);
    let around = &rest["pageInfo"];
    assert_eq!(
        (&around["hasNextPage"], &around["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(field(&ask("last: 1").await["nodes"], "position"), ["1:3"]);
}

#[tokio::test]
async fn people_are_found_by_how_their_names_begin() {
    let world = World::new().await;
    let me = world.person(99).await;
    for n in [1, 2, 10, 11, 12] {
        account(&world, n, n == 10).await;
    }
    let gone = "UPDATE account SET deleted_at = now() WHERE username = 'User12'";
    world.run(gone).await;
    let ask = async |arguments: &str| {
        let query = format!(
            "{{ admin {{ users{arguments} {{ nodes {{ username suspendedAt }} pageInfo {{ endCursor }} }} }} }}"
        );
        let answer = world.ask_as_admin(me, &query).await;
        answer["data"]["admin"]["users"].clone()
    };
    let names = |list: &Value| -> Vec<String> {
        field(&list["nodes"], "username")
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(names(&ask("").await), ["User1", "User10", "User11", "User2"]);
    let page = ask("(query: \" USER1\", first: 2)").await;
    assert_eq!(
        page["nodes"],
        json!([{ "username": "User1", "suspendedAt": null },
               { "username": "User10", "suspendedAt": "2026-02-03T04:05:06.000Z" }])
    );
    let cursor = page["pageInfo"]["endCursor"].as_str().unwrap();
    assert_eq!(
        names(&ask(&format!("(query: \"user1\", after: \"{cursor}\")")).await),
        ["User11"]
    );
    assert_eq!(names(&ask("(query: \"nobody\")").await), Vec::<String>::new());
    // To everybody else, whether somebody is suspended is no matter.
    let query = format!(
        "{{ user(id: \"{}\") {{ suspendedAt }} }}",
        crate::support::user(10)
    );
    assert_eq!(
        world.data(me, &query).await,
        json!({ "user": { "suspendedAt": null } })
    );
}
