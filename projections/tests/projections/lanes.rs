//! Lanes are worlds of their own.

use crate::support::{Crowd, LANES, PATIENCE, World, eventually};
use std::time::Duration;
use tidings_eventlog::LogConfig;
use tidings_projections::{all, memberships, setup};
use tidings_services::ChaosProxy;
use tokio::time::timeout;

/// Moving a checkpoint says of which lane a transaction is. A table in parts is named by its trigger.
const LANE: &str = "CREATE TABLE crossing (place text, fold text, row int); CREATE TABLE watched (place text PRIMARY KEY); \
    CREATE FUNCTION note_lane() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        PERFORM set_config('test.lane', NEW.lane::text, true); RETURN NEW; END $$; \
    CREATE TRIGGER note_lane BEFORE UPDATE ON projection_checkpoint FOR EACH ROW EXECUTE FUNCTION note_lane(); \
    CREATE FUNCTION watch_row() RETURNS trigger LANGUAGE plpgsql AS $$ \
        DECLARE place text := coalesce(TG_ARGV[1], TG_TABLE_NAME) || ' ' || TG_OP; BEGIN \
        INSERT INTO watched VALUES (place) ON CONFLICT DO NOTHING; \
        INSERT INTO crossing SELECT place, current_setting('test.lane', true), row.lane \
          FROM (VALUES (to_jsonb(OLD)), (to_jsonb(NEW))) rows(content), \
               LATERAL (SELECT get_byte(uuid_send((content ->> TG_ARGV[0])::uuid), 15)) row(lane) \
         WHERE content IS NOT NULL AND row.lane::text IS DISTINCT FROM current_setting('test.lane', true); \
        RETURN coalesce(NEW, OLD); END $$";

/// Has every row that is written from now on compared with the lane of the fold that writes it. A stream's lane is the last byte of
/// its id.
async fn watch(world: &World) {
    for projection in all() {
        for table in projection.tables() {
            let (schema, name, stream) = (projection.schema(), table.name, table.stream);
            world
                .execute(&format!(
                    "CREATE TRIGGER watch_row BEFORE INSERT OR UPDATE OR DELETE ON {schema}.{name} \
                     FOR EACH ROW EXECUTE FUNCTION watch_row('{stream}', '{name}')"
                ))
                .await;
        }
    }
}

async fn assert_apart(world: &World) {
    let crossings = "SELECT DISTINCT place, fold, row FROM crossing";
    assert_eq!(world.rows(crossings).await, Vec::<String>::new());
    for table in all().iter().flat_map(|projection| projection.tables()) {
        let name = table.name;
        let written = format!("SELECT count(*) FROM watched WHERE place = '{name} INSERT'");
        assert_eq!(world.number(&written).await, 1, "nothing was written to {name}");
    }
}

#[tokio::test]
async fn whoever_folds_a_lane_writes_rows_of_that_lane_only() {
    let world = World::new().await;
    world.execute(LANE).await;
    watch(&world).await;
    let mut crowd = Crowd::new(&world, 23).await;
    for n in 0..450 {
        crowd.act(&world).await;
        if n % 50 == 0 {
            // The lanes in turns, so that rows are changed and taken away too.
            world.projector().catch_up(n as u8 / 50 % LANES).await.unwrap();
        }
    }
    world.settle().await;
    assert_apart(&world).await;
    assert!(world.number("SELECT count(*) FROM watched").await > 12);
    assert_eq!(world.number("SELECT count(*) FROM projection_parked").await, 0);
}

