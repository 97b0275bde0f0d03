//! Deletion: whose account is deleted is let in nowhere any more, and the log hears of it, if not at once.

use super::*;

async fn delete(http: &Http, token: &str, password: &str) -> Answer {
    let request = http.client.post(format!("{}/auth/delete", http.base));
    let body = json!({ "password": password });
    http.send(request.bearer_auth(token).json(&body)).await
}

#[tokio::test]
async fn whoever_knows_the_password_deletes_the_account_and_is_let_in_nowhere_any_more() {
    let world = World::new().await;
    let http = world.serve().await;
    let elsewhere = world.another(cheap()).await.authenticator();
    let first = world.register("ada").await;
    let told = elsewhere.clone();
    let told = tokio::spawn(async move { told.ended(first.user, None).await });
    let wrong = delete(&http, &first.token, "a wrong guess").await;
    assert_eq!((wrong.status, wrong.code()), (401, "unauthenticated"));
    assert!(world.verify(&first.token).await.is_ok(), "nothing has happened");

    let deleted = delete(&http, &first.token, PASSWORD).await;
    assert_eq!((deleted.status, deleted.body), (204, Value::Null));
    assert_eq!(world.verify(&first.token).await, Err(AuthError::Ended));
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    assert_eq!(
        told.expect("the other node should hear of it").unwrap(),
        AuthError::Ended
    );
    assert_eq!(elsewhere.deleted(), [first.user].into());
    assert_eq!(elsewhere.verify(&first.token, now()).await, Err(AuthError::Ended));
    let body = json!({ "refresh_token": first.refresh_token });
    assert_eq!(http.post("/auth/refresh", body).await.code(), "unauthenticated");
    assert_eq!(
        delete(&http, &first.token, PASSWORD).await.code(),
        "unauthenticated"
    );

    // A name that was deleted is answered like one that never was.
    let gone = http.post("/auth/login", credentials("ada", PASSWORD)).await;
    let never = http.post("/auth/login", credentials("grace", PASSWORD)).await;
    assert_eq!((gone.status, gone.code()), (401, "unauthenticated"));
    assert_eq!(gone.body, never.body);
    // A link to a file holds for hours; a node that starts meanwhile refuses whoever comes by one.
    let earlier = format!(
        "UPDATE account SET deleted_at = now() - interval '170 minutes' WHERE id = '{}'",
        first.user
    );
    world.sql(&earlier).await;
    let later = world.another(cheap()).await.authenticator();
    assert_eq!(later.refusal(first.user, None), Some(AuthError::Ended));
    let expected = AccountDeleted {
        by: DeletedBy::Person,
        name_freed: false,
    };
    assert_eq!(world.ledger.deleted.lock().unwrap()[&first.user], expected);
}

#[tokio::test]
async fn guesses_at_a_deletion_count_like_those_at_the_door() {
    let mut config = cheap();
    config.limits.name_failures = 2;
    config.limits.name_delay_ms = 3_600_000;
    config.limits.name_delay_ms_max = 3_600_000;
    let world = World::with(config).await;
    let http = world.serve().await;
    let first = world.register("ada").await;
    for _ in 0..3 {
        let wrong = delete(&http, &first.token, "a wrong guess").await;
        assert_eq!(wrong.code(), "unauthenticated");
    }
    let late = delete(&http, &first.token, PASSWORD).await;
    assert_eq!((late.status, late.code()), (429, "rate_limited"));
}

#[tokio::test]
async fn a_name_is_kept_for_nobody_unless_names_are_freed() {
    for free_deleted_names in [false, true] {
        let world = World::with(AuthConfig {
            free_deleted_names,
            ..cheap()
        })
        .await;
        let http = world.serve().await;
        let first = world.register("ada").await;
        assert!(world.accounts.delete(first.user).await.unwrap());
        assert!(!world.accounts.delete(first.user).await.unwrap(), "once");
        assert_eq!(world.accounts.user_named("ada").await.unwrap(), None);
        let again = http.post("/auth/register", credentials("Ada", PASSWORD)).await;
        let wanted = if free_deleted_names { 201 } else { 409 };
        assert_eq!(again.status, wanted, "{:?}", again.body);
        let expected = AccountDeleted {
            by: DeletedBy::Operator,
            name_freed: free_deleted_names,
        };
        assert_eq!(world.ledger.deleted.lock().unwrap()[&first.user], expected);
        // What there is beside the name is nobody's any more.
        let left = format!(
            "SELECT concat_ws(' ', username, display_name, password_hash, roles::text) FROM account WHERE id = '{}'",
            first.user
        );
        assert_eq!(
            world.text(&left).await,
            format!("{} deleted user {{}}", first.user)
        );
    }
}

#[tokio::test]
async fn an_operator_does_nothing_to_who_is_gone_or_never_was() {
    let world = World::new().await;
    let first = world.register("ada").await;
    assert!(world.accounts.suspend(first.user).await.unwrap());
    assert!(world.accounts.delete(first.user).await.unwrap());
    assert!(!world.accounts.suspend(first.user).await.unwrap());
    assert!(!world.accounts.reinstate(first.user).await.unwrap());
    assert!(
        !world
            .accounts
            .set_roles(first.user, &[Role::Admin])
            .await
            .unwrap()
    );
    assert!(!world.accounts.delete(Uuid::new_v4()).await.unwrap());
    assert!(!world.accounts.is_suspended(first.user).await.unwrap());
    // To nodes that know nothing of deletions they are.
    let counted = format!(
        "SELECT (suspended_at IS NOT NULL)::text FROM account WHERE id = '{}'",
        first.user
    );
    assert_eq!(world.text(&counted).await, "true");
    assert_eq!(world.verify(&first.token).await, Err(AuthError::Ended));
}

#[tokio::test]
async fn a_deletion_that_the_log_missed_is_told_again() {
    let world = World::new().await;
    let first = world.register("ada").await;
    world.ledger.away.store(true, Ordering::Relaxed);
    assert!(world.accounts.delete(first.user).await.unwrap());
    assert!(world.ledger.deleted.lock().unwrap().is_empty());
    assert_eq!(world.verify(&first.token).await, Err(AuthError::Ended));
    world.ledger.away.store(false, Ordering::Relaxed);
    eventually("the log should hear of it", async || {
        let told = world.ledger.deleted.lock().unwrap();
        told.contains_key(&first.user).then_some(())
    })
    .await;
    eventually("it should be told no more", async || {
        let untold = "SELECT count(*)::text FROM account WHERE deletion_told_at IS NULL";
        (world.text(untold).await == "0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_deletion_is_told_however_many_came_first_that_the_log_does_not_take() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let crowd: Vec<Uuid> = (0..150).map(|_| Uuid::new_v4()).collect();
    world.ledger.refused.lock().unwrap().extend(&crowd);
    let ids: Vec<String> = crowd.iter().map(|user| format!("('{user}'::uuid)")).collect();
    let deleted = format!(
        "INSERT INTO account (id, username, username_key, display_name, deleted_at) \
         SELECT u.id, u.id::text, u.id::text, 'deleted user', now() - interval '1 hour' FROM (VALUES {}) u(id)",
        ids.join(", ")
    );
    world.sql(&deleted).await;
    world.ledger.away.store(true, Ordering::Relaxed);
    assert!(world.accounts.delete(first.user).await.unwrap());
    world.ledger.away.store(false, Ordering::Relaxed);
    eventually("the log should hear of it", async || {
        let told = world.ledger.deleted.lock().unwrap();
        told.contains_key(&first.user).then_some(())
    })
    .await;
}
