//! Rebuilds and verifications that take long: interrupted ones go on, and nobody is in their way meanwhile.

use crate::support::{Crowd, World};
use std::sync::Mutex;
use tidings_projections::{DifferenceKind, Progress, Stage, replay, verify};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use uuid::Uuid;

/// Says when the first lane is in, and remembers where lanes began.
#[derive(Default)]
struct Watch {
    first: Notify,
    resumed: Mutex<Vec<(u8, u64, u64)>>,
    folded: Mutex<Vec<u8>>,
}

impl Progress for Watch {
    fn resumes(&self, lane: u8, done: u64, total: u64) {
        self.resumed.lock().unwrap().push((lane, done, total));
    }

    fn lane(&self, lane: u8, done: u64, total: u64) {
        self.folded.lock().unwrap().push(lane);
        if done == total {
            self.first.notify_one();
        }
    }
}

impl Watch {
    /// A rebuild that is given up when one lane is in.
    async fn interrupted(world: &World) -> u8 {
        let watch = Self::default();
        tokio::select! {
            biased;
            () = watch.first.notified() => {}
            done = replay(&world.log, &[], 1, &watch) => panic!("it was too fast to be interrupted: {done:?}"),
        }
        watch.folded.into_inner().unwrap()[0]
    }

    /// A rebuild to the end, once the database has noticed that the one before is gone.
    async fn whole(world: &World) -> Self {
        let watch = Self::default();
        loop {
            match replay(&world.log, &[], 1, &watch).await {
                Ok(_) => return watch,
                Err(tidings_projections::ProjectionError::Busy) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_was_interrupted_goes_on_where_it_was() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 17).await;
    for _ in 0..200 {
        crowd.act(&world).await;
    }
    world.settle().await;
    let live = world.everything().await;
    let first = Watch::interrupted(&world).await;
    let head = world
        .number(&format!("SELECT head FROM log_lane WHERE lane = {first}"))
        .await as u64;
    // The live read models are as they were.
    assert_eq!(world.everything().await, live);

    let watch = Watch::whole(&world).await;
    let resumed = watch.resumed.into_inner().unwrap();
    assert!(resumed.contains(&(first, head, head)), "{resumed:?}");
    assert!(!watch.folded.into_inner().unwrap().contains(&first));
    assert_eq!(world.everything().await, live);
    world.assert_as_the_log_says().await;

    // What was folded of events that the log has lost is worth nothing.
    Watch::interrupted(&world).await;
    world.execute("UPDATE log_lane SET epoch = epoch + 1").await;
    let watch = Watch::whole(&world).await;
    assert_eq!(watch.resumed.into_inner().unwrap(), []);
    assert_eq!(world.everything().await, live);
}

/// Does something between the pages of a comparison.
struct Between<F>(F);

impl<F: AsyncFn() + Send + Sync> Progress for Between<F> {
    fn stage(&self, stage: Stage) {
        if stage == Stage::Comparing {
            tokio::task::block_in_place(|| Handle::current().block_on((self.0)()));
        }
    }

    fn compared(&self, _projection: &str, _table: &str, _rows: u64) {
        tokio::task::block_in_place(|| Handle::current().block_on((self.0)()));
    }
}

/// Three groups of so many that their memberships do not fit into one page.
async fn crowded(world: &World) -> (Vec<Uuid>, Uuid) {
    let people: Vec<Uuid> = (1..=2500_u128)
        .map(|n| Uuid::from_u128((n << 64) | (n % 4)))
        .collect();
    let mut group = Uuid::nil();
    for n in 0..3_u8 {
        group = world.group(&format!("g{n}"), &people, n).await;
    }
    world.settle().await;
    (people, group)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_holds_nothing_between_its_pages_and_follows_what_happens() {
    let world = World::new().await;
    let (people, group) = crowded(&world).await;
    let looks = Mutex::new(0);
    let between = Between(async || {
        let holding = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
            AND backend_type = 'client backend' AND (backend_xmin IS NOT NULL OR state LIKE 'idle in transaction%')";
        assert_eq!(world.number(holding).await, 0, "old rows are kept for it");
        world.send(group, people[7], "meanwhile", &people[..2]).await;
        world.settle().await;
        *looks.lock().unwrap() += 1;
    });
    let report = verify(&world.log, &[], 2, &between).await.unwrap();
    assert!(report.is_equal(), "{report:#?}");
    let of = |table: &str| report.tables.iter().find(|found| found.table == table).unwrap();
    assert_eq!((of("member").rows, of("member").rows_from_log), (7500, 7500));
    // One table of two pages, the others of one.
    assert_eq!(*looks.lock().unwrap(), 1 + report.tables.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_on_every_page_are_found_and_told_by_key() {
    let world = World::new().await;
    crowded(&world).await;
    let nth = |n: u32| {
        format!(
            "(SELECT conversation, user_id FROM p_conversations_3.member ORDER BY 1, 2 OFFSET {n} LIMIT 1)"
        )
    };
    let key = async |n| world.rows(&nth(n)).await.remove(0);
    let (first, edge, last) = (key(0).await, key(4999).await, key(7499).await);
    world
        .execute(&format!(
            "UPDATE p_conversations_3.member SET role = 'admin' WHERE (conversation, user_id) = {}",
            nth(4999)
        ))
        .await;
    for n in [7499, 0] {
        world
            .execute(&format!(
                "DELETE FROM p_conversations_3.member WHERE (conversation, user_id) = {}",
                nth(n)
            ))
            .await;
    }
    let beyond = "ffffffff-0000-4000-8000-000000000000";
    world
        .execute(&format!(
            "INSERT INTO p_conversations_3.member VALUES ('{beyond}', '{beyond}', 'member', 1, 0, now(), NULL)"
        ))
        .await;
    let report = verify(&world.log, &["conversations"], 2, &()).await.unwrap();
    let members = report
        .tables
        .iter()
        .find(|found| found.table == "member")
        .unwrap();
    let mut found: Vec<(String, DifferenceKind)> = members
        .differences
        .iter()
        .map(|found| (format!("({})", found.key.join(",")), found.kind))
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        found,
        [
            (first, DifferenceKind::Missing),
            (edge, DifferenceKind::Changed),
            (last, DifferenceKind::Missing),
            (format!("({beyond},{beyond})"), DifferenceKind::Unexpected),
        ]
    );
    assert_eq!((members.rows, members.rows_from_log), (7499, 7500));
}
