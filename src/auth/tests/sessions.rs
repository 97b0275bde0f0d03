//! Refresh, revocation, suspension and keys.

use super::*;

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let world = World::new().await;
    let http = world.serve().await;
    let first = world.register("ada").await;
    let refresh = |token: String| http.post("/auth/refresh", json!({ "refresh_token": token }));
    let second = refresh(first.refresh_token.clone()).await;
    assert_eq!(second.status, 200, "{}", second.body);
    assert_eq!(second.body["user"], first.user.to_string());
    let principal = world
        .verify(second.body["token"].as_str().unwrap())
        .await
        .unwrap();
    let before = world.verify(&first.token).await.unwrap();
    assert_eq!((principal.user, principal.session), (first.user, before.session));
    let second_token = second.body["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(second_token, first.refresh_token);

    let reused = refresh(first.refresh_token.clone()).await;
    assert_eq!((reused.status, reused.code()), (401, "unauthenticated"));
    let revoked = refresh(second_token).await;
    assert_eq!(
        (revoked.status, revoked.code()),
        (401, "unauthenticated"),
        "the whole family is revoked"
    );
    // Another login is another family.
    let other = world
        .accounts
        .login("ada", PASSWORD.to_owned(), HERE)
        .await
        .unwrap();
    assert!(world.accounts.refresh(&other.refresh_token, HERE).await.is_ok());
}

#[tokio::test]
async fn two_refreshes_side_by_side_are_a_reuse() {
    let world = World::new().await;
    let first = world.register("ada").await;
    // While the token's row is held, neither can end, and both have begun when both wait.
    let pool = pool(world.database.url());
    let mut holder = pool.get().await.unwrap();
    let hold = holder.transaction().await.unwrap();
    hold.execute("SELECT FROM refresh_token FOR UPDATE", &[])
        .await
        .unwrap();
    let release = async {
        let waiting = "SELECT count(*)::text FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("both refreshes should wait", async || {
            (world.text(waiting).await == "2").then_some(())
        })
        .await;
        hold.commit().await.unwrap();
    };
    let (one, two, ()) = tokio::join!(
        world.accounts.refresh(&first.refresh_token, HERE),
        world.accounts.refresh(&first.refresh_token, HERE),
        release
    );
    let winners: Vec<_> = [one, two].into_iter().filter_map(Result::ok).collect();
    assert_eq!(winners.len(), 1);
    assert!(
        world
            .accounts
            .refresh(&winners[0].refresh_token, HERE)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_revocation_catches_a_token_that_is_just_being_issued() {
    let world = World::new().await;
    world.register("ada").await;
    for round in 0..10 {
        let spent = world
            .accounts
            .login("ada", PASSWORD.to_owned(), HERE)
            .await
            .unwrap();
        let current = world.accounts.refresh(&spent.refresh_token, HERE).await.unwrap();
        let (stolen, next) = tokio::join!(
            world.accounts.refresh(&spent.refresh_token, HERE),
            world.accounts.refresh(&current.refresh_token, HERE)
        );
        assert!(stolen.is_err(), "round {round}");
        if let Ok(next) = next {
            let survived = world.accounts.refresh(&next.refresh_token, HERE).await;
            assert!(survived.is_err(), "round {round}: a token outlived its family");
        }
    }
}

#[tokio::test]
async fn an_expired_or_invented_refresh_token_is_refused() {
    let world = World::new().await;
    let first = world.register("ada").await;
    for token in [
        "",
        "x",
        &"0".repeat(64),
        &first.refresh_token.to_uppercase(),
        &first.token,
    ] {
        let outcome = world.accounts.refresh(token, HERE).await;
        assert!(matches!(outcome, Err(AccountError::BadRefreshToken)), "{token}");
    }
    world
        .sql("UPDATE refresh_token SET expires_at = now() - interval '1 second'")
        .await;
    let outcome = world.accounts.refresh(&first.refresh_token, HERE).await;
    assert!(matches!(outcome, Err(AccountError::BadRefreshToken)));
}

#[tokio::test]
async fn tokens_are_stored_only_as_hashes() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let dump = "SELECT string_agg(t::text, ' ') FROM (SELECT r::text AS t FROM refresh_token r \
                UNION ALL SELECT s::text FROM session s UNION ALL SELECT a::text FROM account a) t";
    let dump = world.text(dump).await;
    assert!(dump.contains("$argon2id$"));
    assert!(!dump.contains(&first.refresh_token) && !dump.contains(&first.token) && !dump.contains(PASSWORD));
}

#[tokio::test]
async fn a_logout_ends_the_session() {
    let world = World::new().await;
    let http = world.serve().await;
    let first = world.register("ada").await;
    let body = json!({ "refresh_token": first.refresh_token });
    assert_eq!(http.post("/auth/logout", body.clone()).await.status, 204);
    assert_eq!(http.post("/auth/logout", body.clone()).await.status, 204);
    assert_eq!(http.post("/auth/refresh", body).await.code(), "unauthenticated");
    let other = world
        .accounts
        .login("ada", PASSWORD.to_owned(), HERE)
        .await
        .unwrap();
    assert_eq!(world.accounts.revoke_sessions(first.user).await.unwrap(), 1);
    assert!(world.accounts.refresh(&other.refresh_token, HERE).await.is_err());
}

