//! Where files are kept, and how many there may be.

mod s3;

pub use s3::S3Config;

use crate::rates::LEAST_RATE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use tidings_domain::Quota;

/// Settings of attachments.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AttachmentConfig {
    /// The folder that files are kept in, in one of its own for each log. All nodes see the same one. It is made when the first file comes.
    pub folder: PathBuf,
    /// A bucket in place of the folder.
    pub s3: S3Config,
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// What one user may have stored at a time, in bytes.
    pub user_bytes: u64,
    /// How many files one user may have stored at a time.
    pub user_files: u64,
    /// For how many seconds after a file was stored messages may begin to show it. What no message shows then is removed within an
    /// hour or two; what the last message showed that was recalled, within some hours.
    pub attach_window_s: u32,
    /// How often files that no message shows are looked for, in seconds.
    pub clean_up_s: u64,
    /// Uploads at once, of this node; more are `overloaded`.
    pub uploads: usize,
    /// Uploads of one user at once; more are `rate_limited`.
    pub uploads_per_user: usize,
    /// Uploads that a user may begin each minute in the long run, at all nodes; more are `rate_limited`.
    pub uploads_per_minute: u32,
    /// Uploads that a user may begin one after the other after a quiet while.
    pub uploads_burst: u32,
    /// Downloads at once, of this node; more are `overloaded`.
    pub downloads: usize,
    /// Downloads of one user at once; more are `rate_limited`.
    pub downloads_per_user: usize,
    /// How long an upload or the store may stand still, in milliseconds.
    pub stalled_ms: u64,
    /// How long one upload may take in all, in seconds.
    pub upload_s: u64,
    /// For how many seconds a resumable upload is kept that nobody goes on with.
    pub resumable_s: u32,
    /// Who looks at files before they are stored: nobody (`none`), a `clamd`, or a server at a `url` that is sent the bytes and answers 200
    /// for harmless and 422 for harmful ones.
    pub scan: Scan,
    /// Where those are who look at files: `host:port` of a `clamd`, or a URL.
    pub scan_address: Option<String>,
    /// Whether files are refused while nobody can look at them.
    pub scan_required: bool,
    /// Pictures are made smaller by this many processes at once; 0 for no thumbnails.
    pub thumbnailers: usize,
    /// The program that they run, as `… thumbnail --size 480`; without it, this one.
    pub thumbnailer: Option<PathBuf>,
    /// How long one picture may take them, in milliseconds.
    pub thumbnail_ms: u64,
}

/// Who looks at files before they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scan {
    None,
    Clamd,
    Url,
}

impl Default for AttachmentConfig {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("attachments"),
            s3: S3Config::default(),
            file_bytes: 32 << 20,
            user_bytes: 1 << 30,
            user_files: 10_000,
            attach_window_s: 24 * 60 * 60,
            clean_up_s: 600,
            uploads: 16,
            uploads_per_user: 4,
            uploads_per_minute: 60,
            uploads_burst: 500,
            downloads: 256,
            downloads_per_user: 32,
            stalled_ms: 20_000,
            upload_s: 600,
            resumable_s: 24 * 60 * 60,
            scan: Scan::None,
            scan_address: None,
            scan_required: true,
            thumbnailers: 1,
            thumbnailer: None,
            thumbnail_ms: 10_000,
        }
    }
}

impl AttachmentConfig {
    /// What is wrong with it, if something is.
    pub fn check(&self) -> Option<&'static str> {
        if [self.file_bytes, self.clean_up_s, self.stalled_ms, self.upload_s].contains(&0)
            || [self.uploads, self.uploads_per_user].contains(&0)
            || [self.downloads, self.downloads_per_user].contains(&0)
        {
            return Some(
                "`attachments.file_bytes`, `clean_up_s`, `stalled_ms`, `upload_s`, `uploads`, `uploads_per_user`, `downloads` and `downloads_per_user` must be at least 1",
            );
        }
        if [self.uploads_per_minute, self.uploads_burst].contains(&0) {
            return Some("`attachments.uploads_per_minute` and `uploads_burst` must be at least 1");
        }
        if self.thumbnail_ms == 0 {
            return Some("`attachments.thumbnail_ms` must be at least 1");
        }
        if self.attach_window_s < 60 || self.resumable_s < 60 {
            return Some("`attachments.attach_window_s` and `resumable_s` must be at least 60");
        }
        if self.scan != Scan::None && self.scan_address.is_none() {
            return Some("`attachments.scan` needs `attachments.scan_address`");
        }
        if self.s3.bucket.is_some() && self.file_bytes > s3::FILE_BYTES_MAX {
            return Some("`attachments.file_bytes` must be at most 5 GiB where files are in a bucket");
        }
        self.s3.check()
    }

    pub(super) fn quota(&self) -> Quota {
        Quota {
            bytes: self.user_bytes,
            files: self.user_files,
        }
    }

    pub(super) fn stalled(&self) -> Duration {
        Duration::from_millis(self.stalled_ms)
    }

    /// In how many seconds a file that comes in one go is stored or not: as long as an upload may take, and as long again to look at it and put
    /// it away.
    pub(super) fn comes_within_s(&self) -> i64 {
        i64::from(u32::try_from(self.upload_s.saturating_mul(2)).unwrap_or(u32::MAX))
    }

    /// Whether a body of which so many bytes have come since it began has had its time: as long as an upload may take, and less where
    /// it holds its place for a few bytes now and then.
    pub(super) fn is_over(&self, elapsed: Duration, bytes: u64) -> bool {
        let counted = elapsed.saturating_sub(2 * self.stalled());
        elapsed >= Duration::from_secs(self.upload_s) || bytes < LEAST_RATE.saturating_mul(counted.as_secs())
    }
}
