//! Sessions and standing: what ends them, and who is let in no longer.

use super::*;

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
    let told = elsewhere.clone();
    let told = tokio::spawn(async move { told.ended(first.user, None).await });
    assert!(elsewhere.verify(&first.token, now()).await.is_ok());
    assert!(world.accounts.suspend(first.user).await.unwrap());
    assert!(world.accounts.is_suspended(first.user).await.unwrap());
    assert_eq!(world.verify(&first.token).await, Err(AuthError::Suspended));
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    assert_eq!(
        told.expect("the other node should hear of it").unwrap(),
        AuthError::Suspended
    );
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

#[tokio::test]
async fn the_end_of_a_session_ends_its_tokens_on_every_node() {
    let world = World::new().await;
    let elsewhere = world.another(cheap()).await.authenticator();
    let (first, other) = (
        world.register("ada").await,
        world
            .accounts
            .login("ada", PASSWORD.to_owned(), HERE)
            .await
            .unwrap(),
    );
    let principal = elsewhere.verify(&first.token, now()).await.unwrap();
    world.accounts.logout(&first.refresh_token, HERE).await.unwrap();
    assert_eq!(world.verify(&first.token).await, Err(AuthError::Ended));
    let told = elsewhere.ended(principal.user, principal.session);
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    assert_eq!(told.expect("the other node should hear of it"), AuthError::Ended);
    assert_eq!(elsewhere.verify(&first.token, now()).await, Err(AuthError::Ended));
    assert!(elsewhere.verify(&other.token, now()).await.is_ok());
    // A node that starts later knows it too.
    let later = world.another(cheap()).await.authenticator();
    assert_eq!(later.verify(&first.token, now()).await, Err(AuthError::Ended));
}

/// For sessions with the database that begin from now on the time is as far ahead as a row says.
const ANOTHER_CLOCK: &str = "CREATE SCHEMA another; CREATE TABLE another.clock (ahead interval NOT NULL); \
     INSERT INTO another.clock VALUES ('0'); \
     CREATE FUNCTION another.now() RETURNS timestamptz LANGUAGE sql STABLE AS \
         'SELECT pg_catalog.now() + ahead FROM another.clock'; \
     DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = another, public, pg_catalog', current_database()); END $$";

