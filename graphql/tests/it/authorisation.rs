//! Who may ask for what concerns the whole server: every field, and what becomes of those who may not.

use crate::support::{World, code, viewer};
use async_graphql::Request;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_graphql::Viewer;

const NOBODY: &str = "00000000-0000-0000-0000-000000000001";

/// Every field of administrators, with a request for it.
fn table() -> Vec<(&'static str, String)> {
    let id = format!("id: \"{NOBODY}\"");
    let parked = "id: \"history:0:1\"";
    vec![
        ("Query.readModels", "{ readModels { name } }".to_owned()),
        (
            "Admin.projections",
            "{ admin { projections { name } } }".to_owned(),
        ),
        ("Admin.parked", "{ admin { parked { nodes { id } } } }".to_owned()),
        ("Admin.rebuilds", "{ admin { rebuilds { state } } }".to_owned()),
        ("Admin.nodes", "{ admin { nodes { id } } }".to_owned()),
        (
            "Admin.connections",
            "{ admin { connections { nodes { id } } } }".to_owned(),
        ),
        (
            "Admin.events",
            "{ admin { events { nodes { seq } } } }".to_owned(),
        ),
        (
            "Admin.trace",
            format!("{{ admin {{ trace(conversation: \"{NOBODY}\", message: \"{NOBODY}\") {{ seq }} }} }}"),
        ),
        (
            "Admin.configuration",
            "{ admin { configuration { name value } } }".to_owned(),
        ),
        ("Admin.audit", "{ admin { audit { nodes { act } } } }".to_owned()),
        (
            "Admin.announcements",
            "{ admin { announcements { nodes { text } } } }".to_owned(),
        ),
        ("Admin.stats", "{ admin { stats { events } } }".to_owned()),
        ("Admin.users", "{ admin { users { nodes { id } } } }".to_owned()),
        (
            "Admin.reports",
            "{ admin { reports { nodes { id } } } }".to_owned(),
        ),
        (
            "Mutation.resolveReport",
            format!("mutation {{ resolveReport({id}, action: DISMISS) {{ id }} }}"),
        ),
        (
            "Mutation.withholdReported",
            format!("mutation {{ withholdReported({id}, note: \"x\") {{ id }} }}"),
        ),
        (
            "Mutation.showReportedAgain",
            format!("mutation {{ showReportedAgain({id}) {{ id }} }}"),
        ),
        (
            "Mutation.suspendUser",
            format!("mutation {{ suspendUser({id}, reason: \"x\") {{ id }} }}"),
        ),
        (
            "Mutation.reinstateUser",
            format!("mutation {{ reinstateUser({id}) {{ id }} }}"),
        ),
        (
            "Mutation.deleteUser",
            format!("mutation {{ deleteUser({id}, reason: \"x\") {{ id }} }}"),
        ),
        (
            "Mutation.revokeSessions",
            format!("mutation {{ revokeSessions({id}, reason: \"x\") }}"),
        ),
        (
            "Mutation.disconnect",
            format!("mutation {{ disconnect(user: \"{NOBODY}\") }}"),
        ),
        (
            "Mutation.retryParked",
            format!("mutation {{ retryParked({parked}) {{ id }} }}"),
        ),
        (
            "Mutation.skipParked",
            format!("mutation {{ skipParked({parked}, reason: \"x\") {{ id }} }}"),
        ),
        (
            "Mutation.rebuildProjection",
            "mutation { rebuildProjection(name: \"history\") { state } }".to_owned(),
        ),
        (
            "Mutation.cancelRebuild",
            "mutation { cancelRebuild(name: \"history\") { state } }".to_owned(),
        ),
        (
            "Mutation.rollbackProjection",
            "mutation { rollbackProjection(name: \"history\") { state } }".to_owned(),
        ),
        (
            "Mutation.announce",
            "mutation { announce(text: \"x\") { state } }".to_owned(),
        ),
        (
            "Mutation.cancelAnnouncement",
            format!("mutation {{ cancelAnnouncement({id}) {{ state }} }}"),
        ),
        (
            "Subscription.readModels",
            "subscription { readModels { name } }".to_owned(),
        ),
        (
            "Subscription.projectionProgress",
            "subscription { projectionProgress { name } }".to_owned(),
        ),
        (
            "Subscription.stats",
            "subscription { stats { events } }".to_owned(),
        ),
    ]
}

