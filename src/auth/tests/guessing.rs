//! Guessing passwords is slow, wherever from.

use super::*;

fn limits(name_delay_ms: u64) -> AuthConfig {
    AuthConfig {
        limits: AuthLimits {
            name_failures: 3,
            name_delay_ms,
            name_delay_ms_max: 3_600_000,
            ..AuthLimits::default()
        },
        ..cheap()
    }
}

async fn guess(accounts: &Accounts, username: &str) -> AccountError {
    accounts
        .login(username, "a wrong guess".to_owned(), HERE)
        .await
        .err()
        .expect("a wrong guess must not be admitted")
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let world = World::new().await;
    let http = world.serve().await;
    world.register("ada").await;
    let mut answers = Vec::new();
    for username in ["ada", "nobody", "not a username"] {
        let answer = http
            .post("/auth/login", credentials(username, "a wrong guess"))
            .await;
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated"));
        answers.push(answer.body);
    }
    assert!(answers.iter().all(|body| *body == answers[0]));
}

#[tokio::test]
async fn guesses_lock_an_account_on_every_node_until_the_delay_is_over() {
    let world = World::with(limits(600_000)).await;
    world.register("ada").await;
    for _ in 0..3 {
        assert!(matches!(guess(&world.accounts, "ada").await, AccountError::Wrong));
    }
    // Here the node's memory refuses. Elsewhere it is the account itself, after the first guess that has a delay.
    let AccountError::TooMany { wait } = guess(&world.accounts, "ada").await else {
        panic!("a fourth guess passed")
    };
    assert!(wait <= Duration::from_mins(10) && !wait.is_zero(), "{wait:?}");
    let elsewhere = world.another(limits(600_000)).await;
    assert!(matches!(guess(&elsewhere, "ada").await, AccountError::Wrong));
    let AccountError::TooMany { wait } = guess(&elsewhere, "ada").await else {
        panic!("a fifth guess passed")
    };
    assert!(wait > Duration::from_mins(5), "{wait:?}");
    // Not even the right one, or guessing would go on unhindered.
    let right = elsewhere.login("ada", PASSWORD.to_owned(), HERE).await;
    assert!(matches!(right, Err(AccountError::TooMany { .. })));

    world.sql("UPDATE account SET locked_until = now()").await;
    elsewhere.login("ada", PASSWORD.to_owned(), HERE).await.unwrap();
    assert_eq!(world.text("SELECT failed_count::text FROM account").await, "0");
    assert!(matches!(guess(&elsewhere, "ada").await, AccountError::Wrong));
}