/// As after a pause of its machine, of which a node's own clock knows nothing: between two looks ten minutes go by.
#[tokio::test]
async fn a_node_learns_of_all_that_ended_since_it_looked_however_long_it_stood_still() {
    let world = World::new().await;
    let (ada, eve, dan) = (
        world.register("ada").await,
        world.register("eve").await,
        world.register("dan").await,
    );
    world.sql(ANOTHER_CLOCK).await;
    let node = world.another(cheap()).await.authenticator();
    let mut principals = vec![];
    for token in [&ada.token, &eve.token, &dan.token] {
        principals.push(node.verify(token, now()).await.unwrap());
    }
    let session = |n: usize| principals[n].session.unwrap();
    let told = async |n: usize| {
        let ended = node.ended(principals[n].user, principals[n].session);
        let told = tokio::time::timeout(Duration::from_secs(30), ended).await;
        assert_eq!(told.expect("the node should hear of it"), AuthError::Ended);
    };
    // One transaction, so that no look comes between.
    let meanwhile = format!(
        "UPDATE another.clock SET ahead = '10 minutes'; \
         UPDATE session SET revoked_at = pg_catalog.now() + interval '5 minutes' WHERE id = '{}'; \
         UPDATE account SET deleted_at = pg_catalog.now() + interval '5 minutes' WHERE id = '{}'",
        session(0),
        eve.user
    );
    world.sql(&meanwhile).await;
    told(0).await;
    told(1).await;
    assert!(node.verify(&dan.token, now()).await.is_ok());

    // Where the clock is set back, or another server's is behind, what ends then ends before the last look.
    let set_back = format!(
        "UPDATE another.clock SET ahead = '0'; UPDATE session SET revoked_at = pg_catalog.now() WHERE id = '{}'",
        session(2)
    );
    world.sql(&set_back).await;
    told(2).await;
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them() {
    let world = World::new().await;
    let http = world.serve().await;
    let other = world.register("eve").await;
    let mut body = credentials("ada", PASSWORD);
    body["device"] = json!("phone");
    let phone = http.post("/auth/register", body).await.body;
    let mut body = credentials("ada", PASSWORD);
    body["device"] = json!("laptop");
    let laptop = http.post("/auth/login", body).await.body;
    let (phone, laptop) = (
        phone["token"].as_str().unwrap(),
        laptop["token"].as_str().unwrap(),
    );
    let list = async |token: &str| http.get("/auth/sessions", token).await;
    let listed = list(phone).await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    assert_eq!(listed.headers["cache-control"], "no-store");
    let shown: Vec<_> = listed.body.as_array().unwrap().iter().collect();
    let fields: Vec<_> = shown
        .iter()
        .map(|session| (&session["device"], &session["address"], &session["current"]))
        .collect();
    let here = json!("127.0.0.1");
    assert_eq!(
        fields,
        [
            (&json!("laptop"), &here, &json!(false)),
            (&json!("phone"), &here, &json!(true))
        ]
    );
    assert!(shown[0]["created_at"].is_string() && shown[0]["last_used_at"].is_string());

    let path = format!("/auth/sessions/{}", shown[0]["id"].as_str().unwrap());
    let stranger = http.delete(&path, &other.token).await;
    assert_eq!((stranger.status, stranger.code()), (404, "not_found"));
    assert_eq!(http.delete(&path, phone).await.status, 204);
    assert_eq!(http.delete(&path, phone).await.code(), "not_found");
    assert_eq!(http.delete("/auth/sessions/x", phone).await.code(), "not_found");
    assert_eq!(list(laptop).await.code(), "unauthenticated");
    assert_eq!(list(phone).await.body.as_array().unwrap().len(), 1);

    let logout = http.client.post(format!("{}/auth/logout", http.base));
    let scheme = format!("BEARER {phone}");
    assert_eq!(
        http.send(logout.header("authorization", scheme)).await.status,
        204
    );
    assert_eq!(list(phone).await.code(), "unauthenticated");
    assert_eq!(list("").await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_session_too_many_ends_the_one_that_was_used_longest_ago() {
    let world = World::new().await;
    let first = world.register("ada").await;
    // As many more as an account has, one a minute further back.
    world
        .sql(
            "INSERT INTO session (id, account, expires_at, last_used_at) \
             SELECT gen_random_uuid(), account, expires_at, now() - n * interval '1 minute' FROM session, generate_series(1, 199) n",
        )
        .await;
    world
        .accounts
        .login("ada", PASSWORD.to_owned(), HERE)
        .await
        .unwrap();
    let left = world.accounts.sessions(first.user).await.unwrap();
    assert_eq!(left.len(), 200);
    assert!(world.accounts.refresh(&first.refresh_token, HERE).await.is_ok());
    let ended = "DO $$ BEGIN ASSERT (SELECT count(*) = 1 AND min(last_used_at) < now() - interval '198 minutes' \
                 FROM session WHERE revoked_at IS NOT NULL); END $$";
    world.sql(ended).await;
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let world = World::new().await;
    let http = world.serve().await;
    let mine = world.register("ada").await;
    let other = world
        .accounts
        .login("ada", PASSWORD.to_owned(), HERE)
        .await
        .unwrap();
    let change = async |token: &str, password: &str, new: &str| {
        let body = json!({ "password": password, "new_password": new });
        let request = http.client.post(format!("{}/auth/password", http.base));
        http.send(request.bearer_auth(token).json(&body)).await
    };
    let new = "a better passphrase";
    let wrong = change(&mine.token, "a wrong guess", new).await;
    assert_eq!((wrong.status, wrong.code()), (401, "unauthenticated"));
    let weak = change(&mine.token, PASSWORD, "short").await;
    assert_eq!(
        (weak.code(), &weak.body["field"]),
        ("invalid_argument", &json!("new_password"))
    );
    assert!(world.verify(&other.token).await.is_ok(), "nothing has changed");

    let changed = change(&mine.token, PASSWORD, new).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let granted = world
        .verify(changed.body["token"].as_str().unwrap())
        .await
        .unwrap();
    let before = world.verify(&mine.token).await.unwrap();
    assert_eq!(granted.session, before.session, "one's own goes on");
    assert_eq!(world.verify(&other.token).await, Err(AuthError::Ended));
    assert!(world.accounts.refresh(&other.refresh_token, HERE).await.is_err());
    // A refresh token from before the change is no way back.
    assert!(world.accounts.refresh(&mine.refresh_token, HERE).await.is_err());
    let refresh_token = changed.body["refresh_token"].as_str().unwrap();
    world.accounts.refresh(refresh_token, HERE).await.unwrap();
    let old = http.post("/auth/login", credentials("ada", PASSWORD)).await;
    assert_eq!(old.status, 401);
    assert_eq!(
        http.post("/auth/login", credentials("ada", new)).await.status,
        200
    );
    let nobody = change("", new, PASSWORD).await;
    assert_eq!((nobody.status, nobody.code()), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_login_by_the_old_password_that_is_under_way_is_ended_by_the_new_one() {
    let world = World::new().await;
    world.register("ada").await;
    // While the account is held the login waits with its password checked, and the change comes first.
    let pool = pool(world.database.url());
    let mut holder = pool.get().await.unwrap();
    let change = holder.transaction().await.unwrap();
    let set = "UPDATE account SET password_hash = 'of a new password'";
    change.execute(set, &[]).await.unwrap();
    let release = async {
        let waiting = "SELECT count(*)::text FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the login should wait", async || {
            (world.text(waiting).await == "1").then_some(())
        })
        .await;
        change.commit().await.unwrap();
    };
    let (login, ()) = tokio::join!(world.accounts.login("ada", PASSWORD.to_owned(), HERE), release);
    assert!(matches!(login, Err(AccountError::Unavailable(_))));
    assert_eq!(
        world.text("SELECT password_hash FROM account").await,
        "of a new password"
    );
}
