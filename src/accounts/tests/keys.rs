//! The keys that tokens are signed with, on several nodes.

use super::*;

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
