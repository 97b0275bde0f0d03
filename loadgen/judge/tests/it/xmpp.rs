//! XMPP under judgement, where ejabberd is installed.

use std::io::Write as _;

use crate::small;
use tidings_judge::{Ejabberd, Xmpp, judge};

#[tokio::test]
async fn ejabberd_passes_where_it_is_installed() {
    if !Ejabberd::is_installed() {
        // Written past the test runner, which hides what passing tests print.
        let said = writeln!(
            std::io::stderr(),
            "XMPP was left out: there is no ejabberd on this machine"
        );
        said.unwrap();
        return;
    }
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
