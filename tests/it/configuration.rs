//! The settings of a node, as administrators see them.

use crate::administration::{administrator, ask};
use crate::support::*;
use serde_json::{Value, json};
use tidings::accounts::{Secret, SigningKey};

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_every_setting_and_no_secret() {
    let store = Store::new().await;
    let mut config = store.config();
    config.auth.signing_keys = vec![SigningKey {
        kid: "first".to_owned(),
        secret: Secret::new("s3cret that is long enough for a key"),
    }];
    config.load_test = true;
    let node = TestNode::start(config).await;
    let root = administrator(&node).await;
    let query = "{ admin { configuration { name value source description } } }";
    let all = ask(&node, &root, query).await["admin"]["configuration"].clone();
    let told = all.to_string();
    for secret in ["s3cret", store.database.url(), store.redis_url.as_str()] {
        assert!(!told.contains(secret), "{secret}");
    }
    let setting = |name: &str| {
        let mut named = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|setting| setting["name"] == name);
        let setting = named.next().unwrap();
        (setting["value"].clone(), text(&setting["source"]))
    };
    assert!(all.as_array().unwrap().len() > 90, "{told}");
    for name in ["database_url", "redis_url", "auth.signing_keys"] {
        assert_eq!(setting(name).0, "[secret]", "{name}");
    }
    assert_eq!(setting("home"), (Value::Null, "DEFAULT".to_owned()));
    assert_eq!(setting("sweep_ms"), (json!("1000"), "DEFAULT".to_owned()));
    assert_eq!(
        [
            setting("rates.roles.bot.commands_burst"),
            setting("rates.roles.admin.commands_burst")
        ],
        ["20000", "0"].map(|value| (json!(value), "DEFAULT".to_owned()))
    );
    assert!(text(&setting("reports.reasons").0).contains("\"Spam\""));
    // What the node goes by, and not what it was told first.
    assert_eq!(
        setting("user_conversations_max"),
        (json!("0"), "PROGRAM".to_owned())
    );
    let ann = node.register("ann").await;
    assert_eq!(
        node.graphql(&ann, query, None).await,
        json!({ "data": { "admin": null } })
    );
    node.stop().await;
}
