//! Configuration: flags win over `TIDINGS_*` variables, variables over the file, the file over defaults.

mod environment;
mod settings;

use crate::accounts::AuthConfig;
use crate::attachments::AttachmentConfig;
use crate::gateway::{GatewayLimits, ReportConfig};
use crate::http::{GraphqlLimits, HttpLimits};
use crate::lanes::LaneLimits;
use crate::presence::PresenceConfig;
use crate::rates::RatesConfig;
use crate::telemetry::LogFormat;
use figment::Figment;
use figment::providers::{Format as _, Serialized, Toml};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use settings::Sources;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;
use tidings_domain::stored::Kind;
use tidings_domain::{Rules, Window};
use tidings_eventlog::{Home, HomeError, LogConfig};
use tidings_graphql::SettingSource;

/// More than anybody sends.
const LIFTED: u32 = 1_000_000;

/// Everything that a node can be told.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where HTTP and WebSocket are served.
    pub listen: SocketAddr,
    /// Where PostgreSQL is, as `postgres://…`; required by everything but `tidings dev`.
    pub database_url: Option<String>,
    /// Where Redis is, as `redis://…`; required by `tidings serve`.
    pub redis_url: Option<String>,
    /// The schema that the log and the accounts are in; those of the read models bear its name. Without it, where the database's
    /// own `search_path` leads, mostly `public`.
    pub home: Option<String>,
    /// A file of certificates (PEM) that are trusted for PostgreSQL instead of the system's.
    pub database_ca: Option<PathBuf>,
    /// A file of certificates (PEM) that are trusted for Redis, at a `rediss://` URL, instead of the system's.
    pub redis_ca: Option<PathBuf>,
    /// Whether `tidings serve` refuses to start while Redis is away. A running node goes on without it in any case.
    pub redis_required: bool,
    /// Lanes of a new log, 1 to 256. More can be added later, never fewer.
    pub lanes: u16,
    /// Connections to PostgreSQL for reading.
    pub database_connections: usize,
    /// Connections to PostgreSQL through which lanes read what they decide on, apart from those for reading.
    pub lane_connections: usize,
    /// Connections to PostgreSQL for appending.
    pub appenders: usize,
    /// The longest wait for one answer of PostgreSQL, at least 100.
    pub database_timeout_ms: u64,
    /// How log lines look: `text` or `json`.
    pub log_format: LogFormat,
    /// How long reads are gathered before they are stored, at most 2,000.
    pub read_gather_ms: u64,
    /// How often the heads of the lanes are compared with the log while Redis works, in milliseconds.
    pub sweep_ms: u64,
    /// How often one stream, drawn by lot, is folded anew and compared with the read models, in seconds; 0 is never.
    pub audit_s: u32,
    /// How many days offline messages wait in the inbox.
    pub inbox_days: u32,
    /// How often expired offline messages are looked for, in seconds.
    pub inbox_clean_up_s: u64,
    /// For how many seconds people may edit what they have written; 0 is never, -1 any time.
    pub edit_window_s: i64,
    /// For how many seconds people may recall what they have written; 0 is never, -1 any time. Owners and admins of groups may
    /// recall what those below them have written, whatever this says.
    pub recall_window_s: i64,
    /// Changes of one conversation each second in the long run: of its members, their roles, its name; 0 is no limit. Messages are
    /// not counted.
    pub conversation_changes_per_second: u32,
    /// Changes of one conversation at once after a quiet while.
    pub conversation_changes_burst: u32,
    /// Conversations that a user may be in, about; beyond, nobody puts them into another. Four that they have left count as one. 0 is
    /// no limit.
    pub user_conversations_max: u32,
    /// How long a query with a position waits for the read models.
    pub query_wait_ms: u64,
    /// After how many seconds without a way to append this node lets its clients go, and takes none until there is one.
    pub unwritable_s: u32,
    /// After how many seconds read models that have not passed what was in the log count as behind.
    pub read_models_behind_s: u32,
    /// Lifts the limits that are made for people: rates of a user's objects, connections, files and queries, of a conversation's
    /// changes and of an address's connections and requests to `/auth`, sockets of one address, and conversations of one user. For load
    /// tests, where a few stand for many; never where strangers come.
    pub load_test: bool,
    /// Kinds of events that this node takes for unknown, as a version that does not have them would. For rehearsals of an
    /// upgrade that brings new ones.
    pub unknown_kinds: Vec<String>,
    pub gateway: GatewayLimits,
    pub http: HttpLimits,
    pub graphql: GraphqlLimits,
    pub auth: AuthConfig,
    pub attachments: AttachmentConfig,
    pub presence: PresenceConfig,
    pub rates: RatesConfig,
    pub reports: ReportConfig,
    /// Who has said so. No setting.
    #[serde(skip)]
    pub sources: Sources,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database_url: None,
            redis_url: None,
            home: None,
            database_ca: None,
            redis_ca: None,
            redis_required: true,
            lanes: 4,
            database_connections: 24,
            lane_connections: 4,
            appenders: 2,
            database_timeout_ms: 5000,
            log_format: LogFormat::Text,
            read_gather_ms: 1000,
            sweep_ms: 1000,
            audit_s: 60,
            inbox_days: 30,
            inbox_clean_up_s: 600,
            edit_window_s: Rules::default().edit_window.setting(),
            recall_window_s: Rules::default().recall_window.setting(),
            conversation_changes_per_second: LaneLimits::default().changes_per_second,
            conversation_changes_burst: LaneLimits::default().changes_burst,
            user_conversations_max: 20_000,
            query_wait_ms: 2000,
            unwritable_s: 30,
            read_models_behind_s: 10,
            load_test: false,
            unknown_kinds: vec![],
            gateway: GatewayLimits::default(),
            http: HttpLimits::default(),
            graphql: GraphqlLimits::default(),
            auth: AuthConfig::default(),
            attachments: AttachmentConfig::default(),
            presence: PresenceConfig::default(),
            rates: RatesConfig::default(),
            reports: ReportConfig::default(),
            sources: Sources::default(),
        }
    }
}