/// The first answer.
async fn ask(world: &World, viewer: Option<Viewer>, query: &str) -> Value {
    let answer = world.graphql.stream(Request::new(query), viewer).next().await;
    serde_json::to_value(answer.unwrap()).unwrap()
}

/// The fields of a type of the schema.
fn fields(owner: &str) -> BTreeSet<String> {
    let sdl = tidings_graphql::sdl();
    let body = sdl.split(&format!("type {owner} {{\n")).nth(1).unwrap();
    let body = body.split("\n}").next().unwrap();
    // Between descriptions.
    let between = body.split("\"\"\"").step_by(2);
    let lines = between
        .flat_map(str::lines)
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let name = |line: &str| line.split(['(', ':']).next().unwrap().to_owned();
    lines.map(|line| format!("{owner}.{}", name(line))).collect()
}

#[test]
fn the_table_has_every_field_of_administrators() {
    let mut known: BTreeSet<String> = ["Admin", "Mutation", "Subscription"]
        .into_iter()
        .flat_map(fields)
        .collect();
    known.insert("Query.readModels".to_owned());
    // Members follow their conversations.
    known.remove("Subscription.conversationEvents");
    let told: BTreeSet<String> = table().into_iter().map(|(field, _)| field.to_owned()).collect();
    assert_eq!(told, known);
}

#[tokio::test]
async fn administrators_get_what_nobody_else_does() {
    let world = World::new().await;
    let me = world.person(1).await;
    for (field, query) in table() {
        let answer = ask(&world, None, &query).await;
        assert_eq!(code(&answer), "unauthenticated", "{field}: {answer}");

        let answer = ask(&world, Some(viewer(me)), &query).await;
        if field.starts_with("Admin.") {
            assert_eq!(answer, json!({ "data": { "admin": null } }), "{field}");
        } else {
            assert_eq!(code(&answer), "forbidden", "{field}: {answer}");
        }

        // A role of another name is none, and that of programs is not for this.
        for role in ["administrator", "bot"] {
            let other = Viewer {
                roles: vec![role.to_owned()],
                ..viewer(me)
            };
            let answer = ask(&world, Some(other), &query).await;
            assert!(
                field.starts_with("Admin.") || code(&answer) == "forbidden",
                "{role}: {field}: {answer}"
            );
        }

        // There is no server around, and nothing is parked, which an administrator is told.
        let admin = Viewer {
            roles: vec!["admin".to_owned()],
            ..viewer(me)
        };
        let answer = ask(&world, Some(admin), &query).await;
        let refused = answer["errors"][0]["extensions"]["code"].as_str();
        assert!(
            matches!(refused, None | Some("unavailable" | "not_found")),
            "{field}: {answer}"
        );
        assert!(
            refused.is_some() || !answer["data"]["admin"].is_null() || !field.starts_with("Admin."),
            "{field}: {answer}"
        );
    }
}

#[tokio::test]
async fn moderators_see_and_settle_reports_and_auditors_see_all_and_do_nothing() {
    let world = World::new().await;
    let me = world.person(1).await;
    for (field, query) in table() {
        for role in ["moderator", "auditor"] {
            let viewer = Viewer {
                roles: vec![role.to_owned()],
                ..viewer(me)
            };
            let may = match role {
                "moderator" => matches!(
                    field,
                    "Admin.reports"
                        | "Mutation.resolveReport"
                        | "Mutation.withholdReported"
                        | "Mutation.showReportedAgain"
                ),
                _ => !field.starts_with("Mutation."),
            };
            let answer = ask(&world, Some(viewer), &query).await;
            let refused = answer["errors"][0]["extensions"]["code"].as_str() == Some("forbidden");
            assert_eq!(refused, !may, "{role}: {field}: {answer}");
            assert!(
                !may || answer["data"].get("admin") != Some(&Value::Null) || answer.get("errors").is_some(),
                "{field}"
            );
        }
    }
}
