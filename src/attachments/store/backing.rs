//! What the store stands on: a folder, or a bucket.

use super::StoreError;
use crate::attachments::config::AttachmentConfig;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a connection to a bucket may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a request is sent again that a bucket did not answer, or answered with trouble of its own.
const RETRIES: usize = 3;

/// Everything lies below the log's id: logs that share a folder or a bucket, as homes do, never meet.
pub(super) async fn open(
    config: &AttachmentConfig,
    log_id: Uuid,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let config = config.clone();
    // Folders are made, and certificates read.
    let opening = tokio::task::spawn_blocking(move || -> Result<Arc<dyn ObjectStore>, StoreError> {
        match &config.s3.bucket {
            Some(bucket) => bucket_of(&config, bucket, log_id),
            None => folder_of(&config, log_id),
        }
    });
    opening.await.map_err(|_| StoreError::Late)?
}

fn folder_of(config: &AttachmentConfig, log_id: Uuid) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let opened = std::fs::create_dir_all(&config.folder)
        .and_then(|()| LocalFileSystem::new_with_prefix(&config.folder).map_err(std::io::Error::other));
    let opened = opened.map_err(|error| StoreError::Failed(format!("the folder: {}", error.kind())))?;
    // What was acknowledged survives a loss of power.
    let opened = opened.with_fsync(true);
    Ok(Arc::new(PrefixStore::new(opened, log_id.to_string())))
}

fn bucket_of(
    config: &AttachmentConfig,
    bucket: &str,
    log_id: Uuid,
) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let s3 = &config.s3;
    // A request that takes long is none that stands still: whoever makes one bounds each step of it.
    let client = ClientOptions::new()
        .with_connect_timeout(CONNECT)
        .with_timeout_disabled()
        .with_read_timeout(config.stalled());
    let retry = RetryConfig {
        max_retries: RETRIES,
        retry_timeout: config.stalled(),
        ..RetryConfig::default()
    };
    let named = match (&s3.access_key_id, &s3.secret_access_key) {
        (Some(id), Some(secret)) => {
            let keys = AmazonS3Builder::new()
                .with_access_key_id(id)
                .with_secret_access_key(secret);
            // The environment's keys belong to somebody else, and its region does not.
            match std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION")) {
                Ok(region) => keys.with_region(region),
                Err(_) => keys,
            }
        }
        _ => AmazonS3Builder::from_env(),
    };
    let mut builder = named
        .with_client_options(client)
        .with_retry(retry)
        .with_bucket_name(bucket);
    if let Some(region) = &s3.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &s3.endpoint {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"));
    }
    // An error's text may hold a key.
    let opened = builder
        .build()
        .map_err(|_| StoreError::Failed("the bucket's settings".to_owned()))?;
    let prefix = s3.prefix.as_deref().unwrap_or_default().trim_matches('/');
    let place = match prefix {
        "" => log_id.to_string(),
        prefix => format!("{prefix}/{log_id}"),
    };
    Ok(Arc::new(PrefixStore::new(opened, place)))
}
