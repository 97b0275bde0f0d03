//! What a pool says of its sessions.

use crate::support::TestLog;
use std::time::Duration;
use tidings_eventlog::{LogConfig, Pool, Usage};

#[tokio::test]
async fn a_pool_says_how_many_sessions_are_borrowed_and_how_many_wait_for_one() {
    let test = TestLog::new().await;
    let config = LogConfig::from_url(test.database.url())
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    let pool = config.pool_of(2).unwrap();
    let usage = |sessions, borrowed, waiting| Usage {
        sessions,
        borrowed,
        waiting,
    };
    assert_eq!(pool.usage(), usage(0, 0, 0));
    // Of a portion that is used up, too, somebody waits, although there is a session.
    let portion = pool.portion(1);
    let first = portion.get().await.unwrap();
    assert_eq!(pool.usage(), usage(1, 1, 0));
    let mut second = Box::pin(portion.get());
    assert!(futures_util::poll!(&mut second).is_pending());
    assert_eq!(pool.usage(), usage(1, 1, 1));
    let other = pool.get().await.unwrap();
    let mut third = Box::pin(pool.get());
    assert!(futures_util::poll!(&mut third).is_pending());
    assert_eq!(pool.usage(), usage(2, 2, 2));
    // Whoever gives up waits no more.
    drop(third);
    assert_eq!(pool.usage(), usage(2, 2, 1));
    drop((first, other));
    drop(second.await.unwrap());
    assert_eq!(pool.usage(), usage(2, 0, 0));
}

#[tokio::test]
async fn what_is_held_of_a_portion_of_a_portion_counts_in_both() {
    let test = TestLog::new().await;
    let config = LogConfig::from_url(test.database.url())
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    let pool = config.pool_of(4).unwrap();
    let some = pool.portion(2);
    let (one, other) = (some.portion(1), some.portion(9));
    assert_eq!([&pool, &some, &one, &other].map(Pool::max_size), [4, 2, 1, 2]);
    let first = one.get().await.unwrap();
    let mut second = Box::pin(one.get());
    assert!(futures_util::poll!(&mut second).is_pending());
    // Who waits for the narrow portion holds nothing of the wide one.
    let third = other.get().await.unwrap();
    let mut fourth = Box::pin(other.get());
    assert!(futures_util::poll!(&mut fourth).is_pending());
    // However many of a portion wait, the rest is there for others.
    drop((pool.get().await.unwrap(), pool.get().await.unwrap()));
    drop(first);
    drop(fourth.await.unwrap());
    drop(second.await.unwrap());
    drop(third);
    assert_eq!(pool.usage().borrowed, 0);
}

/// The server sees nothing amiss with a node that is gone when something between answers for it.
#[tokio::test]
async fn a_transaction_that_nobody_goes_on_with_ends() {
    let test = TestLog::new().await;
    let pool = test.config.pool_of(1).unwrap();
    let session = pool.get().await.unwrap();
    let sql = "SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'";
    let limit: i32 = session.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(limit, 30_000, "milliseconds");
}
