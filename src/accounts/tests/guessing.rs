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

    world.sql("UPDATE login_attempt SET locked_until = now()").await;
    elsewhere.login("ada", PASSWORD.to_owned(), HERE).await.unwrap();
    assert_eq!(world.text("SELECT count(*)::text FROM login_attempt").await, "0");
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
        world.sql("UPDATE login_attempt SET locked_until = now()").await;
        world
            .text("SELECT o_username FROM login_begin('ada', '192.0.2.1', 3, 100, 1000000, 60000000)")
            .await;
        let delay = "SELECT ceil(extract(epoch FROM locked_until - clock_timestamp()) / 1000)::text \
                     FROM login_attempt WHERE address <> ''";
        delays.push(world.text(delay).await);
        let counts = "SELECT string_agg(failed_count::text, ' ') FROM login_attempt";
        assert_eq!(world.text(counts).await, format!("{failures} {failures}"));
    }
    assert_eq!(delays[3..], ["1", "2", "4", "8", "16", "32", "60", "60", "60"]);
}

#[tokio::test]
async fn a_day_of_rest_clears_the_count() {
    let world = World::new().await;
    world.register("ada").await;
    guess(&world.accounts, "ada").await;
    world
        .sql("UPDATE login_attempt SET failed_count = 50, locked_until = now() - interval '25 hours'")
        .await;
    guess(&world.accounts, "ada").await;
    let counts = "SELECT string_agg(failed_count::text, ' ') FROM login_attempt";
    assert_eq!(world.text(counts).await, "1 1");
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
        registrations_per_s: 1,
        registrations_burst: 2,
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
    let count = "SELECT failed_count::text FROM login_attempt WHERE address = ''";
    assert_eq!(world.text(count).await, compared.to_string());
}

#[tokio::test]
async fn a_strangers_guesses_lock_nobody_out() {
    let world = World::with(limits(600_000)).await;
    world.register("ada").await;
    let stranger: IpAddr = "192.0.2.1".parse().unwrap();
    let guess = async || {
        let guess = world
            .accounts
            .login("ada", "a wrong guess".to_owned(), stranger)
            .await;
        guess.err().unwrap()
    };
    eventually("the stranger should be locked out", async || {
        matches!(guess().await, AccountError::TooMany { .. }).then_some(())
    })
    .await;
    // On another node, whose memory is empty, it is the database that tells them apart.
    let elsewhere = world.another(limits(600_000)).await;
    elsewhere.login("ada", PASSWORD.to_owned(), HERE).await.unwrap();
    let fourth = elsewhere.login("ada", "a wrong guess".to_owned(), stranger).await;
    assert!(matches!(fourth, Err(AccountError::Wrong)));
    elsewhere.login("ada", PASSWORD.to_owned(), HERE).await.unwrap();
    let locked = elsewhere.login("ada", PASSWORD.to_owned(), stranger).await;
    assert!(locked.is_err(), "not even with the right password");
    assert!(matches!(guess().await, AccountError::TooMany { .. }));
}

/// Guesses from everywhere lock the name, until its owner shows that they are there.
#[tokio::test]
async fn a_refresh_takes_back_what_was_guessed_from_everywhere() {
    let mut config = limits(600_000);
    config.limits.name_failures_everywhere = 4;
    let world = World::with(config).await;
    let ada = world.register("ada").await;
    for n in 1..=5 {
        let stranger: IpAddr = format!("192.0.2.{n}").parse().unwrap();
        let guess = world
            .accounts
            .login("ada", "a wrong guess".to_owned(), stranger)
            .await;
        assert!(matches!(guess, Err(AccountError::Wrong)), "{n}");
    }
    let login = async || world.accounts.login("ada", PASSWORD.to_owned(), HERE).await;
    assert!(matches!(login().await, Err(AccountError::TooMany { .. })));
    world.accounts.refresh(&ada.refresh_token, HERE).await.unwrap();
    login().await.unwrap();
}

/// What is locked tells nobody which names there are.
#[tokio::test]
async fn an_unknown_name_is_locked_on_every_node_like_a_known_one() {
    let world = World::with(limits(600_000)).await;
    world.register("ada").await;
    let mut outcomes = vec![];
    for name in ["ada", "nobody"] {
        for _ in 0..3 {
            assert!(matches!(guess(&world.accounts, name).await, AccountError::Wrong));
        }
        let elsewhere = world.another(limits(600_000)).await;
        assert!(matches!(guess(&elsewhere, name).await, AccountError::Wrong));
        let AccountError::TooMany { wait } = guess(&elsewhere, name).await else {
            panic!("a fifth guess of {name} passed")
        };
        outcomes.push(wait.as_secs() / 60);
    }
    assert_eq!(outcomes[0], outcomes[1]);
}

#[tokio::test]
async fn a_password_is_known_however_it_is_typed() {
    let world = World::new().await;
    world
        .accounts
        .register("ada", "caf\u{e9} au lait".to_owned(), None, HERE)
        .await
        .unwrap();
    for (name, typed) in [
        (" ada\t", "cafe\u{301} au lait"),
        ("ada", "caf\u{e9}\u{a0}au lait"),
    ] {
        let login = world.accounts.login(name, typed.to_owned(), HERE).await;
        assert!(login.is_ok(), "{typed:?}");
    }
    let other = world.accounts.login("ada", "cafe au lait".to_owned(), HERE).await;
    assert!(matches!(other, Err(AccountError::Wrong)));
}
