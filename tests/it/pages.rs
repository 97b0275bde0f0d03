//! How the pages are served to browsers.

use crate::support::*;
use reqwest::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH};

#[tokio::test(flavor = "multi_thread")]
async fn what_never_changes_is_kept_and_a_page_is_sent_once() {
    let store = Store::new().await;
    let node = store.node().await;
    let url = format!("http://{}", node.node.address());
    let page = node.http.get(&url).send().await.unwrap();
    assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
    let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    let tag = page.headers()[ETAG].clone();
    let text = page.text().await.unwrap();

    let again = node
        .http
        .get(&url)
        .header(IF_NONE_MATCH, &tag)
        .send()
        .await
        .unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()[ETAG]), (304, &tag));
    assert!(again.bytes().await.unwrap().is_empty());
    let other = node
        .http
        .get(&url)
        .header(IF_NONE_MATCH, "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status().as_u16(), 200);

    let script = text.split('"').find(|part| part.starts_with("/assets/")).unwrap();
    let asset = node.http.get(format!("{url}{script}")).send().await.unwrap();
    assert_eq!(asset.status().as_u16(), 200);
    assert_eq!(
        asset.headers()[CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    node.stop().await;
}