/// Why a configuration cannot be used. Never shows a value, which may be a secret.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("the configuration file {0} cannot be read")]
    File(PathBuf),
    #[error("configuration: {0}")]
    Invalid(String),
    #[error("{0} is required: set {1}, the flag {2}, or `{3}` in the configuration file")]
    Missing(&'static str, &'static str, &'static str, &'static str),
}

/// What flags say; `None` where they are silent.
#[derive(Debug, Default, Serialize)]
pub struct Flags {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lanes: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
}

impl Config {
    /// Reads all sources. A nested setting's variable joins its names with two underscores, as in
    /// `TIDINGS_GATEWAY__HEARTBEAT_MS`.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self, ConfigError> {
        let mut sources = vec![];
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::File(file.to_path_buf()));
            }
            sources.push((SettingSource::File, Figment::from(Toml::file_exact(file))));
        }
        // Logging begins with what is read here.
        for name in environment::strangers() {
            eprintln!("tidings: {name} is no setting and is ignored");
        }
        let variables = Figment::from(environment::settings());
        sources.push((SettingSource::Environment, variables));
        sources.push((SettingSource::Flag, Figment::from(Serialized::defaults(flags))));
        let defaults = Figment::from(Serialized::defaults(Self::default()));
        let mut config: Self = sources
            .iter()
            .fold(defaults, |figment, (_, source)| figment.merge(source))
            .extract()
            .map_err(|error| ConfigError::Invalid(describe(&error)))?;
        config.sources = Sources::of(&config, &sources);
        config.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        let invalid = |message: &str| Err(ConfigError::Invalid(message.to_owned()));
        if !(1..=256).contains(&self.lanes) {
            return invalid("`lanes` must be 1 to 256");
        }
        if self.read_gather_ms > 2000 {
            return invalid("`read_gather_ms` must be at most 2000");
        }
        if self.database_connections < 4 || self.lane_connections < 1 || self.appenders < 1 {
            return invalid(
                "`database_connections` must be at least 4, `lane_connections` and `appenders` at least 1",
            );
        }
        if self.gateway.commands_in_flight < 1 || self.gateway.frame_bytes < 1024 {
            return invalid(
                "`gateway.commands_in_flight` must be at least 1 and `gateway.frame_bytes` at least 1024",
            );
        }
        if self.edit_window_s < -1 || self.recall_window_s < -1 {
            return invalid("`edit_window_s` and `recall_window_s` must be at least -1");
        }
        if self.database_timeout_ms < 100 {
            return invalid("`database_timeout_ms` must be at least 100");
        }
        if self.graphql.deadline_ms <= self.query_wait_ms {
            return invalid("`graphql.deadline_ms` must be more than `query_wait_ms`");
        }
        let gateway = &self.gateway;
        if [
            gateway.heartbeat_ms,
            gateway.hello_ms,
            gateway.slow_ms,
            gateway.delivered_ms,
            gateway.delivered_direct_ms,
        ]
        .contains(&0)
        {
            return invalid(
                "`gateway.heartbeat_ms`, `gateway.hello_ms`, `gateway.slow_ms`, `gateway.delivered_ms` and `gateway.delivered_direct_ms` must be at least 1",
            );
        }
        if gateway.outbox_events < 1 || gateway.outbox_bytes < 1024 || gateway.connections < 1 {
            return invalid(
                "`gateway.outbox_events` and `gateway.connections` must be at least 1 and `gateway.outbox_bytes` at least 1024",
            );
        }
        if gateway.connections_per_user < 1 || gateway.commands_per_second < 1 || gateway.commands_burst < 1 {
            return invalid(
                "`gateway.connections_per_user`, `gateway.commands_per_second` and `gateway.commands_burst` must be at least 1",
            );
        }
        if gateway.connects_per_minute < 1
            || gateway.connects_burst < 1
            || gateway.address_connects_per_minute < 1
            || gateway.address_connects_burst < 1
        {
            return invalid(
                "`gateway.connects_per_minute`, `gateway.connects_burst`, `gateway.address_connects_per_minute` and `gateway.address_connects_burst` must be at least 1",
            );
        }
        if self.unwritable_s < 1 || self.read_models_behind_s < 1 || self.inbox_clean_up_s < 1 {
            return invalid(
                "`unwritable_s`, `read_models_behind_s` and `inbox_clean_up_s` must be at least 1",
            );
        }
        if self.http.spare_sockets < 1 || self.http.sockets_per_address < 1 {
            return invalid("`http.spare_sockets` and `http.sockets_per_address` must be at least 1");
        }
        if self.http.head_ms < 1 || self.http.body_ms < 1 || self.http.stalled_ms < 1 {
            return invalid("`http.head_ms`, `http.body_ms` and `http.stalled_ms` must be at least 1");
        }
        if let Some(wrong) = self.attachments.check() {
            return invalid(wrong);
        }
        if let Some(wrong) = self.presence.check() {
            return invalid(wrong);
        }
        if let Some(wrong) = self.reports.check() {
            return invalid(wrong);
        }
        self.home()?;
        if self
            .unknown_kinds
            .iter()
            .any(|name| Kind::by_name(name).is_none())
        {
            return invalid("`unknown_kinds` must be names of kinds of events");
        }
        Ok(self)
    }

    /// The kinds that this node takes for unknown.
    pub fn left_out(&self) -> Vec<Kind> {
        let names = self.unknown_kinds.iter();
        names.filter_map(|name| Kind::by_name(name)).collect()
    }

    /// What the operator lets people do.
    pub fn rules(&self) -> Rules {
        Rules {
            edit_window: Window::from_setting(self.edit_window_s),
            recall_window: Window::from_setting(self.recall_window_s),
            attach_window: Window::Seconds(self.attachments.attach_window_s),
            ..Rules::default()
        }
    }

    /// The same with the limits that this kind of traffic gets.
    pub fn for_what_comes(mut self) -> Self {
        if self.load_test {
            self.gateway.commands_per_second = LIFTED;
            self.gateway.commands_burst = LIFTED;
            self.gateway.connects_per_minute = LIFTED;
            self.gateway.connects_burst = LIFTED;
            self.gateway.address_connects_per_minute = LIFTED;
            self.gateway.address_connects_burst = LIFTED;
            self.attachments.uploads_per_minute = LIFTED;
            self.attachments.uploads_burst = LIFTED;
            self.conversation_changes_per_second = 0;
            self.user_conversations_max = 0;
            self.http.sockets_per_address = usize::MAX;
            self.auth.limits.requests_per_s = LIFTED;
            self.auth.limits.requests_burst = LIFTED;
            self.auth.limits.registrations_per_s = LIFTED;
            self.auth.limits.registrations_burst = LIFTED;
            self.graphql.cost_per_second = LIFTED;
            self.graphql.cost_burst = LIFTED;
            self.graphql.requests_per_user = usize::MAX;
        }
        // Homes have users of their own, also where they share their keys.
        if let Some(home) = self.home().ok().as_ref().and_then(Home::other) {
            self.auth.issuer = format!("{}/{home}", self.auth.issuer);
        }
        self
    }

    pub fn require_database_url(&self) -> Result<&str, ConfigError> {
        self.database_url.as_deref().ok_or(ConfigError::Missing(
            "a PostgreSQL database",
            "TIDINGS_DATABASE_URL",
            "--database-url",
            "database_url",
        ))
    }

    /// The log that is configured, with the time-outs of a server.
    pub fn log(&self) -> anyhow::Result<LogConfig> {
        let url = self.require_database_url()?;
        let mut config = LogConfig::with_authority(url, self.database_ca.as_deref())?;
        config.home = self.home()?;
        Ok(config.with_timeout(Duration::from_millis(self.database_timeout_ms)))
    }

    /// Where in the database everything is.
    pub fn home(&self) -> Result<Home, ConfigError> {
        let named = self.home.as_deref().map(Home::named).transpose();
        let invalid = |error: HomeError| ConfigError::Invalid(format!("`home`: {error}"));
        Ok(named.map_err(invalid)?.unwrap_or_default())
    }

    pub fn require_redis_url(&self) -> Result<&str, ConfigError> {
        self.redis_url.as_deref().ok_or(ConfigError::Missing(
            "Redis",
            "TIDINGS_REDIS_URL",
            "--redis-url",
            "redis_url",
        ))
    }

    /// How often a stream is audited, if ever.
    pub fn audit(&self) -> Option<Duration> {
        (self.audit_s > 0).then(|| Duration::from_secs(self.audit_s.into()))
    }

    pub fn read_gather(&self) -> Duration {
        Duration::from_millis(self.read_gather_ms)
    }
}

