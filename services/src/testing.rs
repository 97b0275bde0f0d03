//! Servers for tests: one PostgreSQL and one Redis per test process, a database of its own for each test, and
//! servers of their own for tests that break them. All of it lies in temporary directories that are removed when
//! the test process ends, however it ends.

mod temporary;

use std::collections::HashMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::OnceCell;

use self::temporary::TemporaryHome;
use crate::error::ServiceError;
use crate::instance::blocking;
use crate::postgres::{Postgres, PostgresOptions, Profile, quoted};
use crate::redis::{Redis, RedisOptions};

/// Enough for every test of a process to have a logical database of its own.
const REDIS_DATABASES: u32 = 4096;

/// The servers that all tests of one process share.
#[derive(Debug)]
pub struct Shared {
    postgres: Private<Postgres>,
    redis: Private<Redis>,
    templates: Mutex<HashMap<String, Arc<OnceCell<()>>>>,
    next_database: AtomicU32,
    next_redis: AtomicU32,
}

/// A migrated database that no other test uses.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
    postgres: Postgres,
}

/// A server in a temporary directory that goes away with it.
#[derive(Debug)]
pub struct Private<S> {
    server: S,
    home: TemporaryHome,
}

/// The servers of this process, started at the first call, which blocks until they are ready. They hold nothing that
/// is bound to a tokio runtime.
///
/// # Panics
/// When the servers cannot be started; the message says what is missing.
pub fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| match Shared::start() {
        Ok(shared) => shared,
        Err(error) => panic!("failed to {error}"),
    })
}

/// A PostgreSQL (`Profile::Test`) for one test that stops, kills or pauses it.
pub async fn private_postgres() -> Result<Private<Postgres>, ServiceError> {
    blocking(|| Private::postgres(&PostgresOptions::new(Profile::Test))).await
}

/// The same with other options.
pub async fn private_postgres_with(options: PostgresOptions) -> Result<Private<Postgres>, ServiceError> {
    blocking(move || Private::postgres(&options)).await
}

/// A Redis for one test that stops, kills or pauses it.
pub async fn private_redis() -> Result<Private<Redis>, ServiceError> {
    private_redis_with(RedisOptions::default()).await
}

/// The same with other options.
pub async fn private_redis_with(options: RedisOptions) -> Result<Private<Redis>, ServiceError> {
    blocking(move || Private::redis(&options)).await
}

impl Shared {
    fn start() -> Result<Self, ServiceError> {
        let redis_options = RedisOptions::default().with("databases", &REDIS_DATABASES.to_string());
        Ok(Self {
            postgres: Private::postgres(&PostgresOptions::new(Profile::Test))?,
            redis: Private::redis(&redis_options)?,
            templates: Mutex::default(),
            next_database: AtomicU32::new(1),
            next_redis: AtomicU32::new(1),
        })
    }

    /// The PostgreSQL that all tests share. A test must not stop, kill or pause it.
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// The Redis that all tests share. A test must not stop, kill or pause it.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The URL of a logical Redis database that no other test of this process has been given. Channels of
    /// publish/subscribe are not divided by database.
    ///
    /// # Panics
    /// After 4,095 calls in one process.
    pub fn redis_url(&self) -> String {
        let database = self.next_redis.fetch_add(1, Ordering::Relaxed);
        assert!(
            database < REDIS_DATABASES,
            "all {REDIS_DATABASES} logical Redis databases are in use"
        );
        self.redis.url(database)
    }

    /// A new database with the schema of `template`. The first call with a name creates the template by running
    /// `migrate` on the URL of an empty database; later ones copy it, which takes a fraction of a second.
    pub async fn database<E>(
        &self,
        template: &str,
        migrate: impl AsyncFnOnce(String) -> Result<(), E>,
    ) -> Result<TestDatabase, ServiceError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let source = format!("template_{template}");
        let made = {
            let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(templates.entry(source.clone()).or_default())
        };
        made.get_or_try_init(|| self.make_template(&source, migrate))
            .await?;
        self.copy(&source).await
    }

    /// A new database without tables.
    pub async fn empty_database(&self) -> Result<TestDatabase, ServiceError> {
        self.copy("template0").await
    }

    async fn copy(&self, source: &str) -> Result<TestDatabase, ServiceError> {
        let name = format!("t_{}", self.next_database.fetch_add(1, Ordering::Relaxed));
        let statement = format!("CREATE DATABASE {} TEMPLATE {}", quoted(&name), quoted(source));
        let action = format!("copy the database {source}");
        self.postgres
            .administer(&action, async |client| client.batch_execute(&statement).await)
            .await?;
        Ok(TestDatabase {
            url: self.postgres.url(&name),
            name,
            postgres: self.postgres().clone(),
        })
    }

    async fn make_template<E>(
        &self,
        name: &str,
        migrate: impl AsyncFnOnce(String) -> Result<(), E>,
    ) -> Result<(), ServiceError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let identifier = quoted(name);
        // An earlier attempt may have ended half-way with the test that made it.
        let drop = format!("DROP DATABASE IF EXISTS {identifier} WITH (FORCE)");
        let create = format!("CREATE DATABASE {identifier} TEMPLATE template0");
        let action = format!("create the database {name}");
        self.postgres
            .administer(&action, async |client| {
                client.batch_execute(&drop).await?;
                client.batch_execute(&create).await
            })
            .await?;
        let migrated = migrate(self.postgres.url(name)).await;
        migrated.map_err(|source| ServiceError::Migration {
            template: name.to_owned(),
            source: source.into(),
        })?;
        // A database can only be copied while nobody is connected to it, and the migration's connections may still
        // be closing.
        let close = format!("ALTER DATABASE {identifier} WITH ALLOW_CONNECTIONS false");
        let action = format!("close the database {name}");
        self.postgres
            .administer(&action, async |client| {
                client.batch_execute(&close).await?;
                let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1";
                client.query(end, &[&name]).await.map(|_| ())
            })
            .await
    }
}

impl TestDatabase {
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops the database, for a test that needs very many. Others go with the server.
    pub async fn remove(self) -> Result<(), ServiceError> {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", quoted(&self.name));
        let action = format!("drop the database {}", self.name);
        self.postgres
            .administer(&action, async |client| client.batch_execute(&statement).await)
            .await
    }
}

impl<S> Private<S> {
    /// The directory that holds the server's files.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }
}

impl<S> Deref for Private<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.server
    }
}

impl Private<Postgres> {
    fn postgres(options: &PostgresOptions) -> Result<Self, ServiceError> {
        let home = TemporaryHome::new()?;
        Ok(Self {
            server: Postgres::start_blocking(home.path(), options)?,
            home,
        })
    }
}

impl Private<Redis> {
    fn redis(options: &RedisOptions) -> Result<Self, ServiceError> {
        let home = TemporaryHome::new()?;
        Ok(Self {
            server: Redis::start_blocking(home.path(), options)?,
            home,
        })
    }
}
