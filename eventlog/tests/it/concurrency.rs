//! Many writers on the same lanes, with repeats, stale guards, and sessions that are ended in mid-statement.

use crate::invariants;
use crate::support::{LANES, TestLog, batch, control, message, proposal, stream};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_eventlog::{AppendError, Appender, Outcome, Proposal};
use tokio::time::timeout;
use uuid::Uuid;

/// What was answered to each command, by whoever got the answer first.
type Answers = Arc<Mutex<HashMap<Uuid, (u64, u64)>>>;

const WRITERS: u64 = 8;
const ROUNDS: usize = 60;
const STREAMS: u64 = 6;
/// With fewer answers a run has shown nothing.
const ENOUGH: usize = 100;
/// Far longer than a run takes.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_with_repeats_and_stale_guards_leave_a_dense_log() {
    let test = Arc::new(TestLog::new().await);
    let answers = write(&test, None).await;
    confirm(&test, &answers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_ended_in_mid_statement_leave_no_hole_and_no_repeat() {
    let test = Arc::new(TestLog::new().await);
    let killer = {
        let test = Arc::clone(&test);
        tokio::spawn(async move {
            let client = test.client().await;
            let mut killed = 0;
            loop {
                let ended = client
                    .query_one(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                         WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT * FROM append_lane%'",
                        &[],
                    )
                    .await
                    .unwrap();
                killed += ended.get::<_, i64>(0);
                tokio::time::sleep(Duration::from_millis(5)).await;
                if killed > 40 {
                    return killed;
                }
            }
        })
    };
    let writing = timeout(PATIENCE, write(&test, Some(&killer)));
    let answers = writing
        .await
        .expect("enough sessions are ended and enough is answered");
    assert!(killer.await.unwrap() > 40);
    confirm(&test, &answers).await;
}

/// Writes with eight writers; with a `killer`, until it has ended enough sessions and enough was answered: where
/// sessions end faster than statements, most answers come after the last one has ended.
async fn write(test: &Arc<TestLog>, killer: Option<&tokio::task::JoinHandle<i64>>) -> Answers {
    let answers = Answers::default();
    // Commands that any writer may send again.
    let sent: Arc<Mutex<Vec<Proposal>>> = Arc::default();
    let until_killed = killer.is_some();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for seed in 0..WRITERS {
        let (test, answers, sent, done) = (
            Arc::clone(test),
            Arc::clone(&answers),
            Arc::clone(&sent),
            Arc::clone(&done),
        );
        writers.spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed);
            let appender = test.appender();
            let mut round = 0;
            while if until_killed {
                !done.load(std::sync::atomic::Ordering::Relaxed)
            } else {
                round < ROUNDS
            } {
                round += 1;
                let lane = rng.random_range(0..LANES);
                let proposals = propose(&test, &mut rng, lane, &sent).await;
                append_all(&appender, lane, proposals, &answers).await;
            }
        });
    }
    if let Some(killer) = killer {
        // A killer that has failed is seen when it is asked for its count.
        while !killer.is_finished() || answers.lock().unwrap().len() <= ENOUGH {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
    answers
}

async fn propose(test: &TestLog, rng: &mut StdRng, lane: u8, sent: &Mutex<Vec<Proposal>>) -> Vec<Proposal> {
    let mut proposals = vec![];
    let streams: Vec<Uuid> = (0..STREAMS).map(|n| stream(lane, n)).collect();
    let heads = test.log.stream_heads(&streams).await.unwrap();
    for _ in 0..rng.random_range(1..20) {
        let choice = rng.random_range(0..streams.len());
        let true_guard = heads[choice].map_or(0, |head| head.guard);
        // Some decisions are made on an old state.
        let guard = if rng.random_bool(0.05) {
            true_guard.saturating_sub(1)
        } else {
            true_guard
        };
        let mut events = vec![message(); rng.random_range(1..4)];
        if guard == 0 || rng.random_bool(0.1) {
            events.insert(0, control());
        }
        proposals.push(proposal(streams[choice], guard, events));
    }
    let mut sent = sent.lock().unwrap();
    if !sent.is_empty() && rng.random_bool(0.3) {
        let old = sent[rng.random_range(0..sent.len())].clone();
        if old.stream.as_bytes()[15] == lane {
            proposals.push(old);
        }
    }
    sent.extend(proposals.iter().cloned());
    proposals
}

/// Sends a batch until each command has been answered, as a lane's task does, and compares repeated answers.
async fn append_all(appender: &Appender, lane: u8, mut proposals: Vec<Proposal>, answers: &Answers) {
    while !proposals.is_empty() {
        match appender.append(&batch(lane, &proposals)).await {
            Ok(Outcome::Appended(appended)) => {
                let mut answers = answers.lock().unwrap();
                for (n, proposal) in proposals.iter().enumerate() {
                    let last = appended.of(n).last().unwrap();
                    // A writer that sent the same command may have had its answer first.
                    let known = answers
                        .insert(proposal.command, (last.pos, last.seq))
                        .unwrap_or((last.pos, last.seq));
                    assert_eq!(known, (last.pos, last.seq), "a command was appended twice");
                }
                return;
            }
            Ok(Outcome::Refused { repeats, stale }) => {
                assert!(!repeats.is_empty() || !stale.is_empty());
                let mut known = answers.lock().unwrap();
                for repeat in &repeats {
                    let answer = known
                        .entry(proposals[repeat.proposal].command)
                        .or_insert((repeat.pos, repeat.seq));
                    assert_eq!(*answer, (repeat.pos, repeat.seq), "a retry got another answer");
                }
                let repeated: Vec<Uuid> = repeats
                    .iter()
                    .map(|repeat| proposals[repeat.proposal].command)
                    .collect();
                proposals.retain(|proposal| !repeated.contains(&proposal.command));
                for proposal in &mut proposals {
                    if let Some(stale) = stale.iter().find(|stale| stale.stream == proposal.stream) {
                        proposal.guard = stale.guard;
                    }
                }
            }
            Ok(Outcome::OtherTimeLine(at)) => panic!("another time line: {at:?}"),
            Err(AppendError::Failed { message, .. }) => panic!("refused for good: {message}"),
            // The session ended, perhaps after the commit: the same batch again finds out.
            Err(AppendError::Unknown(_) | AppendError::Unreachable(_)) => {}
        }
    }
}

async fn confirm(test: &TestLog, answers: &Answers) {
    invariants::check(test).await;
    let answers = answers.lock().unwrap().clone();
    assert!(
        answers.len() > ENOUGH,
        "only {} commands were answered",
        answers.len()
    );
    let client = test.client().await;
    let (commands, positions): (Vec<Uuid>, Vec<i64>) = answers
        .iter()
        .map(|(command, (pos, _))| (*command, *pos as i64))
        .unzip();
    let row = client
        .query_one(
            "SELECT count(*) FROM unnest($1::uuid[], $2::bigint[]) u(command, pos) \
             WHERE EXISTS (SELECT 1 FROM event e WHERE e.command = u.command AND e.pos = u.pos)",
            &[&commands, &positions],
        )
        .await
        .unwrap();
    assert_eq!(
        row.get::<_, i64>(0) as usize,
        answers.len(),
        "an answered command is not where it was said to be"
    );
}
