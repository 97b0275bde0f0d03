//! Registration and login as a client sees them.

use super::*;

#[tokio::test]
async fn whoever_registers_can_log_in_and_both_tokens_are_good() {
    let world = World::new().await;
    let http = world.serve().await;
    let body = json!({"username": "Ada", "password": PASSWORD, "display_name": " Ada Lovelace ", "more": 1});
    let registered = http.post("/auth/register", body).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    let logged_in = http.post("/auth/login", credentials("aDA", PASSWORD)).await;
    assert_eq!(logged_in.status, 200, "{}", logged_in.body);
    for answer in [&registered, &logged_in] {
        assert_eq!(answer.headers["cache-control"], "no-store");
        let principal = world
            .verify(answer.body["token"].as_str().unwrap())
            .await
            .unwrap();
        assert_eq!(answer.body["user"], principal.user.to_string());
        let expires_at = answer.body["expires_at"].as_str().unwrap();
        assert_eq!(
            expires_at,
            principal.expires_at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
        );
        assert!(principal.roles.is_empty() && principal.session.is_some());
        let mut fields: Vec<_> = answer
            .body
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        assert_eq!(fields, ["expires_at", "refresh_token", "token", "user"]);
    }
    assert_eq!(registered.body["user"], logged_in.body["user"]);
    let users = world.ledger.users.lock().unwrap();
    let user = users.values().next().unwrap();
    assert_eq!(
        (users.len(), user.username.as_str(), user.display_name.as_str()),
        (1, "Ada", "Ada Lovelace")
    );
    assert_eq!(registered.body["user"], user.id.to_string());
}

#[tokio::test]
async fn a_username_is_taken_whatever_its_case() {
    let world = World::new().await;
    let http = world.serve().await;
    world.register("ada").await;
    let answer = http.post("/auth/register", credentials("ADA", PASSWORD)).await;
    assert_eq!((answer.status, answer.code()), (409, "conflict"));
    assert_eq!(answer.body["field"], "username");
}

