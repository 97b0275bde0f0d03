//! Where the bytes are: a folder or a bucket, in which files of a log with the same bytes are one.
//!
//! `aa/bb/<sha256>` holds what is stored, `incoming/` what is on its way, `doubtful/` the names of bytes of which it is not known
//! whether somebody has stored them, and `leaving/` bytes that are about to go.

mod backing;

use super::config::AttachmentConfig;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload,
};
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use uuid::Uuid;

/// Objects whose names one page of a folder of the store has.
const LISTED: usize = 1000;

/// Why the store did not do what it was asked. What exactly is wrong stands in the log, where it is told once.
#[derive(Debug, Error)]
pub(super) enum StoreError {
    #[error("there is no such object")]
    Missing,
    #[error("the store cannot be used: {0}")]
    Failed(String),
    #[error("the store did not answer in time")]
    Late,
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            // An error's text may hold an address with a key in it.
            error => Self::Failed(kind(&error).to_owned()),
        }
    }
}

fn kind(error: &object_store::Error) -> &'static str {
    match error {
        object_store::Error::PermissionDenied { .. } => "permission denied",
        object_store::Error::Unauthenticated { .. } => "the credentials are not accepted",
        object_store::Error::NotSupported { .. } | object_store::Error::NotImplemented { .. } => {
            "it lacks an operation"
        }
        object_store::Error::InvalidPath { .. } => "a name is not valid",
        _ => "it failed",
    }
}

/// The bytes of an object, a chunk at a time.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, StoreError>>;

/// The store. Cheap to clone.
#[derive(Clone)]
pub(super) struct Store {
    config: Arc<AttachmentConfig>,
    log_id: Uuid,
    opened: Arc<OnceCell<Arc<dyn ObjectStore>>>,
}

impl Store {
    pub(super) fn new(config: Arc<AttachmentConfig>, log_id: Uuid) -> Self {
        Self {
            config,
            log_id,
            opened: Arc::default(),
        }
    }

    /// Whether there may be anything in it: a folder is made when the first file comes, and not to look for old ones.
    pub(super) async fn is_begun(&self) -> bool {
        self.config.s3.bucket.is_some() || tokio::fs::metadata(&self.config.folder).await.is_ok()
    }

    async fn opened(&self) -> Result<&Arc<dyn ObjectStore>, StoreError> {
        self.opened
            .get_or_try_init(|| backing::open(&self.config, self.log_id))
            .await
    }

    /// What stands still longer is given up.
    fn patience(&self) -> Duration {
        self.config.stalled()
    }

    async fn bounded<T>(
        &self,
        work: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T, StoreError> {
        let done = timeout(self.patience(), work).await;
        Ok(done.map_err(|_| StoreError::Late)??)
    }

    pub(super) async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), StoreError> {
        let store = self.opened().await?;
        self.bounded(store.put(path, PutPayload::from(bytes))).await?;
        Ok(())
    }

    /// Begins to write an object in parts.
    pub(super) async fn begin(&self, path: &Path) -> Result<Parts, StoreError> {
        let store = self.opened().await?;
        Ok(Parts {
            upload: self.bounded(store.put_multipart(path)).await?,
            patience: self.patience(),
        })
    }

