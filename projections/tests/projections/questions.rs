//! What is asked on behalf of clients.

use crate::support::World;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use std::time::Duration;
use tidings_eventlog::LogConfig;
use tidings_projections::{
    ProjectionError, all, are_direct, conversation_counts, ended_marks, hidden_among, known_users, lately,
    memberships, read_seqs, regards, reports_free_at, thread_goes_on, thread_read_seq, ties, withheld,
};
use uuid::Uuid;

/// A question by its name, and why there was no answer.
type Asked<'a> = BoxFuture<'a, (&'static str, Option<ProjectionError>)>;

fn ask<'a, T: 'a>(
    name: &'static str,
    answer: impl Future<Output = Result<T, ProjectionError>> + Send + 'a,
) -> Asked<'a> {
    answer.map(move |answer| (name, answer.err())).boxed()
}

#[tokio::test]
async fn who_asks_for_a_client_waits_no_longer_than_for_any_other_answer() {
    let world = World::new().await;
    let patience = Duration::from_secs(2);
    let config = LogConfig::from_url(&world.url).unwrap().with_timeout(patience);
    let pool = config.pool().unwrap();
    let holder = world.log.pool().get().await.unwrap();
    let begin = "SET idle_in_transaction_session_timeout = 0; BEGIN";
    holder.batch_execute(begin).await.unwrap();
    for projection in all() {
        for table in projection.tables() {
            let (schema, name) = (projection.schema(), table.name);
            let lock = format!("LOCK TABLE {schema}.{name} IN ACCESS EXCLUSIVE MODE");
            holder.batch_execute(&lock).await.unwrap();
        }
    }
    let (user, room, now) = (
        Uuid::from_u128(1),
        Uuid::from_u128(2),
        chrono::DateTime::UNIX_EPOCH,
    );
    let (users, rooms) = ([user], [room]);
    let asked = join_all([
        ask("known_users", known_users(&pool, &users)),
        ask("are_direct", are_direct(&pool, &rooms)),
        ask("memberships", memberships(&pool, &users)),
        ask("conversation_counts", conversation_counts(&pool, &users, 9)),
        ask("ended_marks", ended_marks(&pool, user)),
        ask("thread_goes_on", thread_goes_on(&pool, room, room, 1)),
        ask("thread_read_seq", thread_read_seq(&pool, user, room, room)),
        ask("hidden_among", hidden_among(&pool, user, room, &[1])),
        ask("read_seqs", read_seqs(&pool, user, &rooms)),
        ask("lately", lately(&pool, &users)),
        ask("withheld", withheld(&pool, user, &rooms)),
        ask("reports_free_at", reports_free_at(&pool, user, now)),
        ask("regards", regards(&pool, user, &users)),
        ask("ties", ties(&pool, user, now)),
    ]);
    for (name, error) in asked.await {
        // On a busy machine there may be no session for it in that time.
        let in_time = match &error {
            Some(ProjectionError::Timeout(limit)) => *limit == patience,
            Some(ProjectionError::Unreachable(_)) => true,
            _ => false,
        };
        assert!(in_time, "{name}: {error:?}");
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
}
