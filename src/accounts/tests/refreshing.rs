//! Refresh tokens: spent, repeated, taken, stolen.

use super::*;

/// A spent refresh token, spent long ago.
async fn age(world: &World) {
    world
        .sql("UPDATE refresh_token SET spent_at = spent_at - interval '31 seconds'")
        .await;
}

#[tokio::test]
async fn a_spent_refresh_token_revokes_its_family_when_the_grace_is_over() {
    let world = World::new().await;
    let http = world.serve().await;
    let first = world.register("ada").await;
    let refresh = |token: String| http.post("/auth/refresh", json!({ "refresh_token": token }));
    let second = refresh(first.refresh_token.clone()).await;
    assert_eq!(second.status, 200, "{}", second.body);
    assert_eq!(second.body["user"], first.user.to_string());
    let second_token = second.body["token"].as_str().unwrap();
    let principal = world.verify(second_token).await.unwrap();
    let before = world.verify(&first.token).await.unwrap();
    assert_eq!((principal.user, principal.session), (first.user, before.session));
    let successor = second.body["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(successor, first.refresh_token);

    age(&world).await;
    let reused = refresh(first.refresh_token.clone()).await;
    assert_eq!((reused.status, reused.code()), (401, "unauthenticated"));
    let revoked = refresh(successor).await;
    assert_eq!(
        (revoked.status, revoked.code()),
        (401, "unauthenticated"),
        "the whole family is revoked"
    );
    assert_eq!(
        world.verify(second_token).await,
        Err(AuthError::Ended),
        "and its tokens with it"
    );
    // Another login is another family.
    let other = world
        .accounts
        .login("ada", PASSWORD.to_owned(), HERE)
        .await
        .unwrap();
    assert!(world.accounts.refresh(&other.refresh_token, HERE).await.is_ok());
}

/// Two tabs, or an answer that was lost.

#[tokio::test]
async fn a_refresh_that_is_repeated_soon_is_the_same_refresh() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let refresh = async |token: &str| world.accounts.refresh(token, HERE).await;
    let lost = refresh(&first.refresh_token).await.unwrap();
    let again = refresh(&first.refresh_token).await.unwrap();
    assert_ne!(lost.refresh_token, again.refresh_token);
    let (one, two) = (
        world.verify(&lost.token).await.unwrap(),
        world.verify(&again.token).await.unwrap(),
    );
    assert_eq!(one.session, two.session);
    // Each tab goes on with its own.
    let next = refresh(&again.refresh_token).await.unwrap();
    refresh(&lost.refresh_token).await.unwrap();
    refresh(&next.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_spent_refresh_token_revokes_its_family_once_a_successor_was_used() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let refresh = async |token: &str| world.accounts.refresh(token, HERE).await;
    let second = refresh(&first.refresh_token).await.unwrap();
    let third = refresh(&second.refresh_token).await.unwrap();
    let reused = refresh(&first.refresh_token).await;
    assert!(matches!(reused, Err(AccountError::BadRefreshToken)));
    assert!(
        refresh(&third.refresh_token).await.is_err(),
        "the family is revoked"
    );
}

#[tokio::test]
async fn two_refreshes_side_by_side_are_one_refresh() {
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
    for winner in [one.unwrap(), two.unwrap()] {
        assert!(world.accounts.refresh(&winner.refresh_token, HERE).await.is_ok());
    }
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
        age(&world).await;
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
async fn who_refreshes_again_and_again_keeps_the_newest_tokens_alone() {
    let world = World::new().await;
    let first = world.register("ada").await;
    world
        .sql(
            "INSERT INTO refresh_token (hash, session, issued_at, expires_at, spent_at) \
             SELECT sha256(n::text::bytea), session, issued_at - n * interval '1 minute', expires_at, issued_at \
               FROM refresh_token, generate_series(1, 150) n",
        )
        .await;
    let second = world.accounts.refresh(&first.refresh_token, HERE).await.unwrap();
    let kept = "DO $$ BEGIN ASSERT (SELECT count(*) = 100 AND min(issued_at) > now() - interval '99 minutes' \
                FROM refresh_token); END $$";
    world.sql(kept).await;
    assert!(world.accounts.refresh(&second.refresh_token, HERE).await.is_ok());
}
