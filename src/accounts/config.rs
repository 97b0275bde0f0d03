//! What can be set about accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// Settings of accounts and tokens. Every one has a default; those of the password hash are OWASP's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// The `iss` of our own tokens.
    pub issuer: String,
    /// How long an access token is valid, in seconds. Only suspension, deletion and the end of its session take it back before that.
    pub token_ttl_s: u32,
    /// How long a refresh token is valid, in seconds. Each refresh begins this time again.
    pub refresh_ttl_s: u32,
    /// How long a spent refresh token may be presented again as the same refresh repeated, in seconds, as long as no
    /// successor of it was used.
    pub refresh_grace_s: u32,
    /// Keys for our own tokens, the first of which signs. Without any, keys live in the database, where the first
    /// node makes one.
    pub signing_keys: Vec<SigningKey>,
    /// How old the newest key in the database may get before another one takes over, in seconds.
    pub signing_key_age_s: u32,
    pub password_hash: PasswordHashConfig,
    pub limits: AuthLimits,
    /// Whether somebody else may take the username of an account that is deleted. Otherwise nobody ever has it again.
    pub free_deleted_names: bool,
    /// How many proxies in front of this server append to `X-Forwarded-For`. With 0 the header is not believed.
    pub trusted_proxies: usize,
    /// Outside issuers whose tokens are accepted.
    pub issuers: Vec<OutsideIssuer>,
    /// The longest wait for an answer of the database, the log or an outside issuer, in milliseconds.
    pub timeout_ms: u64,
}

/// A key for our own tokens.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// Names the key in the tokens' headers.
    pub kid: String,
    /// At least 32 bytes.
    pub secret: Secret,
}

/// A text that is never printed, nor written when settings are.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

/// The cost of Argon2id, and how much of it is done at a time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordHashConfig {
    /// What a password hash takes of memory, in KiB.
    pub memory_kib: u32,
    /// How often a password hash goes over its memory.
    pub passes: u32,
    /// Lanes of a password hash, of which each could be a processor's.
    pub lanes: u32,
    /// Hashes that are computed at the same time; 0 means half of the cores, so that messages have the others.
    pub concurrency: usize,
    /// Hashes that wait for their turn; beyond that, requests are answered `overloaded`.
    pub queue: usize,
}

/// How guessing and floods are slowed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthLimits {
    /// Registrations from one address each second in the long run.
    pub registrations_per_s: u32,
    /// Registrations from one address at once.
    pub registrations_burst: u32,
    /// Logins, and refreshes, from one address each second in the long run.
    pub requests_per_s: u32,
    /// Logins, and refreshes, from one address at once.
    pub requests_burst: u32,
    /// Failed logins and refreshes from one address at once.
    pub address_failures: u32,
    /// The milliseconds that earn an address another failed login or refresh.
    pub address_failure_ms: u64,
    /// Failed logins of one username from one address that have no consequence.
    pub name_failures: u32,
    /// Failed logins of one username from all addresses together that have no consequence.
    pub name_failures_everywhere: u32,
    /// The delay after the next failed login of a username, in milliseconds; it doubles with each up to the longest.
    pub name_delay_ms: u64,
    /// The longest delay after a failed login of a username, in milliseconds.
    pub name_delay_ms_max: u64,
}

/// An issuer of tokens outside of this server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideIssuer {
    /// What its tokens say as `iss`.
    pub issuer: String,
    /// Where its public keys are, over HTTPS; over HTTP on this machine alone.
    pub jwks_url: String,
    /// What its tokens must hold in `aud`. Without it, any audience is accepted, which is right only for an issuer
    /// that serves nobody else.
    #[serde(default)]
    pub audience: Option<String>,
    /// The shortest time between two looks for a key that a token names and that is not known, in seconds.
    #[serde(default = "refresh_s")]
    pub refresh_s: u32,
}

fn refresh_s() -> u32 {
    30
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            issuer: "tidings".to_owned(),
            token_ttl_s: 60 * 60,
            refresh_ttl_s: 30 * 24 * 60 * 60,
            refresh_grace_s: 30,
            signing_keys: Vec::new(),
            signing_key_age_s: 90 * 24 * 60 * 60,
            password_hash: PasswordHashConfig::default(),
            limits: AuthLimits::default(),
            free_deleted_names: false,
            trusted_proxies: 0,
            issuers: Vec::new(),
            timeout_ms: 5_000,
        }
    }
}

impl Default for PasswordHashConfig {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
            concurrency: 0,
            queue: 1000,
        }
    }
}

impl Default for AuthLimits {
    fn default() -> Self {
        Self {
            registrations_per_s: 5,
            registrations_burst: 200,
            requests_per_s: 100,
            requests_burst: 2000,
            address_failures: 100,
            address_failure_ms: 1000,
            name_failures: 5,
            name_failures_everywhere: 100,
            name_delay_ms: 1000,
            name_delay_ms_max: 5 * 60 * 1000,
        }
    }
}

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[secret]")
    }
}