#[tokio::test]
async fn of_many_who_want_a_name_at_once_one_gets_it() {
    let world = World::new().await;
    let tries = (0..20).map(|n| {
        let name = if n % 2 == 0 { "ada" } else { "Ada" };
        world.accounts.register(name, PASSWORD.to_owned(), None, HERE)
    });
    let outcomes = futures_util::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(_) | Err(AccountError::Taken)))
    );
    assert_eq!(world.ledger.users.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let world = World::new().await;
    let http = world.serve().await;
    for (body, field) in [
        (json!({}), "username"),
        (json!({"username": "ada"}), "password"),
        (json!({"username": 1, "password": PASSWORD}), "username"),
        (json!({"username": "a", "password": PASSWORD}), "username"),
        (json!({"username": "ada", "password": "short"}), "password"),
        (
            json!({"username": "ada", "password": PASSWORD, "display_name": ""}),
            "display_name",
        ),
        (
            json!({"username": "ada", "password": PASSWORD, "display_name": 7}),
            "display_name",
        ),
    ] {
        let answer = http.post("/auth/register", body.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "invalid_argument"),
            "{body}"
        );
        assert_eq!(answer.body["field"], field, "{body}");
    }
    let url = format!("{}/auth/login", http.base);
    let json = |body: String| {
        http.client
            .post(&url)
            .header("content-type", "application/json")
            .body(body)
    };
    let answer = http.send(json("{".to_owned())).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_argument"));
    let answer = http
        .send(json(format!("{{\"username\":\"{}\"}}", "x".repeat(100_000))))
        .await;
    assert_eq!((answer.status, answer.code()), (413, "too_large"));
    let answer = http.send(http.client.post(&url).body("username=ada")).await;
    assert_eq!((answer.status, answer.code()), (415, "invalid_argument"));
    let answer = http.send(http.client.get(&url)).await;
    assert_eq!((answer.status, answer.code()), (405, "invalid_argument"));
    assert_eq!(answer.headers["allow"], "POST");
    assert!(world.ledger.users.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_registration_that_the_log_missed_is_made_good_by_the_next_login() {
    let world = World::new().await;
    let http = world.serve().await;
    world.ledger.away.store(true, Ordering::Relaxed);
    let answer = http.post("/auth/register", credentials("ada", PASSWORD)).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    assert_eq!(answer.headers["retry-after"], "1");
    let answer = http.post("/auth/login", credentials("ada", PASSWORD)).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    world.ledger.away.store(false, Ordering::Relaxed);
    let answer = http.post("/auth/login", credentials("ada", PASSWORD)).await;
    assert_eq!(answer.status, 200);
    let user: Uuid = answer.body["user"].as_str().unwrap().parse().unwrap();
    assert_eq!(world.ledger.users.lock().unwrap()[&user].username, "ada");
    // It is known that the log knows now, so the next login does not need it.
    world.ledger.away.store(true, Ordering::Relaxed);
    assert_eq!(
        http.post("/auth/login", credentials("ada", PASSWORD))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_login_renews_a_hash_of_another_cost() {
    let world = World::new().await;
    world.register("ada").await;
    let stored = "SELECT password_hash FROM account";
    assert!(world.text(stored).await.contains("m=16,t=1,"));
    let mut config = cheap();
    config.password_hash.memory_kib = 64;
    let stricter = world.another(config).await;
    stricter.login("ada", PASSWORD.to_owned(), HERE).await.unwrap();
    assert!(world.text(stored).await.contains("m=64,t=1,"));
    world
        .accounts
        .login("ada", PASSWORD.to_owned(), HERE)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_demo_users_are_made_once() {
    let world = World::new().await;
    let demo = demo::create(&world.accounts).await.unwrap();
    let again = demo::create(&world.accounts).await.unwrap();
    assert_eq!(demo.usernames, again.usernames);
    assert_eq!(world.ledger.users.lock().unwrap().len(), 3);
    for (number, username) in demo.usernames.iter().enumerate() {
        let admission = world
            .accounts
            .login(username, demo.password.to_owned(), HERE)
            .await
            .unwrap();
        let principal = world.verify(&admission.token).await.unwrap();
        assert_eq!(principal.is_admin(), number == 0, "{username}");
    }
}

#[tokio::test]
async fn without_a_database_tokens_are_good_and_logins_are_unavailable() {
    let postgres = tidings_services::testing::private_postgres().await.unwrap();
    postgres.ensure_database("accounts").await.unwrap();
    let url = postgres.url("accounts");
    schema::migrate(
        &LogConfig::from_url(&url)
            .unwrap()
            .with_timeout(Duration::from_mins(1)),
        1,
    )
    .await
    .unwrap();
    let lifecycle = Lifecycle::new();
    let config = AuthConfig {
        timeout_ms: 1000,
        ..cheap()
    };
    let accounts = start(&lifecycle, &url, config, Arc::<Ledger>::default())
        .await
        .unwrap();
    let admission = accounts
        .register("ada", PASSWORD.to_owned(), None, HERE)
        .await
        .unwrap();
    postgres.pause().await.unwrap();
    assert!(
        accounts
            .authenticator()
            .verify(&admission.token, now())
            .await
            .is_ok()
    );
    let outcome = accounts.login("ada", PASSWORD.to_owned(), HERE).await;
    assert!(matches!(outcome, Err(AccountError::Unavailable(_))));
    postgres.resume().await.unwrap();
    eventually("logins should be back", async || {
        accounts
            .login("ada", PASSWORD.to_owned(), HERE)
            .await
            .ok()
            .map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let database = migrated().await;
    let issuer = |issuer: &str, jwks_url: &str| OutsideIssuer {
        issuer: issuer.to_owned(),
        jwks_url: jwks_url.to_owned(),
        audience: None,
        refresh_s: 30,
    };
    let weak = SigningKey {
        kid: "a".to_owned(),
        secret: Secret::new("secret"),
    };
    for (config, says) in [
        (
            AuthConfig {
                token_ttl_s: 0,
                ..cheap()
            },
            "token_ttl_s",
        ),
        (
            AuthConfig {
                signing_keys: vec![weak],
                ..cheap()
            },
            "shorter than 32 bytes",
        ),
        (
            AuthConfig {
                issuers: vec![issuer("tidings", "http://127.0.0.1/")],
                ..cheap()
            },
            "two issuers",
        ),
        (
            AuthConfig {
                issuers: vec![issuer("other", "file:///etc/passwd")],
                ..cheap()
            },
            "not https",
        ),
        (
            AuthConfig {
                issuers: vec![issuer("other", "http://issuer.example/jwks")],
                ..cheap()
            },
            "not https",
        ),
        (
            AuthConfig {
                issuers: vec![issuer("other", "?")],
                ..cheap()
            },
            "jwks_url",
        ),
        (
            AuthConfig {
                password_hash: PasswordHashConfig {
                    passes: 0,
                    ..cheap().password_hash
                },
                ..cheap()
            },
            "hash",
        ),
    ] {
        let lifecycle = Lifecycle::new();
        let started = start(&lifecycle, database.url(), config, Arc::<Ledger>::default()).await;
        let error = started.err().expect(says).to_string();
        assert!(error.contains(says), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
