//! Tidings under judgement. The server's program must have been built; see `find_program`.

use crate::small;
use tidings_judge::{Export, Tidings, judge};
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
