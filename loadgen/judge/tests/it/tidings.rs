//! Tidings under judgement. The server's program must have been built; see `find_program`.

use std::time::Duration;

use crate::small;
use tidings_judge::{Export, Tidings, judge, judge_beside, upgrade};
use tidings_stand::{Node, Stand, StandOptions, find_program};

#[tokio::test]
async fn two_nodes_of_tidings_pass() {
    let mut options = StandOptions::new(find_program().unwrap());
    options.nodes = 2;
    let stand = Stand::start(&options).await.unwrap();
    let nodes: Vec<String> = stand.nodes().iter().map(Node::url).collect();
    let dir = tempfile::tempdir().unwrap();
    let server = Tidings::new(&nodes, Export::Fetch).unwrap();
    let counts = judge(&server, 7, &small(), dir.path()).await.unwrap();
    stand.stop().await;
    assert_eq!(counts.acked, counts.sent);
    assert!(
        counts.sent > 100 && counts.delivered > counts.sent && counts.connections > 8,
        "{counts:?}"
    );
}

#[tokio::test]
async fn people_miss_nothing_while_their_nodes_are_upgraded() {
    let program = find_program().unwrap();
    let mut options = StandOptions::new(program.clone());
    options.nodes = 2;
    let stand = Stand::start(&options).await.unwrap();
    let nodes: Vec<String> = stand.nodes().iter().map(Node::url).collect();
    let before: Vec<Option<u32>> = stand.nodes().iter().map(Node::pid).collect();
    let dir = tempfile::tempdir().unwrap();
    let server = Tidings::new(&nodes, Export::Fetch).unwrap();
    let size = small();
    let upgrading = async {
        upgrade(&stand, &program, Duration::from_secs(size.seconds.into())).await?;
        Ok(())
    };
    let counts = judge_beside(&server, 7, &size, dir.path(), upgrading)
        .await
        .unwrap();
    let after: Vec<Option<u32>> = stand.nodes().iter().map(Node::pid).collect();
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| after.is_some() && before != after),
        "{before:?} {after:?}"
    );
    stand.stop().await;
    assert!(counts.acked > 100 && counts.broken > 0, "{counts:?}");
}
