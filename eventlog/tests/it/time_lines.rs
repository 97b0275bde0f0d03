//! A log that has gone back is told from one that goes on.

use crate::support::{TestLog, appended, batch, control, message, proposal, stream};
use tidings_eventlog::{LaneHead, Outcome};

/// Takes the last event of lane 0 away, as a restored back-up does.
async fn go_back(test: &TestLog) {
    let sql = "DELETE FROM event WHERE lane = 0 AND pos = (SELECT head FROM log_lane WHERE lane = 0); \
               UPDATE stream SET head_seq = head_seq - 1 WHERE lane = 0; UPDATE log_lane SET head = head - 1 WHERE lane = 0";
    test.client().await.batch_execute(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_knows_more_than_the_log_writes_nothing_and_begins_a_time_line() {
    let test = TestLog::new().await;
    let appender = test.appender();
    let a = stream(0, 1);
    let wanted = batch(0, &[proposal(a, 0, vec![control(), message()])]);
    appended(appender.append(&wanted).await.unwrap());
    let before = test.log.heads().await.unwrap()[0];
    let known = LaneHead { head: 2, ..before };
    assert_eq!(before, known);
    go_back(&test).await;

    let mut wanted = batch(0, &[proposal(a, 1, vec![message()])]);
    wanted.set_known(known);
    let Outcome::OtherTimeLine(now) = appender.append(&wanted).await.unwrap() else {
        panic!("it was written to another time line");
    };
    assert!(now.epoch > known.epoch && now.head == 1);
    assert_eq!(test.log.heads().await.unwrap()[0], now);
    // Whoever knows the new one writes; whoever knows only the old one does not, however little it knows.
    wanted.set_known(LaneHead { head: 0, ..known });
    assert!(matches!(appender.append(&wanted).await.unwrap(), Outcome::OtherTimeLine(at) if at == now));
    wanted.set_known(now);
    appended(appender.append(&wanted).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_confirmed_by_the_lane_itself() {
    let test = TestLog::new().await;
    let wanted = batch(0, &[proposal(stream(0, 1), 0, vec![control(), message()])]);
    appended(test.appender().append(&wanted).await.unwrap());
    let head = test.log.heads().await.unwrap()[0];
    // What is read from elsewhere may be old; the lane is where it was.
    assert_eq!(test.log.confirm_head(head).await.unwrap(), head);
    assert_eq!(
        test.log.confirm_head(LaneHead { head: 1, ..head }).await.unwrap(),
        head
    );
    go_back(&test).await;
    let begun = test.log.confirm_head(head).await.unwrap();
    assert!(head.is_before(begun) && begun.head == 1);
    assert_eq!(test.log.confirm_head(head).await.unwrap(), begun);

    let again = test.log.begin_time_line().await.unwrap();
    assert!(begun.is_before(again[0]) && again[0].head == 1);
    assert_eq!(test.log.heads().await.unwrap(), again);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_in_a_time_line_is_not_shown_what_another_one_has_there() {
    let test = TestLog::new().await;
    let a = stream(0, 1);
    let wanted = batch(0, &[proposal(a, 0, vec![control(), message()])]);
    appended(test.appender().append(&wanted).await.unwrap());
    let before = test.log.heads().await.unwrap()[0];
    let read = async |at: LaneHead| test.log.lane_in(0, at.epoch, 0, before.head, 10).await.unwrap();
    assert_eq!(read(before).await, test.log.lane(0, 0, 2, 10).await.unwrap());
    assert_eq!(read(before).await.len(), 2);

    go_back(&test).await;
    let mut now = test.log.confirm_head(before).await.unwrap();
    let mut wanted = batch(0, &[proposal(a, 1, vec![message()])]);
    wanted.set_known(now);
    appended(test.appender().append(&wanted).await.unwrap());
    now.head += 1;
    assert_eq!(
        now.head, before.head,
        "another event has the place of the lost one"
    );
    assert!(read(before).await.is_empty());
    assert_eq!(read(now).await.len(), 2);
}
