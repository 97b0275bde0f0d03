//! The audit of the read models by running nodes.

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_what_the_log_says_shows_in_the_metrics_until_it_is_put_right() {
    let store = Store::new().await;
    let mut config = store.config();
    config.audit_s = 1;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    // Nearly every event is of this stream, so it is soon drawn.
    for n in 0..50 {
        a.say(conversation, &n.to_string()).await;
    }
    let shown = async |name: &str| {
        let answer = node.http.get(node.url("/metrics")).send().await.unwrap();
        let shown = answer.text().await.unwrap();
        let line = shown.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0.0, |value| value.trim().parse::<f64>().unwrap())
    };
    let drift = "tidings_projection_drift{projection=\"history\"}";
    // Other nodes of this process are counted, too.
    node.folded(&ann).await;
    eventually(async || (shown("tidings_projection_audited_total").await >= 3.0).then_some(())).await;
    assert!(shown(drift).await < 1.0);
    let client = store.client().await;
    let wrong = "UPDATE p_history_4.message SET text = 'another' WHERE text = '7'";
    assert_eq!(client.execute(wrong, &[]).await.unwrap(), 1);
    eventually(async || (shown(drift).await >= 1.0).then_some(())).await;
    let right = "UPDATE p_history_4.message SET text = '7' WHERE text = 'another'";
    assert_eq!(client.execute(right, &[]).await.unwrap(), 1);
    eventually(async || (shown(drift).await < 1.0).then_some(())).await;
    node.stop().await;
}
