//! Sessions with PostgreSQL and Redis that are encrypted, and with nobody else than they are meant for.

use crate::support::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::PathBuf;
use tidings_eventlog::{LogConfig, schema};
use tidings_services::testing::{private_postgres_with, private_redis_with};
use tidings_services::{Port, PostgresOptions, Profile, RedisOptions, ServerTls};

/// Somebody who signs certificates, and the file that whoever trusts them names.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
    _dir: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("authority.pem");
        std::fs::write(&file, issuer.pem()).unwrap();
        Self {
            issuer,
            file,
            _dir: dir,
        }
    }

    /// A certificate for a server of that name.
    fn server(&self, name: &str) -> ServerTls {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ServerTls {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_session_of_a_node_is_encrypted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let options = PostgresOptions::new(Profile::Test).with_tls(authority.server("localhost"));
    let postgres = private_postgres_with(options).await.unwrap();
    postgres.ensure_database("server").await.unwrap();
    let port = Port::unused().unwrap();
    let redis =
        private_redis_with(RedisOptions::default().with_tls(port.number(), authority.server("localhost")))
            .await
            .unwrap();
    let mut config = Store::new().await.config();
    let url = postgres.url("server").replace("127.0.0.1", "localhost");
    config.database_url = Some(format!("{url}?sslmode=verify-full"));
    config.database_ca = Some(authority.file.clone());
    let url = redis.url(0).replace("redis://", "rediss://");
    config.redis_url = Some(url.replace(
        &format!("127.0.0.1:{}", redis.port()),
        &format!("localhost:{}", port.number()),
    ));
    config.redis_ca = Some(authority.file.clone());
    schema::migrate(&config.log().unwrap(), 4).await.unwrap();

    let node = TestNode::start(config.clone()).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let position = text(&a.say(conversation, "in private").await["position"]);
    b.events(conversation, 2).await;
    let answer = node
        .graphql(&ben, "{ conversations { nodes { id } } }", Some(&position))
        .await;
    assert_eq!(
        id(&answer["data"]["conversations"]["nodes"][0]["id"]),
        conversation
    );
    // Appenders, readers and projections of all lanes.
    let (client, connection) = tokio_postgres::connect(&postgres.url("server"), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let sessions = "SELECT count(*) FILTER (WHERE ssl), count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                    WHERE application_name = 'tidings'";
    // Some lanes may begin a little later than others.
    eventually(async || {
        let row = client.query_one(sessions, &[]).await.unwrap();
        let (encrypted, all): (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(encrypted, all, "some sessions are open");
        (all >= 2 + 4).then_some(())
    })
    .await;
    node.stop().await;

    // Redis of an authority that nobody named is nobody's Redis.
    config.redis_ca = Some(stranger.file.clone());
    let refused = tidings::node::Node::start(config).await.err().unwrap();
    assert!(format!("{refused:#}").contains("Redis"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_taken_only_for_whom_its_certificate_says() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let options = PostgresOptions::new(Profile::Test).with_tls(authority.server("db.example"));
    let postgres = private_postgres_with(options).await.unwrap();
    postgres.ensure_database("server").await.unwrap();
    let plain = PostgresOptions::new(Profile::Test);
    let plain = private_postgres_with(plain).await.unwrap();
    plain.ensure_database("server").await.unwrap();
    let attempt = async |server: &str, mode: &str, authority: Option<&Authority>| {
        let authority = authority.map(|authority| authority.file.as_path());
        let config = LogConfig::with_authority(&format!("{server}?sslmode={mode}"), authority);
        schema::migrate(&config.unwrap().with_timeout(PATIENCE), 1)
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let (url, bare) = (postgres.url("server"), plain.url("server"));
    // Whoever answers, but in private.
    attempt(&url, "require", None).await.unwrap();
    attempt(&bare, "require", None).await.unwrap_err();
    attempt(&bare, "disable", None).await.unwrap();
    // Known to the authority, whatever its name.
    attempt(&url, "verify-ca", Some(&authority)).await.unwrap();
    attempt(&url, "require", Some(&authority)).await.unwrap();
    for (mode, trusted) in [
        ("verify-ca", &stranger),
        ("require", &stranger),
        ("verify-full", &stranger),
        ("verify-full", &authority),
    ] {
        let refused = attempt(&url, mode, Some(trusted)).await.unwrap_err();
        assert!(refused.contains("certificate"), "{mode}: {refused}");
    }
}
