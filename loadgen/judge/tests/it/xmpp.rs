//! XMPP under judgement, for machines where ejabberd is installed. Elsewhere it counts as ignored and not as passed.

use crate::small;
use tidings_judge::{Ejabberd, Xmpp, judge};

#[tokio::test]
#[ignore = "needs ejabberd: `cargo test -p tidings-judge -- --ignored` where it is installed"]
async fn ejabberd_passes() {
    assert!(Ejabberd::is_installed(), "there is no ejabberd on this machine");
    let ejabberd = Ejabberd::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = Xmpp::new(ejabberd.address().clone());
    let counts = judge(&server, 7, &small(), dir.path()).await.unwrap();
    ejabberd.stop().await;
    // What was under way when somebody left stays in doubt.
    assert!(counts.acked > 100 && counts.acked <= counts.sent, "{counts:?}");
    assert!(
        counts.delivered > counts.sent && counts.connections > 8,
        "{counts:?}"
    );
}