    pub(super) async fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let store = self.opened().await?;
        self.bounded(store.rename(from, to)).await
    }

    /// Removes an object. One that is not there is gone already.
    pub(super) async fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let store = self.opened().await?;
        match self.bounded(store.delete(path)).await {
            Err(StoreError::Missing) => Ok(()),
            removed => removed,
        }
    }

    pub(super) async fn has(&self, path: &Path) -> Result<bool, StoreError> {
        Ok(self.written(path).await?.is_some())
    }

    /// When an object was last written, if it is there.
    pub(super) async fn written(&self, path: &Path) -> Result<Option<DateTime<Utc>>, StoreError> {
        let store = self.opened().await?;
        match self.bounded(store.head(path)).await {
            Ok(found) => Ok(Some(found.last_modified)),
            Err(StoreError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Some bytes of an object, as they come.
    pub(super) async fn read(&self, path: &Path, range: Range<u64>) -> Result<Chunks, StoreError> {
        let store = self.opened().await?;
        let options = GetOptions {
            range: (!range.is_empty()).then_some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let found = self.bounded(store.get_opts(path, options)).await?;
        let (chunks, patience) = (found.into_stream(), self.patience());
        let bounded = futures_util::stream::unfold(Some(chunks), move |chunks| async move {
            let mut chunks = chunks?;
            match timeout(patience, chunks.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
                Ok(Some(Err(error))) => Some((Err(error.into()), None)),
                Err(_) => Some((Err(StoreError::Late), None)),
            }
        });
        Ok(bounded.boxed())
    }

    /// The names below a folder of the store of what was last written before a moment.
    pub(super) async fn list(
        &self,
        folder: &'static str,
        before: DateTime<Utc>,
    ) -> Result<Names, StoreError> {
        let objects = self.opened().await?.list(Some(&Path::from(folder)));
        Ok(Names {
            objects: objects.fuse().boxed(),
            folder,
            before,
            patience: self.patience(),
        })
    }
}

/// Names of objects, a page at a time: however many of them stay where they are, all are looked at.
pub(super) struct Names {
    objects: BoxStream<'static, object_store::Result<ObjectMeta>>,
    folder: &'static str,
    before: DateTime<Utc>,
    patience: Duration,
}

impl Names {
    /// The next ones, or `None` behind the last.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<String>>, StoreError> {
        let mut found = vec![];
        while found.len() < LISTED {
            let object = timeout(self.patience, self.objects.next())
                .await
                .map_err(|_| StoreError::Late)?;
            let Some(object) = object.transpose()? else { break };
            if object.last_modified >= self.before {
                continue;
            }
            let name = object.location.as_ref().strip_prefix(self.folder);
            found.extend(name.map(|name| name.trim_start_matches('/').to_owned()));
        }
        Ok((!found.is_empty()).then_some(found))
    }
}

/// An object that is being written. Dropped before it is complete, it is none, but its parts stay in a bucket: whoever gives it up says so.
pub(super) struct Parts {
    upload: Box<dyn MultipartUpload>,
    patience: Duration,
}

impl Parts {
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let part = self.upload.put_part(PutPayload::from(bytes));
        Ok(timeout(self.patience, part)
            .await
            .map_err(|_| StoreError::Late)??)
    }

    pub(super) async fn complete(&mut self) -> Result<(), StoreError> {
        let done = timeout(self.patience, self.upload.complete()).await;
        done.map_err(|_| StoreError::Late)??;
        Ok(())
    }

    pub(super) async fn abandon(mut self) {
        let done = timeout(self.patience, self.upload.abort()).await;
        if !matches!(done, Ok(Ok(()))) {
            tracing::debug!("an upload that was given up could not be cleaned up");
        }
    }
}

/// Where bytes with this checksum, in hexadecimal, are kept.
pub(super) fn kept(sha256: &str) -> Path {
    let part = |range: Range<usize>| sha256.get(range).unwrap_or("--");
    Path::from(format!("{}/{}/{sha256}", part(0..2), part(2..4)))
}

pub(super) fn incoming(name: impl std::fmt::Display) -> Path {
    Path::from(format!("incoming/{name}"))
}

pub(super) fn doubtful(sha256: &str) -> Path {
    Path::from(format!("doubtful/{sha256}"))
}

/// Where a picture's thumbnail is kept, of `size` pixels.
pub(super) fn thumbnail(sha256: &str, size: u32) -> Path {
    Path::from(format!("thumbnails/{sha256}-{size}"))
}

pub(super) fn leaving(name: &str) -> Path {
    Path::from(format!("leaving/{name}"))
}
