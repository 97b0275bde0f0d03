//! Files: stored, shown by messages, fetched by those who may see them.

use crate::administration::promoted;
use crate::support::*;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tidings::accounts::Role;
use tidings_client::{Config, Incoming, connect};
use tidings_protocol::{Action, Content, EventData, MessageSend};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

/// A picture of one transparent pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

impl TestNode {
    async fn upload(&self, user: &User, name: &str, bytes: impl Into<Vec<u8>>) -> Response {
        let url = self.url(&format!("/attachments?name={name}"));
        let request = self.http.post(url).bearer_auth(&user.token);
        request.body(bytes.into()).send().await.unwrap()
    }

    /// Uploads what must be taken.
    async fn stored(&self, user: &User, name: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let response = self.upload(user, name, bytes).await;
        let status = response.status();
        let answer = json(response).await;
        assert_eq!(status, 201, "{answer}");
        answer
    }

    async fn fetch(&self, user: &User, id: &Value, headers: &[(&str, &str)]) -> Response {
        let url = self.url(&format!("/attachments/{}", id.as_str().unwrap()));
        let mut request = self.http.request(Method::GET, url).bearer_auth(&user.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}

/// Where the files of the log are.
fn files(store: &Store) -> PathBuf {
    let mut logs = std::fs::read_dir(store.files.path()).unwrap();
    logs.next().unwrap().unwrap().path()
}

/// Where the bytes of a file are kept.
fn kept(store: &Store, file: &Value) -> PathBuf {
    let sum = text(&file["sha256"]);
    files(store).join(format!("{}/{}/{sum}", &sum[..2], &sum[2..4]))
}

/// Hours go by, for what was removed and for bytes in doubt.
async fn hours_go_by(store: &Store, database: &tokio_postgres::Client) {
    let sql = "UPDATE removed_attachment SET removed_at = removed_at - interval '3 hours'";
    database.execute(sql, &[]).await.unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(1);
    let doubts = std::fs::read_dir(files(store).join("doubtful"));
    for doubt in doubts.into_iter().flatten().flatten() {
        // It may be gone by now.
        if let Ok(file) = std::fs::File::options().write(true).open(doubt.path()) {
            file.set_modified(long_ago).unwrap();
        }
    }
}

fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

fn showing(conversation: Uuid, kind: &str, id: &Value) -> Value {
    json!({ "type": "message.send", "conversation": conversation, "content": { "kind": kind, "attachment": id, "caption": "look" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_stored_shown_and_fetched_by_those_who_see_the_message() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let stored = one.stored(&ann, "a%20hill.png", PIXEL).await;
    assert_eq!(
        stored,
        json!({ "id": stored["id"], "name": "a hill.png", "type": "image/png", "size": PIXEL.len(), "sha256": sum(PIXEL),
            "width": 1, "height": 1 })
    );

    // Until a message shows it, it is its owner's alone.
    assert_eq!(two.fetch(&ann, &stored["id"], &[]).await.status(), 200);
    assert_eq!(two.fetch(&ben, &stored["id"], &[]).await.status(), 404);
    b.refused(showing(conversation, "image", &stored["id"]), "not_found")
        .await;

    let sent = a.acked(showing(conversation, "image", &stored["id"])).await;
    let event = &b.events(conversation, 2).await[1];
    assert_eq!(
        event["data"]["content"],
        json!({ "kind": "image", "attachment": stored["id"], "caption": "look" })
    );
    let fetched = two.fetch(&ben, &stored["id"], &[]).await;
    assert_eq!(fetched.status(), 200);
    assert_eq!(header(&fetched, "content-type"), "image/png");
    assert_eq!(
        header(&fetched, "content-disposition"),
        "inline; filename*=UTF-8''a%20hill.png"
    );
    assert_eq!(header(&fetched, "x-content-type-options"), "nosniff");
    assert_eq!(header(&fetched, "etag"), format!("\"{}\"", sum(PIXEL)));
    assert_eq!(fetched.bytes().await.unwrap(), PIXEL);
    assert_eq!(two.fetch(&cat, &stored["id"], &[]).await.status(), 404);

    // With the message goes what it showed.
    a.acked(json!({ "type": "message.recall", "conversation": conversation, "message": sent["id"] }))
        .await;
    eventually(async || (two.fetch(&ben, &stored["id"], &[]).await.status() == 404).then_some(())).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_forwarded_is_fetched_by_those_who_see_the_copy() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let from = a.open_direct(&ben).await;
    let to = b.open_direct(&cat).await;
    let stored = one.stored(&ann, "hill.png", PIXEL).await;
    let sent = a.acked(showing(from, "image", &stored["id"])).await;
    let forward = json!({ "type": "message.send", "conversation": to,
        "forward": { "conversation": from, "message": sent["id"] } });
    let copy = b.acked(forward).await;
    assert_eq!(two.fetch(&cat, &stored["id"], &[]).await.status(), 200);
    // It stays with the copy, and goes with it.
    let recall = |conversation, message: &Value| json!({ "type": "message.recall", "conversation": conversation, "message": message });
    a.acked(recall(from, &sent["id"])).await;
    a.say(from, "behind it").await;
    assert_eq!(one.fetch(&cat, &stored["id"], &[]).await.status(), 200);
    b.acked(recall(to, &copy["id"])).await;
    eventually(async || (one.fetch(&cat, &stored["id"], &[]).await.status() == 404).then_some(())).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_comes_to_a_device_of_the_client_library_that_was_away() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let url = format!("ws://{}/ws", node.node.address());
    let stored = node.stored(&ann, "hill.png", PIXEL).await;
    let attachment = Uuid::try_parse(&text(&stored["id"])).unwrap();
    let picture = Content::image(attachment, Some("look".to_owned()));
    let (a, _events) = connect(Config::new(url.clone(), ann.token.clone(), "a"));
    let opened = a.send(Action::DirectOpen { user: ben.id }).await.unwrap();
    let conversation = opened.await.unwrap().conversation;
    let send = Action::MessageSend(MessageSend::new(conversation, picture.clone()));
    a.send(send).await.unwrap().await.unwrap();
    let (_b, mut events) = connect(Config::new(url, ben.token.clone(), "b"));
    let shown = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Incoming::Event(event) = events.next().await.unwrap()
                && let EventData::MessageSent(sent) = event.decode()
            {
                return sent.content;
            }
        }
    });
    assert_eq!(shown.await.unwrap(), Some(picture));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_file_is_sent_where_one_is_asked_for() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    // More than a part of an object holds.
    let bytes: Vec<u8> = (0..6_000_000_u32).map(|n| (n % 251) as u8).collect();
    let stored = node.stored(&ann, "long.bin", bytes.clone()).await;
    assert_eq!(stored["type"], "application/octet-stream");
    let id = &stored["id"];
    let whole = node.fetch(&ann, id, &[]).await;
    assert!(header(&whole, "content-disposition").starts_with("attachment; "));
    let etag = header(&whole, "etag");
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    let part = node.fetch(&ann, id, &[("range", "bytes=5999990-")]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(header(&part, "content-range"), "bytes 5999990-5999999/6000000");
    assert_eq!(part.bytes().await.unwrap(), bytes[5_999_990..]);
    let part = node
        .fetch(&ann, id, &[("range", "bytes=1-2"), ("if-range", &etag)])
        .await;
    assert_eq!(
        (part.status(), part.bytes().await.unwrap()),
        (StatusCode::PARTIAL_CONTENT, bytes[1..3].to_vec().into())
    );
    let other = node
        .fetch(&ann, id, &[("range", "bytes=1-2"), ("if-range", "\"other\"")])
        .await;
    assert_eq!(other.status(), 200);
    let beyond = node.fetch(&ann, id, &[("range", "bytes=6000000-")]).await;
    assert_eq!(beyond.status(), 416);
    assert_eq!(header(&beyond, "content-range"), "bytes */6000000");
    let known = node.fetch(&ann, id, &[("if-none-match", &etag)]).await;
    assert_eq!(known.status(), 304);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_has_kept_for_one_person_it_gives_to_no_other() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let stored = node.stored(&ann, "hill.png", PIXEL).await;
    let id = &stored["id"];
    let etag = format!("\"{}\"", sum(PIXEL));
    for (headers, status) in [
        (&[] as &[(&str, &str)], 200),
        (&[("range", "bytes=0-3")], 206),
        (&[("if-none-match", etag.as_str())], 304),
    ] {
        let fetched = node.fetch(&ann, id, headers).await;
        assert_eq!(fetched.status(), status);
        assert_eq!(header(&fetched, "vary"), "authorization", "{status}");
        assert!(
            header(&fetched, "cache-control").starts_with("private"),
            "{status}"
        );
    }
    let strange = node.fetch(&ben, id, &[]).await;
    assert_eq!(strange.status(), 404);
    assert_eq!(
        (header(&strange, "vary"), header(&strange, "cache-control")),
        ("authorization".to_owned(), "no-store".to_owned())
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_refused_and_leaves_nothing() {
    let store = Store::new().await;
    let mut config = store.config();
    config.attachments.file_bytes = 1000;
    config.attachments.user_bytes = 1500;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let code = async |response: Response| {
        let status = response.status().as_u16();
        (status, text(&json(response).await["code"]))
    };
    let refused = |status, code: &str| (status, code.to_owned());
    let file = |size| vec![b'x'; size];
    assert_eq!(
        code(node.upload(&ann, "a", file(1001)).await).await,
        refused(413, "too_large")
    );
    let (status, empty) = code(node.upload(&ann, "a", file(0)).await).await;
    // Of nothing a client may say no length at all.
    assert!(
        [400, 411].contains(&status) && empty == "invalid_argument",
        "{status}"
    );
    for name in ["", "..", "a%2F", "a%0Ab", &"x".repeat(256)] {
        let answer = code(node.upload(&ann, name, file(1)).await).await;
        assert!([400, 413].contains(&answer.0), "{name} {answer:?}");
    }
    for name in ["a&name=b", &"x".repeat(256)] {
        let refused = json(node.upload(&ann, name, file(1)).await).await;
        assert_eq!(refused["field"], "name", "{refused}");
    }
    for size in ["481", "abc", "480&size=480"] {
        let path = format!("/attachments/{}/thumbnail?size={size}", Uuid::now_v7());
        let refused = node.http.get(node.url(&path)).bearer_auth(&ann.token);
        let refused = json(refused.send().await.unwrap()).await;
        assert_eq!(refused["field"], "size", "{refused}");
    }
    let stranger = User {
        token: "nonsense".to_owned(),
        ..ann.clone()
    };
    assert_eq!(
        code(node.upload(&stranger, "a", file(1)).await).await,
        refused(401, "unauthenticated")
    );
    let url = node.url("/attachments?name=a");
    let broken = node.http.post(&url).bearer_auth(&ann.token).header(
        "repr-digest",
        "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
    );
    assert_eq!(
        code(broken.body("hullo").send().await.unwrap()).await,
        refused(400, "invalid_argument")
    );
    let right = node.http.post(&url).bearer_auth(&ann.token).header(
        "repr-digest",
        "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:",
    );
    assert_eq!(right.body("hello").send().await.unwrap().status(), 201);

    node.stored(&ann, "a", file(1000)).await;
    assert_eq!(
        code(node.upload(&ann, "b", file(1000)).await).await,
        refused(413, "too_large")
    );
    let id = json!(Uuid::now_v7());
    assert_eq!(node.fetch(&ann, &id, &[]).await.status(), 404);
    assert_eq!(node.fetch(&ann, &json!("nonsense"), &[]).await.status(), 404);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_a_file_for_as_long_as_its_user_may_see_it() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let mut a = one.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let stored = one.stored(&ann, "hill.png", PIXEL).await;
    let sent = a.acked(showing(group, "image", &stored["id"])).await;
    let query = format!(
        "{{ message(conversation: \"{group}\", id: \"{}\") {{ text kind attachment {{ id name type size sha256 width height url expiresAt thumbnailUrl }} }} }}",
        text(&sent["id"])
    );
    let after = text(&sent["position"]);
    let answer = two.graphql(&ben, &query, Some(&after)).await;
    let message = &answer["data"]["message"];
    let shown = &message["attachment"];
    assert_eq!(
        (&message["text"], &message["kind"]),
        (&json!("look"), &json!("IMAGE")),
        "{answer}"
    );
    for field in ["id", "name", "type", "size", "sha256", "width", "height"] {
        assert_eq!(shown[field], stored[field], "{field}");
    }
    let url = text(&shown["url"]);
    let open = async |node: &TestNode, url: &str| node.http.get(node.url(url)).send().await.unwrap();
    let opened = open(&one, &url).await;
    assert_eq!(opened.status(), 200);
    assert_eq!(opened.bytes().await.unwrap(), PIXEL);
    let bare = url.split_once('?').unwrap().0;
    assert_eq!(open(&one, bare).await.status(), 401);
    assert_eq!(open(&one, &format!("{bare}?t=nonsense")).await.status(), 404);
    let other = one.stored(&ann, "other.png", PIXEL).await;
    let moved = url.replace(&text(&stored["id"]), &text(&other["id"]));
    assert_eq!(open(&one, &moved).await.status(), 404);

    a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
        .await;
    eventually(async || (open(&two, &url).await.status() == 404).then_some(())).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_no_message_shows_is_removed_with_its_bytes() {
    let store = Store::new().await;
    let node = tidy_node(&store).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let lonely = node.stored(&ann, "lonely.txt", "lonely").await;
    let shown = node.stored(&ann, "shown.txt", "shown").await;
    let twin = node.stored(&ann, "twin.txt", "shown").await;
    a.acked(showing(conversation, "file", &shown["id"])).await;
    assert!(kept(&store, &lonely).is_file() && kept(&store, &shown).is_file());

    // Two days go by. That one of them is shown is known long before that.
    let client = store.client().await;
    node.folded(&ann).await;
    eventually(async || {
        let row = client
            .query_one("SELECT count(*) FROM p_attachments_4.attachment", &[])
            .await;
        (row.unwrap().get::<_, i64>(0) == 3).then_some(())
    })
    .await;
    let sql = "UPDATE p_attachments_4.attachment SET at = at - interval '2 days'";
    assert_eq!(client.execute(sql, &[]).await.unwrap(), 3);
    for gone in [&lonely, &twin] {
        eventually(async || (node.fetch(&ann, &gone["id"], &[]).await.status() == 404).then_some(())).await;
    }
    // Its bytes are held for another hour, and then in doubt for half of one.
    assert!(kept(&store, &lonely).is_file());
    let doubtful = files(&store).join("doubtful");
    eventually(async || {
        hours_go_by(&store, &client).await;
        let is_settled = std::fs::read_dir(&doubtful).is_ok_and(|mut left| left.next().is_none());
        (!kept(&store, &lonely).exists() && is_settled).then_some(())
    })
    .await;
    assert_eq!(
        node.fetch(&ben, &shown["id"], &[]).await.bytes().await.unwrap(),
        "shown"
    );
    // There is room again.
    let query = "SELECT bytes, files FROM p_attachments_4.usage";
    let row = client.query_one(query, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (5, 1));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_picture_is_seen_by_who_looks_at_the_report_and_kept_until_that_is_settled() {
    let store = Store::new().await;
    let node = tidy_node(&store).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let moderator = promoted(&node, "mod", &[Role::Moderator]).await;
    let auditor = promoted(&node, "audit", &[Role::Auditor]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let room = a.open_direct(&ben).await;
    let stored = node.stored(&ann, "hill.png", PIXEL).await;
    let lonely = node.stored(&ann, "lonely.txt", "lonely").await;
    let sent = a.acked(showing(room, "image", &stored["id"])).await;
    b.events(room, 2).await;
    let filed = b
        .acked(json!({ "type": "report.send", "conversation": room, "message": sent["id"], "reason": "a picture" }))
        .await;
    a.acked(json!({ "type": "message.recall", "conversation": room, "message": sent["id"] }))
        .await;
    eventually(async || (node.fetch(&ben, &stored["id"], &[]).await.status() == 404).then_some(())).await;

    let open = async |url: &str| node.http.get(node.url(url)).send().await.unwrap();
    let query = "{ admin { reports { nodes { id evidence { attachment url } } } } }";
    let (mut report, mut urls) = (Value::Null, vec![]);
    for viewer in [&moderator, &auditor] {
        let answer = node.graphql(viewer, query, filed["position"].as_str()).await;
        let found = &answer["data"]["admin"]["reports"]["nodes"][0];
        assert_eq!(found["evidence"][0]["attachment"], stored["id"], "{answer}");
        report = found["id"].clone();
        let url = text(&found["evidence"][0]["url"]);
        let opened = open(&url).await;
        assert_eq!(opened.status(), 200);
        assert_eq!(opened.bytes().await.unwrap(), PIXEL);
        urls.push(url);
    }
    // The role alone opens nothing: who looks is written down first. Nor does the link without the role.
    assert_eq!(node.fetch(&moderator, &stored["id"], &[]).await.status(), 404);
    let elsewhere = urls[0].replace(&text(&stored["id"]), &text(&lonely["id"]));
    assert_eq!(open(&elsewhere).await.status(), 404);
    assert!(node.node.accounts().set_roles(auditor.id, &[]).await.unwrap());
    assert_eq!(open(&urls[1]).await.status(), 404);

    // Two days go by. Both are removed; what nobody looks at is held no longer, and this is.
    let database = store.client().await;
    let sql = "UPDATE p_attachments_4.attachment SET at = at - interval '2 days'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 2);
    for file in [&stored, &lonely] {
        eventually(async || (node.fetch(&ann, &file["id"], &[]).await.status() == 404).then_some(())).await;
    }
    eventually(async || {
        hours_go_by(&store, &database).await;
        (!kept(&store, &lonely).exists()).then_some(())
    })
    .await;
    assert_eq!(open(&urls[0]).await.status(), 200);

    // Once it is settled it goes with the next look at it.
    let settle = format!("mutation {{ resolveReport(id: {report}, action: DISMISS) {{ state }} }}");
    let settled = node.graphql(&moderator, &settle, None).await;
    assert_eq!(
        settled["data"]["resolveReport"]["state"], "DISMISSED",
        "{settled}"
    );
    eventually(async || {
        hours_go_by(&store, &database).await;
        (!kept(&store, &stored).exists()).then_some(())
    })
    .await;
    assert_eq!(open(&urls[0]).await.status(), 404);
    node.stop().await;
}

/// The one report that there is, and where its picture is opened by `viewer`, who looks at it behind `position`.
async fn looked_at(node: &TestNode, viewer: &User, position: &Value) -> (Value, String) {
    let query = "{ admin { reports { nodes { id evidence { url } } } } }";
    let answer = node.graphql(viewer, query, position.as_str()).await;
    let found = &answer["data"]["admin"]["reports"]["nodes"][0];
    (found["id"].clone(), text(&found["evidence"][0]["url"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_from_a_file_of_their_own_that_it_was_reported() {
    let store = Store::new().await;
    let other = [PIXEL, &b"x"[..]].concat();
    let mut config = store.config();
    config.attachments.clean_up_s = 1;
    config.attachments.user_bytes = (PIXEL.len() + other.len()) as u64;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let moderator = promoted(&node, "mod", &[Role::Moderator]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let room = a.open_direct(&ben).await;
    let reported = node.stored(&ann, "hill.png", PIXEL).await;
    let other = node.stored(&ann, "dale.png", other).await;
    let mut sent = vec![];
    for file in [&reported, &other] {
        sent.push(a.acked(showing(room, "image", &file["id"])).await);
    }
    b.events(room, 3).await;
    let filed = b
        .acked(json!({ "type": "report.send", "conversation": room, "message": sent[0]["id"], "reason": "a picture" }))
        .await;
    for sent in &sent {
        a.acked(json!({ "type": "message.recall", "conversation": room, "message": sent["id"] }))
            .await;
    }
    // Both were looked at small.
    let thumbnail = |file: &Value| {
        let folder = files(&store).join("thumbnails");
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(format!("{}-480", text(&file["sha256"])))
    };
    for file in [&reported, &other] {
        std::fs::write(thumbnail(file), "small").unwrap();
    }
    let (report, url) = looked_at(&node, &moderator, &filed["position"]).await;
    let open = async |url: &str| node.http.get(node.url(url)).send().await.unwrap();
    let database = store.client().await;
    // All that Ann is answered of a file: its bytes, the thumbnail.
    let told = async |file: &Value| {
        let whole = node.fetch(&ann, &file["id"], &[]).await;
        let small = format!("/attachments/{}/thumbnail?size=480", text(&file["id"]));
        let small = node.http.get(node.url(&small)).bearer_auth(&ann.token);
        (whole.status(), small.send().await.unwrap().status())
    };
    let (there, gone) = (
        (StatusCode::OK, StatusCode::OK),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
    );
    assert_eq!([told(&reported).await, told(&other).await], [there, there]);
    assert_eq!(node.upload(&ann, "more.txt", "more").await.status(), 413);

    // Two days go by.
    node.folded(&ann).await;
    let sql = "UPDATE p_attachments_4.attachment SET at = at - interval '2 days'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 2);
    for file in [&reported, &other] {
        eventually(async || (told(file).await == gone).then_some(())).await;
    }
    let sql = "SELECT count(*) FROM event WHERE stream = $1 AND kind = 68";
    let removals: i64 = database.query_one(sql, &[&ann.id]).await.unwrap().get(0);
    assert_eq!(removals, 2);
    let usage = "SELECT bytes, files FROM p_attachments_4.usage";
    let row = database.query_one(usage, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (0, 0));
    let more = [PIXEL, &b"y"[..]].concat();
    node.stored(&ann, "more.png", more).await;

    // The moderator sees it, and leaves nothing that Ann could find who stores it once more.
    assert_eq!(open(&url).await.bytes().await.unwrap(), PIXEL);
    assert_eq!(open(&url.replace("?t=", "/thumbnail?t=")).await.status(), 404);
    eventually(async || {
        hours_go_by(&store, &database).await;
        let left = [kept(&store, &other), thumbnail(&other), thumbnail(&reported)];
        (!left.iter().any(|left| left.exists())).then_some(())
    })
    .await;
    assert_eq!([told(&reported).await, told(&other).await], [gone, gone]);
    assert_eq!(open(&url).await.bytes().await.unwrap(), PIXEL);

    let settle = format!("mutation {{ resolveReport(id: {report}, action: RESOLVE) {{ state }} }}");
    let settled = node.graphql(&moderator, &settle, None).await;
    assert_eq!(settled["data"]["resolveReport"]["state"], "RESOLVED", "{settled}");
    eventually(async || {
        hours_go_by(&store, &database).await;
        (!kept(&store, &reported).exists()).then_some(())
    })
    .await;
    assert_eq!(open(&url).await.status(), 404);
    assert_eq!([told(&reported).await, told(&other).await], [gone, gone]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_behind_its_removal_is_seen_while_it_is_held() {
    let store = Store::new().await;
    let node = tidy_node(&store).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let moderator = promoted(&node, "mod", &[Role::Moderator]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let room = a.open_direct(&ben).await;
    let stored = node.stored(&ann, "hill.png", PIXEL).await;
    let sent = a.acked(showing(room, "image", &stored["id"])).await;
    b.events(room, 2).await;
    a.acked(json!({ "type": "message.recall", "conversation": room, "message": sent["id"] }))
        .await;
    let database = store.client().await;
    node.folded(&ann).await;
    let sql = "UPDATE p_attachments_4.attachment SET at = at - interval '2 days'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    eventually(async || (node.fetch(&ann, &stored["id"], &[]).await.status() == 404).then_some(())).await;

    let filed = b
        .acked(json!({ "type": "report.send", "conversation": room, "message": sent["id"], "reason": "a picture" }))
        .await;
    let (_, url) = looked_at(&node, &moderator, &filed["position"]).await;
    for _ in 0..3 {
        hours_go_by(&store, &database).await;
        cleaned_up(&store).await;
    }
    let opened = node.http.get(node.url(&url)).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    assert_eq!(opened.bytes().await.unwrap(), PIXEL);
    node.stop().await;
}

/// Asks for an upload of `length` bytes in parts.
async fn begin(node: &TestNode, user: &User, metadata: &str, length: usize) -> Response {
    let request = node.http.post(node.url("/attachments/tus"));
    let request = request.bearer_auth(&user.token).header("tus-resumable", "1.0.0");
    let request = request.header("upload-metadata", metadata);
    request.header("upload-length", length).send().await.unwrap()
}

/// Begins an upload of `length` bytes in parts, and says where.
async fn begun(node: &TestNode, user: &User, length: usize) -> String {
    let begun = begin(node, user, "filename bG9uZy5iaW4=", length).await;
    assert_eq!(begun.status(), 201);
    header(&begun, "location")
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_begin_at_once_are_no_more_than_one_behind_the_other() {
    let store = Store::new().await;
    let mut config = store.config();
    config.attachments.user_bytes = 70;
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben] = one.people(["ann", "ben"]).await;
    // As many as there is room for, and otherwise as many as somebody may have begun.
    for (user, length, most) in [(&ann, 10, 7), (&ben, 1, 20)] {
        let all = (0..30).map(|n| {
            let node = if n % 2 == 0 { &one } else { &two };
            begin(node, user, "filename YQ==", length)
        });
        let answers = futures_util::future::join_all(all).await;
        let begun = answers.iter().filter(|answer| answer.status() == 201);
        assert_eq!(begun.count(), most);
        let refused = begin(&one, user, "filename YQ==", length).await;
        let code = if length == 10 { "too_large" } else { "rate_limited" };
        assert_eq!(json(refused).await["code"], code);
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_an_upload_is_told_as_it_was_said_and_bounded() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let metadata = "other,filetype dGV4dC9wbGFpbg==, filename YQ==";
    let begun = begin(&node, &ann, metadata, 5).await;
    assert_eq!(begun.status(), 201);
    let place = header(&begun, "location");
    let looked = look(&node, &ann, &place).await;
    assert_eq!(header(&looked, "upload-metadata"), metadata);
    // 256 bytes, which is one too many either way.
    let long = format!("filename {}eA==", "eHh4".repeat(85));
    let refused = begin(&node, &ann, &long, 5).await;
    assert_eq!(refused.status(), 413);
    let refused = json(refused).await;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("too_large"), &json!("upload-metadata"))
    );
    let refused = node.upload(&ann, &"x".repeat(256), "hello").await;
    assert_eq!(refused.status(), 413);
    assert_eq!(json(refused).await["code"], "too_large");
    node.stop().await;
}

/// A node that keeps so many bytes of each user.
async fn node_of(store: &Store, user_bytes: u64) -> TestNode {
    let mut config = store.config();
    config.attachments.user_bytes = user_bytes;
    TestNode::start(config).await
}

/// Asks how far an upload is.
async fn look(node: &TestNode, user: &User, place: &str) -> Response {
    let request = node.http.head(node.url(place)).bearer_auth(&user.token);
    request.header("tus-resumable", "1.0.0").send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_one_go_and_what_comes_in_parts_share_the_room_that_there_is() {
    let store = Store::new().await;
    let (one, two) = (node_of(&store, 100).await, node_of(&store, 100).await);
    let ann = one.register("ann").await;
    let file = |size| vec![b'x'; size];
    let place = begun(&one, &ann, 60).await;
    let sent = part(&two, &ann, &place, 0).body(file(30)).send().await.unwrap();
    assert_eq!(sent.status(), 204);
    // What has not come has its room, too.
    let refused = two.upload(&ann, "a", file(41)).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(json(refused).await["code"], "too_large");
    // What is stored counts at once, at any node.
    two.stored(&ann, "a", file(30)).await;
    for node in [&one, &two] {
        let refused = begin(node, &ann, "filename YQ==", 11).await;
        assert_eq!(refused.status(), 413);
        assert_eq!(json(refused).await["code"], "too_large");
    }
    one.stored(&ann, "b", file(10)).await;
    let sent = part(&one, &ann, &place, 30).body(file(30)).send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let id = json!(place.rsplit('/').next().unwrap());
    assert_eq!(two.fetch(&ann, &id, &[]).await.bytes().await.unwrap(), file(60));
    assert_eq!(one.upload(&ann, "c", file(1)).await.status(), 413);
    // What was refused holds no room, and what is stored holds it once.
    let database = store.client().await;
    assert_eq!(under_way(&database).await, 0);
    one.stop().await;
    two.stop().await;
}

/// A node that ends behind the event leaves a row of what is stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_stored_takes_its_room_once_though_its_row_is_there_yet() {
    let store = Store::new().await;
    let (node, database) = (node_of(&store, 100).await, store.client().await);
    let ann = node.register("ann").await;
    let file = |size| vec![b'x'; size];
    let stored = node.stored(&ann, "a", file(60)).await;
    let row = "INSERT INTO upload (id, user_id, name, size, whole, expires_at) \
               VALUES ($1, $2, 'a', 60, true, now() + interval '20 minutes')";
    database
        .execute(row, &[&id(&stored["id"]), &ann.id])
        .await
        .unwrap();
    // Nor is what comes behind a file in its way.
    let behind = "CREATE FUNCTION behind() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                      INSERT INTO upload (id, user_id, name, size, whole, expires_at) \
                      VALUES (gen_random_uuid(), NEW.user_id, 'c', 30, true, NEW.expires_at); \
                      RETURN NULL; \
                  END $$; \
                  CREATE TRIGGER behind AFTER INSERT ON upload FOR EACH ROW WHEN (NEW.name = 'b') EXECUTE FUNCTION behind()";
    database.batch_execute(behind).await.unwrap();
    node.stored(&ann, "b", file(30)).await;
    assert_eq!(under_way(&database).await, 2);
    // What came before is, until it is over.
    let refused = node.upload(&ann, "d", file(10)).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(json(refused).await["code"], "too_large");
    let sql = "UPDATE upload SET expires_at = now() - interval '1 second' WHERE name = 'c'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    node.stored(&ann, "d", file(10)).await;
    assert_eq!(node.upload(&ann, "e", file(1)).await.status(), 413);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_over_takes_no_room_though_nobody_has_cleaned_up() {
    let store = Store::new().await;
    let (node, database) = (node_of(&store, 100).await, store.client().await);
    let ann = node.register("ann").await;
    let place = begun(&node, &ann, 60).await;
    for _ in 0..19 {
        begun(&node, &ann, 1).await;
    }
    let refused = begin(&node, &ann, "filename YQ==", 1).await;
    assert_eq!(json(refused).await["code"], "rate_limited");
    let sql = "UPDATE upload SET expires_at = now() - interval '1 second'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 20);
    begun(&node, &ann, 40).await;
    node.stored(&ann, "a", vec![b'x'; 60]).await;
    assert_eq!(under_way(&database).await, 21);
    let late = part(&node, &ann, &place, 0).body("late").send().await.unwrap();
    assert_eq!(late.status(), 404);
    node.stop().await;
}

/// The database goes on with what a node has given up, and says so to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn room_whose_taking_was_never_answered_is_given_back() {
    let store = Store::new().await;
    let mut config = store.config();
    config.database_timeout_ms = 10_000;
    let node = TestNode::start(config).await;
    let (holder, database) = (store.client().await, store.client().await);
    holder.batch_execute("SELECT pg_advisory_lock(42)").await.unwrap();
    let goes_on = "CREATE SEQUENCE gone_on; \
                   CREATE FUNCTION go_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                       BEGIN PERFORM pg_advisory_xact_lock(42); \
                       EXCEPTION WHEN query_canceled THEN PERFORM nextval('gone_on'); END; \
                       RETURN NULL; \
                   END $$; \
                   CREATE TRIGGER go_on AFTER INSERT ON upload FOR EACH ROW EXECUTE FUNCTION go_on()";
    database.batch_execute(goes_on).await.unwrap();
    // On a machine that is so busy that the database is not told, it is somebody else's turn.
    let ann = eventually(async || {
        let ann = node.register("ann").await;
        let unanswered = begin(&node, &ann, "filename YQ==", 5).await;
        assert_eq!(unanswered.status(), 503);
        let sql = "SELECT is_called FROM gone_on";
        let has_gone_on: bool = database.query_one(sql, &[]).await.unwrap().get(0);
        has_gone_on.then_some(ann)
    })
    .await;
    let sql = "SELECT count(*) FROM upload WHERE user_id = $1";
    let held: i64 = database.query_one(sql, &[&ann.id]).await.unwrap().get(0);
    assert_eq!(held, 0);
    holder
        .batch_execute("SELECT pg_advisory_unlock(42)")
        .await
        .unwrap();
    node.stop().await;
}

/// Uploads that are not stored.
async fn under_way(database: &tokio_postgres::Client) -> i64 {
    let sql = "SELECT count(*) FROM upload WHERE NOT stored";
    database.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused_in_the_end_is_none_any_more() {
    let store = Store::new().await;
    // The operator has made up their mind.
    let (large, small) = (node_of(&store, 100).await, node_of(&store, 50).await);
    let ann = large.register("ann").await;
    let place = begun(&large, &ann, 60).await;
    let refused = part(&small, &ann, &place, 0).body(vec![b'x'; 60]);
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), 413);
    assert_eq!(json(refused).await["code"], "too_large");
    assert_eq!(look(&large, &ann, &place).await.status(), 404);
    assert!(incoming(&store).is_empty());
    let id = json!(place.rsplit('/').next().unwrap());
    assert_eq!(large.fetch(&ann, &id, &[]).await.status(), 404);
    large.stored(&ann, "a", vec![b'x'; 100]).await;
    large.stop().await;
    small.stop().await;
}

/// A node that stores nothing, for want of somebody who looks at files.
async fn strict_node(store: &Store) -> TestNode {
    let mut config = store.config();
    config.attachments.scan = tidings::attachments::Scan::Clamd;
    // Nobody is there.
    config.attachments.scan_address = Some("127.0.0.1:1".to_owned());
    TestNode::start(config).await
}

/// Sends a file in parts, all of which come and which is not stored, and says where.
async fn owed(strict: &TestNode, user: &User, file: &'static str) -> String {
    let place = begun(strict, user, file.len()).await;
    let sent = part(strict, user, &place, 0).body(file).send().await.unwrap();
    assert_eq!(sent.status(), 503);
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_complete_once_it_is_stored_and_not_when_all_has_come() {
    let store = Store::new().await;
    let (strict, node) = (strict_node(&store).await, store.node().await);
    let ann = node.register("ann").await;
    let place = owed(&strict, &ann, "hello").await;
    // The one answer behind which clients ask again, and do not begin again.
    let locked = look(&strict, &ann, &place).await;
    assert_eq!(locked.status(), StatusCode::LOCKED);
    assert_eq!(header(&locked, "retry-after"), "5");
    assert_eq!(header(&locked, "tus-resumable"), "1.0.0");
    assert!(!locked.headers().contains_key("upload-offset"));
    let looked = look(&node, &ann, &place).await;
    assert_eq!(looked.status(), 200);
    assert_eq!(header(&looked, "upload-offset"), "5");
    let id = json!(place.rsplit('/').next().unwrap());
    assert_eq!(node.fetch(&ann, &id, &[]).await.bytes().await.unwrap(), "hello");
    assert_eq!(look(&strict, &ann, &place).await.status(), 200);
    strict.stop().await;
    node.stop().await;
}

/// The parts of all uploads are gone, as behind a database that was set back.
fn lose_parts(store: &Store) {
    for part in incoming(store) {
        std::fs::remove_file(part).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_parts_are_gone_is_none_any_more_and_its_sender_begins_again() {
    let store = Store::new().await;
    // There is no room for it twice.
    let (strict, node) = (strict_node(&store).await, node_of(&store, 8).await);
    let ann = node.register("ann").await;
    let place = owed(&strict, &ann, "hello").await;
    lose_parts(&store);
    // It may be the store that is not there.
    assert_eq!(look(&node, &ann, &place).await.status(), 423);
    assert_eq!(under_way(&store.client().await).await, 1);
    twenty_minutes_later(&store).await;
    assert_eq!(look(&node, &ann, &place).await.status(), 404);
    assert_eq!(under_way(&store.client().await).await, 0);

    let place = begun(&node, &ann, 5).await;
    let sent = part(&node, &ann, &place, 0).body("wor").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    lose_parts(&store);
    // Whoever is asked to try again asks how far it is.
    let sent = part(&node, &ann, &place, 3).body("ld").send().await.unwrap();
    assert_eq!(sent.status(), 503);
    assert_eq!(look(&node, &ann, &place).await.status(), 423);
    twenty_minutes_later(&store).await;
    assert_eq!(look(&node, &ann, &place).await.status(), 404);

    let place = begun(&node, &ann, 5).await;
    let sent = part(&node, &ann, &place, 0).body("hello").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let id = json!(place.rsplit('/').next().unwrap());
    assert_eq!(node.fetch(&ann, &id, &[]).await.bytes().await.unwrap(), "hello");
    strict.stop().await;
    node.stop().await;
}

/// Twenty minutes after whatever is under way was tried.
async fn twenty_minutes_later(store: &Store) {
    let sql = "UPDATE upload SET tried_at = tried_at - interval '20 minutes'";
    store.client().await.execute(sql, &[]).await.unwrap();
}

/// A node that cleans up all the time.
async fn tidy_node(store: &Store) -> TestNode {
    let mut config = store.config();
    config.attachments.clean_up_s = 1;
    TestNode::start(config).await
}

/// A node that cleans up all the time, an hour after whatever is under way was tried, and keeps so many bytes of each user.
async fn an_hour_later(store: &Store, user_bytes: u64) -> TestNode {
    let sql = "UPDATE upload SET tried_at = tried_at - interval '1 hour'";
    store.client().await.execute(sql, &[]).await.unwrap();
    let mut config = store.config();
    config.attachments.clean_up_s = 1;
    config.attachments.user_bytes = user_bytes;
    TestNode::start(config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_stored_when_it_came_is_stored_or_refused_though_nobody_asks() {
    let store = Store::new().await;
    let strict = strict_node(&store).await;
    let [ann, ben] = strict.people(["ann", "ben"]).await;
    let short = owed(&strict, &ann, "short").await;
    let long = owed(&strict, &ben, "much longer").await;
    let database = store.client().await;
    assert_eq!(under_way(&database).await, 2);

    let node = an_hour_later(&store, 10).await;
    eventually(async || (under_way(&database).await == 0).then_some(())).await;
    let id = json!(short.rsplit('/').next().unwrap());
    assert_eq!(node.fetch(&ann, &id, &[]).await.bytes().await.unwrap(), "short");
    assert_eq!(look(&strict, &ann, &short).await.status(), 200);
    assert_eq!(look(&strict, &ben, &long).await.status(), 404);
    eventually(async || incoming(&store).is_empty().then_some(())).await;
    strict.stop().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_cannot_be_stored_keep_none_of_the_others() {
    let store = Store::new().await;
    let strict = strict_node(&store).await;
    let ann = strict.register("ann").await;
    for _ in 0..4 {
        owed(&strict, &ann, "lost").await;
    }
    lose_parts(&store);
    for _ in 0..4 {
        owed(&strict, &ann, "cut short").await;
    }
    for part in incoming(&store) {
        std::fs::write(part, "cut").unwrap();
    }
    let place = owed(&strict, &ann, "hello").await;
    let node = an_hour_later(&store, 100).await;
    let database = store.client().await;
    eventually(async || (under_way(&database).await == 8).then_some(())).await;
    let id = json!(place.rsplit('/').next().unwrap());
    assert_eq!(node.fetch(&ann, &id, &[]).await.bytes().await.unwrap(), "hello");
    strict.stop().await;
    node.stop().await;
}

/// From here on it is kept which look of the clean-up has tried an upload. Before it does so, each of them forgets what is over.
async fn watch_looks(database: &tokio_postgres::Client) {
    let sql = "CREATE SEQUENCE looks;
         CREATE TABLE tried (look bigint NOT NULL, upload uuid NOT NULL);
         CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM nextval('looks');
             RETURN NULL;
         END $$;
         CREATE FUNCTION try() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO tried SELECT last_value, NEW.id FROM looks;
             RETURN NULL;
         END $$;
         CREATE TRIGGER look AFTER DELETE ON upload FOR EACH STATEMENT EXECUTE FUNCTION look();
         CREATE TRIGGER try AFTER UPDATE ON upload FOR EACH ROW WHEN (NEW.tried_at > OLD.tried_at) EXECUTE FUNCTION try()";
    database.batch_execute(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_look_comes_to_what_stands_behind_any_number_of_uploads_whose_parts_are_gone() {
    let store = Store::new().await;
    let strict = strict_node(&store).await;
    let ann = strict.register("ann").await;
    let gone = 5;
    for _ in 0..gone {
        owed(&strict, &ann, "lost").await;
    }
    lose_parts(&store);
    owed(&strict, &ann, "hello").await;
    let database = store.client().await;
    watch_looks(&database).await;
    let node = an_hour_later(&store, 100).await;
    eventually(async || (under_way(&database).await == gone).then_some(())).await;
    let sql = "SELECT count(DISTINCT upload), count(DISTINCT look) FROM tried";
    let tried = database.query_one(sql, &[]).await.unwrap();
    assert_eq!((tried.get::<_, i64>(0), tried.get::<_, i64>(1)), (gone + 1, 1));
    strict.stop().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_stored_is_tried_once_more_before_its_time_is_over() {
    let store = Store::new().await;
    let (strict, database) = (strict_node(&store).await, store.client().await);
    let ann = strict.register("ann").await;
    let place = owed(&strict, &ann, "late").await;
    // The week behind its beginning ended sooner than the day behind its last part. As long as it seems to have been there it would rest for an hour.
    let sql = "UPDATE upload SET expires_at = now() + interval '5 minutes', tried_at = now() - interval '6 minutes'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);

    let node = tidy_node(&store).await;
    eventually(async || (under_way(&database).await == 0).then_some(())).await;
    // It is stored, and not over.
    let id = json!(place.rsplit('/').next().unwrap());
    assert_eq!(node.fetch(&ann, &id, &[]).await.bytes().await.unwrap(), "late");
    strict.stop().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_stored_for_long_is_tried_ever_more_rarely() {
    let store = Store::new().await;
    let (strict, database) = (strict_node(&store).await, store.client().await);
    let ann = strict.register("ann").await;
    owed(&strict, &ann, "old").await;
    // It came two hours ago, and an hour and a half later it was tried.
    let sql = "UPDATE upload SET expires_at = expires_at - interval '2 hours', tried_at = tried_at - interval '30 minutes'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    owed(&strict, &ann, "new").await;
    let sql = "UPDATE upload SET tried_at = tried_at - interval '10 minutes' WHERE tried_at > now() - interval '10 minutes'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);

    let node = tidy_node(&store).await;
    eventually(async || (under_way(&database).await == 1).then_some(())).await;
    cleaned_up(&store).await;
    assert_eq!(under_way(&database).await, 1);
    let sql = "UPDATE upload SET tried_at = tried_at - interval '40 minutes' WHERE NOT stored";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    eventually(async || (under_way(&database).await == 0).then_some(())).await;
    strict.stop().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_a_week_after_it_began_however_often_it_is_gone_on_with() {
    let store = Store::new().await;
    let (node, database) = (store.node().await, store.client().await);
    let ann = node.register("ann").await;
    let place = begun(&node, &ann, 10).await;
    let sent = part(&node, &ann, &place, 0).body("one").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let sql = "UPDATE upload SET begun_at = begun_at - interval '7 days'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    let sent = part(&node, &ann, &place, 3).body("lo").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let sent = part(&node, &ann, &place, 5).body("world").send().await.unwrap();
    assert_eq!(sent.status(), 404);
    node.stop().await;
}

/// PostgreSQL knows no text with a NUL in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_type_that_cannot_be_kept_is_as_none() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let begun = begin(&node, &ann, "filename YQ==,filetype dGV4dC8AcGxhaW4=", 5).await;
    assert_eq!(begun.status(), 201);
    let place = header(&begun, "location");
    let sent = part(&node, &ann, &place, 0).body("hello").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let id = json!(place.rsplit('/').next().unwrap());
    let fetched = node.fetch(&ann, &id, &[]).await;
    assert_eq!(header(&fetched, "content-type"), "application/octet-stream");
    node.stop().await;
}

/// Sends a part of one.
fn part(node: &TestNode, user: &User, place: &str, at: usize) -> reqwest::RequestBuilder {
    let request = node.http.patch(node.url(place)).bearer_auth(&user.token);
    request
        .header("tus-resumable", "1.0.0")
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", at)
}

fn incoming(store: &Store) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(files(store).join("incoming"));
    entries
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// So old that the clean-up takes it, whatever the clocks say.
fn age(path: &Path) {
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(1);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(long_ago).unwrap();
}

/// Until all has been looked at that is there now: what nobody knows goes with each look, of which the second began after the first had ended.
async fn cleaned_up(store: &Store) {
    let folder = files(store).join("incoming");
    std::fs::create_dir_all(&folder).unwrap();
    for _ in 0..2 {
        let left = folder.join(Uuid::new_v4().to_string());
        std::fs::write(&left, "left").unwrap();
        age(&left);
        eventually(async || (!left.exists()).then_some(())).await;
    }
}

/// How many sessions stand where this is so.
async fn sessions(database: &tokio_postgres::Client, condition: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND state = 'active' AND {condition}"
    );
    database.query_one(&sql, &[]).await.unwrap().get(0)
}

/// A node whose clock is to be ahead of the database's.
async fn node_and_clock(store: &Store) -> TestNode {
    store.another_clock().await;
    tidy_node(store).await
}

/// From here on it is two days ahead, also for the clean-up that was under way.
async fn gets_ahead(store: &Store) {
    store.clock_behind("2 days").await;
    cleaned_up(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_ahead_removes_no_file_before_its_time() {
    let store = Store::new().await;
    let (node, database) = (node_and_clock(&store).await, store.client().await);
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let stored = node.stored(&ann, "fresh.txt", "fresh").await;
    node.folded(&ann).await;
    gets_ahead(&store).await;
    // It was stored a moment ago, by the clock that the log goes by.
    let sql = "UPDATE p_attachments_4.attachment SET at = at - interval '2 days'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    cleaned_up(&store).await;
    node.folded(&ann).await;
    a.acked(showing(conversation, "file", &stored["id"])).await;
    let fetched = node.fetch(&ben, &stored["id"], &[]).await;
    assert_eq!(fetched.bytes().await.unwrap(), "fresh");

    // By both clocks it goes when its time is over.
    let lonely = node.stored(&ann, "lonely.txt", "lonely").await;
    node.folded(&ann).await;
    let sql = "UPDATE p_attachments_4.attachment SET at = at - interval '4 days' WHERE name = 'lonely.txt'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    eventually(async || (node.fetch(&ann, &lonely["id"], &[]).await.status() == 404).then_some(())).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_ahead_forgets_no_upload_before_its_time() {
    let store = Store::new().await;
    let (node, database) = (node_and_clock(&store).await, store.client().await);
    let ann = node.register("ann").await;
    let place = begun(&node, &ann, 10).await;
    let sent = part(&node, &ann, &place, 0).body("hello").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    gets_ahead(&store).await;
    // A node whose clock is right has just gone on with it.
    let sql = "UPDATE upload SET expires_at = expires_at - interval '2 days'";
    assert_eq!(database.execute(sql, &[]).await.unwrap(), 1);
    cleaned_up(&store).await;
    let sent = part(&node, &ann, &place, 5).body("world").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let id = json!(place.rsplit('/').next().unwrap());
    let fetched = node.fetch(&ann, &id, &[]).await;
    assert_eq!(fetched.bytes().await.unwrap(), "helloworld");
    node.stop().await;
}

/// The clean-up has waited for the read model. What it finds there then is the lane that shows a file begun again, as after a crash of the database or
/// a rebuild of an older program.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_taken_for_nobodys_while_the_read_model_lacks_the_lane_that_shows_it() {
    let store = Store::new().await;
    let node = tidy_node(&store).await;
    let ann = node.register("ann").await;
    let lane = |user: &User| user.id.as_bytes()[15];
    let ben = eventually(async || {
        let ben = node.register("ben").await;
        (lane(&ben) != lane(&ann)).then_some(ben)
    })
    .await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = b.create_group(&[&ann]).await;
    let lane = group.as_bytes()[15];
    assert_ne!(lane, ann.id.as_bytes()[15]);
    let stored = node.stored(&ann, "shown.txt", "shown").await;
    a.acked(showing(group, "file", &stored["id"])).await;
    node.folded(&ann).await;

    // Nobody folds what messages show until this is given back.
    let holder = store.client().await;
    holder.batch_execute("SELECT pg_advisory_lock(42)").await.unwrap();
    let database = store.client().await;
    database
        .batch_execute("BEGIN; LOCK TABLE p_attachments_4.attachment IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let looks = "query LIKE '%AS unclaimed%'";
    let waits = format!("{looks} AND wait_event_type = 'Lock'");
    eventually(async || (sessions(&holder, &waits).await > 0).then_some(())).await;
    let begun_again = format!(
        "UPDATE p_attachments_4.attachment SET at = at - interval '2 days'; \
         UPDATE projection_checkpoint SET pos = 0 WHERE projection = 'attachments' AND lane = {lane}; \
         DELETE FROM p_attachments_4.claim; \
         CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$; \
         CREATE TRIGGER hold BEFORE INSERT ON p_attachments_4.claim FOR EACH STATEMENT EXECUTE FUNCTION hold(); \
         COMMIT"
    );
    database.batch_execute(&begun_again).await.unwrap();
    eventually(async || (sessions(&holder, looks).await == 0).then_some(())).await;
    holder
        .batch_execute("SELECT pg_advisory_unlock(42)")
        .await
        .unwrap();

    cleaned_up(&store).await;
    node.folded(&ann).await;
    let fetched = node.fetch(&ben, &stored["id"], &[]).await;
    assert_eq!(fetched.status(), 200);
    assert_eq!(fetched.bytes().await.unwrap(), "shown");
    node.stop().await;
}

/// A node that cleans up all the time, somebody there, and their upload of ten bytes, of which five have come.
async fn half_uploaded(store: &Store) -> (TestNode, User, String) {
    let node = tidy_node(store).await;
    let ann = node.register("ann").await;
    let place = begun(&node, &ann, 10).await;
    let sent = part(&node, &ann, &place, 0).body("hello").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    (node, ann, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_upload_that_is_gone_on_with_are_kept_however_old_they_are() {
    let store = Store::new().await;
    let (node, ann, place) = half_uploaded(&store).await;
    let parts = incoming(&store);
    for part in &parts {
        age(part);
    }
    cleaned_up(&store).await;
    assert_eq!(incoming(&store), parts);
    let sent = part(&node, &ann, &place, 5).body("world").send().await.unwrap();
    assert_eq!(sent.status(), 204);
    let id = json!(place.rsplit('/').next().unwrap());
    let fetched = node.fetch(&ann, &id, &[]).await;
    assert_eq!(fetched.bytes().await.unwrap(), "helloworld");
    node.stop().await;
}

/// A file of the store that was written long ago.
fn left(folder: &Path, name: &str) -> PathBuf {
    let left = folder.join(name);
    std::fs::write(&left, "left").unwrap();
    age(&left);
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn what_uploads_have_left_goes_also_behind_thousands_of_parts_that_are_kept() {
    let store = Store::new().await;
    let (node, ..) = half_uploaded(&store).await;
    // Somebody goes on with an upload of which they are parts.
    let kept: Vec<Uuid> = (0..3000).map(|_| Uuid::new_v4()).collect();
    let name = "UPDATE upload SET parts = parts || $1";
    let named = store.client().await.execute(name, &[&kept]).await.unwrap();
    assert_eq!(named, 1);
    let folder = files(&store).join("incoming");
    let keep = |part: &Uuid| left(&folder, &part.to_string());
    // In whatever order a folder tells what is in it, some of these stand behind a thousand of those.
    let mut all: Vec<PathBuf> = kept[..1500].iter().map(keep).collect();
    let nobodys: Vec<PathBuf> = (0..200)
        .map(|_| left(&folder, &Uuid::new_v4().to_string()))
        .collect();
    all.extend(kept[1500..].iter().map(keep));
    eventually(async || (!nobodys.iter().any(|left| left.exists())).then_some(())).await;
    assert!(all.iter().all(|part| part.exists()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_uploads_are_over_one_look_forgets_them_all() {
    let store = Store::new().await;
    let (node, ..) = half_uploaded(&store).await;
    let database = store.client().await;
    let over = "INSERT INTO upload (id, user_id, name, size, expires_at) \
                SELECT gen_random_uuid(), gen_random_uuid(), 'a', 1, now() - interval '1 hour' FROM generate_series(1, 1000)";
    assert_eq!(database.execute(over, &[]).await.unwrap(), 1000);
    cleaned_up(&store).await;
    assert_eq!(under_way(&database).await, 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_cannot_be_removed_keep_none_of_the_others() {
    let store = Store::new().await;
    let node = tidy_node(&store).await;
    let ann = node.register("ann").await;
    node.stored(&ann, "a.txt", "words").await;
    let root = files(&store);
    let doubtful = root.join("doubtful");
    std::fs::create_dir_all(&doubtful).unwrap();
    // Where a folder should be stands a file, so that nothing can be moved from there.
    std::fs::write(root.join("zz"), "in the way").unwrap();
    let doubts = |first: &str| -> Vec<PathBuf> {
        let names = (0..20).map(|n| format!("{first}{n:062x}"));
        names.map(|name| left(&doubtful, &name)).collect()
    };
    let stuck = doubts("zz");
    let gone = doubts("yy");
    eventually(async || (!gone.iter().any(|doubt| doubt.exists())).then_some(())).await;
    assert!(stuck.iter().all(|doubt| doubt.exists()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_part_that_does_not_count_are_not_kept() {
    const LENGTH: usize = 12_000_000;
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let place = begun(&node, &ann, LENGTH).await;
    let sum = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let checked = || part(&node, &ann, &place, 0).header("upload-checksum", format!("sha256 {sum}"));
    // More than there is room for, said before and not said.
    let long = checked().body(vec![0; LENGTH + 1]).send().await;
    assert!(long.is_err() || long.is_ok_and(|long| long.status() == 413));
    let pieces = vec![0_u8; LENGTH + 1];
    let pieces: Vec<_> = pieces
        .chunks(1 << 20)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect();
    let unsaid = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let unsaid = checked().body(unsaid).send().await;
    assert!(unsaid.is_err() || unsaid.is_ok_and(|unsaid| unsaid.status() == 413));
    eventually(async || incoming(&store).is_empty().then_some(())).await;
    // Whoever hangs up before the end.
    let mut tcp = tokio::net::TcpStream::connect(node.node.address()).await.unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
         Upload-Checksum: sha256 {sum}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {LENGTH}\r\n\r\n",
        ann.token
    );
    tcp.write_all(head.as_bytes()).await.unwrap();
    tcp.write_all(&vec![0; 6_000_000]).await.unwrap();
    eventually(async || (!incoming(&store).is_empty()).then_some(())).await;
    drop(tcp);
    eventually(async || incoming(&store).is_empty().then_some(())).await;
    // Nothing of it counts.
    let looked = node.http.head(node.url(&place)).bearer_auth(&ann.token);
    let looked = looked.header("tus-resumable", "1.0.0").send().await.unwrap();
    assert_eq!(header(&looked, "upload-offset"), "0");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_file_whose_sender_hangs_up_is_stored_or_not_and_leaves_nothing_behind() {
    const LENGTH: usize = 6_000_000;
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    for n in 0..4_u8 {
        let mut tcp = tokio::net::TcpStream::connect(node.node.address()).await.unwrap();
        let head = format!(
            "POST /attachments?name=file.bin HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nContent-Length: {LENGTH}\r\n\r\n",
            ann.token
        );
        tcp.write_all(head.as_bytes()).await.unwrap();
        tcp.write_all(&vec![n; LENGTH]).await.unwrap();
        tcp.shutdown().await.unwrap();
    }
    // The places are free again once it is over.
    eventually(async || {
        let full = node
            .http
            .post(node.url("/attachments?name=small.bin"))
            .bearer_auth(&ann.token);
        let full = full.body("small").send().await.unwrap();
        (full.status() == 201 && incoming(&store).is_empty()).then_some(())
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_at_another_node_and_ends_as_an_attachment() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let tus = |node: &TestNode, method: &str, path: &str, user: &User| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = node.http.request(method, node.url(path));
        request.bearer_auth(&user.token).header("tus-resumable", "1.0.0")
    };
    let bytes: Vec<u8> = (0..11_000_000_u32).map(|n| (n % 241) as u8).collect();
    let begun = tus(&one, "POST", "/attachments/tus", &ann)
        .header("upload-length", bytes.len())
        .header("upload-metadata", "filename bG9uZy5iaW4=")
        .send()
        .await
        .unwrap();
    assert_eq!(begun.status(), 201);
    assert_eq!(header(&begun, "tus-resumable"), "1.0.0");
    assert!(header(&begun, "upload-expires").ends_with(" GMT"));
    let place = header(&begun, "location");
    let patch = async |node: &TestNode, at: usize, part: &[u8], sum: Option<&str>| {
        let mut request = tus(node, "PATCH", &place, &ann)
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", at);
        if let Some(sum) = sum {
            request = request.header("upload-checksum", format!("sha256 {sum}"));
        }
        request.body(part.to_vec()).send().await.unwrap()
    };
    let first = patch(&one, 0, &bytes[..6_000_000], None).await;
    assert_eq!(
        (first.status(), header(&first, "upload-offset")),
        (StatusCode::NO_CONTENT, "6000000".to_owned())
    );
    // A part that is elsewhere, and one that is not what it says.
    assert_eq!(patch(&two, 0, b"x", None).await.status(), 409);
    let wrong = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    assert_eq!(patch(&two, 6_000_000, b"hullo", Some(wrong)).await.status(), 460);
    // To somebody else there is no such upload.
    assert_eq!(
        tus(&two, "HEAD", &place, &ben).send().await.unwrap().status(),
        404
    );
    let looked = tus(&two, "HEAD", &place, &ann).send().await.unwrap();
    assert_eq!(
        (header(&looked, "upload-offset"), header(&looked, "upload-length")),
        ("6000000".to_owned(), "11000000".to_owned())
    );
    let last = patch(&two, 6_000_000, &bytes[6_000_000..], None).await;
    assert_eq!(
        (last.status(), header(&last, "upload-offset")),
        (StatusCode::NO_CONTENT, "11000000".to_owned())
    );

    let id = json!(place.rsplit('/').next().unwrap());
    let fetched = one.fetch(&ann, &id, &[]).await;
    assert_eq!(header(&fetched, "etag"), format!("\"{}\"", sum(&bytes)));
    assert!(header(&fetched, "content-disposition").ends_with("''long.bin"));
    assert_eq!(fetched.bytes().await.unwrap(), bytes);
    assert_eq!(
        std::fs::read_dir(files(&store).join("incoming")).unwrap().count(),
        0
    );
    // Another version is not spoken, and one that was given up is not there.
    let old = one.http.post(one.url("/attachments/tus")).bearer_auth(&ann.token);
    let old = old.send().await.unwrap();
    assert_eq!(
        (old.status(), header(&old, "tus-version")),
        (StatusCode::PRECONDITION_FAILED, "1.0.0".to_owned())
    );
    assert_eq!(
        tus(&one, "DELETE", &place, &ann).send().await.unwrap().status(),
        204
    );
    assert_eq!(
        tus(&one, "HEAD", &place, &ann).send().await.unwrap().status(),
        404
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_made_smaller_and_one_that_is_broken_is_not() {
    let store = Store::new().await;
    let mut config = store.config();
    config.attachments.thumbnailer = Some(env!("CARGO_BIN_EXE_tidings").into());
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut picture = vec![];
    image::DynamicImage::new_rgb8(1000, 500)
        .write_to(&mut std::io::Cursor::new(&mut picture), image::ImageFormat::Png)
        .unwrap();
    let stored = node.stored(&ann, "hill.png", picture).await;
    let thumbnail = async |user: &User, file: &Value, size: u32| {
        let path = format!("/attachments/{}/thumbnail?size={size}", text(&file["id"]));
        let request = node.http.get(node.url(&path)).bearer_auth(&user.token);
        request.send().await.unwrap()
    };
    for (size, wanted) in [(480, (480, 240)), (1280, (1000, 500)), (480, (480, 240))] {
        let made = thumbnail(&ann, &stored, size).await;
        assert_eq!(made.status(), 200);
        assert_eq!(header(&made, "content-type"), "image/jpeg");
        assert_eq!(header(&made, "vary"), "authorization");
        let made = image::load_from_memory(&made.bytes().await.unwrap()).unwrap();
        assert_eq!((made.width(), made.height()), wanted);
    }
    assert_eq!(thumbnail(&ann, &stored, 481).await.status(), 400);
    assert_eq!(thumbnail(&ben, &stored, 480).await.status(), 404);
    let broken = node.stored(&ann, "broken.png", &PIXEL[..40]).await;
    let words = node.stored(&ann, "a.txt", "words").await;
    for none in [&broken, &words] {
        assert_eq!(thumbnail(&ann, none, 480).await.status(), 404);
    }
    node.stop().await;
}

/// Whatever ends the program but its own word says nothing of the picture.
#[tokio::test(flavor = "multi_thread")]
async fn a_thumbnail_that_came_to_nothing_by_a_signal_is_made_later() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Store::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (program, signal) = (folder.path().join("thumbnailer"), folder.path().join("signal"));
    let script = format!(
        "#!/bin/sh\nif read number < '{signal}'; then /bin/rm '{signal}'; kill -$number $$; fi 2>/dev/null\nexec '{real}' \"$@\"\n",
        signal = signal.display(),
        real = env!("CARGO_BIN_EXE_tidings"),
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = store.config();
    config.attachments.thumbnailer = Some(program);
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    // Aborted, a bad address, and too much of a processor's time.
    for (number, width) in [(6, 600), (11, 700), (24, 800)] {
        let mut picture = vec![];
        image::DynamicImage::new_rgb8(width, 500)
            .write_to(&mut std::io::Cursor::new(&mut picture), image::ImageFormat::Png)
            .unwrap();
        let stored = node.stored(&ann, "hill.png", picture).await;
        let thumbnail = async || {
            let path = format!("/attachments/{}/thumbnail?size=480", text(&stored["id"]));
            let request = node.http.get(node.url(&path)).bearer_auth(&ann.token);
            request.send().await.unwrap().status()
        };
        std::fs::write(&signal, format!("{number}\n")).unwrap();
        assert_eq!(thumbnail().await, 503, "{number}");
        eventually(async || (thumbnail().await == 200).then_some(())).await;
        assert!(!signal.exists(), "{number}");
    }
    node.stop().await;
}

/// However often it comes to nothing: only the program's own word is final.
#[tokio::test(flavor = "multi_thread")]
async fn a_thumbnail_that_takes_too_long_each_time_is_one_to_come_again_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Store::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (program, begun) = (folder.path().join("thumbnailer"), folder.path().join("begun"));
    let script = format!(
        "#!/bin/sh\necho >> '{begun}'\nexec /bin/sleep 600\n",
        begun = begun.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut config = store.config();
    config.attachments.thumbnailer = Some(program);
    config.attachments.thumbnail_ms = 2_000;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let stored = node.stored(&ann, "dot.png", PIXEL).await;
    let path = format!("/attachments/{}/thumbnail?size=480", text(&stored["id"]));
    let thumbnail = async || {
        let request = node.http.get(node.url(&path)).bearer_auth(&ann.token);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 503);
        assert!(header(&response, "retry-after").parse::<u64>().unwrap() > 0);
        assert_eq!(json(response).await["code"], "unavailable");
    };
    eventually(async || {
        thumbnail().await;
        let tries = std::fs::read(&begun).map_or(0, |begun| begun.len());
        (tries > 1).then_some(())
    })
    .await;
    // Nor while it rests.
    thumbnail().await;
    node.stop().await;
}

/// Answers as a clamd does, that takes everything for harmful which says so. Returns its address.
async fn clamd() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut sent = vec![];
            while !sent.ends_with(&[0; 4]) {
                let mut some = [0; 4096];
                let count = stream.read(&mut some).await.unwrap();
                sent.extend_from_slice(&some[..count]);
            }
            let harmful = sent.windows(4).any(|word| word == b"harm");
            let verdict: &[u8] = if harmful {
                b"stream: Test FOUND\0"
            } else {
                b"stream: OK\0"
            };
            stream.write_all(verdict).await.unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_does_harm_is_refused_and_any_while_nobody_can_look() {
    let store = Store::new().await;
    let mut config = store.config();
    config.attachments.scan = tidings::attachments::Scan::Clamd;
    config.attachments.scan_address = Some(clamd().await);
    let node = TestNode::start(config.clone()).await;
    let ann = node.register("ann").await;
    node.stored(&ann, "a.txt", "good").await;
    assert_eq!(node.upload(&ann, "b.txt", "much harm").await.status(), 403);
    // Port 1 is nobody's.
    config.attachments.scan_address = Some("127.0.0.1:1".to_owned());
    let blind = TestNode::start(config.clone()).await;
    assert_eq!(blind.upload(&ann, "c.txt", "good").await.status(), 503);
    config.attachments.scan_required = false;
    let trusting = TestNode::start(config).await;
    trusting.stored(&ann, "c.txt", "good").await;
    for node in [node, blind, trusting] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_too_many_uploads_waits_and_others_do_not() {
    let store = Store::new().await;
    let mut config = store.config();
    config.attachments.uploads_per_minute = 1;
    config.attachments.uploads_burst = 2;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let begun = std::time::Instant::now();
    for name in ["a", "b"] {
        node.stored(&ann, name, "short").await;
    }
    // On a machine that takes minutes for that, one more may have been earned.
    loop {
        let response = node.upload(&ann, "c", "short").await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            let answer = json(response).await;
            assert_eq!(answer["code"], "rate_limited");
            assert!(answer["retry_after_ms"].as_u64().unwrap() > 0);
            break;
        }
        assert!(begun.elapsed().as_secs() >= 60, "a third upload was taken");
    }
    node.stored(&ben, "c", "short").await;
    // A bot may begin more of them.
    let bot = promoted(&node, "bot", &[Role::Bot]).await;
    for name in ["a", "b", "c", "d", "e"] {
        node.stored(&bot, name, "short").await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stands_still_is_given_up_and_its_place_is_free() {
    let store = Store::new().await;
    let mut config = store.config();
    config.attachments.uploads_per_user = 1;
    config.attachments.stalled_ms = 10_000;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let mut tcp = tokio::net::TcpStream::connect(node.node.address()).await.unwrap();
    let begun = format!(
        "POST /attachments?name=a HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\nabc",
        ann.token
    );
    tcp.write_all(begun.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    tokio::time::timeout(PATIENCE, tcp.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    eventually(async || (node.upload(&ann, "b", "whole").await.status() == 201).then_some(())).await;
    node.stop().await;
}