#[tokio::test]
async fn a_suspended_user_is_shut_out_everywhere() {
    let world = World::new().await;
    let http = world.serve().await;
    let elsewhere = world.another(cheap()).await.authenticator();
    let first = world.register("ada").await;
    let mut suspended = elsewhere.suspended();
    assert!(elsewhere.verify(&first.token, now()).await.is_ok());
    assert!(world.accounts.suspend(first.user).await.unwrap());
    assert!(world.accounts.is_suspended(first.user).await.unwrap());
    assert_eq!(world.verify(&first.token).await, Err(AuthError::Suspended));
    let told = tokio::time::timeout(
        Duration::from_secs(30),
        suspended.wait_for(|users| users.contains(&first.user)),
    );
    assert!(told.await.is_ok(), "the other node should hear of it");
    assert_eq!(
        elsewhere.verify(&first.token, now()).await,
        Err(AuthError::Suspended)
    );

    let answer = http.post("/auth/login", credentials("ada", PASSWORD)).await;
    assert_eq!((answer.status, answer.code()), (403, "forbidden"));
    let answer = http
        .post("/auth/login", credentials("ada", "a wrong guess"))
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (401, "unauthenticated"),
        "a stranger is not told"
    );
    let answer = http
        .post("/auth/refresh", json!({ "refresh_token": first.refresh_token }))
        .await;
    assert_eq!((answer.status, answer.code()), (403, "forbidden"));

    assert!(world.accounts.reinstate(first.user).await.unwrap());
    assert!(world.verify(&first.token).await.is_ok());
    assert!(
        world.accounts.refresh(&first.refresh_token, HERE).await.is_ok(),
        "the token was not spent"
    );
    assert!(!world.accounts.suspend(Uuid::new_v4()).await.unwrap());
}

#[tokio::test]
async fn roles_come_with_the_next_token() {
    let world = World::new().await;
    let first = world.register("ada").await;
    assert!(
        world
            .accounts
            .set_roles(first.user, &[Role::Admin])
            .await
            .unwrap()
    );
    assert!(!world.verify(&first.token).await.unwrap().is_admin());
    let next = world.accounts.refresh(&first.refresh_token, HERE).await.unwrap();
    assert!(world.verify(&next.token).await.unwrap().is_admin());
}

#[tokio::test]
async fn nodes_share_their_keys_and_learn_of_new_ones() {
    let world = World::new().await;
    let admission = world.register("ada").await;
    let elsewhere = world.another(cheap()).await;
    assert!(
        elsewhere
            .authenticator()
            .verify(&admission.token, now())
            .await
            .is_ok()
    );
    assert_eq!(world.text("SELECT count(*)::text FROM signing_key").await, "1");
    // This node finds every key too old and makes one, which the others have not seen.
    let renewing = world
        .another(AuthConfig {
            signing_key_age_s: 0,
            ..cheap()
        })
        .await;
    assert!(
        world
            .text("SELECT count(*)::text FROM signing_key")
            .await
            .parse::<u32>()
            .unwrap()
            >= 2
    );
    let newer = renewing.login("ada", PASSWORD.to_owned(), HERE).await.unwrap();
    assert!(
        world.verify(&newer.token).await.is_ok(),
        "a new key should be looked for"
    );
    assert!(
        renewing
            .authenticator()
            .verify(&admission.token, now())
            .await
            .is_ok(),
        "an old key still verifies"
    );
}

#[tokio::test]
async fn keys_from_settings_leave_the_table_alone() {
    let key = |kid: &str| SigningKey {
        kid: kid.to_owned(),
        secret: Secret::new(kid.repeat(40)),
    };
    let world = World::with(AuthConfig {
        signing_keys: vec![key("a")],
        ..cheap()
    })
    .await;
    let admission = world.register("ada").await;
    assert_eq!(world.text("SELECT count(*)::text FROM signing_key").await, "0");
    let rotated = world
        .another(AuthConfig {
            signing_keys: vec![key("b"), key("a")],
            ..cheap()
        })
        .await;
    assert!(
        rotated
            .authenticator()
            .verify(&admission.token, now())
            .await
            .is_ok()
    );
    let newer = rotated.login("ada", PASSWORD.to_owned(), HERE).await.unwrap();
    assert_eq!(world.verify(&newer.token).await, Err(AuthError::Invalid));
}

#[tokio::test]
async fn expired_sessions_are_removed() {
    let world = World::new().await;
    world.register("ada").await;
    world
        .sql("UPDATE session SET expires_at = now() - interval '1 day'")
        .await;
    // A node tidies when it starts.
    world.another(cheap()).await;
    eventually("the session should be removed", async || {
        let left = "SELECT ((SELECT count(*) FROM session) + (SELECT count(*) FROM refresh_token))::text";
        (world.text(left).await == "0").then_some(())
    })
    .await;
}