/// The key and kind of what is wrong, without the value.
fn describe(error: &figment::Error) -> String {
    let key = error.path.join(".");
    let source = error.metadata.as_ref().map_or("", |metadata| &metadata.name);
    let wrong = match &error.kind {
        figment::error::Kind::UnknownField(_, roles) if matches!(&error.path[..], [rates, of, _] if rates == "rates" && of == "roles") =>
        {
            format!("`{key}`: there is no such role, but {}", roles.join(", "))
        }
        figment::error::Kind::UnknownField(field, _) => format!("unknown setting `{field}`"),
        figment::error::Kind::InvalidType(_, wanted) | figment::error::Kind::InvalidValue(_, wanted) => {
            format!("`{key}` must be {wanted}")
        }
        figment::error::Kind::Message(_) if !key.is_empty() => {
            format!("`{key}` has a value that cannot be used")
        }
        // Where a file cannot be read at all: behind the place the line itself follows, with its value.
        figment::error::Kind::Message(message) if message.starts_with("TOML parse error at") => {
            message.lines().next().unwrap_or_default().to_owned()
        }
        figment::error::Kind::Message(_) => "it cannot be read".to_owned(),
        _ => format!("`{key}` is wrong"),
    };
    if source.is_empty() {
        wrong
    } else {
        format!("{wrong} (in {source})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(
            file,
            "lanes = 8\nlisten = \"127.0.0.1:1\"\n[gateway]\nheartbeat_ms = 9"
        )
        .unwrap();
        let flags = Flags {
            listen: Some("127.0.0.1:2".parse().unwrap()),
            ..Flags::default()
        };
        let config = Config::load(Some(file.path()), &flags).unwrap();
        assert_eq!(
            (config.lanes, config.listen.port(), config.gateway.heartbeat_ms),
            (8, 2, 9)
        );
        assert_eq!(config.gateway.frame_bytes, 65_536);
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "lanes = \"s3cret\"").unwrap();
        let error = Config::load(Some(file.path()), &Flags::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("lanes") && !error.contains("s3cret"), "{error}");
        // The quotation marks were forgotten.
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "lanes = 4\ndatabase_url = postgres://a:s3cret@b/c").unwrap();
        let error = Config::load(Some(file.path()), &Flags::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("line 2") && !error.contains("s3cret"), "{error}");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "lains = 4").unwrap();
        let error = Config::load(Some(file.path()), &Flags::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("lains"), "{error}");
    }

    #[test]
    fn what_would_stand_still_at_nought_is_refused() {
        for setting in ["heartbeat_ms", "outbox_events", "slow_ms"] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            writeln!(file, "[gateway]\n{setting} = 0").unwrap();
            let error = Config::load(Some(file.path()), &Flags::default())
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(setting), "{error}");
        }
    }

    #[test]
    fn roles_have_rates_of_their_own_and_there_are_no_others() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "[rates.roles.bot]\ncommands_burst = 7").unwrap();
        let config = Config::load(Some(file.path()), &Flags::default()).unwrap();
        let (bot, others) = (&config.rates.roles.bot, &config.rates.roles.moderator);
        assert_eq!((bot.commands_per_second, bot.commands_burst), (1000, 7));
        assert_eq!((others.commands_per_second, others.commands_burst), (0, 0));
        writeln!(file, "[rates.roles.robot]\ncommands_burst = 7").unwrap();
        let error = Config::load(Some(file.path()), &Flags::default())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("`rates.roles.robot`: there is no such role, but admin, auditor, bot"),
            "{error}"
        );
    }

    #[test]
    fn bots_have_five_times_what_everybody_has() {
        let config = Config::default();
        let bot = &config.rates.roles.bot;
        for (of_bots, of_all) in [
            (bot.connects_per_minute, config.gateway.connects_per_minute),
            (bot.connects_burst, config.gateway.connects_burst),
            (bot.commands_per_second, config.gateway.commands_per_second),
            (bot.commands_burst, config.gateway.commands_burst),
            (bot.uploads_per_minute, config.attachments.uploads_per_minute),
            (bot.uploads_burst, config.attachments.uploads_burst),
            (bot.graphql_cost_per_second, config.graphql.cost_per_second),
            (bot.graphql_cost_burst, config.graphql.cost_burst),
        ] {
            assert_eq!(of_bots, 5 * of_all);
        }
    }

    #[test]
    fn reasons_of_reports_are_looked_at_before_anything_starts() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "[reports]\nreasons = [\"Spam\", \"Spam\"]").unwrap();
        let error = Config::load(Some(file.path()), &Flags::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("reports.reasons"), "{error}");
    }

    #[test]
    fn a_query_that_waits_has_time_to_be_answered() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "query_wait_ms = 15000").unwrap();
        let error = Config::load(Some(file.path()), &Flags::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("graphql.deadline_ms"), "{error}");
        writeln!(file, "[graphql]\ndeadline_ms = 20000").unwrap();
        assert!(Config::load(Some(file.path()), &Flags::default()).is_ok());
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Config::default().require_database_url().unwrap_err().to_string();
        assert!(error.contains("TIDINGS_DATABASE_URL"), "{error}");
    }
}
