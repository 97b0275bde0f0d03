//! Files in a bucket: what holds of those in a folder holds of them.

use crate::support::*;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use reqwest::{Method, Response, StatusCode};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tidings::attachments::S3Config;
use tidings::config::Config;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

const BUCKET: &str = "files";
const KEY: &str = "the-node";
const SECRET: &str = "what nobody else knows";

/// A server that speaks S3, with one bucket, and takes requests that are signed with the secret.
struct S3 {
    /// Buckets are folders here, and objects are files in them.
    root: tempfile::TempDir,
    endpoint: String,
}

impl S3 {
    async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        // It ends with the test's runtime.
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    // Whoever hangs up has what they wanted.
                    let _ = Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self { root, endpoint }
    }

    fn config(&self, store: &Store) -> Config {
        let mut config = store.config();
        config.attachments.s3 = S3Config {
            bucket: Some(BUCKET.to_owned()),
            region: Some("eu-central-1".to_owned()),
            endpoint: Some(self.endpoint.clone()),
            prefix: Some("chat/".to_owned()),
            access_key_id: Some(KEY.to_owned()),
            secret_access_key: Some(SECRET.to_owned()),
        };
        config
    }

    /// Where the log's objects are.
    fn objects(&self) -> PathBuf {
        let mut logs = std::fs::read_dir(self.root.path().join(BUCKET).join("chat")).unwrap();
        logs.next().unwrap().unwrap().path()
    }

    /// Uploads in parts that were begun and neither completed nor given up.
    fn unfinished(&self) -> usize {
        let entries = std::fs::read_dir(self.root.path()).unwrap().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.starts_with(".upload")).count()
    }
}

/// How many objects there are below a folder of the store.
fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_file()).count()
}

impl TestNode {
    async fn put(&self, user: &User, bytes: impl Into<Vec<u8>>) -> Response {
        let url = self.url("/attachments?name=a.bin");
        let request = self.http.post(url).bearer_auth(&user.token);
        request.body(bytes.into()).send().await.unwrap()
    }

    async fn get(&self, user: &User, file: &Value, range: &str) -> Response {
        let url = self.url(&format!("/attachments/{}", text(&file["id"])));
        let request = self.http.request(Method::GET, url).bearer_auth(&user.token);
        request.header("range", range).send().await.unwrap()
    }
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_bucket_is_fetched_whole_and_in_part_at_every_node() {
    let (store, s3) = (Store::new().await, S3::start().await);
    let (one, two) = (
        TestNode::start(s3.config(&store)).await,
        TestNode::start(s3.config(&store)).await,
    );
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let mut a = one.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    // Three parts.
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| (n % 251) as u8).collect();
    for (bytes, all) in [
        (bytes.clone(), "bytes 0-11999999/12000000"),
        (b"small".to_vec(), "bytes 0-4/5"),
    ] {
        let stored = one.put(&ann, bytes.clone()).await;
        assert_eq!(stored.status(), 201);
        let stored = json(stored).await;
        let shows = json!({ "type": "message.send", "conversation": conversation,
            "content": { "kind": "file", "attachment": stored["id"] } });
        assert_eq!(two.get(&ben, &stored, "bytes=0-").await.status(), 404);
        a.acked(shows).await;
        let whole = two.get(&ben, &stored, "bytes=0-").await;
        assert_eq!(whole.headers()["content-range"], all);
        assert!(whole.bytes().await.unwrap() == bytes);
        let part = two.get(&ben, &stored, "bytes=2-4").await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.bytes().await.unwrap(), bytes[2..5]);
        assert_eq!(two.get(&cat, &stored, "bytes=0-").await.status(), 404);
        let sum = text(&stored["sha256"]);
        let object = s3.objects().join(format!("{}/{}/{sum}", &sum[..2], &sum[2..4]));
        assert_eq!(std::fs::metadata(object).unwrap().len(), bytes.len() as u64);
    }
    // Nothing is left of how they came, and nothing went to the folder.
    assert_eq!(
        (
            count(&s3.objects().join("incoming")),
            count(&s3.objects().join("doubtful"))
        ),
        (0, 0)
    );
    assert_eq!(s3.unfinished(), 0);
    assert_eq!(std::fs::read_dir(store.files.path()).unwrap().count(), 0);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_message_shows_is_removed_from_a_bucket() {
    let (store, s3) = (Store::new().await, S3::start().await);
    let mut config = s3.config(&store);
    config.attachments.clean_up_s = 1;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let lonely = json(node.put(&ann, "lonely").await).await;
    let sum = text(&lonely["sha256"]);
    let kept = s3.objects().join(format!("{}/{}/{sum}", &sum[..2], &sum[2..4]));
    assert!(kept.is_file());
    let client = store.client().await;
    // Two days go by.
    eventually(async || {
        let sql = "UPDATE p_attachments_4.attachment SET at = at - interval '2 days'";
        (client.execute(sql, &[]).await.unwrap() == 1).then_some(())
    })
    .await;
    eventually(async || (node.get(&ann, &lonely, "bytes=0-").await.status() == 404).then_some(())).await;
    // An hour goes by, and half of one.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(1);
    eventually(async || {
        let sql = "UPDATE removed_attachment SET removed_at = removed_at - interval '3 hours'";
        client.execute(sql, &[]).await.unwrap();
        for entry in std::fs::read_dir(s3.objects().join("doubtful"))
            .into_iter()
            .flatten()
            .flatten()
        {
            if let Ok(file) = std::fs::File::options().write(true).open(entry.path()) {
                file.set_modified(long_ago).unwrap();
            }
        }
        (!kept.exists()).then_some(())
    })
    .await;
    eventually(async || (count(&s3.objects().join("leaving")) == 0).then_some(())).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_no_parts_in_a_bucket() {
    let (store, s3) = (Store::new().await, S3::start().await);
    let node = TestNode::start(s3.config(&store)).await;
    let ann = node.register("ann").await;
    let mut tcp = TcpStream::connect(node.node.address()).await.unwrap();
    let head = format!(
        "POST /attachments?name=a HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nContent-Length: 20000000\r\n\r\n",
        ann.token
    );
    tcp.write_all(head.as_bytes()).await.unwrap();
    // More than a part.
    tcp.write_all(&vec![b'x'; 6_000_000]).await.unwrap();
    eventually(async || (s3.unfinished() > 1).then_some(())).await;
    drop(tcp);
    eventually(async || (s3.unfinished() == 0).then_some(())).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_or_says_nothing_makes_files_unavailable_for_a_while() {
    let (store, s3) = (Store::new().await, S3::start().await);
    let config = s3.config(&store);
    let mut wrong = config.clone();
    wrong.attachments.s3.secret_access_key = Some("something else".to_owned());
    // It takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut deaf = config.clone();
    deaf.attachments.stalled_ms = 2000;
    deaf.attachments.s3.endpoint = Some(format!("http://{}", silent.local_addr().unwrap()));
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    for config in [wrong, deaf] {
        let troubled = TestNode::start(config).await;
        let refused = troubled.put(&ann, "words").await;
        assert_eq!(refused.status(), 503);
        let told = refused.text().await.unwrap();
        assert!(told.contains("unavailable") && !told.contains(KEY), "{told}");
        troubled.stop().await;
    }
    assert_eq!(node.put(&ann, "words").await.status(), 201);
    node.stop().await;
}
