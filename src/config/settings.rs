//! Every setting with its value, who has said so, and what it means: for administrators.
//!
//! What may be a secret is never shown. That a setting is none stands here, so that a new one is hidden until somebody has looked at it.

use super::{Config, environment};
use figment::Figment;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tidings_graphql::{SettingSource, SettingState};

/// What is shown in the place of a secret.
const HIDDEN: &str = "[secret]";
/// Settings that are no numbers or switches, and no secrets.
const OPEN: [&str; 15] = [
    "attachments.folder",
    "attachments.s3.bucket",
    "attachments.s3.prefix",
    "attachments.s3.region",
    "attachments.scan",
    "attachments.thumbnailer",
    "auth.issuer",
    "database_ca",
    "home",
    "http.origins",
    "listen",
    "log_format",
    "redis_ca",
    "reports.reasons",
    "unknown_kinds",
];

/// Who has said what settings are. Empty for a configuration that nobody loaded.
#[derive(Clone, Default)]
pub struct Sources(Option<Arc<Said>>);

struct Said {
    by: HashMap<String, SettingSource>,
    /// The values as they were loaded: what is otherwise now, the program has changed.
    values: Value,
}

impl Sources {
    /// Of a configuration as it was loaded from sources of which each wins over those before it.
    pub(super) fn of(config: &Config, sources: &[(SettingSource, Figment)]) -> Self {
        let said = |name: &String| {
            let mut sources = sources.iter().rev();
            let (source, _) = sources.find(|(_, figment)| figment.contains(name))?;
            Some((name.clone(), *source))
        };
        Self(Some(Arc::new(Said {
            by: environment::known().iter().filter_map(said).collect(),
            values: values(config),
        })))
    }

    fn of_setting(&self, name: &str, value: &Value, default: &Value) -> SettingSource {
        let loaded = self.0.as_ref().map_or(default, |said| at(&said.values, name));
        if value != loaded {
            return SettingSource::Program;
        }
        let said = self.0.as_ref().and_then(|said| said.by.get(name));
        said.copied().unwrap_or(SettingSource::Default)
    }
}

impl Config {
    /// Every setting, in the order of names.
    pub fn settings(&self) -> Vec<SettingState> {
        let (values, defaults, schema) = (values(self), values(&Self::default()), schema());
        let mut names = environment::known();
        names.sort_unstable();
        names
            .into_iter()
            .map(|name| {
                let (value, default) = (at(&values, &name), at(&defaults, &name));
                SettingState {
                    value: shown(&name, value),
                    source: self.sources.of_setting(&name, value, default),
                    description: description(&schema, &name),
                    name,
                }
            })
            .collect()
    }
}

fn values(config: &Config) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

/// What stands below a setting's name.
fn at<'a>(tables: &'a Value, name: &str) -> &'a Value {
    name.split('.').fold(tables, |table, key| &table[key])
}

fn shown(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(list) if list.is_empty() => Some(value.to_string()),
        _ if !OPEN.contains(&name) => Some(HIDDEN.to_owned()),
        Value::String(text) => Some(text.clone()),
        _ => Some(value.to_string()),
    }
}

/// The shape of a configuration, with what its sources say of each field.
fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<Config>()
        .to_value()
}

fn description(schema: &Value, name: &str) -> String {
    let field = name
        .split('.')
        .fold(schema, |table, key| &table["properties"][key]);
    let text = field["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;
    use std::collections::BTreeSet;
    use std::io::Write as _;

    /// Settings that may hold a secret: an address with a password in it, a key.
    const SECRET: [&str; 8] = [
        "attachments.s3.access_key_id",
        "attachments.s3.endpoint",
        "attachments.s3.secret_access_key",
        "attachments.scan_address",
        "auth.issuers",
        "auth.signing_keys",
        "database_url",
        "redis_url",
    ];

    #[test]
    fn whoever_makes_a_setting_says_whether_it_is_a_secret_and_what_it_means() {
        let defaults = values(&Config::default());
        let words = environment::known();
        let words = words.iter().map(String::as_str).filter(|name| {
            let value = at(&defaults, name);
            !value.is_number() && !value.is_boolean()
        });
        let open = OPEN.into_iter().chain(SECRET);
        assert_eq!(words.collect::<BTreeSet<_>>(), open.collect::<BTreeSet<_>>());
        for setting in Config::default().settings() {
            let SettingState {
                name, description, ..
            } = setting;
            assert!(description.len() > 20, "{name}: {description:?}");
            // It is read without those that stand before it.
            assert!(!description.starts_with("The same"), "{name}: {description:?}");
        }
    }

    #[test]
    fn no_setting_that_may_be_a_secret_is_ever_shown() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(
            file,
            "database_url = \"postgres://a:s3cret@b/c\"\nredis_url = \"redis://:s3cret@d\"\n\
             [attachments]\nscan = \"url\"\nscan_address = \"https://s3cret@e/\"\n\
             [attachments.s3]\nbucket = \"h\"\naccess_key_id = \"s3cret\"\nsecret_access_key = \"s3cret\"\nendpoint = \"https://s3cret@i\"\n\
             [[auth.signing_keys]]\nkid = \"s3cret\"\nsecret = \"s3cret that is long enough for it\"\n\
             [[auth.issuers]]\nissuer = \"f\"\njwks_url = \"https://g/?s3cret\""
        )
        .unwrap();
        let config = Config::load(Some(file.path()), &Flags::default()).unwrap();
        let settings = config.settings();
        assert_eq!(settings.len(), environment::known().len());
        let hidden: BTreeSet<&str> = settings
            .iter()
            .filter(|setting| setting.value.as_deref() == Some(HIDDEN))
            .map(|setting| setting.name.as_str())
            .collect();
        assert_eq!(hidden, BTreeSet::from(SECRET));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn a_setting_tells_who_has_said_what_it_is() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "lanes = 8\nsweep_ms = 500\n[gateway]\nheartbeat_ms = 9").unwrap();
        let flags = Flags {
            lanes: Some(16),
            ..Flags::default()
        };
        let mut config = Config::load(Some(file.path()), &flags).unwrap();
        config.audit_s = 5;
        config.gateway.heartbeat_ms = 10;
        let settings = config.settings();
        let of = |name: &str| {
            let mut named = settings.iter().filter(|setting| setting.name == name);
            let setting = named.next().unwrap();
            (setting.value.clone().unwrap(), setting.source)
        };
        assert_eq!(of("lanes"), ("16".to_owned(), SettingSource::Flag));
        assert_eq!(of("sweep_ms"), ("500".to_owned(), SettingSource::File));
        assert_eq!(
            of("listen"),
            ("127.0.0.1:8080".to_owned(), SettingSource::Default)
        );
        assert_eq!(of("audit_s"), ("5".to_owned(), SettingSource::Program));
        assert_eq!(
            of("gateway.heartbeat_ms"),
            ("10".to_owned(), SettingSource::Program)
        );
        assert_eq!(
            of("gateway.slow_ms"),
            ("20000".to_owned(), SettingSource::Default)
        );
        // The variables of a process are the same for all of its tests.
        let variables = Figment::from(("gateway.slow_ms", 20_000)).merge(("sweep_ms", 500));
        let sources = [
            (SettingSource::File, Figment::from(("sweep_ms", 400))),
            (SettingSource::Environment, variables),
        ];
        let sources = Sources::of(&config, &sources);
        for name in ["gateway.slow_ms", "sweep_ms"] {
            let value = at(&values(&config), name).clone();
            let source = sources.of_setting(name, &value, &Value::Null);
            assert_eq!(source, SettingSource::Environment, "{name}");
        }
    }
}
