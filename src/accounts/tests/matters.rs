//! What people are told of their accounts: each thing once, and nothing of what was not done.

use super::*;

impl World {
    /// What somebody was told once so much was: the log of this world keeps no order.
    async fn told(&self, user: Uuid, count: usize) -> Vec<AccountMatter> {
        eventually("the log should be told", async || {
            let untold = "SELECT count(*)::text FROM account_matter WHERE told_at IS NULL";
            let matters = self.ledger.matters.lock().unwrap().clone();
            let of_user = matters.into_values().filter(|(of, _)| *of == user);
            let told: Vec<AccountMatter> = of_user.map(|(_, matter)| matter).collect();
            (told.len() >= count && self.text(untold).await == "0").then_some(told)
        })
        .await
    }
}

fn from(device: &str) -> Caller {
    Caller {
        address: HERE,
        device: Some(device.to_owned()),
    }
}

#[tokio::test]
async fn somebody_is_told_once_of_each_sign_in_and_of_no_registration_or_refresh() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let wrong = world.accounts.login("ada", "a wrong guess".to_owned(), HERE);
    assert!(wrong.await.is_err());
    let login = world.accounts.login("ada", PASSWORD.to_owned(), from("a phone"));
    let phone = login.await.unwrap();
    world.accounts.refresh(&phone.refresh_token, HERE).await.unwrap();
    world.accounts.refresh(&first.refresh_token, HERE).await.unwrap();
    let session = world.verify(&phone.token).await.unwrap().session.unwrap();
    // Another node tells nothing else.
    world.another(cheap()).await;
    let expected = AccountMatter::SignedIn {
        session,
        device: Some("a phone".to_owned()),
    };
    assert_eq!(world.told(first.user, 1).await, [expected]);
}

#[tokio::test]
async fn somebody_is_told_of_a_new_password_of_roles_and_of_a_suspensions_end() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let principal = world.verify(&first.token).await.unwrap();
    let accounts = &world.accounts;
    let changed = accounts.change_password(&principal, PASSWORD, "a better passphrase", HERE);
    changed.await.unwrap();
    assert_eq!(world.told(first.user, 1).await, [AccountMatter::PasswordChanged]);
    // What changes nothing is not told.
    for roles in [&[Role::Admin, Role::Bot][..], &[Role::Bot, Role::Admin]] {
        assert!(accounts.set_roles(first.user, roles).await.unwrap());
    }
    assert!(accounts.reinstate(first.user).await.unwrap());
    let granted = AccountMatter::RolesChanged {
        granted: vec!["admin".to_owned(), "bot".to_owned()],
        taken: vec![],
    };
    let told = world.told(first.user, 2).await;
    assert!(told.contains(&granted) && told.len() == 2, "{told:?}");
    assert!(accounts.set_roles(first.user, &[Role::Moderator]).await.unwrap());
    assert!(accounts.suspend(first.user).await.unwrap());
    assert!(accounts.reinstate(first.user).await.unwrap());
    let changed = AccountMatter::RolesChanged {
        granted: vec!["moderator".to_owned()],
        taken: vec!["admin".to_owned(), "bot".to_owned()],
    };
    let told = world.told(first.user, 4).await;
    assert!(told.contains(&changed) && told.len() == 4, "{told:?}");
    assert!(told.contains(&AccountMatter::Reinstated), "{told:?}");
}

#[tokio::test]
async fn what_the_log_does_not_take_is_told_later_and_once() {
    let world = World::new().await;
    let first = world.register("ada").await;
    world.ledger.away.store(true, Ordering::Relaxed);
    assert!(world.accounts.set_roles(first.user, &[Role::Bot]).await.unwrap());
    world.another(cheap()).await;
    world.ledger.away.store(false, Ordering::Relaxed);
    assert_eq!(world.told(first.user, 1).await.len(), 1);
}

#[tokio::test]
async fn somebody_who_signs_in_again_and_again_is_told_of_twenty_times_a_day() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let earlier = format!(
        "INSERT INTO account_matter (account, matter, told, at, told_at) \
         SELECT '{}', 'signed_in', '{{}}', now() - n * interval '1 hour', now() FROM generate_series(5, 30) n",
        first.user
    );
    world.sql(&earlier).await;
    // Nineteen of them are less than a day ago.
    for device in ["a phone", "a desk"] {
        let login = world.accounts.login("ada", PASSWORD.to_owned(), from(device));
        login.await.unwrap();
    }
    let told = world.told(first.user, 1).await;
    assert!(
        matches!(&told[..], [AccountMatter::SignedIn { device: Some(device), .. }] if device == "a phone"),
        "{told:?}"
    );
    // Of other matters there were none.
    assert!(world.accounts.set_roles(first.user, &[Role::Bot]).await.unwrap());
    assert_eq!(world.told(first.user, 2).await.len(), 2);
}

#[tokio::test]
async fn a_matter_of_a_newer_version_waits_for_a_newer_node_and_keeps_no_other() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let newer = format!(
        "INSERT INTO account_matter (account, matter, told) VALUES ('{}', 'moved', '{{\"matter\":\"moved\"}}')",
        first.user
    );
    world.sql(&newer).await;
    assert!(world.accounts.set_roles(first.user, &[Role::Bot]).await.unwrap());
    eventually("the other one should be told", async || {
        let matters = world.ledger.matters.lock().unwrap();
        (matters.len() == 1).then_some(())
    })
    .await;
    let untold = "SELECT string_agg(matter, ' ') FROM account_matter WHERE told_at IS NULL";
    eventually("the newer one should wait", async || {
        (world.text(untold).await == "moved").then_some(())
    })
    .await;
}

#[tokio::test]
async fn matters_that_count_no_longer_are_removed() {
    let world = World::new().await;
    let first = world.register("ada").await;
    let earlier = format!(
        "INSERT INTO account_matter (account, matter, told, at, told_at) \
         VALUES ('{0}', 'signed_in', '{{}}', now() - interval '3 days', now() - interval '2 days'), \
                ('{0}', 'signed_in', '{{}}', now(), now())",
        first.user
    );
    world.sql(&earlier).await;
    // A node tidies when it starts.
    world.another(cheap()).await;
    eventually("the older one should be removed", async || {
        let left = "SELECT count(*)::text FROM account_matter";
        (world.text(left).await == "1").then_some(())
    })
    .await;
}
