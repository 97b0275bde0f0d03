//! What people have reported, in the read model: what has become of each report, for those who look after it.

use crate::support::*;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use tidings_domain::stored::decode;
use tidings_domain::{Event, Handling, REPORTS_A_DAY, ReportEvent};
use tidings_eventlog::Recorded;
use tidings_projections::people::{self, Report, ReportPlace, ReportState};
use tidings_projections::{Order, Range, reports_free_at};
use uuid::Uuid;

fn all() -> Range<ReportPlace> {
    Range {
        after: None,
        before: None,
        order: Order::Ascending,
        rows: 1000,
    }
}

/// Nobody who has sent anything.
const MODERATOR: Uuid = Uuid::from_u128(77);

async fn list(
    world: &World,
    viewer: Uuid,
    state: Option<ReportState>,
    range: &Range<ReportPlace>,
) -> Vec<Report> {
    let found = world.ask(people::reports(viewer, state, range)).await;
    found.into_iter().filter_map(|row| row.entry).collect()
}

#[tokio::test]
async fn whatever_is_reported_and_done_each_report_is_what_its_last_event_says() {
    for batch in [7, 1000] {
        let world = World::new().await;
        let mut crowd = Crowd::new(&world, 93).await;
        for n in 1..=500 {
            crowd.act(&world).await;
            if n % batch == 0 {
                world.settle().await;
            }
        }
        world.settle().await;
        let mut filed: BTreeMap<Uuid, Recorded> = BTreeMap::new();
        let mut handled: BTreeMap<Uuid, (Handling, Recorded)> = BTreeMap::new();
        for record in world.told().await {
            match decode(record.kind, record.ver, &record.payload).unwrap() {
                Event::Report(ReportEvent::Filed(event)) => {
                    let report = event.report.0;
                    handled.remove(&report);
                    filed.insert(report, record);
                }
                Event::Report(ReportEvent::Handled(event)) => {
                    handled.insert(event.report.0, (event.action, record));
                }
                _ => {}
            }
        }
        assert!(filed.len() > 3 && handled.len() > 1, "{}", filed.len());
        let listed = list(&world, MODERATOR, None, &all()).await;
        assert!(listed.is_sorted_by_key(|report| (report.filed_at, report.id)));
        assert_eq!(listed.len(), filed.len());
        for report in listed {
            let record = &filed[&report.id];
            assert_eq!((report.reporter, report.pos), (record.actor, record.pos));
            let expected = handled.get(&report.id);
            let expected = expected.map(|(handling, record)| (*handling, record.actor, record.at));
            let found = report.handled.map(|done| (done.handling, done.by, done.at));
            assert_eq!(found, expected);
        }
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn moderators_are_shown_a_queue_by_state_in_pages_but_nothing_of_what_they_have_sent() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let ben = world.register(1, "ben").await;
    let mut reported = vec![];
    for lane in 0..LANES {
        let group = world.group("g", &[ann, ben], lane).await;
        let message = world.send(group, ann, "hello", &[]).await;
        world.report(&message, ben, "spam").await;
        reported.push(message);
    }
    world.handle(&reported[0], ben, MODERATOR, Handling::Assign).await;
    world.handle(&reported[1], ben, MODERATOR, Handling::Recall).await;
    world.settle().await;
    let queue = list(&world, MODERATOR, None, &all()).await;
    assert_eq!(queue.len(), usize::from(LANES));
    let of = async |state| list(&world, MODERATOR, Some(state), &all()).await.len();
    assert_eq!(of(ReportState::Open).await, usize::from(LANES) - 2);
    assert_eq!(
        [
            of(ReportState::Assigned).await,
            of(ReportState::Resolved).await,
            of(ReportState::Dismissed).await
        ],
        [1, 1, 0]
    );
    let place = |report: &Report| (report.filed_at, report.id);
    let between = Range {
        after: Some(place(&queue[0])),
        before: queue.last().map(place),
        ..all()
    };
    let found = world.ask(people::reports(MODERATOR, None, &between)).await;
    assert!(found.iter().all(|row| row.around == (true, true)));
    let found: Vec<Uuid> = found.into_iter().filter_map(|row| Some(row.entry?.id)).collect();
    let ids: Vec<Uuid> = queue.iter().map(|report| report.id).collect();
    assert_eq!(found, ids[1..ids.len() - 1]);
    let last = Range {
        order: Order::Descending,
        rows: 1,
        ..all()
    };
    assert_eq!(
        list(&world, MODERATOR, None, &last).await[0].id,
        ids[ids.len() - 1]
    );
    // Ann is told nothing of what is said about her.
    assert_eq!(list(&world, ann, None, &all()).await, []);
    assert_eq!(world.ask(people::report(ann, ids[0])).await, []);
    assert_eq!(world.ask(people::report(MODERATOR, ids[0])).await, queue[..1]);
    // Whether the message is withheld is told as it is now.
    assert!(queue.iter().all(|report| !report.withheld));
    for withheld in [true, false] {
        world.withhold(&reported[0], MODERATOR, withheld).await;
        world.settle().await;
        let queue = list(&world, MODERATOR, None, &all()).await;
        let told: Vec<Uuid> = queue
            .iter()
            .filter(|report| report.withheld)
            .map(|report| report.message)
            .collect();
        assert_eq!(
            told,
            if withheld {
                vec![reported[0].command]
            } else {
                vec![]
            }
        );
        let one = world.ask(people::report(MODERATOR, ids[0])).await;
        assert_eq!(one[0].withheld, withheld && one[0].message == reported[0].command);
    }
}

#[tokio::test]
async fn what_is_reported_once_more_is_open_again_where_it_was_reported_last() {
    for in_one_batch in [true, false] {
        let world = World::new().await;
        let ann = world.register(0, "ann").await;
        let ben = world.register(1, "ben").await;
        let group = world.group("g", &[ann, ben], 2).await;
        let message = world.send(group, ann, "hello", &[]).await;
        world.report(&message, ben, "spam").await;
        world.handle(&message, ben, MODERATOR, Handling::Dismiss).await;
        if !in_one_batch {
            world.settle().await;
            assert_eq!(
                list(&world, MODERATOR, Some(ReportState::Dismissed), &all())
                    .await
                    .len(),
                1
            );
        }
        let again = world.report_as(&message, ben, "an insult", 2).await;
        world.settle().await;
        let listed = list(&world, MODERATOR, None, &all()).await;
        let [open] = &listed[..] else {
            panic!("one person has one report of a message");
        };
        assert_eq!(
            (open.reason.as_str(), open.pos, open.filed_at, &open.handled),
            ("an insult", again.pos, again.at, &None)
        );
        assert_eq!(open.versions, 2);
        assert_eq!(
            list(&world, MODERATOR, Some(ReportState::Open), &all()).await,
            listed
        );
        world.handle(&message, ben, MODERATOR, Handling::Resolve).await;
        world.settle().await;
        assert_eq!(
            list(&world, MODERATOR, Some(ReportState::Resolved), &all())
                .await
                .len(),
            1
        );
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn it_is_known_when_somebody_has_reported_as_much_as_may_be_in_a_day() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let ben = world.register(1, "ben").await;
    let group = world.group("g", &[ann, ben], 2).await;
    let free_at = async |now: DateTime<Utc>| reports_free_at(world.log.pool(), ben, now).await.unwrap();
    let mut first = None;
    for n in 0..=REPORTS_A_DAY {
        world.settle().await;
        let now = Utc::now();
        let expected = (n == REPORTS_A_DAY).then_some(first).flatten();
        assert_eq!(free_at(now).await, expected, "{n}");
        let message = world.send(group, ann, "hello", &[]).await;
        let record = world.report(&message, ben, "spam").await;
        first = first.or(Some(record.at + TimeDelta::days(1)));
    }
    assert_eq!(free_at(Utc::now() + TimeDelta::days(2)).await, None);
}

#[tokio::test]
async fn what_is_reported_once_more_counts_once_more_in_a_day() {
    for in_one_batch in [true, false] {
        let world = World::new().await;
        let ann = world.register(0, "ann").await;
        let ben = world.register(1, "ben").await;
        let group = world.group("g", &[ann, ben], 2).await;
        let message = world.send(group, ann, "hello", &[]).await;
        let free_at = async || {
            world.settle().await;
            let now = Utc::now();
            reports_free_at(world.log.pool(), ben, now).await.unwrap()
        };
        let first = world.report_as(&message, ben, "spam", 1).await;
        for versions in 2..REPORTS_A_DAY {
            world.report_as(&message, ben, "spam", versions).await;
            if !in_one_batch {
                world.settle().await;
            }
        }
        assert_eq!(free_at().await, None);
        world.report_as(&message, ben, "spam", REPORTS_A_DAY).await;
        assert_eq!(free_at().await, Some(first.at + TimeDelta::days(1)));
        assert_eq!(list(&world, MODERATOR, None, &all()).await.len(), 1);
        world.assert_as_the_log_says().await;
    }
}