#[tokio::test]
async fn a_lock_ends_by_itself() {
    let world = World::with(limits(50)).await;
    let http = world.serve().await;
    world.register("ada").await;
    let refused = eventually("a lock", async || {
        let answer = http
            .post("/auth/login", credentials("ada", "a wrong guess"))
            .await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    assert_eq!(refused.code(), "rate_limited");
    assert!(refused.body["retry_after_ms"].as_u64().unwrap() > 0);
    assert!(
        refused.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 0
    );
    eventually("the lock should end", async || {
        (http
            .post("/auth/login", credentials("ada", PASSWORD))
            .await
            .status
            == 200)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn delays_double_up_to_the_longest() {
    let world = World::with(limits(1000)).await;
    world.register("ada").await;
    let mut delays = Vec::new();
    for failures in 1..=12 {
        world
            .sql("UPDATE account SET locked_until = now() WHERE locked_until IS NOT NULL")
            .await;
        world
            .text("SELECT o_username FROM account_attempt('ada', 3, 1000000, 60000000)")
            .await;
        let delay =
            "SELECT ceil(extract(epoch FROM locked_until - clock_timestamp()) / 1000)::text FROM account";
        delays.push(world.text(delay).await);
        assert_eq!(
            world.text("SELECT failed_count::text FROM account").await,
            failures.to_string()
        );
    }
    assert_eq!(delays[3..], ["1", "2", "4", "8", "16", "32", "60", "60", "60"]);
}

#[tokio::test]
async fn a_day_of_rest_clears_the_count() {
    let world = World::new().await;
    world.register("ada").await;
    world
        .sql("UPDATE account SET failed_count = 50, locked_until = now() - interval '25 hours'")
        .await;
    guess(&world.accounts, "ada").await;
    assert_eq!(world.text("SELECT failed_count::text FROM account").await, "1");
}

#[tokio::test]
async fn guesses_side_by_side_are_counted_one_by_one() {
    let world = World::with(limits(60_000)).await;
    world.register("ada").await;
    let nodes = [
        world.another(limits(60_000)).await,
        world.another(limits(60_000)).await,
    ];
    let guesses = (0..40).map(|n| guess(&nodes[n % 2], "ada"));
    let answers = futures_util::future::join_all(guesses).await;
    let tried = answers
        .iter()
        .filter(|answer| matches!(answer, AccountError::Wrong))
        .count();
    assert!(tried <= 4, "{tried} guesses were compared with the password");
    assert!(tried >= 3);
}

#[tokio::test]
async fn an_unknown_name_is_slowed_like_a_known_one() {
    let world = World::with(limits(60_000)).await;
    for _ in 0..3 {
        assert!(matches!(
            guess(&world.accounts, "nobody").await,
            AccountError::Wrong
        ));
    }
    assert!(matches!(
        guess(&world.accounts, "nobody").await,
        AccountError::TooMany { .. }
    ));
}

#[tokio::test]
async fn failures_from_one_address_stop_it_and_no_other() {
    let limits = AuthLimits {
        address_failures: 3,
        address_failure_ms: 60_000,
        ..AuthLimits::default()
    };
    let world = World::with(AuthConfig { limits, ..cheap() }).await;
    world.register("ada").await;
    for n in 0..3 {
        assert!(matches!(
            guess(&world.accounts, &format!("user-{n}")).await,
            AccountError::Wrong
        ));
    }
    let right = world.accounts.login("ada", PASSWORD.to_owned(), HERE).await;
    assert!(matches!(right, Err(AccountError::TooMany { .. })));
    let refreshed = world.accounts.refresh("x", HERE).await;
    assert!(matches!(refreshed, Err(AccountError::TooMany { .. })));
    let there: IpAddr = "192.0.2.1".parse().unwrap();
    world
        .accounts
        .login("ada", PASSWORD.to_owned(), there)
        .await
        .unwrap();
}

#[tokio::test]
async fn who_does_not_fail_is_not_slowed() {
    let world = World::with(limits(60_000)).await;
    world.register("ada").await;
    for _ in 0..10 {
        world
            .accounts
            .login("ada", PASSWORD.to_owned(), HERE)
            .await
            .unwrap();
        assert!(matches!(guess(&world.accounts, "ada").await, AccountError::Wrong));
    }
}

#[tokio::test]
async fn a_flood_of_registrations_is_refused() {
    let limits = AuthLimits {
        requests_per_s: 1,
        requests_burst: 2,
        ..AuthLimits::default()
    };
    let world = World::with(AuthConfig { limits, ..cheap() }).await;
    let http = world.serve().await;
    let tries = (0..10).map(|n| http.post("/auth/register", credentials(&format!("user-{n}"), PASSWORD)));
    let answers = futures_util::future::join_all(tries.map(async |answer| answer.await.status)).await;
    assert!(
        answers.iter().filter(|status| **status == 201).count() >= 2,
        "{answers:?}"
    );
    assert!(answers.contains(&429), "{answers:?}");
}

#[tokio::test]
async fn more_passwords_than_there_is_time_for_are_refused_and_not_counted() {
    let mut config = cheap();
    config.password_hash = PasswordHashConfig {
        memory_kib: 4096,
        passes: 4,
        lanes: 1,
        concurrency: 1,
        queue: 0,
    };
    let world = World::with(config).await;
    world.register("ada").await;
    let answers = futures_util::future::join_all((0..8).map(|_| guess(&world.accounts, "ada"))).await;
    let compared = answers
        .iter()
        .filter(|answer| matches!(answer, AccountError::Wrong))
        .count();
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, AccountError::Busy))
        .count();
    assert!(
        compared >= 1 && refused >= 1 && compared + refused == 8,
        "{compared} compared, {refused} refused"
    );
    assert_eq!(
        world.text("SELECT failed_count::text FROM account").await,
        compared.to_string()
    );
}