#[tokio::test]
async fn a_row_of_another_lane_is_seen() {
    let world = World::new().await;
    world.execute(LANE).await;
    watch(&world).await;
    // A row for whoever is mentioned, of the conversation's stream, taken for one of the user's.
    world
        .execute(
            "DROP TRIGGER watch_row ON p_unread_6.mention; CREATE TRIGGER watch_row BEFORE INSERT ON p_unread_6.mention \
             FOR EACH ROW EXECUTE FUNCTION watch_row('user_id')",
        )
        .await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    world.send(group, ann, "hello", &[bob]).await;
    world.settle().await;
    assert_eq!(
        world.rows("SELECT * FROM crossing").await,
        [r#"("mention INSERT",2,1)"#]
    );
}

/// A node that runs looks for lanes that were added. The network forgets the connection on which it does.
#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs"
)]
async fn who_finds_the_tables_made_does_not_wait_as_long_as_making_them_may_take() {
    let world = World::new().await;
    let (_, address) = world.url.rsplit_once(':').unwrap();
    let port = address.split('/').next().unwrap();
    let proxy = ChaosProxy::to_port(port.parse().unwrap()).await.unwrap();
    let url = world
        .url
        .replace(&format!(":{port}/"), &format!(":{}/", proxy.port()));
    let pool = LogConfig::from_url(&url)
        .unwrap()
        .with_timeout(Duration::from_secs(30))
        .pool()
        .unwrap();
    let holder = world.log.pool().get().await.unwrap();
    let lock = "BEGIN; LOCK TABLE projection_checkpoint IN ACCESS EXCLUSIVE MODE";
    holder.batch_execute(lock).await.unwrap();
    let looking = tokio::spawn(async move { setup(&pool).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("it asks", async || world.number(waiting).await > 0).await;
    proxy.strand();
    holder.batch_execute("COMMIT").await.unwrap();
    let answer = timeout(Duration::from_mins(2), looking).await;
    assert!(answer.expect("it waits on").unwrap().is_err());
}

/// Every lane that there is has a fold under way, of which none ends before the new lane has its places.
#[tokio::test]
async fn a_lane_is_added_while_others_are_being_folded() {
    let world = World::new().await;
    let folding = world.log.pool().get().await.unwrap();
    folding
        .batch_execute("BEGIN; UPDATE projection_checkpoint SET pos = pos; UPDATE log_lane SET head = head")
        .await
        .unwrap();
    let config = LogConfig::from_url(&world.url).unwrap().with_timeout(PATIENCE);
    tidings_eventlog::schema::migrate(&config, u16::from(LANES) + 1)
        .await
        .unwrap();
    setup(world.log.pool()).await.unwrap();
    let places = format!("SELECT count(*) FROM projection_checkpoint WHERE lane = {LANES}");
    assert!(world.number(&places).await > 0);
    folding.batch_execute("ROLLBACK").await.unwrap();
}

/// Who comes while a lane is there and the read models have no places in it yet can have missed nothing of it, until something happens.
#[tokio::test]
async fn a_lane_in_which_nothing_has_happened_is_vouched_for_by_read_models_that_do_not_know_it() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    world.settle().await;
    let config = LogConfig::from_url(&world.url).unwrap().with_timeout(PATIENCE);
    tidings_eventlog::schema::migrate(&config, u16::from(LANES) + 1)
        .await
        .unwrap();
    let behind = async || {
        let heads = world.log.heads().await.unwrap();
        assert_eq!(heads.len(), usize::from(LANES) + 1);
        let found = memberships(world.log.pool(), &[ann]).await.unwrap();
        found[0].seen.behind(&heads)
    };
    assert_eq!(behind().await, None);
    // One that holds what the log has lost says nothing of it.
    let ahead = format!(
        "INSERT INTO projection_checkpoint (projection, version, lane, pos) \
         SELECT projection, version, {LANES}, 5 FROM projection_checkpoint WHERE projection = 'inbox' AND lane = 0"
    );
    world.execute(&ahead).await;
    assert_eq!(behind().await, Some(LANES));
    let as_before = format!("DELETE FROM projection_checkpoint WHERE lane = {LANES}");
    world.execute(&as_before).await;
    world.register(LANES, "ben").await;
    assert_eq!(behind().await, Some(LANES));
    setup(world.log.pool()).await.unwrap();
    assert_eq!(behind().await, Some(LANES));
    world.projector().catch_up(LANES).await.unwrap();
    assert_eq!(behind().await, None);
}
