//! A bucket that files are kept in, at Amazon or at whatever speaks S3.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest object that a bucket copies in one go, in bytes.
pub(super) const FILE_BYTES_MAX: u64 = 5 << 30;

/// Settings of a bucket. It has no `Debug`: one of them is a secret.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The bucket, which is there already. Without one files are kept in the folder.
    pub bucket: Option<String>,
    /// The region; without one, what the variable `AWS_REGION` says, or `us-east-1`.
    pub region: Option<String>,
    /// `https://host:port`, where it is not Amazon. `http://` is for networks that nobody else is on.
    pub endpoint: Option<String>,
    /// What the names of all objects begin with, so that a bucket can be shared.
    pub prefix: Option<String>,
    /// Who the node is. Without it, what the environment says as Amazon's tools have it: variables, or the role of the machine.
    pub access_key_id: Option<String>,
    /// By which the node proves who it is, together with its id.
    pub secret_access_key: Option<String>,
}

impl S3Config {
    /// What is wrong with it, if something is.
    pub(super) fn check(&self) -> Option<&'static str> {
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return Some(
                "`attachments.s3.access_key_id` and `attachments.s3.secret_access_key` belong together",
            );
        }
        let is_address = |endpoint: &String| {
            ["http://", "https://"]
                .iter()
                .any(|scheme| endpoint.starts_with(scheme))
        };
        if !self.endpoint.iter().all(is_address) {
            return Some("`attachments.s3.endpoint` must begin with `https://` or `http://`");
        }
        let others = [&self.region, &self.endpoint, &self.prefix, &self.access_key_id];
        if self.bucket.is_none() && others.iter().any(|setting| setting.is_some()) {
            return Some("`attachments.s3` needs `attachments.s3.bucket`");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_and_keys_come_in_pairs() {
        let named = S3Config {
            bucket: Some("files".to_owned()),
            ..S3Config::default()
        };
        let some = || Some("x".to_owned());
        assert!(named.check().is_none() && S3Config::default().check().is_none());
        for wrong in [
            S3Config {
                access_key_id: some(),
                ..named.clone()
            },
            S3Config {
                secret_access_key: some(),
                ..named.clone()
            },
            S3Config {
                endpoint: some(),
                ..named.clone()
            },
            S3Config {
                region: some(),
                ..S3Config::default()
            },
        ] {
            assert!(wrong.check().is_some());
        }
    }
}
